//! `path=value`: overriding any value of a specification.

use serde_json::Value;

/// Why an override cannot be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// The text is not `path=value`.
    #[error("`--set {0}`: accepted: `path=value`, e.g. `network.tau=4`")]
    Form(String),
    /// The value is a number that is none, or beyond all bounds.
    #[error("`--set {0}`: accepted: a finite number")]
    NoNumber(String),
    /// Nothing in the specification has this path.
    #[error("`--set {expression}`: nothing is at `{path}`; accepted there: {accepted}")]
    NotFound {
        /// What was typed.
        expression: String,
        /// The part of the path that leads nowhere.
        path: String,
        /// What could stand there.
        accepted: String,
    },
}

/// Applies `path=value` to a specification.
///
/// A path is keys with dots between them; an entry of a list is chosen by its `name` or `on`, its
/// number, or `*` for all, in brackets: `learning.rule[H1.E<-Input.E].learning_rate=0.1`. The last
/// key may be new, so that a value left at its default can be set; the specification's own check
/// refuses one that does not exist. The value is TOML; what is not TOML is text.
///
/// # Errors
///
/// If the text has another form, or the path leads nowhere.
pub fn set(specification: &mut Value, expression: &str) -> Result<(), SetError> {
    let form = || SetError::Form(expression.to_owned());
    // Names hold no `=`, so the first one ends the path.
    let (path, text) = expression.split_once('=').ok_or_else(form)?;
    let steps = parse_path(path.trim()).ok_or_else(form)?;
    let value =
        parse_value(text.trim()).ok_or_else(|| SetError::NoNumber(expression.to_owned()))?;
    let (last, before) = steps.split_last().ok_or_else(form)?;
    let mut places = vec![specification];
    let mut walked = String::new();
    for step in before {
        walked.push_str(&step.to_string());
        let mut next = Vec::new();
        for place in places {
            let accepted = accepted(place);
            let found = step.find(place);
            if found.is_empty() {
                return Err(SetError::NotFound {
                    expression: expression.to_owned(),
                    path: walked.trim_start_matches('.').to_owned(),
                    accepted,
                });
            }
            next.extend(found);
        }
        places = next;
    }
    for place in places {
        let accepted = accepted(place);
        let found = match (last, place) {
            (Step::Key(key), Value::Object(table)) => {
                table.insert(key.clone(), value.clone());
                true
            }
            (step @ Step::Entry(_), place) => {
                let found = step.find(place);
                let any = !found.is_empty();
                found.into_iter().for_each(|it| *it = value.clone());
                any
            }
            _ => false,
        };
        if !found {
            return Err(SetError::NotFound {
                expression: expression.to_owned(),
                path: path.to_owned(),
                accepted,
            });
        }
    }
    Ok(())
}

enum Step {
    Key(String),
    Entry(String),
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Key(key) => write!(f, ".{key}"),
            Self::Entry(name) => write!(f, "[{name}]"),
        }
    }
}

impl Step {
    fn find<'a>(&self, place: &'a mut Value) -> Vec<&'a mut Value> {
        match (self, place) {
            (Self::Key(key), Value::Object(table)) => table.get_mut(key).into_iter().collect(),
            (Self::Entry(name), Value::Array(entries)) => (entries.iter_mut().enumerate())
                .filter(|(index, entry)| {
                    name == "*" || index.to_string() == *name || label(entry) == Some(name)
                })
                .map(|(_, entry)| entry)
                .collect(),
            _ => Vec::new(),
        }
    }
}

fn label(entry: &Value) -> Option<&str> {
    entry
        .get("name")
        .or_else(|| entry.get("on"))
        .and_then(Value::as_str)
}

fn accepted(place: &Value) -> String {
    let quoted = |names: Vec<String>| {
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match place {
        Value::Object(table) => quoted(table.keys().cloned().collect()),
        Value::Array(entries) => {
            let names = entries.iter().enumerate();
            let name = |(index, entry): (usize, &Value)| {
                format!(
                    "[{}]",
                    label(entry).map_or_else(|| index.to_string(), str::to_owned)
                )
            };
            quoted(names.map(name).collect())
        }
        _ => "nothing below a plain value".to_owned(),
    }
}

fn parse_path(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (name, after) = inside.split_once(']')?;
            steps.push(Step::Entry(name.trim().to_owned()));
            rest = after.strip_prefix('.').unwrap_or(after);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(rest[..end].trim().to_owned()));
            rest = rest[end..].strip_prefix('.').unwrap_or(&rest[end..]);
        }
    }
    (!steps.is_empty()).then_some(steps)
}

