//! Labelled samples kept in memory: images as bytes, vectors as real numbers.

use std::{fmt, ops::Range, sync::Arc};

use burn::tensor::{Device, Tensor, TensorData};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::augment::View;
use super::pixels;
use super::shown::{InputScale, Line, Shown};
use super::statistics::Statistics;
use super::values::Values;
use super::{DataError, Encoding, ImageShape, SampleBatch};

/// Labelled samples of one size in memory: images as bytes, a quarter of what `f32` values would
/// take, or vectors of real numbers.
///
/// A batch becomes tensors only when it is asked for, see [`SampleSet::batch`].
#[derive(Clone, PartialEq)]
pub struct SampleSet {
    /// `len * stored` values, sample after sample.
    values: Values,
    /// One label per sample, each below `classes`.
    labels: Vec<u16>,
    /// The size of a stored image; none where samples are vectors.
    shape: Option<ImageShape>,
    /// The number of stored values of a sample.
    stored: usize,
    classes: usize,
    /// What the classes are called, where they have names.
    names: Option<Arc<[String]>>,
    /// What a network sees of the values.
    shown: Shown,
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
    /// If an image has no pixels, if there are no classes or more than the 65,536 that a label can
    /// name, if the number of pixels does not fit the number of labels, or if a label names no class.
    pub fn images(
        pixels: Vec<u8>,
        labels: Vec<u16>,
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
        labels: Vec<u16>,
        features: usize,
        classes: usize,
    ) -> Result<Self, DataError> {
        Self::new(Values::Reals(values), labels, None, features, classes)
    }

