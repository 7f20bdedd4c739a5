//! Learning of feedback weights.

use serde::{Deserialize, Serialize};

use super::{ActivityPhase, LearningRule, Signal};
use crate::{
    Delta, Synapse,
    fused::{FactoredRule, Factors, Sample, Samples},
};

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

    fn update(&self, synapse: &Synapse<'_>) -> Delta {
        let pre = &synapse.pre;
        let change = (pre.nudged() - pre.forward()).clamp(-1.0, 1.0);
        synapse.outer(change, synapse.post.during(self.phase).clamp(0.0, 1.0))
    }

    fn factored(&self) -> Option<&dyn FactoredRule> {
        Some(self)
    }
}

impl FactoredRule for TopDownContrast {
    fn factors(&self, samples: Samples<'_>, _memory: &mut [Vec<f32>], factors: &mut Factors) {
        for Sample { pre, post } in samples.iter() {
            let changes = pre.nudged.iter().zip(pre.forward);
            let changes = changes.map(|(after, before)| (after - before).clamp(-1.0, 1.0));
            let rates = post
                .during(self.phase)
                .iter()
                .map(|rate| rate.clamp(0.0, 1.0));
            factors.add(changes, rates);
        }
    }
}
