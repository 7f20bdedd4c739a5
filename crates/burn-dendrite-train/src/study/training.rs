//! The trainings of a study as tasks.

use std::{ffi::OsString, fs, path::Path, path::PathBuf};

use super::{Study, StudyError, Task};
use crate::{
    DeviceName, ExperimentSpec,
    run::{self, RunError},
};

/// Where the trainings of a study run.
#[derive(Clone, Debug)]
pub struct TrainingOptions {
    /// The device.
    pub device: DeviceName,
    /// The folder with the files of the data set.
    pub data_dir: Option<PathBuf>,
}

/// What is still to be trained.
pub struct Training {
    /// The runs that have not come to their end.
    pub tasks: Vec<Task>,
    /// How many have.
    pub finished: usize,
}

impl Training {
    /// The trainings of a study: a run that came to its end, or diverged, is left as it is, one that
    /// was cut off goes on from its last checkpoint, the others begin.
    ///
    /// # Errors
    ///
    /// If a run folder cannot be read.
    pub fn of(study: &Study, options: &TrainingOptions) -> Result<Self, StudyError> {
        let mut training = Self {
            tasks: Vec::new(),
            finished: 0,
        };
        for (spec, seed) in study.runs() {
            let folder = study.run_folder(&spec.name, seed);
            if run::summary(&folder)?.is_some() || run::divergence(&folder)?.is_some() {
                training.finished += 1;
                continue;
            }
            let mut arguments = match run::load(&folder) {
                Ok(_) => vec!["train".into(), "--resume".into(), folder.clone().into()],
                Err(RunError::NotARun { .. }) => {
                    clear_unborn(&folder)?;
                    begin(study, spec, seed)
                }
                Err(error) => return Err(error.into()),
            };
            arguments.extend(["--quiet".into(), "--device".into()]);
            arguments.push(options.device.to_string().into());
            if let Some(folder) = &options.data_dir {
                arguments.extend(["--data-dir".into(), folder.into()]);
            }
            let (progress, result, outcome) = (folder.clone(), folder.clone(), folder);
            training.tasks.push(Task {
                label: format!("{} seed {seed}", spec.name),
                arguments,
                work: study.plan.samples_per_run(spec) as u64,
                done: Box::new(move || samples_seen(&progress)),
                result: Box::new(move || accuracy(&result)),
                outcome: Box::new(move || diverged(&outcome)),
            });
        }
        Ok(training)
    }
}

/// The arguments that begin a run.
fn begin(study: &Study, spec: &ExperimentSpec, seed: u64) -> Vec<OsString> {
    let (plan, network) = (&study.plan, &spec.name);
    let budget = plan.budget(spec);
    let mut arguments: Vec<OsString> = vec!["train".into()];
    arguments.extend(["--spec".into(), study.spec_file(network).into()]);
    arguments.extend(["--out".into(), study.run_folder(network, seed).into()]);
    for (flag, value) in [
        ("--dataset", plan.dataset.to_string()),
        ("--samples", plan.samples.to_string()),
        ("--epochs", budget.epochs.to_string()),
        ("--batch-size", budget.batch_size.to_string()),
        ("--validate-every", plan.validate_every(spec).to_string()),
        ("--seed", seed.to_string()),
    ] {
        arguments.extend([flag.into(), value.into()]);
    }
    for perturbation in plan.perturb.get(network).into_iter().flatten() {
        arguments.extend(["--perturb".into(), perturbation.to_string().into()]);
    }
    arguments
}

/// Training samples up to the last validation.
fn samples_seen(folder: &Path) -> u64 {
    let records = run::records(folder).unwrap_or_default();
    records.last().map_or(0, |record| record.samples as u64)
}

fn accuracy(folder: &Path) -> String {
    match run::summary(folder) {
        Ok(Some(summary)) => format!(
            "test accuracy {:.2} %, {:.0} samples/s",
            100.0 * summary.test_accuracy,
            summary.samples_per_second
        ),
        _ => "no summary".to_owned(),
    }
}

