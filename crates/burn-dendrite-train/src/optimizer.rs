//! What applies the updates: burn's optimizers and learning-rate schedules, as data.

use burn::optim::{
    AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig,
    lr_scheduler::{
        cosine::CosineAnnealingLrSchedulerConfig, linear::LinearLrSchedulerConfig,
        module_lr_scheduler::ModuleLrScheduler,
    },
    momentum::MomentumConfig,
};
use burn_dendrite_optim::{Descent, ExponentiatedGradientConfig};
use serde::{Deserialize, Serialize};

/// One of burn's optimizers, or exponentiated gradient.
///
/// All but plain `sgd` leave the reference: they treat `−η·Δw` as a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerSpec {
    /// Stochastic gradient descent; without momentum it adds each update as it is.
    Sgd {
        /// Momentum; none unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        momentum: Option<f64>,
    },
    /// Adam.
    Adam {
        /// Decay of the mean of changes; 0.9 unless given.
        #[serde(default = "beta_1", skip_serializing_if = "is_beta_1")]
        beta_1: f64,
        /// Decay of the mean of their squares; 0.999 unless given.
        #[serde(default = "beta_2", skip_serializing_if = "is_beta_2")]
        beta_2: f64,
        /// What keeps the denominator from 0; 1e-5 unless given.
        #[serde(default = "epsilon", skip_serializing_if = "is_epsilon")]
        epsilon: f64,
        /// Share of each weight that is lost per step and unit of the rate, as in AdamW; none unless
        /// given.
        #[serde(default, skip_serializing_if = "is_zero")]
        weight_decay: f64,
    },
    /// AdamW with burn's defaults.
    AdamW {},
    /// RMSprop with burn's defaults.
    RmsProp {},
    /// Multiplicative steps, which never change a sign; what is zero stays zero, biases too.
    ExponentiatedGradient {
        /// Momentum; none unless given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        momentum: Option<f64>,
    },
}

fn beta_1() -> f64 {
    0.9
}

fn beta_2() -> f64 {
    0.999
}

fn epsilon() -> f64 {
    1e-5
}

fn is_beta_1(value: &f64) -> bool {
    *value == beta_1()
}

fn is_beta_2(value: &f64) -> bool {
    *value == beta_2()
}

fn is_epsilon(value: &f64) -> bool {
    *value == epsilon()
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self::Sgd { momentum: None }
    }
}

impl OptimizerSpec {
    /// What is wrong with the parameters.
    ///
    /// # Errors
    ///
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Sgd {
                momentum: Some(momentum),
            }
            | Self::ExponentiatedGradient {
                momentum: Some(momentum),
            } if !(0.0..1.0).contains(&momentum) => Err(format!(
                "`momentum` is {momentum}; accepted: 0 or more, less than 1"
            )),
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            } => {
                let shares = [("beta_1", beta_1), ("beta_2", beta_2)];
                if let Some((key, value)) = shares.iter().find(|it| !(0.0..1.0).contains(&it.1)) {
                    return Err(format!(
                        "`{key}` is {value}; accepted: 0 or more, less than 1"
                    ));
                }
                let sizes = [("epsilon", epsilon), ("weight_decay", weight_decay)];
                match sizes.iter().find(|it| !(it.1.is_finite() && it.1 >= 0.0)) {
                    Some((key, value)) => Err(format!("`{key}` is {value}; accepted: 0 or more")),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// The same in main memory, where it is known there.
    pub fn in_memory(&self) -> Option<Descent> {
        match *self {
            Self::Sgd { momentum: None } => Some(Descent::Plain),
            Self::Sgd {
                momentum: Some(momentum),
            } => Some(Descent::Momentum { momentum }),
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            } => Some(Descent::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            }),
            Self::AdamW {} | Self::RmsProp {} | Self::ExponentiatedGradient { .. } => None,
        }
    }

    /// True for gradient descent, whose steps are as large as the updates; false where the
    /// optimizer sets their size itself.
    pub fn descends(&self) -> bool {
        matches!(self, Self::Sgd { .. })
    }

    /// The optimizer, without state.
    pub fn init(&self) -> ModuleOptimizer {
        // Without dampening a change enters in full, as at momentum 0.
        let undamped = |momentum: Option<f64>| {
            momentum.map(|momentum| {
                MomentumConfig::new()
                    .with_momentum(momentum)
                    .with_dampening(0.0)
            })
        };
        match *self {
            Self::Sgd { momentum } => SgdConfig::new().with_momentum(undamped(momentum)).init(),
            Self::ExponentiatedGradient { momentum } => ExponentiatedGradientConfig::new()
                .with_momentum(undamped(momentum))
                .init(),
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            } => AdamWConfig::new()
                .with_beta_1(beta_1 as f32)
                .with_beta_2(beta_2 as f32)
                .with_epsilon(epsilon as f32)
                .with_weight_decay(weight_decay as f32)
                .init(),
            Self::AdamW {} => AdamWConfig::new().init(),
            Self::RmsProp {} => RmsPropConfig::new().init(),
        }
    }
}

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
            _ => self.init(1).map(|_| ()),
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
    fn values_out_of_range_are_refused() {
        assert!(
            OptimizerSpec::Sgd {
                momentum: Some(1.0)
            }
            .check()
            .is_err()
        );
        assert!(
            OptimizerSpec::Sgd {
                momentum: Some(0.9)
            }
            .check()
            .is_ok()
        );
        assert!(ScheduleSpec::Constant { factor: 0.0 }.check().is_err());
        assert!(
            ScheduleSpec::Linear {
                start: 2.0,
                end: 0.0
            }
            .check()
            .is_err()
        );
        assert!(
            ScheduleSpec::Cosine {
                start: 1.0,
                end: 0.1
            }
            .check()
            .is_ok()
        );
    }

    #[test]
    fn exponentiated_gradient_has_a_name_in_files() {
        let spec: OptimizerSpec =
            toml::from_str("kind = \"exponentiated_gradient\"\nmomentum = 0.5").unwrap();
        let momentum = Some(0.5);
        assert_eq!(spec, OptimizerSpec::ExponentiatedGradient { momentum });
        assert!(spec.check().is_ok() && !spec.descends());
    }

    #[test]
    fn the_default_is_the_reference() {
        assert_eq!(
            OptimizerSpec::default(),
            OptimizerSpec::Sgd { momentum: None }
        );
        assert_eq!(
            ScheduleSpec::default(),
            ScheduleSpec::Constant { factor: 1.0 }
        );
    }
}
