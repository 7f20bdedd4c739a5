//! The records of a checkpoint, written before it.

use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

use super::Chunks;
use crate::run::Saves;

/// A checkpointer that writes the records up to each checkpoint before its own part of it.
///
/// A checkpoint is complete only when all of its parts are there, so that the records up to every
/// complete checkpoint are there as well.
#[derive(Clone, Debug)]
pub(crate) struct RecordingCheckpointer<C> {
    inner: C,
    chunks: Option<Chunks>,
    saves: Saves,
}

impl<C> RecordingCheckpointer<C> {
    /// The checkpointer with the records of a run, if there are any.
    pub(crate) fn new(inner: C, chunks: Option<Chunks>, saves: Saves) -> Self {
        Self {
            inner,
            chunks,
            saves,
        }
    }
}

impl<R: Checkpoint, C: Checkpointer<R>> Checkpointer<R> for RecordingCheckpointer<C> {
    fn save(&self, epoch: usize, record: R) -> Result<(), CheckpointerError> {
        let save = self.saves.of(epoch).filter(|save| save.checkpoint);
        if let (Some(chunks), Some(save)) = (&self.chunks, save) {
            let saved = chunks.save(save.position);
            saved.map_err(|error| CheckpointerError::Unknown(error.to_string()))?;
        }
        self.inner.save(epoch, record)
    }

    fn delete(&self, epoch: usize) -> Result<(), CheckpointerError> {
        // The records stay: they are needed at the end of the run.
        self.inner.delete(epoch)
    }

    fn restore(&self, epoch: usize) -> Result<R, CheckpointerError> {
        self.inner.restore(epoch)
    }
}
