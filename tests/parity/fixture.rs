//! The project's own fixture format: a network, how it learns, and what it must compute.
//!
//! One compact JSON file a fixture. Numbers are f32, written with as few digits as give back the
//! same f32.

use std::collections::BTreeMap;

use burn_dendrite::{
    nn::{NetworkSpec, PopulationName, ProjectionName},
    optim::LearningSpec,
};
use serde::{Deserialize, Serialize};

/// Rows of equal length.
pub(crate) type Matrix = Vec<Vec<f32>>;

/// One row for each population that has such a quantity.
pub(crate) type Rows = BTreeMap<PopulationName, Vec<f32>>;

/// A network and what it must compute, sample by sample.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    /// Its name, also that of its file.
    pub(crate) name: String,
    /// A value `v` of an array may be missed by `tolerance · (|v| + max |array|)`.
    pub(crate) tolerance: f64,
    /// The seed from which the reference drew the start, if it did so in its usual way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    /// Anatomy and dynamics.
    pub(crate) network: NetworkSpec,
    /// How the network learns.
    pub(crate) learning: LearningSpec,
    /// `[samples, input size]`.
    pub(crate) inputs: Matrix,
    /// `[samples, output size]`.
    pub(crate) targets: Matrix,
    /// Weights `[pre, post]` before the first sample, lawful already; tied ones too.
    pub(crate) weights: BTreeMap<ProjectionName, Matrix>,
    /// Biases before the first sample, of every population that has one.
    pub(crate) biases: Rows,
    /// Output `[samples, output size]` for all inputs at once, before the first sample.
    pub(crate) batched_forward_output: Matrix,
    /// The training steps, in order; each starts from the weights that the previous one left.
    pub(crate) samples: Vec<Sample>,
}

/// What one training step computes. A map lists only the populations that have the quantity.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sample {
    /// Activity `[steps, size]` in each forward step; of the first sample only.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) forward_dynamics: BTreeMap<PopulationName, Matrix>,
    /// Mean squared error over the output units.
    pub(crate) loss: f32,
    /// Activity at the end of the forward phase.
    pub(crate) forward_activity: Rows,
    /// Activity one step before that.
    pub(crate) forward_prev_activity: Rows,
    /// Dendritic state at the end of the forward phase.
    pub(crate) forward_dendritic_state: Rows,
    /// Activity at the end of the backward phase; the forward one where nothing moved.
    pub(crate) backward_activity: Rows,
    /// Plateau potential.
    pub(crate) plateau: Rows,
    /// Dendritic state at the end of the backward phase; the output's is its error.
    pub(crate) backward_dendritic_state: Rows,
    /// Weights `[pre, post]` after update and constraints; tied ones too.
    pub(crate) weights: BTreeMap<ProjectionName, Matrix>,
    /// Biases after update and constraints, of those that learn.
    pub(crate) biases: Rows,
}
