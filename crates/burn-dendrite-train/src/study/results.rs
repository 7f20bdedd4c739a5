//! Results of runs, and runs without one.

use std::{fmt, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::Study;
use crate::{
    Divergence,
    run::{self, RunError, Summary},
};

/// A run whose activity ran away: it has no result, and its study goes on without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DivergedRun {
    /// The network.
    pub network: String,
    /// The seed.
    pub seed: u64,
    /// Where.
    pub divergence: Divergence,
}

impl fmt::Display for DivergedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            network,
            seed,
            divergence,
        } = self;
        write!(f, "{network} seed {seed} diverged {divergence}")
    }
}

impl Study {
    /// The folder of a run that has come to its end, with its result; `None` if it diverged.
    ///
    /// # Errors
    ///
    /// If it has done neither, or a file of it cannot be understood.
    pub fn result(&self, network: &str, seed: u64) -> Result<Option<(PathBuf, Summary)>, RunError> {
        let folder = self.run_folder(network, seed);
        if run::divergence(&folder)?.is_some() {
            return Ok(None);
        }
        match run::summary(&folder)? {
            Some(summary) => Ok(Some((folder, summary))),
            None => Err(RunError::NotARun {
                folder,
                missing: "summary.json",
            }),
        }
    }

    /// The runs that diverged, network by network.
    ///
    /// # Errors
    ///
    /// If the file that says so cannot be understood.
    pub fn diverged(&self) -> Result<Vec<DivergedRun>, RunError> {
        let mut diverged = Vec::new();
        for spec in &self.specs {
            for seed in 1..=self.plan.seeds {
                let found = run::divergence(&self.run_folder(&spec.name, seed))?;
                diverged.extend(found.map(|divergence| DivergedRun {
                    network: spec.name.clone(),
                    seed,
                    divergence,
                }));
            }
        }
        Ok(diverged)
    }
}
