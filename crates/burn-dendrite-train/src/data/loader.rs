//! The loader of training batches.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

use super::augment::{Augmentation, RandomViews};
use super::window::Window;
use super::{DataError, SampleBatch, SampleSet, SegmentPlan};

/// What is called with a segment's index when its first batch is about to be asked for.
pub type SegmentStart = Arc<dyn Fn(usize) + Send + Sync>;

/// Feeds a trainer the segments of a [`SegmentPlan`], one with each call of `iter`.
///
/// What a segment holds depends on the plan and the segment's index alone: not on threads, not on
/// the device, and not on what was loaded before. A run that resumes at a segment therefore sees
/// exactly what an uninterrupted one would.
///
/// The loader counts the segments it has begun. Copies on other devices share the count, so that the
/// trainer may move the loader at will; slices, of which each device of a group takes one, count for
/// themselves, from where the loader stands. After the last segment of the run comes its first again.
#[derive(Clone)]
pub struct SegmentLoader {
    set: Arc<SampleSet>,
    plan: SegmentPlan,
    /// The segments begun, including those before `first_segment`.
    begun: Arc<AtomicUsize>,
    window: Window,
    device: Device,
    segment_start: Option<SegmentStart>,
    step: StepShare,
    augmentation: Option<Augmentation>,
    /// Training steps whose samples come together.
    steps_together: usize,
}

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

impl SegmentLoader {
    /// Makes a loader whose first `iter` yields segment `first_segment` of `plan`, on `device`.
    ///
    /// # Errors
    ///
    /// If the plan asks for nothing, or for more samples than the set has.
    pub fn new(
        set: Arc<SampleSet>,
        plan: SegmentPlan,
        first_segment: usize,
        device: &Device,
    ) -> Result<Self, DataError> {
        plan.validate(set.len())?;
        Ok(Self {
            set,
            plan,
            begun: Arc::new(AtomicUsize::new(first_segment)),
            window: Window::WHOLE,
            device: device.clone(),
            segment_start: None,
            step: StepShare::ONE,
            augmentation: None,
            steps_together: 1,
        })
    }

    /// The same for a learner whose steps are made of several batches.
    pub fn with_steps_of(self, step: StepShare) -> Self {
        Self { step, ..self }
    }

    /// The same with the samples of several training steps, at least 1, in one batch, for a model that
    /// [divides them](crate::PlasticNetwork::in_memory) itself.
    pub fn with_steps_together(self, steps: usize) -> Self {
        Self {
            steps_together: steps.max(1),
            ..self
        }
    }

    /// The same with the images changed at random, by the seed of the plan.
    pub fn with_augmentation(self, augmentation: Augmentation) -> Self {
        Self {
            augmentation: Some(augmentation),
            ..self
        }
    }

    /// Has `hook` called with the index of each segment at the start of each `iter`, before any batch
    /// of it is made.
    ///
    /// Slices call it too, each once per segment, so it should do no harm when repeated.
    pub fn with_segment_start(self, hook: SegmentStart) -> Self {
        Self {
            segment_start: Some(hook),
            ..self
        }
    }

    /// The plan that is followed.
    pub fn plan(&self) -> &SegmentPlan {
        &self.plan
    }

    /// The index of the segment that the next call of `iter` yields.
    pub fn upcoming_segment(&self) -> usize {
        self.begun.load(Ordering::Relaxed) % self.plan.segments()
    }

    /// The pass of a segment, and the positions in its order that this loader (a slice, maybe) visits.
    fn visited(&self, segment: usize) -> (usize, Range<usize>) {
        let (pass, range) = self.plan.range(segment);
        let part = self.window.of(range.len());
        (pass, range.start + part.start..range.start + part.end)
    }
}

