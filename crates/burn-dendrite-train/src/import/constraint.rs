//! The reference's weight constraints in our terms.

use burn_dendrite_nn::{
    ConstraintSpec, SpecError,
    constraint::{Autapses, FanInSum, NoAutapses},
    spec::Tied,
};
use serde_json::Value;

use super::keys::Keys;

/// What `weight_constraint` stands for.
#[derive(Debug, PartialEq)]
pub(super) enum Constraints {
    /// Constraints on weights of its own, and the windows within which they exist, if not everywhere.
    Own(Vec<ConstraintSpec>, Option<Windows>),
    /// A clone of another projection's weights.
    Clone(Tied),
}

/// Windows at random places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Windows {
    /// Side of a window.
    pub(super) size: usize,
    /// `[channels, height, width]` of what they lie on.
    pub(super) image: [usize; 3],
}

/// Reads `weight_constraint` and its arguments; a mistake counts as no constraint.
pub(super) fn constraints(keys: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Constraints {
    let arguments = keys.take("weight_constraint_kwargs").unwrap_or_default();
    let mut arguments = Keys::new(&keys.path("weight_constraint_kwargs"), &arguments);
    let own = |constraints| Constraints::Own(constraints, None);
    let none = own(Vec::new());
    let found = match keys.text("weight_constraint", errors).as_deref() {
        None => none,
        Some("normalize_weight") => own(vec![fan_in_sum(&mut arguments, errors)]),
        Some("no_autapses") => own(vec![NoAutapses {}.into()]),
        Some("receptive_field_mask") => receptive_field(&mut arguments, errors),
        Some("clone_weight") => match clone(&mut arguments, errors) {
            Some(tied) => Constraints::Clone(tied),
            None => none,
        },
        Some(other) => {
            let accepted =
                "`normalize_weight`, `no_autapses`, `receptive_field_mask`, `clone_weight`";
            keys.refuse("weight_constraint", other, accepted, errors);
            return none;
        }
    };
    arguments.finish(errors);
    found
}

fn fan_in_sum(arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> ConstraintSpec {
    let autapses = match arguments.flag("autapses", errors) {
        Some(true) => Autapses::Kept,
        _ => Autapses::Removed,
    };
    if !arguments.has("scale") {
        arguments.missing("scale", "the sum of the weights onto each unit", errors);
    }
    let total = arguments.number("scale", errors).unwrap_or(1.0);
    FanInSum { total, autapses }.into()
}

fn receptive_field(arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Constraints {
    if !arguments.has("receptive_field_size") {
        arguments.missing("receptive_field_size", "the side of the window", errors);
    }
    let size = arguments.count("receptive_field_size", errors).unwrap_or(1);
    let image = image(arguments, errors).unwrap_or([1, 28, 28]);
    let is_normalized = arguments.flag("apply_weight_norm", errors) == Some(true);
    let sum = is_normalized.then(|| fan_in_sum(arguments, errors));
    Constraints::Own(sum.into_iter().collect(), Some(Windows { size, image }))
}

/// The image that the mask is for; only that of MNIST may go without saying.
fn image(arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Option<[usize; 3]> {
    let dimensions = arguments.take("image_dims")?;
    let whole = |value: &Value| value.as_u64().and_then(|value| value.try_into().ok());
    let sizes: Option<Vec<usize>> = dimensions
        .as_array()
        .and_then(|dimensions| dimensions.iter().map(whole).collect());
    match sizes.as_deref() {
        Some([height, width]) => Some([1, *height, *width]),
        Some([channels, height, width]) => Some([*channels, *height, *width]),
        _ => {
            let accepted = "`[channels, height, width]`, `[height, width]`";
            arguments.refuse("image_dims", &dimensions.to_string(), accepted, errors);
            None
        }
    }
}

fn clone(arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Option<Tied> {
    let source = arguments.text("source", errors);
    let sign = arguments.number("sign", errors).unwrap_or(1.0);
    let scale = arguments.number("scale", errors).unwrap_or(1.0);
    let transpose = arguments.flag("transpose", errors).unwrap_or(false);
    let accepted = "post layer, population, pre layer, population, e.g. `H2.E.H1.E`";
    let Some(source) = source else {
        if !arguments.has("source") {
            arguments.missing("source", accepted, errors);
        }
        return None;
    };
    let parts: Vec<&str> = source.split('.').collect();
    let of = match *parts.as_slice() {
        [post_layer, post, pre_layer, pre] => {
            let name = format!("{post_layer}.{post}<-{pre_layer}.{pre}");
            name.parse().ok()
        }
        _ => None,
    };
    if of.is_none() {
        arguments.refuse("source", &source, accepted, errors);
    }
    Some(Tied {
        of: of?,
        transpose,
        scale: sign * scale,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(table: Value) -> (Constraints, Vec<String>) {
        let mut errors = Vec::new();
        let mut keys = Keys::new("p", &table);
        let found = constraints(&mut keys, &mut errors);
        keys.finish(&mut errors);
        (found, errors.iter().map(SpecError::to_string).collect())
    }

    #[test]
    fn a_receptive_field_knows_the_default_image_and_the_sum_of_its_weights() {
        let kind = "receptive_field_mask";
        for (image, expected) in [
            (json!(null), [1, 28, 28]),
            (json!([8, 9]), [1, 8, 9]),
            (json!([3, 32, 32]), [3, 32, 32]),
        ] {
            let arguments = json!({"receptive_field_size": 9, "image_dims": image});
            let (found, errors) =
                read(json!({"weight_constraint": kind, "weight_constraint_kwargs": arguments}));
            assert_eq!(errors, [""; 0]);
            let windows = Windows {
                size: 9,
                image: expected,
            };
            assert_eq!(found, Constraints::Own(Vec::new(), Some(windows)));
        }
        let arguments = json!({"receptive_field_size": 5, "apply_weight_norm": true, "scale": 9.5});
        let (found, errors) =
            read(json!({"weight_constraint": kind, "weight_constraint_kwargs": arguments}));
        assert_eq!(errors, [""; 0]);
        let sum = FanInSum {
            total: 9.5,
            autapses: Autapses::Removed,
        };
        let windows = Windows {
            size: 5,
            image: [1, 28, 28],
        };
        assert_eq!(found, Constraints::Own(vec![sum.into()], Some(windows)));
    }

    #[test]
    fn a_clone_multiplies_sign_and_scale() {
        let arguments = json!({"source": "H2.E.H1.E", "sign": -1, "scale": 0.5, "transpose": true});
        let (found, errors) = read(
            json!({"weight_constraint": "clone_weight", "weight_constraint_kwargs": arguments}),
        );
        assert_eq!(errors, [""; 0]);
        let expected = Tied {
            of: "H2.E<-H1.E".parse().unwrap(),
            transpose: true,
            scale: -0.5,
        };
        assert_eq!(found, Constraints::Clone(expected));
    }

    #[test]
    fn what_is_missing_or_not_ours_is_named() {
        let p = "p.weight_constraint_kwargs";
        for (kind, arguments, path) in [
            ("normalise", json!({}), "p.weight_constraint".to_owned()),
            ("normalize_weight", json!({}), format!("{p}.scale")),
            (
                "normalize_weight",
                json!({"scale": 1, "axis": 0}),
                format!("{p}.axis"),
            ),
            (
                "receptive_field_mask",
                json!({}),
                format!("{p}.receptive_field_size"),
            ),
            (
                "receptive_field_mask",
                json!({"receptive_field_size": 2, "image_dims": [4]}),
                format!("{p}.image_dims"),
            ),
            (
                "receptive_field_mask",
                json!({"receptive_field_size": 2, "apply_weight_norm": true}),
                format!("{p}.scale"),
            ),
            ("clone_weight", json!({}), format!("{p}.source")),
            (
                "clone_weight",
                json!({"source": "H2.E"}),
                format!("{p}.source"),
            ),
            (
                "clone_weight",
                json!({"source": "H2.E.H1.E", "source2": "H1.E.H2.E"}),
                format!("{p}.source2"),
            ),
            ("no_autapses", json!({"scale": 1}), format!("{p}.scale")),
        ] {
            let (_, errors) =
                read(json!({"weight_constraint": kind, "weight_constraint_kwargs": arguments}));
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].starts_with(&format!("{path}: ")), "{errors:?}");
        }
    }
}
