//! What is done with trained networks: analyses, studies of several, figures and reports.

pub mod analysis;
pub mod cluster;
pub mod compare;
pub mod comparison;
pub mod perturb;
pub mod plot;
pub mod report;
pub mod study;
pub mod sweep;
pub mod throughput;
