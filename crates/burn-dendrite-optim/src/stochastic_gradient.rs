//! Stochastic gradient descent with all its options, in main memory.

use burn_dendrite_nn::{
    Change, HostNetwork, Parameter,
    numbers::{HostRows, vectorized},
};

/// Stochastic gradient descent with momentum, dampening, Nesterov's look ahead and decay.
///
/// ```text
/// g ← Δ − λ w
/// v ← g in the first step, then μ v + (1 − τ) g
/// w ← w + η v,  with Nesterov  w ← w + η (μ v + g)
/// ```
///
/// Source: Sutskever, Martens, Dahl and Hinton, *On the importance of initialization and momentum in deep
/// learning* (2013); the decay is part of the gradient, as in burn's `Sgd` and in PyTorch's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StochasticGradient {
    /// `μ`, in [0, 1).
    pub momentum: f64,
    /// `τ`, in [0, 1).
    pub dampening: f64,
    /// Where the step is taken from.
    pub lookahead: Lookahead,
    /// `λ`, 0 or more.
    pub weight_decay: f64,
}

/// Where a step with momentum is taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lookahead {
    /// From where the weights are.
    #[default]
    None,
    /// From where momentum alone would bring them.
    Nesterov,
}

impl StochasticGradient {
    /// Changes one parameter, with the rate `η`.
    pub(crate) fn change(
        self,
        network: &mut HostNetwork,
        parameter: Parameter,
        change: Change<'_>,
        memory: &mut [HostRows; 1],
        rate: f64,
        step: u64,
    ) {
        let [momentum, decay, rate] = [self.momentum, self.weight_decay, rate].map(|it| it as f32);
        let fresh = if step == 1 {
            1.0
        } else {
            1.0 - self.dampening as f32
        };
        let is_ahead = self.lookahead == Lookahead::Nesterov;
        network.change_by(parameter, change, memory, |weights, change, [kept]| {
            vectorized(|| {
                for ((weight, change), kept) in weights.iter_mut().zip(change).zip(kept) {
                    let gradient = change - decay * *weight;
                    *kept = momentum * *kept + fresh * gradient;
                    let taken = if is_ahead {
                        momentum * *kept + gradient
                    } else {
                        *kept
                    };
                    *weight += rate * taken;
                }
            });
        });
    }
}
