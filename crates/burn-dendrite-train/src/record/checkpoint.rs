//! The records of a checkpoint, written before it.

use burn::train::checkpoint::{Checkpoint, Checkpointer, CheckpointerError};

use super::Chunks;

/// A checkpointer that writes the records up to each checkpoint before its own part of it.
///
/// A checkpoint is complete only when all of its parts are there, so that the records up to every
/// complete checkpoint are there as well.
#[derive(Clone, Debug)]
pub(crate) struct RecordingCheckpointer<C> {
    inner: C,
    chunks: Option<Chunks>,
}

impl<C> RecordingCheckpointer<C> {
    /// The checkpointer with the records of a run, if there are any.
    pub(crate) fn new(inner: C, chunks: Option<Chunks>) -> Self {
        Self { inner, chunks }
    }
}

impl<R: Checkpoint, C: Checkpointer<R>> Checkpointer<R> for RecordingCheckpointer<C> {
    fn save(&self, epoch: usize, record: R) -> Result<(), CheckpointerError> {
        if let Some(chunks) = &self.chunks {
            let saved = chunks.save(epoch);
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
