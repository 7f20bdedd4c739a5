//! The runs of a study by number, for schedulers that know numbers only.
//!
//! `tasks.csv` gives each run its number. Runs that a study is extended by come after those that are
//! there, so that a number is that of the same run for ever.

use std::{collections::HashMap, path::PathBuf};

use burn_dendrite_train::{
    ExperimentSpec,
    claim::{self, Attempt, Claim, ClaimError, Pace},
    run::{RunError, write_atomically},
};
use serde::{Deserialize, Serialize};

use super::{Study, StudyError};

/// One run of a study.
#[derive(Clone, Copy, Debug)]
pub struct StudyRun<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// Its network.
    pub spec: &'a ExperimentSpec,
    /// Its seed.
    pub seed: u64,
}

/// A line of `tasks.csv`.
#[derive(Serialize, Deserialize)]
struct Line {
    task: usize,
    network: String,
    seed: u64,
}

const FILE: &str = "tasks.csv";
const ATTEMPTS: &str = "attempts";

impl StudyRun<'_> {
    /// The run for those who read.
    pub fn label(&self) -> String {
        format!("{} seed {}", self.spec.name, self.seed)
    }
}

impl Study {
    /// The runs by their numbers.
    ///
    /// # Errors
    ///
    /// If the file that keeps the numbers cannot be read, or names runs that the study does not have.
    pub fn tasks(&self) -> Result<Vec<StudyRun<'_>>, StudyError> {
        let known = self.known_tasks()?;
        let places: HashMap<(&str, u64), usize> = (known.iter().enumerate())
            .map(|(place, line)| ((line.network.as_str(), line.seed), place))
            .collect();
        let place = |(spec, seed): &(&ExperimentSpec, u64)| {
            let place = places.get(&(spec.name.as_str(), *seed));
            place.copied().unwrap_or(usize::MAX)
        };
        let mut runs = self.runs();
        // Those without a place keep the order among them.
        runs.sort_by_key(place);
        if let Some(line) = known.iter().find(|line| !self.has(line)) {
            let message = format!(
                "the study has no `{}` with seed {}",
                line.network, line.seed
            );
            let file = self.tasks_file();
            return Err(RunError::Invalid { file, message }.into());
        }
        let numbered = runs.into_iter().enumerate();
        Ok(numbered
            .map(|(place, (spec, seed))| StudyRun {
                number: place + 1,
                spec,
                seed,
            })
            .collect())
    }

    /// The run of this number.
    ///
    /// # Errors
    ///
    /// If there is none, or those of [`tasks`](Self::tasks).
    pub fn task(&self, number: usize) -> Result<StudyRun<'_>, StudyError> {
        let tasks = self.tasks()?;
        let found = number.checked_sub(1).and_then(|place| tasks.get(place));
        found.copied().ok_or_else(|| StudyError::NoTask {
            folder: self.out.clone(),
            number,
            tasks: tasks.len(),
        })
    }

    /// Writes down the numbers of all runs.
    pub(super) fn keep_tasks(&self) -> Result<(), StudyError> {
        let file = self.tasks_file();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let wrong = |message: String| RunError::Invalid {
            file: file.clone(),
            message,
        };
        for run in self.tasks()? {
            let line = Line {
                task: run.number,
                network: run.spec.name.clone(),
                seed: run.seed,
            };
            let written = writer.serialize(line);
            written.map_err(|error| wrong(error.to_string()))?;
        }
        let text = writer.into_inner();
        let text = text.map_err(|error| wrong(error.to_string()))?;
        Ok(write_atomically(&file, &text)?)
    }

    fn tasks_file(&self) -> PathBuf {
        self.out.join(FILE)
    }

    /// The runs that have a number already.
    fn known_tasks(&self) -> Result<Vec<Line>, RunError> {
        let file = self.tasks_file();
        if !file.is_file() {
            return Ok(Vec::new());
        }
        let lines = csv::Reader::from_path(&file).and_then(|mut reader| {
            let lines = reader.deserialize::<Line>();
            lines.collect::<Result<Vec<Line>, csv::Error>>()
        });
        lines.map_err(|error| RunError::Invalid {
            file,
            message: error.to_string(),
        })
    }

    fn has(&self, line: &Line) -> bool {
        let is_seed = (1..=self.plan.seeds).contains(&line.seed);
        is_seed && self.specs.iter().any(|spec| spec.name == line.network)
    }

    /// Where the attempts at a run are written down.
    fn attempts(&self, run: StudyRun<'_>) -> PathBuf {
        let network = super::folder_name(&run.spec.name);
        let folder = self.out.join(ATTEMPTS).join(network);
        folder.join(format!("seed-{}", run.seed))
    }

    /// The newest attempt at a run, if there is any.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub fn attempt(&self, run: StudyRun<'_>) -> Result<Option<Attempt>, StudyError> {
        let stem = self.attempts(run);
        claim::latest(&stem).map_err(|error| RunError::Io { file: stem, error }.into())
    }

    /// Claims a run for this process; `lost` is called if another one takes it for dead.
    pub fn claim_run(
        &self,
        run: StudyRun<'_>,
        lost: impl FnOnce() + Send + 'static,
    ) -> Result<Claim, StudyError> {
        let claim = Claim::take(&self.attempts(run), Pace::default(), lost);
        claim.map_err(|error| match error {
            ClaimError::Held(holder) => StudyError::Claimed {
                run: run.label(),
                number: run.number,
                holder,
            },
            ClaimError::Io { file, error } => RunError::Io { file, error }.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::settings::tests::study;

    fn labels(study: &Study) -> Vec<String> {
        let tasks = study.tasks().unwrap();
        tasks.iter().map(StudyRun::label).collect()
    }

    #[test]
    fn numbers_stay_when_a_study_is_extended() {
        let folder = tempfile::tempdir().unwrap();
        let mut study = study(&folder.path().join("study"));
        let [ann, dtp] = ["mnist-backprop-ann", "mnist-dtp"];
        let first = [(ann, 1), (dtp, 1), (ann, 2), (dtp, 2)];
        let words = |runs: &[(&str, u64)]| -> Vec<String> {
            runs.iter()
                .map(|(name, seed)| format!("{name} seed {seed}"))
                .collect()
        };
        assert_eq!(labels(&study), words(&first));
        drop(study.claim().unwrap());
        let mut other = study.specs[0].clone();
        other.name = "other, new".to_owned();
        study.plan.networks.insert(0, other.name.clone());
        study.specs.insert(0, other);
        study.plan.seeds = 3;
        drop(study.claim().unwrap());
        let new = "other, new";
        let more = [(new, 1), (new, 2), (new, 3), (ann, 3), (dtp, 3)];
        assert_eq!(labels(&study), words(&[&first[..], &more].concat()));
        let text = std::fs::read_to_string(study.out.join(FILE)).unwrap();
        assert!(text.starts_with("task,network,seed\n1,mnist-backprop-ann,1\n"));
        assert!(text.contains("\n5,\"other, new\",1\n"), "{text}");
        assert_eq!(study.task(9).unwrap().label(), "mnist-dtp seed 3");
        for number in [0, 10] {
            let error = study.task(number).unwrap_err();
            assert!(error.is_mistake() && error.to_string().ends_with("accepted: 1 to 9"));
        }
    }

    #[test]
    fn a_run_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let study = study(&folder.path().join("study"));
        drop(study.claim().unwrap());
        let claim = study.claim_run(study.task(2).unwrap(), || ()).unwrap();
        let error = study.claim_run(study.task(2).unwrap(), || ()).unwrap_err();
        let message = error.to_string();
        assert!(
            message.starts_with("another process works on task 2, mnist-dtp seed 1 (process "),
            "{message}"
        );
        drop(study.claim_run(study.task(1).unwrap(), || ()).unwrap());
        drop(claim);
        drop(study.claim_run(study.task(2).unwrap(), || ()).unwrap());
    }
}
