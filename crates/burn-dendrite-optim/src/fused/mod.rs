//! The training step, fused for the CPU.
//!
//! [`Learning::run`] works on burn's tensors, on every device, and hands its updates to any
//! optimizer. Where a network learns on the CPU by plain gradient descent, [`FusedTrainer`] does the
//! same step in loops of its own, many times faster: it integrates in place and skips silent
//! presynaptic units, keeps every change as the thin factors that it is a product of, and adds it to
//! the weights in the pass that applies their bounds. Nothing that is as large as the weights is ever
//! allocated in a step.
//!
//! Both compute the same numbers but for the order of sums in single precision: the parity fixtures
//! are tested on both.

mod cells;
mod factors;
mod kernel;
mod lane;
mod network;
mod nudge;
mod plastic;
mod reverse;
mod trainer;
mod weights;
mod wiring;

use burn_dendrite_nn::{Parameter, Plan, ProjectionName};

pub use factors::{FactoredRule, Factors, PostsynapticUnits, PresynapticUnits, Sample, Samples};
pub use network::FusedNetwork;
pub use trainer::FusedTrainer;

use crate::Learning;

/// Why a network cannot be trained by the fused step; [`Learning::run`] can always do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfused {
    /// A rule does not say what its factors are.
    #[error("the rule of `{on}` has no factored form (`LearningRule::factored`)")]
    Rule {
        /// What learns by it.
        on: String,
    },
    /// A constraint cannot be applied in place.
    #[error(
        "the constraint `{constraint}` of `{projection}` has no form in place (`Constraint::in_place`)"
    )]
    Constraint {
        /// The projection.
        projection: ProjectionName,
        /// The constraint's kind.
        constraint: &'static str,
    },
    /// A perturbation changes the dynamics.
    #[error("it is perturbed")]
    Perturbed,
}

/// Whether the fused step can train a network.
///
/// # Errors
///
/// If a rule has no factored form, or a constraint none in place.
pub fn check(plan: &Plan, learning: &Learning) -> Result<(), Unfused> {
    let unfused = |parameter| match parameter {
        Parameter::Weight(id) => plan.projection(id).name.to_string(),
        Parameter::Bias(id) => format!("{}<-bias", plan.populations[id].name),
    };
    let mut local = learning.local().iter();
    match local.find(|local| local.rule.factored().is_none()) {
        Some(local) => Err(Unfused::Rule {
            on: unfused(local.parameter),
        }),
        None => check_constraints(plan),
    }
}

fn check_constraints(plan: &Plan) -> Result<(), Unfused> {
    for projection in &plan.projections {
        let mut constraints = projection.constraints.iter();
        if let Some(constraint) = constraints.find(|it| it.in_place().is_none()) {
            return Err(Unfused::Constraint {
                projection: projection.name.clone(),
                constraint: constraint.kind(),
            });
        }
    }
    Ok(())
}
