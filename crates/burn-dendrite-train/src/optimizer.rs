//! What applies the updates: burn's optimizers, as data.

use burn::optim::{
    AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig, decay::WeightDecayConfig,
    momentum::MomentumConfig,
};
use burn_dendrite_optim::{
    Descent, Divisor, ExponentiatedGradientConfig, Lookahead, RmsProp, StochasticGradient,
};
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
        /// Share of a change that does not enter momentum, after the first step; none unless given.
        #[serde(default, skip_serializing_if = "is_zero")]
        dampening: f64,
        /// Whether the step is taken from where momentum alone would bring the weights; no unless given.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        nesterov: bool,
        /// Share of each weight that is taken off its change; none unless given.
        #[serde(default, skip_serializing_if = "is_zero")]
        weight_decay: f64,
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
    /// The same with the decay that AdamW has unless given.
    AdamW {
        /// Decay of the mean of changes; 0.9 unless given.
        #[serde(default = "beta_1", skip_serializing_if = "is_beta_1")]
        beta_1: f64,
        /// Decay of the mean of their squares; 0.999 unless given.
        #[serde(default = "beta_2", skip_serializing_if = "is_beta_2")]
        beta_2: f64,
        /// What keeps the denominator from 0; 1e-5 unless given.
        #[serde(default = "epsilon", skip_serializing_if = "is_epsilon")]
        epsilon: f64,
        /// Share of each weight that is lost per step and unit of the rate; 1e-4 unless given.
        #[serde(default = "decay", skip_serializing_if = "is_decay")]
        weight_decay: f64,
    },
    /// RMSprop.
    RmsProp {
        /// Decay of the mean of squares; 0.99 unless given.
        #[serde(default = "alpha", skip_serializing_if = "is_alpha")]
        alpha: f64,
        /// Momentum; 0.9 unless given.
        #[serde(default = "beta_1", skip_serializing_if = "is_beta_1")]
        momentum: f64,
        /// What keeps the denominator from 0; 1e-5 unless given.
        #[serde(default = "epsilon", skip_serializing_if = "is_epsilon")]
        epsilon: f64,
        /// Whether changes are divided by their deviation from their mean instead of their root mean
        /// square; no unless given.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        centered: bool,
        /// Share of each weight that is taken off its change; none unless given.
        #[serde(default, skip_serializing_if = "is_zero")]
        weight_decay: f64,
    },
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

fn decay() -> f64 {
    1e-4
}

fn is_decay(value: &f64) -> bool {
    *value == decay()
}

fn alpha() -> f64 {
    0.99
}

fn is_alpha(value: &f64) -> bool {
    *value == alpha()
}

fn is_zero(value: &f64) -> bool {
    *value == 0.0
}

impl Default for OptimizerSpec {
    fn default() -> Self {
        Self::sgd(None)
    }
}

impl OptimizerSpec {
    /// Gradient descent, with momentum or not, and nothing else.
    pub fn sgd(momentum: Option<f64>) -> Self {
        Self::Sgd {
            momentum,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 0.0,
        }
    }

