//! A study: several networks, each trained with several seeds, on the same data and budget.
//!
//! ```text
//! study.toml            what was asked for: data set, budget, seeds, networks
//! specs/NAME.toml       the specification of each network
//! runs/NAME/seed-N/     the run folders, as `dendrite train` writes them
//! ```
//!
//! Every run is a process of its own: one that ends badly ends no other, and a run that is cut off, or
//! a study that is, goes on from the last checkpoint.

mod error;
mod estimate;
mod folder;
mod pool;
mod progress;
mod results;
mod settings;
mod training;

pub use error::StudyError;
pub use estimate::Estimate;
pub use folder::StudyFolder;
pub(crate) use pool::ENDS_WITH_INPUT;
pub use pool::{Pool, PoolEnding, PoolError, Task};
pub use progress::{Progress, Watch};
pub use results::DivergedRun;
pub(crate) use settings::{EncodedSplits, folder_name};
pub use settings::{Purpose, Study, StudyPlan};
pub use training::{Training, TrainingOptions};
