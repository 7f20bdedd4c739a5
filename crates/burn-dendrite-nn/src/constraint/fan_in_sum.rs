//! A fixed sum of the weights onto each unit.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Constraint, ConstraintSite, Recurrence};
use crate::{numbers::Rows, range::positive};

/// Whether a unit may project to itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Autapses {
    /// The diagonal of a projection within one population is zero.
    #[default]
    Removed,
    /// The diagonal is treated as any other weight.
    Kept,
}

/// The absolute weights onto each postsynaptic unit sum to `total`.
///
/// ```text
/// w_ij = total · w_ij / Σ_k |w_kj|    for every unit j whose sum is not zero
/// ```
///
/// Within one population, autapses are removed first unless they are kept. Ports
/// `normalize_weight` of EIANN (Galloni et al. 2025); without it a Hebbian rule grows without
/// bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanInSum {
    /// The sum of absolute weights onto each unit.
    pub total: f64,
    /// Whether a unit may project to itself; removed unless given.
    #[serde(default)]
    pub autapses: Autapses,
}

impl Constraint for FanInSum {
    fn check(&self, _site: &ConstraintSite) -> Result<(), String> {
        positive("total", self.total)
    }

    fn connectivity(&self, site: &ConstraintSite, _random: &mut ChaCha8Rng) -> Option<Vec<bool>> {
        match (site.recurrence, self.autapses) {
            (Recurrence::Within, Autapses::Removed) => Some(site.without_diagonal()),
            _ => None,
        }
    }

    fn project<R: Rows>(&self, weight: R) -> R {
        let sums = weight.absolute_sums();
        // A unit that hears nothing keeps its zeros: 0 / 1.
        let silent = -sums.clone().nonzero() + 1.0;
        weight / (sums + silent) * self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Tensor, TensorData, Tolerance};

    #[test]
    fn columns_sum_to_the_total_and_silent_units_stay_silent() {
        let weight =
            Tensor::<2>::from_floats([[1.0, 0.0, -2.0], [3.0, 0.0, -6.0]], &crate::test_device());
        let constraint = FanInSum {
            total: 2.0,
            autapses: Autapses::Removed,
        };
        let once = constraint.project(weight);
        once.clone().into_data().assert_approx_eq::<f32>(
            &TensorData::from([[0.5f32, 0.0, -0.5], [1.5, 0.0, -1.5]]),
            Tolerance::strict(),
        );
        let twice = constraint.project(once.clone()).into_data();
        twice.assert_approx_eq::<f32>(&once.into_data(), Tolerance::strict());
    }
}
