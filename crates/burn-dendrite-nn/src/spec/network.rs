//! A network as data.

use serde::{Deserialize, Serialize};

use super::{PopulationSpec, ProjectionSpec};
use crate::PopulationName;

/// The anatomy and dynamics of a network.
///
/// Order is meaning: populations are updated in the listed order, and a projection with
/// [`Timing::Current`](super::Timing::Current) hears a population listed earlier as it is after
/// that update.
///
/// ```
/// use burn_dendrite_nn::NetworkSpec;
///
/// let spec: NetworkSpec = toml::from_str(r#"
///     tau = 3.0
///     steps = 15
///     [[population]]
///     name = "Input.E"
///     size = 4
///     cell = "excitatory"
///     [[population]]
///     name = "Output.E"
///     size = 2
///     cell = "excitatory"
///     [[projection]]
///     name = "Output.E<-Input.E"
///     weight = { kind = "half_kaiming", scale = 2.0 }
/// "#)?;
/// let plan = spec.check()?;
/// assert_eq!(plan.parameters(), 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkSpec {
    /// Time constant of a population that names none of its own, in steps.
    pub tau: f64,
    /// Steps of the forward phase.
    pub steps: usize,
    /// The population that is compared with the target; the first one of the last layer unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<PopulationName>,
    /// The populations in order of update; the first is the input.
    #[serde(rename = "population")]
    pub populations: Vec<PopulationSpec>,
    /// The projections; those onto one population are added in this order.
    #[serde(rename = "projection")]
    pub projections: Vec<ProjectionSpec>,
}

impl NetworkSpec {
    /// The place of the population that is compared with the target, if there is such a population.
    pub fn output_index(&self) -> Option<usize> {
        match &self.output {
            Some(name) => self.populations.iter().position(|it| it.name == *name),
            None => {
                let layer = self.populations.last()?.name.layer();
                (self.populations.iter()).position(|it| it.name.layer() == layer)
            }
        }
    }
}
