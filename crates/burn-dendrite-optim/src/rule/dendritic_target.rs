//! Dendritic target propagation.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{ActivityPhase, LearningRule, Rates, Signal};
use crate::{Delta, Synapse};

/// Moves the soma towards the activity that its dendrite asks for.
///
/// ```text
/// Δw_ij = p_j · clamp(x_i, 0, 1)      averaged over the batch
/// ```
///
/// `x` is the presynaptic rate at the end of `phase`, `p` the plateau of the postsynaptic dendrite
/// in [-1, 1]. On a bias, `x` is 1.
///
/// Ports `BP_like_2E`, `BP_like_2L` (the backward phase, unless it is `forward_only`),
/// `Top_Layer_BP_like_2L` (the backward phase) and, on a bias, `DendriticLossBias` of EIANN
/// (Galloni et al. 2025: the rule of the dendritic loss at the soma, LDS).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DendriticTarget {
    /// The phase whose presynaptic rate counts; the forward phase unless given.
    #[serde(default = "forward")]
    pub phase: ActivityPhase,
    /// Whether presynaptic rates are clamped to [0, 1]; they are unless given.
    #[serde(default = "bounded", skip_serializing_if = "is_bounded")]
    pub rates: Rates,
}

fn bounded() -> Rates {
    Rates::Bounded
}

fn is_bounded(rates: &Rates) -> bool {
    *rates == Rates::Bounded
}

fn forward() -> ActivityPhase {
    ActivityPhase::Forward
}

impl Default for DendriticTarget {
    fn default() -> Self {
        Self {
            phase: forward(),
            rates: bounded(),
        }
    }
}

impl LearningRule for DendriticTarget {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Plateau]
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let pre = self.rates.of(synapse.pre.during(self.phase));
        synapse.outer(pre, synapse.post.plateau())
    }
}
