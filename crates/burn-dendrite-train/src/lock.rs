//! Folders that a process has to itself.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    claim::{Claim, ClaimError, Pace},
    holder::Holder,
};

/// A folder that this process has to itself, until this is dropped.
///
/// The lock is the operating system's, on a file in the folder: it goes with the process that holds
/// it, however that ends, and the file that is left behind locks nothing. On a file system without
/// locks it is a claim.
#[derive(Debug)]
pub enum FolderLock {
    /// A locked file.
    File { _file: File },
    /// Files that others cannot create.
    Claim { _claim: Claim },
}

/// Why a folder cannot be had.
#[derive(Debug)]
pub enum LockError {
    /// Another process has it; none where it has not said yet who it is.
    Held(Option<Holder>),
    /// Its file cannot be opened or locked.
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
}

/// The file in a folder that is locked.
const LOCK: &str = ".lock";
/// Where there are no locks, the files in a folder that claim it begin like this.
const CLAIM: &str = ".claim";

/// Whether a file of this name keeps others out of a folder, or did once.
pub fn is_lock(name: &str) -> bool {
    name == LOCK || name.starts_with(CLAIM)
}

/// Between taking a lock and having said who holds it, a process needs much less.
const INTRODUCTION: Duration = Duration::from_millis(50);

impl FolderLock {
    /// Takes a folder that exists.
    ///
    /// # Errors
    ///
    /// If another process has it, or its file cannot be written.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        Self::take_by(File::try_lock, folder)
    }

    fn take_by(
        try_lock: impl Fn(&File) -> Result<(), TryLockError>,
        folder: &Path,
    ) -> Result<Self, LockError> {
        let file = folder.join(LOCK);
        let open = || {
            File::options()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&file)
        };
        let lock = match open() {
            Ok(lock) => lock,
            Err(error) => return Err(LockError::Io { file, error }),
        };
        match try_lock(&lock) {
            Ok(()) => {
                // Without it the folder is locked as well, by somebody unknown.
                let _ = introduce(&lock);
                Ok(Self::File { _file: lock })
            }
            Err(TryLockError::WouldBlock) => {
                std::thread::sleep(INTRODUCTION);
                let text = fs::read_to_string(&file).unwrap_or_default();
                Err(LockError::Held(serde_json::from_str(&text).ok()))
            }
            Err(TryLockError::Error(error)) if are_unknown(&error) => Self::claim(folder),
            Err(TryLockError::Error(error)) => Err(LockError::Io { file, error }),
        }
    }

    fn claim(folder: &Path) -> Result<Self, LockError> {
        // Who is taken for dead goes on: a run that is trained twice comes to the same files.
        let claim = Claim::take(&folder.join(CLAIM), Pace::default(), || ());
        match claim {
            Ok(claim) => Ok(Self::Claim { _claim: claim }),
            Err(ClaimError::Held(holder)) => Err(LockError::Held(holder)),
            Err(ClaimError::Io { file, error }) => Err(LockError::Io { file, error }),
        }
    }
}

/// Whether a file system does not know locks at all.
fn are_unknown(error: &io::Error) -> bool {
    #[cfg(unix)]
    let has_none = {
        use nix::errno::Errno;
        let none = [Errno::ENOLCK, Errno::ENOSYS, Errno::EOPNOTSUPP];
        (error.raw_os_error()).is_some_and(|code| none.contains(&Errno::from_raw(code)))
    };
    #[cfg(not(unix))]
    let has_none = false;
    has_none || error.kind() == io::ErrorKind::Unsupported
}

/// Writes down who holds a lock.
fn introduce(mut lock: &File) -> io::Result<()> {
    let holder = serde_json::to_string(&Holder::this())?;
    lock.set_len(0)?;
    writeln!(lock, "{holder}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::holder::in_brackets;

    #[test]
    fn a_folder_is_had_once_and_the_other_hears_who_has_it() {
        let folder = tempfile::tempdir().unwrap();
        // What somebody left whose process is gone locks nothing, however long it is.
        fs::write(folder.path().join(LOCK), "x".repeat(1000)).unwrap();
        let lock = FolderLock::take(folder.path()).unwrap();
        let Err(LockError::Held(Some(holder))) = FolderLock::take(folder.path()) else {
            panic!("the folder was had twice, or nobody knows by whom")
        };
        assert_eq!(holder.process, std::process::id());
        let words = in_brackets(&Some(holder));
        assert!(words.starts_with(" (process "), "{words}");
        assert!(words.ends_with("Z)"), "{words}");
        drop(lock);
        FolderLock::take(folder.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_on_a_file_system_without_locks_is_had_once_too() {
        let folder = tempfile::tempdir().unwrap();
        let without_locks = || {
            let none = |_: &File| {
                let error = io::Error::from_raw_os_error(nix::errno::Errno::ENOLCK as i32);
                Err(TryLockError::Error(error))
            };
            FolderLock::take_by(none, folder.path())
        };
        let lock = without_locks().unwrap();
        let Err(LockError::Held(Some(holder))) = without_locks() else {
            panic!("the folder was had twice, or nobody knows by whom")
        };
        assert_eq!(holder.process, std::process::id());
        drop(lock);
        drop(without_locks().unwrap());
        let names = fs::read_dir(folder.path()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name());
        assert!(
            names
                .into_iter()
                .all(|name| is_lock(&name.to_string_lossy()))
        );
    }

    #[test]
    fn a_folder_that_is_not_there_cannot_be_had() {
        let folder = tempfile::tempdir().unwrap();
        let error = FolderLock::take(&folder.path().join("none")).unwrap_err();
        assert!(matches!(error, LockError::Io { .. }));
    }
}
