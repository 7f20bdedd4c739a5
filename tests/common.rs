//! Small networks and short runs for the tests.

use std::process::Command;

use burn_dendrite::train::{ExperimentSpec, presets, set::set};

/// The `dendrite` binary of this build, on flex whatever is compiled in, and away from the
/// environment of whoever runs the tests.
pub(crate) fn dendrite() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dendrite"));
    command
        .env("BURN_DEVICE", "flex")
        .env_remove("RUST_BACKTRACE");
    command
}

/// Overrides that make a preset's hidden layers small.
pub(crate) fn small(preset: &str) -> Vec<String> {
    let spec = presets::load(preset).unwrap();
    let hidden = spec
        .network
        .populations
        .iter()
        .filter(|it| it.name.layer().starts_with('H'));
    hidden
        .map(|it| {
            let size = if it.name.population() == "E" { 24 } else { 6 };
            format!("network.population[{}].size={size}", it.name)
        })
        .collect()
}

/// A preset with small hidden layers and the given further overrides.
pub(crate) fn small_spec(preset: &str, overrides: &[&str]) -> ExperimentSpec {
    let mut value = serde_json::to_value(presets::load(preset).unwrap()).unwrap();
    for expression in small(preset) {
        set(&mut value, &expression).unwrap();
    }
    for expression in overrides {
        set(&mut value, expression).unwrap();
    }
    ExperimentSpec::from_value(value).unwrap()
}
