//! Accuracy and loss of a network on a data set.

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite_nn::Network;

use crate::{
    data::SampleSet,
    model::{fused, values},
};

/// How well a network does on a data set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Share of samples whose largest output is that of their class.
    pub accuracy: f64,
    /// Mean squared error over samples and output units.
    pub loss: f64,
    /// Number of samples.
    pub samples: usize,
}

/// Samples that settle together: enough to use all cores, few enough to stay in the cache.
pub(crate) const EVALUATION_BATCH: usize = 250;

/// Lets the network settle on every sample; `done` hears how many are through.
///
/// # Panics
///
/// If the sizes of the network and of the data differ.
pub fn evaluate(
    network: &Network,
    set: &SampleSet,
    device: &Device,
    done: impl Fn(usize),
) -> Evaluation {
    let (mut right, mut loss) = (0.0, 0.0);
    let all: Vec<usize> = (0..set.len()).collect();
    let mut seen = 0;
    let mut fused = fused(network);
    for indices in all.chunks(EVALUATION_BATCH) {
        let batch = set.batch(indices, device);
        let output = match &mut fused {
            Some(network) => {
                let shape = batch.targets.dims();
                let output = network.forward(&values(&batch.inputs));
                Tensor::from_data(TensorData::new(output, shape), device)
            }
            None => network.forward(batch.inputs),
        };
        let predicted = output.clone().argmax(1).squeeze_dim::<1>(1);
        let hits = predicted.equal(batch.labels).int().sum();
        right += hits.into_scalar::<i64>() as f64;
        let mean = (batch.targets - output).square().mean();
        loss += mean.into_scalar::<f64>() * indices.len() as f64;
        seen += indices.len();
        done(seen);
    }
    let samples = set.len();
    let count = samples.max(1) as f64;
    Evaluation {
        accuracy: right / count,
        loss: loss / count,
        samples,
    }
}
