//! From a configuration of the reference implementation (EIANN) to our specifications.
//!
//! The reference nests `post layer / post population / pre layer / pre population`, gives each
//! projection its weight bounds and lets a rule's name decide about the backward phase. Here a
//! population has a cell type, and the phase is named on its own. What cannot be represented is an
//! error that names the key, never a silent default.

mod constraint;
mod file;
mod initializer;
mod keys;
mod population;
mod projection;
mod rules;
mod simplified;
mod training;
mod yaml;

use burn_dendrite_nn::{NetworkSpec, PopulationName, SpecError, SpecErrors};
use burn_dendrite_optim::{LearningSpec, Target};
use serde_json::Value;

use self::{rules::Rules, training::Training};

pub use file::from_yaml;

/// Reads `layer_config`, `projection_config` and `training_kwargs` of the reference, in the long
/// and in the simplified form.
///
/// # Errors
///
/// All keys that cannot be represented, with their paths.
pub fn from_reference(
    layers: &Value,
    projections: &Value,
    training: &Value,
) -> Result<(NetworkSpec, LearningSpec), SpecErrors> {
    let mut errors = Vec::new();
    let training = Training::read(training, &mut errors);
    // No number stands for the rate that is missing, so that rules without one can be told.
    let mut rules = Rules::new(training.learning_rate.unwrap_or(f64::NAN));
    let projections = simplified::projections(projections, &mut errors);
    let projections = projection::projections(&projections, &mut rules, &mut errors);
    let (populations, output) =
        population::populations(layers, &projections, &mut rules, &mut errors);
    let network = NetworkSpec {
        tau: training.tau,
        steps: training.steps,
        output,
        populations,
        projections: projections.into_iter().map(|it| it.spec).collect(),
    };
    let output = output_of(&network);
    let learning = rules.into_learning(training.tracked_steps, output, &mut errors);
    missing_rates(&learning, &mut errors);
    SpecErrors::or(errors, || (network, learning))
}

/// The output population: the marked one, else the first of the last layer.
fn output_of(network: &NetworkSpec) -> Option<&PopulationName> {
    let names = || network.populations.iter().map(|it| &it.name);
    let layer = names().next_back()?.layer();
    network
        .output
        .as_ref()
        .or_else(|| names().find(|name| name.layer() == layer))
}

/// Reports the rules that have no learning rate, neither their own nor the network's.
fn missing_rates(learning: &LearningSpec, errors: &mut Vec<SpecError>) {
    for rule in learning.rules.iter().filter(|it| it.learning_rate.is_nan()) {
        let path = match &rule.on {
            Target::Weight(name) => format!(
                "projection_config.{}.{}.learning_rule_kwargs.learning_rate",
                name.post, name.pre
            ),
            Target::Bias(name) => {
                format!("layer_config.{name}.bias_learning_rule_kwargs.learning_rate")
            }
        };
        let message = "is missing, and so is `training_kwargs.learning_rate`; accepted: a number";
        errors.push(SpecError::new(path, message));
    }
}

/// The name of a population, or a mistake at `path`.
fn population_name(
    path: &str,
    layer: &str,
    population: &str,
    errors: &mut Vec<SpecError>,
) -> Option<PopulationName> {
    match format!("{layer}.{population}").parse() {
        Ok(name) => Some(name),
        Err(message) => {
            errors.push(SpecError::new(path, message));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_rule_takes_the_network_s_rate_and_must_have_one() {
        let layers = json!({"Input": {"E": {"size": 2}},
            "Output": {"E": {"size": 1, "bias_learning_rule": "Backprop"}}});
        let projections = json!({"Output.E": {"Input.E": {}}});
        let (_, learning) =
            from_reference(&layers, &projections, &json!({"learning_rate": 0.5})).unwrap();
        assert!(learning.rules.iter().all(|rule| rule.learning_rate == 0.5));
        assert_eq!((learning.rules.len(), learning.tracked_steps), (2, Some(1)));
        let errors = from_reference(&layers, &projections, &json!({})).unwrap_err();
        let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "projection_config.Output.E.Input.E.learning_rule_kwargs.learning_rate",
                "layer_config.Output.E.bias_learning_rule_kwargs.learning_rate",
            ]
        );
    }

    #[test]
    fn names_that_are_none_are_refused_with_their_path() {
        let errors = from_reference(
            &json!({"In put": {"E": {"size": 2}}}),
            &json!({"H1": {"E.x": {"Input": {"E": {}}}}}),
            &json!({"learning_rate": 1}),
        )
        .unwrap_err()
        .to_string();
        assert!(
            errors.contains("layer_config.In put.E: `In put.E` is no"),
            "{errors}"
        );
        assert!(
            errors.contains("projection_config.H1.E.x.Input.E: `H1.E.x`"),
            "{errors}"
        );
    }
}
