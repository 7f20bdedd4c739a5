//! Collections of grey images in four IDX files: MNIST and those made in its likeness.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::download::{self, Packing, Remote};
use super::{DataError, DataOptions, Progress, SampleSet, Splits, idx, sniff};

/// All of these collections have ten classes.
const CLASSES: usize = 10;

/// One sixth of the training file is held out for validation: 10,000 of 60,000 images, as in the
/// dendritic target propagation paper.
const HELD_OUT: usize = 6;

/// A collection of images of ten classes, published as four compressed IDX files.
#[derive(Clone, Copy, Debug)]
pub struct IdxCollection {
    /// Its name, which is also that of its folder in burn's cache.
    pub name: &'static str,
    /// The folder in which torchvision keeps the files of both parts.
    pub raw: &'static str,
    /// The address of the folder that the files are downloaded from, with a slash at the end.
    pub mirror: &'static str,
    /// MD5 checksums of the compressed images and labels of the training file.
    pub train_md5: [&'static str; 2],
    /// MD5 checksums of the compressed images and labels of the test file.
    pub test_md5: [&'static str; 2],
}

/// One of the two published parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Train,
    Test,
}

impl Part {
    /// The name of the part's folder in burn's cache.
    fn folder(self) -> &'static str {
        match self {
            Part::Train => "train",
            Part::Test => "test",
        }
    }

    /// The names of the files of images and of labels when uncompressed.
    fn files(self) -> [&'static str; 2] {
        match self {
            Part::Train => ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
            Part::Test => ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
        }
    }

    /// The same names as some archives spell them.
    fn files_with_dots(self) -> [&'static str; 2] {
        match self {
            Part::Train => ["train-images.idx3-ubyte", "train-labels.idx1-ubyte"],
            Part::Test => ["t10k-images.idx3-ubyte", "t10k-labels.idx1-ubyte"],
        }
    }
}

impl IdxCollection {
    /// Loads the collection: of 60,000 images in the training file the first 50,000 to train on and
    /// the last 10,000 to validate on, and those of the test file.
    ///
    /// With `options.data_dir`, the four files are looked for there, in its `train/` and `test/`, in
    /// `NAME/train/` and `NAME/test/`, and where torchvision keeps them (`raw/` and, say,
    /// `MNIST/raw/`); each plain or with `.gz`, and also with a dot before `idx`. Nothing is ever
    /// downloaded then. Otherwise they are looked for where burn's own data sets keep them
    /// (`burn-dataset/NAME/` in the cache folder of the account), and downloaded to there if need
    /// be.
    ///
    /// Files with fewer images are divided in the same proportion: the last sixth of the training
    /// file, and at least one image, is for validation.
    ///
    /// # Errors
    ///
    /// If a file is missing or cannot be downloaded, or is not what it should be, or if the training
    /// file holds a single image.
    pub fn load(&self, options: &DataOptions) -> Result<Splits, DataError> {
        match &options.data_dir {
            Some(folder) => {
                let train = self.find_below(folder, Part::Train)?;
                let test = self.find_below(folder, Part::Test)?;
                read(&train, &test)
            }
            None => {
                let folder = self
                    .cache()
                    .ok_or(DataError::NoCacheFolder { dataset: self.name })?;
                let train = self.find_or_fetch(&folder, Part::Train, options.progress)?;
                let test = self.find_or_fetch(&folder, Part::Test, options.progress)?;
                read(&train, &test).map_err(blame_cache)
            }
        }
    }

    /// True where all files are in burn's cache.
    #[cfg(test)]
    pub(super) fn is_cached(&self) -> bool {
        self.cache().is_some_and(|cache| {
            [Part::Train, Part::Test]
                .iter()
                .all(|part| find_in(&cache.join(part.folder()), *part).is_some())
        })
    }

    /// The folder in burn's cache.
    fn cache(&self) -> Option<PathBuf> {
        Some(dirs::cache_dir()?.join("burn-dataset").join(self.name))
    }

