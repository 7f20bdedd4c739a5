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
    /// Activities at the end of earlier steps, the newest first, as many as the longest delay of a
    /// [perturbed](crate::perturb) network needs; empty where nothing is delayed.
    pub past: Vec<PerPopulation<Tensor<2>>>,
}

impl NetworkState {
    /// Goes to the next step: the activities become the newest past, where there is one.
    pub fn pass(&mut self) {
        if self.past.pop().is_some() {
            self.past.insert(0, self.activity.clone());
        }
    }
}
