//! IDX files of any type and name, as MNIST and its relatives are published.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::idx::MAXIMUM_BYTES;
use super::super::source::Source;
use super::super::values::Values;
use super::super::{DataError, ImageShape};
use super::role::Role;
use super::samples::{Labels, Samples, finite};
use super::{Listed, Parts};

/// The content of an IDX file.
struct Array {
    sizes: Vec<usize>,
    values: Numbers,
}

/// The types of IDX, in three kinds.
enum Numbers {
    Bytes(Vec<u8>),
    Whole(Vec<i64>),
    Reals(Vec<f32>),
}

/// Whether a file begins as an IDX file does: two zeros, a type, a number of dimensions.
pub(super) fn is_idx(path: &Path) -> bool {
    let start = Source::open(path).and_then(|mut source| source.read_up_to(4));
    matches!(
        start.as_deref(),
        Ok([0, 0, 0x08 | 0x09 | 0x0b | 0x0c | 0x0d | 0x0e, 1..=4])
    )
}

/// What a file is for, and how the names of its data set begin.
fn role(listed: &Listed) -> (Role, String) {
    match (listed.role, Role::of_file(&listed.name())) {
        (Some(role), found) => (role, found.map_or_else(String::new, |(_, family)| family)),
        (None, Some(found)) => found,
        (None, None) => (Role::Whole, String::new()),
    }
}

/// Reads pairs of a file of samples and a file of labels.
///
/// # Errors
///
/// If files cannot be paired, belong to several data sets, or are not what they should be.
pub(super) fn read(path: &Path, files: &[Listed]) -> Result<Parts, DataError> {
    let mut families: BTreeMap<String, BTreeMap<Role, [Vec<PathBuf>; 2]>> = BTreeMap::new();
    for file in files {
        let (role, family) = role(file);
        let which = usize::from(is_labels(file)?);
        let pair = families.entry(family).or_default().entry(role).or_default();
        pair[which].push(file.path.clone());
    }
    let family = match families.len() {
        0 | 1 => families.into_values().next().unwrap_or_default(),
        _ => return Err(several(path, families.keys())),
    };
    let mut parts = Parts::new();
    for (role, [samples, labels]) in family {
        let ([samples], [labels]) = (samples.as_slice(), labels.as_slice()) else {
            return Err(DataError::unusable(
                path,
                format!(
                    "its {} samples are in {} and the labels in {}; accepted: one file of each",
                    role.as_str(),
                    list(&samples),
                    list(&labels)
                ),
            ));
        };
        parts.insert(role, pair(samples, labels)?);
    }
    Ok(parts)
}

/// The error for files of several data sets in one folder, and how one of them is named.
pub(super) fn several<'a>(path: &Path, families: impl Iterator<Item = &'a String>) -> DataError {
    let names: Vec<String> = families
        .map(|family| {
            let name = family.trim_end_matches(['-', '_', '.', ' ']);
            format!("`{}`", path.join(name).display())
        })
        .collect();
    DataError::unusable(
        path,
        format!(
            "it holds several data sets; accepted: the beginning of the names of one, {}",
            names.join(" or ")
        ),
    )
}

fn list(paths: &[PathBuf]) -> String {
    match paths {
        [] => "no file".to_owned(),
        paths => {
            let paths: Vec<String> = paths.iter().map(|it| it.display().to_string()).collect();
            paths.join(" and ")
        }
    }
}

/// A file of labels is called one, or has a single dimension.
fn is_labels(file: &Listed) -> Result<bool, DataError> {
    if file.name().to_lowercase().contains("label") {
        return Ok(true);
    }
    let mut source = Source::open(&file.path)?;
    let start = source.read_up_to(4)?;
    Ok(start.get(3) == Some(&1))
}

/// Samples with their labels.
fn pair(samples_path: &Path, labels_path: &Path) -> Result<Samples, DataError> {
    let samples = array(samples_path)?;
    let [count, sizes @ ..] = samples.sizes.as_slice() else {
        return Err(DataError::unusable(samples_path, "it has no dimensions"));
    };
    let shape = match *sizes {
        [height, width] => Some(ImageShape {
            channels: 1,
            height,
            width,
        }),
        [channels, height, width] => Some(ImageShape {
            channels,
            height,
            width,
        }),
        _ => None,
    };
    let features = sizes.iter().product();
    let labels = labels(labels_path)?;
    if labels.of.len() != *count {
        return Err(DataError::CountMismatch {
            images_path: samples_path.to_path_buf(),
            images: *count,
            labels_path: labels_path.to_path_buf(),
            labels: labels.of.len(),
        });
    }
    let values = match samples.values {
        Numbers::Bytes(bytes) => Values::Bytes(bytes),
        Numbers::Whole(numbers) => Values::Reals(numbers.into_iter().map(|it| it as f32).collect()),
        Numbers::Reals(numbers) => {
            finite(samples_path, &numbers, features)?;
            Values::Reals(numbers)
        }
    };
    Ok(Samples {
        values,
        shape,
        features,
        labels,
    })
}

