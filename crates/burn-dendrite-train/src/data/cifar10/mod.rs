//! CIFAR-10: 60,000 colour images of 32 x 32 pixels, of ten classes (Krizhevsky).

mod archive;
mod binary;
mod folders;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::{DataError, DataOptions, ImageShape, SampleSet, Splits, picture, sniff};

const SHAPE: ImageShape = ImageShape {
    channels: 3,
    height: 32,
    width: 32,
};

/// Bytes of one image.
const FEATURES: usize = 3 * 32 * 32;

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

/// What the Python version of the archive unpacks to, and one of its files.
const PYTHON: [&str; 2] = ["cifar-10-batches-py", "data_batch_1"];

/// Loads CIFAR-10: 40,000 images to train on, 10,000 to validate on, 10,000 to test on.
///
/// In `options.data_dir`, where nothing is downloaded, either of two layouts is read:
///
/// - the official binary files `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, there or
///   in `cifar-10-batches-bin/`. The last 10,000 images of the training files are for validation.
/// - folders `train/CLASS/` and `test/CLASS/` of JPEG or PNG images, as burn unpacks them. The images,
///   sorted by name, are shuffled by a fixed seed, and the last fifth of them is for validation. Where
///   there is no `test`, `val` is taken for it; where there are both, `val` is for validation.
///
/// Without a folder, both are looked for where burn's own data set keeps them
/// (`burn-dataset/cifar10/` in the cache folder of the account), and if neither is there, the binary
/// files are downloaded to there.
///
/// The Python version of the archive is not read: its files are pickles, programs for an interpreter
/// that may ask for any amount of memory and time, and no library reads them within limits.
///
/// # Errors
///
/// If neither layout is there or can be downloaded, or if a file of it is not what it should be.
pub fn load(options: &DataOptions) -> Result<Splits, DataError> {
    if let Some(folder) = &options.data_dir {
        return match find(folder)? {
            Some(layout) => layout.read(),
            None => Err(DataError::MissingFiles {
                dataset: "cifar10",
                subfolders: format!("{UNPACKED}, train and test"),
                files: format!(
                    "{}, {TEST}, or folders of JPEG or PNG images",
                    TRAIN.join(", ")
                ),
                near: near_misses(folder),
                folder: folder.clone(),
            }),
        };
    }
    let cache = dirs::cache_dir()
        .ok_or(DataError::NoCacheFolder { dataset: "cifar10" })?
        .join("burn-dataset")
        .join("cifar10");
    if let Some(layout) = find(&cache)? {
        return layout.read();
    }
    archive::fetch(&cache.join(UNPACKED), options.progress)?;
    Layout::Binary(cache.join(UNPACKED)).read()
}

/// Where the images are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Layout {
    /// The folder of the official binary files.
    Binary(PathBuf),
    /// Folders of images.
    Folders {
        /// The folder of the others.
        folder: PathBuf,
        /// What is validated on; part of the training images unless there is such a folder.
        validation: Option<&'static str>,
        test: &'static str,
    },
}

/// What folders of images to test or to validate on are called.
const TESTED: &str = "test";
const VALIDATED: &str = "val";

/// What is in a folder under a name that looks like one that is looked for.
fn near_misses(folder: &Path) -> Vec<PathBuf> {
    let accepted = [&TRAIN[..], &[TEST, UNPACKED, "train", TESTED, VALIDATED]].concat();
    let mut near = sniff::near_misses(sniff::names(folder).into_iter(), &accepted);
    near.extend(
        sniff::names(folder)
            .into_iter()
            .filter(|name| name.ends_with(".tar.gz")),
    );
    near.sort();
    near.dedup();
    near.into_iter().map(|name| folder.join(name)).collect()
}

/// The layout that a folder has, if it has one.
fn find(folder: &Path) -> Result<Option<Layout>, DataError> {
    let unpacked = folder.join(UNPACKED);
    if folder.join(TEST).is_file() {
        return Ok(Some(Layout::Binary(folder.to_owned())));
    }
    // A folder of that name is meant, even if a file is missing, which its reader says.
    if unpacked.is_dir() {
        return Ok(Some(Layout::Binary(unpacked)));
    }
    let has = |name: &str| folder.join(name).is_dir();
    let parts = match (has(TESTED), has(VALIDATED)) {
        (true, true) => Some((Some(VALIDATED), TESTED)),
        (true, false) => Some((None, TESTED)),
        (false, true) => Some((None, VALIDATED)),
        (false, false) => None,
    };
    if let Some((validation, test)) = parts.filter(|_| has("train")) {
        return Ok(Some(Layout::Folders {
            folder: folder.to_owned(),
            validation,
            test,
        }));
    }
    let [unpacked, batch] = PYTHON;
    let python = [folder.to_owned(), folder.join(unpacked)];
    match python.into_iter().find(|it| it.join(batch).is_file()) {
        Some(path) => Err(DataError::Pickles { path }),
        None => Ok(None),
    }
}

