//! The IDX format, in which MNIST and its relatives are published.
//!
//! A file is a magic number (`0x00000803` for images, `0x00000801` for labels), one big-endian
//! 32-bit size per dimension (`records, height, width`, or `records`), and then one byte per value.
//! It may be compressed with gzip, which is told by its content rather than by its name.
//!
//! Files come from the network or from a user's folder, so nothing they say is trusted: a header is
//! held against the length of the file before any memory is set aside, and no bytes whatsoever lead
//! to a panic or to more than [`MAXIMUM_BYTES`] of memory.

use std::path::Path;

use super::source::Source;
use super::{DataError, ImageShape, SampleSet};

/// The longest file that is read, in bytes (uncompressed): 1 GiB, or 1.3 million digits. The largest
/// published relative of MNIST needs two thirds of it.
pub const MAXIMUM_BYTES: u64 = 1 << 30;

const IMAGES: Kind<3> = Kind {
    name: "images",
    magic: 0x0000_0803,
    sizes: ["number of records", "height", "width"],
};

const LABELS: Kind<1> = Kind {
    name: "labels",
    magic: 0x0000_0801,
    sizes: ["number of records"],
};

/// What is expected of a file with that many dimensions.
struct Kind<const DIMENSIONS: usize> {
    name: &'static str,
    magic: u32,
    /// What each size in the header counts.
    sizes: [&'static str; DIMENSIONS],
}

/// Reads a file of grey images and the file of their labels, each plain or compressed with gzip.
///
/// The set has shape `1 x height x width`, sizes taken from the file; labels are from 0 to
/// `classes - 1`.
///
/// # Errors
///
/// If a file cannot be read, is no IDX file of its kind, is shorter or longer than its header says,
/// is longer than [`MAXIMUM_BYTES`], or holds nothing; if the files hold different numbers of
/// records, or if a label names no class. Each error names the file and the place in it.
pub fn read_labelled_images(
    images: &Path,
    labels: &Path,
    classes: usize,
) -> Result<SampleSet, DataError> {
    let ([count, height, width], pixels) = read(images, &IMAGES)?;
    let label_bytes = read_labels(labels, classes)?;
    if label_bytes.len() != count {
        return Err(DataError::CountMismatch {
            images_path: images.to_path_buf(),
            images: count,
            labels_path: labels.to_path_buf(),
            labels: label_bytes.len(),
        });
    }
    SampleSet::images(
        pixels,
        label_bytes.into_iter().map(u16::from).collect(),
        ImageShape {
            channels: 1,
            height,
            width,
        },
        classes,
    )
}

/// Reads a file of labels below `classes`.
fn read_labels(path: &Path, classes: usize) -> Result<Vec<u8>, DataError> {
    let ([_count], labels) = read(path, &LABELS)?;
    match labels
        .iter()
        .position(|&label| usize::from(label) >= classes)
    {
        None => Ok(labels),
        Some(record) => Err(DataError::FileLabel {
            path: path.to_path_buf(),
            record,
            offset: header_bytes(&LABELS) + record as u64,
            label: labels[record],
            classes,
        }),
    }
}

/// The sizes and the values of an IDX file.
fn read<const DIMENSIONS: usize>(
    path: &Path,
    kind: &Kind<DIMENSIONS>,
) -> Result<([usize; DIMENSIONS], Vec<u8>), DataError> {
    let mut source = Source::open(path)?;
    let sizes = read_header(&mut source, kind)?;
    let payload = sizes.iter().map(|&size| u128::from(size)).product::<u128>();
    let announced = payload + u128::from(header_bytes(kind));
    // The product of three 32-bit sizes fits 96 bits, and one that is accepted fits 31.
    let expected = match u64::try_from(announced) {
        Ok(expected) if expected <= MAXIMUM_BYTES => expected,
        _ => {
            let path = path.to_path_buf();
            return Err(DataError::TooLarge {
                path,
                announced,
                limit: MAXIMUM_BYTES,
            });
        }
    };
    if expected > source.longest() {
        let path = path.to_path_buf();
        return Err(DataError::Truncated {
            path,
            expected,
            found: source.longest(),
        });
    }
    let values = source.read_up_to(expected - header_bytes(kind))?;
    let found = header_bytes(kind) + values.len() as u64;
    if found < expected {
        return Err(DataError::Truncated {
            path: path.to_path_buf(),
            expected,
            found,
        });
    }
    if !source.is_at_end()? {
        return Err(DataError::TrailingBytes {
            path: path.to_path_buf(),
            expected,
        });
    }
    Ok((sizes.map(|size| size as usize), values))
}

/// The sizes that the header announces, none of them zero.
fn read_header<const DIMENSIONS: usize>(
    source: &mut Source<'_>,
    kind: &Kind<DIMENSIONS>,
) -> Result<[u32; DIMENSIONS], DataError> {
    let path = source.path();
    let expected = header_bytes(kind);
    let header = source.read_up_to(expected)?;
    let words: Vec<u32> = header
        .chunks_exact(4)
        .map(|bytes| {
            bytes
                .iter()
                .fold(0, |word, &byte| word << 8 | u32::from(byte))
        })
        .collect();
    // A wrong magic number says more about a file than its shortness does.
    if let Some(&found) = words.first()
        && found != kind.magic
    {
        let (path, kind, expected) = (path.to_path_buf(), kind.name, kind.magic);
        return Err(DataError::Magic {
            path,
            kind,
            expected,
            found,
        });
    }
    let mut sizes = [0; DIMENSIONS];
    if words.len() <= DIMENSIONS {
        let found = header.len() as u64;
        return Err(DataError::Truncated {
            path: path.to_path_buf(),
            expected,
            found,
        });
    }
    for (dimension, size) in sizes.iter_mut().enumerate() {
        *size = words[dimension + 1];
        if *size == 0 {
            let (offset, what) = (4 + 4 * dimension as u64, kind.sizes[dimension]);
            return Err(DataError::ZeroSize {
                path: path.to_path_buf(),
                offset,
                what,
            });
        }
    }
    Ok(sizes)
}

/// The length of a header: a magic number and a size per dimension.
fn header_bytes<const DIMENSIONS: usize>(_kind: &Kind<DIMENSIONS>) -> u64 {
    4 + 4 * DIMENSIONS as u64
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use flate2::{Compression, write::GzEncoder};
    use tempfile::TempDir;

    use super::*;

    /// The bytes of an IDX file with that magic number, sizes and values.
    pub(in crate::data) fn encode(magic: u32, sizes: &[u32], values: &[u8]) -> Vec<u8> {
        let words = std::iter::once(&magic).chain(sizes);
        words
            .flat_map(|word| word.to_be_bytes())
            .chain(values.iter().copied())
            .collect()
    }

    /// The same bytes, compressed.
    pub(in crate::data) fn compress(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn file(folder: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Two images of one row of three pixels, and their labels.
    fn good() -> (Vec<u8>, Vec<u8>) {
        (
            encode(0x803, &[2, 1, 3], &[1, 2, 3, 4, 5, 6]),
            encode(0x801, &[2], &[7, 9]),
        )
    }

    fn attempt(images: &[u8], labels: &[u8]) -> Result<SampleSet, DataError> {
        let folder = TempDir::new().unwrap();
        let images = file(&folder, "images", images);
        read_labelled_images(&images, &file(&folder, "labels", labels), 10)
    }

    #[test]
    fn plain_and_compressed_files_read_alike() {
        let (images, labels) = good();
        let set = attempt(&images, &labels).unwrap();
        assert_eq!(
            set.shape(),
            Some(ImageShape {
                channels: 1,
                height: 1,
                width: 3
            })
        );
        assert_eq!((set.label(1), set.pixels(1)), (9, Some(&[4, 5, 6][..])));
        assert_eq!(
            attempt(&compress(&images), &compress(&labels)).unwrap(),
            set
        );
    }

    #[test]
    fn every_cut_is_noticed_without_a_panic() {
        let (images, labels) = good();
        for length in 0..images.len() {
            let error = attempt(&images[..length], &labels).unwrap_err();
            let DataError::Truncated { found, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(found, length as u64);
        }
        let compressed = compress(&images);
        for length in 0..compressed.len() {
            attempt(&compressed[..length], &labels).unwrap_err();
        }
    }

    #[test]
    fn no_changed_byte_leads_to_a_panic() {
        let (images, labels) = good();
        for original in [images.clone(), compress(&images)] {
            for position in 0..original.len() {
                for value in [0, 1, 0x7f, 0xff] {
                    let mut bytes = original.clone();
                    bytes[position] = value;
                    let _ = attempt(&bytes, &labels);
                }
            }
        }
    }

    #[test]
    fn a_header_that_claims_more_than_the_file_holds_is_refused() {
        let (_, labels) = good();
        let hollow = encode(0x803, &[60_000, 28, 28], &[]);
        let error = attempt(&hollow, &labels).unwrap_err();
        assert!(matches!(
            error,
            DataError::Truncated {
                expected: 47_040_016,
                found: 16,
                ..
            }
        ));
        let error = attempt(&compress(&hollow), &labels).unwrap_err();
        assert!(
            matches!(
                error,
                DataError::Truncated {
                    expected: 47_040_016,
                    ..
                }
            ),
            "{error}"
        );
        let huge = encode(0x803, &[u32::MAX; 3], &[0; 9]);
        assert!(matches!(
            attempt(&huge, &labels).unwrap_err(),
            DataError::TooLarge { .. }
        ));
    }

    #[test]
    fn bytes_behind_the_end_are_refused() {
        let (mut images, labels) = good();
        images.push(0);
        for bytes in [compress(&images), images] {
            let error = attempt(&bytes, &labels).unwrap_err();
            assert!(
                matches!(error, DataError::TrailingBytes { expected: 22, .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn other_faults_name_the_place() {
        let (images, labels) = good();
        let error = attempt(&labels, &labels).unwrap_err();
        assert!(matches!(
            error,
            DataError::Magic {
                found: 0x801,
                expected: 0x803,
                ..
            }
        ));
        let error = attempt(&encode(0x803, &[2, 0, 3], &[]), &labels).unwrap_err();
        assert!(matches!(
            error,
            DataError::ZeroSize {
                offset: 8,
                what: "height",
                ..
            }
        ));
        let error = attempt(&images, &encode(0x801, &[1], &[0])).unwrap_err();
        assert!(matches!(
            error,
            DataError::CountMismatch {
                images: 2,
                labels: 1,
                ..
            }
        ));
        let error = attempt(&images, &encode(0x801, &[2], &[3, 10])).unwrap_err();
        assert!(matches!(
            error,
            DataError::FileLabel {
                record: 1,
                offset: 9,
                label: 10,
                ..
            }
        ));
        assert!(error.to_string().contains("labels"), "{error}");
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read_labels(Path::new("/nowhere/labels"), 10).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("could not open /nowhere/labels"),
            "{error}"
        );
    }
}
