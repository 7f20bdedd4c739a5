//! Fixtures as the reference implementation recorded them, read into our own format.
//!
//! They come with the reference's configuration, so reading them tests the importer too.

use std::collections::BTreeMap;

use burn_dendrite::{
    nn::{PopulationName, ProjectionName},
    train::import,
};
use serde::Deserialize;
use serde_json::Value;

use crate::fixture::{Fixture, Matrix, Rows, Sample};

/// What most networks need, and what this one needs at any size, whose weights amplify the order of a
/// sum.
const TOLERANCE: f64 = 1e-5;
const SENSITIVE: (&str, f64) = ("hebbian_top_layer_supervised", 1e-4);

#[derive(Deserialize)]
struct Recorded {
    name: String,
    layer_config: Value,
    projection_config: Value,
    training_kwargs: Value,
    inputs: Matrix,
    targets: Matrix,
    /// `[post, pre]`, as all weights here.
    initial: BTreeMap<ProjectionName, Matrix>,
    initial_bias: Rows,
    batched_forward_output: Matrix,
    samples: Vec<RecordedSample>,
}

#[derive(Deserialize)]
struct RecordedSample {
    #[serde(default)]
    forward_dynamics: BTreeMap<PopulationName, Matrix>,
    loss: f32,
    forward_activity: Rows,
    forward_prev_activity: Rows,
    forward_dendritic_state: Rows,
    backward_activity: Rows,
    plateau: Rows,
    backward_dendritic_state: Rows,
    weights: BTreeMap<ProjectionName, Matrix>,
    biases: Rows,
}

/// Reads a recording of the reference.
pub(crate) fn from_json(text: &str) -> Result<Fixture, String> {
    let recorded: Recorded = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let (network, learning) = import::from_reference(
        &recorded.layer_config,
        &recorded.projection_config,
        &recorded.training_kwargs,
    )
    .map_err(|errors| format!("the importer refuses its configuration: {errors}"))?;
    // The reference keeps a bias of zeros where there is none.
    let mut biases = recorded.initial_bias;
    for population in network
        .populations
        .iter()
        .filter(|population| population.bias.is_none())
    {
        let values = biases.remove(&population.name).unwrap_or_default();
        if values.iter().any(|value| *value != 0.0) {
            return Err(format!(
                "`{}` has a bias that the importer lost",
                population.name
            ));
        }
    }
    let (sensitive, tolerance) = SENSITIVE;
    Ok(Fixture {
        tolerance: if recorded.name.starts_with(sensitive) {
            tolerance
        } else {
            TOLERANCE
        },
        name: recorded.name,
        // A recording need not have drawn its start in the usual way; the converter knows.
        seed: None,
        network,
        learning,
        inputs: recorded.inputs,
        targets: recorded.targets,
        weights: transposed(recorded.initial),
        biases,
        batched_forward_output: recorded.batched_forward_output,
        samples: recorded.samples.into_iter().map(sample).collect(),
    })
}

fn sample(recorded: RecordedSample) -> Sample {
    Sample {
        forward_dynamics: recorded.forward_dynamics,
        loss: recorded.loss,
        forward_activity: recorded.forward_activity,
        forward_prev_activity: recorded.forward_prev_activity,
        forward_dendritic_state: recorded.forward_dendritic_state,
        backward_activity: recorded.backward_activity,
        plateau: recorded.plateau,
        backward_dendritic_state: recorded.backward_dendritic_state,
        weights: transposed(recorded.weights),
        biases: recorded.biases,
    }
}

/// From `[post, pre]` to our `[pre, post]`.
fn transposed(weights: BTreeMap<ProjectionName, Matrix>) -> BTreeMap<ProjectionName, Matrix> {
    let transpose = |matrix: Matrix| -> Matrix {
        let columns = matrix.first().map_or(0, Vec::len);
        (0..columns)
            .map(|column| matrix.iter().map(|row| row[column]).collect())
            .collect()
    };
    weights
        .into_iter()
        .map(|(name, matrix)| (name, transpose(matrix)))
        .collect()
}
