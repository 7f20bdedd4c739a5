//! The reference's simplified forms, written out in full.
//!
//! Its network builder accepts two short forms beside the long one:
//!
//! - in `projection_config` a population is named in one key, `H1.E: {Input.E: {…}}`; there `type`
//!   (`exc`, `inh`) may stand for `weight_bounds`, and the word `None` for null;
//! - in `layer_config` a fixed bias may be written `bias: uniform(0, 1)`.

use burn_dendrite_nn::SpecError;
use serde_json::{Map, Value, json};

use super::keys::entries;

const ROOT: &str = "projection_config";

/// The nested form of `projection_config`.
///
/// As in the reference, projections onto one population are grouped by presynaptic layer.
pub(super) fn projections(config: &Value, errors: &mut Vec<SpecError>) -> Value {
    let mut nested = Map::new();
    for (post, sources) in entries(ROOT, config, errors) {
        let path = format!("{ROOT}.{post}");
        let Some((layer, population)) = post.split_once('.') else {
            // The long form of this layer.
            for (population, sources) in entries(&path, sources, errors) {
                let path = format!("{path}.{population}");
                insert(
                    &mut nested,
                    [post, population],
                    sources.clone(),
                    &path,
                    errors,
                );
            }
            continue;
        };
        let mut by_layer = Map::new();
        for (pre, config) in entries(&path, sources, errors) {
            let path = format!("{path}.{pre}");
            match pre.split_once('.') {
                Some((layer, population)) => {
                    let config = projection(&path, config, errors);
                    insert(&mut by_layer, [layer, population], config, &path, errors);
                }
                None => {
                    let message = format!(
                        "`{pre}` cannot be represented; accepted here: layer and population, e.g. \
                         `Input.E`"
                    );
                    errors.push(SpecError::new(path, message));
                }
            }
        }
        let by_layer = Value::Object(by_layer);
        insert(&mut nested, [layer, population], by_layer, &path, errors);
    }
    Value::Object(nested)
}

fn insert(
    tables: &mut Map<String, Value>,
    [layer, population]: [&str; 2],
    value: Value,
    path: &str,
    errors: &mut Vec<SpecError>,
) {
    let layer = tables.entry(layer).or_insert_with(|| json!({}));
    if let Value::Object(layer) = layer
        && layer.insert(population.to_owned(), value).is_some()
    {
        errors.push(SpecError::new(path, "is given twice"));
    }
}

/// The keys of one projection with the short words written out.
fn projection(path: &str, config: &Value, errors: &mut Vec<SpecError>) -> Value {
    let Value::Object(table) = config else {
        return config.clone();
    };
    let mut long = Map::new();
    for (key, value) in table {
        if key == "type" {
            if table.contains_key("weight_bounds") {
                let message = "stands beside `weight_bounds`; accepted: one of the two";
                errors.push(SpecError::new(format!("{path}.type"), message));
            }
            let word = value.as_str().map(str::to_lowercase);
            let bounds = match word.as_deref() {
                Some("e" | "exc" | "excitatory") => json!([0, null]),
                Some("i" | "inh" | "inhibitory") => json!([null, 0]),
                _ => {
                    let message = format!(
                        "`{value}` cannot be represented; accepted: `exc`, `inh`, `E`, `I`, \
                         `excitatory`, `inhibitory`"
                    );
                    errors.push(SpecError::new(format!("{path}.type"), message));
                    Value::Null
                }
            };
            long.insert("weight_bounds".to_owned(), bounds);
        } else if value == "None" {
            long.insert(key.clone(), Value::Null);
        } else {
            long.insert(key.clone(), value.clone());
        }
    }
    Value::Object(long)
}

/// The initialiser and arguments of `bias: uniform(0, 1)`, in the names of the long form.
pub(super) fn bias(text: &str) -> Option<(String, Vec<f64>)> {
    let (name, arguments) = text.trim().strip_suffix(')')?.split_once('(')?;
    let arguments: Result<Vec<f64>, _> = arguments
        .split(',')
        .map(|argument| argument.trim().parse::<f64>())
        .collect();
    let arguments = arguments.ok()?;
    let finite = arguments.iter().all(|argument| argument.is_finite());
    finite.then(|| (format!("{}_", name.trim()), arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(config: Value) -> (String, Vec<String>) {
        let mut errors = Vec::new();
        let value = projections(&config, &mut errors);
        let errors = errors.iter().map(SpecError::to_string).collect();
        (value.to_string(), errors)
    }

    #[test]
    fn names_in_one_key_are_nested_and_grouped_by_layer() {
        let (long, errors) = expand(json!({
            "H1.E": {
                "Input.E": {"type": "Exc", "learning_rule": "None"},
                "H1.SomaI": {"type": "inh", "direction": "R"},
                "Input.I": {"weight_bounds": [null, 0]},
            },
            "H1.SomaI": {"Input.E": {"type": "E"}},
        }));
        assert_eq!(errors, [""; 0]);
        let expected = r#"{"H1":{"E":{"Input":{"E":{"weight_bounds":[0,null],"learning_rule":null},"I":{"weight_bounds":[null,0]}},"H1":{"SomaI":{"weight_bounds":[null,0],"direction":"R"}}},"SomaI":{"Input":{"E":{"weight_bounds":[0,null]}}}}}"#;
        assert_eq!(long, expected);
        // The long form stays as it is, word for word.
        let (again, errors) = expand(serde_json::from_str(expected).unwrap());
        assert_eq!((again.as_str(), errors.len()), (expected, 0));
    }

    #[test]
    fn what_is_neither_form_is_refused_with_its_path() {
        let refused = |config| expand(config).1;
        let message = &refused(json!({"H1.E": {"Input": {"E": {}}}}))[0];
        assert!(message.starts_with("projection_config.H1.E.Input: `Input` cannot be"));
        let message = &refused(json!({"H1.E": {"Input.E": {"type": "x"}}}))[0];
        assert!(message.starts_with(r#"projection_config.H1.E.Input.E.type: `"x"` cannot"#));
        let message =
            &refused(json!({"H1.E": {"Input.E": {"type": "e", "weight_bounds": [0, null]}}}))[0];
        assert!(message.contains("beside `weight_bounds`"));
        let message = &refused(json!({"H1.E": {"Input.E": {}}, "H1": {"E": {}}}))[0];
        assert_eq!(message, "projection_config.H1.E: is given twice");
        let message = &refused(json!({"H1.E": [1]}))[0];
        assert!(message.starts_with("projection_config.H1.E: `[1]` cannot"));
    }

    #[test]
    fn a_bias_is_a_name_with_numbers() {
        assert_eq!(
            bias("uniform(0, 0.5)"),
            Some(("uniform_".to_owned(), vec![0.0, 0.5]))
        );
        assert_eq!(bias("fill(1)"), Some(("fill_".to_owned(), vec![1.0])));
        for wrong in ["0.1", "uniform", "uniform()", "uniform(a)", "fill(nan)"] {
            assert_eq!(bias(wrong), None, "{wrong}");
        }
    }
}