/// TOML, numbers that it does not know (`.001`, `1.`), or text; nothing for a number that is none.
fn parse_value(text: &str) -> Option<Value> {
    let number = text.parse::<f64>().ok();
    if number.is_some_and(|number| !number.is_finite()) {
        return None;
    }
    let value = toml::from_str::<toml::Table>(&format!("value = {text}"))
        .ok()
        .and_then(|mut table| table.remove("value"));
    if value.as_ref().is_some_and(holds_no_number) {
        return None;
    }
    let value = value
        .and_then(|value| serde_json::to_value(value).ok())
        // TOML has no word for integers of more than 63 bits, which are numbers all the same.
        .or_else(|| text.parse::<u64>().ok().map(Value::from));
    Some(match (value, number) {
        (Some(value), _) => value,
        (None, Some(number)) => Value::from(number),
        (None, None) => Value::String(text.to_owned()),
    })
}

/// Whether a number in it is none, or beyond all bounds, which JSON has no word for.
fn holds_no_number(value: &toml::Value) -> bool {
    match value {
        toml::Value::Float(number) => !number.is_finite(),
        toml::Value::Array(values) => values.iter().any(holds_no_number),
        toml::Value::Table(table) => table.values().any(holds_no_number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn spec() -> Value {
        json!({
            "network": { "tau": 3.0, "population": [{ "name": "H1.E", "size": 500 }] },
            "learning": { "rule": [
                { "on": "H1.E<-Input.E", "learning_rate": 0.1 },
                { "on": "H2.E<-H1.E", "learning_rate": 0.2 },
            ] },
        })
    }

    #[test]
    fn numbers_are_read_as_people_write_them_and_others_refused() {
        for (text, expected) in [(".001", 0.001), ("1.", 1.0), ("-.5", -0.5), ("1e-3", 0.001)] {
            let mut value = spec();
            set(&mut value, &format!("network.tau={text}")).unwrap();
            assert_eq!(value["network"]["tau"], json!(expected), "{text}");
        }
        for text in [
            "nan",
            "inf",
            "-inf",
            "NaN",
            "+infinity",
            "[1.0, nan]",
            "{ a = inf }",
        ] {
            let error = set(&mut spec(), &format!("network.tau={text}")).unwrap_err();
            assert!(error.to_string().contains("a finite number"), "{error}");
        }
    }

    #[test]
    fn values_are_found_by_key_name_number_and_star() {
        let mut value = spec();
        set(&mut value, "network.tau=4").unwrap();
        set(&mut value, "network.population[H1.E].size = 64").unwrap();
        set(&mut value, "learning.rule[H1.E<-Input.E].learning_rate=0.5").unwrap();
        set(&mut value, "learning.rule[1].rule={ kind = \"backprop\" }").unwrap();
        assert_eq!(value["network"]["tau"], 4);
        assert_eq!(value["network"]["population"][0]["size"], 64);
        assert_eq!(value["learning"]["rule"][0]["learning_rate"], 0.5);
        assert_eq!(value["learning"]["rule"][1]["rule"]["kind"], "backprop");
        set(&mut value, "learning.rule[*].learning_rate=0").unwrap();
        assert_eq!(value["learning"]["rule"][0]["learning_rate"], 0);
        set(&mut value, "name=a name").unwrap();
        assert_eq!(value["name"], "a name");
        set(&mut value, "network.tau=18446744073709551615").unwrap();
        assert_eq!(value["network"]["tau"], u64::MAX);
    }

    #[test]
    fn a_path_that_leads_nowhere_says_what_is_there() {
        let error = set(&mut spec(), "network.populations[H1.E].size=3")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("nothing is at `network.populations`"),
            "{error}"
        );
        assert!(error.contains("`population`"), "{error}");
        let error = set(&mut spec(), "learning.rule[H9.E].x=3")
            .unwrap_err()
            .to_string();
        assert!(error.contains("`[H2.E<-H1.E]`"), "{error}");
        assert_eq!(set(&mut spec(), "tau"), Err(SetError::Form("tau".into())));
        assert!(set(&mut spec(), "a[b=3").is_err());
        assert!(set(&mut spec(), "..=3").is_err());
    }
}
