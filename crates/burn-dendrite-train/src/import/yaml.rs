//! From YAML to a value, as the reference's own reader (PyYAML) understands it.

use burn_dendrite_nn::{SpecError, SpecErrors};
use serde_json::{Map, Value};
use serde_saphyr::{UserMessageFormatter, options::MergeKeyPolicy};

/// The key that stands for all entries of another table.
const MERGE: &str = "<<";

/// Reads one YAML document; the order of keys is kept.
///
/// Tags such as `!!python/tuple` say how Python holds a value and change nothing here. Repeated
/// keys, several documents, numbers that are not finite, and aliases that expand without end are
/// refused.
///
/// # Errors
///
/// One sentence with line and column, under the name of the file.
pub(super) fn read(text: &str, file_name: &str) -> Result<Value, SpecErrors> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // The reader of YAML expands merge keys too, but in another order than PyYAML, and the
        // order of populations and projections has a meaning.
        merge_keys: MergeKeyPolicy::AsOrdinary,
        // PyYAML reads `010` as 8 and `1_000` as 1000, newer readers do not: neither is a number
        // here, so whoever asks for one says so.
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    let value: Value = serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let message = error.render_with_formatter(&UserMessageFormatter);
        SpecError::new(file_name, message.trim().replace('\n', " "))
    })?;
    let mut errors = Vec::new();
    let value = merged("", value, &mut errors);
    SpecErrors::or(errors, || value)
}

/// Replaces merge keys by the entries that they stand for.
///
/// As in PyYAML the merged entries come first, those of a list from its last table to its first,
/// and a key that is given again changes its value but keeps that place.
fn merged(path: &str, value: Value, errors: &mut Vec<SpecError>) -> Value {
    let table = match value {
        Value::Object(table) => table,
        Value::Array(values) => {
            let values = values.into_iter().enumerate();
            let values =
                values.map(|(index, value)| merged(&format!("{path}[{index}]"), value, errors));
            return Value::Array(values.collect());
        }
        other => return other,
    };
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    let mut all = Map::new();
    if let Some(source) = table.get(MERGE) {
        let sources = match source {
            Value::Array(sources) => sources.iter().rev().collect(),
            source => vec![source],
        };
        for source in sources {
            match merged(&below(MERGE), source.clone(), errors) {
                Value::Object(source) => all.extend(source),
                other => {
                    let message = format!("`{other}` cannot be merged; accepted: a table");
                    errors.push(SpecError::new(below(MERGE), message));
                }
            }
        }
    }
    for (key, value) in table.into_iter().filter(|(key, _)| key != MERGE) {
        let value = merged(&below(&key), value, errors);
        all.insert(key, value);
    }
    Value::Object(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(text: &str) -> String {
        read(text, "file.yaml").unwrap_err().to_string()
    }

    #[test]
    fn tuples_are_lists_and_keys_keep_their_order() {
        let text = "z: !!python/tuple\n- 0\n- null\na: !!python/tuple [1, 2.5]\nm: {b: True, a: ~}";
        let value = read(text, "").unwrap();
        assert_eq!(
            value.to_string(),
            r#"{"z":[0,null],"a":[1,2.5],"m":{"b":true,"a":null}}"#
        );
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, parts) in [
            ("a: 1\na: 2\n", ["`a`", "line 2, column 1"]),
            ("a: {b: 1,\n", ["unclosed", "line 1, column 4"]),
            ("a:\n  b: 1\n c: 2\n", ["mapping", "line 3"]),
            ("a: 1\n---\na: 2\n", ["single", "line 3"]),
            ("a: .inf\n", ["finite", "line 1, column 4"]),
            ("a: *b\n", ["unknown", "line 1, column 4"]),
            ("? [a]\n: 1\n", ["string", "line 1"]),
            ("null: 1\n", ["null", "line 1"]),
        ] {
            let message = refusal(text);
            assert!(message.starts_with("file.yaml: "), "{message}");
            assert!(!message.contains('\n'), "{message}");
            for part in parts {
                assert!(message.contains(part), "`{part}` is missing in: {message}");
            }
        }
    }

    #[test]
    fn numbers_that_two_readers_read_differently_are_no_numbers() {
        assert_eq!(
            read("{a: 010, b: 1_000, c: 1:30}", "").unwrap(),
            json!({"a": "010", "b": "1_000", "c": "1:30"})
        );
    }

    #[test]
    fn a_merge_key_brings_its_entries_first() {
        let text = "base: &base {x: 1, y: 2}\ntop: {z: 0, <<: *base, x: 3}\n";
        assert_eq!(
            read(text, "").unwrap()["top"].to_string(),
            r#"{"x":3,"y":2,"z":0}"#
        );
        // The first table of a list wins; what only the last one has comes first.
        let text = "top: {<<: [{x: 1}, {w: 2, x: 2}]}";
        assert_eq!(
            read(text, "").unwrap()["top"].to_string(),
            r#"{"w":2,"x":1}"#
        );
        assert!(refusal("a: {b: {<<: 5}}").contains("a.b.<<: `5` cannot be merged"));
    }

    #[test]
    fn aliases_that_expand_without_end_are_refused_at_once() {
        let mut bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n".to_owned();
        for (from, to) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            let nine = vec![format!("*{from}"); 9].join(",");
            bomb.push_str(&format!("{to}: &{to} [{nine}]\n"));
        }
        assert!(refusal(&bomb).contains("too large or too complex"));
        assert!(refusal("a: &a\n  b: *a\n").contains("ecursive"));
        assert!(refusal(&"[".repeat(100_000)).contains("recursion limit"));
    }
}
