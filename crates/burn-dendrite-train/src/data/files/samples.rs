//! Samples as files give them, before classes have numbers.

use std::collections::HashMap;
use std::path::Path;

use super::super::values::Values;
use super::super::{DataError, ImageShape};
use super::DataSpec;

/// Labelled samples of one size.
#[derive(Clone, Debug)]
pub(super) struct Samples {
    /// Sample after sample.
    pub(super) values: Values,
    /// The size of an image; none where samples are vectors.
    pub(super) shape: Option<ImageShape>,
    /// Values of a sample.
    pub(super) features: usize,
    pub(super) labels: Labels,
}

/// The class of each sample, by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Labels {
    /// The names, in the order in which they first occur.
    pub(super) names: Vec<String>,
    /// The place of each sample's class among them.
    pub(super) of: Vec<usize>,
}

impl<Name: Into<String>> FromIterator<Name> for Labels {
    fn from_iter<Names: IntoIterator<Item = Name>>(names: Names) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut labels = Self::default();
        for name in names {
            let name = name.into();
            let place = *places.entry(name).or_insert_with_key(|name| {
                labels.names.push(name.clone());
                labels.names.len() - 1
            });
            labels.of.push(place);
        }
        labels
    }
}

/// The names of classes in the order of their labels: by value if all are whole numbers, else as text.
pub(super) fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    let numbers: Option<Vec<i64>> = names.iter().map(|name| name.parse().ok()).collect();
    if numbers.is_some() {
        names.sort_by_key(|name| name.parse::<i64>().unwrap_or_default());
    }
    names
}

/// The size of images that stand in rows of so many values: that of the specification, else a square
/// where the values are known to be pixels or look like them; none for vectors.
///
/// Eight by eight is the smallest square that is taken for an image without being called one.
pub(super) fn shape_of_rows(
    path: &Path,
    columns: usize,
    pixels: Pixels,
    spec: &DataSpec,
) -> Result<Option<ImageShape>, DataError> {
    const SMALLEST: usize = 8;
    if let Some(shape) = &spec.shape {
        let (channels, size) = match shape.as_slice() {
            [channels, size @ ..] if shape.len() == 3 => (*channels, size),
            size => (1, size),
        };
        let shape = ImageShape {
            channels,
            height: size[0],
            width: size[1],
        };
        return if shape.features() == Some(columns) {
            Ok(Some(shape))
        } else {
            Err(DataError::unusable(
                path,
                format!(
                    "a sample has {columns} values, and `shape` is {shape}; accepted: a shape of as \
                 many values"
                ),
            ))
        };
    }
    let side = columns.isqrt();
    let square = (side * side == columns).then_some(ImageShape {
        channels: 1,
        height: side,
        width: side,
    });
    match pixels {
        Pixels::Named if square.is_none() => Err(DataError::unusable(
            path,
            format!(
                "its {columns} columns of pixels are no square; accepted: `shape = [height, width]` \
                 or `shape = [channels, height, width]` in `[data]`"
            ),
        )),
        Pixels::Named => Ok(square),
        Pixels::Alike => Ok(square.filter(|_| side >= SMALLEST)),
        Pixels::No => Ok(None),
    }
}

/// Whether the values of rows are pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pixels {
    /// They are called so.
    Named,
    /// They are whole numbers from 0 to 255, and nothing is said about them.
    Alike,
    /// They are not.
    No,
}

/// Numbers as bytes, where all of them are whole and from 0 to 255.
pub(super) fn bytes(numbers: &[f32]) -> Option<Vec<u8>> {
    let byte = |number: &f32| {
        let byte = *number as u8;
        (f32::from(byte) == *number).then_some(byte)
    };
    numbers.iter().map(byte).collect()
}

/// Refuses numbers that are none, with the sample and the place in it.
pub(super) fn finite(path: &Path, numbers: &[f32], features: usize) -> Result<(), DataError> {
    match numbers.iter().position(|number| !number.is_finite()) {
        None => Ok(()),
        Some(at) => Err(DataError::unusable(
            path,
            format!(
                "value {} of sample {} is {}; accepted: finite numbers",
                at % features.max(1),
                at / features.max(1),
                numbers[at]
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_sorted_as_numbers_or_as_text() {
        let names = |names: &[&str]| sorted(names.iter().map(|it| (*it).to_owned()).collect());
        assert_eq!(names(&["10", "9", "9", "-1"]), ["-1", "9", "10"]);
        assert_eq!(names(&["b", "10", "9"]), ["10", "9", "b"]);
    }

    #[test]
    fn labels_are_places_in_the_list_of_names() {
        let labels: Labels = ["b", "a", "b"].into_iter().collect();
        assert_eq!(
            (labels.names, labels.of),
            (vec!["b".to_owned(), "a".to_owned()], vec![0, 1, 0])
        );
    }

    #[test]
    fn rows_are_images_where_they_say_so_or_look_like_it() {
        let shape = |columns, pixels, text: &str| {
            let spec: DataSpec = toml::from_str(text).unwrap();
            shape_of_rows(Path::new("x.csv"), columns, pixels, &spec)
                .map(|shape| shape.map(|shape| shape.to_string()))
                .map_err(|error| error.to_string())
        };
        let image = |text: &str| Ok(Some(text.to_owned()));
        assert_eq!(shape(784, Pixels::Alike, ""), image("1x28x28"));
        assert_eq!(shape(4, Pixels::Named, ""), image("1x2x2"));
        for (columns, pixels) in [(4, Pixels::Alike), (65, Pixels::Alike), (784, Pixels::No)] {
            assert_eq!(shape(columns, pixels, ""), Ok(None));
        }
        assert_eq!(shape(12, Pixels::No, "shape = [3, 2, 2]"), image("3x2x2"));
        assert_eq!(shape(6, Pixels::Alike, "shape = [3, 2]"), image("1x3x2"));
        assert!(
            shape(7, Pixels::No, "shape = [3, 2]")
                .unwrap_err()
                .contains("7 values")
        );
        assert!(
            shape(5, Pixels::Named, "")
                .unwrap_err()
                .contains("`shape = [height")
        );
    }

    #[test]
    fn what_is_no_number_is_named_with_its_place() {
        let error = finite(Path::new("x.npy"), &[0.0, 1.0, f32::NAN, 2.0], 2).unwrap_err();
        assert!(
            error.to_string().contains("value 0 of sample 1 is NaN"),
            "{error}"
        );
        assert_eq!(bytes(&[0.0, 255.0]), Some(vec![0, 255]));
        assert_eq!(
            (bytes(&[0.5]), bytes(&[256.0]), bytes(&[-1.0])),
            (None, None, None)
        );
    }
}
