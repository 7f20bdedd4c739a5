//! Parity with the reference implementation, and a short training, on every backend that is
//! compiled in and has hardware: one trial for each fixture and backend.
//!
//! `cargo test parity` runs the fixtures of this repository. With `DENDRITE_FIXTURES=FOLDER` it
//! runs every `*.json` of that folder too, recordings of the reference or fixtures in our own
//! format; one that we cannot represent fails. With `DENDRITE_PARITY_VERBOSE` set, the largest
//! relative error of each fixture goes to stderr. With `DENDRITE_TEST_DEVICES=flex,wgpu` these
//! backends must be there, and no others are visited.

mod backend;
mod check;
mod compare;
mod fixture;
#[cfg(feature = "gpu")]
mod launches;
mod maps;
mod memory;
mod quantities;
mod reference;
mod training;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use crate::{
    backend::{Backend, beside_others},
    fixture::Fixture,
};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = match Backend::all() {
        Ok(backends) => backends.iter().flat_map(backend_trials).collect(),
        Err(problem) => vec![failed("parity::backends".to_owned(), problem)],
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// All that is checked of a backend.
fn backend_trials(backend: &Backend) -> Vec<Trial> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut trials = fixture_trials("parity", &own, backend);
    if let Some(folder) = env::var_os("DENDRITE_FIXTURES") {
        trials.extend(fixture_trials(
            "parity::external",
            Path::new(&folder),
            backend,
        ));
    }
    trials.extend(training::PRESETS.map(|preset| {
        let backend = backend.clone();
        let name = format!("training::{}::{preset}", backend.name);
        Trial::test(name.clone(), move || {
            let _beside = beside_others();
            report(&name, training::check(preset, &backend))
        })
    }));
    let (name, of_maps) = (format!("maps::{}", backend.name), backend.clone());
    trials.push(Trial::test(name.clone(), move || {
        let _beside = beside_others();
        report(&name, maps::check(&of_maps))
    }));
    #[cfg(feature = "gpu")]
    if backend.name.launches_kernels() {
        trials.extend(launches::NETWORKS.map(|network| {
            let backend = backend.clone();
            let name = format!("launches::{}::{}", backend.name, network.name);
            Trial::test(name.clone(), move || {
                report(&name, launches::check(network, &backend))
            })
        }));
    }
    trials
}

/// A trial for each fixture of a folder; one that fails where there are none.
fn fixture_trials(prefix: &str, folder: &Path, backend: &Backend) -> Vec<Trial> {
    let prefix = format!("{prefix}::{}", backend.name);
    let problem = match fixtures(folder) {
        Ok(files) if !files.is_empty() => {
            let trial = |(name, file): (String, PathBuf)| {
                let backend = backend.clone();
                let name = format!("{prefix}::{name}");
                Trial::test(name.clone(), move || {
                    let _beside = beside_others();
                    let outcome = read(&file);
                    report(
                        &name,
                        outcome.and_then(|fixture| check::check(&fixture, &backend)),
                    )
                })
            };
            return files.into_iter().map(trial).collect();
        }
        Ok(_) => "holds no `*.json`".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!("the folder of fixtures {}: {problem}", folder.display());
    vec![failed(format!("{prefix}::fixtures"), message)]
}

/// A trial that fails.
fn failed(name: String, message: String) -> Trial {
    Trial::test(name, || Err(Failed::from(message)))
}

/// Names and files of all fixtures of a folder, in order.
fn fixtures(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let file = entry?.path();
        if let (Some(name), Some("json")) = (
            file.file_stem(),
            file.extension().and_then(|extension| extension.to_str()),
        ) {
            found.push((name.to_string_lossy().into_owned(), file));
        }
    }
    found.sort();
    Ok(found)
}

/// The result of a trial; what it measured goes to stderr where that is wanted.
fn report(name: &str, outcome: Result<String, String>) -> Result<(), Failed> {
    let summary = outcome.map_err(|problem| format!("{name}: {problem}"))?;
    if env::var_os("DENDRITE_PARITY_VERBOSE").is_some() {
        // One write, because trials run side by side.
        let line = format!("{name}: {summary}\n");
        eprint!("{line}");
    }
    Ok(())
}

/// Reads a fixture in either format.
fn read(file: &Path) -> Result<Fixture, String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let value: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    if value.get("layer_config").is_some() {
        reference::from_json(&text)
    } else {
        // From the text again: a `Value` would round each number twice.
        serde_json::from_str(&text).map_err(|error| error.to_string())
    }
}
