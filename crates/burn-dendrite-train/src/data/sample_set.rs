//! Labelled samples kept in memory: images as bytes, vectors as real numbers.

use std::{fmt, ops::Range, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{DataError, SampleBatch, augment::View};

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

/// Labelled samples of one size in memory: images as bytes, a quarter of what `f32` values would
/// take, or vectors of real numbers.
///
/// A batch becomes tensors only when it is asked for, see [`SampleSet::batch`].
#[derive(Clone, PartialEq)]
pub struct SampleSet {
    /// `len * features` values, sample after sample.
    values: Values,
    /// One label per sample, each below `classes`.
    labels: Vec<u8>,
    /// The size of an image; none where samples are vectors.
    shape: Option<ImageShape>,
    features: usize,
    classes: usize,
    /// What a network sees of each value of a pixel, channel by channel; a 255th of it unless
    /// normalised.
    scales: Option<Arc<[Scale]>>,
}

/// What a network sees of each value of a pixel.
type Scale = [f32; 256];

/// Mean and standard deviation of a channel, of pixels from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ChannelStatistics {
    mean: f64,
    deviation: f64,
}

/// What samples are made of.
#[derive(Clone, PartialEq)]
enum Values {
    /// Pixels; a network sees `pixel / 255`.
    Bytes(Vec<u8>),
    /// Numbers, seen as they are.
    Reals(Vec<f32>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Reals(values) => values.len(),
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Bytes(values) => {
                let rest = values.split_off(at);
                values.shrink_to_fit();
                Self::Bytes(rest)
            }
            Self::Reals(values) => {
                let rest = values.split_off(at);
                values.shrink_to_fit();
                Self::Reals(rest)
            }
        }
    }

    /// The values in these ranges, one after the other.
    fn select(&self, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        match self {
            Self::Bytes(values) => {
                Self::Bytes(ranges.flat_map(|it| &values[it]).copied().collect())
            }
            Self::Reals(values) => {
                Self::Reals(ranges.flat_map(|it| &values[it]).copied().collect())
            }
        }
    }
}

impl SampleSet {
    /// Puts a set of images together, after checking that its parts fit.
    ///
    /// `pixels` holds image after image; an image is `shape.channels * shape.height * shape.width`
    /// bytes, channel by channel and row by row. `labels` holds one label per image, from 0 to
    /// `classes - 1`. A set may be empty.
    ///
    /// # Errors
    ///
    /// If an image has no pixels, if there are no classes or more than the 256 that a byte can name,
    /// if the number of pixels does not fit the number of labels, or if a label names no class.
    pub fn images(
        pixels: Vec<u8>,
        labels: Vec<u8>,
        shape: ImageShape,
        classes: usize,
    ) -> Result<Self, DataError> {
        let features = shape.features().unwrap_or(0);
        Self::new(
            Values::Bytes(pixels),
            labels,
            Some(shape),
            features,
            classes,
        )
    }

    /// Puts a set of vectors together, after checking that its parts fit.
    ///
    /// `values` holds vector after vector of `features` numbers, which a network sees as they are;
    /// `labels` as for [`images`](Self::images).
    ///
    /// # Errors
    ///
    /// As for [`images`](Self::images).
    pub fn vectors(
        values: Vec<f32>,
        labels: Vec<u8>,
        features: usize,
        classes: usize,
    ) -> Result<Self, DataError> {
        Self::new(Values::Reals(values), labels, None, features, classes)
    }

    fn new(
        values: Values,
        labels: Vec<u8>,
        shape: Option<ImageShape>,
        features: usize,
        classes: usize,
    ) -> Result<Self, DataError> {
        if features == 0 {
            return Err(DataError::Shape {
                what: "a countable number of values, at least one",
            });
        }
        if classes == 0 || classes > 256 {
            return Err(DataError::Shape {
                what: "1 to 256 classes",
            });
        }
        let expected = labels.len() as u128 * features as u128;
        if values.len() as u128 != expected {
            return Err(DataError::PixelCount {
                labels: labels.len(),
                features,
                expected,
                found: values.len(),
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
            values,
            labels,
            shape,
            features,
            classes,
            scales: None,
        })
    }

    /// The number of samples.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The size of every image; none where samples are vectors.
    pub fn shape(&self) -> Option<ImageShape> {
        self.shape
    }

    /// The number of values of one sample; of an image, channels times height times width.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The number of classes that a label can name.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The labels of all samples, in order.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// The class of sample `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`SampleSet::len`], as indexing a slice does.
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// The bytes of image `index`, channel by channel, row by row; none where samples are vectors.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`SampleSet::len`], as indexing a slice does.
    pub fn pixels(&self, index: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Bytes(pixels) => Some(&pixels[self.range(index)]),
            Values::Reals(_) => None,
        }
    }

