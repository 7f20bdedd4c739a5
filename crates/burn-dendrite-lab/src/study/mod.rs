//! A study: several networks, each trained with several seeds, on the same data and budget.
//!
//! ```text
//! study.toml            what was asked for: data set, budget, seeds, networks
//! specs/NAME.toml       the specification of each network
//! runs/NAME/seed-N/     the run folders, as `dendrite train` writes them
//! tasks.csv             the numbers of the runs
//! attempts/NAME/        who worked on a run, and how that ended, attempt by attempt
//! ```
//!
//! Every run is a process of its own, `dendrite study task`, here or on any machine that sees the
//! folder: one that ends badly ends no other, and a run that is cut off, or a study that is, goes on
//! from the last checkpoint.

mod analyses;
mod error;
mod estimate;
mod folder;
mod pool;
mod progress;
mod results;
mod settings;
mod status;
mod tasks;
mod training;

pub use analyses::analysis;
pub use error::StudyError;
pub use estimate::Estimate;
pub use folder::{StudyFolder, study_of};
pub use pool::ENDS_WITH_INPUT;
pub use pool::{Pool, PoolEnding, PoolError, Task};
pub use progress::{Progress, Watch};
pub use results::{DivergedRun, UnfinishedRun};
pub use settings::{EncodedSplits, folder_name};
pub use settings::{Purpose, Study, StudyPlan};
pub use status::{RunStatus, State};
pub use tasks::StudyRun;
pub use training::{Training, TrainingOptions};

pub use burn_dendrite_train::claim::{Attempt, Fate};
