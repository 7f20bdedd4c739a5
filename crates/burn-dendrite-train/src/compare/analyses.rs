//! The analyses of a comparison's runs as tasks.

use std::{
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{
    analysis::{Analysis, Metric},
    run::{self, RunError},
    study::{Study, Task, TrainingOptions},
};

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

/// The analyses that have not been made, each on so many samples of the test set.
pub fn analyses(study: &Study, options: &TrainingOptions, samples: usize) -> Vec<Task> {
    let mut tasks = Vec::new();
    for (spec, seed) in study.runs() {
        let run = study.run_folder(&spec.name, seed);
        // Of a run that diverged there is nothing to analyse; one whose file cannot be read is
        // reported by the analysis.
        let diverged = run::divergence(&run).is_ok_and(|it| it.is_some());
        if file(&run).is_file() || diverged {
            continue;
        }
        let names: Vec<&str> = metrics().map(|metric| metric.as_str()).collect();
        let mut arguments: Vec<OsString> = vec!["analyze".into(), run.into()];
        arguments.extend(["--metric".into(), names.join(",").into()]);
        arguments.extend(["--samples".into(), samples.to_string().into()]);
        arguments.extend(["--quiet".into(), "--device".into()]);
        arguments.push(options.device.to_string().into());
        if let Some(folder) = &options.data_dir {
            arguments.extend(["--data-dir".into(), folder.into()]);
        }
        tasks.push(Task {
            label: format!("{} seed {seed}", spec.name),
            arguments,
            work: 1,
            done: Box::new(|| 0),
            result: Box::new(|| "analysed".to_owned()),
            outcome: Box::new(|| None),
        });
    }
    tasks
}
