//! Files that are there in full or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use burn_dendrite_nn::spec::toml_error;
use serde::{Serialize, de::DeserializeOwned};

use super::RunError;

/// How the names of files begin that are being written.
pub const TEMPORARY: &str = ".unfinished-";

/// Reads a file of JSON, if there is one.
pub(super) fn read_json<T: DeserializeOwned>(file: PathBuf) -> Result<Option<T>, RunError> {
    match fs::read_to_string(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(RunError::Io { file, error }),
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| RunError::Invalid {
                file,
                message: error.to_string(),
            }),
    }
}

/// Writes a file of JSON.
pub(super) fn write_json(file: &Path, value: &impl Serialize) -> Result<(), RunError> {
    let text = serde_json::to_string_pretty(value).map_err(|error| RunError::Invalid {
        file: file.to_owned(),
        message: error.to_string(),
    })?;
    write_atomically(file, format!("{text}\n").as_bytes())
}

/// Reads a file of TOML.
///
/// # Errors
///
/// If it cannot be read, or holds something else.
pub fn read_toml<T: DeserializeOwned>(file: &Path) -> Result<T, RunError> {
    let text = fs::read_to_string(file).map_err(|error| RunError::Io {
        file: file.to_owned(),
        error,
    })?;
    toml::from_str(&text).map_err(|error| RunError::Invalid {
        file: file.to_owned(),
        message: toml_error(&error, &text),
    })
}

/// Writes a file of TOML, whole or not at all.
///
/// # Errors
///
/// If it cannot be written.
pub fn write_toml<T: Serialize>(file: &Path, value: &T) -> Result<(), RunError> {
    let text = toml::to_string(value).map_err(|error| RunError::Invalid {
        file: file.to_owned(),
        message: error.to_string(),
    })?;
    write_atomically(file, text.as_bytes())
}

/// Writes a file in full or not at all: under another name first, synced, then renamed.
pub fn write_atomically(file: &Path, bytes: &[u8]) -> Result<(), RunError> {
    write_atomically_with(file, |temporary| {
        temporary.write_all(bytes).map_err(|error| RunError::Io {
            file: file.to_owned(),
            error,
        })
    })
}

/// The same for what `fill` writes bit by bit.
pub(crate) fn write_atomically_with(
    file: &Path,
    fill: impl FnOnce(&mut File) -> Result<(), RunError>,
) -> Result<(), RunError> {
    // A bare name has a folder without a name.
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let begin = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY);
        // A temporary file is the owner's alone; the finished one gets the usual permissions.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        builder.tempfile_in(folder)
    };
    let finish = |temporary: tempfile::NamedTempFile| -> io::Result<()> {
        temporary.as_file().sync_all()?;
        temporary.persist(file).map_err(|error| error.error)?;
        // The new name is in the folder, which is a file of its own to the disk.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    let failed = |error| RunError::Io {
        file: file.to_owned(),
        error,
    };
    let mut temporary = begin().map_err(failed)?;
    fill(temporary.as_file_mut())?;
    finish(temporary).map_err(failed)
}

/// Removes the files in a folder whose writer was killed.
pub(super) fn remove_temporaries(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
            // One that stays does no harm.
            let _ = fs::remove_file(entry.path());
        }
    }
}
