//! Learning from the difference that the nudge makes.

use serde::{Deserialize, Serialize};

use super::{LearningRule, Signal};
use crate::{
    Delta, Gate, Synapse,
    fused::{FactoredRule, Factors, Sample, Samples},
};

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

    fn update(&self, synapse: &Synapse<'_>) -> Delta {
        let (pre, post) = (&synapse.pre, &synapse.post);
        let before = post.forward();
        let after = self.gate.apply(post.nudged(), &before);
        synapse.outers([
            (pre.nudged().clamp(0.0, 1.0), after.clamp(0.0, 1.0)),
            (pre.forward().clamp(0.0, 1.0), -before.clamp(0.0, 1.0)),
        ])
    }

    fn factored(&self) -> Option<&dyn FactoredRule> {
        Some(self)
    }
}

impl FactoredRule for TemporalContrast {
    fn factors(&self, samples: Samples<'_>, _memory: &mut [Vec<f32>], factors: &mut Factors) {
        for Sample { pre, post } in samples.iter() {
            let rate = |rate: &f32| rate.clamp(0.0, 1.0);
            let after = post.nudged.iter().zip(post.forward).map(|(after, before)| {
                match self.gate == Gate::Relu && *before == 0.0 {
                    true => 0.0,
                    false => rate(after),
                }
            });
            factors.add(pre.nudged.iter().map(rate), after);
            let before = post.forward.iter().map(|before| -rate(before));
            factors.add(pre.forward.iter().map(rate), before);
        }
    }
}
