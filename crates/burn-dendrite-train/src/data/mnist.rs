//! MNIST: 70,000 handwritten digits of 28 x 28 grey pixels (LeCun, Cortes and Burges).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::download::{self, Packing, Remote};
use super::{DataError, DataOptions, ImageSet, Progress, Splits, idx};

/// The number of digits.
const CLASSES: usize = 10;

/// One sixth of the training file is held out for validation: 10,000 of 60,000 digits, as in the
/// dendritic target propagation paper.
const HELD_OUT: usize = 6;

/// The mirror that burn downloads from as well.
const MIRROR: &str = "https://storage.googleapis.com/cvdf-datasets/mnist/";

/// One of the two published parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

/// A published file: its name when uncompressed, and the MD5 checksum of its compressed form.
struct Published {
    name: &'static str,
    md5: &'static str,
}

impl Part {
    /// The name of the part's folder in burn's cache.
    fn folder(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
        }
    }

    /// The files of images and of labels.
    fn files(self) -> [Published; 2] {
        match self {
            Part::Train => [
                Published {
                    name: "train-images-idx3-ubyte",
                    md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
                },
                Published {
                    name: "train-labels-idx1-ubyte",
                    md5: "d53e105ee54ea40749a09fcbcd1e9432",
                },
            ],
            Part::Test => [
                Published {
                    name: "t10k-images-idx3-ubyte",
                    md5: "9fb629c4189551a2d022fa330f9573f3",
                },
                Published {
                    name: "t10k-labels-idx1-ubyte",
                    md5: "ec29112dd5afa0611ce80d1b7f02629c",
                },
            ],
        }
    }
}

/// Loads MNIST: the first 50,000 digits of the training file to train on, its last 10,000 to
/// validate on, and the 10,000 of the test file.
///
/// With `options.data_dir`, the four files are looked for there, in its `train/` and `test/`, and in
/// its `mnist/train/` and `mnist/test/`, each plain or with `.gz`, and nothing is ever downloaded.
/// Otherwise they are looked for where burn's own `MnistDataset` keeps them
/// (`burn-dataset/mnist/` in the cache folder of the account), and downloaded to there if need be.
///
/// Files with fewer digits are divided in the same proportion: the last sixth of the training file,
/// and at least one digit, is for validation.
///
/// # Errors
///
/// If a file is missing or cannot be downloaded, or is not what it should be, or if the training
/// file holds a single digit.
pub fn load(options: &DataOptions) -> Result<Splits, DataError> {
    match &options.data_dir {
        Some(folder) => {
            let train = find_below(folder, Part::Train)?;
            let test = find_below(folder, Part::Test)?;
            read(&train, &test)
        }
        None => {
            let cache = dirs::cache_dir().ok_or(DataError::NoCacheFolder { dataset: "mnist" })?;
            let folder = cache.join("burn-dataset").join("mnist");
            let train = find_or_fetch(&folder, Part::Train, options.progress)?;
            let test = find_or_fetch(&folder, Part::Test, options.progress)?;
            read(&train, &test).map_err(blame_cache)
        }
    }
}

/// Marks errors in the content of a cached file as something that a new download repairs.
fn blame_cache(error: DataError) -> DataError {
    match error {
        DataError::Magic { .. }
        | DataError::Truncated { .. }
        | DataError::TrailingBytes { .. }
        | DataError::ZeroSize { .. }
        | DataError::TooLarge { .. }
        | DataError::FileLabel { .. } => DataError::DamagedCache {
            source: Box::new(error),
        },
        other => other,
    }
}

/// The files of images and of labels of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pair {
    images: PathBuf,
    labels: PathBuf,
}

/// The pair that lies in `folder`, each file plain or compressed.
fn find_in(folder: &Path, part: Part) -> Option<Pair> {
    let [images, labels] = part.files().map(|published| {
        let plain = folder.join(published.name);
        let packed = folder.join(format!("{}.gz", published.name));
        [plain, packed].into_iter().find(|path| path.is_file())
    });
    Some(Pair {
        images: images?,
        labels: labels?,
    })
}

/// The pair that lies in `folder`, or where either layout of subfolders has it.
///
/// Both files must lie in the same folder, so that a pair is never mixed from two data sets.
fn find_below(folder: &Path, part: Part) -> Result<Pair, DataError> {
    let subfolders = [
        PathBuf::from(part.folder()),
        Path::new("mnist").join(part.folder()),
    ];
    let mut folders = vec![folder.to_path_buf()];
    folders.extend(subfolders.iter().map(|subfolder| folder.join(subfolder)));
    folders
        .iter()
        .find_map(|folder| find_in(folder, part))
        .ok_or_else(|| DataError::MissingFiles {
            dataset: "mnist",
            folder: folder.to_path_buf(),
            subfolders: list(subfolders.iter().map(|subfolder| subfolder.display())),
            files: list(part.files().iter().map(|published| published.name)),
        })
}

/// The items, separated by the word that fits two of them.
fn list<Item: fmt::Display>(items: impl Iterator<Item = Item>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(" and ")
}

/// The pair in burn's cache, whose missing files are downloaded.
fn find_or_fetch(cache: &Path, part: Part, progress: Progress) -> Result<Pair, DataError> {
    let folder = cache.join(part.folder());
    if let Some(pair) = find_in(&folder, part) {
        return Ok(pair);
    }
    let [images, labels] = part.files();
    let fetch = |published: Published| -> Result<PathBuf, DataError> {
        let path = folder.join(published.name);
        if !path.is_file() {
            let remote = Remote {
                url: format!("{MIRROR}{}.gz", published.name),
                md5: published.md5.to_owned(),
                packing: Packing::Gzip,
            };
            download::fetch(&remote, &path, progress)?;
        }
        Ok(path)
    };
    Ok(Pair {
        images: fetch(images)?,
        labels: fetch(labels)?,
    })
}

