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

    /// Reports every key that nobody took.
    pub(super) fn finish(self, errors: &mut Vec<SpecError>) {
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
