//! Asking for an end.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// The exit code of a program that was asked to end and did.
pub const INTERRUPTED: u8 = 130;

/// Asks a training, or a study of many, to end where it is; clones ask the same one.
///
/// A training heeds it before its next step and saves a checkpoint, so that it can go on later to
/// the same bits. Nobody but its owner takes the wish back: neither burn's learner nor who draws.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// One that nobody has asked for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for the end.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody did.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
