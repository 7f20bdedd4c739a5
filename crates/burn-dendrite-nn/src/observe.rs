//! Watching the dynamics without being part of them.

use burn::tensor::Tensor;

use crate::NetworkState;

/// The phase in which something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Settling under the input.
    Forward,
    /// The response of dendrites and somata to the target.
    Backward,
}

/// Something that happened in a network.
#[derive(Debug)]
pub enum Event<'a, R = Tensor<2>> {
    /// One step of the dynamics is done.
    Step {
        /// The phase.
        phase: Phase,
        /// The step within the phase, from 0.
        step: usize,
        /// The state after the step.
        state: &'a NetworkState<R>,
    },
}

impl<R> Clone for Event<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Event<'_, R> {}

/// Somebody who watches. `()` watches nothing and costs nothing.
pub trait Observer<R = Tensor<2>> {
    /// Called at every event, in order.
    fn observe(&mut self, event: Event<'_, R>);

    /// Whether it looks at events at all: where nobody does, steps need not be made one after another.
    fn watches(&self) -> bool {
        true
    }
}

impl<R> Observer<R> for () {
    fn observe(&mut self, _event: Event<'_, R>) {}

    fn watches(&self) -> bool {
        false
    }
}

impl<R, F: FnMut(Event<'_, R>)> Observer<R> for F {
    fn observe(&mut self, event: Event<'_, R>) {
        self(event);
    }
}
