//! Files of the user's own: found, read, and divided into what is learned from and what is not.

mod divide;
mod idx;
mod layout;
mod npy;
mod numpy;
mod photos;
mod reshape;
mod role;
mod samples;
mod spec;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use spec::{Colour, Column, DataSpec, FileFormat, Fit, LearnFrom};

use super::values::Values;
use super::{DataError, ImageShape, Loaded, SampleSet, Splits};
use layout::{Content, Layout};
use reshape::{Picture, Reshape};
use role::Role;
use samples::Samples;

/// Samples by what they are for.
type Parts = BTreeMap<Role, Samples>;

/// A file that may hold samples.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Listed {
    path: PathBuf,
    /// What the folder that it is in says it is for.
    role: Option<Role>,
}

impl Listed {
    fn name(&self) -> String {
        photos::file_name(&self.path)
    }
}

/// Loads what is at a path: a folder, a file, or the beginning of the names of files.
///
/// # Errors
///
/// If nothing there can be understood, or not as the specification says; the file is named.
pub(super) fn load(path: &Path, spec: &DataSpec) -> Result<Loaded, DataError> {
    spec.check()
        .map_err(|message| DataError::unusable(path, format!("`[data]`: {message}")))?;
    let mut notes = Vec::new();
    let Content {
        layout,
        mut left_alone,
    } = layout::find(path, spec.format)?;
    let is_table = matches!(layout, Layout::Tables(_));
    let parts = match layout {
        Layout::Images(folders) => photos::read(&folders, spec)?,
        Layout::Idx(files) => reshape_all(path, idx::read(path, &files)?, spec)?,
        Layout::Numpy(files) => reshape_all(path, numpy::read(path, &files, spec)?, spec)?,
        Layout::Tables(files) => {
            let tables = tables(path, &files, spec, &mut notes, &mut left_alone)?;
            reshape_all(path, tables, spec)?
        }
    };
    let parts = parts
        .into_iter()
        .map(|(role, part)| (role, scaled(part, spec.divide_by)));
    let parts: Parts = parts.collect();
    let unused = unused(&parts, spec, is_table);
    if !unused.is_empty() {
        notes.push(format!(
            "note: {} in `[data]` have no effect on these samples",
            unused.join(", ")
        ));
    }
    for role in [Role::Validation, Role::Test] {
        let known = |class: &&String| {
            let mut others = parts
                .iter()
                .filter(|(it, _)| !matches!(it, Role::Validation | Role::Test));
            others.any(|(_, part)| part.labels.names.contains(class))
        };
        let names = parts.get(&role).map(|part| part.labels.names.iter());
        let strange: Vec<String> = (names.into_iter().flatten())
            .filter(|class| !known(class))
            .map(|class| format!("`{class}`"))
            .collect();
        if !strange.is_empty() {
            notes.push(format!(
                "warning: there are no training samples of {}, which {} samples have",
                strange.join(", "),
                role.as_str()
            ));
        }
    }
    if parts.contains_key(&Role::Validation) && !parts.contains_key(&Role::Test) {
        notes.push("there are no test samples, so those to validate on are tested on".to_owned());
    }
    let (splits, classes) = divide::divide(path, parts, spec)?;
    notes.insert(0, description(&splits));
    notes.extend(not_read(&left_alone));
    Ok(Loaded {
        splits,
        classes: Some(classes),
        notes,
    })
}

/// What was found, in a sentence.
fn description(splits: &Splits) -> String {
    let train = &splits.train;
    let mut what = match train.shape() {
        Some(shape) => format!("images of {shape}"),
        None => format!("vectors of {} numbers", train.features()),
    };
    // What is no pixel is shown as it is, and its scale with it.
    if let Values::Reals(values) = train.values() {
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        what.push_str(&format!(" from {least} to {most}"));
    }
    format!(
        "data: {} training, {} validation and {} test samples of {} classes, {what}",
        train.len(),
        splits.validation.len(),
        splits.test.len(),
        train.classes()
    )
}

/// The keys that these samples leave nothing to do for.
fn unused(parts: &Parts, spec: &DataSpec, is_table: bool) -> Vec<String> {
    let is_plain = |part: &Samples| matches!(part.values, Values::Reals(_)) && part.shape.is_none();
    let has = |role| parts.contains_key(&role);
    let mut keys: Vec<&str> = (spec.keys_of_files().into_iter())
        .filter(|key| match *key {
            "label" | "ignore" | "header" => !is_table,
            "divide_by" => !parts
                .values()
                .any(|part| matches!(part.values, Values::Reals(_))),
            "validation" => has(Role::Validation) && has(Role::Test),
            "test" => has(Role::Test) || has(Role::Validation),
            _ => false,
        })
        .collect();
    if parts.values().all(is_plain) {
        keys.extend(spec.keys_of_reshaping());
    }
    keys.into_iter().map(|key| format!("`{key}`")).collect()
}

/// What lies beside the data and is not read, in a sentence.
fn not_read(left_alone: &[PathBuf]) -> Option<String> {
    const NAMED: usize = 3;
    let named = left_alone.iter().take(NAMED);
    let mut named: Vec<String> = named.map(|path| format!("`{}`", path.display())).collect();
    if left_alone.len() > NAMED {
        named.push(format!("{} more", left_alone.len() - NAMED));
    }
    let is_some = !named.is_empty();
    is_some.then(|| format!("note: not read, beside the data: {}", named.join(", ")))
}

