//! What holds of the weights of any burn model: Dale's law, bounds, missing synapses, fixed sums.
//!
//! A [`Law`] says what holds of one parameter. [`Lawful`] puts parameters of a module under laws:
//! a parameter of a layer of your own, or of one of burn's. Gradient steps know nothing of laws, so
//! after each one [`obey_laws`] replaces every weight by the nearest lawful one, however deep in a
//! model it is; [`count_violations`] and [`check_laws`] say whether all hold.
//!
//! The law belongs to the place, not to the tensor in it: a parameter that is replaced is under the
//! law of the one before. Only a [`Lawful`] puts anything under law, so no module is taken for one
//! because of its name.
//!
//! ```
//! use burn::{nn::LinearConfig, tensor::{Device, Tensor}};
//! use burn_dendrite_nn::{Signs, laws::{Law, Lawful, count_violations, obey_laws}};
//!
//! let device = Device::flex();
//! // Each of the first three inputs excites all outputs, the last inhibits them all.
//! let law = Law::<2>::new().with_signs(&Signs::excitatory_first(4, 0.25), 0, &device);
//! let linear = LinearConfig::new(4, 2).init(&device);
//! let linear = Lawful::new(linear).with_law(|linear| Some(&linear.weight), law);
//! assert!(count_violations(&linear) > 0);
//! let linear = obey_laws(linear);
//! assert_eq!(count_violations(&linear), 0);
//! // It is used as the layer that it wraps.
//! assert_eq!(linear.forward(Tensor::<2>::ones([5, 4], &device)).dims(), [5, 2]);
//! ```
//!
//! # After each step, or by construction
//!
//! [`obey_laws`] is projected gradient descent: what the optimizer stores is what the layer uses, and a
//! weight at zero feels its gradient and can come back. It must be called after each step.
//! [`ByConstruction`] makes the law part of the forward pass: whatever the optimizer does, the weight
//! that is used is lawful, and nothing can be forgotten. It costs the projection in each forward and
//! backward pass, and a weight on the wrong side of zero has no gradient, unless
//! [`LawGradient::StraightThrough`] is asked for.

mod by_construction;
mod law;
mod lawful;
mod obey;
mod scope;
mod signs;

pub use by_construction::{ByConstruction, EffectiveLaw, LawGradient};
pub use law::Law;
pub use lawful::{Lawful, LawfulParam};
pub use obey::{ProjectLaws, Unlawful, Violation, check_laws, count_violations, obey_laws};
pub use signs::Signs;

#[cfg(test)]
mod tests;
