//! Feedback that receives the increments of the weights it answers.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{LearningRule, Signal};
use crate::{Delta, Synapse};

/// A feedback synapse changes by the same product as the forward synapse between the same two cells: the
/// plateau of the cell above times the rate of the cell below.
///
/// ```text
/// Δb_ij = p_i · y_j      averaged over the batch
/// ```
///
/// `p` is the plateau of the presynaptic neuron (of the layer above) and `y` the postsynaptic rate at the end
/// of the forward phase, neither clamped. Where both weights also decay, by the optimizer's `weight_decay`,
/// what they started with is forgotten and they come to be alike, without any weight being copied.
///
/// Source: Kolen and Pollack, *Backpropagation without weight transport* (1994); Akrout et al., *Deep learning
/// without weight transport* (2019).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KolenPollack {}

impl LearningRule for KolenPollack {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::PresynapticPlateau]
    }

    /// A plateau needs no rate: the soma may have been silent.
    fn idle(&self) -> super::Idle {
        super::Idle::Changed
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        synapse.outer(synapse.pre.plateau(), synapse.post.forward())
    }
}
