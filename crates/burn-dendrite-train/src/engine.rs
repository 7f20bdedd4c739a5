//! How training steps are computed.

use std::{fmt, sync::Arc};

use burn::tensor::Device;
use burn_dendrite_nn::Plan;
use burn_dendrite_optim::{Learning, fused};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{OnDivergence, optimizer::OptimizerSpec, run::RunSettings};

/// How training steps are computed: the same numbers, but for the order of sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// In loops of their own on the CPU, many steps between two visits of burn's learner; see
    /// [`burn_dendrite_optim::fused`].
    Fused,
    /// By burn's tensors, on any device and with any optimizer.
    General,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fused => "fused",
            Self::General => "general",
        })
    }
}

impl Engine {
    /// The engine of a run: the one that the settings ask for, else the fused one where it can be used.
    ///
    /// # Errors
    ///
    /// One sentence with the reason if the fused one was asked for and cannot be used.
    pub(crate) fn choose(
        plan: &Plan,
        learning: &Learning,
        optimizer: OptimizerSpec,
        settings: &RunSettings,
        device: &Device,
    ) -> Result<Self, String> {
        let asked = settings.learner.engine;
        if asked == Some(Self::General) {
            return Ok(Self::General);
        }
        match (obstacle(plan, learning, optimizer, settings, device), asked) {
            (None, _) => Ok(Self::Fused),
            (Some(_), None) => Ok(Self::General),
            (Some(reason), Some(_)) => Err(format!(
                "the engine `fused` cannot train this network: {reason}; accepted: `general`"
            )),
        }
    }
}

/// Whether a device is the CPU as the fused loops know it.
pub(crate) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// What stands against the fused engine.
fn obstacle(
    plan: &Plan,
    learning: &Learning,
    optimizer: OptimizerSpec,
    settings: &RunSettings,
    device: &Device,
) -> Option<String> {
    let learner = &settings.learner;
    if !is_cpu(device) || learner.devices > 1 {
        return Some("it works on one device, `flex`".to_owned());
    }
    if optimizer != (OptimizerSpec::Sgd { momentum: None }) {
        return Some("its optimizer is not plain gradient descent".to_owned());
    }
    if settings.on_divergence == OnDivergence::Skip {
        return Some("updates are to be left out where activity runs away".to_owned());
    }
    if settings.perturbs_training() {
        return Some("it is perturbed in training".to_owned());
    }
    if learner.accumulate > 1 {
        return Some("it accumulates batches".to_owned());
    }
    fused::check(plan, learning)
        .err()
        .map(|reason| reason.to_string())
}

/// The training steps that the rows of one batch are for, one after another.
///
/// burn's learner is visited once a block: it hands over a batch, and gets back the weights that the
/// steps left.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Rows of one step; the last one may have fewer.
    pub batch_size: usize,
    /// The factor on all learning rates in each step.
    pub rates: Vec<f64>,
}

/// How a run is divided into blocks.
#[derive(Clone, Debug)]
pub struct Blocks {
    /// The factor on all learning rates in every step of the whole run.
    pub rates: Arc<[f64]>,
    /// Steps of one block, at least 1.
    pub steps: usize,
}

/// Samples between two visits of burn's learner: enough that copying the weights costs little, few
/// enough to stop soon after Ctrl-C.
const BLOCK: usize = 256;

impl Blocks {
    /// Blocks of steps on `batch_size` samples each.
    pub fn new(rates: Arc<[f64]>, batch_size: usize) -> Self {
        Self {
            rates,
            steps: (BLOCK / batch_size.max(1)).max(1),
        }
    }

    /// The block of `rows` samples that begins with step `first` of the run.
    pub(crate) fn block(&self, first: usize, rows: usize, batch_size: usize) -> Block {
        let steps = rows.div_ceil(batch_size.max(1));
        let rates = (first..first + steps).map(|step| self.rates.get(step).copied());
        Block {
            batch_size,
            rates: rates.map(|rate| rate.unwrap_or(1.0)).collect(),
        }
    }
}
