//! What each population hears, with names and sources resolved once.

use burn_dendrite_nn::{
    Compartment, PerPopulation, Plan, PopulationId, ProjectionId, Timing, WeightSource,
};

/// Which activity a projection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The one of this step.
    Current,
    /// The one of the step before.
    Previous,
}

impl Source {
    /// What a projection carries of a state as it is.
    pub(super) fn now(timing: Timing) -> Self {
        match timing {
            Timing::Current => Self::Current,
            Timing::Previous => Self::Previous,
        }
    }
}

/// A projection, as a drive is computed from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) pre: PopulationId,
    /// As the projection is written.
    pub(super) timing: Timing,
    /// Whose weights these are.
    pub(super) owner: ProjectionId,
    pub(super) transposed: bool,
    pub(super) scale: f32,
    pub(super) acts_forward: bool,
}

/// What each population hears, with names and sources resolved once.
#[derive(Clone, Debug)]
pub(super) struct Wiring {
    pub(super) soma: PerPopulation<Vec<Input>>,
    pub(super) dendrite: PerPopulation<Vec<Input>>,
}

impl Wiring {
    pub(super) fn new(plan: &Plan) -> Self {
        let inputs = |post: PopulationId, compartment| {
            plan.incoming(post, compartment)
                .map(|(id, projection)| {
                    let (owner, transposed, scale) = match projection.source {
                        WeightSource::Own(_) => (id, false, 1.0),
                        WeightSource::Tied {
                            of,
                            transpose,
                            scale,
                        } => (of, transpose, scale as f32),
                    };
                    Input {
                        pre: projection.pre,
                        timing: projection.timing,
                        owner,
                        transposed,
                        scale,
                        acts_forward: projection.active.forward(),
                    }
                })
                .collect()
        };
        let all = |compartment| {
            let populations = plan.populations.iter();
            populations.map(|(id, _)| inputs(id, compartment)).collect()
        };
        Self {
            soma: all(Compartment::Soma),
            dendrite: all(Compartment::Dendrite),
        }
    }
}

/// Whether the activity that a projection onto `post` carries in the forward phase is of this step.
pub(super) fn moved(input: &Input, post: PopulationId) -> Source {
    match input.timing {
        Timing::Current if input.pre < post => Source::Current,
        Timing::Current | Timing::Previous => Source::Previous,
    }
}
