//! Synapses fade.

use burn_dendrite::nn::numbers::Rows;
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
    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let everywhere = synapse.post.forward() * 0.0 - self.share;
        synapse.weighted_alike(everywhere)
    }

    fn idle(&self) -> Idle {
        Idle::Changed
    }
}
