//! Learning from the difference that the nudge makes.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{LearningRule, Signal};
use crate::{Delta, Gate, Synapse};

/// Temporally contrastive Hebbian learning: correlations of the backward phase are learned, those of
/// the forward phase unlearned.
///
/// ```text
/// Δw_ij = y'_j · x'_i − y_j · x_i      averaged over the batch
/// ```
///
/// `x` and `y` are the presynaptic and postsynaptic rates at the end of the forward phase, `x'` and
/// `y'` those at the end of the backward phase, all clamped to [0, 1]. With the relu gate, `y'` is 0
/// where `y` is.
///
/// Ports `Hebbian_Temporal_Contrast` (relu gate) and the full form of
/// `Top_Down_Hebbian_Temporal_Contrast_1` (open gate) of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemporalContrast {
    /// Whether neurons that were silent in the forward phase count in the backward phase; they do
    /// unless given.
    #[serde(default)]
    pub gate: Gate,
}

impl LearningRule for TemporalContrast {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Nudged]
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let (pre, post) = (&synapse.pre, &synapse.post);
        let before = post.forward();
        let after = self.gate.apply(post.nudged(), &before);
        let learned = synapse.outer(pre.nudged().clamp(0.0, 1.0), after.clamp(0.0, 1.0));
        let unlearned = synapse.outer(pre.forward().clamp(0.0, 1.0), -before.clamp(0.0, 1.0));
        learned.and(unlearned)
    }
}
