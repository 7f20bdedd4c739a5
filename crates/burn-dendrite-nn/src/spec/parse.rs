//! From text to specifications, with mistakes that name their path and the nearest accepted word.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{SpecError, SpecErrors, error::unknown_name};

/// The text formats of a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// TOML.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// The value that `text` holds.
    ///
    /// # Errors
    ///
    /// One sentence with line and column where the text is not in this format.
    pub fn read(self, text: &str) -> Result<Value, SpecErrors> {
        match self {
            Self::Toml => toml::from_str::<toml::Table>(text)
                .map_err(|error| error.to_string())
                .and_then(|table| serde_json::to_value(table).map_err(|error| error.to_string())),
            Self::Json => serde_json::from_str(text).map_err(|error| error.to_string()),
        }
        .map_err(|error| SpecError::new(format!("{self:?}"), error.trim().to_owned()).into())
    }
}

/// Reads `value` as `T`.
///
/// # Errors
///
/// The first mistake, with its path below `path` and, for an unknown word, the nearest accepted
/// one.
pub fn deserialize<T: DeserializeOwned>(path: &str, value: Value) -> Result<T, SpecError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let path = match (path, inner.as_str()) {
            ("", _) => inner,
            (_, "." | "?" | "") => path.to_owned(),
            _ => format!("{path}.{inner}"),
        };
        SpecError::new(path, improve(&error.inner().to_string()))
    })
}

/// The error for a table whose `kind` is missing or not one of `accepted`, in serde's words.
pub fn unknown_kind(value: &Value, accepted: &[&str]) -> Option<String> {
    match value.get("kind") {
        Some(Value::String(kind)) if accepted.contains(&kind.as_str()) => None,
        Some(Value::String(kind)) => {
            let list: Vec<String> = accepted.iter().map(|name| format!("`{name}`")).collect();
            Some(format!(
                "unknown variant `{kind}`, expected one of {}",
                list.join(", ")
            ))
        }
        _ => Some(format!(
            "a table with the key `kind` is needed; kinds: {}",
            accepted.join(", ")
        )),
    }
}

/// serde's "unknown field `x`, expected one of `y`, `z`" with the nearest word named.
fn improve(message: &str) -> String {
    for (start, what) in [("unknown field ", "key"), ("unknown variant ", "kind")] {
        let Some(rest) = message.strip_prefix(start) else {
            continue;
        };
        let mut words = rest.split('`').skip(1).step_by(2);
        let Some(given) = words.next() else { continue };
        let accepted: Vec<&str> = words.collect();
        return match accepted.as_slice() {
            [] => format!("unknown {what} `{given}`; no key is accepted here"),
            accepted => unknown_name(what, given, accepted),
        };
    }
    message.to_owned()
}

/// Collects the mistakes of many parts, so that a file's are all reported at once.
#[derive(Debug, Default)]
pub struct Collector {
    errors: Vec<SpecError>,
}

impl Collector {
    /// Adds one mistake.
    pub fn add(&mut self, error: SpecError) {
        self.errors.push(error);
    }

    /// Adds all mistakes of a part.
    pub fn extend(&mut self, errors: SpecErrors) {
        self.errors.extend(errors);
    }

    /// Reads each entry of the list at `key` as `T` and keeps the mistakes. The paths name an entry
    /// by what `name_key` holds, e.g. `network.projection[H1.E<-Input.E].timing`.
    pub fn entries<T: DeserializeOwned>(
        &mut self,
        path: &str,
        table: &Value,
        key: &str,
        name_key: &str,
    ) {
        let Some(entries) = table.get(key).and_then(Value::as_array) else {
            return;
        };
        for (index, entry) in entries.iter().enumerate() {
            let name = entry.get(name_key).and_then(Value::as_str);
            let name = name.map_or_else(|| index.to_string(), str::to_owned);
            let path = format!("{path}.{key}[{name}]");
            if let Err(error) = deserialize::<T>(&path, entry.clone()) {
                self.add(error);
            }
        }
    }

    /// `Ok(())` where nothing was collected.
    ///
    /// # Errors
    ///
    /// Everything that was collected.
    pub fn finish(self) -> Result<(), SpecErrors> {
        SpecErrors::or(self.errors, || ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::ProjectionSpec;

    #[test]
    fn a_mistyped_key_names_its_path_and_the_nearest_key() {
        let text = r#"{"list": [{"name": "H1.E<-Input.E", "timming": "previous", "weight": {}},
                                {"name": "H2.E<-H1.E", "weight": {"kind": "tide"}}]}"#;
        let value = Format::Json.read(text).unwrap();
        let mut mistakes = Collector::default();
        mistakes.entries::<ProjectionSpec>("network", &value, "list", "name");
        let errors = mistakes.finish().unwrap_err();
        let lines: Vec<String> = errors.iter().map(SpecError::to_string).collect();
        assert!(
            lines[0].starts_with(
                "network.list[H1.E<-Input.E].timming: unknown key `timming`; did you mean `timing`?"
            ),
            "{}",
            lines[0]
        );
        assert!(
            lines[1].starts_with(
                "network.list[H2.E<-H1.E].weight: unknown kind `tide`; did you mean `tied`?"
            ),
            "{}",
            lines[1]
        );
    }

    #[test]
    fn text_that_is_not_in_the_format_is_refused_with_its_place() {
        let error = Format::Toml.read("a = [1,").unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
        assert!(Format::Json.read("{").is_err());
    }
}
