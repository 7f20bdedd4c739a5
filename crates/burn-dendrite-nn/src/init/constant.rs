//! A constant start.

use serde::{Deserialize, Serialize};

use super::{Distribution, InitSite, Initializer, finite};
use crate::CellType;

/// Every value is `value`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The value.
    pub value: f64,
}

impl Initializer for Constant {
    fn check(&self, cell: CellType) -> Result<(), String> {
        finite("value", self.value)?;
        match (cell, self.value) {
            (CellType::Excitatory, value) if value < 0.0 => Err(format!(
                "`value` is {value}; accepted for an excitatory cell: 0 or more"
            )),
            (CellType::Inhibitory, value) if value > 0.0 => Err(format!(
                "`value` is {value}; accepted for an inhibitory cell: 0 or less"
            )),
            _ => Ok(()),
        }
    }

    fn distribution(&self, _site: &InitSite) -> Distribution {
        Distribution::Constant(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrong_side_of_zero_is_refused() {
        assert!(
            Constant { value: -1.0 }
                .check(CellType::Excitatory)
                .is_err()
        );
        assert!(Constant { value: 1.0 }.check(CellType::Inhibitory).is_err());
        assert!(
            Constant { value: -1.0 }
                .check(CellType::Unconstrained)
                .is_ok()
        );
    }
}
