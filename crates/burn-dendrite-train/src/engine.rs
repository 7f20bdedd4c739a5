//! How training steps are computed.

use std::fmt;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::{choice::Choice, schedule::StepsBy};

/// On which numbers training steps are computed: by the same code, but for the order of sums with the same
/// results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        f.pad(self.as_str())
    }
}

impl Choice for Engine {
    const ALL: &'static [Self] = &[Self::Memory, Self::Tensors];

    fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Tensors => "tensors",
        }
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
}

/// Whether a device is the CPU.
pub(crate) fn is_cpu(device: &Device) -> bool {
    *device == Device::flex()
}
