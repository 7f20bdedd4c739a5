//! Accuracy and loss of a network on a data set.

use burn::tensor::Device;
use burn_dendrite_nn::Network;

use crate::{data::SampleSet, model::classify};

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
    for indices in all.chunks(EVALUATION_BATCH) {
        let output = classify(network, set.batch(indices, device));
        let predicted = output.output.argmax(1).squeeze_dim::<1>(1);
        right += predicted
            .equal(output.targets)
            .int()
            .sum()
            .into_scalar::<i64>() as f64;
        loss += output.loss.into_scalar::<f64>() * indices.len() as f64;
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
