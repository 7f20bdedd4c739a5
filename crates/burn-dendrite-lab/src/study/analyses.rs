//! The analyses of a study's runs.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use burn_dendrite_train::run::RunError;
use serde::Deserialize;

use super::TrainingOptions;
use crate::analysis::{Analysis, Metric};

/// The part of `analysis.json` that is needed here.
#[derive(Deserialize)]
struct AnalysisFile {
    analysis: Analysis,
}

/// What is measured: everything but the loss landscape, which takes as long as all the rest.
fn metrics() -> impl Iterator<Item = &'static Metric> {
    (Metric::ALL.iter()).filter(|metric| **metric != Metric::LossLandscape)
}

fn file(run: &Path) -> PathBuf {
    run.join("analysis").join("analysis.json")
}

/// The analysis of a run, if it has been made.
///
/// # Errors
///
/// If the file cannot be read or understood.
pub fn analysis(run: &Path) -> Result<Option<Analysis>, RunError> {
    let file = file(run);
    match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RunError::Io { file, error }),
        Ok(text) => serde_json::from_str::<AnalysisFile>(&text)
            .map(|it| Some(it.analysis))
            .map_err(|error| RunError::Invalid {
                file,
                message: error.to_string(),
            }),
    }
}

/// Whether a run has been analysed.
pub(super) fn is_analyzed(run: &Path) -> bool {
    file(run).is_file()
}

/// The arguments that analyse a run on so many samples of the test set.
pub(super) fn analyze(run: &Path, samples: usize, options: &TrainingOptions) -> Vec<OsString> {
    let names: Vec<&str> = metrics().map(|metric| metric.as_str()).collect();
    let mut arguments: Vec<OsString> = vec!["analyze".into(), run.into()];
    arguments.extend(["--metric".into(), names.join(",").into()]);
    arguments.extend(["--samples".into(), samples.to_string().into()]);
    arguments.push("--quiet".into());
    options.extend(&mut arguments);
    arguments
}