    /// The values of sample `index` as a network sees them.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`SampleSet::len`], as indexing a slice does.
    pub fn sample(&self, index: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.features);
        self.show(index, &mut values);
        values
    }

    /// Appends the values of a sample as a network sees them.
    fn show(&self, index: usize, inputs: &mut Vec<f32>) {
        let range = self.range(index);
        match (&self.values, &self.scales) {
            (Values::Reals(values), _) => inputs.extend_from_slice(&values[range]),
            (Values::Bytes(pixels), None) => {
                inputs.extend(pixels[range].iter().map(|&pixel| f32::from(pixel) / 255.0));
            }
            (Values::Bytes(pixels), Some(scales)) => {
                let channels = pixels[range].chunks(self.features / scales.len());
                for (channel, scale) in channels.zip(scales.iter()) {
                    inputs.extend(channel.iter().map(|&pixel| scale[usize::from(pixel)]));
                }
            }
        }
    }

    /// Appends the values of an image that is looked at in another way; what comes into view beside
    /// it is black. A vector is appended as it is.
    fn show_view(&self, index: usize, view: View, inputs: &mut Vec<f32>) {
        let (Some(pixels), Some(shape)) = (self.pixels(index), self.shape) else {
            return self.show(index, inputs);
        };
        let size = shape.height * shape.width;
        for (channel, pixels) in pixels.chunks(size).enumerate() {
            let scale = self.scales.as_ref().map(|scales| &scales[channel]);
            for row in 0..shape.height {
                let row = row.checked_add_signed(-view.shift[0]);
                let row = row.filter(|row| *row < shape.height);
                for column in 0..shape.width {
                    let column = match view.is_flipped {
                        true => shape.width - 1 - column,
                        false => column,
                    };
                    let column = column.checked_add_signed(-view.shift[1]);
                    let column = column.filter(|column| *column < shape.width);
                    let pixel = match (row, column) {
                        (Some(row), Some(column)) => pixels[row * shape.width + column],
                        _ => 0,
                    };
                    inputs.push(match scale {
                        Some(scale) => scale[usize::from(pixel)],
                        None => f32::from(pixel) / 255.0,
                    });
                }
            }
        }
    }

    /// Mean and deviation of each channel over all images; none where samples are vectors.
    pub(super) fn channel_statistics(&self) -> Vec<ChannelStatistics> {
        let (Values::Bytes(pixels), Some(shape)) = (&self.values, self.shape) else {
            return Vec::new();
        };
        let size = shape.height * shape.width;
        // Sums of bytes are exact, whatever their order.
        let mut sums = vec![(0_u64, 0_u64); shape.channels];
        for (channel, pixels) in pixels.chunks(size).enumerate() {
            let (sum, squares) = &mut sums[channel % shape.channels];
            for pixel in pixels {
                *sum += u64::from(*pixel);
                *squares += u64::from(*pixel).pow(2);
            }
        }
        let count = (self.len() * size).max(1) as f64;
        let statistics = |(sum, squares): (u64, u64)| {
            let mean = sum as f64 / count;
            let variance = (squares as f64 / count - mean * mean).max(0.0);
            ChannelStatistics {
                mean: mean / 255.0,
                deviation: variance.sqrt() / 255.0,
            }
        };
        sums.into_iter().map(statistics).collect()
    }

    /// The same images, shown with these means taken off and divided by these deviations; a channel
    /// that does not vary is only moved.
    pub(super) fn normalised(self, channels: &[ChannelStatistics]) -> Self {
        let scale = |channel: &ChannelStatistics| -> Scale {
            let deviation = match channel.deviation > 0.0 {
                true => channel.deviation,
                false => 1.0,
            };
            std::array::from_fn(|pixel| ((pixel as f64 / 255.0 - channel.mean) / deviation) as f32)
        };
        Self {
            scales: Some(channels.iter().map(scale).collect()),
            ..self
        }
    }

    /// Where the values of sample `index` are.
    fn range(&self, index: usize) -> Range<usize> {
        index * self.features..(index + 1) * self.features
    }

    /// The samples at `indices`, in that order, as tensors on `device`.
    ///
    /// The tensors never track gradients, even if `device` does: the dynamics of a network run on
    /// plain tensors, because burn's autodiff keeps every operation on its own tensors until some
    /// backward pass, and a local learning rule makes none.
    ///
    /// # Panics
    ///
    /// If an index is not below [`SampleSet::len`], as indexing a slice does.
    pub fn batch(&self, indices: &[usize], device: &Device) -> SampleBatch {
        self.batch_shown(indices, |_, index, inputs| self.show(index, inputs), device)
    }

    /// [`batch`](Self::batch) of images that are each looked at in a way of its own, by its row.
    pub(super) fn batch_of_views(
        &self,
        indices: &[usize],
        view: impl Fn(usize) -> View,
        device: &Device,
    ) -> SampleBatch {
        let show = |row, index, inputs: &mut Vec<f32>| self.show_view(index, view(row), inputs);
        self.batch_shown(indices, show, device)
    }

    /// The samples at `indices`, whose values `show` appends, told row and index.
    fn batch_shown(
        &self,
        indices: &[usize],
        show: impl Fn(usize, usize, &mut Vec<f32>),
        device: &Device,
    ) -> SampleBatch {
        let device = device.clone().without_autodiff();
        let size = indices.len();
        let mut inputs = Vec::with_capacity(size * self.features);
        let mut targets = vec![0.0_f32; size * self.classes];
        let mut labels = Vec::with_capacity(size);
        for (row, &index) in indices.iter().enumerate() {
            let label = self.label(index);
            show(row, index, &mut inputs);
            targets[row * self.classes + usize::from(label)] = 1.0;
            labels.push(i32::from(label));
        }
        SampleBatch {
            inputs: Tensor::from_data(TensorData::new(inputs, [size, self.features]), &device),
            targets: Tensor::from_data(TensorData::new(targets, [size, self.classes]), &device),
            labels: Tensor::from_data(TensorData::new(labels, [size]), &device),
            position: 0,
            share: 1.0,
        }
    }

    /// Divides the set into its first `count` samples (all of them, if it has fewer) and the rest.
    pub fn split_at(mut self, count: usize) -> (Self, Self) {
        let count = count.min(self.len());
        let values = self.values.split_off(count * self.features);
        let labels = self.labels.split_off(count);
        self.labels.shrink_to_fit();
        let rest = Self {
            values,
            labels,
            scales: self.scales.clone(),
            ..self
        };
        (self, rest)
    }

    /// A new set of the samples at `indices`, in that order.
    ///
    /// # Panics
    ///
    /// If an index is not below [`SampleSet::len`], as indexing a slice does.
    pub fn select(&self, indices: &[usize]) -> Self {
        let labels = indices.iter().map(|&index| self.label(index)).collect();
        Self {
            values: (self.values).select(indices.iter().map(|&index| self.range(index))),
            labels,
            scales: self.scales.clone(),
            ..*self
        }
    }

    /// So many samples, drawn without repetition by a fixed seed, in an order of their own: the same
    /// ones for every run.
    pub fn subset(&self, count: usize) -> Self {
        let mut indices: Vec<usize> = (0..self.len()).collect();
        indices.shuffle(&mut ChaCha8Rng::seed_from_u64(0));
        indices.truncate(count);
        self.select(&indices)
    }

    /// How many samples each class has: `classes` counts.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.classes];
        for &label in &self.labels {
            counts[usize::from(label)] += 1;
        }
        counts
    }
}

