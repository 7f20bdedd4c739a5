//! Under which conditions a network is shown a batch.

use super::{Effects, Perturbed};
use crate::{
    Adjoint, NetworkState, Numbers, Plan, PopulationId, ProjectionId, random::SampleStream,
};

/// What is different while a batch is shown, the random numbers of its samples, and what is looked at.
#[derive(Clone, Debug)]
pub struct Conditions<'a> {
    /// What is different in the dynamics; nothing, as a rule.
    pub effects: Option<&'a Effects>,
    /// Where noise and random events come from.
    pub random: SampleStream,
    /// Which dendritic states of the forward phase a training step computes.
    pub dendrites: DendriticStates,
}

/// Which dendritic states of the forward phase are computed; the nudge computes its own in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DendriticStates {
    /// Those of all populations with a dendrite.
    #[default]
    All,
    /// Those that a learning rule reads, as long as nothing is [different](Conditions::effects): noise is drawn for
    /// every state.
    Needed,
}

impl Default for Conditions<'_> {
    /// Nothing is different, and the batch is the first of seed 0.
    fn default() -> Self {
        Self {
            effects: None,
            random: SampleStream::new(0, 0),
            dendrites: DendriticStates::All,
        }
    }
}

impl<'a> Conditions<'a> {
    /// The same, with only these dendritic states of the forward phase.
    pub fn with_dendrites(self, dendrites: DendriticStates) -> Self {
        Self { dendrites, ..self }
    }

    /// A network as it runs under these conditions.
    ///
    /// # Panics
    ///
    /// If the effects are those of another plan.
    pub fn on<N: Numbers + ?Sized>(&self, numbers: &'a N) -> Running<'a, N> {
        match self.effects {
            Some(effects) => {
                Running::Perturbed(Perturbed::new(numbers, effects, self.random.clone()))
            }
            None => Running::Unperturbed(numbers),
        }
    }
}

/// A network as it runs under some [`Conditions`].
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // One a batch, on the stack.
pub enum Running<'a, N: ?Sized> {
    /// As it is.
    Unperturbed(&'a N),
    /// With its dynamics changed.
    Perturbed(Perturbed<'a, N>),
}

/// The same call on whatever runs.
macro_rules! running {
    ($self:ident, $numbers:ident => $call:expr) => {
        match $self {
            Running::Unperturbed($numbers) => $call,
            Running::Perturbed($numbers) => $call,
        }
    };
}

impl<N: Numbers + ?Sized> Numbers for Running<'_, N> {
    type Rows = N::Rows;

    fn plan(&self) -> &Plan {
        running!(self, numbers => numbers.plan())
    }

    fn bias_row(&self, id: PopulationId) -> Option<N::Rows> {
        running!(self, numbers => numbers.bias_row(id))
    }

    fn add_drive(&self, id: ProjectionId, arriving: &N::Rows, sum: Option<N::Rows>) -> N::Rows {
        running!(self, numbers => numbers.add_drive(id, arriving, sum))
    }

    fn respond(&self, id: PopulationId, soma: N::Rows) -> N::Rows {
        running!(self, numbers => numbers.respond(id, soma))
    }

    fn drive_of_all(&self, arriving: &[(ProjectionId, &N::Rows)]) -> Option<N::Rows> {
        running!(self, numbers => numbers.drive_of_all(arriving))
    }

    fn respond_at_rest(&self, id: PopulationId, soma: N::Rows) -> N::Rows {
        running!(self, numbers => numbers.respond_at_rest(id, soma))
    }

    fn respond_again(&self, id: PopulationId, soma: N::Rows, before: &N::Rows) -> N::Rows {
        running!(self, numbers => numbers.respond_again(id, soma, before))
    }

    fn respond_to_input(&self, input: N::Rows) -> N::Rows {
        running!(self, numbers => numbers.respond_to_input(input))
    }

    fn delay(&self, id: ProjectionId) -> usize {
        running!(self, numbers => numbers.delay(id))
    }

    fn is_steady(&self, id: ProjectionId) -> bool {
        running!(self, numbers => numbers.is_steady(id))
    }

    fn settle_from_rest(&self, input: &N::Rows, steps: usize) -> Option<NetworkState<N::Rows>> {
        running!(self, numbers => numbers.settle_from_rest(input, steps))
    }
}

impl<N: Adjoint + ?Sized> Adjoint for Running<'_, N> {
    fn add_drive_back(
        &self,
        id: ProjectionId,
        error: &N::Rows,
        wanted: Option<&N::Rows>,
        sum: Option<N::Rows>,
    ) -> N::Rows {
        running!(self, numbers => numbers.add_drive_back(id, error, wanted, sum))
    }

    fn through_response(&self, id: PopulationId, error: N::Rows, activity: &N::Rows) -> N::Rows {
        running!(self, numbers => numbers.through_response(id, error, activity))
    }

    fn weight_factors(
        &self,
        id: ProjectionId,
        arriving: N::Rows,
        error: N::Rows,
    ) -> (N::Rows, N::Rows) {
        running!(self, numbers => numbers.weight_factors(id, arriving, error))
    }
}