/// Reads both parts and divides the training part.
fn read(train: &Pair, test: &Pair) -> Result<Splits, DataError> {
    let both = idx::read_labelled_images(&train.images, &train.labels, CLASSES)?;
    let last = idx::read_labelled_images(&test.images, &test.labels, CLASSES)?;
    if both.shape() != last.shape() {
        return Err(DataError::ShapeMismatch {
            train_path: train.images.clone(),
            train: both.shape().to_string(),
            test_path: test.images.clone(),
            test: last.shape().to_string(),
        });
    }
    let (first, held_out) = hold_out(both, &train.images)?;
    Ok(Splits {
        train: Arc::new(first),
        validation: Arc::new(held_out),
        test: Arc::new(last),
    })
}

/// Divides the training file's digits into those to train on and those to validate on.
fn hold_out(all: ImageSet, path: &Path) -> Result<(ImageSet, ImageSet), DataError> {
    let images = all.len();
    if images < 2 {
        return Err(DataError::TooFewImages {
            path: path.to_path_buf(),
            images,
        });
    }
    let held_out = (images / HELD_OUT).max(1);
    Ok(all.split_at(images - held_out))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::super::idx::tests::{compress, encode};
    use super::*;

    /// Writes a part with that many 2 x 2 images, whose first pixel is their index.
    fn write(folder: &Path, part: Part, count: u8, packed: bool) {
        fs::create_dir_all(folder).unwrap();
        let pixels: Vec<u8> = (0..count).flat_map(|index| [index, 0, 0, 0]).collect();
        let labels: Vec<u8> = (0..count).map(|index| index % 10).collect();
        let images = encode(0x803, &[count.into(), 2, 2], &pixels);
        let labels = encode(0x801, &[count.into()], &labels);
        for (published, bytes) in part.files().iter().zip([images, labels]) {
            let (name, bytes) = match packed {
                false => (published.name.to_owned(), bytes),
                true => (format!("{}.gz", published.name), compress(&bytes)),
            };
            fs::write(folder.join(name), bytes).unwrap();
        }
    }

    fn load_from(folder: &Path) -> Result<Splits, DataError> {
        load(&DataOptions {
            data_dir: Some(folder.to_path_buf()),
            progress: Progress::Hidden,
        })
    }

    #[test]
    fn every_layout_is_found() {
        for (train, test, packed) in [
            ("", "", false),
            ("", "", true),
            ("train", "test", false),
            ("mnist/train", "mnist/test", true),
        ] {
            let folder = TempDir::new().unwrap();
            write(&folder.path().join(train), Part::Train, 13, packed);
            write(&folder.path().join(test), Part::Test, 4, packed);
            let splits = load_from(folder.path()).unwrap();
            assert_eq!((splits.train.len(), splits.validation.len()), (11, 2));
            assert_eq!(splits.test.len(), 4);
            assert_eq!(
                (splits.train.pixels(10)[0], splits.validation.pixels(0)[0]),
                (10, 11)
            );
        }
    }

    #[test]
    fn a_folder_without_the_files_is_an_error_and_not_a_download() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), Part::Train, 2, false);
        let message = load_from(folder.path()).unwrap_err().to_string();
        let path = folder.path().display().to_string();
        for part in [
            &path,
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
            "mnist/test",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn at_least_one_digit_is_held_out() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), Part::Test, 1, false);
        write(folder.path(), Part::Train, 2, false);
        let splits = load_from(folder.path()).unwrap();
        assert_eq!((splits.train.len(), splits.validation.len()), (1, 1));
        write(folder.path(), Part::Train, 1, false);
        let error = load_from(folder.path()).unwrap_err();
        assert!(
            matches!(error, DataError::TooFewImages { images: 1, .. }),
            "{error}"
        );
    }

    #[test]
    fn a_full_cache_is_used_without_a_network() {
        let cache = TempDir::new().unwrap();
        write(&cache.path().join("train"), Part::Train, 2, false);
        let pair = find_or_fetch(cache.path(), Part::Train, Progress::Hidden).unwrap();
        assert_eq!(
            pair.images,
            cache.path().join("train/train-images-idx3-ubyte")
        );
    }

    /// Facts published with the data set, checked where the real files happen to be in the cache.
    #[test]
    fn the_real_files_have_the_published_counts() {
        let Some(cache) = dirs::cache_dir().map(|cache| cache.join("burn-dataset/mnist")) else {
            return;
        };
        if find_in(&cache.join("train"), Part::Train).is_none()
            || find_in(&cache.join("test"), Part::Test).is_none()
        {
            return;
        }
        let splits = load(&DataOptions::default()).unwrap();
        assert_eq!(splits.train.len(), 50_000);
        assert_eq!(splits.train.features(), 784);
        assert_eq!(splits.train.labels()[..10], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
        let counts = splits.train.class_counts();
        let all: Vec<usize> = counts
            .iter()
            .zip(splits.validation.class_counts())
            .map(|(a, b)| a + b)
            .collect();
        assert_eq!(
            all,
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
        );
        let test = splits.test.class_counts();
        assert_eq!(
            test,
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
        );
    }
}