/// Where it diverged, if it did.
fn diverged(folder: &Path) -> Option<String> {
    let divergence = run::divergence(folder).ok().flatten()?;
    Some(format!("diverged {divergence}"))
}

/// Removes what a process left that was killed while it made its run folder, before it had written
/// what the run is to do. Anything else in the folder is left to `dendrite train`, which refuses it.
fn clear_unborn(folder: &Path) -> Result<(), StudyError> {
    let wrong = |error| RunError::Io {
        file: folder.to_owned(),
        error,
    };
    if !folder.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name();
        let begun = name == ".lock" || name == "run.toml" || name == "checkpoint";
        let checkpoints = entry.path().read_dir();
        if !begun || checkpoints.is_ok_and(|mut entries| entries.next().is_some()) {
            return Ok(());
        }
    }
    Ok(fs::remove_dir_all(folder).map_err(wrong)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::DatasetName,
        presets,
        run::{RunFolder, RunSettings},
        study::{Purpose, StudyPlan},
    };

    fn study(out: &Path) -> (Study, ExperimentSpec) {
        let spec = presets::load("mnist-backprop-ann").unwrap();
        let plan = StudyPlan {
            purpose: Purpose::Comparison,
            dataset: DatasetName::MnistMini.into(),
            data: Default::default(),
            samples: 40,
            epochs: Some(2),
            batch_size: Some(4),
            validate_every: Some(20),
            seeds: 2,
            analysis_samples: 0,
            networks: vec![spec.name.clone()],
            version: String::new(),
            perturb: Default::default(),
        };
        let specs = vec![spec.clone()];
        let out = out.to_owned();
        (Study { out, plan, specs }, spec)
    }

    fn arguments(task: &Task) -> String {
        let words = task.arguments.iter().map(|it| it.to_string_lossy());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn runs_begin_go_on_or_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (study, spec) = study(folder.path());
        let options = TrainingOptions {
            device: DeviceName::Flex,
            data_dir: Some(PathBuf::from("files")),
        };
        let settings = RunSettings {
            preset: spec.name.clone(),
            dataset: study.plan.dataset.clone(),
            data: Default::default(),
            samples: 40,
            epochs: 2,
            batch_size: 4,
            seed: 1,
            validate_every: 20,
            patience: None,
            on_divergence: Default::default(),
            version: String::new(),
            learner: Default::default(),
            preprocessing: Default::default(),
            perturb: Vec::new(),
            probe: Vec::new(),
            start: None,
        };
        // The first was cut off after it began, the second before.
        let first = study.run_folder(&spec.name, 1);
        drop(RunFolder::create(&first, &settings, &spec).unwrap());
        let second = study.run_folder(&spec.name, 2);
        fs::create_dir_all(second.join("checkpoint")).unwrap();
        fs::write(second.join(".lock"), "").unwrap();

        let training = Training::of(&study, &options).unwrap();
        let [one, two] = &training.tasks[..] else {
            panic!("two runs are to be trained")
        };
        assert_eq!(
            arguments(one),
            format!(
                "train --resume {} --quiet --device flex --data-dir files",
                first.display()
            )
        );
        let begins = arguments(two);
        assert!(begins.contains("--epochs 2 --batch-size 4 --validate-every 20 --seed 2"));
        assert!(!second.exists() && one.work == 80 && (one.done)() == 0);

        // A file where the folder should be is nothing to train in.
        fs::write(second, "").unwrap();
        assert!(Training::of(&study, &options).is_err());
    }

    #[test]
    fn a_folder_with_anything_of_value_is_not_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        fs::create_dir_all(run.join("checkpoint")).unwrap();
        fs::write(run.join("checkpoint/model-1.bpk"), "weights").unwrap();
        clear_unborn(&run).unwrap();
        assert!(run.exists());
        fs::remove_file(run.join("checkpoint/model-1.bpk")).unwrap();
        clear_unborn(&run).unwrap();
        assert!(!run.exists());
    }
}
