//! A run folder: everything that a training leaves behind.
//!
//! ```text
//! run.toml          what was asked for: data set, budget, seed, device
//! spec.toml         the resolved specification
//! metrics.jsonl     one line per segment and split
//! checkpoint/       model, optimizer and schedule after some segments and where the run was
//!                   stopped, the newest two of them; until the run is finished, the model of the
//!                   best validation, if that is to be kept, and what was recorded
//! model.bpk         the trained network: its last weights, or those of the best validation
//! probes.npz        what was recorded, if anything was to be
//! summary.json      the result
//! divergence.json   instead of it: where activity ran away
//! ```

mod best;
mod checkpoint;
mod error;
mod files;
mod halt;
mod log;
mod means;
mod position;
mod repeat;
mod settings;
mod start;
mod summary;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub(crate) use best::Best;
pub use best::Keep;
pub use checkpoint::Checkpoints;
pub(crate) use checkpoint::{AtomicCheckpointer, CheckpointSchedule, Interval, Saves};
pub use error::{Occupant, RunError};
pub(crate) use files::write_atomically_with;
pub use files::{TEMPORARY, read_toml, write_atomically, write_toml};
use files::{read_json, remove_temporaries, write_json};
pub(crate) use halt::Halt;
pub use log::{JsonLinesLogger, Progress, SegmentRecord};
pub(crate) use means::Means;
pub use position::Position;
pub use repeat::commands;
pub use settings::{LearnerSettings, RunSettings};
pub use start::kept_start;
pub use start::{Pattern, Start};
pub use summary::Summary;

use crate::{
    data::InputScale,
    health::Divergence,
    lock::{self, FolderLock, LockError},
    spec::ExperimentSpec,
};

pub use crate::holder::Holder;

/// A run folder that this process has to itself, until it is dropped.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: FolderLock,
}

const SPEC: &str = "spec.toml";
const SETTINGS: &str = "run.toml";
const SUMMARY: &str = "summary.json";
const DIVERGENCE: &str = "divergence.json";
const METRICS: &str = "metrics.jsonl";
const MODEL: &str = "model.bpk";
const CHECKPOINTS: &str = "checkpoint";
const INPUT: &str = "input.toml";

impl RunFolder {
    /// Makes a folder for a new run and writes down what is going to be done.
    ///
    /// # Errors
    ///
    /// If the folder holds anything already, or cannot be written.
    pub fn create(
        path: &Path,
        settings: &RunSettings,
        spec: &ExperimentSpec,
    ) -> Result<Self, RunError> {
        Self::check_vacant(path)?;
        let checkpoints = path.join(CHECKPOINTS);
        fs::create_dir_all(&checkpoints).map_err(|error| RunError::Io {
            file: checkpoints,
            error,
        })?;
        let folder = Self::lock(path)?;
        // Another process may have had the lock and finished since.
        check_unbegun(path)?;
        write_toml(&path.join(SETTINGS), settings)?;
        write_toml(&path.join(SPEC), spec)?;
        Ok(folder)
    }

    /// Whether a new run can be made in a folder.
    ///
    /// # Errors
    ///
    /// If it holds anything already, is a file, or cannot be read.
    pub fn check_vacant(path: &Path) -> Result<(), RunError> {
        check_unbegun(path)?;
        let by = match fs::read_dir(path) {
            Ok(mut entries) => entries
                .any(|entry| !entry.is_ok_and(|it| is_left_over(&it)))
                .then_some(Occupant::OtherFiles),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) if path.is_file() => Some(Occupant::File),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Some(Occupant::BelowFile),
            Err(error) => {
                return Err(RunError::Io {
                    file: path.to_owned(),
                    error,
                });
            }
        };
        match by {
            Some(by) => Err(occupied(path, by)),
            None => Ok(()),
        }
    }

    /// Opens the folder of a run to go on with it.
    ///
    /// # Errors
    ///
    /// If the folder holds no run, or another process trains in it.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        load(path)?;
        Self::lock(path)
    }

    fn lock(path: &Path) -> Result<Self, RunError> {
        let lock = FolderLock::take(path).map_err(|error| match error {
            LockError::Held(holder) => RunError::Busy {
                folder: path.to_owned(),
                holder,
            },
            LockError::Io { file, error } => RunError::Io { file, error },
        })?;
        // Nobody else writes here now, so what is unfinished will never be finished.
        [path.to_owned(), path.join(CHECKPOINTS)]
            .iter()
            .for_each(|folder| remove_temporaries(folder));
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where checkpoints are kept.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join(CHECKPOINTS)
    }

    /// The metrics, one JSON object a line.
    pub fn metrics(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// Writes the result.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_summary(&self, summary: &Summary) -> Result<(), RunError> {
        write_json(&self.path.join(SUMMARY), summary)?;
        // A run that went on and came to its end did not diverge after all.
        let file = self.path.join(DIVERGENCE);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(RunError::Io { file, error })
            }
            _ => Ok(()),
        }
    }

    /// Writes where activity ran away.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_divergence(&self, divergence: &Divergence) -> Result<(), RunError> {
        write_json(&self.path.join(DIVERGENCE), divergence)
    }

    /// Writes how the network sees its samples, if that is not as they are.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn write_input_scale(&self, scale: Option<&InputScale>) -> Result<(), RunError> {
        match scale {
            Some(scale) => write_toml(&self.path().join(INPUT), scale),
            None => Ok(()),
        }
    }
}

fn check_unbegun(path: &Path) -> Result<(), RunError> {
    if path.join(SPEC).exists() {
        Err(occupied(path, Occupant::Run))
    } else {
        Ok(())
    }
}

