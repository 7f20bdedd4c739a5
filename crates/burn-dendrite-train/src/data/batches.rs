//! The batches that loaders make.

use std::sync::Arc;

use burn::data::dataloader::{DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

use super::augment::RandomViews;
use super::{SampleBatch, SampleSet};
/// Where a loader (a slice, maybe) stands between two steps of the optimizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of the segment.
    pub segment: usize,
    /// Samples of the segment that it has handed out, those of the run before this one included.
    pub position: usize,
    /// Whether the first sample of the segment is its own; of slices, that of the first device.
    pub leads: bool,
}

/// Asked at each such place, the end of a segment among them, whether the segment ends there.
pub type EarlyEnd = Arc<dyn Fn(Place) -> bool + Send + Sync>;

/// What one step of the optimizer is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepShare {
    /// Batches that a device contributes, one after the other.
    pub batches: usize,
    /// Devices that contribute, all of them as much.
    pub devices: usize,
}

impl StepShare {
    /// One batch of one device.
    pub const ONE: Self = Self {
        batches: 1,
        devices: 1,
    };

    /// The share of a batch of `rows` samples, the first of them at `position` of `samples` that a
    /// device passes over in batches of `batch_size`: its rows, divided by those of the step.
    fn of(self, position: usize, rows: usize, samples: usize, batch_size: usize) -> f64 {
        let group = batch_size.max(1) * self.batches.max(1);
        let start = position / group * group;
        let in_step = group.min(samples - start) * self.devices;
        rows as f64 / in_step as f64
    }
}

/// Makes batches of a list of images, one after the other.
pub(super) struct BatchIterator<'a> {
    pub(super) set: &'a SampleSet,
    pub(super) indices: Vec<usize>,
    pub(super) batch_size: usize,
    pub(super) device: &'a Device,
    /// How many of the indices have been yielded, now or in the run before this one.
    pub(super) yielded: usize,
    pub(super) early_end: Option<&'a EarlyEnd>,
    pub(super) segment: usize,
    pub(super) leads: bool,
    pub(super) step: StepShare,
    pub(super) random: Option<RandomViews>,
    pub(super) steps_together: usize,
    /// Training samples of the run before the first of these.
    pub(super) samples_before: usize,
}

impl<'a> BatchIterator<'a> {
    /// Yields the images at `indices` in that order, `batch_size` (at least 1) at a time.
    pub(super) fn new(
        set: &'a SampleSet,
        indices: Vec<usize>,
        batch_size: usize,
        device: &'a Device,
    ) -> Self {
        Self {
            set,
            indices,
            batch_size,
            device,
            yielded: 0,
            early_end: None,
            segment: 0,
            leads: true,
            step: StepShare::ONE,
            random: None,
            steps_together: 1,
            samples_before: 0,
        }
    }

    /// Whether somebody ends the segment before the next batch.
    fn ends(&self) -> bool {
        let Some(early_end) = self.early_end else {
            return false;
        };
        let group = self.batch_size.max(1) * self.step.batches.max(1);
        let between_steps =
            self.yielded.is_multiple_of(group) || self.yielded == self.indices.len();
        between_steps
            && early_end(Place {
                segment: self.segment,
                position: self.yielded,
                leads: self.leads,
            })
    }
}

impl Iterator for BatchIterator<'_> {
    type Item = Result<SampleBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ends() {
            return None;
        }
        let rest = &self.indices[self.yielded..];
        let wanted = self.batch_size.saturating_mul(self.steps_together);
        let indices = &rest[..wanted.min(rest.len())];
        let (position, rows) = (self.yielded, indices.len());
        if rows == 0 {
            return None;
        }
        self.yielded += rows;
        let batch = match &self.random {
            None => self.set.batch(indices, self.device),
            Some(random) => {
                let view = |row| random.view(position + row);
                self.set.batch_of_views(indices, view, self.device)
            }
        };
        let total = self.indices.len();
        let share = self.step.of(position, rows, total, self.batch_size);
        Some(Ok(SampleBatch {
            position,
            samples_before: self.samples_before,
            share,
            ..batch
        }))
    }
}

impl DataLoaderIterator<SampleBatch> for BatchIterator<'_> {
    fn progress(&self) -> Progress {
        Progress::new(self.yielded, self.indices.len(), Some("items".to_owned()))
    }
}
