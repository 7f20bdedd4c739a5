//! What the target of a perturbation is in a network.

use super::PerturbationTarget;
use crate::{Compartment, Parameter, Plan, PopulationId, ProjectionId};

/// A target with its name resolved.
pub(super) enum Found {
    Population(PopulationId),
    /// Synapses that end on one population, at one compartment.
    Synapses(PopulationId, Vec<ProjectionId>),
}

impl Found {
    pub(super) fn of(target: &PerturbationTarget, plan: &Plan) -> Result<Self, String> {
        match target {
            PerturbationTarget::Population(name) => plan.population(name).map(Self::Population),
            PerturbationTarget::Projection(name) => {
                let id = plan.projection_named(name)?;
                Ok(Self::Synapses(plan.projection(id).post, vec![id]))
            }
            PerturbationTarget::Compartment(name, compartment) => {
                let post = plan.population(name)?;
                let ids: Vec<_> = plan
                    .incoming(post, *compartment)
                    .map(|(id, _)| id)
                    .collect();
                if !ids.is_empty() {
                    return Ok(Self::Synapses(post, ids));
                }
                let (word, others) = match compartment {
                    Compartment::Soma => ("soma", with(plan, Compartment::Soma)),
                    Compartment::Dendrite => ("dendrite", with(plan, Compartment::Dendrite)),
                };
                Err(format!(
                    "no projection ends at the {word} of `{name}`; accepted: {}",
                    if others.is_empty() {
                        "a population or a projection".to_owned()
                    } else {
                        others.join(", ")
                    }
                ))
            }
        }
    }

    /// The projections whose weights are the target's: its own, or those onto it.
    pub(super) fn inputs(&self, plan: &Plan) -> Vec<ProjectionId> {
        match self {
            Self::Population(id) => plan.populations[*id].incoming.clone(),
            Self::Synapses(_, ids) => ids.clone(),
        }
    }

    pub(super) fn owned(&self, plan: &Plan) -> Result<Vec<ProjectionId>, String> {
        let inputs = self.inputs(plan).into_iter();
        let owned: Vec<_> = inputs
            .filter(|id| plan.projection(*id).is_owned())
            .collect();
        if owned.is_empty() {
            Err(
                "it has no weights of its own; accepted: a target with weights that are \
                     not another projection's"
                    .to_owned(),
            )
        } else {
            Ok(owned)
        }
    }

    /// What does not learn if the target is frozen.
    pub(super) fn parameters(&self, plan: &Plan) -> Vec<Parameter> {
        let weights = self.inputs(plan).into_iter().map(Parameter::Weight);
        let bias = match self {
            Self::Population(id) => Some(Parameter::Bias(*id)),
            Self::Synapses(..) => None,
        };
        weights.chain(bias).collect()
    }
}

/// The populations with such a compartment, as targets.
fn with(plan: &Plan, compartment: Compartment) -> Vec<String> {
    let has = |id| plan.incoming(id, compartment).next().is_some();
    let word = match compartment {
        Compartment::Soma => "soma",
        Compartment::Dendrite => "dendrite",
    };
    (plan.populations.iter())
        .filter(|(id, _)| has(*id))
        .map(|(_, population)| format!("`{}.{word}`", population.name))
        .collect()
}
