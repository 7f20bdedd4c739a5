//! The loader of training batches.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use burn::data::dataloader::{DataLoader, DataLoaderIterator};
use burn::tensor::Device;

use super::augment::{Augmentation, RandomViews};
use super::batches::{BatchIterator, EarlyEnd, StepShare};
use super::plan::Orders;
use super::window::Window;
use super::{DataError, SampleBatch, SampleSet, SegmentPlan};

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
    /// Shared by all copies and slices.
    orders: Arc<Mutex<Orders>>,
    /// The segments begun, including those before `first_segment`.
    begun: Arc<AtomicUsize>,
    /// A segment of which so many samples were trained on before.
    under_way: Option<(usize, usize)>,
    window: Window,
    device: Device,
    early_end: Option<EarlyEnd>,
    step: StepShare,
    augmentation: Option<Augmentation>,
    /// Training steps whose samples come together.
    steps_together: usize,
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
            orders: Arc::new(Mutex::new(Orders::new(plan, set.len()))),
            set,
            plan,
            begun: Arc::new(AtomicUsize::new(first_segment)),
            under_way: None,
            window: Window::WHOLE,
            device: device.clone(),
            early_end: None,
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

    /// The same, without so many samples of the first segment: a number after which the optimizer
    /// made a step.
    pub fn after(self, samples: usize) -> Self {
        Self {
            under_way: Some((self.upcoming_segment(), samples)),
            ..self
        }
    }

    /// The same for segments that may have to end before their time.
    pub fn with_early_end(self, early_end: EarlyEnd) -> Self {
        Self {
            early_end: Some(early_end),
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
        let (pass, range) = self.visited(segment);
        let part_start = range.start - self.plan.range(segment).1.start;
        let indices = {
            let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
            let visited = orders.of(pass).get(range.clone());
            visited.unwrap_or_default().to_vec()
        };
        let random = self.augmentation.map(|augmentation| RandomViews {
            augmentation,
            seed: self.plan.seed,
            pass,
            start: range.start,
        });
        // A slice has its share of what was trained on before, as of everything else.
        let done = self
            .under_way
            .filter(|(under_way, _)| *under_way == segment)
            .map_or(0, |(_, samples)| self.window.of(samples).len());
        Box::new(BatchIterator {
            yielded: done.min(indices.len()),
            early_end: self.early_end.as_ref(),
            segment,
            leads: self.window.of(self.plan.samples_per_pass).start == 0,
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

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Mutex;

    use super::super::{ImageShape, batches::Place};
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
    fn a_segment_ends_early_between_steps_and_goes_on_there() {
        let whole = batches(&loader(1)).concat();
        let step = StepShare {
            batches: 2,
            devices: 1,
        };
        let plan = SegmentPlan {
            batch_size: 1,
            ..PLAN
        };
        let new = || {
            let loader = SegmentLoader::new(numbered(12), plan, 1, &Device::flex());
            loader.unwrap().with_steps_of(step)
        };
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let ended = new().with_early_end(Arc::new(move |place| {
            log.lock().unwrap().push(place);
            place.position >= 1
        }));
        assert_eq!(batches(&ended).concat(), whole[..2]);
        let place = |position| Place {
            segment: 1,
            position,
            leads: true,
        };
        assert_eq!(*asked.lock().unwrap(), [place(0), place(2)]);

        let rest = new().after(2);
        let places: Vec<usize> = (rest.to_device(&Device::flex()).iter())
            .map(|batch| batch.unwrap().position)
            .collect();
        assert_eq!(places, [2, 3]);
        let rest = new().after(2);
        assert_eq!(batches(&rest).concat(), whole[2..]);
        // The one after it is whole, and one that was trained on to its end is empty.
        assert_eq!(batches(&rest).concat().len(), 2);
        assert_eq!(batches(&new().after(4)).concat().len(), 0);
    }

    #[test]
    fn slices_go_on_with_their_share() {
        let whole = loader(1);
        let whole = [whole.slice(0, 2), whole.slice(2, 4)].map(|it| batches(&*it).concat());
        let rest = loader(1).after(2);
        let rest = [rest.slice(0, 2), rest.slice(2, 4)].map(|it| batches(&*it).concat());
        assert_eq!(rest, whole.map(|it| it[1..].to_vec()));
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
