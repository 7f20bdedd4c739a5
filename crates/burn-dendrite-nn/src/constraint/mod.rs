//! What holds of the weights of a projection after every update.
//!
//! Dale's law is not in this list: it follows from the presynaptic cell type and is applied first,
//! then the missing synapses of [`Constraint::connectivity`], then [`Constraint::project`] in the
//! listed order.

use std::fmt::Debug;

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

use crate::{
    CellType,
    numbers::{Bounds, HostRows, Rows},
    registry,
};

registry! {
    /// A constraint on the weights of one projection, as a file names it.
    pub enum ConstraintSpec: AnyConstraint {
        upper_bound::UpperBound,
        fan_in_sum::FanInSum,
        no_autapses::NoAutapses,
    }
}

mod dale;
pub use dale::{dale_bounds, project_dale};
pub use fan_in_sum::Autapses;

/// Whether a projection stays within one population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recurrence {
    /// From one population to another.
    Between,
    /// From a population to itself: its diagonal is the autapses.
    Within,
}

/// What a constraint may know of the projection it holds for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstraintSite {
    /// Rows of the weights: units of the presynaptic population, or synapses of a kernel.
    pub pre: usize,
    /// Columns of the weights: units of the postsynaptic population, or its maps.
    pub post: usize,
    /// Whether both populations are the same one, and each unit hears each.
    pub recurrence: Recurrence,
    /// Cell type of the presynaptic population.
    pub cell: CellType,
}

impl ConstraintSite {
    /// True for every synapse `[pre, post]`, in row-major order, but those of a unit on itself.
    pub(crate) fn without_diagonal(&self) -> Vec<bool> {
        (0..self.pre * self.post)
            .map(|at| at / self.post != at % self.post)
            .collect()
    }
}

/// What a constraint looks at when it changes a weight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope {
    /// That weight alone: it keeps to bounds. Missing synapses may come to it.
    Each(Bounds),
    /// All weights of the projection: [`Constraint::project`].
    Together,
}

/// A projection of weights onto the allowed ones.
///
/// A constraint is written once and holds on every kind of [numbers](crate::numbers).
pub trait Constraint: Debug + Send + Sync {
    /// What is wrong with the parameters, or with using them at `site`.
    ///
    /// # Errors
    ///
    /// One sentence.
    fn check(&self, _site: &ConstraintSite) -> Result<(), String> {
        Ok(())
    }

    /// Which synapses exist, `[pre, post]` in row-major order; drawn once, when the network is made,
    /// and saved with it. `None`: all of them.
    fn connectivity(&self, site: &ConstraintSite, random: &mut ChaCha8Rng) -> Option<Vec<bool>> {
        let _ = (site, random);
        None
    }

    /// How many presynaptic units each unit hears, where that is less than all.
    fn fan_in(&self, site: &ConstraintSite) -> Option<usize> {
        let _ = site;
        None
    }

    /// Whether each weight can be constrained by itself.
    fn scope(&self) -> Scope {
        Scope::Together
    }

    /// The allowed weights nearest in spirit to `weight`, where they are constrained
    /// [together](Scope::Together).
    ///
    /// # Shapes
    ///
    /// - weight and result: `[pre, post]`
    fn project<R: Rows>(&self, weight: R) -> R {
        weight
    }
}

/// A [`Constraint`] of any type, on either kind of numbers; every constraint is one.
pub trait AnyConstraint: Debug + Send + Sync {
    /// [`Constraint::check`].
    ///
    /// # Errors
    ///
    /// One sentence.
    fn check(&self, site: &ConstraintSite) -> Result<(), String>;

    /// [`Constraint::connectivity`].
    fn connectivity(&self, site: &ConstraintSite, random: &mut ChaCha8Rng) -> Option<Vec<bool>>;

    /// [`Constraint::fan_in`].
    fn fan_in(&self, site: &ConstraintSite) -> Option<usize>;

    /// [`Constraint::scope`].
    fn scope(&self) -> Scope;

    /// [`Constraint::project`] on a tensor.
    fn project_tensor(&self, weight: Tensor<2>) -> Tensor<2>;

    /// [`Constraint::project`] in main memory.
    fn project_in_memory(&self, weight: HostRows) -> HostRows;
}

impl<C: Constraint> AnyConstraint for C {
    fn check(&self, site: &ConstraintSite) -> Result<(), String> {
        self.check(site)
    }

    fn connectivity(&self, site: &ConstraintSite, random: &mut ChaCha8Rng) -> Option<Vec<bool>> {
        self.connectivity(site, random)
    }

    fn fan_in(&self, site: &ConstraintSite) -> Option<usize> {
        self.fan_in(site)
    }

    fn scope(&self) -> Scope {
        self.scope()
    }

    fn project_tensor(&self, weight: Tensor<2>) -> Tensor<2> {
        self.project(weight)
    }

    fn project_in_memory(&self, weight: HostRows) -> HostRows {
        self.project(weight)
    }
}

/// Numbers that a constraint of any type can be applied to.
pub trait Constrained: Rows {
    /// [`Constraint::project`] on these numbers.
    fn project(self, constraint: &dyn AnyConstraint) -> Self;
}

impl Constrained for Tensor<2> {
    fn project(self, constraint: &dyn AnyConstraint) -> Self {
        constraint.project_tensor(self)
    }
}

impl Constrained for HostRows {
    fn project(self, constraint: &dyn AnyConstraint) -> Self {
        constraint.project_in_memory(self)
    }
}

/// What must hold of the weights that a cell of this type sends through, in order: what each must keep
/// to by itself, which is Dale's law and the bounds at the head of the list, and the constraints that
/// follow once all weights keep to it.
pub(crate) fn bounds_first(
    cell: CellType,
    constraints: &[ConstraintSpec],
) -> (Bounds, &[ConstraintSpec]) {
    let mut bounds = dale_bounds(cell);
    for (index, constraint) in constraints.iter().enumerate() {
        match constraint.scope() {
            Scope::Each(own) => bounds = bounds.and(own),
            Scope::Together => return (bounds, &constraints[index..]),
        }
    }
    (bounds, &[])
}

/// The constraints in their order, on weights `[pre, post]`.
pub(crate) fn project_all<R: Constrained>(constraints: &[ConstraintSpec], weight: R) -> R {
    constraints
        .iter()
        .fold(weight, |weight, constraint| match constraint.scope() {
            Scope::Each(bounds) => bounds.clamp(weight),
            Scope::Together => weight.project(&**constraint),
        })
}

/// Weights `[pre, post]` put back onto the law: Dale's law, missing synapses, which `keep_existing` sets to 0,
/// the constraints in their order.
pub fn constrain<R: Constrained>(
    weight: R,
    cell: CellType,
    keep_existing: impl FnOnce(R) -> R,
    constraints: &[ConstraintSpec],
) -> R {
    let (bounds, afterwards) = bounds_first(cell, constraints);
    project_all(afterwards, keep_existing(bounds.clamp(weight)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_in_files_are_the_module_names() {
        let all: Vec<ConstraintSpec> = vec![
            UpperBound { magnitude: 1.0 }.into(),
            FanInSum {
                total: 2.0,
                autapses: Autapses::Removed,
            }
            .into(),
            NoAutapses {}.into(),
        ];
        assert_eq!(all.len(), ConstraintSpec::KINDS.len());
        for spec in all {
            let json = serde_json::to_value(&spec).unwrap();
            assert_eq!(json["kind"], spec.kind());
            assert_eq!(
                serde_json::from_value::<ConstraintSpec>(json).unwrap(),
                spec
            );
        }
    }
}
