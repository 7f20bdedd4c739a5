//! CIFAR-10: 60,000 colour images of 32 x 32 pixels, of ten classes (Krizhevsky).

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::{DataError, DataOptions, ImageShape, SampleSet, Splits};

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 32,
    width: 32,
};

/// Bytes of one image.
const FEATURES: usize = 3 * 32 * 32;

/// Bytes of a label and an image in the binary files.
const RECORD: usize = 1 + FEATURES;

/// The classes in the order of their labels, which are also names of folders.
const CLASSES: [&str; 10] = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
];

/// The official binary files.
const TRAIN: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: &str = "test_batch.bin";

/// The folder that the official archive unpacks to.
const UNPACKED: &str = "cifar-10-batches-bin";

/// One fifth of the training images is held out for validation: 10,000 of 50,000, as in the
/// dendritic target propagation paper.
const HELD_OUT: usize = 5;

/// Decides the order of images from folders, which lists them class by class.
const ORDER: u64 = 0;

/// Loads CIFAR-10: 40,000 images to train on, 10,000 to validate on, 10,000 to test on.
///
/// In `options.data_dir`, else where burn's own data set keeps them (`burn-dataset/cifar10/` in the
/// cache folder of the account), either of two layouts is read; nothing is downloaded:
///
/// - the official binary files `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, there or
///   in `cifar-10-batches-bin/`. The last 10,000 images of the training files are for validation.
/// - folders `train/CLASS/` and `test/CLASS/` of JPEG or PNG images, as burn unpacks them. The images,
///   sorted by name, are shuffled by a fixed seed, and the last fifth of them is for validation.
///
/// # Errors
///
/// If neither layout is there, or a file of it is not what it should be.
pub fn load(options: &DataOptions) -> Result<Splits, DataError> {
    let folder = match &options.data_dir {
        Some(folder) => folder.clone(),
        None => dirs::cache_dir()
            .ok_or(DataError::NoCacheFolder { dataset: "cifar10" })?
            .join("burn-dataset")
            .join("cifar10"),
    };
    let binary = [folder.clone(), folder.join(UNPACKED)];
    if let Some(folder) = binary.iter().find(|it| it.join(TEST).is_file()) {
        let files: Vec<PathBuf> = TRAIN.iter().map(|name| folder.join(name)).collect();
        return splits(read_batches(&files)?, read_batches(&[folder.join(TEST)])?);
    }
    if folder.join("train").is_dir() && folder.join("test").is_dir() {
        let train = read_folders(&folder.join("train"))?;
        let mut order: Vec<usize> = (0..train.len()).collect();
        order.shuffle(&mut ChaCha8Rng::seed_from_u64(ORDER));
        return splits(train.select(&order), read_folders(&folder.join("test"))?);
    }
    Err(DataError::MissingFiles {
        dataset: "cifar10",
        subfolders: format!("{UNPACKED}, train and test"),
        files: format!(
            "{}, {TEST}, or folders of JPEG or PNG images",
            TRAIN.join(", ")
        ),
        folder,
    })
}

fn splits(all: SampleSet, test: SampleSet) -> Result<Splits, DataError> {
    let images = all.len();
    let (train, validation) = all.split_at(images - images / HELD_OUT);
    Ok(Splits {
        train: Arc::new(train),
        validation: Arc::new(validation),
        test: Arc::new(test),
    })
}

/// Reads official binary files: records of a label and an image, channel by channel.
fn read_batches(files: &[PathBuf]) -> Result<SampleSet, DataError> {
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
            labels.push(*label);
            pixels.extend_from_slice(image);
        }
    }
    SampleSet::images(pixels, labels, SHAPE, CLASSES.len())
}

/// Reads a folder for each class, images sorted by name.
fn read_folders(folder: &Path) -> Result<SampleSet, DataError> {
    let mut files: Vec<(PathBuf, u8)> = Vec::new();
    for (label, class) in (0..).zip(CLASSES) {
        let folder = folder.join(class);
        let mut images = Vec::new();
        for entry in fs::read_dir(&folder).map_err(DataError::io("read", &folder))? {
            images.push(entry.map_err(DataError::io("read", &folder))?.path());
        }
        images.sort();
        files.extend(images.into_iter().map(|image| (image, label)));
    }
    let images: Vec<Vec<u8>> = (files.par_iter())
        .map(|(file, _)| decode(file))
        .collect::<Result<_, _>>()?;
    let labels = files.into_iter().map(|(_, label)| label).collect();
    SampleSet::images(images.concat(), labels, SHAPE, CLASSES.len())
}

