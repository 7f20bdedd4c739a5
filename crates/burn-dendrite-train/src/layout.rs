//! A specification as TOML that is pleasant to read and to edit.

use burn_dendrite_nn::{Activation, SpecError, SpecErrors, spec::Format};
use serde::Serialize;
use serde_json::{Map, Value};
use toml::ser::ValueSerializer;

use crate::spec::ExperimentSpec;

impl ExperimentSpec {
    /// The specification as TOML that is pleasant to read: a line for each population, projection
    /// and rule, without what is at its default. [`parse`](Self::parse) reads it back unchanged.
    ///
    /// # Errors
    ///
    /// One sentence where a value has no form in TOML, which [`check`](Self::check) would refuse.
    pub fn to_toml(&self) -> Result<String, SpecErrors> {
        let wrong = |message: String| SpecErrors::from(SpecError::new("TOML", message));
        let value = serde_json::to_value(self).map_err(|error| wrong(error.to_string()))?;
        let Value::Object(mut root) = value else {
            return Err(wrong("a specification is a table".to_owned()));
        };
        leave_out_defaults(self, &mut root);
        let mut text = String::new();
        section(&mut text, "", &root).map_err(|error| wrong(error.to_string()))?;
        // TOML has no word for some values, e.g. a bound that is no number.
        if ExperimentSpec::parse(&text, Format::Toml).as_ref() != Ok(self) {
            let message = "some value of this specification cannot be written, e.g. one not finite";
            return Err(wrong(message.to_owned()));
        }
        Ok(text)
    }
}

fn leave_out_defaults(spec: &ExperimentSpec, root: &mut Map<String, Value>) {
    for (key, is_default) in [
        ("data", spec.data == Default::default()),
        ("optimizer", spec.optimizer == Default::default()),
        ("schedule", spec.schedule == Default::default()),
        ("batch_scaling", spec.batch_scaling == Default::default()),
        ("budget", spec.budget == Default::default()),
    ] {
        if is_default {
            // This way of removing keeps the order of the other keys.
            root.shift_remove(key);
        }
    }
    let entries = root
        .get_mut("network")
        .and_then(|it| it.get_mut("population"));
    let entries = entries.and_then(Value::as_array_mut).into_iter().flatten();
    for (entry, population) in entries.zip(&spec.network.populations) {
        if population.activation == Activation::default()
            && let Some(entry) = entry.as_object_mut()
        {
            entry.shift_remove("activation");
        }
    }
}

/// Writes plain values, then lists of tables with a line for each, then tables that hold such
/// lists as sections of their own.
fn section(
    text: &mut String,
    path: &str,
    table: &Map<String, Value>,
) -> Result<(), toml::ser::Error> {
    let plain = |value: &Value| !is_list(value) && !is_section(value);
    for (key, value) in table.iter().filter(|(_, value)| plain(value)) {
        text.push_str(&format!("{key} = {}\n", inline(value)?));
    }
    for (key, value) in table.iter().filter(|(_, value)| is_list(value)) {
        list(text, key, value)?;
    }
    for (key, value) in table.iter().filter(|(_, value)| is_section(value)) {
        let path = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        text.push_str(&format!("\n[{path}]\n"));
        section(text, &path, value.as_object().unwrap_or(&Map::new()))?;
    }
    Ok(())
}

/// A list of tables, a line each; projections are grouped by the layer that receives.
fn list(text: &mut String, key: &str, value: &Value) -> Result<(), toml::ser::Error> {
    text.push_str(&format!("{key} = [\n"));
    let mut layer = None;
    for entry in value.as_array().into_iter().flatten() {
        let name = entry.get("name").and_then(Value::as_str);
        let post = name.and_then(|name| name.split_once("<-"));
        let onto = post.and_then(|(post, _)| post.split('.').next());
        if onto.is_some() && onto != layer {
            text.push_str(&format!("    # onto {}\n", onto.unwrap_or_default()));
            layer = onto;
        }
        text.push_str(&format!("    {},\n", inline(entry)?));
    }
    text.push_str("]\n");
    Ok(())
}

fn is_list(value: &Value) -> bool {
    let entries = value.as_array().filter(|entries| !entries.is_empty());
    entries.is_some_and(|entries| entries.iter().all(Value::is_object))
}

fn is_section(value: &Value) -> bool {
    let values = value.as_object().into_iter().flatten();
    values
        .into_iter()
        .any(|(_, value)| is_list(value) || is_section(value))
}

fn inline<T: Serialize + ?Sized>(value: &T) -> Result<String, toml::ser::Error> {
    let mut text = String::new();
    value.serialize(ValueSerializer::new(&mut text))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    #[test]
    fn every_preset_is_written_as_it_is_read() {
        for name in presets::names() {
            let spec = presets::load(name).unwrap();
            let text = spec.to_toml().unwrap();
            assert_eq!(ExperimentSpec::parse(&text, Format::Toml).unwrap(), spec);
        }
    }

    #[test]
    fn a_line_is_written_for_each_part_and_none_for_a_default() {
        let spec = presets::load("mnist-dtp").unwrap();
        let text = spec.to_toml().unwrap();
        for line in [
            "name = \"mnist-dtp\"",
            "\n[network]\ntau = 3.0\nsteps = 15\npopulation = [\n",
            "\n    { name = \"H1.E\", size = 500, cell = \"excitatory\" },\n",
            "\n    # onto H2\n    { name = \"H2.E<-H1.E\", weight = { kind = \"half_kaiming\", scale = ",
            "\n[learning]\nnudge = { settling = \"instant\", gate = \"relu\"",
            "constraints = [{ kind = \"no_autapses\" }] },\n",
        ] {
            assert!(text.contains(line), "`{line}` is missing in:\n{text}");
        }
        assert!(!text.contains("optimizer") && !text.contains("activation"));
    }

    #[test]
    fn what_is_not_at_its_default_is_written() {
        let mut spec = presets::load("mnist-backprop-ann").unwrap();
        spec.optimizer = serde_json::from_value(serde_json::json!({ "kind": "adam" })).unwrap();
        spec.network.populations[1].activation = Activation::Tanh;
        let text = spec.to_toml().unwrap();
        assert!(text.contains("optimizer = { kind = \"adam\" }\n"), "{text}");
        assert_eq!(text.matches("activation = \"tanh\"").count(), 1);
        assert_eq!(ExperimentSpec::parse(&text, Format::Toml).unwrap(), spec);
    }

    #[test]
    fn what_toml_cannot_hold_is_refused() {
        let mut spec = presets::load("mnist-backprop-ann").unwrap();
        spec.network.tau = f64::NAN;
        assert!(spec.to_toml().is_err());
    }
}
