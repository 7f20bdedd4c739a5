//! How training steps are computed.

use std::fmt;

use burn::tensor::Device;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::{OnDivergence, optimizer::OptimizerSpec, run::RunSettings, schedule::StepsBy};

/// On which numbers training steps are computed: by the same code, but for the order of sums with the same
/// results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    /// On rows in main memory, on the CPU, many steps between two visits of burn's learner; see
    /// [`HostTrainer`](burn_dendrite_optim::HostTrainer).
    Memory,
    /// On burn's tensors, on any device and with any optimizer.
    Tensors,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Memory => "memory",
            Self::Tensors => "tensors",
        })
    }
}

impl Engine {
    /// Who makes the training steps.
    pub(crate) fn makes_steps(self) -> StepsBy {
        match self {
            Self::Memory => StepsBy::Model,
            Self::Tensors => StepsBy::Optimizer,
        }
    }

    /// The engine of a run: the one that the settings ask for, else rows in memory where they can be used.
    ///
    /// # Errors
    ///
    /// One sentence with the reason if rows in memory were asked for and cannot be used.
    pub(crate) fn choose(
        optimizer: OptimizerSpec,
        settings: &RunSettings,
        device: &Device,
    ) -> Result<Self, String> {
        let asked = settings.learner.engine;
        if asked == Some(Self::Tensors) {
            return Ok(Self::Tensors);
        }
        match (obstacle(optimizer, settings, device), asked) {
            (None, _) => Ok(Self::Memory),
            (Some(_), None) => Ok(Self::Tensors),
            (Some(reason), Some(_)) => Err(format!(
                "the engine `memory` cannot train this network: {reason}; accepted: `tensors`"
            )),
        }
    }
}

/// Whether a device is the CPU.
pub(crate) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}

/// What stands against rows in main memory.
fn obstacle(optimizer: OptimizerSpec, settings: &RunSettings, device: &Device) -> Option<String> {
    let learner = &settings.learner;
    if !is_cpu(device) || learner.devices > 1 {
        return Some("it works on one device, `flex`".to_owned());
    }
    if optimizer.in_memory().is_none() {
        return Some("it does not know exponentiated gradient".to_owned());
    }
    if settings.on_divergence == OnDivergence::Skip {
        return Some("updates are to be left out where activity runs away".to_owned());
    }
    if learner.accumulate > 1 {
        return Some("it accumulates batches".to_owned());
    }
    None
}
