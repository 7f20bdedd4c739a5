//! How long training takes, validation not counted.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Instant,
};

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};

use crate::data::SampleBatch;

/// Samples and seconds of training, shared between the loader that counts and whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stopwatch {
    samples: Arc<AtomicUsize>,
    nanoseconds: Arc<AtomicU64>,
}

impl Stopwatch {
    /// Samples a second so far; 0 before the first.
    pub(crate) fn samples_per_second(&self) -> f64 {
        let seconds = self.nanoseconds.load(Ordering::Relaxed) as f64 * 1e-9;
        if seconds > 0.0 {
            self.samples.load(Ordering::Relaxed) as f64 / seconds
        } else {
            0.0
        }
    }
}

/// A training loader that counts: the learner's step on a batch is the time from the moment it
/// gets the batch until it asks for the next one.
#[derive(Clone)]
pub(crate) struct TimedLoader {
    loader: Arc<dyn DataLoader<SampleBatch>>,
    stopwatch: Stopwatch,
    counts: Counts,
}

/// What a loader counts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counts {
    SamplesAndTime,
    /// The loaders of further devices, which work at the same time as the first one's.
    Samples,
}

impl TimedLoader {
    pub(crate) fn new(loader: Arc<dyn DataLoader<SampleBatch>>, stopwatch: Stopwatch) -> Self {
        Self {
            loader,
            stopwatch,
            counts: Counts::SamplesAndTime,
        }
    }
}

impl DataLoader<SampleBatch> for TimedLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<SampleBatch> + 'a> {
        Box::new(TimedIterator {
            batches: self.loader.iter(),
            stopwatch: &self.stopwatch,
            counts: self.counts,
            last: Instant::now(),
            pending: 0,
        })
    }

    fn num_items(&self) -> usize {
        self.loader.num_items()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<SampleBatch>> {
        Arc::new(Self {
            loader: self.loader.to_device(device),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<SampleBatch>> {
        Arc::new(Self {
            loader: self.loader.slice(start, end),
            counts: match start {
                0 => self.counts,
                _ => Counts::Samples,
            },
            ..self.clone()
        })
    }
}

struct TimedIterator<'a> {
    batches: Box<dyn DataLoaderIterator<SampleBatch> + 'a>,
    stopwatch: &'a Stopwatch,
    counts: Counts,
    last: Instant,
    pending: usize,
}

impl Iterator for TimedIterator<'_> {
    type Item = Result<SampleBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        let now = Instant::now();
        let spent = now.duration_since(self.last).as_nanos() as u64;
        self.last = now;
        if self.counts == Counts::SamplesAndTime {
            self.stopwatch
                .nanoseconds
                .fetch_add(spent, Ordering::Relaxed);
        }
        self.stopwatch
            .samples
            .fetch_add(self.pending, Ordering::Relaxed);
        let batch = self.batches.next();
        self.pending = batch
            .as_ref()
            .and_then(|it| it.as_ref().ok())
            .map_or(0, SampleBatch::size);
        batch
    }
}

impl DataLoaderIterator<SampleBatch> for TimedIterator<'_> {
    fn progress(&self) -> Progress {
        self.batches.progress()
    }
}
