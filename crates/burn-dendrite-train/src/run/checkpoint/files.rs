//! The files of checkpoints.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use burn::{
    lr_scheduler::LrSchedulerRecord,
    optim::OptimizerRecord,
    store::ModuleRecord,
    train::checkpoint::{Checkpoint, CheckpointerError},
};

use crate::run::{Position, means::Means};

/// The parts that make a checkpoint complete.
pub(in crate::run) const MODEL: &str = "model";
pub(super) const OPTIMIZER: &str = "optimizer";
pub(super) const SCHEDULE: &str = "schedule";
/// What was measured in the segment under way, for positions in the middle of one.
pub(super) const MEANS: &str = "means";
/// The model of the best validation so far.
pub(super) const BEST: &str = "best";

/// The file of one part of a checkpoint.
pub(in crate::run) fn file(folder: &Path, part: &str, position: Position) -> PathBuf {
    folder.join(format!("{part}-{position}.bpk"))
}

pub(super) fn means_file(folder: &Path, position: Position) -> PathBuf {
    folder.join(format!("{MEANS}-{position}.json"))
}

pub(in crate::run) fn best_file(folder: &Path, segment: usize) -> PathBuf {
    file(folder, BEST, Position::after(segment))
}

/// What was measured in the segment under way at a position.
pub(in crate::run) fn means(folder: &Path, position: Position) -> Result<Means, String> {
    if position.samples == 0 {
        return Ok(Means::default());
    }
    let file = means_file(folder, position);
    let wrong = |error: String| format!("`{}` is damaged: {error}", file.display());
    let text = fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
}

pub(super) fn restore<R: Checkpoint>(file: &Path) -> Result<R, CheckpointerError> {
    let bytes = fs::read(file).map_err(CheckpointerError::IOError)?;
    R::checkpoint_from_bytes(burn::tensor::Bytes::from_bytes_vec(bytes))
        .map_err(CheckpointerError::Record)
}

/// Removes the models of best validations.
pub(in crate::run) fn discard_best(folder: &Path) {
    for part in list(folder, BEST) {
        // One that stays does no harm.
        let _ = fs::remove_file(part.file);
    }
}

/// What is wrong with a checkpoint of which every part is there; nothing if all can be read.
pub(in crate::run) fn damage(folder: &Path, position: Position) -> Option<String> {
    fn read<R: Checkpoint>(folder: &Path, part: &'static str, at: Position) -> Option<String> {
        let file = file(folder, part, at);
        let error = restore::<R>(&file).err()?;
        Some(format!("`{}` is damaged: {error}", file.display()))
    }
    read::<ModuleRecord>(folder, MODEL, position)
        .or_else(|| read::<OptimizerRecord>(folder, OPTIMIZER, position))
        .or_else(|| read::<LrSchedulerRecord>(folder, SCHEDULE, position))
        .or_else(|| means(folder, position).err())
}

/// A file of a part, and its position.
pub(super) struct Part {
    pub(super) position: Position,
    pub(super) file: PathBuf,
}

/// The files of a part that are there.
pub(super) fn list(folder: &Path, part: &str) -> impl Iterator<Item = Part> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(move |entry| {
        let name = entry.file_name();
        let rest = name.to_str()?.strip_prefix(part)?.strip_prefix('-')?;
        let (position, _) = rest.rsplit_once('.')?;
        let ending = if part == MEANS { ".json" } else { ".bpk" };
        rest.ends_with(ending).then_some(())?;
        Some(Part {
            position: position.parse().ok()?,
            file: entry.path(),
        })
    })
}

/// The checkpoints of which every part is there.
pub(in crate::run) fn complete(folder: &Path) -> BTreeSet<Position> {
    let is_complete = |position: &Position| {
        [OPTIMIZER, SCHEDULE]
            .iter()
            .all(|part| file(folder, part, *position).is_file())
    };
    list(folder, MODEL)
        .map(|part| part.position)
        .filter(is_complete)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_counts_once_all_parts_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let touch = |name: &str| fs::write(folder.path().join(name), b"").unwrap();
        let complete = || {
            let positions = complete(folder.path()).into_iter();
            positions.map(|it| it.to_string()).collect::<Vec<_>>()
        };
        for name in ["model-1.bpk", "optimizer-1.bpk", "schedule-1.bpk"] {
            touch(name);
        }
        for name in [
            "model-2+30.bpk",
            "optimizer-2+30.bpk",
            "model-x.bpk",
            "model-3.bpk.tmp",
            "best-1.bpk",
        ] {
            touch(name);
        }
        assert_eq!(complete(), ["1"]);
        touch("schedule-2+30.bpk");
        assert_eq!(complete(), ["1", "2+30"]);
    }
}
