//! Dendritic target propagation.

use serde::{Deserialize, Serialize};

use super::{LearningRule, Signal};
use crate::{Delta, Synapse};

/// Moves the soma towards the activity that its dendrite asks for.
///
/// ```text
/// Δw_ij = p_j · clamp(x_i, 0, 1)      averaged over the batch
/// ```
///
/// `x` is the presynaptic rate at the end of the forward phase, `p` the plateau of the
/// postsynaptic dendrite in [-1, 1]. On a bias, `x` is 1.
///
/// Ports `BP_like_2E` and, on a bias, `DendriticLossBias` of EIANN (Galloni et al. 2025: the rule
/// of the dendritic loss at the soma, LDS).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DendriticTarget {}

impl LearningRule for DendriticTarget {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Plateau]
    }

    fn update(&self, synapse: &Synapse<'_>) -> Delta {
        synapse.outer(
            synapse.pre.forward().clamp(0.0, 1.0),
            synapse.post.plateau(),
        )
    }
}
