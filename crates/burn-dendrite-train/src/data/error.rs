//! Everything that can go wrong between asking for a data set and having it in memory.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::words::counted;

/// Why a data set, or a plan of how to pass over it, could not be had.
///
/// Each message is one sentence that names the file or the value at fault, so that it can be shown
/// to a user as it is.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// No data set is registered under this name.
    #[error(
        "there is no data set {name:?}{}; the data sets are {accepted}",
        hint(closest)
    )]
    UnknownDataset {
        /// The name that was asked for.
        name: String,
        /// The accepted names, separated by commas.
        accepted: String,
        /// The accepted name that looks most like it, if one looks like it at all.
        closest: Option<&'static str>,
    },

    /// The same where files may be named as well.
    #[error("{0}; files of your own are named by their path, as in `./photos`")]
    UnknownNameOrPath(Box<DataError>),

    /// The operating system refused to read or write a file or folder.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb: `"read"`, `"create"`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },

    /// A folder does not hold the files of the data set.
    #[error(
        "{} does not hold the files of {dataset}: looked there, and in {subfolders}, for {files} \
         (each plain or with .gz){}",
        folder.display(),
        near_misses(near)
    )]
    MissingFiles {
        /// The data set's name.
        dataset: &'static str,
        /// The folder that was searched.
        folder: PathBuf,
        /// The subfolders that were searched too, separated by commas.
        subfolders: String,
        /// The files that no searched folder held together, separated by commas.
        files: String,
        /// What is there under names that look like those.
        near: Vec<PathBuf>,
    },

    /// A web page was saved under the name of a file.
    #[error(
        "{} is a web page, as a browser saves where a download fails; accepted: the file itself, \
         downloaded again",
        path.display()
    )]
    WebPage {
        /// The file.
        path: PathBuf,
    },

    /// This user account has no cache folder to download into.
    #[error(
        "this account has no cache folder to keep {dataset} in; set HOME or XDG_CACHE_HOME, or name \
         a folder that holds the files with --data-dir"
    )]
    NoCacheFolder {
        /// The data set's name.
        dataset: &'static str,
    },

    /// A file in the download cache is not what was once downloaded.
    #[error("the cached copy is damaged: {source}; delete that file to have it downloaded again")]
    DamagedCache {
        /// What is wrong with the file, naming it.
        source: Box<DataError>,
    },

    /// A file could not be fetched.
    #[error(
        "could not download {url}: {reason}; put the file into {} by hand (as {file}), or use \
         --dataset mnist-mini or --dataset synthetic, which work offline",
        folder.display()
    )]
    Download {
        /// The address.
        url: String,
        /// What failed.
        reason: String,
        /// The folder in which the file would be found.
        folder: PathBuf,
        /// The file's name there.
        file: String,
    },

    /// A file was fetched to its end, but is not the file that was published.
    #[error(
        "{url} answered with something else than the published file (md5 {found} instead of \
         {expected}), so nothing was kept"
    )]
    Checksum {
        /// The address.
        url: String,
        /// The checksum of the published file, in hexadecimal digits.
        expected: String,
        /// The checksum of what was received, in hexadecimal digits.
        found: String,
    },

    /// A file does not begin as an IDX file of the wanted kind does.
    #[error(
        "{} is no IDX file of {kind}: bytes 0 to 3 are {found:#010x} where {expected:#010x} belongs",
        path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// What the file should hold: `"images"` or `"labels"`.
        kind: &'static str,
        /// The magic number of such files.
        expected: u32,
        /// The number the file begins with.
        found: u32,
    },

    /// A file ends before its header says it does.
    #[error("{} ends at byte {found} where {expected} bytes were announced", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Its announced length in bytes, uncompressed.
        expected: u64,
        /// Its length in bytes, uncompressed (for a compressed file that cannot even be long enough:
        /// the most it can hold).
        found: u64,
    },

    /// A file goes on after the end that its header announces.
    #[error("{} goes on after byte {expected}, where its header lets it end", path.display())]
    TrailingBytes {
        /// The file.
        path: PathBuf,
        /// Its announced length in bytes, uncompressed.
        expected: u64,
    },

    /// A header announces no records, or records without pixels.
    #[error("{} says at byte {offset} that its {what} is 0", path.display())]
    ZeroSize {
        /// The file.
        path: PathBuf,
        /// Where in the uncompressed file the zero stands, in bytes.
        offset: u64,
        /// What is zero: `"number of records"`, `"height"` or `"width"`.
        what: &'static str,
    },

    /// A header announces more than this library is willing to keep in memory.
    #[error("{} announces {announced} bytes, more than the {limit} that are accepted", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The announced length in bytes.
        announced: u128,
        /// The longest accepted length in bytes.
        limit: u64,
    },

    /// Two files that belong together hold different numbers of records.
    #[error(
        "{} holds {images} images but {} holds {labels} labels",
        images_path.display(),
        labels_path.display()
    )]
    CountMismatch {
        /// The file of images.
        images_path: PathBuf,
        /// The number of images.
        images: usize,
        /// The file of labels.
        labels_path: PathBuf,
        /// The number of labels.
        labels: usize,
    },

    /// The training and the test file hold images of different sizes.
    #[error("the images of {} are {train}, but those of {} are {test}", train_path.display(), test_path.display())]
    ShapeMismatch {
        /// The file of training images.
        train_path: PathBuf,
        /// Their shape.
        train: String,
        /// The file of test images.
        test_path: PathBuf,
        /// Their shape.
        test: String,
    },

    /// A label in a file names no class.
    #[error(
        "record {record} of {} (byte {offset}) has label {label}, but there are only {classes} classes",
        path.display()
    )]
    FileLabel {
        /// The file of labels.
        path: PathBuf,
        /// The record's index, from 0.
        record: usize,
        /// Where in the uncompressed file the label stands, in bytes.
        offset: u64,
        /// The label.
        label: u8,
        /// The number of classes.
        classes: usize,
    },

    /// A file of records of equal length does not hold a whole number of them.
    #[error(
        "{} holds {bytes} bytes; accepted: 1 to 60000 records of {record} bytes each",
        path.display()
    )]
    Records {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// The length of a record.
        record: usize,
    },

    /// An image file cannot be decoded, or has another size.
    #[error("{} cannot be used: {reason}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// Why, in a few words.
        reason: String,
    },

    /// A file or folder of the user's own cannot be used as data.
    #[error("{} cannot be used as data: {reason}", path.display())]
    Unusable {
        /// The file or folder.
        path: PathBuf,
        /// Why, and what is accepted.
        reason: String,
    },

    /// A folder of images is named after no class.
    #[error("{} is named after no class; accepted: {classes}", path.display())]
    UnknownClass {
        /// The folder.
        path: PathBuf,
        /// The classes, separated by commas.
        classes: String,
    },

    /// A folder holds the Python version of CIFAR-10.
    #[error(
        "{} holds CIFAR-10 as Python pickles, which are not read; accepted: the binary version \
         (cifar-10-binary.tar.gz, unpacked) or folders of JPEG or PNG images",
        path.display()
    )]
    Pickles {
        /// The folder.
        path: PathBuf,
    },

    /// An archive lacks a file that it should hold.
    #[error("{url} was downloaded, but does not hold {file}, so nothing was kept")]
    ArchiveFile {
        /// Its address.
        url: String,
        /// The missing file.
        file: String,
    },

    /// A label in memory names no class.
    #[error("record {record} has label {label}, but there are only {classes} classes")]
    Label {
        /// The record's index, from 0.
        record: usize,
        /// The label.
        label: u16,
        /// The number of classes.
        classes: usize,
    },

    /// Pixels and labels in memory do not fit together.
    #[error(
        "{labels} images of {features} values each need {expected} bytes of pixels, not {found}"
    )]
    PixelCount {
        /// The number of labels, hence of images.
        labels: usize,
        /// The number of values of one image.
        features: usize,
        /// The number of bytes they need.
        expected: u128,
        /// The number of bytes given.
        found: usize,
    },

    /// Images without pixels, or more classes than a label can name.
    #[error("a set of images needs {what}")]
    Shape {
        /// What is missing.
        what: &'static str,
    },

    /// There are too few images to divide.
    #[error("{} holds {}, too few to hold some out for validation", path.display(), counted(*images, "image"))]
    TooFewImages {
        /// The file of images.
        path: PathBuf,
        /// The number of images.
        images: usize,
    },

    /// The samples cannot be preprocessed as asked for.
    #[error("{reason}")]
    Preprocessing {
        /// Why, and what is accepted.
        reason: String,
    },

    /// The data are not those of a run or a study.
    #[error(
        "the data are others than before: the {split} split was {there}, and here it is {here}; \
         accepted: the same data, from wherever `--data-dir` says, or a new folder"
    )]
    OtherData {
        /// The first split that differs.
        split: &'static str,
        /// What it was.
        there: String,
        /// What it is.
        here: String,
    },

    /// A plan asks for something that the set cannot give.
    #[error("a run needs {what}, not {found}")]
    Plan {
        /// What is needed.
        what: String,
        /// What was asked for.
        found: usize,
    },
}

