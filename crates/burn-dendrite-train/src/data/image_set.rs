//! Labelled images kept in memory as bytes.

use std::fmt;

use burn::tensor::{Device, Tensor, TensorData};

use super::{DataError, ImageBatch};

/// The size of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// Values per pixel: 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
}

impl ImageShape {
    /// The number of values of one image, or nothing if that number is beyond counting.
    pub fn features(&self) -> Option<usize> {
        self.channels
            .checked_mul(self.height)?
            .checked_mul(self.width)
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}x{}x{}",
            self.channels, self.height, self.width
        )
    }
}

/// Labelled images of one size, kept in memory as bytes: a quarter of what `f32` values would take.
///
/// A batch becomes tensors only when it is asked for, see [`ImageSet::batch`].
#[derive(Clone, PartialEq, Eq)]
pub struct ImageSet {
    /// `len * features` bytes, image after image.
    pixels: Vec<u8>,
    /// One label per image, each below `classes`.
    labels: Vec<u8>,
    shape: ImageShape,
    features: usize,
    classes: usize,
}

impl ImageSet {
    /// Puts a set together, after checking that its parts fit.
    ///
    /// `pixels` holds image after image; an image is `shape.channels * shape.height * shape.width`
    /// bytes, channel by channel and row by row. `labels` holds one label per image, from 0 to
    /// `classes - 1`. A set may be empty.
    ///
    /// # Errors
    ///
    /// If an image has no pixels, if there are no classes or more than the 256 that a byte can name,
    /// if the number of pixels does not fit the number of labels, or if a label names no class.
    pub fn new(
        pixels: Vec<u8>,
        labels: Vec<u8>,
        shape: ImageShape,
        classes: usize,
    ) -> Result<Self, DataError> {
        let features = match shape.features() {
            None | Some(0) => {
                return Err(DataError::Shape {
                    what: "a countable number of pixels, at least one",
                });
            }
            Some(features) => features,
        };
        if classes == 0 || classes > 256 {
            return Err(DataError::Shape {
                what: "1 to 256 classes",
            });
        }
        let expected = labels.len() as u128 * features as u128;
        if pixels.len() as u128 != expected {
            return Err(DataError::PixelCount {
                labels: labels.len(),
                features,
                expected,
                found: pixels.len(),
            });
        }
        if let Some(record) = labels
            .iter()
            .position(|&label| usize::from(label) >= classes)
        {
            return Err(DataError::Label {
                record,
                label: labels[record],
                classes,
            });
        }
        Ok(Self {
            pixels,
            labels,
            shape,
            features,
            classes,
        })
    }

    /// The number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The size of every image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// The number of values of one image: channels times height times width.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The number of classes that a label can name.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels of all images, in order.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The class of image `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`ImageSet::len`], as indexing a slice does.
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// The values of image `index`, from 0 to 255: channel by channel, row by row.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`ImageSet::len`], as indexing a slice does.
    pub fn pixels(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.features..(index + 1) * self.features]
    }

    /// The images at `indices`, in that order, as tensors on `device`.
    ///
    /// The tensors never track gradients, even if `device` does: the dynamics of a network run on
    /// plain tensors, because burn's autodiff keeps every operation on its own tensors until some
    /// backward pass, and a local learning rule makes none.
    ///
    /// # Panics
    ///
    /// If an index is not below [`ImageSet::len`], as indexing a slice does.
    pub fn batch(&self, indices: &[usize], device: &Device) -> ImageBatch {
        let device = device.clone().without_autodiff();
        let size = indices.len();
        let mut inputs = Vec::with_capacity(size * self.features);
        let mut targets = vec![0.0_f32; size * self.classes];
        let mut labels = Vec::with_capacity(size);
        for (row, &index) in indices.iter().enumerate() {
            let label = self.label(index);
            inputs.extend(
                self.pixels(index)
                    .iter()
                    .map(|&pixel| f32::from(pixel) / 255.0),
            );
            targets[row * self.classes + usize::from(label)] = 1.0;
            labels.push(i32::from(label));
        }
        ImageBatch {
            inputs: Tensor::from_data(TensorData::new(inputs, [size, self.features]), &device),
            targets: Tensor::from_data(TensorData::new(targets, [size, self.classes]), &device),
            labels: Tensor::from_data(TensorData::new(labels, [size]), &device),
        }
    }

    /// Divides the set into its first `count` images (all of them, if it has fewer) and the rest.
    pub fn split_at(mut self, count: usize) -> (Self, Self) {
        let count = count.min(self.len());
        let pixels = self.pixels.split_off(count * self.features);
        let labels = self.labels.split_off(count);
        self.pixels.shrink_to_fit();
        self.labels.shrink_to_fit();
        let rest = Self {
            pixels,
            labels,
            ..self
        };
        (self, rest)
    }

    /// A new set of the images at `indices`, in that order.
    ///
    /// # Panics
    ///
    /// If an index is not below [`ImageSet::len`], as indexing a slice does.
    pub fn select(&self, indices: &[usize]) -> Self {
        let mut pixels = Vec::with_capacity(indices.len() * self.features);
        for &index in indices {
            pixels.extend_from_slice(self.pixels(index));
        }
        let labels = indices.iter().map(|&index| self.label(index)).collect();
        Self {
            pixels,
            labels,
            ..*self
        }
    }

    /// How many images each class has: `classes` counts.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }
}

