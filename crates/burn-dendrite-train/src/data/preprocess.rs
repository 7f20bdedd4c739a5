//! What is done to images before a network sees them.

use serde::{Deserialize, Serialize};

use super::{Affine, Augmentation, DataError, Flip, Splits};

/// How the values of samples become rates, which are never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// As they are: pixels from 0 to 1, numbers as numbers.
    #[default]
    Plain,
    /// Signed contrast as two rates, for which the input has twice the size:
    ///
    /// ```text
    /// c   = (x − μ) / max |x − μ|
    /// on  = max(c, 0),  off = max(−c, 0)
    /// ```
    ///
    /// Mean μ and maximum are over the training samples, of each channel of images and of each number
    /// of vectors. All `on` come first, then all `off`. On training samples both are from 0 to 1, one
    /// of them is 0, and a value that never varies is 0 in both.
    OnOff,
    /// The same in units of the standard deviation σ, which outliers hardly change:
    ///
    /// ```text
    /// c   = (x − μ) / σ
    /// ```
    ///
    /// On training samples the squares of both rates together are 1 on average.
    OnOffStandard,
}

/// Normalisation of all images, and random changes of those that are trained on. Nothing is done
/// unless asked for, as in the paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// The scale of pixels.
    pub normalisation: Normalisation,
    /// Pixels by which a training image is enlarged on each side, as its border goes on, and out of which it is
    /// cut again at random; at most as many as leave some of it.
    pub crop_padding: usize,
    /// Whether training images are flipped at random.
    pub flip: Flip,
    /// How training images are turned, zoomed and sheared at random.
    pub affine: Affine,
}

/// The scale of pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalisation {
    /// From 0 to 1, as in the paper.
    #[default]
    Unit,
    /// Mean 0 and variance 1 over the training images, channel by channel. Half of the pixels are
    /// then negative, which no rate of an excitatory or inhibitory cell can be.
    PerChannel,
}

impl Preprocessing {
    /// The random changes, if there are any.
    pub fn augmentation(&self) -> Option<Augmentation> {
        let augmentation = Augmentation {
            crop_padding: self.crop_padding,
            flip: self.flip,
            affine: self.affine,
        };
        let nothing = Augmentation {
            crop_padding: 0,
            flip: Flip::Never,
            affine: Affine::default(),
        };
        (augmentation != nothing).then_some(augmentation)
    }

    /// The splits as a network shall see them; random changes are made by the loader.
    ///
    /// # Errors
    ///
    /// If the samples are no images, or too small to be cropped so much.
    pub fn prepare(&self, splits: Splits) -> Result<Splits, DataError> {
        if *self == Self::default() {
            return Ok(splits);
        }
        if self.normalisation == Normalisation::PerChannel && splits.train.is_encoded() {
            return Err(DataError::Preprocessing {
                reason: "`encoding = \"on_off\"` takes the mean off by itself; accepted: no \
                         `--normalise` with it"
                    .to_owned(),
            });
        }
        let Some(shape) = splits.train.shape() else {
            return Err(DataError::Preprocessing {
                reason: "normalising, cropping, flipping and turning are for images, and these samples are \
                         vectors"
                    .to_owned(),
            });
        };
        let smallest = shape.height.min(shape.width);
        if self.crop_padding >= smallest {
            return Err(DataError::Preprocessing {
                reason: format!(
                    "a padding of {} pixels can leave nothing of an image of {shape}; accepted: 0 \
                     to {}",
                    self.crop_padding,
                    smallest - 1
                ),
            });
        }
        (self.affine.check()).map_err(|reason| DataError::Preprocessing { reason })?;
        Ok(match self.normalisation {
            Normalisation::Unit => splits,
            Normalisation::PerChannel => {
                let statistics = splits.train.statistics();
                splits.map(|set| set.normalised(&statistics))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::data::{DatasetName, ImageShape, SampleSet};

    const SHAPE: ImageShape = ImageShape {
        channels: 2,
        height: 1,
        width: 2,
    };

    fn splits() -> Splits {
        let set = |pixels: Vec<u8>, count| {
            Arc::new(SampleSet::images(pixels, vec![0; count], SHAPE, 1).unwrap())
        };
        Splits {
            train: set(vec![0, 255, 51, 51, 255, 0, 51, 51], 2),
            validation: set(vec![255, 255, 51, 0], 1),
            test: set(vec![], 0),
        }
    }

    #[test]
    fn all_splits_are_normalised_by_the_training_images() {
        let preprocessing = Preprocessing {
            normalisation: Normalisation::PerChannel,
            ..Preprocessing::default()
        };
        let splits = preprocessing.prepare(splits()).unwrap();
        // Channel 0: mean 0.5, deviation 0.5. Channel 1: mean 0.2 and no deviation, so only moved.
        assert_eq!(splits.train.sample(0), [-1.0, 1.0, 0.0, 0.0]);
        let shown = splits.validation.sample(0);
        assert_eq!(shown[..3], [1.0, 1.0, 0.0]);
        assert!((shown[3] + 0.2).abs() < 1e-6);
    }

    #[test]
    fn signed_contrast_is_two_rates_of_each_channel() {
        let statistics = splits().train.statistics();
        let encoded = splits().map(|set| set.encoded(Encoding::OnOff, &statistics));
        // Channel 0: mean 0.5, at most 0.5 from it. Channel 1 does not vary, so nothing is seen of it.
        let shape = encoded.train.shape().unwrap();
        assert_eq!((shape.channels, encoded.train.features()), (4, 8));
        let expected = [0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(encoded.train.sample(0), expected);
        // 0, 1, 0.2, 0.2 and 1, 0, 0.2, 0.2: a standard deviation of 0.5 is the largest distance here.
        let standard = splits().map(|set| set.encoded(Encoding::OnOffStandard, &statistics));
        assert_eq!(standard.train.sample(0), expected);
        let normalised = Preprocessing {
            normalisation: Normalisation::PerChannel,
            ..Preprocessing::default()
        };
        let message = normalised.prepare(encoded).unwrap_err().to_string();
        assert!(message.contains("on_off"), "{message}");
    }

    #[test]
    fn nothing_is_done_unless_asked_for() {
        let preprocessing = Preprocessing::default();
        assert_eq!(preprocessing.augmentation(), None);
        let prepared = preprocessing.prepare(splits()).unwrap();
        assert!(prepared.train == splits().train);
    }

    #[test]
    fn vectors_and_too_large_paddings_are_refused() {
        let spirals = || DatasetName::Spirals.load(&Default::default()).unwrap();
        for preprocessing in [
            Preprocessing {
                flip: Flip::Horizontal,
                ..Preprocessing::default()
            },
            Preprocessing {
                normalisation: Normalisation::PerChannel,
                ..Preprocessing::default()
            },
        ] {
            let message = preprocessing.prepare(spirals()).unwrap_err().to_string();
            assert!(message.contains("vectors"), "{message}");
        }
        let turned = Preprocessing {
            affine: Affine {
                rotation: 200,
                ..Affine::default()
            },
            ..Preprocessing::default()
        };
        let message = turned.prepare(splits()).unwrap_err().to_string();
        assert!(
            message.contains("`rotation` is 200; accepted: 0 to 180"),
            "{message}"
        );
        let padded = |crop_padding| Preprocessing {
            crop_padding,
            ..Preprocessing::default()
        };
        let message = padded(1).prepare(splits()).unwrap_err().to_string();
        assert!(
            message.contains("2x1x2") && message.contains("0 to 0"),
            "{message}"
        );
    }
}