/// The pixels of an image file, channel by channel.
fn decode(file: &Path) -> Result<Vec<u8>, DataError> {
    let wrong = |reason: String| DataError::Image {
        path: file.to_owned(),
        reason,
    };
    let image = image::open(file).map_err(|error| wrong(error.to_string()))?;
    let (width, height) = (image.width(), image.height());
    if [width, height] != [32, 32] {
        return Err(wrong(format!("it is {width}x{height}; accepted: 32x32")));
    }
    let image = image.into_rgb8();
    Ok((0..3)
        .flat_map(|channel| image.pixels().map(move |pixel| pixel.0[channel]))
        .collect())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn load_from(folder: &Path) -> Result<Splits, DataError> {
        load(&DataOptions {
            data_dir: Some(folder.to_owned()),
            ..DataOptions::default()
        })
    }

    /// A record whose channels are all 1, all 2 and all 3.
    fn record(label: u8) -> Vec<u8> {
        let channels = (1..=3).flat_map(|value| vec![value; 1024]);
        [label].into_iter().chain(channels).collect()
    }

    /// Binary files of two images each.
    fn batches() -> TempDir {
        let folder = TempDir::new().unwrap();
        for (label, name) in (0..).zip(TRAIN.into_iter().chain([TEST])) {
            let bytes = [record(label), record(9 - label)].concat();
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        folder
    }

    #[test]
    fn binary_files_are_read_in_order() {
        let folder = batches();
        let splits = load_from(folder.path()).unwrap();
        assert_eq!(splits.train.labels(), [0, 9, 1, 8, 2, 7, 3, 6]);
        assert_eq!(splits.validation.labels(), [4, 5]);
        assert_eq!(splits.test.labels(), [5, 4]);
        let pixels = splits.test.pixels(0).unwrap();
        assert_eq!((pixels[0], pixels[1024], pixels[3071]), (1, 2, 3));
    }

    #[test]
    fn faulty_binary_files_are_named() {
        let folder = batches();
        let file = folder.path().join("data_batch_3.bin");
        let good = fs::read(&file).unwrap();
        for length in [0, 1, 3072, 3074, good.len() - 1] {
            fs::write(&file, &good[..length]).unwrap();
            let message = load_from(folder.path()).unwrap_err().to_string();
            assert!(
                message.contains("data_batch_3.bin") && message.contains("3073"),
                "{message}"
            );
        }
        let mut mislabelled = good.clone();
        mislabelled[3073] = 10;
        fs::write(&file, mislabelled).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("data_batch_3.bin") && message.contains("10"),
            "{message}"
        );
        fs::remove_file(&file).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(message.contains("data_batch_3.bin"), "{message}");
    }

    /// Folders of five training images and one test image a class, one grey value each.
    fn folders() -> TempDir {
        let folder = TempDir::new().unwrap();
        for (label, class) in (0..).zip(CLASSES) {
            for (part, count) in [("train", 5), ("test", 1)] {
                let folder = folder.path().join(part).join(class);
                fs::create_dir_all(&folder).unwrap();
                for index in 0..count {
                    let colour = image::Rgb([label * 20, index * 20, 7]);
                    let picture = image::RgbImage::from_pixel(32, 32, colour);
                    picture.save(folder.join(format!("{index}.png"))).unwrap();
                }
            }
        }
        folder
    }

    #[test]
    fn folders_of_images_are_read_and_mixed() {
        let folder = folders();
        let splits = load_from(folder.path()).unwrap();
        assert_eq!((splits.train.len(), splits.validation.len()), (40, 10));
        assert_eq!(splits.test.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        for set in [&splits.train, &splits.validation, &splits.test] {
            for index in 0..set.len() {
                let pixels = set.pixels(index).unwrap();
                assert_eq!((pixels[0], pixels[2048]), (set.label(index) * 20, 7));
            }
        }
        assert!(splits.train.labels() != load_sorted(&splits.train));
        assert!(load_from(folder.path()).unwrap().train == splits.train);
    }

    fn load_sorted(set: &SampleSet) -> Vec<u8> {
        let mut labels = set.labels().to_vec();
        labels.sort();
        labels
    }

    #[test]
    fn faulty_images_are_named() {
        let folder = folders();
        let file = folder.path().join("train/cat/2.png");
        let good = fs::read(&file).unwrap();
        fs::write(&file, &good[..good.len() / 2]).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(message.contains("2.png"), "{message}");
        image::RgbImage::new(16, 32).save(&file).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("2.png") && message.contains("16x32"),
            "{message}"
        );
        fs::remove_dir_all(folder.path().join("train/dog")).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(message.contains("dog"), "{message}");
    }

    #[test]
    fn an_empty_folder_is_an_error_that_says_what_was_looked_for() {
        let folder = TempDir::new().unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("data_batch_1.bin") && message.contains("test"),
            "{message}"
        );
    }
}
