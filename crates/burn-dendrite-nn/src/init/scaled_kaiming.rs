//! Kaiming's bound, scaled, on both sides of zero.

use serde::{Deserialize, Serialize};

use super::{Distribution, InitSite, Initializer, half_kaiming::one, positive};
use crate::CellType;

/// Uniform within the scaled Kaiming bound.
///
/// ```text
/// w ~ U(-scale / sqrt(fan_in), scale / sqrt(fan_in))
/// ```
///
/// For a bias, `fan_in` is the sum over all incoming projections. Ports `scaled_kaiming` of EIANN
/// (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScaledKaiming {
    /// Factor on the bound; 1 unless given.
    #[serde(default = "one")]
    pub scale: f64,
}

impl Initializer for ScaledKaiming {
    fn check(&self, _cell: CellType) -> Result<(), String> {
        positive("scale", self.scale)
    }

    fn distribution(&self, site: &InitSite) -> Distribution {
        let bound = self.scale * site.kaiming_bound();
        Distribution::Uniform {
            low: -bound,
            high: bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_is_the_scale_over_the_root_of_the_fan_in() {
        let site = InitSite {
            cell: CellType::Unconstrained,
            fan_in: 25,
        };
        let distribution = ScaledKaiming { scale: 3.0 }.distribution(&site);
        let Distribution::Uniform { low, high } = distribution else {
            panic!("uniform")
        };
        assert!((low + 0.6).abs() < 1e-12 && (high - 0.6).abs() < 1e-12);
    }
}
