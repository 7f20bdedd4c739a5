//! A population as data.

use serde::{Deserialize, Serialize};

use super::{PoolSpec, Size};
use crate::{Activation, CellType, InitializerSpec, PopulationName, numbers::Bounds};

/// A population: neurons of one cell type in one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationSpec {
    /// Layer and population, e.g. `H1.DendI`. Populations of one layer are listed together; the
    /// first population of all is the input.
    pub name: PopulationName,
    /// Number of neurons, or `[maps, height, width]`; the first population and the output may take it from the data.
    pub size: Size,
    /// Cell type, which decides the sign of every outgoing weight.
    pub cell: CellType,
    /// From somatic state to activity; `relu` unless given.
    #[serde(default)]
    pub activation: Activation,
    /// Time constant in steps; the network's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tau: Option<f64>,
    /// Squares of its maps that are heard as one unit; none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolSpec>,
    /// Constant drive of each neuron; none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<BiasSpec>,
}

/// Which neurons share one bias.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Each has its own.
    #[default]
    Unit,
    /// All those of a map.
    Map,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A bias: how it starts and within which bounds it stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasSpec {
    /// Starting values.
    pub init: InitializerSpec,
    /// Which neurons share one; none do unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub per: Sharing,
    /// No bias falls below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lower: Option<f64>,
    /// No bias rises above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
}

impl BiasSpec {
    /// The bounds as one value.
    pub fn bounds(&self) -> Bounds {
        Bounds {
            lower: self.lower.unwrap_or(f64::NEG_INFINITY),
            upper: self.upper.unwrap_or(f64::INFINITY),
        }
    }
}
