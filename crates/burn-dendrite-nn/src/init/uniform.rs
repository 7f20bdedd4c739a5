//! A uniform start.

use serde::{Deserialize, Serialize};

use super::{Distribution, InitSite, Initializer, finite};
use crate::CellType;

/// Uniform in `[low, high)`; values on the side of zero that Dale's law forbids become zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Uniform {
    /// Smallest value.
    pub low: f64,
    /// Bound of the largest value.
    pub high: f64,
}

impl Initializer for Uniform {
    fn check(&self, _cell: CellType) -> Result<(), String> {
        finite("low", self.low)?;
        finite("high", self.high)?;
        if self.low <= self.high {
            Ok(())
        } else {
            Err(format!(
                "`low` is {} and `high` {}; accepted: low <= high",
                self.low, self.high
            ))
        }
    }

    fn distribution(&self, _site: &InitSite) -> Distribution {
        Distribution::Uniform {
            low: self.low,
            high: self.high,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upside_down_range_is_refused() {
        assert!(
            Uniform {
                low: 1.0,
                high: 0.0
            }
            .check(CellType::Excitatory)
            .is_err()
        );
        assert!(
            Uniform {
                low: 0.0,
                high: f64::NAN
            }
            .check(CellType::Excitatory)
            .is_err()
        );
        assert!(
            Uniform {
                low: 0.5,
                high: 0.5
            }
            .check(CellType::Excitatory)
            .is_ok()
        );
    }
}
