//! A small MNIST that this library carries within itself, so that everything runs offline.
//!
//! It holds 5,000 digits to train on, 500 to validate on and 1,000 to test on, with equally many of
//! each class, taken with their exact pixels from the corresponding parts of MNIST. They lie in the
//! order in which MNIST has them, hence mixed by class.
//!
//! # The packed form
//!
//! `assets/mnist-mini.bin.gz` is, compressed with gzip:
//!
//! | bytes | content |
//! |---|---|
//! | 4 | `DIGS` |
//! | 3 x 4 | number of digits to train on, to validate on, to test on: big-endian |
//! | 3 x 4 | height, width, number of classes: big-endian |
//! | 1 per digit | labels: to train on, to validate on, to test on |
//! | height x width per digit | pixels, row by row, in the same order |

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{DataError, DataOptions, ImageShape, SampleSet, Splits};

/// The packed digits.
const PACKED: &[u8] = include_bytes!("../../assets/mnist-mini.bin.gz");

/// What the packed digits are called in messages.
const ORIGIN: &str = "the embedded mnist-mini.bin.gz";

/// The first bytes of the uncompressed form.
const MAGIC: [u8; 4] = *b"DIGS";

/// The length of the header: the magic bytes and six numbers.
const HEADER_BYTES: usize = 4 + 6 * 4;

/// The longest accepted uncompressed form: far more than is ever embedded.
const MAXIMUM_BYTES: u64 = 1 << 28;

/// How many digits of each class are taken to train on, to validate on, and to test on.
pub const PER_CLASS: [usize; 3] = [500, 50, 100];

/// Loads the embedded digits. No file is read, and no option has any effect.
///
/// # Errors
///
/// Only if the library was built with a damaged asset.
pub fn load(_options: &DataOptions) -> Result<Splits, DataError> {
    unpack(PACKED)
}

/// The first digits of each class of each part of `splits`, [`PER_CLASS`] of them, in their order.
///
/// A class of which there are too few gives all it has.
pub fn subset(splits: &Splits) -> Splits {
    let choose = |set: &SampleSet, per_class: usize| {
        let mut taken = vec![0; set.classes()];
        let chosen: Vec<usize> = (0..set.len())
            .filter(|&index| {
                let count = &mut taken[usize::from(set.label(index))];
                *count += 1;
                *count <= per_class
            })
            .collect();
        Arc::new(set.select(&chosen))
    };
    let [train, validation, test] = PER_CLASS;
    Splits {
        train: choose(&splits.train, train),
        validation: choose(&splits.validation, validation),
        test: choose(&splits.test, test),
    }
}

