//! A network as data: what a file says, and how it is checked.

mod check;
mod network;
mod parse;
mod population;
mod projection;
mod size;
mod weight;

pub use network::NetworkSpec;
pub use parse::{Collector, Format, deserialize, toml_error, unknown_kind};
pub use population::{BiasSpec, CellType, PopulationSpec};
pub use projection::{Active, Compartment, ProjectionSpec, Timing};
pub use size::Size;
pub use weight::{Balance, Tied, WeightSpec};
