//! The validations of a training that can be stopped and resumed.

use std::sync::Arc;

use burn::{
    data::{
        dataloader::{DataLoader, DataLoaderIterator, Progress},
        dataset::DatasetError,
    },
    tensor::Device,
};

use crate::{data::SampleBatch, run::Halt};

/// A loader of validation samples that hands out nothing more once the training is cut off.
#[derive(Clone)]
pub(super) struct ValidationLoader {
    loader: Arc<dyn DataLoader<SampleBatch>>,
    halt: Arc<Halt>,
}

impl ValidationLoader {
    pub(super) fn new(loader: Arc<dyn DataLoader<SampleBatch>>, halt: Arc<Halt>) -> Self {
        Self { loader, halt }
    }
}

impl DataLoader<SampleBatch> for ValidationLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<SampleBatch> + 'a> {
        Box::new(ValidationIterator {
            batches: self.loader.iter(),
            halt: &self.halt,
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
            ..self.clone()
        })
    }
}

struct ValidationIterator<'a> {
    batches: Box<dyn DataLoaderIterator<SampleBatch> + 'a>,
    halt: &'a Halt,
}

impl Iterator for ValidationIterator<'_> {
    type Item = Result<SampleBatch, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        // After the last batch as well: until then, nothing of this validation is in the log.
        if self.halt.ends_validation() {
            return None;
        }
        self.batches.next()
    }
}

impl DataLoaderIterator<SampleBatch> for ValidationIterator<'_> {
    fn progress(&self) -> Progress {
        self.batches.progress()
    }
}
