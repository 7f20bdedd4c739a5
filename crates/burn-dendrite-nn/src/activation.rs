//! Activation functions: from somatic state to firing rate.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// The function `r = f(s)` from somatic state to activity, neuron by neuron but for `softmax`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(s, 0)`: the only one in the published networks.
    #[default]
    Relu,
    /// `ln(1 + exp(s))`.
    Softplus,
    /// `1 / (1 + exp(-s))`.
    Sigmoid,
    /// `tanh(s)`.
    Tanh,
    /// `s` itself.
    Linear,
    /// `exp(s_j) / Σ_k exp(s_k)` over the population: a divisive pool, by which its activities sum to 1.
    Softmax,
}

impl Activation {
    /// Activity of a somatic state; shapes are kept.
    pub fn forward<const D: usize>(self, soma: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(soma),
            Self::Softplus => activation::softplus(soma, 1.0),
            Self::Sigmoid => activation::sigmoid(soma),
            Self::Tanh => activation::tanh(soma),
            Self::Linear => soma,
            Self::Softmax => activation::softmax(soma, D - 1),
        }
    }

    /// True where the activity of a neuron depends on its own soma alone.
    pub fn is_elementwise(self) -> bool {
        self != Self::Softmax
    }

    /// True where the activity can never be negative, as a firing rate cannot.
    pub fn is_nonnegative(self) -> bool {
        matches!(
            self,
            Self::Relu | Self::Softplus | Self::Sigmoid | Self::Softmax
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{TensorData, Tolerance};

    #[test]
    fn values_at_known_points() {
        let soma = || Tensor::<1>::from_floats([-1.0, 0.0, 2.0], &crate::test_device());
        let check = |activation: Activation, expected: [f32; 3]| {
            let values = activation.forward(soma()).into_data();
            values.assert_approx_eq::<f32>(
                &TensorData::from(expected),
                Tolerance::rel_abs(1e-6, 1e-6),
            );
        };
        check(Activation::Relu, [0.0, 0.0, 2.0]);
        check(
            Activation::Softplus,
            [0.313_261_7, std::f32::consts::LN_2, 2.126_928],
        );
        check(Activation::Sigmoid, [0.268_941_43, 0.5, 0.880_797_1]);
        check(Activation::Tanh, [-0.761_594_2, 0.0, 0.964_027_6]);
        check(Activation::Linear, [-1.0, 0.0, 2.0]);
        // e⁻¹, 1 and e² over their sum, 8.756935540.
        check(
            Activation::Softmax,
            [0.042_010_06, 0.114_195_2, 0.843_794_7],
        );
    }
}
