//! Learning with a sliding threshold.

use burn::tensor::{Tensor, TensorData};
use serde::{Deserialize, Serialize};

use super::{LearningRule, RuleSite, Signal};
use crate::{
    Delta, Side, Slot, Synapse,
    fused::{FactoredRule, Factors, Sample, Samples},
};

/// The rule of Bienenstock, Cooper and Munro: activity above a threshold strengthens, below it
/// weakens, and the threshold follows the neuron's own activity.
///
/// ```text
/// Δw_ij = σ · y_j · (y_j − θ_j) · clamp(x_i, 0, 1)
/// θ_j  ← θ_j + (y_j² / k − θ_j) / τ_θ      after each sample
/// ```
///
/// `x` and `y` are the presynaptic and postsynaptic rates at the end of the backward phase, which
/// makes the rule supervised; `y` is not clamped. `σ` is -1 for inhibitory presynaptic cells. `θ`
/// starts at `k`.
///
/// Memory: `θ`, one value a postsynaptic neuron. In a batch every sample has its own threshold, the
/// one that the samples before it left; Δw is the mean.
///
/// Ports `Supervised_BCM_4` of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BienenstockCooperMunro {
    /// Start of the threshold, and the activity at which it comes to rest.
    #[serde(default = "set_point")]
    pub set_point: f64,
    /// Time constant of the threshold `τ_θ`, in samples.
    #[serde(default = "threshold_tau")]
    pub threshold_tau: f64,
}

/// Those of the hidden layers of the published MNIST network, to three digits.
fn set_point() -> f64 {
    0.0215
}

fn threshold_tau() -> f64 {
    14.5
}

impl BienenstockCooperMunro {
    /// The thresholds `[batch + 1, post]`: that of each sample, and the one that is left.
    ///
    /// The recurrence is linear, so it is one product with a small triangular matrix:
    ///
    /// ```text
    /// θ_b = a^b · θ_0 + Σ_{c<b} a^(b−1−c) · y_c² / (k τ_θ),   a = 1 − 1/τ_θ
    /// ```
    fn thresholds(&self, synapse: &Synapse<'_>) -> Tensor<2> {
        let post = synapse.post.nudged();
        let batch = post.dims()[0];
        let keep = 1.0 - 1.0 / self.threshold_tau;
        let gain = 1.0 / (self.set_point * self.threshold_tau);
        let mut recurrence = vec![0f32; (batch + 1) * (batch + 1)];
        for row in 0..=batch {
            let weights = &mut recurrence[row * (batch + 1)..][..=row];
            weights[0] = keep.powi(row as i32) as f32;
            for (sample, weight) in weights[1..].iter_mut().enumerate() {
                *weight = (keep.powi((row - 1 - sample) as i32) * gain) as f32;
            }
        }
        let recurrence = TensorData::new(recurrence, [batch + 1, batch + 1]);
        let recurrence = Tensor::<2>::from_data(recurrence, &post.device());
        recurrence.matmul(Tensor::cat(vec![synapse.memory(0), post.square()], 0))
    }
}

impl LearningRule for BienenstockCooperMunro {
    fn check(&self, _site: &RuleSite) -> Result<(), String> {
        let Self {
            set_point,
            threshold_tau,
        } = *self;
        if !(set_point.is_finite() && set_point > 0.0) {
            return Err(format!("`set_point` is {set_point}; accepted: more than 0"));
        }
        if !(threshold_tau.is_finite() && threshold_tau >= 1.0) {
            return Err(format!(
                "`threshold_tau` is {threshold_tau}; accepted: 1 or more samples"
            ));
        }
        Ok(())
    }

    fn needs(&self) -> &'static [Signal] {
        &[Signal::Nudged]
    }

    fn memory(&self) -> Vec<Slot> {
        vec![Slot {
            name: "threshold",
            side: Side::Postsynaptic,
            start: self.set_point,
        }]
    }

    fn update(&self, synapse: &Synapse<'_>) -> Delta {
        let pre = synapse.pre.nudged().clamp(0.0, 1.0);
        let post = synapse.post.nudged();
        let batch = post.dims()[0];
        let threshold = match batch {
            1 => synapse.memory(0),
            _ => self.thresholds(synapse).narrow(0, 0, batch),
        };
        let drive = post.clone() * (post - threshold) * synapse.pre.sign();
        synapse.outer(pre, drive)
    }

    fn remember(&self, synapse: &Synapse<'_>) -> Vec<Tensor<2>> {
        let thresholds = self.thresholds(synapse);
        let last = thresholds.dims()[0] - 1;
        vec![thresholds.narrow(0, last, 1)]
    }

    fn factored(&self) -> Option<&dyn FactoredRule> {
        Some(self)
    }
}

impl FactoredRule for BienenstockCooperMunro {
    fn factors(&self, samples: Samples<'_>, memory: &mut [Vec<f32>], factors: &mut Factors) {
        for Sample { pre, post } in samples.iter() {
            let rates = pre.nudged.iter().map(|rate| rate.clamp(0.0, 1.0));
            let drives = post.nudged.iter().zip(&memory[0]);
            let drives = drives.map(|(rate, threshold)| rate * (rate - threshold) * pre.sign);
            factors.add(rates, drives);
            for (threshold, rate) in memory[0].iter_mut().zip(post.nudged) {
                let goal = rate * rate / self.set_point as f32;
                *threshold += (goal - *threshold) / self.threshold_tau as f32;
            }
        }
    }
}
