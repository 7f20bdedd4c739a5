//! Hebbian learning.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{ActivityPhase, LearningRule, Rates, Signal};
use crate::{Delta, Synapse};

/// Cells that fire together wire together.
///
/// ```text
/// Δw_ij = σ · y_j · x_i      averaged over the batch
/// ```
///
/// `x` and `y` are the presynaptic and postsynaptic rates of the named phase; `σ` is -1 for
/// inhibitory presynaptic cells, whose synapses grow stronger downwards. Bounded rates are clamped
/// to [0, 1] first. The rule grows without limit on its own: give the projection the constraint
/// [`FanInSum`](burn_dendrite_nn::constraint::FanInSum).
///
/// Ports `Hebb_WeightNorm` (unbounded) and `Hebb_WeightNorm_4` (bounded) of EIANN (Galloni et al.
/// 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hebbian {
    /// The phase whose activity counts; the backward phase unless given.
    #[serde(default = "backward")]
    pub phase: ActivityPhase,
    /// Whether rates are clamped to [0, 1]; they are not unless given.
    #[serde(default)]
    pub rates: Rates,
}

fn backward() -> ActivityPhase {
    ActivityPhase::Backward
}

impl Default for Hebbian {
    fn default() -> Self {
        Self {
            phase: backward(),
            rates: Rates::default(),
        }
    }
}

impl LearningRule for Hebbian {
    fn needs(&self) -> &'static [Signal] {
        self.phase.needs()
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let pre = self.rates.of(synapse.pre.during(self.phase));
        let post = self.rates.of(synapse.post.during(self.phase));
        synapse.outer(pre, post * synapse.pre.sign())
    }
}