impl Layout {
    fn read(&self) -> Result<Splits, DataError> {
        match self {
            Self::Binary(folder) => {
                let train: Vec<PathBuf> = TRAIN.iter().map(|name| folder.join(name)).collect();
                let test = folder.join(TEST);
                splits(binary::read(&train)?, binary::read(&[test])?, folder)
            }
            Self::Folders {
                folder,
                validation,
                test,
            } => {
                let train = folders::read(&folder.join("train"))?;
                let mut order: Vec<usize> = (0..train.len()).collect();
                order.shuffle(&mut ChaCha8Rng::seed_from_u64(ORDER));
                let train = train.select(&order);
                let test = folders::read(&folder.join(test))?;
                match validation {
                    None => splits(train, test, folder),
                    Some(validation) => Ok(Splits {
                        train: Arc::new(train),
                        validation: Arc::new(folders::read(&folder.join(validation))?),
                        test: Arc::new(test),
                    }),
                }
            }
        }
    }
}

/// Holds some of the training images out, if there are enough.
fn splits(all: SampleSet, test: SampleSet, folder: &Path) -> Result<Splits, DataError> {
    let images = all.len();
    if images < HELD_OUT || test.is_empty() {
        return Err(DataError::TooFewImages {
            path: folder.to_owned(),
            images,
        });
    }
    let (train, validation) = all.split_at(images - images / HELD_OUT);
    Ok(Splits {
        train: Arc::new(train),
        validation: Arc::new(validation),
        test: Arc::new(test),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        for part in ["record 1 of", "data_batch_3.bin", "(byte 3073)", "label 10"] {
            assert!(message.contains(part), "{message}");
        }
        // A hole of more records than the data set has, of which none is read.
        let hole = fs::File::create(&file).unwrap();
        hole.set_len(3073 * 60_001).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(message.contains("1 to 60000 records"), "{message}");
        fs::remove_file(&file).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(message.contains("data_batch_3.bin"), "{message}");
    }

    #[test]
    fn an_unpacked_archive_that_lacks_a_file_is_not_taken_for_none() {
        let folder = TempDir::new().unwrap();
        fs::rename(batches().keep(), folder.path().join(UNPACKED)).unwrap();
        assert_eq!(load_from(folder.path()).unwrap().train.len(), 8);
        fs::remove_file(folder.path().join(UNPACKED).join(TEST)).unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(
            message.contains("cifar-10-batches-bin/test_batch.bin"),
            "{message}"
        );
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
                assert_eq!((pixels[0], pixels[2048]), (set.label(index) as u8 * 20, 7));
            }
        }
        assert!(splits.train.labels() != load_sorted(&splits.train));
        assert!(load_from(folder.path()).unwrap().train == splits.train);
    }

    #[test]
    fn a_folder_val_stands_for_test_or_is_validated_on() {
        let folder = folders();
        fs::rename(folder.path().join("test"), folder.path().join("val")).unwrap();
        let splits = load_from(folder.path()).unwrap();
        assert_eq!((splits.train.len(), splits.validation.len()), (40, 10));
        assert_eq!(splits.test.labels(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);

        let other = folders();
        fs::rename(folder.path().join("val"), other.path().join("val")).unwrap();
        let splits = load_from(other.path()).unwrap();
        assert_eq!((splits.train.len(), splits.validation.len()), (50, 10));
        assert_eq!(splits.test.len(), 10);
    }

    #[test]
    fn what_file_managers_leave_behind_is_passed_over() {
        let folder = folders();
        for file in [
            "train/Thumbs.db",
            "train/cat/Thumbs.db",
            "test/dog/desktop.ini",
        ] {
            fs::write(folder.path().join(file), "x").unwrap();
        }
        for part in ["train", "test"] {
            let left = folder.path().join(part).join("__MACOSX");
            fs::create_dir(&left).unwrap();
            fs::write(left.join("._0.png"), "x").unwrap();
        }
        assert_eq!(load_from(folder.path()).unwrap().train.len(), 40);
    }

    #[test]
    fn near_misses_are_named_in_the_refusal() {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("Train")).unwrap();
        fs::write(folder.path().join("cifar-10-binary.tar.gz"), "x").unwrap();
        fs::write(folder.path().join("notes.txt"), "x").unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        for name in ["Train", "cifar-10-binary.tar.gz"] {
            let path = folder.path().join(name).display().to_string();
            assert!(message.contains(&path), "{message}");
        }
        assert!(!message.contains("notes.txt"), "{message}");
    }

    fn load_sorted(set: &SampleSet) -> Vec<u16> {
        let mut labels = set.labels().to_vec();
        labels.sort();
        labels
    }

    #[test]
    fn pickles_are_refused_with_what_is_accepted() {
        for folder in ["", "cifar-10-batches-py"] {
            let parent = TempDir::new().unwrap();
            let folder = parent.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("data_batch_1"), b"\x80\x02}").unwrap();
            let message = load_from(parent.path()).unwrap_err().to_string();
            assert!(
                message.contains("pickles") && message.contains("cifar-10-binary.tar.gz"),
                "{message}"
            );
        }
    }

    #[test]
    fn too_few_images_to_hold_some_out_are_refused() {
        let folder = folders();
        for class in CLASSES {
            for index in 0..5 {
                let is_kept = class == "cat" && index < 4;
                let file = folder.path().join(format!("train/{class}/{index}.png"));
                if !is_kept {
                    fs::remove_file(file).unwrap();
                }
            }
        }
        let message = load_from(folder.path()).unwrap_err().to_string();
        assert!(message.contains("4 images"), "{message}");
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
