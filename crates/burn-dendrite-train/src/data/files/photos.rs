//! Folders of images, one for each class.

use std::fs;
use std::path::{Path, PathBuf};

use image::DynamicImage;
use rayon::prelude::*;

use super::super::values::Values;
use super::super::{DataError, ImageShape, picture, sniff};
use super::reshape::{Picture, Reshape};
use super::role::Role;
use super::samples::{Labels, Samples};
use super::{Colour, DataSpec, Parts};

/// The longest image file that is read, in bytes.
const MAXIMUM_BYTES: u64 = 1 << 28;

/// The most pixels of an image: 100 million.
const MAXIMUM_PIXELS: u64 = 100_000_000;

/// Endings of files that are taken for images.
const ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// Whether a file is taken for an image, by its name.
pub(super) fn is_image(path: &Path) -> bool {
    let ending = path
        .extension()
        .map(|it| it.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Whether a folder holds images, in it or in the only folder within it.
pub(super) fn holds_images(folder: &Path) -> bool {
    let Ok(paths) = visible(folder) else {
        return false;
    };
    match paths.as_slice() {
        [only] if only.is_dir() => holds_images(only),
        paths => paths.iter().any(|path| is_image(path)),
    }
}

/// Reads parts, each of them a folder of folders of images.
///
/// # Errors
///
/// If a class has no image, an image cannot be decoded or is transparent without a background, or if
/// sizes differ and none is asked for.
pub(super) fn read(folders: &[(Role, PathBuf)], spec: &DataSpec) -> Result<Parts, DataError> {
    let mut files: Vec<(Role, String, PathBuf)> = Vec::new();
    for (role, folder) in folders {
        for class in visible(folder)?.into_iter().filter(|path| path.is_dir()) {
            let name = file_name(&class);
            let images = images_of(&class)?;
            files.extend(images.into_iter().map(|image| (*role, name.clone(), image)));
        }
    }
    let reshape = Reshape::of(spec);
    let pictures: Vec<Picture> = (files.par_iter())
        .map(|(_, _, file)| Ok(reshape.apply(decode(file, spec)?)))
        .collect::<Result<_, DataError>>()?;
    let pictures = alike(pictures, spec.colour, &files)?;
    let mut parts = Parts::new();
    for (role, _) in folders {
        let of_role = files
            .iter()
            .zip(&pictures)
            .filter(|((it, ..), _)| it == role);
        let (labels, pictures): (Vec<String>, Vec<&Picture>) = of_role
            .map(|((_, class, _), picture)| (class.clone(), picture))
            .unzip();
        if let Some(first) = pictures.first() {
            let shape = first.shape;
            let samples = Samples {
                features: shape.features().unwrap_or(0),
                shape: Some(shape),
                values: Values::concat(pictures.iter().map(|it| it.values.clone())),
                labels: labels.into_iter().collect::<Labels>(),
            };
            parts.insert(*role, samples);
        }
    }
    Ok(parts)
}

/// What a folder holds and does not hide, sorted.
pub(super) fn visible(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(DataError::io("read", folder))? {
        let path = entry.map_err(DataError::io("read", folder))?.path();
        if !sniff::is_left_behind(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

pub(super) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

/// The images of a class: in its folder, or in the only folder within it.
fn images_of(class: &Path) -> Result<Vec<PathBuf>, DataError> {
    let paths = visible(class)?;
    if let [only] = paths.as_slice()
        && only.is_dir()
    {
        return images_of(only);
    }
    if let Some(folder) = paths.iter().find(|path| path.is_dir()) {
        return Err(DataError::unusable(
            folder,
            "it is a folder within that of a class; accepted: a folder of images for each class, or \
             such folders in `train`, `val` and `test`",
        ));
    }
    if let Some(other) = paths.iter().find(|path| !is_image(path)) {
        return Err(DataError::unusable(
            other,
            "it lies in the folder of a class and is no image; accepted: files that end in `.jpg`, \
             `.jpeg` or `.png`",
        ));
    }
    if paths.is_empty() {
        Err(DataError::unusable(class, "the class has no images"))
    } else {
        Ok(paths)
    }
}

/// An image file as planes: bytes, or numbers from 0 to 1 where it has 16 bits.
fn decode(file: &Path, spec: &DataSpec) -> Result<Picture, DataError> {
    let accepts = |width: u32, height: u32| match u64::from(width) * u64::from(height) {
        0 => Err("it has no pixels".to_owned()),
        1..=MAXIMUM_PIXELS => Ok(()),
        _ => Err(format!(
            "it is {width}x{height}; accepted: up to {MAXIMUM_PIXELS} pixels"
        )),
    };
    let image = picture::decode(file, MAXIMUM_BYTES, accepts)?;
    let (height, width) = (image.height() as usize, image.width() as usize);
    let pixels = height * width;
    let shape = |channels| ImageShape {
        channels,
        height,
        width,
    };
    let transparent = || {
        DataError::unusable(
            file,
            "it is transparent in part; accepted: `background = [red, green, blue]` in `[data]`, \
             which is seen behind it",
        )
    };
    let over_background = |channels: usize, numbers: &[f32]| -> Result<Vec<f32>, DataError> {
        let background = spec.background.ok_or_else(transparent)?;
        Ok(behind(numbers, channels, background))
    };
    let picture = |channels: usize, values: Values| Picture {
        // A grey image has three planes before a coloured background.
        shape: shape(if values.len() == channels * pixels {
            channels
        } else {
            3
        }),
        values,
    };
    let bytes = |channels: usize, raw: &[u8], has_alpha: bool| -> Result<Picture, DataError> {
        let values = if has_alpha && raw.chunks(channels + 1).any(|it| it[channels] < u8::MAX) {
            let numbers: Vec<f32> = raw.iter().map(|it| f32::from(*it) / 255.0).collect();
            let planes = over_background(channels, &numbers)?;
            Values::Bytes(planes.iter().map(|it| (it * 255.0).round() as u8).collect())
        } else {
            Values::Bytes(planes(raw, channels, channels + usize::from(has_alpha)))
        };
        Ok(picture(channels, values))
    };
    let words = |channels: usize, raw: &[u16], has_alpha: bool| -> Result<Picture, DataError> {
        let numbers: Vec<f32> = raw.iter().map(|it| f32::from(*it) / 65_535.0).collect();
        let is_transparent =
            has_alpha && raw.chunks(channels + 1).any(|it| it[channels] < u16::MAX);
        let values = if is_transparent {
            over_background(channels, &numbers)?
        } else {
            planes(&numbers, channels, channels + usize::from(has_alpha))
        };
        Ok(picture(channels, Values::Reals(values)))
    };
    match &image {
        DynamicImage::ImageLuma8(image) => bytes(1, image.as_raw(), false),
        DynamicImage::ImageLumaA8(image) => bytes(1, image.as_raw(), true),
        DynamicImage::ImageRgb8(image) => bytes(3, image.as_raw(), false),
        DynamicImage::ImageRgba8(image) => bytes(3, image.as_raw(), true),
        DynamicImage::ImageLuma16(image) => words(1, image.as_raw(), false),
        DynamicImage::ImageLumaA16(image) => words(1, image.as_raw(), true),
        DynamicImage::ImageRgb16(image) => words(3, image.as_raw(), false),
        DynamicImage::ImageRgba16(image) => words(3, image.as_raw(), true),
        other => bytes(3, other.to_rgb8().as_raw(), false),
    }
}

/// The first channels of pixels of so many values, plane after plane.
fn planes<T: Copy>(raw: &[T], channels: usize, pixel: usize) -> Vec<T> {
    let plane = |channel| raw.chunks(pixel).map(move |pixel| pixel[channel]);
    (0..channels).flat_map(plane).collect()
}

/// Planes of pixels whose last value is how much they cover, over a background: `α x + (1 − α) b`. They are
/// as many as the pixels have channels, and three where these or the background are coloured.
fn behind(raw: &[f32], channels: usize, background: [u8; 3]) -> Vec<f32> {
    let is_grey = background.iter().all(|it| *it == background[0]);
    let background = background.map(|it| f32::from(it) / 255.0);
    let count = match (channels, is_grey) {
        (1, true) => 1,
        _ => 3,
    };
    let plane = |channel: usize| {
        raw.chunks(channels + 1).map(move |pixel| {
            let (alpha, value) = (pixel[channels], pixel[channel.min(channels - 1)]);
            alpha * value + (1.0 - alpha) * background[channel]
        })
    };
    (0..count).flat_map(plane).collect()
}

/// The pictures with as many channels and as fine values as the richest of them.
fn alike(
    pictures: Vec<Picture>,
    colour: Colour,
    files: &[(Role, String, PathBuf)],
) -> Result<Vec<Picture>, DataError> {
    let Some(first) = pictures.first() else {
        return Ok(pictures);
    };
    let size = |picture: &Picture| [picture.shape.height, picture.shape.width];
    let expected = size(first);
    if let Some(other) = pictures
        .iter()
        .position(|picture| size(picture) != expected)
    {
        let [height, width] = size(&pictures[other]);
        return Err(DataError::unusable(
            &files[other].2,
            format!(
                "it is {width}x{height} and {} is {}x{}; accepted: images of one size, or `size = \
                 [height, width]` in `[data]`",
                files[0].2.display(),
                expected[1],
                expected[0]
            ),
        ));
    }
    let channels = pictures.iter().map(|picture| picture.shape.channels).max();
    let channels = channels.unwrap_or(1);
    let is_coloured = channels == 3 && colour == Colour::AsIs;
    let is_fine = pictures
        .iter()
        .any(|it| matches!(it.values, Values::Reals(_)));
    let alike = |picture: Picture| {
        let Picture { mut shape, values } = picture;
        let values = match values {
            Values::Bytes(bytes) if is_fine => {
                Values::Reals(bytes.iter().map(|it| f32::from(*it) / 255.0).collect())
            }
            values => values,
        };
        let values = if is_coloured && shape.channels == 1 {
            shape.channels = 3;
            let one = 0..values.len();
            values.select(std::iter::repeat_n(one, 3))
        } else {
            values
        };
        Picture { shape, values }
    };
    Ok(pictures.into_iter().map(alike).collect())
}
