//! A projection as data.

use serde::{Deserialize, Serialize};

use super::{GeometrySpec, Grain, WeightSpec};
use crate::{ConstraintSpec, ProjectionName};

/// Where on the postsynaptic neuron a projection ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compartment {
    /// The soma: the input drives the firing rate.
    #[default]
    Soma,
    /// The apical dendrite: the input is what the dendrite wants the soma to do.
    #[serde(alias = "dend")]
    Dendrite,
}

/// Which activity of the presynaptic population arrives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// The activity as it is now: populations listed earlier have already made this step.
    /// (`direction: F` in EIANN.)
    #[default]
    Current,
    /// The activity of the step before. (`direction: R` in EIANN.)
    Previous,
}

/// In which phases a projection acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Active {
    /// The forward phase only.
    #[default]
    Forward,
    /// The backward phase only.
    Backward,
    /// Both phases.
    Both,
}

impl Active {
    /// True where the projection acts in the forward phase.
    pub fn forward(self) -> bool {
        matches!(self, Self::Forward | Self::Both)
    }

    /// True where the projection acts in the backward phase.
    pub fn backward(self) -> bool {
        matches!(self, Self::Backward | Self::Both)
    }
}

/// A projection: all synapses from one population onto one compartment of another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectionSpec {
    /// `post<-pre`, e.g. `H1.E<-Input.E`.
    pub name: ProjectionName,
    /// Where it ends; the soma unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub compartment: Compartment,
    /// Which presynaptic activity arrives; the current one unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub timing: Timing,
    /// In which phases it acts; the forward phase unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub active: Active,
    /// Which units it connects and which synapses share a weight; all with all unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub geometry: GeometrySpec,
    /// Whether it hears units or pools; units unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hears: Grain,
    /// Whether it ends at units, or at all units of a pool alike; units unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub reaches: Grain,
    /// Weights of its own, or another projection's.
    pub weight: WeightSpec,
    /// What holds of the weights after every update, in this order, after Dale's law.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub constraints: Vec<ConstraintSpec>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
