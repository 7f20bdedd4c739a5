//! CIFAR-10 as a folder of image files for each class.

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{CLASSES, DataError, SHAPE, SampleSet, picture, sniff};

/// The longest image file that is read, in bytes; those of CIFAR-10 have about a thousand.
const MAXIMUM_BYTES: u64 = 1 << 20;

/// Reads a folder for each class, images sorted by name. Names with a dot in front are passed over, and
/// what file managers leave behind.
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
    let mut files: Vec<(PathBuf, u16)> = Vec::new();
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
        let path = entry.map_err(DataError::io("read", folder))?.path();
        if !sniff::is_left_behind(&path) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The pixels of an image file, channel by channel.
fn decode(file: &Path) -> Result<Vec<u8>, DataError> {
    let accepts = |width, height| match [width, height] {
        [32, 32] => Ok(()),
        _ => Err(format!("it is {width}x{height}; accepted: 32x32")),
    };
    let image = picture::decode(file, MAXIMUM_BYTES, accepts)?.into_rgb8();
    Ok((0..3)
        .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, RgbImage};
    use tempfile::TempDir;

    use super::*;

    /// A folder with one image a class, all of them of this format.
    fn folder(format: ImageFormat) -> TempDir {
        let folder = TempDir::new().unwrap();
        for class in CLASSES {
            fs::create_dir(folder.path().join(class)).unwrap();
            fs::write(folder.path().join(class).join("0"), encode(32, 32, format)).unwrap();
        }
        folder
    }

    fn encode(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let noisy = |x: u32, y: u32| image::Rgb([x, y, x * y].map(|it| (it * 37 % 251) as u8));
        let mut bytes = Cursor::new(Vec::new());
        let image = RgbImage::from_fn(width, height, noisy);
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// What is said about a folder whose image of a cat has these bytes.
    fn refusal(bytes: &[u8]) -> String {
        let folder = folder(ImageFormat::Png);
        fs::write(folder.path().join("cat/0"), bytes).unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("cat"), "{message}");
        message
    }

    #[test]
    fn both_formats_are_read_whatever_the_name() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let folder = folder(format);
            fs::write(folder.path().join("cat/.hidden"), "x").unwrap();
            fs::create_dir(folder.path().join(".hidden")).unwrap();
            fs::write(folder.path().join("labels.txt"), "x").unwrap();
            assert_eq!(read(folder.path()).unwrap().class_counts(), [1; 10]);
        }
        let set = read(folder(ImageFormat::Png).path()).unwrap();
        let pixels = set.pixels(0).unwrap();
        // Column 2, row 1: (2, 1, 2) · 37.
        assert_eq!([pixels[34], pixels[1058], pixels[2082]], [74, 37, 74]);
    }

    #[test]
    fn what_is_no_image_is_refused() {
        for bytes in [&b""[..], b"not an image", b"GIF89a", &[0xff; 100]] {
            assert!(refusal(bytes).contains("neither a JPEG nor a PNG"));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let whole = encode(32, 32, format);
            // A PNG ends in a chunk of 12 bytes that says no more than that.
            let needed = match format {
                ImageFormat::Png => whole.len() - 12,
                _ => whole.len(),
            };
            for length in (0..needed).step_by(7).chain([needed - 1]) {
                refusal(&whole[..length]);
            }
        }
    }

    #[test]
    fn a_cut_jpeg_image_names_the_byte() {
        let whole = encode(32, 32, ImageFormat::Jpeg);
        let length = whole.len() - 20;
        let message = refusal(&whole[..length]);
        assert!(
            message.contains(&format!("ends at byte {length}")),
            "{message}"
        );
    }

    #[test]
    fn images_of_another_size_are_refused_before_they_are_decoded() {
        let message = refusal(&encode(16, 32, ImageFormat::Png));
        assert!(message.contains("16x32"), "{message}");

        // Headers that claim 65535 x 65535 pixels, 13 GB of them.
        let mut bomb = encode(32, 32, ImageFormat::Png);
        bomb[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let mut checksum = flate2::Crc::new();
        checksum.update(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
        assert!(refusal(&bomb).contains("65535x65535"));

        let mut bomb = encode(32, 32, ImageFormat::Jpeg);
        let frame = bomb.windows(2).position(|it| it == [0xff, 0xc0]).unwrap();
        bomb[frame + 5..frame + 9].fill(0xff);
        assert!(refusal(&bomb).contains("65535x65535"));
    }

    #[test]
    fn a_file_of_endless_length_is_not_read_to_its_end() {
        let mut bytes = encode(32, 32, ImageFormat::Png);
        bytes.resize(MAXIMUM_BYTES as usize + 1, 0);
        assert!(refusal(&bytes).contains("1048576 bytes"));
    }

    #[test]
    fn no_changed_byte_leads_to_a_panic() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg] {
            let whole = encode(32, 32, format);
            let file = tempfile::NamedTempFile::new().unwrap();
            for position in (0..whole.len()).step_by(3) {
                for value in [0, 0x7f, 0xff] {
                    let mut bytes = whole.clone();
                    bytes[position] = value;
                    fs::write(file.path(), bytes).unwrap();
                    let _ = decode(file.path());
                }
            }
        }
    }

    #[test]
    fn folders_and_classes_belong_together() {
        let folder = folder(ImageFormat::Png);
        fs::create_dir(folder.path().join("bicycle")).unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("bicycle") && message.contains("airplane, automobile"));
        fs::remove_dir(folder.path().join("bicycle")).unwrap();
        fs::remove_dir_all(folder.path().join("dog")).unwrap();
        let message = read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("dog"), "{message}");
    }
}
