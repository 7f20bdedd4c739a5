//! Learning with a sliding threshold.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

use super::{LearningRule, RuleSite, Signal};
use crate::{Delta, Side, Slot, Synapse};

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
    /// ```text
    /// θ_{b+1} = a · θ_b + y_b² / (k τ_θ),   a = 1 − 1/τ_θ
    /// ```
    fn thresholds<R: Rows>(&self, synapse: &Synapse<'_, R>) -> R {
        let keep = 1.0 - 1.0 / self.threshold_tau;
        let gain = 1.0 / (self.set_point * self.threshold_tau);
        let added = synapse.post.nudged().squared() * gain;
        added.running_sum(synapse.memory(0), keep)
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

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let pre = synapse.pre.nudged().clamp(0.0, 1.0);
        let post = synapse.post.nudged();
        let batch = post.dims()[0];
        let threshold = match batch {
            1 => synapse.memory(0),
            _ => self.thresholds(synapse).row_range(0, batch),
        };
        let drive = post.clone() * (post - threshold) * synapse.pre.sign();
        synapse.outer(pre, drive)
    }

    fn remember<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Vec<R> {
        let thresholds = self.thresholds(synapse);
        let last = thresholds.dims()[0] - 1;
        vec![thresholds.row_range(last, 1)]
    }
}
