//! Units that see a part of the image only.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Constraint, ConstraintSite, Scope};
use crate::numbers::Bounds;

/// Each postsynaptic unit hears one square window of the image, placed at random once.
///
/// The presynaptic population is an image flattened as `[channels, height, width]`; a window spans
/// all channels. Ports `receptive_field_mask` of EIANN (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceptiveField {
    /// Side of the window, in pixels.
    pub size: usize,
    /// `[channels, height, width]` of the presynaptic image, in pixels.
    pub image: [usize; 3],
}

impl Constraint for ReceptiveField {
    fn check(&self, site: &ConstraintSite) -> Result<(), String> {
        let [channels, height, width] = self.image;
        let pixels = channels
            .checked_mul(height)
            .and_then(|area| area.checked_mul(width));
        if pixels != Some(site.pre) {
            return Err(format!(
                "`image` is {channels} x {height} x {width}; accepted: channels, height and width \
                 whose product is the {} presynaptic units",
                site.pre
            ));
        }
        if self.size == 0 || self.size > height.min(width) {
            return Err(format!(
                "`size` is {}; accepted: 1 to {}",
                self.size,
                height.min(width)
            ));
        }
        Ok(())
    }

    fn connectivity(&self, site: &ConstraintSite, random: &mut ChaCha8Rng) -> Option<Vec<bool>> {
        let [channels, height, width] = self.image;
        let mut exists = vec![false; site.pre * site.post];
        for unit in 0..site.post {
            let top = random.random_range(0..=height - self.size);
            let left = random.random_range(0..=width - self.size);
            for channel in 0..channels {
                for row in top..top + self.size {
                    for column in left..left + self.size {
                        let pixel = (channel * height + row) * width + column;
                        exists[pixel * site.post + unit] = true;
                    }
                }
            }
        }
        Some(exists)
    }

    fn fan_in(&self, _site: &ConstraintSite) -> Option<usize> {
        Some(self.size * self.size * self.image[0])
    }

    fn scope(&self) -> Scope {
        Scope::Each(Bounds::NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellType, constraint::Recurrence};
    use rand::SeedableRng;

    #[test]
    fn every_unit_sees_one_square_window_of_all_channels() {
        let field = ReceptiveField {
            size: 3,
            image: [2, 6, 5],
        };
        let site = ConstraintSite {
            pre: 60,
            post: 20,
            recurrence: Recurrence::Between,
            cell: CellType::Excitatory,
        };
        field.check(&site).unwrap();
        assert_eq!(field.fan_in(&site), Some(18));
        let exists = field
            .connectivity(&site, &mut ChaCha8Rng::seed_from_u64(7))
            .unwrap();
        for unit in 0..20 {
            let seen: Vec<usize> = (0..60).filter(|pixel| exists[pixel * 20 + unit]).collect();
            assert_eq!(seen.len(), 18);
            let (first, last) = (seen[0], seen[8]);
            // The first channel's window: rows and columns span exactly three pixels.
            assert_eq!((last / 5 - first / 5, last % 5 - first % 5), (2, 2));
            // The second channel's window is the same one.
            assert!((0..9).all(|at| seen[at + 9] == seen[at] + 30));
        }
    }

    #[test]
    fn an_image_of_another_size_is_refused() {
        let site = ConstraintSite {
            pre: 784,
            post: 10,
            recurrence: Recurrence::Between,
            cell: CellType::Excitatory,
        };
        assert!(
            ReceptiveField {
                size: 9,
                image: [3, 32, 32]
            }
            .check(&site)
            .is_err()
        );
        assert!(
            ReceptiveField {
                size: 29,
                image: [1, 28, 28]
            }
            .check(&site)
            .is_err()
        );
        assert!(
            ReceptiveField {
                size: 9,
                image: [usize::MAX, 2, 28]
            }
            .check(&site)
            .is_err()
        );
    }
}
