//! What holds of the weights of a projection after every update.
//!
//! Dale's law is not in this list: it follows from the presynaptic cell type and is applied first,
//! then the missing synapses of [`Constraint::connectivity`], then [`Constraint::project`] in the
//! listed order.

use std::fmt::Debug;

use burn::tensor::Tensor;
use rand_chacha::ChaCha8Rng;

use crate::{registry, spec::CellType};

registry! {
    /// A constraint on the weights of one projection, as a file names it.
    pub enum ConstraintSpec: Constraint {
        upper_bound::UpperBound,
        fan_in_sum::FanInSum,
        no_autapses::NoAutapses,
        receptive_field::ReceptiveField,
    }
}

mod dale;
pub use dale::project_dale;
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
    /// Units of the presynaptic population.
    pub pre: usize,
    /// Units of the postsynaptic population.
    pub post: usize,
    /// Whether both populations are the same one.
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

/// What [`Constraint::project`] does, said so that it can be done to weights in place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum InPlace {
    /// Nothing: the connectivity is all there is to it.
    Nothing,
    /// Each weight is clamped by itself.
    Clamp {
        /// The least weight.
        lower: f32,
        /// The largest weight.
        upper: f32,
    },
    /// The weights onto each postsynaptic unit are multiplied by a common factor, so that their
    /// absolute values have this sum; a unit without weights keeps none.
    ColumnSum(f32),
}

/// A projection of weights onto the allowed ones.
pub trait Constraint: Debug + Send + Sync {
    /// What is wrong with the parameters, or with using them at `site`.
    ///
    /// # Errors
    ///
    /// One sentence.
    fn check(&self, site: &ConstraintSite) -> Result<(), String>;

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

    /// The allowed weights nearest in spirit to `weight`.
    ///
    /// # Shapes
    ///
    /// - weight and result: `[pre, post]`
    fn project(&self, weight: Tensor<2>) -> Tensor<2> {
        weight
    }

    /// [`project`](Self::project) in a form that the fused training step can apply; a constraint
    /// without one is met by the general step alone.
    fn in_place(&self) -> Option<InPlace> {
        None
    }
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
            ReceptiveField {
                size: 3,
                image: [1, 5, 5],
            }
            .into(),
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
