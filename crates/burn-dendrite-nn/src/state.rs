//! The state of a network: a value that phases take and return.

use burn::tensor::Tensor;

use crate::PerPopulation;

/// State of all populations; every tensor is `[batch, size]`, one row per sample.
///
/// The input population's soma is the input itself.
#[derive(Clone, Debug)]
pub struct NetworkState {
    /// Somatic state `s`.
    pub soma: PerPopulation<Tensor<2>>,
    /// Activity `r = f(s)`, a firing rate.
    pub activity: PerPopulation<Tensor<2>>,
    /// Activity of the step before.
    pub previous: PerPopulation<Tensor<2>>,
}
