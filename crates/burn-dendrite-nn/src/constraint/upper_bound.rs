//! A cap on the strength of a synapse.

use serde::{Deserialize, Serialize};

use super::{Constraint, ConstraintSite, Scope};
use crate::{numbers::Bounds, range::positive};

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

    fn scope(&self) -> Scope {
        Scope::Each(Bounds {
            lower: -self.magnitude,
            upper: self.magnitude,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Tensor, TensorData};

    use crate::{CellType, constraint::constrain};

    #[test]
    fn both_signs_are_capped() {
        let weight = Tensor::<2>::from_floats([[-3.0, 0.5, 9.0]], &crate::test_device());
        let bound = [UpperBound { magnitude: 2.0 }.into()];
        let capped = constrain(weight, CellType::Unconstrained, |it| it, &bound).into_data();
        capped.assert_eq(&TensorData::from([[-2.0f32, 0.5, 2.0]]), true);
    }
}
