//! A normal start.

use serde::{Deserialize, Serialize};

use super::{Distribution, InitSite, Initializer, finite, positive};
use crate::CellType;

/// Normal; values on the side of zero that Dale's law forbids become zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    /// Mean; 0 unless given.
    #[serde(default)]
    pub mean: f64,
    /// Standard deviation.
    pub standard_deviation: f64,
}

impl Initializer for Normal {
    fn check(&self, _cell: CellType) -> Result<(), String> {
        finite("mean", self.mean)?;
        positive("standard_deviation", self.standard_deviation)
    }

    fn distribution(&self, _site: &InitSite) -> Distribution {
        Distribution::Normal {
            mean: self.mean,
            standard_deviation: self.standard_deviation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_that_is_not_positive_is_refused() {
        let width = |standard_deviation| Normal {
            mean: 0.0,
            standard_deviation,
        };
        assert!(width(-1.0).check(CellType::Unconstrained).is_err());
        assert!(width(0.1).check(CellType::Unconstrained).is_ok());
    }
}
