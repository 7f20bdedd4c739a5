//! The records of a run on the disk: a file for each checkpoint, and one at the end.
//!
//! `checkpoint/probes-POSITION.npz` holds what was recorded before a checkpoint and after the one
//! before it. A run that goes on from a checkpoint removes the files after it and records again what
//! was in them, so that it ends with the records of a run that nothing happened to. They are kept
//! until the file of the whole run is there.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Recorder,
    archive::{self, Archive},
};
use crate::{
    data::SegmentPlan,
    probe::Resolved,
    run::{self, Position, RunError, RunFolder},
};

/// The file with all records of a run that has come to its end.
pub fn file(run: &Path) -> PathBuf {
    run.join("probes.npz")
}

/// The records of a run, in memory and on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Chunks {
    recorder: Arc<Recorder>,
    segments: SegmentPlan,
    run: PathBuf,
}

impl Chunks {
    /// The records of a run that goes on from a position.
    ///
    /// # Errors
    ///
    /// If records that were written before cannot be read, or some after them not be removed.
    pub(crate) fn open(
        recorder: Arc<Recorder>,
        segments: SegmentPlan,
        folder: &RunFolder,
        from: Position,
    ) -> Result<Self, RunError> {
        let chunks = Self {
            recorder,
            segments,
            run: folder.path().to_owned(),
        };
        for (position, file) in list(&chunks.run) {
            if position > from {
                fs::remove_file(&file).map_err(|error| RunError::Io { file, error })?;
            } else {
                Archive::open(&file)?;
            }
        }
        let newest = chunk(&chunks.run, from);
        if from > Position::START && !newest.exists() {
            return Err(RunError::Invalid {
                file: newest,
                message: "it is not there, and with it the records before the checkpoint; \
                          accepted: a new run"
                    .to_owned(),
            });
        }
        Ok(chunks)
    }

    /// What fills them.
    pub(crate) fn recorder(&self) -> &Arc<Recorder> {
        &self.recorder
    }

    /// Writes what was recorded before a checkpoint and not written yet.
    pub(crate) fn save(&self, position: Position) -> Result<(), RunError> {
        // The next segment may be under way.
        let all = (self.recorder).take_before(position.samples_in(&self.segments));
        archive::write(&chunk(&self.run, position), |writer| {
            all.iter().try_for_each(|records| writer.records(records))
        })
    }

    /// Writes all records of a run that ends after so many segments into one file.
    ///
    /// # Errors
    ///
    /// If some are missing, or a file cannot be read or written.
    pub(crate) fn merge(&self, reached: usize) -> Result<(), RunError> {
        // A run that stops early need not have saved the last segments.
        let reached = Position::after(reached);
        if !chunk(&self.run, reached).exists() {
            self.save(reached)?;
        }
        let samples = reached.samples_in(&self.segments);
        archive::write(&file(&self.run), |writer| {
            let mut probes = self.recorder.probes().iter();
            probes.try_for_each(|resolved| self.merge_one(resolved, samples, writer))
        })
    }

    /// One probe. There may be more files than can be open at a time, and more values than fit into
    /// memory.
    fn merge_one(
        &self,
        resolved: &Resolved,
        samples: usize,
        writer: &mut archive::ArchiveWriter<'_>,
    ) -> Result<(), RunError> {
        let name = resolved.probe.array();
        let files = list(&self.run);
        let (mut numbers, mut labels) = (Vec::new(), Vec::new());
        for (_, file) in &files {
            let archive = Archive::open(file)?;
            numbers.extend(archive.samples(&name)?);
            labels.extend(archive.labels(&name)?);
        }
        let every = resolved.probe.every;
        let all = samples.div_ceil(every);
        let kept = resolved.probe.last.map_or(all, |last| last.min(all));
        let outdated = numbers.len().saturating_sub(kept);
        let numbers = numbers.split_off(outdated);
        let labels = labels.split_off(outdated.min(labels.len()));
        let expected = (all - kept..all).map(|index| (index * every) as i64);
        if !numbers.iter().copied().eq(expected) {
            let found = numbers.len();
            return Err(RunError::Invalid {
                file: run::checkpoints_folder(&self.run),
                message: format!("records of `{name}` are missing: {found} of {kept} are there"),
            });
        }
        let size: usize = resolved.shape.iter().product();
        writer.probe(&name, &resolved.shape, &numbers, &labels, |put| {
            let mut skipped = outdated * size;
            for (_, file) in &files {
                let archive = Archive::open(file)?;
                for value in archive.values(&name)? {
                    let value = value?;
                    match skipped {
                        0 => put(value)?,
                        _ => skipped -= 1,
                    }
                }
            }
            Ok(())
        })
    }
}

/// Removes the files of the checkpoints of a run whose records are in one file.
pub(crate) fn discard(run: &Path) {
    for (_, file) in list(run) {
        // One that stays does no harm.
        let _ = fs::remove_file(file);
    }
}

fn chunk(run: &Path, position: Position) -> PathBuf {
    run::checkpoints_folder(run).join(format!("probes-{position}.npz"))
}

/// The files of the checkpoints, in order, with the position of each.
fn list(run: &Path) -> Vec<(Position, PathBuf)> {
    let entries = fs::read_dir(run::checkpoints_folder(run)).into_iter();
    let position = |entry: fs::DirEntry| -> Option<(Position, PathBuf)> {
        let name = entry.file_name();
        let number = name.to_str()?.strip_prefix("probes-")?;
        Some((number.strip_suffix(".npz")?.parse().ok()?, entry.path()))
    };
    let mut files: Vec<(Position, PathBuf)> =
        entries.flatten().flatten().filter_map(position).collect();
    files.sort();
    files
}
