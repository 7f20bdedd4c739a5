//! The range of the rates that a rule sees.

use burn_dendrite_nn::numbers::Rows;
use serde::{Deserialize, Serialize};

/// The range of the rates that a rule sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rates {
    /// As they are.
    #[default]
    Unbounded,
    /// Clamped to [0, 1].
    Bounded,
}

impl Rates {
    pub(super) fn of<R: Rows>(self, activity: R) -> R {
        match self {
            Self::Unbounded => activity,
            Self::Bounded => activity.clamp(0.0, 1.0),
        }
    }
}
