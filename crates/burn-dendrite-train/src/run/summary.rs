//! The result of a run.

use serde::{Deserialize, Serialize};

use super::Keep;
use crate::{ClassResult, Confusion, Engine};

/// What `summary.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Share of test samples whose largest output is that of their class.
    pub test_accuracy: f64,
    /// Mean share over classes of test samples, so that each class counts alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_balanced_accuracy: Option<f64>,
    /// Mean squared error over test samples and output units.
    pub test_loss: f64,
    /// Share of validation samples classified rightly.
    pub validation_accuracy: f64,
    /// Training samples seen.
    pub train_samples: usize,
    /// Which weights the run ends with, on which accuracies and loss were measured.
    #[serde(default)]
    pub kept: Keep,
    /// Training samples that these weights have seen; all of them where the last ones are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_samples: Option<usize>,
    /// Training samples a second, validation not counted; of the part of the run since it was
    /// last resumed.
    pub samples_per_second: f64,
    /// The seed.
    pub seed: u64,
    /// The preset, or the name that the specification's file gives.
    pub preset: String,
    /// The data set.
    pub dataset: String,
    /// Samples of one training step.
    pub batch_size: usize,
    /// The device of the part of the run since it was last resumed.
    pub device: String,
    /// How its training steps were computed.
    pub engine: Engine,
    /// Threads that it could use.
    pub threads: usize,
    /// Whether the run stopped before its budget was spent, for want of progress.
    pub stopped_early: bool,
    /// Version of this program.
    pub version: String,
    /// How well each class of the test samples is recognised.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub test_classes: Vec<ClassResult>,
    /// Which class of the test samples was taken for which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_confusion: Option<Confusion>,
}
