//! Perturbations: what is silenced, scaled, made noisy, delayed or frozen, as data.
//!
//! A [`Perturbation`] is one line of text, `H1.DendI: silence during train`; [`Perturbations`] are
//! several of them resolved for a network, and [`Perturbed`] is a network, on any kind of numbers, with
//! its dynamics changed in training or in test. The weights stay as they are, so a perturbation can be
//! taken away again, and local rules see the activity that the perturbation leaves. A network
//! without any knows nothing of this module.
//!
//! With `r` the activity of a population, `s` its soma, `f` its activation and `I` the input that a
//! projection or a compartment gives to the cells on which it ends:
//!
//! ```text
//! action        of a population           of a projection or a compartment
//! silence       r = 0                     I = 0
//! scale g       r = g·f(s)                I ← g·I
//! noise σ       r = f(s + σξ)             I ← I + σξ
//! delay n       its projections delayed   I = W·r_pre(t − n)
//! shuffle       —                         I = W·P·r_pre
//! prune q       its inputs pruned         the q smallest |w| of each projection are 0
//! freeze        its inputs and its bias   its weights do not learn
//!               do not learn
//! ```
//!
//! `ξ` is drawn from a standard normal distribution for every cell, sample and step; the activity of
//! the input, which is constant, is drawn once a sample, and is not below 0 under Dale's law. Before
//! the first step a delayed projection hears activity at rest, from the input nothing. `P` is a
//! permutation of the presynaptic cells. The cells of a fraction and the permutations follow from
//! the seed: those of a fraction are the same in every perturbation of a population, and a larger
//! fraction contains a smaller one.

mod conditions;
mod effect;
mod found;
mod perturbed;
mod resolve;
mod text;

pub use conditions::{Conditions, DendriticStates, Running};
pub use effect::Effects;
pub use perturbed::Perturbed;
pub use resolve::Perturbations;
pub use text::{Action, During, Occasion, Perturbation, PerturbationError, PerturbationTarget};
