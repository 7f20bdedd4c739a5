//! How weights and biases start.
//!
//! An initialiser turns what is known of a projection into a [`Distribution`]; values are drawn on
//! the host from a seeded [`WeightStream`], so that a seed gives the same network on every backend,
//! and the very network that the reference has for that seed.

use std::fmt::Debug;

use rand_distr::{Distribution as _, Normal as NormalDistribution};
use rand_mt::Mt;

pub(crate) use crate::range::{finite, positive};
use crate::{CellType, registry};

registry! {
    /// How weights or biases start, as a file names it.
    pub enum InitializerSpec: Initializer {
        half_kaiming::HalfKaiming,
        scaled_kaiming::ScaledKaiming,
        uniform::Uniform,
        normal::Normal,
        constant::Constant,
    }
}

/// What an initialiser may know of the weights it starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InitSite {
    /// Cell type of the presynaptic population; [`CellType::Unconstrained`] for a bias.
    pub cell: CellType,
    /// How many presynaptic units each postsynaptic unit hears.
    pub fan_in: usize,
}

impl InitSite {
    /// The Kaiming bound `1 / sqrt(fan_in)`.
    pub fn kaiming_bound(&self) -> f64 {
        1.0 / (self.fan_in.max(1) as f64).sqrt()
    }
}

/// A distribution of starting values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distribution {
    /// Every value is this one.
    Constant(f64),
    /// Uniform in `[low, high)`.
    Uniform {
        /// Smallest value.
        low: f64,
        /// Bound of the largest value.
        high: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        standard_deviation: f64,
    },
}

/// The random stream that weights are drawn from: the Mersenne Twister as PyTorch uses it, so that
/// a seed gives the network that the reference (EIANN, Galloni et al. 2025) has for that seed.
#[derive(Debug)]
pub struct WeightStream(Mt);

impl WeightStream {
    /// The stream of a seed, of which the low 32 bits count.
    pub fn new(seed: u64) -> Self {
        Self(Mt::new(seed as u32))
    }

    /// Leaves out `count` values.
    pub fn skip(&mut self, count: usize) {
        (0..count).for_each(|_| {
            self.unit();
        });
    }

    /// The next value in [0, 1): 24 bits, as many as a single-precision number holds.
    fn unit(&mut self) -> f32 {
        const STEP: f32 = 1.0 / (1 << 24) as f32;
        (self.0.next_u32() & ((1 << 24) - 1)) as f32 * STEP
    }
}

impl Distribution {
    /// Draws `count` values.
    pub fn sample(&self, count: usize, stream: &mut WeightStream) -> Vec<f32> {
        match *self {
            Self::Constant(value) => vec![value as f32; count],
            Self::Uniform { low, high } => {
                let (low, high) = (low as f32, high as f32);
                (0..count)
                    .map(|_| stream.unit() * (high - low) + low)
                    .collect()
            }
            Self::Normal {
                mean,
                standard_deviation,
            } => match NormalDistribution::new(mean, standard_deviation) {
                Ok(normal) => (0..count)
                    .map(|_| normal.sample(&mut stream.0) as f32)
                    .collect(),
                Err(_) => vec![mean as f32; count],
            },
        }
    }
}

/// A way to start weights or biases.
pub trait Initializer: Debug + Send + Sync {
    /// What is wrong with the parameters, or with using them for this presynaptic cell type.
    ///
    /// # Errors
    ///
    /// One sentence.
    fn check(&self, _cell: CellType) -> Result<(), String> {
        Ok(())
    }

    /// The distribution of the values at `site`.
    fn distribution(&self, site: &InitSite) -> Distribution;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_in_files_are_the_module_names() {
        let all: Vec<InitializerSpec> = vec![
            HalfKaiming { scale: 1.0 }.into(),
            ScaledKaiming { scale: 1.0 }.into(),
            Uniform {
                low: 0.0,
                high: 1.0,
            }
            .into(),
            Normal {
                mean: 0.0,
                standard_deviation: 1.0,
            }
            .into(),
            Constant { value: 0.0 }.into(),
        ];
        assert_eq!(all.len(), InitializerSpec::KINDS.len());
        for spec in all {
            let json = serde_json::to_value(&spec).unwrap();
            assert_eq!(json["kind"], spec.kind());
            assert_eq!(
                serde_json::from_value::<InitializerSpec>(json).unwrap(),
                spec
            );
        }
    }

    #[test]
    fn the_stream_is_the_one_of_pytorch() {
        // torch.manual_seed(0); torch.rand(3)
        let values = Distribution::Uniform {
            low: 0.0,
            high: 1.0,
        }
        .sample(3, &mut WeightStream::new(0));
        assert_eq!(values, [0.496_256_6, 0.768_221_8, 0.088_477_43]);
    }

    #[test]
    fn samples_have_the_moments_of_their_distribution() {
        let mut random = WeightStream::new(3);
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len() as f32;
        let uniform = Distribution::Uniform {
            low: 1.0,
            high: 3.0,
        }
        .sample(40_000, &mut random);
        assert!(uniform.iter().all(|value| (1.0..=3.0).contains(value)));
        assert!((mean(&uniform) - 2.0).abs() < 0.02);
        let normal = Distribution::Normal {
            mean: -1.0,
            standard_deviation: 2.0,
        }
        .sample(40_000, &mut random);
        let squares: Vec<f32> = normal.iter().map(|value| (value + 1.0).powi(2)).collect();
        assert!((mean(&normal) + 1.0).abs() < 0.05);
        assert!((mean(&squares) - 4.0).abs() < 0.1);
    }
}
