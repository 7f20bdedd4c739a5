//! Biology-constrained deep learning for burn.
//!
//! This crate is the one to depend on; it gives the crates of the project under one roof:
//!
//! - [`nn`]: networks of excitatory and inhibitory populations under Dale's law, and E/I layers
//!   for ordinary burn models;
//! - [`optim`]: learning without autodiff: dendritic target propagation and its local rules, with
//!   backprop behind the same call;
//! - `train`, by the feature of this name: data, experiments through burn's learner, run folders;
//! - `lab`, by its feature: analyses, comparisons, sweeps, perturbations, figures and reports;
//! - `cli`, by its feature: the `dendrite` command line, also with kinds of your own.
//!
//! All features are on unless `default-features = false`.

#[cfg(feature = "cli")]
pub use burn_dendrite_cli as cli;
#[cfg(feature = "lab")]
pub use burn_dendrite_lab as lab;
pub use burn_dendrite_nn as nn;
pub use burn_dendrite_optim as optim;
#[cfg(feature = "train")]
pub use burn_dendrite_train as train;

/// The examples of the README run as tests.
#[cfg(all(doctest, feature = "cli"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// The examples of the book run as tests.
#[cfg(all(doctest, feature = "cli"))]
mod book {
    #[doc = include_str!("../docs/src/layers.md")]
    struct Layers;
    #[doc = include_str!("../docs/src/your-own-program.md")]
    struct YourOwnProgram;
    #[doc = include_str!("../docs/src/writing-a-rule.md")]
    struct Rule;
    #[doc = include_str!("../docs/src/writing-a-constraint.md")]
    struct Constraint;
    #[doc = include_str!("../docs/src/adding-a-data-set.md")]
    struct DataSet;
    #[doc = include_str!("../docs/src/recording.md")]
    struct Recording;
    #[doc = include_str!("../docs/src/perturbations.md")]
    struct Perturbations;
}