    /// The pair that lies in `folder`, or where either layout of subfolders has it.
    ///
    /// Both files must lie in the same folder, so that a pair is never mixed from two data sets.
    fn find_below(&self, folder: &Path, part: Part) -> Result<Pair, DataError> {
        let subfolders = [
            PathBuf::from(part.folder()),
            Path::new(self.name).join(part.folder()),
            PathBuf::from("raw"),
            PathBuf::from(self.raw),
        ];
        let mut folders = vec![folder.to_path_buf()];
        folders.extend(subfolders.iter().map(|subfolder| folder.join(subfolder)));
        folders
            .iter()
            .find_map(|folder| find_in(folder, part))
            .ok_or_else(|| DataError::MissingFiles {
                dataset: self.name,
                folder: folder.to_path_buf(),
                subfolders: list(subfolders.iter().map(|subfolder| subfolder.display())),
                files: list(part.files().iter()),
                near: near_misses(&folders),
            })
    }

    /// The pair in burn's cache, whose missing files are downloaded.
    fn find_or_fetch(
        &self,
        cache: &Path,
        part: Part,
        progress: Progress,
    ) -> Result<Pair, DataError> {
        let folder = cache.join(part.folder());
        if let Some(pair) = find_in(&folder, part) {
            return Ok(pair);
        }
        let checksums = match part {
            Part::Train => self.train_md5,
            Part::Test => self.test_md5,
        };
        let fetch = |name: &str, md5: &str| -> Result<PathBuf, DataError> {
            let path = folder.join(name);
            if !path.is_file() {
                let remote = Remote {
                    url: format!("{}{name}.gz", self.mirror),
                    md5: md5.to_owned(),
                    packing: Packing::Gzip,
                };
                download::fetch(&remote, &path, progress)?;
            }
            Ok(path)
        };
        let [images, labels] = part.files();
        Ok(Pair {
            images: fetch(images, checksums[0])?,
            labels: fetch(labels, checksums[1])?,
        })
    }
}

