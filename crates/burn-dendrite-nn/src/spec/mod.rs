//! A network as data: what a file says.

mod geometry;
mod network;
mod population;
mod projection;
mod size;
mod weight;

pub use crate::cell::CellType;
pub use crate::parse::{Collector, Format, deserialize, toml_error, unknown_kind};
pub use geometry::{GeometrySpec, Grain, Kernel, PoolKind, PoolSpec};
pub use network::NetworkSpec;
pub use population::{BiasSpec, PopulationSpec, Sharing};
pub use projection::{Active, Compartment, ProjectionSpec, Timing};
pub use size::Size;
pub use weight::{Balance, Tied, WeightSpec};