fn occupied(path: &Path, by: Occupant) -> RunError {
    RunError::Occupied {
        folder: path.to_owned(),
        by,
    }
}

/// Makes a run longer, or lets one go on that came to its end: its settings are replaced, and what it
/// came to is removed. Its network is then that of its newest checkpoint.
///
/// # Errors
///
/// If the folder holds no run, another process trains in it, or a file cannot be written.
pub fn lengthen(path: &Path, settings: &RunSettings) -> Result<(), RunError> {
    let folder = RunFolder::open(path)?;
    // The result first: whatever stops this, the run is one that has not come to its end.
    for name in [SUMMARY, MODEL] {
        let file = folder.path().join(name);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RunError::Io { file, error });
            }
            _ => {}
        }
    }
    write_toml(&folder.path().join(SETTINGS), settings)
}

/// What a run folder says it does: its settings and its specification.
///
/// # Errors
///
/// If the folder holds no run, or a file of it cannot be understood.
pub fn load(path: &Path) -> Result<(RunSettings, ExperimentSpec), RunError> {
    for missing in [SETTINGS, SPEC] {
        if !path.join(missing).is_file() {
            return Err(RunError::NotARun {
                folder: path.to_owned(),
                missing,
            });
        }
    }
    // The specification first: it names all kinds that a run of another program needs.
    let spec = ExperimentSpec::load(&path.join(SPEC)).map_err(|errors| RunError::Foreign {
        folder: path.to_owned(),
        errors,
    })?;
    Ok((read_toml(&path.join(SETTINGS))?, spec))
}

/// The result of a run, if it has come to its end.
///
/// # Errors
///
/// If the file cannot be understood.
pub fn summary(path: &Path) -> Result<Option<Summary>, RunError> {
    read_json(path.join(SUMMARY))
}

/// Where the activity of a run ran away, if it did.
///
/// # Errors
///
/// If the file cannot be understood.
pub fn divergence(path: &Path) -> Result<Option<Divergence>, RunError> {
    read_json(path.join(DIVERGENCE))
}

/// How the network of a run sees samples; nothing where it sees them as they are.
///
/// # Errors
///
/// If the file cannot be understood.
pub fn input_scale(path: &Path) -> Result<Option<InputScale>, RunError> {
    let file = path.join(INPUT);
    file.is_file().then(|| read_toml(&file)).transpose()
}

/// The metrics of a run, segment by segment; a line that was cut off is left out.
///
/// # Errors
///
/// If the file cannot be read, or holds a line that is no record.
pub fn records(path: &Path) -> Result<Vec<SegmentRecord>, RunError> {
    log::read(&path.join(METRICS))
}

/// The trained network of a run.
pub fn model_file(path: &Path) -> PathBuf {
    path.join(MODEL)
}

/// The newest checkpoint of a run of which every part is there and can be read: the file of its
/// model, and how far the run had come.
///
/// Checkpoints appear in full or not at all, so one that cannot be read was damaged later.
pub fn latest_checkpoint(path: &Path) -> Option<(PathBuf, Position)> {
    let folder = path.join(CHECKPOINTS);
    let positions = checkpoint::complete(&folder).into_iter().rev();
    let mut readable = positions.filter(|it| checkpoint::damage(&folder, *it).is_none());
    readable.next().map(|position| {
        (
            checkpoint::file(&folder, checkpoint::MODEL, position),
            position,
        )
    })
}

/// What was measured in the segment that was under way at a checkpoint.
pub(crate) fn means(path: &Path, position: Position) -> Result<Means, RunError> {
    let folder = path.join(CHECKPOINTS);
    checkpoint::means(&folder, position).map_err(|message| RunError::Invalid {
        file: folder,
        message,
    })
}

/// The model of the best validation of a run that has not come to its end, whose segment is given.
pub(crate) fn best_model_file(path: &Path, segment: usize) -> PathBuf {
    checkpoint::best_file(&path.join(CHECKPOINTS), segment)
}

/// Removes the models of best validations, once the trained network is there.
pub(crate) fn discard_best(path: &Path) {
    checkpoint::discard_best(&path.join(CHECKPOINTS));
}

/// A sentence for each checkpoint of which every part is there, but not all can be read.
pub fn damaged_checkpoints(path: &Path) -> Vec<String> {
    let folder = path.join(CHECKPOINTS);
    let segments = checkpoint::complete(&folder).into_iter();
    segments
        .filter_map(|segment| checkpoint::damage(&folder, segment))
        .collect()
}

/// True for what a run leaves that was killed before it began: it is no run, and nobody's file.
fn is_left_over(entry: &fs::DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    match name.as_ref() {
        SETTINGS => true,
        CHECKPOINTS => fs::read_dir(entry.path()).is_ok_and(|mut files| files.next().is_none()),
        name => lock::is_lock(name) || name.starts_with(TEMPORARY),
    }
}

/// Where the checkpoints of a run are kept.
pub(crate) fn checkpoints_folder(path: &Path) -> PathBuf {
    path.join(CHECKPOINTS)
}

/// Every complete checkpoint of a run that is kept, oldest first: its file, and how far the run had
/// come.
pub fn checkpoints(path: &Path) -> Vec<(PathBuf, Position)> {
    let folder = path.join(CHECKPOINTS);
    checkpoint::complete(&folder)
        .into_iter()
        .map(|position| {
            (
                checkpoint::file(&folder, checkpoint::MODEL, position),
                position,
            )
        })
        .collect()
}
