//! CIFAR-10 as a folder of image files for each class.

use std::fs::{self, File};
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use image::{ImageFormat, ImageReader};
use rayon::prelude::*;

use super::{CLASSES, DataError, SHAPE, SampleSet};

/// The longest image file that is read, in bytes; those of CIFAR-10 have about a thousand.
const MAXIMUM_BYTES: u64 = 1 << 20;

/// Reads a folder for each class, images sorted by name. Names with a dot in front are passed over.
///
/// # Errors
///
/// If a class has no folder or a folder no class, or if a file is no image of 32 x 32 pixels.
pub(super) fn read(folder: &Path) -> Result<SampleSet, DataError> {
    for entry in visible(folder)? {
        let is_class = (entry.file_name()).is_some_and(|name| CLASSES.iter().any(|it| name == *it));
        if entry.is_dir() && !is_class {
            return Err(DataError::UnknownClass {
                path: entry,
                classes: CLASSES.join(", "),
            });
        }
    }
    let mut files: Vec<(PathBuf, u8)> = Vec::new();
    for (label, class) in (0..).zip(CLASSES) {
        let images = visible(&folder.join(class))?;
        files.extend(images.into_iter().map(|image| (image, label)));
    }
    let images: Vec<Vec<u8>> = (files.par_iter())
        .map(|(file, _)| decode(file))
        .collect::<Result<_, _>>()?;
    let labels = files.into_iter().map(|(_, label)| label).collect();
    SampleSet::images(images.concat(), labels, SHAPE, CLASSES.len())
}

/// What a folder holds and does not hide, sorted.
fn visible(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(DataError::io("read", folder))? {
        let entry = entry.map_err(DataError::io("read", folder))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The pixels of an image file, channel by channel. Its size is known before it is decoded, so that
/// a file cannot ask for more memory than such an image needs.
fn decode(file: &Path) -> Result<Vec<u8>, DataError> {
    let wrong = |reason: String| DataError::Image {
        path: file.to_owned(),
        reason,
    };
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes))
        .map_err(DataError::io("read", file))?;
    if bytes.len() as u64 > MAXIMUM_BYTES {
        return Err(wrong(format!(
            "it has more than the {MAXIMUM_BYTES} bytes that are accepted"
        )));
    }
    let format = match image::guess_format(&bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png)) => format,
        _ => return Err(wrong("it is neither a JPEG nor a PNG image".to_owned())),
    };
    let reader = || ImageReader::with_format(Cursor::new(&bytes), format);
    let (width, height) = (reader().into_dimensions()).map_err(|error| wrong(error.to_string()))?;
    if [width, height] != [32, 32] {
        return Err(wrong(format!("it is {width}x{height}; accepted: 32x32")));
    }
    if format == ImageFormat::Jpeg && !has_end(&bytes) {
        return Err(wrong(format!(
            "it ends at byte {} without a JPEG end marker",
            bytes.len()
        )));
    }
    let image = reader().decode().map_err(|error| wrong(error.to_string()))?;
    let image = image.into_rgb8();
    Ok((0..3)
        .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
        .collect())
}

/// Whether a JPEG image has its end marker behind its last scan; decoders fill up what is missing.
///
/// Within a scan, neither marker can occur.
fn has_end(bytes: &[u8]) -> bool {
    let last = |marker: [u8; 2]| bytes.windows(2).rposition(|it| it == marker);
    last([0xff, 0xd9]) > last([0xff, 0xda])
}
