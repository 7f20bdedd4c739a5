//! What is written to the standard streams, and what becomes of it where nobody reads it.
//!
//! | | a closed pipe | a full disk |
//! |---|---|---|
//! | an [answer](Output::answer), which is all that a command is for | it ends without a word | one sentence, exit code 1 |
//! | a [report](Output::report) on work that is worth more than it | the work goes on | the work goes on, then the same |
//!
//! The macros of the standard library would end the process in a panic instead.

use std::{
    fmt::Display,
    io::{self, StdoutLock, Write},
    sync::{Mutex, PoisonError},
};

/// The first failure of a report of this process: nothing is tried after it.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Standard output.
pub struct Output {
    stream: StdoutLock<'static>,
    on_failure: OnFailure,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OnFailure {
    Tell,
    GoOn,
}

impl Output {
    /// For what a command was asked for; a failure is an error.
    pub fn answer() -> Self {
        Self {
            stream: io::stdout().lock(),
            on_failure: OnFailure::Tell,
        }
    }

    /// For what is told beside the work of a command; a failure is kept for [`failure`].
    pub fn report() -> Self {
        Self {
            on_failure: OnFailure::GoOn,
            ..Self::answer()
        }
    }

    fn heed<T>(&self, result: io::Result<T>, instead: T) -> io::Result<T> {
        match (result, self.on_failure) {
            (Err(error), OnFailure::GoOn) => {
                let mut failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
                failed.get_or_insert(error);
                Ok(instead)
            }
            (Err(error), OnFailure::Tell) => Err(named(&error)),
            (Ok(value), _) => Ok(value),
        }
    }

    fn is_silenced(&self) -> bool {
        let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
        self.on_failure == OnFailure::GoOn && failed.is_some()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_silenced() {
            return Ok(bytes.len());
        }
        let result = self.stream.write(bytes);
        self.heed(result, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_silenced() {
            return Ok(());
        }
        let result = self.stream.flush();
        self.heed(result, ())
    }
}

/// Answers with a line.
///
/// # Errors
///
/// If it cannot be written.
pub fn answer(line: impl Display) -> io::Result<()> {
    writeln!(Output::answer(), "{line}")
}

/// Reports a line.
pub fn report(line: impl Display) {
    // A report does not fail.
    let _ = writeln!(Output::report(), "{line}");
}

/// Says a line on the standard error stream, if anybody hears it.
pub fn say(line: impl Display) {
    // In one piece: other threads and processes may write there.
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}

/// The failure that a report met, but for a reader who had read enough.
pub fn failure() -> Option<io::Error> {
    let failed = FAILED.lock().unwrap_or_else(PoisonError::into_inner);
    let error = failed.as_ref().filter(|error| !is_closed(error));
    error.map(named)
}

/// Whether the reader went away, which `| head` does: no failure of anybody.
pub fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// The same error with the name of what cannot be written.
pub fn named(error: &io::Error) -> io::Error {
    let message = format!("standard output cannot be written: {error}");
    io::Error::new(error.kind(), message)
}
