//! `training_kwargs`: time constants, steps, and what every rule shares.

use burn_dendrite_nn::SpecError;
use serde_json::Value;

use super::keys::Keys;

/// What `training_kwargs` says, with the reference's defaults.
#[derive(Debug, PartialEq)]
pub(super) struct Training {
    pub(super) tau: f64,
    pub(super) steps: usize,
    /// The last forward steps that backprop goes through.
    pub(super) tracked_steps: usize,
    /// For rules that name none of their own.
    pub(super) learning_rate: Option<f64>,
}

impl Training {
    pub(super) fn read(config: &Value, errors: &mut Vec<SpecError>) -> Self {
        let mut keys = Keys::new("training_kwargs", config);
        let training = Self {
            tau: keys.number("tau", errors).unwrap_or(1.0),
            steps: keys.count("forward_steps", errors).unwrap_or(1),
            tracked_steps: keys.count("backward_steps", errors).unwrap_or(1),
            learning_rate: keys.number("learning_rate", errors),
        };
        only(&mut keys, "optimizer", "SGD", errors);
        only(&mut keys, "criterion", "MSELoss", errors);
        if keys.flag("use_amp", errors) == Some(true) {
            keys.refuse("use_amp", "true", "`false`", errors);
        }
        if let Some(seed) = keys.take("seed") {
            let accepted = "no seed here: a run is given one, `dendrite train --seed`";
            keys.refuse("seed", &seed.to_string(), accepted, errors);
        }
        // Where it runs and how much it prints is decided when a run starts.
        keys.ignore("device");
        keys.ignore("verbose");
        keys.finish(errors);
        training
    }
}

/// Takes a key that has one accepted word, and its arguments, of which none is accepted.
fn only(keys: &mut Keys<'_>, key: &str, accepted: &str, errors: &mut Vec<SpecError>) {
    if let Some(name) = keys.text(key, errors).filter(|name| name != accepted) {
        keys.refuse(key, &name, &format!("`{accepted}`"), errors);
    }
    let arguments_key = format!("{key}_kwargs");
    let arguments = keys.take(&arguments_key).unwrap_or_default();
    Keys::new(&keys.path(&arguments_key), &arguments).finish(errors);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(config: Value) -> (Training, Vec<String>) {
        let mut errors = Vec::new();
        let training = Training::read(&config, &mut errors);
        (training, errors.iter().map(SpecError::to_string).collect())
    }

    #[test]
    fn what_is_missing_is_the_reference_s_default() {
        let (training, errors) = read(json!({"verbose": true, "device": "cpu", "optimizer": "SGD",
            "optimizer_kwargs": {}, "criterion": "MSELoss", "criterion_kwargs": null}));
        assert_eq!(errors, [""; 0]);
        let expected = Training {
            tau: 1.0,
            steps: 1,
            tracked_steps: 1,
            learning_rate: None,
        };
        assert_eq!(training, expected);
    }

    #[test]
    fn every_key_that_is_not_ours_is_named() {
        let (_, errors) = read(json!({
            "optimizer": "Adam", "optimizer_kwargs": {"momentum": 0.9}, "criterion": "BCELoss",
            "use_amp": true, "seed": 5, "tau": "3", "forward_steps": 1.5, "speed": 1,
        }));
        let names = [
            "tau",
            "forward_steps",
            "optimizer",
            "optimizer_kwargs.momentum",
            "criterion",
            "use_amp",
            "seed",
            "speed",
        ];
        assert_eq!(errors.len(), names.len(), "{errors:#?}");
        for (error, name) in errors.iter().zip(names) {
            assert!(
                error.starts_with(&format!("training_kwargs.{name}: ")),
                "{error}"
            );
        }
    }
}
