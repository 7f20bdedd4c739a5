//! Runs without a result.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Study;
use crate::{
    Divergence,
    run::{self, RunError},
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
