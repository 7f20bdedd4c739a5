//! Weak synapses vanish.

use burn_dendrite::nn::{
    constraint::{Constraint, ConstraintSite},
    numbers::Rows,
};
use serde::{Deserialize, Serialize};

/// Synapses weaker than `threshold` vanish: `w = 0` where `|w| < threshold`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruning {
    /// The smallest absolute weight that stays.
    pub threshold: f64,
}

impl Constraint for Pruning {
    fn check(&self, _site: &ConstraintSite) -> Result<(), String> {
        if self.threshold.is_finite() && self.threshold >= 0.0 {
            Ok(())
        } else {
            Err(format!(
                "`threshold` is {}; accepted: 0 or more",
                self.threshold
            ))
        }
    }

    fn project<R: Rows>(&self, weight: R) -> R {
        let strong = weight.clone().abs().above(self.threshold);
        weight * strong
    }
}
