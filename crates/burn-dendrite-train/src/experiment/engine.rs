//! Which engine a run has.

use burn::tensor::Device;

use crate::{Engine, OnDivergence, engine::is_cpu, optimizer::OptimizerSpec, run::RunSettings};

impl Engine {
    /// The engine of a run: the one that the settings ask for, else rows in memory where they can be used.
    ///
    /// # Errors
    ///
    /// One sentence with the reason if rows in memory were asked for and cannot be used.
    pub fn choose(
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