impl DataLoader<SampleBatch> for SegmentLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<SampleBatch> + 'a> {
        let segment = self.begun.fetch_add(1, Ordering::Relaxed) % self.plan.segments();
        if let Some(hook) = &self.segment_start {
            hook(segment);
        }
        let (pass, range) = self.visited(segment);
        let part_start = range.start - self.plan.range(segment).1.start;
        let mut indices = self.plan.order(pass, self.set.len());
        indices.truncate(range.end);
        indices.drain(..range.start.min(indices.len()));
        let random = self.augmentation.map(|augmentation| RandomViews {
            augmentation,
            seed: self.plan.seed,
            pass,
            start: range.start,
        });
        Box::new(BatchIterator {
            step: self.step,
            random,
            steps_together: self.steps_together,
            samples_before: self.plan.samples_before(segment) + part_start,
            ..BatchIterator::new(&self.set, indices, self.plan.batch_size, &self.device)
        })
    }

    /// The number of samples of the coming segment.
    fn num_items(&self) -> usize {
        self.visited(self.upcoming_segment()).1.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<SampleBatch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    /// The part `start..end` of the coming segment, and of every other.
    ///
    /// A segment of another length is divided in proportion, so that slices which together cover one
    /// segment cover each of them, and none is left without work when the last segment of a pass is
    /// short.
    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<SampleBatch>> {
        let segment = self.upcoming_segment();
        let whole = self.plan.range(segment).1.len();
        Arc::new(Self {
            begun: Arc::new(AtomicUsize::new(segment)),
            window: self.window.narrow(start, end, whole),
            ..self.clone()
        })
    }
}

/// Makes batches of a list of images, one after the other.
pub(super) struct BatchIterator<'a> {
    set: &'a SampleSet,
    indices: Vec<usize>,
    batch_size: usize,
    device: &'a Device,
    /// How many of the indices have been yielded.
    yielded: usize,
    step: StepShare,
    random: Option<RandomViews>,
    steps_together: usize,
    /// Training samples of the run before the first of these.
    samples_before: usize,
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
            step: StepShare::ONE,
            random: None,
            steps_together: 1,
            samples_before: 0,
        }
    }
}

