//! `projection_config`: which populations project where, and how.

use burn_dendrite_nn::{
    Active, CellType, Compartment, PopulationName, ProjectionName, SpecError, Timing,
    constraint::UpperBound,
    init::ScaledKaiming,
    spec::{GeometrySpec, Grain, ProjectionSpec, WeightSpec},
};
use serde_json::Value;

use super::{
    constraint::{Constraints, Windows, constraints},
    initializer::initializer,
    keys::{Keys, entries, needs_table},
    population_name,
    rules::Rules,
};

/// A projection, and what it asks of its presynaptic population.
pub(super) struct Imported {
    pub(super) spec: ProjectionSpec,
    /// The cell type that its bounds stand for.
    pub(super) cell: Option<CellType>,
    /// The image that its windows lie on, and the key that says so.
    pub(super) image: Option<(String, [usize; 3])>,
}

/// Reads the nested form: post layer, post population, pre layer, pre population.
pub(super) fn projections(
    config: &Value,
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> Vec<Imported> {
    let root = "projection_config";
    let mut projections = Vec::new();
    for (post_layer, posts) in entries(root, config, errors) {
        let path = format!("{root}.{post_layer}");
        for (post, pre_layers) in entries(&path, posts, errors) {
            let path = format!("{path}.{post}");
            for (pre_layer, pres) in entries(&path, pre_layers, errors) {
                let path = format!("{path}.{pre_layer}");
                for (pre, config) in entries(&path, pres, errors) {
                    let path = format!("{path}.{pre}");
                    needs_table(&path, config, errors);
                    let post = population_name(&path, post_layer, post, errors);
                    let pre = population_name(&path, pre_layer, pre, errors);
                    if let Some((post, pre)) = post.zip(pre) {
                        let keys = Keys::new(&path, config);
                        projections.push(projection(post, pre, keys, rules, errors));
                    }
                }
            }
        }
    }
    projections
}

fn projection(
    post: PopulationName,
    pre: PopulationName,
    mut keys: Keys<'_>,
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> Imported {
    let name = ProjectionName { post, pre };
    let timing = match keys.text("direction", errors).as_deref() {
        None | Some("F" | "forward") => Timing::Current,
        Some("R" | "recurrent") => Timing::Previous,
        Some(other) => {
            keys.refuse("direction", other, "`F`, `R`", errors);
            Timing::Current
        }
    };
    let active = match keys.text("update_phase", errors).as_deref() {
        None | Some("F" | "forward") => Active::Forward,
        Some("B" | "backward") => Active::Backward,
        Some("A" | "all") => Active::Both,
        Some(other) => {
            keys.refuse("update_phase", other, "`F`, `B`, `A`", errors);
            Active::Forward
        }
    };
    let compartment = match keys.text("compartment", errors).as_deref() {
        None | Some("soma") => Compartment::Soma,
        // The reference accepts the long word and then ignores the projection.
        Some("dend" | "dendrite") => Compartment::Dendrite,
        Some(other) => {
            keys.refuse("compartment", other, "`soma`, `dend`, `dendrite`", errors);
            Compartment::Soma
        }
    };
    let (cell, cap) = bounds(&mut keys, errors);
    let init = initializer(&mut keys, "weight_init", "weight_init_args", errors);
    let constraints = constraints(&mut keys, errors);
    let is_clone = matches!(constraints, Constraints::Clone(_));
    if is_clone && !keys.has("learning_rule") {
        // The reference lets such a clone learn by backprop and then overwrites it: no rule at all.
        keys.ignore("learning_rule_kwargs");
    } else {
        rules.on_projection(&name, cell, &mut keys, errors);
    }
    let mut windows = None;
    let (weight, constraints) = match constraints {
        // A clone has no start of its own, and bounds are not applied to it.
        Constraints::Clone(tied) => (WeightSpec::Tied(tied), Vec::new()),
        Constraints::Own(own, within) => {
            windows = within;
            if init.is_none() && !keys.has("weight_init") && windows.is_some() {
                // torch's own start counts all units, not those of the receptive field.
                let accepted = "an initialiser, e.g. `scaled_kaiming`, beside a receptive field";
                keys.missing("weight_init", accepted, errors);
            }
            // torch starts a linear layer as `scaled_kaiming` does.
            let start = init.unwrap_or_else(|| ScaledKaiming { scale: 1.0 }.into());
            let cap = cap.map(|magnitude| UpperBound { magnitude }.into());
            (WeightSpec::Own(start), cap.into_iter().chain(own).collect())
        }
    };
    let image = windows.map(|Windows { image, .. }| {
        let key = keys.path("weight_constraint_kwargs");
        (format!("{key}.image_dims"), image)
    });
    keys.finish(errors);
    let spec = ProjectionSpec {
        name,
        compartment,
        timing,
        active,
        geometry: windows.map_or(GeometrySpec::Dense, |Windows { size, .. }| {
            GeometrySpec::ReceptiveFields { size }
        }),
        hears: Grain::Units,
        reaches: Grain::Units,
        weight,
        constraints,
    };
    Imported { spec, cell, image }
}

/// Cell type and cap that `weight_bounds` stands for.
fn bounds(keys: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> (Option<CellType>, Option<f64>) {
    match keys.bounds("weight_bounds", errors) {
        None | Some((None, None)) => (None, None),
        Some((Some(0.0), None)) => (Some(CellType::Excitatory), None),
        Some((Some(0.0), Some(high))) if high > 0.0 => (Some(CellType::Excitatory), Some(high)),
        Some((None, Some(0.0))) => (Some(CellType::Inhibitory), None),
        Some((Some(low), Some(0.0))) if low < 0.0 => (Some(CellType::Inhibitory), Some(-low)),
        Some((low, high)) => {
            let word = |bound: Option<f64>| {
                bound.map_or_else(|| "null".to_owned(), |bound| bound.to_string())
            };
            let given = format!("[{}, {}]", word(low), word(high));
            let accepted = "`[0, null]`, `[null, 0]`, `[0, cap]`, `[-cap, 0]`";
            keys.refuse("weight_bounds", &given, accepted, errors);
            (None, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_nn::ProjectionName;
    use serde_json::json;

    fn read(config: Value) -> (Vec<Imported>, Vec<String>) {
        let mut errors = Vec::new();
        let mut rules = Rules::new(0.1);
        let config = json!({"H1": {"E": {"Input": {"E": config}}}});
        let found = projections(&config, &mut rules, &mut errors);
        (found, errors.iter().map(SpecError::to_string).collect())
    }

    #[test]
    fn what_is_missing_is_the_reference_s_default() {
        let (found, errors) = read(json!({}));
        assert_eq!(errors, [""; 0]);
        let name: ProjectionName = "H1.E<-Input.E".parse().unwrap();
        let expected = ProjectionSpec {
            name,
            compartment: Compartment::Soma,
            timing: Timing::Current,
            active: Active::Forward,
            geometry: GeometrySpec::Dense,
            hears: Grain::Units,
            reaches: Grain::Units,
            weight: WeightSpec::Own(ScaledKaiming { scale: 1.0 }.into()),
            constraints: Vec::new(),
        };
        assert_eq!(found[0].spec, expected);
        assert_eq!(found[0].cell, None);
    }

    #[test]
    fn bounds_are_a_cell_type_and_a_cap() {
        for (bounds, cell, caps) in [
            (json!([0, null]), Some(CellType::Excitatory), 0),
            (json!([null, 0.0]), Some(CellType::Inhibitory), 0),
            (json!([0, 0.5]), Some(CellType::Excitatory), 1),
            (json!([-0.5, 0]), Some(CellType::Inhibitory), 1),
            (json!([null, null]), None, 0),
        ] {
            let (found, errors) = read(json!({"weight_bounds": bounds}));
            assert_eq!(errors, [""; 0]);
            assert_eq!(found[0].cell, cell);
            assert_eq!(found[0].spec.constraints.len(), caps);
        }
        let (_, errors) = read(json!({"weight_bounds": [-1, null]}));
        assert!(
            errors[0].contains("weight_bounds: `[-1, null]` cannot"),
            "{errors:?}"
        );
    }

    #[test]
    fn a_clone_without_a_rule_does_not_learn() {
        let clone = json!({"weight_constraint": "clone_weight",
            "weight_constraint_kwargs": {"source": "H2.E.H1.E"}});
        let config = json!({"H1": {"E": {"H2": {"E": clone}}}});
        let (mut rules, mut errors) = (Rules::new(0.1), Vec::new());
        projections(&config, &mut rules, &mut errors);
        let learning = rules.into_learning(1, None, &mut errors);
        assert!(learning.rules.is_empty() && errors.is_empty(), "{errors:?}");
    }

    #[test]
    fn every_key_that_is_not_ours_is_named() {
        let path = "projection_config.H1.E.Input.E";
        let mask = json!({"weight_constraint": "receptive_field_mask",
            "weight_constraint_kwargs": {"receptive_field_size": 3}});
        for (config, part) in [
            (
                json!({"direction": "up"}),
                format!("{path}.direction: `up` cannot"),
            ),
            (
                json!({"update_phase": "C"}),
                format!("{path}.update_phase: `C` cannot"),
            ),
            (
                json!({"compartment": "axon"}),
                format!("{path}.compartment: `axon` cannot"),
            ),
            (json!({"delay": 1}), format!("{path}.delay: this key")),
            (
                json!({"learning_rule": "Magic"}),
                format!("{path}.learning_rule: `Magic`"),
            ),
            (mask, format!("{path}.weight_init: is missing")),
            (
                json!(null),
                format!("{path}: is empty; accepted: a table, `{{}}` for"),
            ),
            (
                json!(1),
                format!("{path}: `1` cannot be represented; accepted: a table"),
            ),
        ] {
            let (_, errors) = read(config);
            assert_eq!(errors.len(), 1, "{errors:?}");
            assert!(errors[0].starts_with(&part), "{errors:?}");
        }
    }
}
