//! Which neurons a dendrite can move.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

/// Whether a dendrite's request reaches a neuron that was silent in the forward phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// It does.
    #[default]
    Open,
    /// It does not: `e = 0` where the forward activity is 0, as the derivative of relu is.
    Relu,
}

impl Gate {
    /// The gated request; all rows are `[batch, size]`.
    pub fn apply<R: Rows>(self, request: R, forward_activity: &R) -> R {
        match self {
            Self::Open => request,
            Self::Relu => request * forward_activity.clone().nonzero(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Tensor, TensorData};

    #[test]
    fn silent_neurons_are_gated() {
        let device = crate::test_device();
        let request = || Tensor::<2>::from_floats([[0.5, -0.5, 1.0]], &device);
        let activity = Tensor::<2>::from_floats([[0.0, 0.2, -0.1]], &device);
        let gated = |gate: Gate| gate.apply(request(), &activity).into_data();
        gated(Gate::Open).assert_eq(&TensorData::from([[0.5f32, -0.5, 1.0]]), true);
        gated(Gate::Relu).assert_eq(&TensorData::from([[0.0f32, -0.5, 1.0]]), true);
    }
}
