//! No unit projects to itself.

use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Constraint, ConstraintSite, Recurrence, Scope};
use crate::numbers::Bounds;

/// The diagonal of a projection within one population is zero.
///
/// Ports `no_autapses` of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoAutapses {}

impl Constraint for NoAutapses {
    fn check(&self, site: &ConstraintSite) -> Result<(), String> {
        match site.recurrence {
            Recurrence::Within => Ok(()),
            Recurrence::Between => {
                Err("`no_autapses` says nothing about a projection between two \
                                        populations; accepted: a population onto itself"
                    .to_owned())
            }
        }
    }

    fn connectivity(&self, site: &ConstraintSite, _random: &mut ChaCha8Rng) -> Option<Vec<bool>> {
        Some(site.without_diagonal())
    }

    fn scope(&self) -> Scope {
        Scope::Each(Bounds::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CellType;
    use rand::SeedableRng;

    #[test]
    fn only_the_diagonal_is_missing() {
        let site = ConstraintSite {
            pre: 3,
            post: 3,
            recurrence: Recurrence::Within,
            cell: CellType::Inhibitory,
        };
        let exists = NoAutapses {}
            .connectivity(&site, &mut ChaCha8Rng::seed_from_u64(0))
            .unwrap();
        let (o, x) = (false, true);
        assert_eq!(exists, [o, x, x, x, o, x, x, x, o]);
        let between = ConstraintSite {
            recurrence: Recurrence::Between,
            ..site
        };
        assert!(NoAutapses {}.check(&between).is_err());
    }
}
