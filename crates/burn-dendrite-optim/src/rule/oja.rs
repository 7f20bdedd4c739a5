//! Hebbian learning that normalises itself.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{ActivityPhase, Idle, LearningRule, Signal};
use crate::{Delta, Synapse};

/// Oja's rule: Hebbian growth, and a decay that holds the length of each neuron's weights at 1.
///
/// ```text
/// Δw_ij = y_j · x_i − y_j² · w_ij      averaged over the batch
/// ```
///
/// `x` and `y` are the presynaptic and postsynaptic rates at the end of `phase`, clamped to
/// [0, 1].
///
/// Ports `Ojas_rule` of EIANN (Galloni et al. 2025); the rule is that of Oja, *Simplified neuron
/// model as a principal component analyzer* (1982).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oja {
    /// The phase whose activity counts; the backward phase unless given.
    #[serde(default = "backward")]
    pub phase: ActivityPhase,
}

fn backward() -> ActivityPhase {
    ActivityPhase::Backward
}

impl LearningRule for Oja {
    fn needs(&self) -> &'static [Signal] {
        self.phase.needs()
    }

    /// The decay does not ask for the presynaptic neuron.
    fn idle(&self) -> Idle {
        Idle::Changed
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let pre = synapse.pre.during(self.phase).clamp(0.0, 1.0);
        let post = synapse.post.during(self.phase).clamp(0.0, 1.0);
        let decay = synapse.weighted_alike(-post.clone().squared());
        synapse.outer(pre, post).and(decay)
    }
}