impl Iterator for BatchIterator<'_> {
    type Item = Result<SampleBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
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

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use super::super::ImageShape;
    use super::*;

    /// Images of one pixel, whose value is the image's index.
    pub(in crate::data) fn numbered(count: u8) -> Arc<SampleSet> {
        let shape = ImageShape {
            channels: 1,
            height: 1,
            width: 1,
        };
        let set = SampleSet::images((0..count).collect(), vec![0; count.into()], shape, 1);
        Arc::new(set.unwrap())
    }

    /// The images that one call of `iter` yields, batch by batch.
    pub(in crate::data) fn batches(loader: &dyn DataLoader<SampleBatch>) -> Vec<Vec<usize>> {
        let images = |batch: SampleBatch| {
            let values = batch.inputs.into_data().try_to_vec::<f32>().unwrap();
            values
                .iter()
                .map(|value| (value * 255.0).round() as usize)
                .collect()
        };
        loader.iter().map(|batch| images(batch.unwrap())).collect()
    }

    const PLAN: SegmentPlan = SegmentPlan {
        samples_per_pass: 10,
        passes: 2,
        samples_per_segment: 4,
        batch_size: 3,
        seed: 7,
    };

    fn loader(first_segment: usize) -> SegmentLoader {
        SegmentLoader::new(numbered(12), PLAN, first_segment, &Device::flex()).unwrap()
    }

    fn run(loader: &dyn DataLoader<SampleBatch>, segments: usize) -> Vec<Vec<Vec<usize>>> {
        (0..segments).map(|_| batches(loader)).collect()
    }

    #[test]
    fn a_run_follows_its_plan() {
        let run = run(&loader(0), 6);
        let sizes: Vec<Vec<usize>> = run
            .iter()
            .map(|segment| segment.iter().map(Vec::len).collect())
            .collect();
        assert_eq!(
            sizes,
            [
                vec![3, 1],
                vec![3, 1],
                vec![2],
                vec![3, 1],
                vec![3, 1],
                vec![2]
            ]
        );
        for pass in 0..2 {
            let seen: Vec<usize> = run[pass * 3..pass * 3 + 3]
                .iter()
                .flatten()
                .flatten()
                .copied()
                .collect();
            assert_eq!(seen, PLAN.order(pass, 12));
        }
    }

    #[test]
    fn a_resumed_run_sees_the_tail_of_an_uninterrupted_one() {
        let whole = run(&loader(0), 6);
        for first in 0..6 {
            assert_eq!(run(&loader(first), 6 - first), whole[first..]);
        }
    }

    #[test]
    fn after_the_last_segment_comes_the_first() {
        let loader = loader(5);
        assert_eq!(loader.num_items(), 2);
        batches(&loader);
        assert_eq!((loader.upcoming_segment(), loader.num_items()), (0, 4));
        assert_eq!(batches(&loader), batches(&self::loader(0)));
        assert_eq!(self::loader(6).upcoming_segment(), 0);
    }

    #[test]
    fn copies_on_a_device_keep_the_order_and_share_the_count() {
        let whole = run(&loader(0), 6);
        let original = loader(0);
        let copy = original.to_device(&Device::flex().autodiff());
        for (segment, expected) in whole.iter().enumerate() {
            let taken = if segment % 2 == 0 {
                batches(&original)
            } else {
                batches(&*copy)
            };
            assert_eq!(taken, *expected);
        }
        assert!(!copy.iter().next().unwrap().unwrap().inputs.is_autodiff());
    }

    #[test]
    fn slices_tile_every_segment_and_count_for_themselves() {
        let whole = run(&loader(1), 5);
        let original = loader(1);
        let [left, right] = [original.slice(0, 2), original.slice(2, 4)];
        assert_eq!((left.num_items(), right.num_items()), (2, 2));
        for segment in &whole {
            let both = [batches(&*left), batches(&*right)].concat().concat();
            assert_eq!(both, segment.concat());
        }
        assert_eq!(original.upcoming_segment(), 1);
        let inner = original.slice(1, 4).slice(1, 9);
        assert_eq!(batches(&*inner).concat(), whole[0].concat()[2..]);
        assert_eq!(original.slice(3, 1).num_items(), 0);
        assert!(original.slice(9, 9).iter().next().is_none());
    }

    #[test]
    fn slices_made_at_a_short_segment_still_tile_longer_ones() {
        let whole = run(&loader(2), 2);
        let original = loader(2);
        let [left, right] = [original.slice(0, 1), original.slice(1, 2)];
        for segment in &whole {
            assert_eq!(
                [batches(&*left), batches(&*right)].concat().concat(),
                segment.concat()
            );
        }
    }

    #[test]
    fn progress_counts_samples() {
        let loader = loader(0);
        let mut iterator = loader.iter();
        iterator.next();
        let progress = iterator.progress();
        assert_eq!((progress.items_processed, progress.items_total), (3, 4));
        iterator.next();
        assert!(iterator.progress().is_completed() && iterator.next().is_none());
    }

    #[test]
    fn the_hook_hears_of_each_segment_before_its_batches() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        let hook: SegmentStart = Arc::new(move |segment| log.lock().unwrap().push(segment));
        let loader = loader(4).with_segment_start(hook);
        for _ in 0..3 {
            let _ = loader.iter();
        }
        assert_eq!(*heard.lock().unwrap(), [4, 5, 0]);
    }

    #[test]
    fn the_shares_of_a_step_add_up_to_one() {
        let shares =
            |batches,
             devices,
             loader: &dyn Fn(SegmentLoader) -> Arc<dyn DataLoader<SampleBatch>>| {
                let step = StepShare { batches, devices };
                let plan = SegmentPlan {
                    samples_per_segment: 10,
                    ..PLAN
                };
                let whole = SegmentLoader::new(numbered(12), plan, 0, &Device::flex()).unwrap();
                let loader = loader(whole.with_steps_of(step));
                let shares: Vec<f64> = loader.iter().map(|batch| batch.unwrap().share).collect();
                shares
            };
        let whole = |loader| Arc::new(loader) as Arc<dyn DataLoader<SampleBatch>>;
        // Batches of 3, 3, 3 and 1.
        assert_eq!(shares(1, 1, &whole), [1.0; 4]);
        assert_eq!(shares(2, 1, &whole), [0.5, 0.5, 0.75, 0.25]);
        assert_eq!(shares(3, 1, &whole), [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 1.0]);
        // Batches of 3 and 2 on each device.
        let half = |loader: SegmentLoader| loader.slice(5, 10);
        assert_eq!(shares(1, 2, &half), [0.5, 0.5]);
        assert_eq!(shares(2, 2, &half), [0.3, 0.2]);
    }

    #[test]
    fn batches_know_their_place() {
        let loader = loader(0);
        let places = |batch: SampleBatch| (batch.samples_before, batch.position);
        let segment = || -> Vec<(usize, usize)> {
            loader.iter().map(|batch| places(batch.unwrap())).collect()
        };
        let segments: Vec<_> = (0..4).map(|_| segment()).collect();
        let expected = [
            vec![(0, 0), (0, 3)],
            vec![(4, 0), (4, 3)],
            vec![(8, 0)],
            vec![(10, 0), (10, 3)],
        ];
        assert_eq!(segments, expected);
    }

    #[test]
    fn an_impossible_plan_is_refused() {
        assert!(SegmentLoader::new(numbered(9), PLAN, 0, &Device::flex()).is_err());
    }
}