/// Reads tables, of which one may be without labels if it is to test on.
fn tables(
    path: &Path,
    files: &[Listed],
    spec: &DataSpec,
    notes: &mut Vec<String>,
    left_alone: &mut Vec<PathBuf>,
) -> Result<Parts, DataError> {
    let mut families: BTreeMap<String, Vec<(Role, &Path)>> = BTreeMap::new();
    let named = |file: &Listed| match (file.role, Role::of_file(&file.name())) {
        (Some(role), _) => Some((role, String::new())),
        (None, found) => found,
    };
    let are_named = files.iter().any(|file| named(file).is_some());
    for file in files {
        // Beside tables that say what they are for, others are notes about them.
        let (role, family) = match named(file) {
            Some(named) => named,
            None if are_named => {
                left_alone.push(file.path.clone());
                continue;
            }
            None => (Role::Whole, String::new()),
        };
        families.entry(family).or_default().push((role, &file.path));
    }
    let tables = match families.len() {
        0 | 1 => families.into_values().next().unwrap_or_default(),
        _ => return Err(idx::several(path, families.keys())),
    };
    let mut parts = Parts::new();
    for (role, file) in tables {
        match table::read(file, role, spec)? {
            None if role == Role::Test => notes.push(format!(
                "{} has no column of labels, so the test samples are held out of the others",
                file.display()
            )),
            None => {
                return Err(DataError::unusable(
                    file,
                    "none of its columns is called `label`; accepted: `label = \"NAME\"` in `[data]`",
                ));
            }
            Some(samples) if parts.contains_key(&role) => {
                drop(samples);
                return Err(DataError::unusable(
                    path,
                    format!(
                        "it holds several tables of {} samples; accepted: the path of one",
                        role.as_str()
                    ),
                ));
            }
            Some(samples) => {
                parts.insert(role, samples);
            }
        }
    }
    Ok(parts)
}

/// Name, shape and values of an array.
pub(crate) type NamedArray = ((String, Vec<usize>), Vec<f32>);

/// The arrays of floats of an archive of NumPy, each with its name and shape.
///
/// # Errors
///
/// If the file cannot be read, or holds something else than arrays of numbers.
pub(crate) fn read_arrays(file: &Path) -> Result<Vec<NamedArray>, DataError> {
    let arrays = npy::read_archive(file)?.into_iter();
    let floats = arrays.filter_map(|array| match array.values {
        npy::Numbers::Reals(values) => Some(Ok(((array.name, array.shape), values))),
        npy::Numbers::Whole(_) => {
            let message = format!(
                "its array `{}` holds whole numbers; accepted: floating-point numbers",
                array.name
            );
            Some(Err(DataError::unusable(file, message)))
        }
        npy::Numbers::Bytes(_) | npy::Numbers::Words(_) => None,
    });
    floats.collect()
}

/// All images as they are asked for.
fn reshape_all(path: &Path, parts: Parts, spec: &DataSpec) -> Result<Parts, DataError> {
    let reshape = Reshape::of(spec);
    if reshape.is_nothing() {
        return Ok(parts);
    }
    let each = parts.into_iter().map(|(role, part)| {
        let shape = part.shape.ok_or_else(|| no_images(path))?;
        let (values, shape) = reshape_each(&reshape, &part.values, shape, part.labels.of.len());
        let samples = Samples {
            values,
            shape: Some(shape),
            features: shape.features().unwrap_or(0),
            labels: part.labels,
        };
        Ok((role, samples))
    });
    each.collect()
}

/// So many images of one shape as they are asked for.
fn reshape_each(
    reshape: &Reshape,
    values: &Values,
    shape: ImageShape,
    count: usize,
) -> (Values, ImageShape) {
    let features = values.len() / count.max(1);
    let mut reshaped = shape;
    let pictures = (0..count).map(|index| {
        let range = index * features..(index + 1) * features;
        let picture = reshape.apply(Picture {
            shape,
            values: values.select(std::iter::once(range)),
        });
        reshaped = picture.shape;
        picture.values
    });
    let values = Values::concat(pictures);
    (values, reshaped)
}

fn no_images(path: &Path) -> DataError {
    DataError::unusable(
        path,
        "its samples are vectors, which have no `size`, `colour` or `transpose`; accepted: \
         `shape = [height, width]` in `[data]`, if they are images",
    )
}

/// The images of a data set that the program knows as they are asked for.
///
/// # Errors
///
/// If samples that are no images are to be reshaped.
pub(super) fn reshaped(splits: Splits, spec: &DataSpec) -> Result<Splits, DataError> {
    let origin = Path::new("the data set");
    spec.check()
        .map_err(|message| DataError::unusable(origin, format!("`[data]`: {message}")))?;
    if Reshape::of(spec).is_nothing() {
        return Ok(splits);
    }
    let reshape = Reshape::of(spec);
    let set = |set: &SampleSet| -> Result<SampleSet, DataError> {
        let shape = set.shape().ok_or_else(|| no_images(origin))?;
        let (values, shape) = reshape_each(&reshape, set.values(), shape, set.len());
        let features = shape.features().unwrap_or(0);
        let labels = set.labels().to_vec();
        SampleSet::new(values, labels, Some(shape), features, set.classes())
    };
    Ok(Splits {
        train: set(&splits.train)?.into(),
        validation: set(&splits.validation)?.into(),
        test: set(&splits.test)?.into(),
    })
}

/// Numbers divided as asked for; pixels are what they are.
fn scaled(samples: Samples, divisor: Option<f32>) -> Samples {
    match (divisor, samples.values) {
        (Some(divisor), Values::Reals(numbers)) => Samples {
            values: Values::Reals(numbers.into_iter().map(|it| it / divisor).collect()),
            ..samples
        },
        (_, values) => Samples { values, ..samples },
    }
}
