//! Whether two files ask for the same thing.

use std::collections::BTreeMap;

use serde::Serialize;

/// The first field, in the order of their names, in which two values differ: its name, and its value
/// in one and in the other. Some fields may be left aside.
pub fn difference<T: Serialize>(
    one: &T,
    other: &T,
    aside: &[&str],
) -> Option<(String, String, String)> {
    let (one, other) = (fields(one), fields(other));
    let names = one.keys().chain(other.keys());
    let differs = |name: &&String| one.get(*name) != other.get(*name);
    let first = names
        .filter(|name| !aside.contains(&name.as_str()))
        .filter(differs)
        .min()?;
    let value = |fields: &BTreeMap<String, String>| {
        let value = fields.get(first).cloned();
        value.unwrap_or_else(|| "not given".to_owned())
    };
    Some((first.clone(), value(&one), value(&other)))
}

fn fields(value: &impl Serialize) -> BTreeMap<String, String> {
    let value = serde_json::to_value(value).unwrap_or_default();
    let fields = value.as_object().into_iter().flatten();
    fields
        .map(|(name, value)| (name.clone(), value.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Asked {
        seeds: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        patience: Option<u64>,
    }

    #[test]
    fn the_first_difference_has_a_name_and_both_values() {
        let asked = |seeds, patience| Asked { seeds, patience };
        let words = |one: &Asked, other: &Asked, aside: &[&str]| {
            difference(one, other, aside)
                .map(|(name, one, other)| format!("{name}: {one}, {other}"))
        };
        assert_eq!(words(&asked(1, None), &asked(1, None), &[]), None);
        let both = (asked(1, None), asked(2, Some(3)));
        assert_eq!(
            words(&both.0, &both.1, &[]).unwrap(),
            "patience: not given, 3"
        );
        assert_eq!(
            words(&both.1, &both.0, &["patience"]).unwrap(),
            "seeds: 2, 1"
        );
    }
}
