//! Results of runs, and runs without one.

use std::{fmt, path::PathBuf};

use burn_dendrite_train::{
    Divergence,
    run::{self, RunError, Summary},
};
use serde::{Deserialize, Serialize};

use super::Study;

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

/// A run that has not come to its end: it has no result yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfinishedRun {
    /// The network.
    pub network: String,
    /// The seed.
    pub seed: u64,
}

impl fmt::Display for UnfinishedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seed {} is not finished", self.network, self.seed)
    }
}

impl Study {
    /// The folder of a run that has come to its end, with its result; `None` if it diverged, or has
    /// not come so far.
    ///
    /// # Errors
    ///
    /// If a file of it cannot be understood.
    pub fn result(&self, network: &str, seed: u64) -> Result<Option<(PathBuf, Summary)>, RunError> {
        let folder = self.run_folder(network, seed);
        if run::divergence(&folder)?.is_some() {
            return Ok(None);
        }
        Ok(run::summary(&folder)?.map(|summary| (folder, summary)))
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

    /// The runs that have neither a result nor diverged, network by network.
    ///
    /// # Errors
    ///
    /// If a file of a run cannot be understood.
    pub fn unfinished(&self) -> Result<Vec<UnfinishedRun>, RunError> {
        let mut unfinished = Vec::new();
        for spec in &self.specs {
            for seed in 1..=self.plan.seeds {
                let folder = self.run_folder(&spec.name, seed);
                let has_ended =
                    run::summary(&folder)?.is_some() || run::divergence(&folder)?.is_some();
                if !has_ended {
                    unfinished.push(UnfinishedRun {
                        network: spec.name.clone(),
                        seed,
                    });
                }
            }
        }
        Ok(unfinished)
    }
}
