//! What perturbations do to a network: a standard set, its measurement and its tables.
//!
//! [`standard_set`] makes the [`Condition`]s that fit a network. A condition is a training and what
//! is perturbed in the test beside it; conditions of the same training share its runs.
//! [`Predictions`] are what is measured of all conditions over seeds: the model's predictions.

mod conditions;
mod measure;
mod tables;
mod variant;

pub use conditions::{Condition, UNPERTURBED, standard_set, training_of, trainings};
pub use measure::{Effect, Predictions, SeedValues, measure};
pub use tables::write_predictions;
pub use variant::Variant;
