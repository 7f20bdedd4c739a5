//! Types of cells.

use serde::{Deserialize, Serialize};

/// What a neuron does to all its targets; Dale's law is this and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellType {
    /// Outgoing weights are never negative.
    Excitatory,
    /// Outgoing weights are never positive.
    Inhibitory,
    /// Outgoing weights are free, as in an ordinary artificial network.
    Unconstrained,
}

impl CellType {
    /// `-1` for inhibitory cells, `1` for all others.
    pub fn sign(self) -> f64 {
        match self {
            Self::Inhibitory => -1.0,
            Self::Excitatory | Self::Unconstrained => 1.0,
        }
    }
}
