//! Schedules of the learning rate, as data.

use burn::optim::lr_scheduler::{
    cosine::CosineAnnealingLrSchedulerConfig, linear::LinearLrSchedulerConfig,
    module_lr_scheduler::ModuleLrScheduler,
};
use serde::{Deserialize, Serialize};

/// How the factor on all learning rates changes over the steps of a run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum ScheduleSpec {
    /// The same factor always.
    Constant {
        /// The factor; 1 is the specification's rates.
        factor: f64,
    },
    /// From `start` to `end` in equal steps.
    Linear {
        /// First factor, at most 1.
        start: f64,
        /// Last factor, at most 1.
        end: f64,
    },
    /// From `start` to `end` along half a cosine.
    Cosine {
        /// First factor, at most 1.
        start: f64,
        /// Last factor, below `start`.
        end: f64,
    },
}

impl Default for ScheduleSpec {
    fn default() -> Self {
        Self::Constant { factor: 1.0 }
    }
}

impl ScheduleSpec {
    /// What is wrong with the parameters.
    ///
    /// # Errors
    ///
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Constant { factor } if !(factor.is_finite() && factor > 0.0) => {
                Err(format!("`factor` is {factor}; accepted: more than 0"))
            }
            Self::Constant { .. } => Ok(()),
            Self::Linear { start, end } | Self::Cosine { start, end } => {
                if !(start > 0.0 && start <= 1.0) {
                    return Err(format!(
                        "`start` is {start}; accepted: more than 0, up to 1"
                    ));
                }
                let highest = match self {
                    Self::Cosine { .. } => start,
                    _ => 1.0,
                };
                if !(0.0..=highest).contains(&end) {
                    return Err(format!("`end` is {end}; accepted: 0 to {highest}"));
                }
                Ok(())
            }
        }
    }

    /// The schedule of a run of `steps` training steps.
    ///
    /// # Errors
    ///
    /// One sentence of burn's if a factor is out of range.
    pub fn init(&self, steps: usize) -> Result<ModuleLrScheduler, String> {
        let steps = steps.max(1);
        match *self {
            Self::Constant { factor } => Ok(factor.into()),
            Self::Linear { start, end } => LinearLrSchedulerConfig::new(start, end, steps).init(),
            Self::Cosine { start, end } => CosineAnnealingLrSchedulerConfig::new(start, steps)
                .with_min_lr(end)
                .init(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_out_of_range_are_refused() {
        let linear = |start, end| ScheduleSpec::Linear { start, end }.check();
        let cosine = |start, end| ScheduleSpec::Cosine { start, end }.check();
        assert!(ScheduleSpec::Constant { factor: 0.0 }.check().is_err());
        assert!(linear(2.0, 0.0).is_err());
        // A line may rise, and a cosine falls.
        assert!(linear(0.1, 1.0).is_ok() && cosine(0.1, 1.0).is_err());
        assert!(cosine(1.0, 0.1).is_ok());
    }

    #[test]
    fn the_default_is_the_reference() {
        let constant = ScheduleSpec::Constant { factor: 1.0 };
        assert_eq!(ScheduleSpec::default(), constant);
    }
}