impl fmt::Debug for ImageSet {
    /// Sizes only: fifty million bytes help nobody.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ImageSet")
            .field("len", &self.len())
            .field("shape", &self.shape)
            .field("classes", &self.classes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape {
        channels: 1,
        height: 1,
        width: 2,
    };

    fn three() -> ImageSet {
        ImageSet::new(vec![0, 51, 102, 153, 204, 255], vec![2, 0, 1], SHAPE, 3).unwrap()
    }

    #[test]
    fn a_batch_holds_the_chosen_images_in_the_chosen_order() {
        let batch = three().batch(&[2, 0], &Device::flex());
        assert_eq!(batch.size(), 2);
        batch.inputs.to_data().assert_approx_eq::<f32>(
            &TensorData::from([[0.8_f32, 1.0], [0.0, 0.2]]),
            burn::tensor::Tolerance::absolute(1e-7),
        );
        batch.targets.to_data().assert_eq(
            &TensorData::from([[0.0_f32, 1.0, 0.0], [0.0, 0.0, 1.0]]),
            true,
        );
        batch
            .labels
            .to_data()
            .assert_eq(&TensorData::from([1, 2]), false);
    }

    #[test]
    fn a_batch_never_tracks_gradients() {
        let batch = three().batch(&[0], &Device::flex().autodiff());
        assert!(!batch.inputs.is_autodiff());
        assert!(!batch.targets.is_autodiff());
        assert!(!batch.labels.device().is_autodiff());
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let error = ImageSet::new(vec![0; 6], vec![0, 3, 1], SHAPE, 3).unwrap_err();
        assert!(matches!(
            error,
            DataError::Label {
                record: 1,
                label: 3,
                classes: 3
            }
        ));
        let error = ImageSet::new(vec![0; 5], vec![0, 1, 2], SHAPE, 3).unwrap_err();
        assert!(matches!(
            error,
            DataError::PixelCount {
                expected: 6,
                found: 5,
                ..
            }
        ));
        let flat = ImageShape { height: 0, ..SHAPE };
        assert!(ImageSet::new(vec![], vec![], flat, 3).is_err());
        let endless = ImageShape {
            height: usize::MAX,
            ..SHAPE
        };
        assert!(ImageSet::new(vec![], vec![], endless, 3).is_err());
        assert!(ImageSet::new(vec![], vec![], SHAPE, 0).is_err());
        assert!(ImageSet::new(vec![], vec![], SHAPE, 257).is_err());
    }

    #[test]
    fn dividing_keeps_every_image_once() {
        let (first, rest) = three().split_at(1);
        assert_eq!((first.labels(), rest.labels()), (&[2][..], &[0, 1][..]));
        assert_eq!(first.pixels(0), [0, 51]);
        assert_eq!(rest.pixels(1), [204, 255]);
        let (all, none) = three().split_at(9);
        assert_eq!((all.len(), none.len()), (3, 0));
    }

    #[test]
    fn selecting_copies_the_chosen_images() {
        let chosen = three().select(&[1, 1]);
        assert_eq!(
            (chosen.labels(), chosen.pixels(1)),
            (&[0, 0][..], &[102, 153][..])
        );
        assert_eq!(chosen.class_counts(), [2, 0, 0]);
    }
}