impl fmt::Debug for SampleSet {
    /// Sizes only: fifty million bytes help nobody.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SampleSet")
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

    fn three() -> SampleSet {
        SampleSet::images(vec![0, 51, 102, 153, 204, 255], vec![2, 0, 1], SHAPE, 3).unwrap()
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
        let error = SampleSet::images(vec![0; 6], vec![0, 3, 1], SHAPE, 3).unwrap_err();
        assert!(matches!(
            error,
            DataError::Label {
                record: 1,
                label: 3,
                classes: 3
            }
        ));
        let error = SampleSet::images(vec![0; 5], vec![0, 1, 2], SHAPE, 3).unwrap_err();
        assert!(matches!(
            error,
            DataError::PixelCount {
                expected: 6,
                found: 5,
                ..
            }
        ));
        let flat = ImageShape { height: 0, ..SHAPE };
        assert!(SampleSet::images(vec![], vec![], flat, 3).is_err());
        let endless = ImageShape {
            height: usize::MAX,
            ..SHAPE
        };
        assert!(SampleSet::images(vec![], vec![], endless, 3).is_err());
        assert!(SampleSet::images(vec![], vec![], SHAPE, 0).is_err());
        assert!(SampleSet::images(vec![], vec![], SHAPE, 257).is_err());
    }