/// Packs grey images of one size into the form that this library embeds.
///
/// # Errors
///
/// If the parts differ in size or classes, have more than one channel, or are too large.
pub fn pack(splits: &Splits) -> Result<Vec<u8>, DataError> {
    let sets = [&splits.train, &splits.validation, &splits.test];
    let classes = splits.train.classes();
    let grey = splits.train.shape().filter(|shape| {
        let alike = |set: &&std::sync::Arc<SampleSet>| {
            (set.shape(), set.classes()) == (Some(*shape), classes)
        };
        shape.channels == 1 && sets.iter().all(alike)
    });
    let shape = grey.ok_or(DataError::Shape {
        what: "grey images of one size and equally many classes",
    })?;
    let numbers = sets
        .map(|set| set.len())
        .into_iter()
        .chain([shape.height, shape.width, classes]);
    let mut bytes = MAGIC.to_vec();
    for number in numbers {
        let number = u32::try_from(number).map_err(|_| DataError::Shape {
            what: "numbers below 2^32 to be packed",
        })?;
        bytes.extend(number.to_be_bytes());
    }
    for set in sets {
        // Of ten classes, or else they are refused when they are read.
        bytes.extend(set.labels().iter().map(|label| *label as u8));
    }
    for set in sets {
        let images = (0..set.len()).filter_map(|index| set.pixels(index));
        images.for_each(|pixels| bytes.extend(pixels));
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(&bytes)
        .and_then(|()| encoder.finish())
        .map_err(DataError::io("compress", Path::new(ORIGIN)))
}

/// The inverse of [`pack`].
fn unpack(packed: &[u8]) -> Result<Splits, DataError> {
    let origin = Path::new(ORIGIN);
    let mut bytes = Vec::new();
    GzDecoder::new(packed)
        .take(MAXIMUM_BYTES)
        .read_to_end(&mut bytes)
        .map_err(DataError::io("decompress", origin))?;
    let truncated = |expected: u128| DataError::Truncated {
        path: origin.to_path_buf(),
        expected: u64::try_from(expected).unwrap_or(u64::MAX),
        found: bytes.len() as u64,
    };
    let Some((header, body)) = bytes.split_at_checked(HEADER_BYTES) else {
        return Err(truncated(HEADER_BYTES as u128));
    };
    let word = |index: usize| {
        let word = &header[4 * index..4 * index + 4];
        word.iter()
            .fold(0_u32, |word, &byte| word << 8 | u32::from(byte))
    };
    if header[..4] != MAGIC {
        let (path, kind) = (origin.to_path_buf(), "packed digits");
        let expected = u32::from_be_bytes(MAGIC);
        return Err(DataError::Magic {
            path,
            kind,
            expected,
            found: word(0),
        });
    }
    let counts = [word(1), word(2), word(3)].map(|count| count as usize);
    let shape = ImageShape {
        channels: 1,
        height: word(4) as usize,
        width: word(5) as usize,
    };
    let classes = word(6) as usize;

    let features = word(4) as u128 * word(5) as u128;
    let expected = counts.iter().map(|&count| count as u128).sum::<u128>() * (1 + features);
    if body.len() as u128 != expected {
        return Err(truncated(expected + HEADER_BYTES as u128));
    }
    // Now every count is known to fit what is there, so nothing below can be out of bounds.
    let (mut labels, mut pixels) = body.split_at(counts.iter().sum());
    let mut next = |count: usize| {
        let (these_labels, other_labels) = labels.split_at(count);
        let (these_pixels, other_pixels) = pixels.split_at(count * features as usize);
        (labels, pixels) = (other_labels, other_pixels);
        let labels = these_labels.iter().copied().map(u16::from).collect();
        SampleSet::images(these_pixels.to_vec(), labels, shape, classes).map(Arc::new)
    };
    Ok(Splits {
        train: next(counts[0])?,
        validation: next(counts[1])?,
        test: next(counts[2])?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::DatasetName;
    use super::*;

    fn embedded() -> Splits {
        load(&DataOptions::default()).unwrap()
    }

    #[test]
    fn the_strata_are_equal() {
        let splits = embedded();
        let sets = [splits.train, splits.validation, splits.test];
        for (set, per_class) in sets.iter().zip(PER_CLASS) {
            assert_eq!(
                set.shape(),
                Some(ImageShape {
                    channels: 1,
                    height: 28,
                    width: 28
                })
            );
            assert_eq!(set.class_counts(), [per_class; 10]);
        }
        assert!(PACKED.len() < 1_200_000);
    }

    /// What others print of MNIST: its first labels, a row of its first image, and the mean that
    /// everybody normalises with, 0.1307. Taking the first of each class keeps the former.
    #[test]
    fn the_digits_are_those_of_mnist() {
        let splits = embedded();
        assert_eq!(splits.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        assert_eq!(splits.test.labels()[..10], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
        let pixels = splits.train.pixels(0).unwrap();
        let row: &[u8] = &pixels[5 * 28 + 12..5 * 28 + 24];
        assert_eq!(row, [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127]);
        let total: f64 = (0..splits.train.len())
            .flat_map(|index| splits.train.pixels(index).unwrap())
            .map(|&pixel| f64::from(pixel))
            .sum();
        let mean = total / 255.0 / (splits.train.len() * 784) as f64;
        assert!((mean - 0.1307).abs() < 0.002, "{mean}");
    }

    /// Where the real files happen to be in the cache, packing them anew gives the same digits.
    #[test]
    fn the_digits_are_the_first_of_each_class() {
        let cached = dirs::cache_dir().map(|cache| cache.join("burn-dataset/mnist"));
        let Some(folder) = cached.filter(|folder| {
            folder.join("train/train-images-idx3-ubyte").is_file()
                && folder.join("test/t10k-images-idx3-ubyte").is_file()
        }) else {
            return;
        };
        let options = DataOptions {
            data_dir: Some(folder),
            ..DataOptions::default()
        };
        let expected = subset(&DatasetName::Mnist.load(&options).unwrap());
        let found = embedded();
        assert!(found.train == expected.train);
        assert!(found.validation == expected.validation);
        assert!(found.test == expected.test);
    }

    #[test]
    fn packing_and_unpacking_are_inverse() {
        let splits = embedded();
        let part = |set: &SampleSet| Arc::new(set.select(&[0, 3, 1]));
        let small = Splits {
            train: part(&splits.train),
            validation: part(&splits.validation),
            test: part(&splits.test),
        };
        let packed = pack(&small).unwrap();
        let unpacked = unpack(&packed).unwrap();
        assert_eq!(unpacked.train, small.train);
        assert_eq!(unpacked.test, small.test);
        for length in (0..packed.len()).step_by(7) {
            unpack(&packed[..length]).unwrap_err();
        }
    }

    #[test]
    fn a_false_header_is_refused() {
        let attempt = |bytes: &[u8]| {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(bytes).unwrap();
            unpack(&encoder.finish().unwrap()).unwrap_err()
        };
        assert!(matches!(
            attempt(b"DIG"),
            DataError::Truncated { found: 3, .. }
        ));
        assert!(matches!(
            attempt(&[b'X'; HEADER_BYTES]),
            DataError::Magic { .. }
        ));
        let mut bytes = [0xff; HEADER_BYTES];
        bytes[..4].copy_from_slice(&MAGIC);
        assert!(matches!(attempt(&bytes), DataError::Truncated { .. }));
    }
}
