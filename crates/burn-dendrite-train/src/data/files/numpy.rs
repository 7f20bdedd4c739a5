//! Samples and labels in arrays of NumPy.

use std::collections::BTreeMap;
use std::path::Path;

use super::super::values::Values;
use super::super::{DataError, ImageShape};
use super::npy::{self, Array, Numbers};
use super::role::{Role, words};
use super::samples::{Labels, Pixels, Samples, bytes, finite, shape_of_rows};
use super::{DataSpec, Listed, Parts};

/// Words that call an array labels, or samples.
const LABELS: [&str; 8] = [
    "y", "label", "labels", "target", "targets", "class", "classes", "lbls",
];
const SAMPLES: [&str; 10] = [
    "x", "image", "images", "img", "imgs", "data", "sample", "samples", "features", "inputs",
];

/// The name of an array in an archive that was given none.
const UNNAMED: &str = "arr_0";

/// Reads pairs of an array of samples and an array of labels.
///
/// # Errors
///
/// If arrays cannot be paired, or are not what they should be.
pub(super) fn read(path: &Path, files: &[Listed], spec: &DataSpec) -> Result<Parts, DataError> {
    let mut pairs: BTreeMap<Role, [Option<Array>; 2]> = BTreeMap::new();
    for file in files {
        for array in arrays(file)? {
            let own = || Role::of_file(&array.name).map(|(role, _)| role);
            let role = match file.role {
                None | Some(Role::Whole) => own().unwrap_or(Role::Whole),
                Some(role) => role,
            };
            let pair = pairs.entry(role).or_default();
            let which = usize::from(is_labels(&array));
            if let Some(other) = &pair[which] {
                let kind = ["samples", "labels"][which];
                let message = format!(
                    "`{}` and `{}` could both be its {kind}; accepted: arrays called `x_train`, \
                     `y_train`, `x_test`, `y_test`, or alike",
                    other.name, array.name
                );
                return Err(DataError::unusable(path, message));
            }
            pair[which] = Some(array);
        }
    }
    let mut parts = Parts::new();
    for (role, pair) in pairs {
        let [Some(samples), Some(labels)] = pair else {
            let [samples, labels] = pair.map(|it| it.map_or("none".to_owned(), |it| it.name));
            let message = format!(
                "of its {} arrays, `{samples}` holds samples and `{labels}` labels; accepted: one of \
                 each, called `x` and `y`, `images` and `labels`, or alike",
                role.as_str()
            );
            return Err(DataError::unusable(path, message));
        };
        parts.insert(role, joined(path, samples, labels, spec)?);
    }
    Ok(parts)
}

/// The arrays of a file, whose names say what they are for: one without a name has that of its file.
fn arrays(file: &Listed) -> Result<Vec<Array>, DataError> {
    let stem = file.name();
    let stem = stem.trim_end_matches(".gz");
    if let Some(name) = stem.strip_suffix(".npy") {
        return Ok(vec![npy::read(&file.path, name.to_owned())?]);
    }
    let stem = stem.trim_end_matches(".npz");
    let mut arrays = npy::read_archive(&file.path)?;
    let is_alone = arrays.len() == 1;
    for array in &mut arrays {
        array.name = match is_alone || array.name == UNNAMED {
            true => stem.to_owned(),
            // One of several files says what the array is for, unless it says so itself.
            false if file.role.is_none() && Role::of_file(&array.name).is_none() => {
                format!("{} {stem}", array.name)
            }
            false => array.name.clone(),
        };
    }
    Ok(arrays)
}

/// Labels are called so, or have one dimension while nothing calls them samples.
fn is_labels(array: &Array) -> bool {
    let name = array.name.to_lowercase();
    let called = |list: &[&str]| {
        words(&name)
            .find(|word| list.contains(word))
            .map(str::to_owned)
    };
    match (called(&LABELS), called(&SAMPLES)) {
        (Some(_), None) => true,
        (None, Some(_)) => false,
        (None, None) | (Some(_), Some(_)) => {
            array.shape.len() == 1 || (array.shape.len() == 2 && array.shape[1] == 1)
        }
    }
}