    #[test]
    fn dividing_keeps_every_image_once() {
        let (first, rest) = three().split_at(1);
        assert_eq!((first.labels(), rest.labels()), (&[2][..], &[0, 1][..]));
        assert_eq!(first.pixels(0).unwrap(), [0, 51]);
        assert_eq!(rest.pixels(1).unwrap(), [204, 255]);
        let (all, none) = three().split_at(9);
        assert_eq!((all.len(), none.len()), (3, 0));
    }

    #[test]
    fn selecting_copies_the_chosen_images() {
        let chosen = three().select(&[1, 1]);
        assert_eq!(
            (chosen.labels(), chosen.pixels(1)),
            (&[0, 0][..], Some(&[102, 153][..]))
        );
        assert_eq!(chosen.class_counts(), [2, 0, 0]);
    }

    #[test]
    fn a_subset_is_the_same_every_time_and_mixes_the_set() {
        let labels: Vec<u8> = (0..100).collect();
        let set = SampleSet::images(vec![0; 200], labels, SHAPE, 100).unwrap();
        let subset = set.subset(20);
        assert!(subset == set.subset(20));
        let labels: std::collections::HashSet<_> = subset.labels().iter().collect();
        assert_eq!(labels.len(), 20);
        assert!(labels.iter().any(|label| **label < 50) && labels.iter().any(|it| **it >= 50));
        assert_eq!(set.subset(200).len(), 100);
    }

    #[test]
    fn a_view_moves_and_flips_every_channel() {
        let shape = ImageShape {
            channels: 2,
            height: 2,
            width: 3,
        };
        let pixels = vec![1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16];
        let set = SampleSet::images(pixels, vec![0], shape, 1).unwrap();
        let seen = |shift, is_flipped| -> Vec<u8> {
            let view = View { shift, is_flipped };
            let batch = set.batch_of_views(&[0], |_| view, &Device::flex());
            let values = batch.inputs.into_data();
            values
                .iter::<f32>()
                .map(|value| (value * 255.0).round() as u8)
                .collect()
        };
        assert_eq!(seen([0, 0], false), set.pixels(0).unwrap());
        // One row down and one column to the right.
        assert_eq!(seen([1, 1], false), [0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 11, 12]);
        assert_eq!(seen([0, -2], false), [3, 0, 0, 6, 0, 0, 13, 0, 0, 16, 0, 0]);
        assert_eq!(
            seen([0, 0], true),
            [3, 2, 1, 6, 5, 4, 13, 12, 11, 16, 15, 14]
        );
        assert_eq!(seen([-1, 1], true), [5, 4, 0, 0, 0, 0, 15, 14, 0, 0, 0, 0]);
    }

    #[test]
    fn vectors_are_shown_as_they_are() {
        let set = SampleSet::vectors(vec![-0.5, 2.0, 0.25, 0.0], vec![1, 0], 2, 2).unwrap();
        assert_eq!((set.sample(1), set.pixels(1)), (vec![0.25, 0.0], None));
        let batch = set.select(&[1, 0]).batch(&[1], &Device::flex());
        batch
            .inputs
            .to_data()
            .assert_eq(&TensorData::from([[-0.5_f32, 2.0]]), true);
        let (first, rest) = set.split_at(1);
        assert_eq!(
            (first.sample(0), rest.sample(0)),
            (vec![-0.5, 2.0], vec![0.25, 0.0])
        );
        assert!(SampleSet::vectors(vec![1.0], vec![0], 2, 1).is_err());
        assert!(SampleSet::vectors(vec![], vec![], 0, 1).is_err());
    }
}
