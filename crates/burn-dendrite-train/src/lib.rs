//! Data, burn's learner, experiments and the `dendrite` command line.

pub mod analysis;
pub mod cli;
pub mod compare;
pub mod comparison;
pub mod data;
pub mod import;
pub mod optimizer;
pub mod perturb;
pub mod plot;
pub mod presets;
pub mod record;
pub mod report;
pub mod run;
pub mod set;
pub mod study;
pub mod sweep;
pub mod throughput;
pub mod vitals;

mod device;
mod device_list;
mod engine;
mod evaluate;
mod experiment;
mod health;
mod layout;
mod model;
mod renderer;
mod scaling;
mod schedule;
mod spec;
mod timing;

pub use device::{DeviceError, DeviceName};
pub use device_list::{DeviceAddress, DeviceListError};
pub use engine::Engine;
pub use evaluate::{Evaluation, evaluate, evaluate_under};
pub use experiment::{Display, Ending, Experiment, ExperimentError, load_model};
pub use health::{Divergence, Occasion, OnDivergence, RUNAWAY};
pub use model::{Pace, PlasticNetwork};
pub use scaling::BatchScaling;
pub use schedule::{RunSchedule, StepCount, StepsBy};
pub use spec::ExperimentSpec;
