//! Data, burn's learner, experiments, and what is left of them in folders.

pub mod data;
pub mod import;
pub mod optimizer;
pub mod presets;
pub mod record;
#[cfg(feature = "remote")]
pub mod remote;
pub mod run;
pub mod set;
pub mod vitals;
pub mod weights;

mod budget;
mod choice;
mod confusion;
mod device;
mod device_list;
mod engine;
mod evaluate;
mod health;
mod layout;
mod model;
mod probe;
mod registry;
mod renderer;
mod scaling;
mod schedule;
mod silence;
mod spec;
mod spec_file;
mod timing;

// What the crates above share, and nobody else needs.
#[doc(hidden)]
pub mod claim;
#[doc(hidden)]
pub mod compared;
#[doc(hidden)]
pub mod dashboard;
#[doc(hidden)]
pub mod experiment;
#[doc(hidden)]
pub mod holder;
#[doc(hidden)]
pub mod limits;
#[doc(hidden)]
pub mod lock;
#[doc(hidden)]
pub mod output;
#[doc(hidden)]
pub mod shell;
#[doc(hidden)]
pub mod stop;
#[doc(hidden)]
pub mod words;

pub use budget::BudgetSpec;
pub use burn_dendrite_nn::registry::RegistryError;
pub use choice::Choice;
pub use confusion::{ClassResult, Confusion, warning_of_unequal_classes};
pub use device::{DeviceError, DeviceName};
pub use device_list::{DeviceAddress, DeviceListError};
pub use engine::Engine;
pub use evaluate::{Evaluation, evaluate, evaluate_under, evaluation_batch};
pub use experiment::{Display, Ending, Experiment, ExperimentError, SavedWeights, load_model};
pub use health::{Divergence, Occasion, OnDivergence, RUNAWAY};
pub use model::{Pace, PlasticNetwork};
pub use registry::Registry;
pub use scaling::BatchScaling;
pub use schedule::{RunSchedule, ScheduleSpec, StepCount, StepsBy};
pub use spec::ExperimentSpec;
pub use stop::Stop;
