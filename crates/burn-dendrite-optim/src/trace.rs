//! What one training step leaves behind for rules and metrics.

use burn::tensor::Tensor;
use burn_dendrite_nn::{NetworkState, PerPopulation};

/// The states of one training step; every tensor is `[batch, size]`.
#[derive(Clone, Debug)]
pub struct Trace {
    /// State at the end of the forward phase.
    pub forward: NetworkState,
    /// Dendritic state at the end of the forward phase, not clamped; `None` without a dendrite.
    pub dendrite: PerPopulation<Option<Tensor<2>>>,
    /// State at the end of the backward phase; the forward one where no population was nudged.
    pub nudged: NetworkState,
    /// Dendritic state at the end of the backward phase, in [-1, 1]; the output's is its error.
    pub nudged_dendrite: PerPopulation<Option<Tensor<2>>>,
    /// Plateau potential in [-1, 1]: what the dendrite asks the soma to change; `None` for a
    /// population that is not nudged.
    pub plateau: PerPopulation<Option<Tensor<2>>>,
}

impl Trace {
    /// The trace of a forward phase that no backward phase follows.
    pub fn forward_only(forward: NetworkState, dendrite: PerPopulation<Option<Tensor<2>>>) -> Self {
        let none = || dendrite.iter().map(|_| None).collect::<PerPopulation<_>>();
        Self {
            nudged: forward.clone(),
            nudged_dendrite: none(),
            plateau: none(),
            forward,
            dendrite,
        }
    }
}
