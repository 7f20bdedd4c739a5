//! Changes that are too large, made smaller before an optimizer sees them.

use burn::grad_clipping::GradientClippingConfig;
use burn_dendrite_nn::{
    HostNetwork, Numbers, Parameter,
    numbers::{HostRows, Rows},
};
use serde::{Deserialize, Serialize};

use crate::{Delta, delta::shape};

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

    /// The change of a parameter of this network, clipped.
    pub(crate) fn clip(
        self,
        network: &mut HostNetwork,
        parameter: Parameter,
        delta: Delta<HostRows>,
    ) -> Delta<HostRows> {
        let [rows, columns] = shape(network.plan(), parameter);
        let mut whole = [HostRows::full([rows, columns], 0.0)];
        network.change_by(
            parameter,
            &delta.products,
            &delta.weighted,
            &mut whole,
            |_, change, [whole]| whole.copy_from_slice(change),
        );
        let [whole] = whole;
        match self {
            Self::Norm { largest } => {
                let squares = whole.to_values().into_iter();
                let norm = squares.map(|it| f64::from(it).powi(2)).sum::<f64>().sqrt();
                if norm > largest {
                    delta.scale(largest / norm)
                } else {
                    delta
                }
            }
            Self::Value { largest } => {
                let largest = largest as f32;
                let values = whole.to_values().into_iter();
                let values: Vec<f32> = values.map(|it| it.clamp(-largest, largest)).collect();
                let mut unit = vec![0.0; rows * rows];
                unit.iter_mut().step_by(rows + 1).for_each(|it| *it = 1.0);
                // As a product with the unit matrix, of which all but one in a row is skipped.
                Delta::outer(
                    HostRows::from_values(&unit, [rows, rows]),
                    HostRows::from_values(&values, [rows, columns]),
                )
            }
        }
    }
}
