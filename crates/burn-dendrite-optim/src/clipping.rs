//! Changes that are too large, made smaller before an optimizer sees them.

use burn::grad_clipping::GradientClippingConfig;
use burn_dendrite_nn::numbers::Bounds;
use serde::{Deserialize, Serialize};

/// How large the change of a parameter (the weights of a projection, or the biases of a population) may
/// be before an optimizer sees it; what exceeds it is made smaller.
///
/// The change `Δ` is that of the rules, with their learning rates, and takes the place of `−∂L/∂w`. Rules
/// that decide themselves how large their steps are stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Clipping {
    /// Each number by itself: `Δ ← min( max( Δ, −c ), c )`.
    Value {
        /// `c`, more than 0.
        largest: f64,
    },
    /// All numbers of a parameter together, which keeps their direction: `Δ ← Δ · min( 1, c / |Δ| )`.
    Norm {
        /// `c`, more than 0.
        largest: f64,
    },
}

impl Clipping {
    /// What is wrong with the parameters.
    ///
    /// # Errors
    ///
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        let (Self::Value { largest } | Self::Norm { largest }) = *self;
        if largest.is_finite() && largest > 0.0 {
            Ok(())
        } else {
            Err(format!("`largest` is {largest}; accepted: more than 0"))
        }
    }

    /// The same for burn's optimizers.
    pub fn for_burn(self) -> GradientClippingConfig {
        match self {
            Self::Value { largest } => GradientClippingConfig::Value(largest as f32),
            Self::Norm { largest } => GradientClippingConfig::Norm(largest as f32),
        }
    }

    /// What no number of a change may exceed, whatever the others are.
    pub(crate) fn bounds(self) -> Bounds {
        match self {
            Self::Value { largest } => Bounds {
                lower: -largest,
                upper: largest,
            },
            Self::Norm { .. } => Bounds::NONE,
        }
    }

    /// What a change of this length is multiplied with.
    pub(crate) fn factor(self, length: impl FnOnce() -> f64) -> f64 {
        match self {
            Self::Value { .. } => 1.0,
            Self::Norm { largest } => {
                let length = length();
                if length > largest {
                    largest / length
                } else {
                    1.0
                }
            }
        }
    }
}
