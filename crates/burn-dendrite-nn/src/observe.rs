//! Watching the dynamics without being part of them.

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
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// One step of the dynamics is done.
    Step {
        /// The phase.
        phase: Phase,
        /// The step within the phase, from 0.
        step: usize,
        /// The state after the step.
        state: &'a NetworkState,
    },
}

/// Somebody who watches. `()` watches nothing and costs nothing.
pub trait Observer {
    /// Called at every event, in order.
    fn observe(&mut self, event: Event<'_>);
}

impl Observer for () {
    fn observe(&mut self, _event: Event<'_>) {}
}

impl<F: FnMut(Event<'_>)> Observer for F {
    fn observe(&mut self, event: Event<'_>) {
        self(event);
    }
}
