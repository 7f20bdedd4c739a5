//! What a run was asked to do, apart from its specification.

use serde::{Deserialize, Serialize};

use crate::{
    OnDivergence,
    data::{DatasetName, SegmentPlan},
};

/// Data, budget and seed of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// The preset that the specification started from, or the name that its file gives.
    pub preset: String,
    /// The data set.
    pub dataset: DatasetName,
    /// Training samples of one epoch, drawn from the training split in a shuffled order.
    pub samples: usize,
    /// Passes over such samples, each in an order of its own.
    pub epochs: usize,
    /// Samples of one training step.
    pub batch_size: usize,
    /// Number of the run, counted from 1 in the published protocol: it decides weights, order and
    /// events.
    pub seed: u64,
    /// Training samples between two validations, each of which is followed by a checkpoint.
    pub validate_every: usize,
    /// Validations without a lower loss after which the run stops early; never unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// What is done when activity runs away; the run stops unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_divergence: OnDivergence,
    /// Version of this program that started the run.
    pub version: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The published protocol numbers its networks from 66049 and its orders of samples from 257.
const NETWORK_SEED: u64 = 66_048;
const ORDER_SEED: u64 = 256;

impl RunSettings {
    /// Seed of the weights. Run 1 starts with the weights of the first network of the paper, which
    /// the reference calls seed 66049, and so on.
    pub fn network_seed(&self) -> u64 {
        self.seed.wrapping_add(NETWORK_SEED)
    }

    /// Seed of the order of samples and of random events.
    pub fn order_seed(&self) -> u64 {
        self.seed.wrapping_add(ORDER_SEED)
    }

    /// The cut of the run into segments: what burn's learner calls an epoch is one of them.
    pub fn segments(&self) -> SegmentPlan {
        SegmentPlan {
            samples_per_pass: self.samples,
            passes: self.epochs,
            samples_per_segment: self.validate_every,
            batch_size: self.batch_size,
            seed: self.order_seed(),
        }
    }

    /// Training steps of the whole run.
    pub fn steps(&self) -> usize {
        self.steps_before(self.segments().segments())
    }

    /// Training steps of the first `segments` segments.
    pub fn steps_before(&self, segments: usize) -> usize {
        let plan = self.segments();
        (0..segments)
            .map(|segment| plan.range(segment).1.len().div_ceil(self.batch_size))
            .sum()
    }
}