    /// What is wrong with the parameters.
    ///
    /// # Errors
    ///
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Sgd {
                momentum,
                dampening,
                nesterov,
                weight_decay,
            } => {
                let given = momentum.unwrap_or(0.0);
                shares(&[("momentum", given), ("dampening", dampening)])?;
                sizes(&[("weight_decay", weight_decay)])?;
                if given == 0.0 && (nesterov || dampening != 0.0) {
                    let key = if nesterov { "nesterov" } else { "dampening" };
                    return Err(format!(
                        "`{key}` is about momentum; accepted: `momentum` beside it"
                    ));
                }
                Ok(())
            }
            Self::ExponentiatedGradient { momentum } => {
                shares(&[("momentum", momentum.unwrap_or(0.0))])
            }
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            }
            | Self::AdamW {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            } => {
                shares(&[("beta_1", beta_1), ("beta_2", beta_2)])?;
                sizes(&[("epsilon", epsilon), ("weight_decay", weight_decay)])
            }
            Self::RmsProp {
                alpha,
                momentum,
                epsilon,
                weight_decay,
                ..
            } => {
                shares(&[("alpha", alpha), ("momentum", momentum)])?;
                sizes(&[("epsilon", epsilon), ("weight_decay", weight_decay)])
            }
        }
    }

    /// The same in main memory, where it is known there.
    pub fn in_memory(&self) -> Option<Descent> {
        match *self {
            Self::Sgd {
                momentum,
                dampening,
                nesterov,
                weight_decay,
            } => Some(if dampening == 0.0 && !nesterov && weight_decay == 0.0 {
                momentum.map_or(Descent::Plain, |momentum| Descent::Momentum { momentum })
            } else {
                Descent::StochasticGradient(StochasticGradient {
                    momentum: momentum.unwrap_or(0.0),
                    dampening,
                    lookahead: if nesterov {
                        Lookahead::Nesterov
                    } else {
                        Lookahead::None
                    },
                    weight_decay,
                })
            }),
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            }
            | Self::AdamW {
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
            Self::RmsProp {
                alpha,
                momentum,
                epsilon,
                centered,
                weight_decay,
            } => Some(Descent::RmsProp(RmsProp {
                alpha,
                momentum,
                epsilon,
                divisor: if centered {
                    Divisor::Deviation
                } else {
                    Divisor::RootMeanSquare
                },
                weight_decay,
            })),
            Self::ExponentiatedGradient { .. } => None,
        }
    }

    /// True for gradient descent, whose steps are as large as the updates; false where the
    /// optimizer sets their size itself.
    pub fn descends(&self) -> bool {
        matches!(self, Self::Sgd { .. })
    }

    /// The optimizer, without state.
    pub fn init(&self) -> ModuleOptimizer {
        let momentum_of = |momentum: Option<f64>, dampening: f64, nesterov: bool| {
            momentum.map(|momentum| {
                MomentumConfig::new()
                    .with_momentum(momentum)
                    .with_dampening(dampening)
                    .with_nesterov(nesterov)
            })
        };
        let decay_of = |decay: f64| (decay > 0.0).then(|| WeightDecayConfig::new(decay as f32));
        match *self {
            Self::Sgd {
                momentum,
                dampening,
                nesterov,
                weight_decay,
            } => SgdConfig::new()
                .with_momentum(momentum_of(momentum, dampening, nesterov))
                .with_weight_decay(decay_of(weight_decay))
                .init(),
            // Without dampening a change enters in full, as at momentum 0.
            Self::ExponentiatedGradient { momentum } => ExponentiatedGradientConfig::new()
                .with_momentum(momentum_of(momentum, 0.0, false))
                .init(),
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            }
            | Self::AdamW {
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
            Self::RmsProp {
                alpha,
                momentum,
                epsilon,
                centered,
                weight_decay,
            } => RmsPropConfig::new()
                .with_alpha(alpha as f32)
                .with_momentum(momentum as f32)
                .with_epsilon(epsilon as f32)
                .with_centered(centered)
                .with_weight_decay(decay_of(weight_decay))
                .init(),
        }
    }
}

/// Refuses what is not from 0 to less than 1.
fn shares(values: &[(&str, f64)]) -> Result<(), String> {
    match values.iter().find(|it| !(0.0..1.0).contains(&it.1)) {
        Some((key, value)) => Err(format!(
            "`{key}` is {value}; accepted: 0 or more, less than 1"
        )),
        None => Ok(()),
    }
}

/// Refuses what is not 0 or more.
fn sizes(values: &[(&str, f64)]) -> Result<(), String> {
    match values.iter().find(|it| !(it.1.is_finite() && it.1 >= 0.0)) {
        Some((key, value)) => Err(format!("`{key}` is {value}; accepted: 0 or more")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_out_of_range_are_refused() {
        assert!(OptimizerSpec::sgd(Some(1.0)).check().is_err());
        assert!(OptimizerSpec::sgd(Some(0.9)).check().is_ok());
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
        assert_eq!(OptimizerSpec::default(), OptimizerSpec::sgd(None));
    }

    #[test]
    fn options_are_read_and_known_in_memory() {
        let read = |text: &str| toml::from_str::<OptimizerSpec>(text).unwrap();
        let nesterov = read("kind = \"sgd\"\nmomentum = 0.9\nnesterov = true\nweight_decay = 0.01");
        let expected = StochasticGradient {
            momentum: 0.9,
            dampening: 0.0,
            lookahead: Lookahead::Nesterov,
            weight_decay: 0.01,
        };
        assert_eq!(
            nesterov.in_memory(),
            Some(Descent::StochasticGradient(expected))
        );
        // burn's defaults, which the kinds without keys had before there were any.
        let expected = Descent::Adam {
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-5,
            weight_decay: 1e-4,
        };
        assert_eq!(read("kind = \"adam_w\"").in_memory(), Some(expected));
        let expected = Descent::RmsProp(RmsProp {
            alpha: 0.99,
            momentum: 0.9,
            epsilon: 1e-5,
            divisor: Divisor::RootMeanSquare,
            weight_decay: 0.0,
        });
        let rms_prop = read("kind = \"rms_prop\"");
        assert_eq!(rms_prop.in_memory(), Some(expected));
        // What is not given is not written.
        assert_eq!(toml::to_string(&rms_prop).unwrap(), "kind = \"rms_prop\"\n");
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let check = |text: &str| toml::from_str::<OptimizerSpec>(text).unwrap().check();
        let found = check("kind = \"sgd\"\nnesterov = true").unwrap_err();
        assert_eq!(
            found,
            "`nesterov` is about momentum; accepted: `momentum` beside it"
        );
        assert!(check("kind = \"sgd\"\ndampening = 0.1").is_err());
        assert!(check("kind = \"rms_prop\"\nalpha = 1.0").is_err());
        assert!(check("kind = \"adam_w\"\nweight_decay = -1.0").is_err());
    }
}
