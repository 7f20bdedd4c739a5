//! A cap on the strength of a synapse.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{Constraint, ConstraintSite, InPlace};
use crate::init::positive;

/// No synapse is stronger than `magnitude`.
///
/// ```text
/// w = clamp(w, -magnitude, magnitude)
/// ```
///
/// Dale's law has removed one side already. Ports the bound of `weight_bounds` that is not zero in
/// EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpperBound {
    /// The largest absolute weight.
    pub magnitude: f64,
}

impl Constraint for UpperBound {
    fn check(&self, _site: &ConstraintSite) -> Result<(), String> {
        positive("magnitude", self.magnitude)
    }

    fn project(&self, weight: Tensor<2>) -> Tensor<2> {
        weight.clamp(-self.magnitude, self.magnitude)
    }

    fn in_place(&self) -> Option<InPlace> {
        let upper = self.magnitude as f32;
        Some(InPlace::Clamp {
            lower: -upper,
            upper,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn both_signs_are_capped() {
        let weight = Tensor::<2>::from_floats([[-3.0, 0.5, 9.0]], &crate::test_device());
        let capped = UpperBound { magnitude: 2.0 }.project(weight).into_data();
        capped.assert_eq(&TensorData::from([[-2.0f32, 0.5, 2.0]]), true);
    }
}
