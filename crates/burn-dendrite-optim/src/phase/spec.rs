//! The backward phase as data.

use burn_dendrite_nn::PopulationName;
use serde::{Deserialize, Serialize};

use super::{Gate, Select};

/// The backward phase as data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NudgeSpec {
    /// How the network responds to the nudge; instantly unless given.
    #[serde(default)]
    pub settling: Settling,
    /// What a dendrite asks for; its state unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub plateau: Plateau,
    /// How strongly plateaus move somata, more than 0; 1 unless given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub strength: f64,
    /// The largest plateau of a population below the output, more than 0; 1 unless given.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub bound: f64,
    /// Gate of every nudged population that names none of its own; open unless given.
    #[serde(default)]
    pub gate: Gate,
    /// Forward activity above which a neuron below the output accepts a negative request, in every
    /// population that names none of its own; every neuron accepts one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_above: Option<f64>,
    /// Selection in every nudged population below the output that names none of its own; all
    /// unless given.
    #[serde(default)]
    pub select: Select,
    /// The populations that are nudged; the output and every population with a dendrite (with
    /// `settling = "output_only"` the output alone) unless given.
    #[serde(
        rename = "population",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub populations: Option<Vec<PopulationNudge>>,
}

impl Default for NudgeSpec {
    fn default() -> Self {
        Self {
            settling: Settling::default(),
            plateau: Plateau::default(),
            strength: 1.0,
            bound: 1.0,
            gate: Gate::default(),
            negative_above: None,
            select: Select::default(),
            populations: None,
        }
    }
}

/// How the network responds to the nudge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settling {
    /// Each nudged soma moves once, from the top down; nothing settles again.
    #[default]
    Instant,
    /// The network settles once more, for as many steps as in the forward phase, with the nudge of
    /// the first of these steps held on.
    Equilibrated,
    /// The output layer alone settles once more; the layers below never hear of the target.
    OutputOnly,
    /// Each layer answers once, from the top down: first the interneurons that hear the layers above in
    /// the backward phase, then the dendrites, then the somata that are nudged.
    TopDown,
}

/// What a dendrite asks its soma to change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plateau {
    /// Its state under the nudge.
    #[default]
    State,
    /// What the nudge changes in its state, per strength of the nudge. What the layers above do anyway
    /// cancels, whether or not inhibition has learned to cancel it.
    Difference,
}

fn one() -> f64 {
    1.0
}

fn is_one(value: &f64) -> bool {
    *value == 1.0
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// How one population is nudged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationNudge {
    /// The population.
    pub name: PopulationName,
    /// Its gate; the phase's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Forward activity above which its neurons accept a negative request; the phase's unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_above: Option<f64>,
    /// Its selection; the phase's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
}
