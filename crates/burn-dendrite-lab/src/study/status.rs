//! How far the runs of a study are.

use burn_dendrite_train::run::{self, Holder};
use serde::Serialize;

use super::{Fate, Study, StudyError, StudyRun, training::samples_seen};

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum State {
    /// It came to its end.
    Finished {
        /// Share of test samples classified rightly.
        test_accuracy: f64,
    },
    /// Its activity ran away.
    Diverged {
        /// Where.
        reason: String,
    },
    /// A process works on it.
    Running {
        /// The process, if it is known.
        holder: Option<Holder>,
    },
    /// It was stopped and has saved where it was.
    Stopped,
    /// Its process is gone without a word.
    Killed {
        /// The process, if it is known.
        holder: Option<Holder>,
    },
    /// It could not go on.
    Failed {
        /// Why.
        reason: String,
    },
    /// Nobody has worked on it yet.
    Waiting,
}

/// One run, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunStatus {
    /// Its number.
    pub task: usize,
    /// Its network.
    pub network: String,
    /// Its seed.
    pub seed: u64,
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// Training samples up to its last validation.
    pub samples: u64,
    /// Training samples in all.
    pub of: u64,
    /// How often somebody began to work on it.
    pub attempts: u32,
}

impl State {
    /// The state in one word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Finished { .. } => "finished",
            Self::Diverged { .. } => "diverged",
            Self::Running { .. } => "running",
            Self::Stopped => "stopped",
            Self::Killed { .. } => "killed",
            Self::Failed { .. } => "failed",
            Self::Waiting => "waiting",
        }
    }
}

impl Study {
    /// How far every run is, in the order of their numbers.
    ///
    /// # Errors
    ///
    /// If a file of the study or of a run cannot be understood.
    pub fn status(&self) -> Result<Vec<RunStatus>, StudyError> {
        let tasks = self.tasks()?;
        tasks.into_iter().map(|run| self.status_of(run)).collect()
    }

    fn status_of(&self, run: StudyRun<'_>) -> Result<RunStatus, StudyError> {
        let folder = self.run_folder(&run.spec.name, run.seed);
        let attempt = self.attempt(run)?;
        let attempts = attempt.as_ref().map_or(0, |attempt| attempt.number);
        let is_done = self.is_done(run)?;
        let (summary, divergence) = (run::summary(&folder)?, run::divergence(&folder)?);
        let state = match (divergence, summary, attempt) {
            (Some(divergence), _, _) => State::Diverged {
                reason: divergence.to_string(),
            },
            (None, Some(summary), _) if is_done => State::Finished {
                test_accuracy: summary.test_accuracy,
            },
            (_, _, None) => State::Waiting,
            (_, _, Some(attempt)) => match attempt.fate {
                None if attempt.is_under_way() => State::Running {
                    holder: attempt.holder,
                },
                None => State::Killed {
                    holder: attempt.holder,
                },
                Some(Fate::Failed(reason)) => State::Failed { reason },
                Some(Fate::Stopped | Fate::Finished) => State::Stopped,
            },
        };
        Ok(RunStatus {
            task: run.number,
            network: run.spec.name.clone(),
            seed: run.seed,
            state,
            samples: samples_seen(&folder),
            of: self.plan.samples_per_run(run.spec) as u64,
            attempts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::settings::tests::study;

    #[test]
    fn a_run_waits_runs_stops_and_fails() {
        let folder = tempfile::tempdir().unwrap();
        let study = study(&folder.path().join("study"));
        drop(study.claim().unwrap());
        let states = || {
            let status = study.status().unwrap();
            status.into_iter().map(|it| it.state).collect::<Vec<_>>()
        };
        assert_eq!(states(), vec![State::Waiting; 4]);
        let claim = |number| study.claim_run(study.task(number).unwrap(), || ()).unwrap();
        claim(1).end(Fate::Failed("no room".to_owned()));
        drop(claim(2));
        let held = claim(3);
        let reason = "no room".to_owned();
        let seen = states();
        assert_eq!(seen[..2], [State::Failed { reason }, State::Stopped]);
        let State::Running {
            holder: Some(holder),
        } = &seen[2]
        else {
            panic!("{seen:?}")
        };
        assert_eq!(holder.process, std::process::id());
        assert_eq!(seen[3], State::Waiting);
        drop(held);
        let status = &study.status().unwrap()[0];
        let json = serde_json::to_value(status).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "task": 1, "network": "mnist-backprop-ann", "seed": 1, "state": "failed",
                "reason": "no room", "samples": 0, "of": 40, "attempts": 1
            })
        );
    }
}
