//! Learning as data: which parameter learns by which rule.

use std::{fmt, str::FromStr};

use burn_dendrite_nn::{PopulationName, ProjectionName};
use serde::{Deserialize, Serialize};

use crate::{NudgeSpec, RuleSpec};

/// How a network learns. It stands apart from the anatomy: swap it, keep the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningSpec {
    /// The backward phase; none unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nudge: Option<NudgeSpec>,
    /// How many of the last forward steps backprop goes through; needed by `backprop` rules only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracked_steps: Option<usize>,
    /// What backprop descends on; the squared error unless given.
    #[serde(default, skip_serializing_if = "is_squared")]
    pub loss: Loss,
    /// What learns, and how; everything else stays as it is.
    #[serde(rename = "rule", default)]
    pub rules: Vec<Plasticity>,
}

/// The loss of the output that backprop descends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean over batch and output units of `(t − r)²`.
    #[default]
    Squared,
    /// Mean over the batch of `−Σ t ln r`, for a softmax, whose somata then descend on `r − t`.
    CrossEntropy,
}

fn is_squared(loss: &Loss) -> bool {
    *loss == Loss::Squared
}

/// How the weights of one projection, or the bias of one population, learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plasticity {
    /// What learns: `H1.E<-Input.E`, or a bias `H1.E<-bias`.
    pub on: Target,
    /// Learning rate η: the weights change by `η · Δw`.
    pub learning_rate: f64,
    /// The rule.
    pub rule: RuleSpec,
}

/// What learns: the weights of a projection or the bias of a population.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Target {
    /// The weights of a projection, written `post<-pre`.
    Weight(ProjectionName),
    /// The bias of a population, written `post<-bias`.
    Bias(PopulationName),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("<-") {
            Some((post, pre)) if pre.trim() == "bias" => post.parse().map(Self::Bias),
            _ => text.parse().map(Self::Weight),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Weight(name) => write!(f, "{name}"),
            Self::Bias(name) => write!(f, "{name}<-bias"),
        }
    }
}

impl TryFrom<String> for Target {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Target> for String {
    fn from(target: Target) -> Self {
        target.to_string()
    }
}
