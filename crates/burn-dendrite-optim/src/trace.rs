//! What one training step leaves behind for rules and metrics.

use burn::tensor::Tensor;
use burn_dendrite_nn::{NetworkState, PerPopulation, PopulationId};
use serde::{Deserialize, Serialize};

/// The states of one training step; all rows are `[batch, size]`.
#[derive(Clone, Debug)]
pub struct Trace<R = Tensor<2>> {
    /// State at the end of the forward phase.
    pub forward: NetworkState<R>,
    /// Dendritic state at the end of the forward phase, not clamped; `None` without a dendrite, or where the conditions
    /// of the step ask only for the states that rules read and none reads this one.
    pub dendrite: PerPopulation<Option<R>>,
    /// State at the end of the backward phase; the forward one where no population was nudged.
    pub nudged: NetworkState<R>,
    /// Dendritic state at the end of the backward phase, in [-1, 1]; the output's is its error.
    pub nudged_dendrite: PerPopulation<Option<R>>,
    /// Plateau potential in [-1, 1]: what the dendrite asks the soma to change; `None` for a
    /// population that is not nudged.
    pub plateau: PerPopulation<Option<R>>,
}

/// The phase at whose end a rule sees an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActivityPhase {
    /// The forward phase.
    Forward,
    /// The backward phase.
    Backward,
}

/// One of the states that a training step leaves in a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Somatic state at the end of the forward phase.
    Soma,
    /// Activity at the end of the forward phase.
    Activity,
    /// Dendritic state at the end of the forward phase, not clamped.
    Dendrite,
    /// Activity at the end of the backward phase.
    NudgedActivity,
    /// Dendritic state at the end of the backward phase, in [-1, 1]; the output's is its error.
    NudgedDendrite,
    /// Plateau potential in [-1, 1].
    Plateau,
}

impl<R: Clone> Trace<R> {
    /// One state of one population, `[batch, size]`; `None` where the population has none.
    pub fn state(&self, state: State, id: PopulationId) -> Option<&R> {
        match state {
            State::Soma => Some(&self.forward.soma[id]),
            State::Activity => Some(&self.forward.activity[id]),
            State::Dendrite => self.dendrite[id].as_ref(),
            State::NudgedActivity => Some(&self.nudged.activity[id]),
            State::NudgedDendrite => self.nudged_dendrite[id].as_ref(),
            State::Plateau => self.plateau[id].as_ref(),
        }
    }

    /// The trace of a forward phase that no backward phase follows.
    pub fn forward_only(forward: NetworkState<R>, dendrite: PerPopulation<Option<R>>) -> Self {
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
