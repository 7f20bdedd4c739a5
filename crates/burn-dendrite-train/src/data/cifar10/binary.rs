//! The official binary files of CIFAR-10.

use std::fs;
use std::path::PathBuf;

use super::{CLASSES, DataError, FEATURES, SHAPE, SampleSet};

/// Bytes of a label and an image.
const RECORD: usize = 1 + FEATURES;

/// Reads official binary files: records of a label and an image, channel by channel.
pub(super) fn read(files: &[PathBuf]) -> Result<SampleSet, DataError> {
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for file in files {
        let length = fs::metadata(file)
            .map_err(DataError::io("read", file))?
            .len();
        let count = length / RECORD as u64;
        if !length.is_multiple_of(RECORD as u64) || !(1..=60_000).contains(&count) {
            return Err(DataError::Records {
                path: file.clone(),
                bytes: length,
                record: RECORD,
            });
        }
        let bytes = fs::read(file).map_err(DataError::io("read", file))?;
        let (records, _) = bytes.as_chunks::<RECORD>();
        for (record, [label, image @ ..]) in records.iter().enumerate() {
            if usize::from(*label) >= CLASSES.len() {
                return Err(DataError::FileLabel {
                    path: file.clone(),
                    record,
                    offset: (record * RECORD) as u64,
                    label: *label,
                    classes: CLASSES.len(),
                });
            }
            labels.push(u16::from(*label));
            pixels.extend_from_slice(image);
        }
    }
    SampleSet::images(pixels, labels, SHAPE, CLASSES.len())
}
