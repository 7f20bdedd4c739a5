//! Integration tests, in one binary so that burn is linked once.

/// The command that measures a trained network.
mod analyze;
/// Mistakes of a user: one sentence, exit code 2, nothing written.
mod cli;
/// The runs of a study one by one, and what is submitted to Slurm, with commands in its place.
#[cfg(unix)]
mod cluster;
/// Several networks side by side, and sweeps: what is written, resumed and refused.
mod compare;
/// Which data a run was made with.
mod data_identity;

/// Activity that runs away, and outputs that fall silent.
mod divergence;
/// The commands of README and book.
mod docs;
/// One file and one line for something new.
#[allow(unreachable_pub)] // As in a library.
mod extension;
/// Kills, full disks and damaged files.
mod faults;
/// The authors' configurations, and the command that imports one.
mod import;
/// The weights that a run ends with: the last ones, or those of the best validation.
mod keep;
/// Any burn optimizer applies the updates, and the laws hold afterwards.
mod laws;
/// Accumulated batches and several devices learn as one large batch does.
mod learner;
/// Numbers beyond all bounds.
mod limits;
/// Files of a user's own, from their folder to an accuracy, through every command.
mod own_data;
mod own_kinds;
/// Perturbed runs: what they change, what they leave alone, and what is refused.
mod perturb;
/// Readers that go away, and disks that are full.
#[cfg(unix)]
mod pipes;
/// Laws of every network, on random ones.
mod properties;
/// Recorded runs: what is recorded, by either engine and after a kill, and what is refused.
mod record;
/// The page on a run.
mod report;
/// A killed run goes on to the same result.
mod resume;
/// Processes that are started together.
mod side_by_side;
/// Runs that are asked to stop, by whatever means, save where they are.
#[cfg(unix)]
mod stop;
mod storeys;
/// The dashboard on a terminal: its keys, and what is left of it.
#[cfg(unix)]
mod terminal;
/// Weights that leave a run and come into another one, and runs that become longer.
mod weights;

/// Small networks and short runs for the tests.
mod common;
/// The laws, checked on every weight.
mod lawful;
