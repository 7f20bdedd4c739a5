//! The official archive of CIFAR-10.

use std::path::Path;

use super::{DataError, TEST, TRAIN, UNPACKED};
use crate::data::Progress;
use crate::data::download::{self, Packing, Remote};

const URL: &str = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz";
const MD5: &str = "c32a1d4ab5d03f1284b67883e8d87530";

/// Downloads the archive, 170 MB, and unpacks its binary files to the folder `destination`.
///
/// # Errors
///
/// Those of [`download::fetch`].
pub(super) fn fetch(destination: &Path, progress: Progress) -> Result<(), DataError> {
    let remote = Remote {
        url: URL.to_owned(),
        md5: MD5.to_owned(),
        packing: Packing::Archive {
            folder: UNPACKED,
            files: TRAIN.into_iter().chain([TEST]).collect(),
        },
    };
    download::fetch(&remote, destination, progress)
}
