//! The loader of batches to evaluate on.

use std::ops::Range;
use std::sync::Arc;

use burn::data::dataloader::{DataLoader, DataLoaderIterator};
use burn::tensor::Device;

use super::batches::BatchIterator;
use super::{DataError, SampleBatch, SampleSet};

/// Yields every image of a set, in the set's order, with each call of `iter`.
#[derive(Clone)]
pub struct SequentialLoader {
    set: Arc<SampleSet>,
    range: Range<usize>,
    batch_size: usize,
    device: Device,
}

impl SequentialLoader {
    /// Makes a loader of batches of `batch_size` images on `device`; the last may be smaller.
    ///
    /// # Errors
    ///
    /// If `batch_size` is 0.
    pub fn new(set: Arc<SampleSet>, batch_size: usize, device: &Device) -> Result<Self, DataError> {
        if batch_size == 0 {
            let what = "at least 1 sample per batch".to_owned();
            return Err(DataError::Plan {
                what,
                found: batch_size,
            });
        }
        Ok(Self {
            range: 0..set.len(),
            set,
            batch_size,
            device: device.clone(),
        })
    }
}

impl DataLoader<SampleBatch> for SequentialLoader {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<SampleBatch> + 'a> {
        let indices = self.range.clone().collect();
        Box::new(BatchIterator::new(
            &self.set,
            indices,
            self.batch_size,
            &self.device,
        ))
    }

    fn num_items(&self) -> usize {
        self.range.len()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<SampleBatch>> {
        Arc::new(Self {
            device: device.clone(),
            ..self.clone()
        })
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<SampleBatch>> {
        let end = self.range.start.saturating_add(end).min(self.range.end);
        let start = self.range.start.saturating_add(start).min(end);
        Arc::new(Self {
            range: start..end,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::loader::tests::{batches, numbered};
    use super::*;

    #[test]
    fn every_call_yields_the_whole_set_in_order() {
        let loader = SequentialLoader::new(numbered(5), 2, &Device::flex()).unwrap();
        for _ in 0..2 {
            assert_eq!(batches(&loader), [vec![0, 1], vec![2, 3], vec![4]]);
        }
        assert_eq!(loader.num_items(), 5);
        assert_eq!(
            batches(&*loader.to_device(&Device::flex())).concat(),
            [0, 1, 2, 3, 4]
        );
    }

    #[test]
    fn slices_stay_within_the_set() {
        let loader = SequentialLoader::new(numbered(5), 2, &Device::flex()).unwrap();
        let slice = loader.slice(1, 9);
        assert_eq!(
            (batches(&*slice), slice.num_items()),
            (vec![vec![1, 2], vec![3, 4]], 4)
        );
        assert_eq!(batches(&*slice.slice(1, 3)), [vec![2, 3]]);
        assert_eq!(loader.slice(7, 2).num_items(), 0);
    }

    #[test]
    fn batches_of_nothing_are_refused() {
        assert!(SequentialLoader::new(numbered(5), 0, &Device::flex()).is_err());
    }
}