    /// A set of images or vectors, after checking that its parts fit.
    pub(super) fn new(
        values: Values,
        labels: Vec<u16>,
        shape: Option<ImageShape>,
        features: usize,
        classes: usize,
    ) -> Result<Self, DataError> {
        if features == 0 {
            return Err(DataError::Shape {
                what: "a countable number of values, at least one",
            });
        }
        if classes == 0 || classes > 1 << 16 {
            return Err(DataError::Shape {
                what: "1 to 65536 classes",
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
            stored: features,
            classes,
            names: None,
            shown: Shown::Plain,
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

    /// The size of every image as a network sees it; none where samples are vectors.
    pub fn shape(&self) -> Option<ImageShape> {
        self.shape.map(|shape| ImageShape {
            channels: self.shown.groups(shape.channels),
            ..shape
        })
    }

    /// The number of values of one sample as a network sees it; of an image, channels times height
    /// times width.
    pub fn features(&self) -> usize {
        self.shown.groups(self.groups()) * self.group()
    }

    /// How many groups of values a stored sample has: channels of an image, numbers of a vector.
    fn groups(&self) -> usize {
        self.shape.map_or(self.stored, |shape| shape.channels)
    }

    /// Values of a group.
    fn group(&self) -> usize {
        self.stored / self.groups()
    }

    /// The number of classes that a label can name.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What a class is called: its name, or its number where classes have no names.
    pub fn class_name(&self, class: usize) -> String {
        let name = self.names.as_deref().and_then(|names| names.get(class));
        name.cloned().unwrap_or_else(|| class.to_string())
    }

    /// The same samples, of classes with names, in the order of their labels.
    pub fn with_class_names(self, names: Arc<[String]>) -> Self {
        Self {
            names: Some(names),
            ..self
        }
    }

    /// The labels of all samples, in order.
    pub fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The class of sample `index`.
    ///
    /// # Panics
    ///
    /// If `index` is not below [`SampleSet::len`], as indexing a slice does.
    pub fn label(&self, index: usize) -> u16 {
        self.labels[index]
    }

    /// The bytes of image `index`, channel by channel, row by row; none where samples are numbers.
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
        let mut values = Vec::with_capacity(self.features());
        self.show(index, &mut values);
        values
    }

    /// The values of all samples, as they are kept.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Appends the values of a sample as a network sees them.
    fn show(&self, index: usize, inputs: &mut Vec<f32>) {
        let (range, group) = (self.range(index), self.group());
        match &self.values {
            Values::Bytes(bytes) => self.shown.bytes(&bytes[range], group, inputs),
            Values::Reals(numbers) => self.shown.reals(&numbers[range], group, inputs),
        }
    }

    /// Appends the values of an image that is looked at in another way; a vector is appended as it
    /// is.
    fn show_view(&self, index: usize, view: View, inputs: &mut Vec<f32>) {
        let Some(shape) = self.shape else {
            return self.show(index, inputs);
        };
        let (range, group) = (self.range(index), self.group());
        match &self.values {
            Values::Bytes(bytes) => {
                let seen = pixels::view(&bytes[range], shape, view);
                self.shown.bytes(&seen, group, inputs);
            }
            Values::Reals(numbers) => {
                let seen = pixels::view(&numbers[range], shape, view);
                self.shown.reals(&seen, group, inputs);
            }
        }
    }

    /// What the stored values of each group are like over all samples.
    pub(super) fn statistics(&self) -> Vec<Statistics> {
        let (groups, group) = (self.groups(), self.group());
        match &self.values {
            Values::Bytes(bytes) => Statistics::of_bytes(bytes, groups, group),
            Values::Reals(numbers) => Statistics::of_reals(numbers, groups, group),
        }
    }

    /// The first sample of which a network sees a negative value.
    pub fn first_negative(&self) -> Option<usize> {
        if matches!(
            (&self.values, &self.shown),
            (Values::Bytes(_), Shown::Plain)
        ) {
            return None;
        }
        (0..self.len()).find(|index| self.sample(*index).iter().any(|value| *value < 0.0))
    }

    /// True where a network does not see the values as they are stored.
    pub(super) fn is_encoded(&self) -> bool {
        self.shown != Shown::Plain
    }

    /// The same samples, shown with the means of these statistics taken off and divided by their
    /// deviations.
    pub(super) fn normalised(self, statistics: &[Statistics]) -> Self {
        self.shown_by(statistics.iter().map(Statistics::standard).collect())
    }

    /// The same samples, shown by an encoding with these statistics.
    pub(super) fn encoded(self, encoding: Encoding, statistics: &[Statistics]) -> Self {
        match encoding {
            Encoding::Plain => self,
            Encoding::OnOff => self.shown_apart(statistics.iter().map(Statistics::contrast)),
            Encoding::OnOffStandard => {
                self.shown_apart(statistics.iter().map(Statistics::standard_contrast))
            }
        }
    }

    /// How a network sees the values; nothing where it sees them as they are.
    pub fn scale(&self) -> Option<InputScale> {
        self.shown.scale()
    }

    /// The same samples, seen as those of another set are.
    ///
    /// # Errors
    ///
    /// If these have another number of channels, or of numbers.
    pub(super) fn seen_through(self, scale: &InputScale) -> Result<Self, DataError> {
        let (groups, lines) = (self.groups(), scale.line.len());
        if lines == groups || lines == 2 * groups {
            return Ok(self.shown_by(scale.line.clone()));
        }
        Err(DataError::Preprocessing {
            reason: format!(
                "these samples have {groups} channels or numbers, and those that the network learned \
                 from had others; accepted: samples of the same kind"
            ),
        })
    }

    /// First all that is above the mean, then all that is below it.
    fn shown_apart(self, lines: impl Iterator<Item = [Line; 2]>) -> Self {
        let (on, off): (Vec<_>, Vec<_>) = lines.map(|[on, off]| (on, off)).unzip();
        self.shown_by([on, off].concat())
    }

    fn shown_by(self, lines: Vec<Line>) -> Self {
        let shown = match &self.values {
            Values::Bytes(_) => {
                Shown::Tables(lines.iter().map(Line::table).collect(), lines.into())
            }
            Values::Reals(_) => Shown::Lines(lines.into()),
        };
        Self { shown, ..self }
    }

    /// These samples, and behind them those of a set of the same kind.
    ///
    /// # Errors
    ///
    /// If a label of the other set names none of these classes.
    ///
    /// # Panics
    ///
    /// If samples of the two sets are not of one size.
    pub(super) fn joined(&self, other: &Self) -> Result<Self, DataError> {
        assert_eq!(self.stored, other.stored, "samples of one size");
        let values = Values::concat([self.values.clone(), other.values.clone()].into_iter());
        let labels = [self.labels(), other.labels()].concat();
        let joined = Self::new(values, labels, self.shape, self.stored, self.classes)?;
        Ok(Self {
            names: self.names.clone(),
            shown: self.shown.clone(),
            ..joined
        })
    }

    /// Where the values of sample `index` are.
    fn range(&self, index: usize) -> Range<usize> {
        index * self.stored..(index + 1) * self.stored
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
        let mut inputs = Vec::with_capacity(size * self.features());
        let mut targets = vec![0.0_f32; size * self.classes];
        let mut labels = Vec::with_capacity(size);
        for (row, &index) in indices.iter().enumerate() {
            let label = self.label(index);
            show(row, index, &mut inputs);
            targets[row * self.classes + usize::from(label)] = 1.0;
            labels.push(i32::from(label));
        }
        SampleBatch::new(
            Tensor::from_data(TensorData::new(inputs, [size, self.features()]), &device),
            Tensor::from_data(TensorData::new(targets, [size, self.classes]), &device),
            Tensor::from_data(TensorData::new(labels, [size]), &device),
        )
    }

    /// Divides the set into its first `count` samples (all of them, if it has fewer) and the rest.
    pub fn split_at(mut self, count: usize) -> (Self, Self) {
        let count = count.min(self.len());
        let values = self.values.split_off(count * self.stored);
        let labels = self.labels.split_off(count);
        self.labels.shrink_to_fit();
        let rest = Self {
            values,
            labels,
            names: self.names.clone(),
            shown: self.shown.clone(),
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
            names: self.names.clone(),
            shown: self.shown.clone(),
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
        assert!(SampleSet::images(vec![], vec![], SHAPE, 65_537).is_err());
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
        let labels: Vec<u16> = (0..100).collect();
        let set = SampleSet::images(vec![0; 200], labels, SHAPE, 100).unwrap();
        let subset = set.subset(20);
        assert!(subset == set.subset(20));
        let labels: std::collections::HashSet<_> = subset.labels().iter().collect();
        assert_eq!(labels.len(), 20);
        assert!(labels.iter().any(|label| **label < 50) && labels.iter().any(|it| **it >= 50));
        assert_eq!(set.subset(200).len(), 100);
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
