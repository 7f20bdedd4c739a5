//! The runs of a study as tasks, and what is to be done for each.

use std::{ffi::OsString, fs, path::Path, path::PathBuf};

use burn_dendrite_train::{
    DeviceName, ExperimentSpec,
    lock::is_lock,
    run::{self, RunError},
};

use super::{
    Study, StudyError, StudyRun, Task,
    analyses::{analyze, is_analyzed},
};

/// Where the trainings of a study run.
#[derive(Clone, Debug)]
pub struct TrainingOptions {
    /// The device.
    pub device: DeviceName,
    /// The folder with the files of the data set.
    pub data_dir: Option<PathBuf>,
}

impl TrainingOptions {
    /// Adds them to the arguments of a command.
    pub(super) fn extend(&self, arguments: &mut Vec<OsString>) {
        arguments.extend(["--device".into(), self.device.to_string().into()]);
        if let Some(folder) = &self.data_dir {
            arguments.extend(["--data-dir".into(), folder.into()]);
        }
    }
}

/// What is still to be done of a study.
pub struct Training {
    /// The runs that have not come to their end.
    pub tasks: Vec<Task>,
    /// How many have.
    pub finished: usize,
}

impl Training {
    /// The runs of a study as tasks, each of which is a `dendrite study task`.
    ///
    /// # Errors
    ///
    /// If a run folder cannot be read.
    pub fn of(study: &Study, options: &TrainingOptions) -> Result<Self, StudyError> {
        let mut training = Self {
            tasks: Vec::new(),
            finished: 0,
        };
        for run in study.tasks()? {
            if study.is_done(run)? {
                training.finished += 1;
                continue;
            }
            let mut arguments: Vec<OsString> = vec!["study".into(), "task".into()];
            arguments.extend([study.out.clone().into(), run.number.to_string().into()]);
            arguments.push("--quiet".into());
            options.extend(&mut arguments);
            let folder = study.run_folder(&run.spec.name, run.seed);
            let result = folder.clone();
            training.tasks.push(Task {
                label: run.label(),
                arguments,
                work: study.plan.samples_per_run(run.spec) as u64,
                done: Box::new(move || samples_seen(&folder)),
                result: Box::new(move || outcome(&result)),
            });
        }
        Ok(training)
    }
}

impl Study {
    /// Whether nothing is left to do of a run: it came to its end and has been analysed, if that is
    /// wanted, or it diverged.
    ///
    /// # Errors
    ///
    /// If a file of it cannot be understood.
    pub fn is_done(&self, run: StudyRun<'_>) -> Result<bool, StudyError> {
        Ok(self.is_trained(run)? && !self.is_to_be_analyzed(run)?)
    }

    fn is_trained(&self, run: StudyRun<'_>) -> Result<bool, StudyError> {
        let folder = self.run_folder(&run.spec.name, run.seed);
        Ok(run::summary(&folder)?.is_some() || run::divergence(&folder)?.is_some())
    }

    fn is_to_be_analyzed(&self, run: StudyRun<'_>) -> Result<bool, StudyError> {
        let folder = self.run_folder(&run.spec.name, run.seed);
        let is_wanted = self.plan.analysis_samples > 0 && !is_analyzed(&folder);
        Ok(is_wanted && run::divergence(&folder)?.is_none())
    }

    /// The arguments of the next thing to do for a run, which this process has claimed: a run that
    /// was cut off goes on from its last checkpoint, another begins, and one that is trained is
    /// analysed. None if it is done.
    pub fn next_step(
        &self,
        run: StudyRun<'_>,
        options: &TrainingOptions,
    ) -> Result<Option<Vec<OsString>>, StudyError> {
        let folder = self.run_folder(&run.spec.name, run.seed);
        if self.is_trained(run)? {
            let samples = self.plan.analysis_samples;
            let wanted = self.is_to_be_analyzed(run)?;
            return Ok(wanted.then(|| analyze(&folder, samples, options)));
        }
        let mut arguments = match run::load(&folder) {
            Ok(_) => vec!["train".into(), "--resume".into(), folder.into()],
            Err(RunError::NotARun { .. }) => {
                clear_unborn(&folder)?;
                begin(self, run.spec, run.seed)
            }
            Err(error) => return Err(error.into()),
        };
        options.extend(&mut arguments);
        Ok(Some(arguments))
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
pub(super) fn samples_seen(folder: &Path) -> u64 {
    let records = run::records(folder).unwrap_or_default();
    records.last().map_or(0, |record| record.samples as u64)
}

/// What came of a run that has ended.
fn outcome(folder: &Path) -> String {
    if let Ok(Some(divergence)) = run::divergence(folder) {
        return format!("diverged {divergence}");
    }
    match run::summary(folder) {
        Ok(Some(summary)) => format!(
            "test accuracy {:.2} %, {:.0} samples/s",
            100.0 * summary.test_accuracy,
            summary.samples_per_second
        ),
        _ => "no summary".to_owned(),
    }
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
        let name = name.to_string_lossy();
        let begun = is_lock(&name) || name == "run.toml" || name == "checkpoint";
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
    use crate::study::{Purpose, StudyPlan};
    use burn_dendrite_train::{
        data::DatasetName,
        presets,
        run::{RunFolder, RunSettings},
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

    fn words(arguments: &[OsString]) -> String {
        let words = arguments.iter().map(|it| it.to_string_lossy());
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
            lengthened: Vec::new(),
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
            words(&one.arguments),
            format!(
                "study task {} 1 --quiet --device flex --data-dir files",
                folder.path().display()
            )
        );
        assert!(two.work == 80 && (two.done)() == 0);

        let step = |number| {
            let run = study.task(number).unwrap();
            words(&study.next_step(run, &options).unwrap().unwrap())
        };
        let goes_on = format!(
            "train --resume {} --device flex --data-dir files",
            first.display()
        );
        assert_eq!(step(1), goes_on);
        let begins = step(2);
        assert!(begins.contains("--epochs 2 --batch-size 4 --validate-every 20 --seed 2"));
        assert!(!second.exists());

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
