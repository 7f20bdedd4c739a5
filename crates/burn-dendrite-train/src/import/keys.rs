//! Reading a table key by key, so that none is overlooked.

use std::collections::BTreeSet;

use burn_dendrite_nn::SpecError;
use serde_json::Value;

/// A table of the reference whose keys are taken one by one; what is left over is an error.
pub(super) struct Keys<'a> {
    path: String,
    table: &'a Value,
    taken: BTreeSet<String>,
}

impl<'a> Keys<'a> {
    pub(super) fn new(path: &str, table: &'a Value) -> Self {
        Self {
            path: path.to_owned(),
            table,
            taken: BTreeSet::new(),
        }
    }

    pub(super) fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    pub(super) fn ignore(&mut self, key: &str) {
        self.taken.insert(key.to_owned());
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.get(key).is_some()
    }

    /// The value of a key; null counts as absent.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.ignore(key);
        self.table
            .get(key)
            .filter(|value| !value.is_null())
            .cloned()
    }

    fn take_as<T>(
        &mut self,
        key: &str,
        what: &str,
        errors: &mut Vec<SpecError>,
        convert: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        let converted = convert(&value);
        if converted.is_none() {
            self.refuse(key, &value.to_string(), what, errors);
        }
        converted
    }

    pub(super) fn number(&mut self, key: &str, errors: &mut Vec<SpecError>) -> Option<f64> {
        self.take_as(key, "a number", errors, Value::as_f64)
    }

    pub(super) fn count(&mut self, key: &str, errors: &mut Vec<SpecError>) -> Option<usize> {
        let count = |value: &Value| value.as_u64().and_then(|count| count.try_into().ok());
        self.take_as(key, "a whole number", errors, count)
    }

    pub(super) fn flag(&mut self, key: &str, errors: &mut Vec<SpecError>) -> Option<bool> {
        self.take_as(key, "`true`, `false`", errors, Value::as_bool)
    }

    /// Numbers in a list; one number may stand without it.
    pub(super) fn numbers(&mut self, key: &str, errors: &mut Vec<SpecError>) -> Option<Vec<f64>> {
        self.take_as(key, "a list of numbers", errors, |value| {
            match value.as_array() {
                Some(values) => values.iter().map(Value::as_f64).collect(),
                None => value.as_f64().map(|value| vec![value]),
            }
        })
    }

    /// A list of the lowest and the highest value, each of which may be null.
    pub(super) fn bounds(
        &mut self,
        key: &str,
        errors: &mut Vec<SpecError>,
    ) -> Option<(Option<f64>, Option<f64>)> {
        let bound = |value: &Value| match value {
            Value::Null => Some(None),
            value => value.as_f64().map(Some),
        };
        self.take_as(
            key,
            "a list of two numbers or nulls",
            errors,
            |value| match value.as_array()?.as_slice() {
                [low, high] => Some((bound(low)?, bound(high)?)),
                _ => None,
            },
        )
    }

    pub(super) fn text(&mut self, key: &str, errors: &mut Vec<SpecError>) -> Option<String> {
        self.take_as(key, "a word", errors, |value| {
            value.as_str().map(str::to_owned)
        })
    }

    pub(super) fn refuse(
        &self,
        key: &str,
        given: &str,
        accepted: &str,
        errors: &mut Vec<SpecError>,
    ) {
        let message = format!("`{given}` cannot be represented; accepted: {accepted}");
        errors.push(SpecError::new(self.path(key), message));
    }

    /// Reports a key without which nothing sensible can be made.
    pub(super) fn missing(&self, key: &str, accepted: &str, errors: &mut Vec<SpecError>) {
        let message = format!("is missing; accepted: {accepted}");
        errors.push(SpecError::new(self.path(key), message));
    }

    /// Reports every key that nobody took, and a value that is no table at all.
    pub(super) fn finish(self, errors: &mut Vec<SpecError>) {
        if !self.table.is_object() && !self.table.is_null() {
            let message = format!("`{}` cannot be represented; accepted: a table", self.table);
            errors.push(SpecError::new(&self.path, message));
        }
        let left = self
            .table
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key);
        for key in left.filter(|key| !self.taken.contains(*key)) {
            errors.push(SpecError::new(
                self.path(key),
                "this key cannot be represented",
            ));
        }
    }
}

/// Reports a projection or population that has no table of its own.
pub(super) fn needs_table(path: &str, value: &Value, errors: &mut Vec<SpecError>) {
    if value.is_null() {
        let message = "is empty; accepted: a table, `{}` for one of defaults";
        errors.push(SpecError::new(path, message));
    }
}

/// The entries of a table of tables.
pub(super) fn entries<'a>(
    path: &str,
    value: &'a Value,
    errors: &mut Vec<SpecError>,
) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    if !value.is_object() {
        let message = format!("`{value}` cannot be represented; accepted: a table of tables");
        errors.push(SpecError::new(path, message));
    }
    value.as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn errors(read: impl FnOnce(&mut Keys<'_>, &mut Vec<SpecError>), table: Value) -> Vec<String> {
        let mut errors = Vec::new();
        let mut keys = Keys::new("a", &table);
        read(&mut keys, &mut errors);
        keys.finish(&mut errors);
        errors.iter().map(SpecError::to_string).collect()
    }

    #[test]
    fn what_nobody_took_and_what_is_no_table_is_reported() {
        let none = |_: &mut Keys<'_>, _: &mut Vec<SpecError>| ();
        assert_eq!(
            errors(none, json!({"b": 1})),
            ["a.b: this key cannot be represented"]
        );
        assert_eq!(
            errors(none, json!(5)),
            ["a: `5` cannot be represented; accepted: a table"]
        );
        assert!(errors(none, Value::Null).is_empty());
    }

    #[test]
    fn a_bound_that_is_no_number_is_not_taken_for_none() {
        let read = |keys: &mut Keys<'_>, errors: &mut Vec<SpecError>| {
            keys.bounds("b", errors);
        };
        for wrong in [
            json!([0]),
            json!(["0", null]),
            json!([0, null, 1]),
            json!(0),
        ] {
            let errors = errors(read, json!({"b": wrong}));
            assert!(
                errors[0].contains("a list of two numbers or nulls"),
                "{errors:?}"
            );
        }
        assert!(errors(read, json!({"b": [null, 0.5]})).is_empty());
    }

    #[test]
    fn one_number_may_stand_for_a_list() {
        let table = json!({"one": 2, "many": [1.5, 2], "word": ["x"]});
        let mut keys = Keys::new("a", &table);
        let mut errors = Vec::new();
        assert_eq!(keys.numbers("one", &mut errors), Some(vec![2.0]));
        assert_eq!(keys.numbers("many", &mut errors), Some(vec![1.5, 2.0]));
        assert!(errors.is_empty());
        assert_eq!(keys.numbers("word", &mut errors), None);
        assert_eq!(errors.len(), 1);
    }
}
