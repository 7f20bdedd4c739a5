//! Learning of feedback weights.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{ActivityPhase, LearningRule, Signal};
use crate::{Delta, Synapse};

/// Learns top-down weights from the change that the nudge makes in the layer above.
///
/// ```text
/// Δw_ij = clamp(y_j, 0, 1) · clamp(x'_i − x_i, -1, 1)      averaged over the batch
/// ```
///
/// `x` and `x'` are the presynaptic rates (of the layer above) at the end of the forward and the
/// backward phase, `y` the postsynaptic rate at the end of `phase`. The feed-forward synapse between
/// the same two cells changes by the same product, so feedback comes to be aligned with it.
///
/// Ports `Top_Down_Hebbian_Temporal_Contrast_1` with `forward_only` (forward phase) and
/// `Top_Down_Hebbian_Temporal_Contrast_3` (backward phase) of EIANN (Galloni et al. 2025); its full
/// form is [`TemporalContrast`](super::TemporalContrast).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopDownContrast {
    /// The phase whose postsynaptic rate counts; the forward phase unless given.
    #[serde(default = "forward")]
    pub phase: ActivityPhase,
}

fn forward() -> ActivityPhase {
    ActivityPhase::Forward
}

impl LearningRule for TopDownContrast {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Nudged]
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let pre = &synapse.pre;
        let change = (pre.nudged() - pre.forward()).clamp(-1.0, 1.0);
        synapse.outer(change, synapse.post.during(self.phase).clamp(0.0, 1.0))
    }
}