/// Labels: one number a record, or the first of several, as QMNIST has them.
fn labels(path: &Path) -> Result<Labels, DataError> {
    let array = array(path)?;
    let step = match array.sizes.as_slice() {
        [_] => 1,
        [_, columns] => *columns,
        _ => {
            return Err(DataError::unusable(
                path,
                "it has more dimensions than labels have; accepted: one number a record, or a row",
            ));
        }
    };
    let numbers: Vec<i64> = match array.values {
        Numbers::Bytes(bytes) => bytes.into_iter().step_by(step).map(i64::from).collect(),
        Numbers::Whole(numbers) => numbers.into_iter().step_by(step).collect(),
        Numbers::Reals(_) => {
            return Err(DataError::unusable(path, "its labels are no whole numbers"));
        }
    };
    Ok(numbers.into_iter().map(|label| label.to_string()).collect())
}

/// Reads all of a file: a header of two zeros, a type, the number of dimensions and a size for each,
/// and then the values, all of it big-endian.
fn array(path: &Path) -> Result<Array, DataError> {
    let mut source = Source::open(path)?;
    let start = source.read_up_to(4)?;
    let [0, 0, kind, dimensions @ 1..=4] = start[..] else {
        return Err(DataError::unusable(
            path,
            "it does not begin as an IDX file does",
        ));
    };
    let width: u64 = match kind {
        0x08 | 0x09 => 1,
        0x0b => 2,
        0x0c | 0x0d => 4,
        0x0e => 8,
        _ => {
            return Err(DataError::unusable(
                path,
                format!("it has values of type {kind:#04x}"),
            ));
        }
    };
    let header = 4 + 4 * u64::from(dimensions);
    let sizes = source.read_up_to(header - 4)?;
    let (words, _) = sizes.as_chunks::<4>();
    let sizes: Vec<u32> = words.iter().map(|word| u32::from_be_bytes(*word)).collect();
    let found = 4 + 4 * sizes.len() as u64;
    if found < header {
        return Err(DataError::Truncated {
            path: path.to_path_buf(),
            expected: header,
            found,
        });
    }
    if let Some(dimension) = sizes.iter().position(|size| *size == 0) {
        return Err(DataError::ZeroSize {
            path: path.to_path_buf(),
            offset: 4 + 4 * dimension as u64,
            what: "number of records or values",
        });
    }
    // Four sizes of 32 bits and a width fit 131 bits only in part.
    let announced = (sizes.iter()).try_fold(u128::from(width), |all, size| {
        all.checked_mul(u128::from(*size))
    });
    let announced = announced.map_or(u128::MAX, |all| all.saturating_add(u128::from(header)));
    let expected = match u64::try_from(announced) {
        Ok(expected) if expected <= MAXIMUM_BYTES => expected,
        _ => {
            return Err(DataError::TooLarge {
                path: path.to_path_buf(),
                announced,
                limit: MAXIMUM_BYTES,
            });
        }
    };
    let bytes = source.read_up_to(expected - header)?;
    let found = header + bytes.len() as u64;
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
    Ok(Array {
        sizes: sizes.into_iter().map(|size| size as usize).collect(),
        values: numbers(kind, bytes),
    })
}

fn numbers(kind: u8, bytes: Vec<u8>) -> Numbers {
    let whole = |each: Vec<i64>| Numbers::Whole(each);
    match kind {
        0x09 => whole(bytes.iter().map(|it| i64::from(*it as i8)).collect()),
        0x0b => {
            let (words, _) = bytes.as_chunks::<2>();
            whole(
                words
                    .iter()
                    .map(|it| i64::from(i16::from_be_bytes(*it)))
                    .collect(),
            )
        }
        0x0c => {
            let (words, _) = bytes.as_chunks::<4>();
            whole(
                words
                    .iter()
                    .map(|it| i64::from(i32::from_be_bytes(*it)))
                    .collect(),
            )
        }
        0x0d => {
            let (words, _) = bytes.as_chunks::<4>();
            Numbers::Reals(words.iter().map(|it| f32::from_be_bytes(*it)).collect())
        }
        0x0e => {
            let (words, _) = bytes.as_chunks::<8>();
            Numbers::Reals(
                words
                    .iter()
                    .map(|it| f64::from_be_bytes(*it) as f32)
                    .collect(),
            )
        }
        _ => Numbers::Bytes(bytes),
    }
}
