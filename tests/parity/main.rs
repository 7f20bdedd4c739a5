//! Parity with the reference implementation: one trial a fixture.
//!
//! `cargo test parity` runs the fixtures of this repository. With `DENDRITE_FIXTURES=FOLDER` it
//! runs every `*.json` of that folder too, recordings of the reference or fixtures in our own
//! format; one that we cannot represent fails. With `DENDRITE_PARITY_VERBOSE` set, the largest
//! relative error of each fixture goes to stderr.

mod check;
mod compare;
mod fixture;
mod fused;
mod quantities;
mod reference;

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use crate::fixture::Fixture;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut trials = trials("parity", &own);
    if let Some(folder) = env::var_os("DENDRITE_FIXTURES") {
        trials.extend(self::trials("parity::external", Path::new(&folder)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A trial for each fixture of a folder; one that fails where there are none.
fn trials(prefix: &str, folder: &Path) -> Vec<Trial> {
    let problem = match fixtures(folder) {
        Ok(files) if !files.is_empty() => {
            let trial = |(name, file): (String, PathBuf)| {
                Trial::test(format!("{prefix}::{name}"), move || run(&name, &file))
            };
            return files.into_iter().map(trial).collect();
        }
        Ok(_) => "holds no `*.json`".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!("the folder of fixtures {}: {problem}", folder.display());
    vec![Trial::test(format!("{prefix}::fixtures"), || {
        Err(Failed::from(message))
    })]
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

fn run(name: &str, file: &Path) -> Result<(), Failed> {
    let outcome = read(file).and_then(|fixture| check::check(&fixture));
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
