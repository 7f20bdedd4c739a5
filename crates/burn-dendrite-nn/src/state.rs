//! The state of a network: a value that phases take and return.

use burn::tensor::Tensor;

use crate::PerPopulation;

/// State of all populations; all rows are `[batch, size]`, one for each sample.
///
/// The input population's soma is the input itself.
#[derive(Clone, Debug)]
pub struct NetworkState<R = Tensor<2>> {
    /// Somatic state `s`.
    pub soma: PerPopulation<R>,
    /// Activity `r = f(s)`, a firing rate.
    pub activity: PerPopulation<R>,
    /// Activity of the step before.
    pub previous: PerPopulation<R>,
    /// Activities at the end of earlier steps, the newest first, as many as the longest
    /// [delay](crate::Numbers::delay) needs; empty where activity arrives without one.
    pub past: Vec<PerPopulation<R>>,
}

impl<R: Clone> NetworkState<R> {
    /// Goes to the next step: the activities become the newest past, where there is one.
    pub fn pass(&mut self) {
        if self.past.pop().is_some() {
            self.past.insert(0, self.activity.clone());
        }
    }
}
