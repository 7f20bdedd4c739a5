//! Learning of dendritic inhibition.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{LearningRule, Signal};
use crate::{Delta, Synapse};

/// Strengthens inhibition of a dendrite that is depolarised, weakens it where it is
/// hyperpolarised: DendI learns to cancel the top-down input.
///
/// ```text
/// Δw_ij = σ · clamp(d_j, -1, 1) · clamp(x_i, 0, 1)      averaged over the batch
/// ```
///
/// `d` is the postsynaptic dendritic state and `x` the presynaptic rate, both at the end of the
/// forward phase; `σ` is -1 for inhibitory presynaptic cells, whose weights are negative.
///
/// Ports `DendriticLoss_6` of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DendriticLoss {}

impl LearningRule for DendriticLoss {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Dendrite]
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let dendrite = synapse.post.dendrite().clamp(-1.0, 1.0) * synapse.pre.sign();
        synapse.outer(synapse.pre.forward().clamp(0.0, 1.0), dendrite)
    }
}
