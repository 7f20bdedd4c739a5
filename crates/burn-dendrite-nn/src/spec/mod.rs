//! A network as data: what a file says, and how it is checked.

mod check;
mod network;
mod parse;
mod population;
mod projection;
mod size;
mod weight;
mod wiring;

pub use crate::geometry::{GeometrySpec, Grain, Kernel, PoolKind, PoolSpec};
pub use network::NetworkSpec;
pub use parse::{Collector, Format, deserialize, toml_error, unknown_kind};
pub use population::{BiasSpec, CellType, PopulationSpec, Sharing};
pub use projection::{Active, Compartment, ProjectionSpec, Timing};
pub use size::Size;
pub use weight::{Balance, Tied, WeightSpec};
