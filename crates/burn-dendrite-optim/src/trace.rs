//! What one training step leaves behind for rules and metrics.

use burn::tensor::Tensor;
use burn_dendrite_nn::{NetworkState, PerPopulation, Plan, PopulationId};

use crate::Learning;

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

impl State {
    /// Whether a training step of `learning` leaves this state in a population of `plan`.
    pub fn is_left(self, plan: &Plan, learning: &Learning, id: PopulationId) -> bool {
        let nudge = learning.nudge();
        match self {
            Self::Soma | Self::Activity => true,
            Self::Dendrite => plan.has_dendrite(id),
            Self::NudgedActivity => nudge.is_some(),
            Self::NudgedDendrite => nudge.is_some_and(|nudge| nudge.reaches(plan, id)),
            Self::Plateau => nudge
                .is_some_and(|nudge| nudge.reaches(plan, id) && nudge.populations[id].is_some()),
        }
    }
}

impl Trace {
    /// One state of one population, `[batch, size]`; `None` where the population has none.
    pub fn state(&self, state: State, id: PopulationId) -> Option<&Tensor<2>> {
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