fn joined(
    path: &Path,
    samples: Array,
    labels: Array,
    spec: &DataSpec,
) -> Result<Samples, DataError> {
    let wrong = |message: String| DataError::unusable(path, message);
    let labels_of = classes(&labels).ok_or_else(|| {
        wrong(format!(
            "`{}` of shape {:?} holds no labels; accepted: a whole number for each sample",
            labels.name, labels.shape
        ))
    })?;
    let [count, sizes @ ..] = samples.shape.as_slice() else {
        return Err(wrong(format!("`{}` holds a single number", samples.name)));
    };
    if *count != labels_of.of.len() || *count == 0 {
        return Err(wrong(format!(
            "`{}` holds {count} samples and `{}` {} labels; accepted: as many of one as of the other",
            samples.name,
            labels.name,
            labels_of.of.len()
        )));
    }
    let features: usize = sizes.iter().product();
    let (shape, is_channel_last) = match *sizes {
        [height, width] => (Some([1, height, width]), false),
        [channels @ (1 | 3), height, width] if !matches!(width, 1 | 3) => {
            (Some([channels, height, width]), false)
        }
        [height, width, channels @ (1 | 3)] if !matches!(height, 1 | 3) => {
            (Some([channels, height, width]), true)
        }
        [] | [_] => (None, false),
        _ => {
            return Err(wrong(format!(
                "`{}` has the shape {:?}; accepted: samples × values, samples × height × width, \
                 samples × channels × height × width or samples × height × width × channels, of 1 or 3 \
                 channels",
                samples.name, samples.shape
            )));
        }
    };
    let shape = shape.map(|[channels, height, width]| ImageShape {
        channels,
        height,
        width,
    });
    let values = match samples.values {
        Numbers::Bytes(bytes) => Values::Bytes(bytes),
        Numbers::Words(words) if shape.is_some() => {
            Values::Reals(words.iter().map(|it| f32::from(*it) / 65_535.0).collect())
        }
        Numbers::Words(words) => Values::Reals(words.iter().map(|it| f32::from(*it)).collect()),
        Numbers::Whole(numbers) => Values::Reals(numbers.iter().map(|it| *it as f32).collect()),
        Numbers::Reals(numbers) => {
            finite(path, &numbers, features)?;
            Values::Reals(numbers)
        }
    };
    let values = match (shape, is_channel_last) {
        (Some(shape), true) => planes(values, shape, *count),
        _ => values,
    };
    let (shape, values) = match shape {
        Some(shape) => (Some(shape), values),
        None => rows(path, features, values, spec)?,
    };
    Ok(Samples {
        values,
        shape,
        features,
        labels: labels_of,
    })
}

/// Rows of values: images where the specification says so, or where bytes look like them.
fn rows(
    path: &Path,
    features: usize,
    values: Values,
    spec: &DataSpec,
) -> Result<(Option<ImageShape>, Values), DataError> {
    let pixels = match &values {
        Values::Bytes(_) => Pixels::Alike,
        Values::Reals(_) => Pixels::No,
    };
    let shape = shape_of_rows(path, features, pixels, spec)?;
    let values = match (shape, values) {
        (None, Values::Bytes(bytes)) => Values::Reals(bytes.into_iter().map(f32::from).collect()),
        (Some(_), Values::Reals(numbers)) => {
            bytes(&numbers).map_or(Values::Reals(numbers), Values::Bytes)
        }
        (_, values) => values,
    };
    Ok((shape, values))
}

/// Pixels whose channels stand together, as planes.
fn planes(values: Values, shape: ImageShape, count: usize) -> Values {
    let ImageShape {
        channels,
        height,
        width,
    } = shape;
    let pixels = height * width;
    let place = move |sample: usize, channel: usize, pixel: usize| {
        (sample * pixels + pixel) * channels + channel
    };
    let samples = (0..count).flat_map(move |sample| {
        (0..channels)
            .flat_map(move |channel| (0..pixels).map(move |pixel| place(sample, channel, pixel)))
    });
    values.select(samples.map(|at| at..at + 1))
}

/// The classes of an array of labels: one number for each sample.
fn classes(array: &Array) -> Option<Labels> {
    if !matches!(array.shape.as_slice(), [_] | [_, 1]) {
        return None;
    }
    let names: Vec<String> = match &array.values {
        Numbers::Bytes(values) => values.iter().map(u8::to_string).collect(),
        Numbers::Words(values) => values.iter().map(u16::to_string).collect(),
        Numbers::Whole(values) => values.iter().map(i64::to_string).collect(),
        Numbers::Reals(values) => {
            let whole = |value: &f32| (value.fract() == 0.0).then(|| format!("{value:.0}"));
            values.iter().map(whole).collect::<Option<_>>()?
        }
    };
    Some(names.into_iter().collect())
}
