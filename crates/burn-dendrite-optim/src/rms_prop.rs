//! RMSprop in main memory.

use burn_dendrite_nn::{
    Change, HostNetwork, Parameter,
    numbers::{HostRows, vectorized},
};

/// RMSprop with momentum and decay, as burn's.
///
/// ```text
/// g ← Δ − λ w
/// s ← α s + (1 − α) g²
/// m ← α m + (1 − α) g                only where it is centred
/// b ← μ b + g / ( √(s − m²) + ε )    m = 0 where it is not
/// w ← w + η b
/// ```
///
/// Source: Tieleman and Hinton, *Lecture 6.5: rmsprop* (2012); centred as in Graves, *Generating sequences
/// with recurrent neural networks* (2013).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// `α`, in [0, 1).
    pub alpha: f64,
    /// `μ`, in [0, 1).
    pub momentum: f64,
    /// `ε`.
    pub epsilon: f64,
    /// What the changes are divided by.
    pub divisor: Divisor,
    /// `λ`, 0 or more.
    pub weight_decay: f64,
}

/// What RMSprop divides changes by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Divisor {
    /// Their root mean square.
    #[default]
    RootMeanSquare,
    /// Their standard deviation, for which their mean is kept too.
    Deviation,
}

impl RmsProp {
    /// Values a weight that are kept from step to step.
    pub(crate) fn kept(self) -> usize {
        match self.divisor {
            Divisor::RootMeanSquare => 2,
            Divisor::Deviation => 3,
        }
    }

    /// Changes one parameter, with the rate `η`.
    pub(crate) fn change(
        self,
        network: &mut HostNetwork,
        parameter: Parameter,
        change: Change<'_>,
        memory: &mut [HostRows],
        rate: f64,
    ) {
        let numbers = [
            self.alpha,
            self.momentum,
            self.epsilon,
            self.weight_decay,
            rate,
        ];
        let [alpha, momentum, epsilon, decay, rate] = numbers.map(|it| it as f32);
        let average = move |kept: &mut f32, value: f32| {
            *kept = alpha * *kept + (1.0 - alpha) * value;
            *kept
        };
        if let Ok(memory) = <&mut [HostRows; 3]>::try_from(&mut *memory) {
            let step =
                |weights: &mut [f32], change: &[f32], [squares, steps, means]: [&mut [f32]; 3]| {
                    vectorized(|| {
                        let kept = squares.iter_mut().zip(steps).zip(means);
                        for ((weight, change), ((square, step), mean)) in
                            weights.iter_mut().zip(change).zip(kept)
                        {
                            let gradient = change - decay * *weight;
                            let square = average(square, gradient * gradient);
                            let mean = average(mean, gradient);
                            // Rounding may leave a little less than nothing.
                            let variance = (square - mean * mean).max(0.0);
                            *step = momentum * *step + gradient / (variance.sqrt() + epsilon);
                            *weight += rate * *step;
                        }
                    });
                };
            network.change_by(parameter, change, memory, step);
            return;
        }
        let memory: &mut [HostRows; 2] = memory.try_into().expect("two");
        let step = |weights: &mut [f32], change: &[f32], [squares, steps]: [&mut [f32]; 2]| {
            vectorized(|| {
                let kept = squares.iter_mut().zip(steps);
                for ((weight, change), (square, step)) in weights.iter_mut().zip(change).zip(kept) {
                    let gradient = change - decay * *weight;
                    let square = average(square, gradient * gradient);
                    *step = momentum * *step + gradient / (square.sqrt() + epsilon);
                    *weight += rate * *step;
                }
            });
        };
        network.change_by(parameter, change, memory, step);
    }
}
