//! Checkpoints that are complete or not there.

mod files;
mod schedule;

use std::{fs, path::Path, path::PathBuf};

use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

pub(super) use files::{MODEL, best_file, complete, damage, discard_best, file, means};
use files::{OPTIMIZER, SCHEDULE, list, means_file};
pub use schedule::Checkpoints;
pub(crate) use schedule::{CheckpointSchedule, Interval, Saves};

use super::{Halt, Keep, Position, write_atomically};

/// Saves one part of each checkpoint as `PART-POSITION.bpk`, in full or not at all: under another
/// name first, synced, then renamed.
///
/// What is saved, and what is no longer needed after it, is what the [`CheckpointSchedule`] decided
/// for the epoch.
#[derive(Clone, Debug)]
pub(crate) struct AtomicCheckpointer {
    folder: PathBuf,
    part: &'static str,
    saves: Saves,
    halt: std::sync::Arc<Halt>,
    /// Where burn's learner goes on.
    from: Position,
}

impl AtomicCheckpointer {
    /// The checkpointers of model, optimizer and schedule in a folder, for a run that goes on from a
    /// position.
    pub(crate) fn all(
        folder: &Path,
        from: Position,
        saves: &Saves,
        halt: &std::sync::Arc<Halt>,
    ) -> [Self; 3] {
        [MODEL, OPTIMIZER, SCHEDULE].map(|part| Self {
            folder: folder.to_owned(),
            part,
            saves: saves.clone(),
            halt: halt.clone(),
            from,
        })
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> Result<(), CheckpointerError> {
        write_atomically(file, bytes).map_err(|error| CheckpointerError::Unknown(error.to_string()))
    }

    /// What goes with the model of a position in the middle of a segment. It is there before the
    /// model, and so before the checkpoint is complete.
    fn write_means(&self, position: Position) -> Result<(), CheckpointerError> {
        if self.part != MODEL || position.samples == 0 {
            return Ok(());
        }
        let text = serde_json::to_string(&self.halt.means());
        let text = text.map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        self.write(&means_file(&self.folder, position), text.as_bytes())
    }
}

impl<R: Checkpoint> Checkpointer<R> for AtomicCheckpointer {
    fn save(&self, epoch: usize, record: R) -> Result<(), CheckpointerError> {
        let Some(save) = self.saves.of(epoch) else {
            return Ok(());
        };
        let best = save.best && self.part == MODEL;
        if !best && !save.checkpoint {
            return Ok(());
        }
        let bytes = record
            .checkpoint_into_bytes()
            .map_err(CheckpointerError::Record)?;
        if best {
            self.write(&best_file(&self.folder, epoch), &bytes)?;
        }
        if save.checkpoint {
            self.write_means(save.position)?;
            self.write(&file(&self.folder, self.part, save.position), &bytes)?;
        }
        Ok(())
    }

    /// Removes what is outdated once an epoch is saved.
    fn delete(&self, epoch: usize) -> Result<(), CheckpointerError> {
        let Some(save) = self.saves.of(epoch) else {
            return Ok(());
        };
        let outdated = list(&self.folder, self.part).filter(|it| !save.keeps(it.position));
        let mut outdated: Vec<PathBuf> = outdated.map(|it| it.file).collect();
        if self.part == MODEL {
            let means = list(&self.folder, files::MEANS).filter(|it| !save.keeps(it.position));
            let best =
                list(&self.folder, files::BEST).filter(|it| !save.keeps_best(it.position.segments));
            outdated.extend(means.chain(best).map(|it| it.file));
        }
        for file in outdated {
            match fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(CheckpointerError::IOError(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn restore(&self, _epoch: usize) -> Result<R, CheckpointerError> {
        files::restore(&file(&self.folder, self.part, self.from))
    }
}
