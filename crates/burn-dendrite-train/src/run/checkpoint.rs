//! Checkpoints that are complete or not there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    optim::OptimizerRecord,
    store::ModuleRecord,
    train::{
        checkpoint::{
            Checkpoint, Checkpointer, CheckpointerError, CheckpointingAction, CheckpointingStrategy,
        },
        metric::store::EventStoreClient,
    },
};

use super::write_atomically;

/// The files that make a checkpoint complete.
pub(super) const MODEL: &str = "model";
const OPTIMIZER: &str = "optimizer";
const SCHEDULE: &str = "schedule";

/// Saves one part of each checkpoint as `PART-SEGMENT.bpk`, in full or not at all: under another
/// name first, synced, then renamed.
#[derive(Clone, Debug)]
pub struct AtomicCheckpointer {
    folder: PathBuf,
    part: &'static str,
}

impl AtomicCheckpointer {
    /// The checkpointers of model, optimizer and schedule in a folder.
    pub fn all(folder: &Path) -> [Self; 3] {
        [MODEL, OPTIMIZER, SCHEDULE].map(|part| Self {
            folder: folder.to_owned(),
            part,
        })
    }
}

impl<R: Checkpoint> Checkpointer<R> for AtomicCheckpointer {
    fn save(&self, epoch: usize, record: R) -> Result<(), CheckpointerError> {
        let bytes = record
            .checkpoint_into_bytes()
            .map_err(CheckpointerError::Record)?;
        write_atomically(&file(&self.folder, self.part, epoch), &bytes)
            .map_err(|error| CheckpointerError::Unknown(error.to_string()))
    }

    fn delete(&self, epoch: usize) -> Result<(), CheckpointerError> {
        match fs::remove_file(file(&self.folder, self.part, epoch)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(CheckpointerError::IOError(error))
            }
            _ => Ok(()),
        }
    }

    fn restore(&self, epoch: usize) -> Result<R, CheckpointerError> {
        let path = file(&self.folder, self.part, epoch);
        let bytes = fs::read(path).map_err(CheckpointerError::IOError)?;
        R::checkpoint_from_bytes(burn::tensor::Bytes::from_bytes_vec(bytes))
            .map_err(CheckpointerError::Record)
    }
}

/// Saves after every so many segments and after the last one, and keeps the newest two: the older
/// of them is whole whatever happens to the newer.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointEvery {
    /// Segments between two checkpoints, at least 1.
    pub segments: usize,
    /// Segments of the run.
    pub last: usize,
}

/// Checkpoints that are kept.
const KEPT: usize = 2;

impl CheckpointEvery {
    /// Never saves.
    pub(crate) const NEVER: Self = Self {
        segments: usize::MAX,
        last: usize::MAX,
    };

    /// The segments with a checkpoint, up to and with `segment`, newest first.
    fn saved(self, segment: usize) -> impl Iterator<Item = usize> {
        let every = self.segments.max(1);
        let last = (segment == self.last && !segment.is_multiple_of(every)).then_some(segment);
        let regular = (1..=segment / every)
            .rev()
            .map(move |number| number * every);
        last.into_iter().chain(regular)
    }

    /// What is done after `segment`.
    fn actions(self, segment: usize) -> Vec<CheckpointingAction> {
        let mut saved = self.saved(segment);
        if saved.next() != Some(segment) {
            return Vec::new();
        }
        let outdated = saved.nth(KEPT - 1).map(CheckpointingAction::Delete);
        std::iter::once(CheckpointingAction::Save)
            .chain(outdated)
            .collect()
    }
}

impl CheckpointingStrategy for CheckpointEvery {
    fn checkpointing(
        &mut self,
        segment: usize,
        _store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        self.actions(segment)
    }
}

/// The file of one part of a checkpoint.
pub(super) fn file(folder: &Path, part: &str, segment: usize) -> PathBuf {
    folder.join(format!("{part}-{segment}.bpk"))
}

/// What is wrong with a checkpoint of which every part is there; nothing if all can be read.
pub(super) fn damage(folder: &Path, segment: usize) -> Option<String> {
    fn read<R: Checkpoint>(folder: &Path, part: &'static str, segment: usize) -> Option<String> {
        let checkpointer = AtomicCheckpointer {
            folder: folder.to_owned(),
            part,
        };
        let restored: Result<R, CheckpointerError> = checkpointer.restore(segment);
        let error = restored.err()?;
        let file = file(folder, part, segment);
        Some(format!("`{}` is damaged: {error}", file.display()))
    }
    read::<ModuleRecord>(folder, MODEL, segment)
        .or_else(|| read::<OptimizerRecord>(folder, OPTIMIZER, segment))
        .or_else(|| read::<LrSchedulerRecord>(folder, SCHEDULE, segment))
}

/// The checkpoints of which every part is there.
pub(super) fn complete(folder: &Path) -> BTreeSet<usize> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let segment = |entry: fs::DirEntry| {
        let name = entry.file_name();
        name.to_str()?
            .strip_prefix("model-")?
            .strip_suffix(".bpk")?
            .parse::<usize>()
            .ok()
    };
    names
        .filter_map(segment)
        .filter(|segment| {
            [OPTIMIZER, SCHEDULE]
                .iter()
                .all(|part| file(folder, part, *segment).is_file())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_so_many_segments_and_the_last_are_saved_and_two_are_kept() {
        let strategy = CheckpointEvery {
            segments: 3,
            last: 10,
        };
        let mut kept: BTreeSet<usize> = BTreeSet::new();
        let mut history = Vec::new();
        for segment in 1..=10 {
            for action in strategy.actions(segment) {
                match action {
                    CheckpointingAction::Save => assert!(kept.insert(segment)),
                    CheckpointingAction::Delete(segment) => assert!(kept.remove(&segment)),
                }
            }
            history.push(kept.iter().copied().collect::<Vec<_>>());
        }
        assert_eq!(history[1..4], [vec![], vec![3], vec![3]]);
        assert_eq!(history[8..], [vec![6, 9], vec![9, 10]]);
        assert!((1..=10).all(|segment| CheckpointEvery::NEVER.actions(segment).is_empty()));
    }

    #[test]
    fn a_checkpoint_counts_once_all_parts_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let touch = |name: &str| fs::write(folder.path().join(name), b"").unwrap();
        for name in ["model-1.bpk", "optimizer-1.bpk", "schedule-1.bpk"] {
            touch(name);
        }
        for name in [
            "model-2.bpk",
            "optimizer-2.bpk",
            "model-x.bpk",
            "model-3.bpk.tmp",
        ] {
            touch(name);
        }
        assert_eq!(complete(folder.path()), BTreeSet::from([1]));
        touch("schedule-2.bpk");
        assert_eq!(complete(folder.path()), BTreeSet::from([1, 2]));
    }
}
