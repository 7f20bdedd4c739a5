//! Which trial learned best.

use std::path::Path;

use burn_dendrite_train::run::{self, RunError, write_atomically};

use super::Sweep;
use crate::study::{Estimate, Study};

/// A trial with its results.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The trial's place in the sweep.
    pub trial: usize,
    /// Its name.
    pub name: String,
    /// Its values, in the order of the space's dimensions.
    pub values: Vec<toml::Value>,
    /// Share of validation samples classified rightly: what trials are ranked by.
    pub validation_accuracy: Estimate,
    /// Share of test samples classified rightly: for those who want to know, afterwards.
    pub test_accuracy: Estimate,
    /// Training samples a second.
    pub samples_per_second: Estimate,
}

/// The trials of a sweep, the best first.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranking {
    /// The paths that vary.
    pub paths: Vec<String>,
    /// The trials.
    pub trials: Vec<Ranked>,
}

impl Ranking {
    /// Ranks the trials of a sweep by the mean of their validation accuracy over seeds; of equal
    /// ones the earlier is better. Runs that diverged, or have not come to their end, do not count, and
    /// a trial without others has no rank.
    ///
    /// # Errors
    ///
    /// If a file of a run cannot be understood.
    pub fn of(sweep: &Sweep, study: &Study) -> Result<Self, RunError> {
        let mut trials = Vec::new();
        for (index, trial) in sweep.trials.iter().enumerate() {
            let mut summaries = Vec::new();
            for seed in 1..=study.plan.seeds {
                summaries.extend(study.result(&trial.name, seed)?.map(|(_, summary)| summary));
            }
            let over = |value: fn(&run::Summary) -> f64| {
                Estimate::of(&summaries.iter().map(value).collect::<Vec<_>>())
            };
            let estimates = (
                over(|it| it.validation_accuracy),
                over(|it| it.test_accuracy),
                over(|it| it.samples_per_second),
            );
            let (Some(validation_accuracy), Some(test_accuracy), Some(samples_per_second)) =
                estimates
            else {
                continue;
            };
            trials.push(Ranked {
                trial: index,
                name: trial.name.clone(),
                values: trial.values.clone(),
                validation_accuracy,
                test_accuracy,
                samples_per_second,
            });
        }
        trials.sort_by(|one: &Ranked, other: &Ranked| {
            let (one, other) = (one.validation_accuracy.mean, other.validation_accuracy.mean);
            other.total_cmp(&one)
        });
        let paths = sweep
            .search
            .space
            .dimensions()
            .map(|(path, _)| path.to_owned());
        Ok(Self {
            paths: paths.collect(),
            trials,
        })
    }

    /// Writes `trials.csv`, the best trial first, and `best.toml`, its specification.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn write(&self, study: &Study) -> Result<(), RunError> {
        let file = study.out.join("trials.csv");
        let table = self.table().map_err(|message| RunError::Invalid {
            file: file.clone(),
            message,
        })?;
        write_atomically(&file, &table)?;
        let best = self.trials.first();
        let spec = best.and_then(|best| study.specs.iter().find(|spec| spec.name == best.name));
        let Some(spec) = spec else { return Ok(()) };
        write_atomically(&best_file(&study.out), spec.to_toml()?.as_bytes())
    }

    fn table(&self) -> Result<Vec<u8>, String> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = [
            "rank",
            "trial",
            "validation_accuracy",
            "validation_accuracy_sem",
            "seeds",
        ];
        let header = header
            .into_iter()
            .chain(["test_accuracy", "samples_per_second"]);
        let header = header.chain(self.paths.iter().map(String::as_str));
        writer
            .write_record(header)
            .map_err(|error| error.to_string())?;
        for (rank, it) in self.trials.iter().enumerate() {
            let accuracy = it.validation_accuracy;
            let numbers = [
                (rank + 1).to_string(),
                it.name.clone(),
                accuracy.mean.to_string(),
                accuracy.sem.map_or_else(String::new, |sem| sem.to_string()),
                accuracy.count.to_string(),
                it.test_accuracy.mean.to_string(),
                it.samples_per_second.mean.to_string(),
            ];
            let values = it.values.iter().map(toml::Value::to_string);
            let row = numbers.into_iter().chain(values);
            writer
                .write_record(row)
                .map_err(|error| error.to_string())?;
        }
        writer.into_inner().map_err(|error| error.to_string())
    }
}

/// Where the specification of the best trial is written.
pub fn best_file(out: &Path) -> std::path::PathBuf {
    out.join("best.toml")
}
