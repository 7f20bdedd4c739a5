//! The reference's initialisers, its own and torch's, in our terms.

use burn_dendrite_nn::{
    InitializerSpec, SpecError,
    init::{Constant, HalfKaiming, Normal, ScaledKaiming, Uniform},
};

use super::keys::Keys;

pub(super) const ACCEPTED: &str = "`half_kaiming [scale]`, `scaled_kaiming [scale]`, `uniform_ \
                                   [low, high]`, `normal_ [mean, deviation]`, `fill_ [value]`, \
                                   `zero_`";

/// The initialiser that two keys stand for; `None` where the first one is missing.
pub(super) fn initializer(
    keys: &mut Keys<'_>,
    key: &str,
    arguments_key: &str,
    errors: &mut Vec<SpecError>,
) -> Option<InitializerSpec> {
    let arguments = keys.numbers(arguments_key, errors);
    let Some(kind) = keys.text(key, errors) else {
        if arguments.is_some() && !keys.has(key) {
            keys.missing(key, "the initialiser that takes these arguments", errors);
        }
        return None;
    };
    let arguments = arguments.unwrap_or_default();
    let found = named(&kind, &arguments);
    if found.is_none() {
        keys.refuse(key, &format!("{kind} {arguments:?}"), ACCEPTED, errors);
    }
    found
}

/// The initialiser of a name of the reference.
pub(super) fn named(kind: &str, arguments: &[f64]) -> Option<InitializerSpec> {
    let uniform = |low, high| Uniform { low, high }.into();
    let normal = |mean, standard_deviation| {
        Normal {
            mean,
            standard_deviation,
        }
        .into()
    };
    Some(match (kind, arguments) {
        ("half_kaiming", []) => HalfKaiming { scale: 1.0 }.into(),
        ("half_kaiming", [scale]) => HalfKaiming { scale: *scale }.into(),
        ("scaled_kaiming", []) => ScaledKaiming { scale: 1.0 }.into(),
        ("scaled_kaiming", [scale]) => ScaledKaiming { scale: *scale }.into(),
        // torch's defaults: 0 to 1, and the standard normal.
        ("uniform_", []) => uniform(0.0, 1.0),
        ("uniform_", [low]) => uniform(*low, 1.0),
        ("uniform_", [low, high]) => uniform(*low, *high),
        ("normal_", []) => normal(0.0, 1.0),
        ("normal_", [mean]) => normal(*mean, 1.0),
        ("normal_", [mean, deviation]) => normal(*mean, *deviation),
        ("fill_" | "constant_", [value]) => Constant { value: *value }.into(),
        ("zero_" | "zeros_", []) => Constant { value: 0.0 }.into(),
        ("ones_", []) => Constant { value: 1.0 }.into(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(table: Value) -> (Option<InitializerSpec>, Vec<String>) {
        let mut errors = Vec::new();
        let mut keys = Keys::new("p", &table);
        let found = initializer(&mut keys, "weight_init", "weight_init_args", &mut errors);
        keys.finish(&mut errors);
        (found, errors.iter().map(SpecError::to_string).collect())
    }

    #[test]
    fn names_and_arguments_are_ours() {
        for (table, kind) in [
            (json!({"weight_init": "half_kaiming"}), "half_kaiming"),
            (
                json!({"weight_init": "half_kaiming", "weight_init_args": 0.5}),
                "half_kaiming",
            ),
            (
                json!({"weight_init": "uniform_", "weight_init_args": [-1, 1]}),
                "uniform",
            ),
            (
                json!({"weight_init": "normal_", "weight_init_args": [0.5]}),
                "normal",
            ),
            (json!({"weight_init": "zero_"}), "constant"),
        ] {
            let (found, errors) = read(table);
            assert_eq!(found.unwrap().kind(), kind, "{errors:?}");
            assert!(errors.is_empty());
        }
        assert_eq!(read(json!({})), (None, Vec::new()));
    }

    #[test]
    fn what_is_not_ours_is_refused_with_its_arguments() {
        let (_, errors) = read(json!({"weight_init": "fill_", "weight_init_args": [1, 2]}));
        assert!(
            errors[0].starts_with("p.weight_init: `fill_ [1.0, 2.0]` cannot be represented"),
            "{errors:?}"
        );
        let (_, errors) =
            read(json!({"weight_init": "clone", "weight_init_args": {"source": "x"}}));
        assert_eq!(errors.len(), 2, "{errors:?}");
        let (_, errors) = read(json!({"weight_init_args": [1]}));
        assert!(
            errors[0].starts_with("p.weight_init: is missing"),
            "{errors:?}"
        );
    }
}
