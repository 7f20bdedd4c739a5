//! What a model is fed with: some samples, and their classes.

use burn::tensor::{Int, Tensor};

/// Some samples of a set, on a device and without gradient tracking.
///
/// Row `k` of each tensor belongs to the `k`-th sample of the batch.
#[derive(Clone, Debug)]
pub struct SampleBatch {
    /// Values of shape `[batch, features]`; pixels are in `[0, 1]`, channel by channel, row by row.
    pub inputs: Tensor<2>,
    /// One row of zeros per sample with a one at its class, of shape `[batch, classes]`.
    pub targets: Tensor<2>,
    /// The class of each sample, of shape `[batch]`.
    pub labels: Tensor<1, Int>,
    /// Where the first of the samples is in its segment, from 0.
    pub position: usize,
    /// Training samples of the run before that segment; 0 where nothing is counted.
    pub samples_before: usize,
    /// The share of the batch in the samples of which one step of the optimizer is made: 1 unless
    /// batches are accumulated, or several devices learn together.
    pub share: f64,
}

impl SampleBatch {
    /// A batch that one training step is made of, at the start of its segment.
    pub fn new(inputs: Tensor<2>, targets: Tensor<2>, labels: Tensor<1, Int>) -> Self {
        Self {
            inputs,
            targets,
            labels,
            position: 0,
            samples_before: 0,
            share: 1.0,
        }
    }

    /// The number of samples.
    pub fn size(&self) -> usize {
        self.labels.dims()[0]
    }
}