impl DataError {
    /// The error for files of the user's own, and what is accepted instead.
    pub(crate) fn unusable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unusable {
            path: path.to_path_buf(),
            reason: reason.into(),
        }
    }

    /// Makes an adapter for `map_err` that remembers what was attempted (a verb) on which path.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// What is said about files that have nearly the right names.
fn near_misses(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths.iter().map(|it| it.display().to_string()).collect();
    match paths.as_slice() {
        [] => String::new(),
        paths => format!("; found but not accepted: {}", paths.join(", ")),
    }
}

/// The question that follows a name which looks like an accepted one.
fn hint(closest: &Option<&'static str>) -> String {
    closest
        .map(|name| format!(", did you mean {name:?}?"))
        .unwrap_or_default()
}
impl DataError {
    /// The error for a name that is not one of the accepted ones, of which the closest is offered.
    #[doc(hidden)] // For the macro `data_sets!`.
    pub fn unknown_dataset(name: &str, accepted: &[&'static str]) -> Self {
        Self::UnknownDataset {
            name: name.to_owned(),
            accepted: accepted.join(", "),
            closest: closest(name, accepted),
        }
    }
}

/// The accepted name that looks most like `name`, if it looks like it at all.
fn closest(name: &str, accepted: &[&'static str]) -> Option<&'static str> {
    /// Below this similarity (1 is equal) a suggestion confuses more than it helps.
    const ALIKE: f64 = 0.7;
    let name = name.to_lowercase();
    (accepted.iter())
        .map(|accepted| (strsim::jaro_winkler(&name, accepted), *accepted))
        .filter(|(similarity, _)| *similarity > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, accepted)| accepted)
}
