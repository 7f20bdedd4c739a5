//! Synapses fade.

use burn_dendrite::optim::{Delta, Idle, LearningRule, Synapse};
use serde::{Deserialize, Serialize};

/// Every synapse loses a share of its weight: `Δw = −share · w`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decay {
    /// The share, per step and unit of the learning rate.
    pub share: f64,
}

impl LearningRule for Decay {
    fn update(&self, synapse: &Synapse<'_>) -> Delta {
        Delta::from(synapse.weight() * -self.share)
    }

    fn idle(&self) -> Idle {
        Idle::Changed
    }
}
