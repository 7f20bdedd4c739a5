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
    pub fn read(self, text: &str) -> Result<Value, String> {
        let value = match self {
            Self::Toml => toml::from_str::<toml::Table>(text)
                .map_err(|error| toml_error(&error, text))
                .and_then(|table| {
                    let table = toml::Value::Table(table);
                    no_number(&table).map_or(Ok(()), Err)?;
                    serde_json::to_value(table).map_err(|error| error.to_string())
                }),
            Self::Json => serde_json::from_str(text).map_err(|error| error.to_string()),
        };
        value.map_err(|error: String| error.trim().to_owned())
    }

    /// How it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Toml => "TOML",
            Self::Json => "JSON",
        }
    }
}

/// What is wrong with a text that is no TOML, or not the one that was asked for: the place, the line, and why.
pub fn toml_error(error: &toml::de::Error, text: &str) -> String {
    let lines: Vec<&str> = error.message().lines().map(str::trim).collect();
    let message = lines.join(", ");
    let Some(before) = error.span().and_then(|span| text.get(..span.start)) else {
        return message;
    };
    let number = before.matches('\n').count();
    let line = text.lines().nth(number).unwrap_or_default().trim();
    let column = before.chars().rev().take_while(|it| *it != '\n').count() + 1;
    let value = line.split_once('=').map_or("", |(_, value)| value.trim());
    let hint = if value.trim_start_matches(['+', '-']).starts_with('.') {
        "; a number begins with a digit, as in `0.001`"
    } else {
        ""
    };
    format!(
        "line {}, column {column}, `{line}`: {message}{hint}",
        number + 1
    )
}

/// A sentence on the first number that is none, for which JSON and networks have no use.
fn no_number(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::Float(number) if !number.is_finite() => Some(format!(
            "`{number}` is no value here; accepted: finite numbers"
        )),
        toml::Value::Array(values) => values.iter().find_map(no_number),
        toml::Value::Table(table) => table.iter().find_map(|(key, value)| {
            let found = no_number(value)?;
            let between = if found.starts_with('`') { ": " } else { "." };
            Some(format!("{key}{between}{found}"))
        }),
        _ => None,
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
            ("", "." | "?" | "") => "the whole".to_owned(),
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
    if let Some(key) = message.strip_prefix("missing field ") {
        return format!("the key {key} is missing");
    }
    if let Some(found) = message.strip_prefix("invalid length ")
        && let Some((found, wanted)) = found.split_once(", expected an array of length ")
    {
        return format!("a list of {found} is given; accepted: a list of {wanted}");
    }
    let found = ["invalid type: ", "invalid value: "].iter();
    let Some(found) = found.filter_map(|start| message.strip_prefix(start)).next() else {
        return message.to_owned();
    };
    // Names of Rust's types say nothing to somebody who writes a file.
    let Some((found, wanted)) = found.rsplit_once(", expected ") else {
        return message.to_owned();
    };
    let wanted = match wanted {
        "f64" | "f32" => "a number",
        "u8" => "a whole number from 0 to 255",
        "usize" | "u64" | "u32" | "u16" => "a whole number, 0 or more",
        "a string" | "string" => "text in quotes",
        "a boolean" => "true or false",
        "path string" => "text in quotes",
        "a sequence" => "a list",
        wanted if wanted.starts_with("internally tagged enum ") => "a table with the key `kind`",
        wanted if wanted.starts_with("struct ") || wanted == "a map" => "a table",
        wanted => wanted,
    };
    format!("{found} is given; accepted: {wanted}")
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

    #[test]
    fn what_people_write_is_refused_in_one_line_with_the_way_out() {
        let refused = |text: &str| {
            let message = Format::Toml.read(text).unwrap_err().to_string();
            assert_eq!(message.lines().count(), 1, "{message}");
            message
        };
        let message = refused("name = \"mine\"\ntau = .001\n");
        for part in ["line 2, column 7, ", "`tau = .001`", "as in `0.001`"] {
            assert!(message.contains(part), "{message}");
        }
        let message = refused("[network]\ntau = 3\nlist = [{ a = 1 }, { b = nan }]\n");
        assert!(
            message.contains("network.list.b: `NaN` is no value"),
            "{message}"
        );
        let message = refused("[network]\ntau = inf\n");
        assert!(message.contains("network.tau: `inf`"), "{message}");
        refused("name = my network\n");
        refused("a = 1\na = 2\n");
    }

    #[test]
    fn types_are_named_in_words() {
        let read = |text: &str| {
            let value = Format::Json.read(text).unwrap();
            deserialize::<ProjectionSpec>("", value)
                .unwrap_err()
                .to_string()
        };
        let message = read(r#"{"weight": {"kind": "half_kaiming"}}"#);
        assert!(message.contains("the key `name` is missing"), "{message}");
        let name = r#""name": "H1.E<-Input.E", "weight": {"kind": "half_kaiming"}"#;
        let message = read(&format!("{{{name}, \"constraints\": 3}}"));
        assert!(message.contains("accepted: a list"), "{message}");
        let tied = r#"{"name": "H1.E<-Input.E", "weight": {"kind": "tied", "of": "A.E<-B.E", "scale": "x"}}"#;
        let message = read(tied);
        assert!(
            message.contains("string \"x\" is given; accepted: a number"),
            "{message}"
        );
    }
}
