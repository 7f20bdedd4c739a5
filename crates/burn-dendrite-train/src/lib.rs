//! Data, burn's learner, experiments and the `dendrite` command line.

pub mod data;
pub mod import;