/// Marks errors in the content of a cached file as something that a new download repairs.
fn blame_cache(error: DataError) -> DataError {
    match error {
        DataError::Magic { .. }
        | DataError::WebPage { .. }
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
    let [images, labels] = [0, 1].map(|which| {
        let names = [part.files()[which], part.files_with_dots()[which]];
        let mut paths = names.into_iter().flat_map(|name| {
            let packed = folder.join(format!("{name}.gz"));
            [folder.join(name), packed]
        });
        paths.find(|path| path.is_file())
    });
    Some(Pair {
        images: images?,
        labels: labels?,
    })
}

/// Files in these folders whose names look like those that are looked for.
fn near_misses(folders: &[PathBuf]) -> Vec<PathBuf> {
    let parts = [Part::Train, Part::Test].into_iter();
    let names = parts.flat_map(|part| [part.files(), part.files_with_dots()].concat());
    let accepted: Vec<String> = names
        .flat_map(|name| [name.to_owned(), format!("{name}.gz")])
        .collect();
    let accepted: Vec<&str> = accepted.iter().map(String::as_str).collect();
    let near = folders.iter().flat_map(|folder| {
        let near = sniff::near_misses(sniff::names(folder).into_iter(), &accepted);
        near.into_iter().map(|name| folder.join(name))
    });
    near.collect()
}

/// The items, separated by the word that fits two of them.
fn list<Item: fmt::Display>(items: impl Iterator<Item = Item>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(" and ")
}

/// Reads both parts and divides the training part.
fn read(train: &Pair, test: &Pair) -> Result<Splits, DataError> {
    let both = idx::read_labelled_images(&train.images, &train.labels, CLASSES)?;
    let last = idx::read_labelled_images(&test.images, &test.labels, CLASSES)?;
    if both.shape() != last.shape() {
        return Err(DataError::ShapeMismatch {
            train_path: train.images.clone(),
            train: size(&both),
            test_path: test.images.clone(),
            test: size(&last),
        });
    }
    let (first, held_out) = hold_out(both, &train.images)?;
    Ok(Splits {
        train: Arc::new(first),
        validation: Arc::new(held_out),
        test: Arc::new(last),
    })
}

fn size(images: &SampleSet) -> String {
    images
        .shape()
        .map_or_else(String::new, |shape| shape.to_string())
}

/// Divides the training file's images into those to train on and those to validate on.
fn hold_out(all: SampleSet, path: &Path) -> Result<(SampleSet, SampleSet), DataError> {
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
        for (name, bytes) in part.files().into_iter().zip([images, labels]) {
            let (name, bytes) = if !packed {
                (name.to_owned(), bytes)
            } else {
                (format!("{name}.gz"), compress(&bytes))
            };
            fs::write(folder.join(name), bytes).unwrap();
        }
    }

    const COLLECTION: IdxCollection = IdxCollection {
        name: "mnist",
        raw: "MNIST/raw",
        mirror: "http://localhost:9/",
        train_md5: ["", ""],
        test_md5: ["", ""],
    };

    fn load_from(folder: &Path) -> Result<Splits, DataError> {
        COLLECTION.load(&DataOptions {
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
            ("MNIST/raw", "MNIST/raw", false),
            ("raw", "raw", true),
        ] {
            let folder = TempDir::new().unwrap();
            write(&folder.path().join(train), Part::Train, 13, packed);
            write(&folder.path().join(test), Part::Test, 4, packed);
            let splits = load_from(folder.path()).unwrap();
            assert_eq!((splits.train.len(), splits.validation.len()), (11, 2));
            assert_eq!(splits.test.len(), 4);
            assert_eq!(
                (
                    splits.train.pixels(10).unwrap()[0],
                    splits.validation.pixels(0).unwrap()[0]
                ),
                (10, 11)
            );
        }
    }

    #[test]
    fn names_with_a_dot_are_found_as_well() {
        for packed in [false, true] {
            let folder = TempDir::new().unwrap();
            for (part, count) in [(Part::Train, 13), (Part::Test, 4)] {
                write(folder.path(), part, count, packed);
                for (name, other) in part.files().into_iter().zip(part.files_with_dots()) {
                    let ending = if packed { ".gz" } else { "" };
                    let path = |name: &str| folder.path().join(format!("{name}{ending}"));
                    fs::rename(path(name), path(other)).unwrap();
                }
            }
            assert!(folder.path().read_dir().unwrap().all(|entry| {
                let name = entry.unwrap().file_name();
                name.to_string_lossy().contains(".idx")
            }));
            assert_eq!(load_from(folder.path()).unwrap().test.len(), 4);
        }
    }

    #[test]
    fn near_misses_are_named_in_the_refusal() {
        let folder = TempDir::new().unwrap();
        write(&folder.path().join("raw"), Part::Train, 2, false);
        for name in [
            "t10k-images-idx3-ubyte.zip",
            "test-labels-idx1-ubyte",
            "readme.txt",
        ] {
            fs::write(folder.path().join("raw").join(name), "x").unwrap();
        }
        let message = load_from(folder.path()).unwrap_err().to_string();
        let path = |name: &str| folder.path().join("raw").join(name).display().to_string();
        for name in ["t10k-images-idx3-ubyte.zip", "test-labels-idx1-ubyte"] {
            assert!(message.contains(&path(name)), "{message}");
        }
        assert!(
            !message.contains("readme") && !message.contains("train-images"),
            "{message}"
        );
    }

    #[test]
    fn a_web_page_saved_under_the_name_of_a_file_is_called_one() {
        let folder = TempDir::new().unwrap();
        write(folder.path(), Part::Train, 2, true);
        write(folder.path(), Part::Test, 2, true);
        let file = folder.path().join("train-images-idx3-ubyte.gz");
        fs::write(&file, "<!DOCTYPE html>\n<html><body>404</body></html>").unwrap();
        let message = load_from(folder.path()).unwrap_err().to_string();
        for part in [&file.display().to_string(), "web page"] {
            assert!(message.contains(part), "{message}");
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
        let pair = COLLECTION
            .find_or_fetch(cache.path(), Part::Train, Progress::Hidden)
            .unwrap();
        assert_eq!(
            pair.images,
            cache.path().join("train/train-images-idx3-ubyte")
        );
    }
}
