//! A file of the reference as an experiment.

use std::path::Path;

use burn_dendrite_nn::{SpecError, SpecErrors, error::unknown_name};

use super::{from_reference, yaml};
use crate::{BatchScaling, ExperimentSpec, ScheduleSpec, optimizer::OptimizerSpec};

const KEYS: [&str; 3] = ["layer_config", "projection_config", "training_kwargs"];

/// Reads a YAML file of the reference (EIANN, Galloni et al. 2025), in its long or its simplified
/// form.
///
/// The experiment is named after the file, which is also its source. Names and sizes are checked
/// by [`ExperimentSpec::check`].
///
/// ```
/// use burn_dendrite_train::import;
///
/// let text = "
/// layer_config:
///   Input: {E: {size: 4}}
///   Output: {E: {size: 2, activation: relu}}
/// projection_config:
///   Output.E:
///     Input.E: {type: exc, weight_init: half_kaiming, weight_init_args: !!python/tuple [2.0]}
/// training_kwargs: {tau: 1, forward_steps: 1, learning_rate: 0.1}
/// ";
/// let spec = import::from_yaml(text, "Two_Layers.yaml")?;
/// assert_eq!(spec.name, "two-layers");
/// spec.check()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// Line and column where the text is not YAML, else all keys that cannot be represented, with
/// their paths and what would be accepted.
pub fn from_yaml(text: &str, file_name: &str) -> Result<ExperimentSpec, SpecErrors> {
    let config = yaml::read(text, file_name)?;
    let mut errors = Vec::new();
    let Some(table) = config.as_object() else {
        let message = format!("holds no table; accepted keys: {}", KEYS.join(", "));
        return Err(SpecError::new(file_name, message).into());
    };
    for key in table.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        errors.push(SpecError::new(key, unknown_name("key", key, KEYS)));
    }
    for key in KEYS.iter().filter(|key| !table.contains_key(**key)) {
        errors.push(SpecError::new(*key, "is missing; accepted: a table"));
    }
    // With a part missing, the errors of the others would follow from that.
    SpecErrors::or(errors, || ())?;
    let part = |key: &str| table.get(key).cloned().unwrap_or_default();
    let [layers, projections, training] = KEYS.map(part);
    let (network, learning) = from_reference(&layers, &projections, &training)?;
    Ok(ExperimentSpec {
        name: slug(file_name),
        description: "imported from a configuration of EIANN".to_owned(),
        source: file_name.to_owned(),
        dataset: None,
        data: Default::default(),
        network,
        learning,
        optimizer: OptimizerSpec::default(),
        clipping: None,
        schedule: ScheduleSpec::default(),
        warm_up: 0,
        batch_scaling: BatchScaling::default(),
        budget: Default::default(),
    })
}

/// The name of a file without its ending: small letters, numbers, and single hyphens.
fn slug(file_name: &str) -> String {
    let stem = Path::new(file_name).file_stem().unwrap_or_default();
    let stem = stem.to_string_lossy().to_lowercase();
    let words = stem.split(|c: char| !c.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    match words.as_slice() {
        [] => "imported".to_owned(),
        words => words.join("-"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_the_file_s() {
        assert_eq!(
            slug("20241009_EIANN_config_5J.yaml"),
            "20241009-eiann-config-5j"
        );
        assert_eq!(slug("__.yml"), "imported");
        assert_eq!(slug(""), "imported");
        assert_eq!(slug("a  b (2).x.yaml"), "a-b-2-x");
    }

    #[test]
    fn keys_at_the_top_that_are_missing_or_not_ours_are_named() {
        let refused = |text| from_yaml(text, "f.yaml").unwrap_err().to_string();
        let message = refused("layer_config: {}\nprojection_confg: {}\n");
        assert!(
            message.contains("did you mean `projection_config`?"),
            "{message}"
        );
        assert!(message.contains("training_kwargs: is missing"), "{message}");
        assert!(refused("[1]").contains("f.yaml: holds no table"));
        assert!(refused("").contains("f.yaml: holds no table"));
    }
}
