//! Backprop through the last settling steps: the baseline, and the local one of dendritic inhibition.
//!
//! It is the one part of learning that each kind of numbers does in its own way: burn's tensors by
//! autodiff, rows in main memory by the adjoint of the dynamics. Property tests hold the two together.

mod adjoint;
mod tensors;

use std::ops::Range;

use burn_dendrite_nn::{
    NetworkState, Numbers, Observer, Parameter, PopulationId, perturb::Conditions,
};

use crate::{Delta, Loss, rule::Plastic};

/// What the gradient descends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objective {
    /// The loss of the output.
    Output(Loss),
    /// Mean over batch and neurons of the squared dendritic state of a population, not clamped.
    DendriticState(PopulationId),
}

/// A gradient that is asked for.
pub(crate) struct Gradient<'a, R> {
    pub(crate) conditions: &'a Conditions<'a>,
    pub(crate) objective: Objective,
    pub(crate) learned: &'a [Parameter],
    /// Where the tracked steps begin.
    pub(crate) state: NetworkState<R>,
    /// The steps of the forward phase that are tracked.
    pub(crate) steps: Range<usize>,
    /// `[batch, output size]`.
    pub(crate) target: &'a R,
}

/// A settled state, and the gradients of an objective.
pub(crate) struct Tracked<R> {
    /// State at the end of the forward phase.
    pub(crate) state: NetworkState<R>,
    /// ∂L/∂w of each learned parameter, in their order, `[pre, post]`; a bias is a row.
    pub(crate) gradients: Vec<Delta<R>>,
}

/// Numbers in which networks learn.
pub(crate) trait Descend: Numbers<Rows: Plastic> + Sized {
    /// The last steps of the forward phase, and the gradient of an objective through them.
    fn gradient(
        &self,
        asked: Gradient<'_, Self::Rows>,
        observer: &mut dyn Observer<Self::Rows>,
    ) -> Tracked<Self::Rows>;
}
