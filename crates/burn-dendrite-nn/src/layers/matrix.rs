//! Weight matrices while they are made.

use std::f64::consts::PI;

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::start::usually_active;

/// Magnitudes `[pre, post]` while they are made.
pub(super) struct Matrix {
    shape: [usize; 2],
    values: Vec<f64>,
}

impl Matrix {
    pub(super) fn draw(
        shape: [usize; 2],
        range: std::ops::Range<f64>,
        random: &mut ChaCha8Rng,
    ) -> Self {
        let values = (0..shape[0] * shape[1]).map(|_| random.random_range(range.clone()));
        Self {
            values: values.collect(),
            shape,
        }
    }

    /// Half-normal magnitudes of which a part is not silent, as where nothing balances them.
    pub(super) fn sparse(shape: [usize; 2], random: &mut ChaCha8Rng) -> Self {
        let part = usually_active(shape[0]) / shape[0] as f64;
        let values = (0..shape[0] * shape[1]).map(|_| {
            let magnitude = random.sample::<f64, _>(StandardNormal).abs();
            if random.random::<f64>() < part {
                magnitude
            } else {
                0.0
            }
        });
        Self {
            values: values.collect(),
            shape,
        }
    }

    /// The sum of the weights onto each postsynaptic unit.
    pub(super) fn sums(&self) -> Vec<f64> {
        let [_, post] = self.shape;
        let column = |unit| self.values.iter().skip(unit).step_by(post).sum();
        (0..post).map(column).collect()
    }

    pub(super) fn times(mut self, factor: f64) -> Self {
        self.values.iter_mut().for_each(|value| *value *= factor);
        self
    }

    pub(super) fn without_diagonal(mut self) -> Self {
        let [_, post] = self.shape;
        self.values
            .iter_mut()
            .step_by(post + 1)
            .for_each(|value| *value = 0.0);
        self
    }

    /// The weights onto each unit scaled to a sum; a unit without weights keeps none.
    pub(super) fn with_sums(self, sums: &[f64]) -> Self {
        let factors: Vec<f64> = (self.sums().iter().zip(sums))
            .map(|(&sum, &wanted)| if sum > 0.0 { wanted / sum } else { 0.0 })
            .collect();
        self.scaled(&factors)
    }

    fn scaled(mut self, factors: &[f64]) -> Self {
        let [_, post] = self.shape;
        for (at, value) in self.values.iter_mut().enumerate() {
            *value *= factors[at % post];
        }
        self
    }

    /// The weights onto each unit scaled to keep the mean square of the activity, as
    /// [`balanced`](super::start::balanced) derives it: where inhibition takes the mean away,
    /// `Σ(w − w̄)² = 2π/(π − 1)`; otherwise the bracket is 1.
    pub(super) fn sized(self, inhibited: bool, gain: f64) -> Self {
        let [pre, post] = self.shape;
        let sums = self.sums();
        let factors: Vec<f64> = (0..post)
            .map(|unit| {
                let column = self.values.iter().skip(unit).step_by(post);
                let squares: f64 = column.map(|value| value * value).sum();
                let mean_free = squares - sums[unit].powi(2) / pre as f64;
                let unit_variance = 1.0 - 1.0 / PI;
                if inhibited && pre > 1 {
                    (2.0 / (mean_free * unit_variance)).sqrt() * gain
                } else {
                    gain / (sums[unit].powi(2) / PI + squares * unit_variance).sqrt()
                }
            })
            .collect();
        self.scaled(&factors)
    }

    pub(super) fn tensor(&self, sign: f64, device: &Device) -> Tensor<2> {
        let values: Vec<f32> = self
            .values
            .iter()
            .map(|&value| (sign * value) as f32)
            .collect();
        Tensor::from_data(TensorData::new(values, self.shape), device)
    }
}
