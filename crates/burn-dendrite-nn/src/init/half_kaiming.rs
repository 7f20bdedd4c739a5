//! Kaiming's bound on the side of zero that Dale's law allows.

use serde::{Deserialize, Serialize};

use super::{Distribution, InitSite, Initializer, positive};
use crate::CellType;

/// Uniform between zero and the scaled Kaiming bound, on the presynaptic cell's side of zero.
///
/// ```text
/// w ~ U(0,  scale / sqrt(fan_in))    presynaptic cell excitatory
/// w ~ U(-scale / sqrt(fan_in), 0)    presynaptic cell inhibitory
/// ```
///
/// Ports `half_kaiming` of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HalfKaiming {
    /// Factor on the bound; 1 unless given.
    #[serde(default = "one")]
    pub scale: f64,
}

pub(super) fn one() -> f64 {
    1.0
}

impl Initializer for HalfKaiming {
    fn check(&self, cell: CellType) -> Result<(), String> {
        positive("scale", self.scale)?;
        match cell {
            CellType::Excitatory | CellType::Inhibitory => Ok(()),
            CellType::Unconstrained => Err(
                "`half_kaiming` needs an excitatory or inhibitory presynaptic cell; \
                 for an unconstrained one use `scaled_kaiming`"
                    .to_owned(),
            ),
        }
    }

    fn distribution(&self, site: &InitSite) -> Distribution {
        let bound = self.scale * site.kaiming_bound();
        match site.cell {
            CellType::Inhibitory => Distribution::Uniform {
                low: -bound,
                high: 0.0,
            },
            CellType::Excitatory | CellType::Unconstrained => Distribution::Uniform {
                low: 0.0,
                high: bound,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cell_decides_the_side_of_zero() {
        let init = HalfKaiming { scale: 2.0 };
        let at = |cell| init.distribution(&InitSite { cell, fan_in: 16 });
        assert_eq!(
            at(CellType::Excitatory),
            Distribution::Uniform {
                low: 0.0,
                high: 0.5
            }
        );
        assert_eq!(
            at(CellType::Inhibitory),
            Distribution::Uniform {
                low: -0.5,
                high: 0.0
            }
        );
        assert!(init.check(CellType::Unconstrained).is_err());
        assert!(
            HalfKaiming { scale: 0.0 }
                .check(CellType::Excitatory)
                .is_err()
        );
    }
}
