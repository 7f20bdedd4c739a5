//! Integration tests, in one binary so that burn is linked once.

/// Mistakes of a user: one sentence, exit code 2, nothing written.
mod cli;
/// The authors' configurations, and the command that imports one.
mod import;
/// Activity that runs away, and outputs that fall silent.
mod divergence;
/// The commands of README and book.
mod docs;
/// One file and one line for something new.
mod extension;
/// Kills, full disks and damaged files.
mod faults;
/// Any burn optimizer applies the updates, and the laws hold afterwards.
mod laws;
/// Laws of every network, on random ones.
mod properties;
/// Memory stays flat over many online steps.
mod memory;
/// A killed run goes on to the same result.
mod resume;

/// The laws, checked on every weight.
mod lawful;
/// Small networks and short runs for the tests.
mod common;
