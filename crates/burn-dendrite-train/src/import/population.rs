//! `layer_config`: populations, their activation and their bias.

use burn_dendrite_nn::{
    Activation, CellType, InitializerSpec, PopulationName, SpecError,
    init::ScaledKaiming,
    spec::{BiasSpec, PopulationSpec, Sharing, Size},
};
use serde_json::Value;

use super::{
    initializer::{ACCEPTED, initializer, named},
    keys::{Keys, entries, needs_table},
    population_name,
    projection::Imported,
    rules::Rules,
    simplified,
};

/// The populations in order, and the one that is marked as the output.
pub(super) fn populations(
    layers: &Value,
    projections: &[Imported],
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> (Vec<PopulationSpec>, Option<PopulationName>) {
    let root = "layer_config";
    let mut populations = Vec::new();
    let mut output = None;
    for (layer, members) in entries(root, layers, errors) {
        let path = format!("{root}.{layer}");
        for (population, config) in entries(&path, members, errors) {
            let path = format!("{path}.{population}");
            needs_table(&path, config, errors);
            let Some(name) = population_name(&path, layer, population, errors) else {
                continue;
            };
            let mut keys = Keys::new(&path, config);
            let cell = cell(&path, &name, projections, errors);
            // The input's activity is set from outside, so it has no activation.
            let default = if populations.is_empty() {
                Activation::default()
            } else {
                Activation::Linear
            };
            if keys.flag("output_pop", errors) == Some(true) {
                output = Some(name.clone());
            }
            populations.push(PopulationSpec {
                size: size(&mut keys, &name, projections, errors),
                cell,
                activation: activation(&mut keys, errors).unwrap_or(default),
                tau: keys.number("tau", errors),
                pool: None,
                bias: bias(&name, &mut keys, rules, errors),
                name,
            });
            kind(&mut keys, errors);
            keys.finish(errors);
        }
    }
    (populations, output)
}

/// The number of neurons, or the image that windows lie on.
fn size(
    keys: &mut Keys<'_>,
    name: &PopulationName,
    projections: &[Imported],
    errors: &mut Vec<SpecError>,
) -> Size {
    if !keys.has("size") {
        keys.missing("size", "the number of neurons", errors);
    }
    let neurons = keys.count("size", errors).unwrap_or(1);
    let outgoing = projections.iter().filter(|it| it.spec.name.pre == *name);
    let mut images = outgoing.filter_map(|it| it.image.as_ref());
    let Some((path, image)) = images.next() else {
        return neurons.into();
    };
    let size = Size::Maps(*image);
    if size.neurons() != neurons {
        let message =
            format!("is {size}; accepted: sizes whose product is the {neurons} of `{name}`");
        errors.push(SpecError::new(path, message));
    }
    for (other, _) in images.filter(|(_, other)| other != image) {
        let message = format!("is another image than that of `{path}`; accepted: the same");
        errors.push(SpecError::new(other, message));
    }
    size
}

fn activation(keys: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Option<Activation> {
    let arguments = keys.take("activation_kwargs").unwrap_or_default();
    Keys::new(&keys.path("activation_kwargs"), &arguments).finish(errors);
    match keys.text("activation", errors)?.as_str() {
        "relu" => Some(Activation::Relu),
        "softplus" => Some(Activation::Softplus),
        "sigmoid" => Some(Activation::Sigmoid),
        "tanh" => Some(Activation::Tanh),
        "linear" => Some(Activation::Linear),
        other => {
            let accepted = "`relu`, `softplus`, `sigmoid`, `tanh`, `linear`";
            keys.refuse("activation", other, accepted, errors);
            None
        }
    }
}

/// Convolutions and pooling are other kinds of population there.
fn kind(keys: &mut Keys<'_>, errors: &mut Vec<SpecError>) {
    let kind = keys.text("population_type", errors);
    if let Some(kind) = kind.filter(|kind| kind != "default") {
        keys.refuse("population_type", &kind, "`default`", errors);
    }
}

fn bias(
    name: &PopulationName,
    keys: &mut Keys<'_>,
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> Option<BiasSpec> {
    let short = short_bias(keys, errors);
    let learns = rules.on_bias(name, keys, errors);
    let included = keys.flag("include_bias", errors).unwrap_or(false) || learns;
    let long = initializer(keys, "bias_init", "bias_init_args", errors);
    let (lower, upper) = keys.bounds("bias_bounds", errors).unwrap_or_default();
    // Without a bias, how it would start and where it would stay changes nothing there either.
    (included || short.is_some()).then(|| BiasSpec {
        init: short
            .or(long)
            .unwrap_or_else(|| ScaledKaiming { scale: 1.0 }.into()),
        per: Sharing::Unit,
        lower,
        upper,
    })
}

/// The simplified form `bias: uniform(0, 1)`.
fn short_bias(keys: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Option<InitializerSpec> {
    let text = keys.text("bias", errors)?;
    for key in ["include_bias", "bias_init", "bias_init_args"] {
        if keys.has(key) {
            let message = format!("stands beside `{key}`; accepted: one of the two");
            errors.push(SpecError::new(keys.path("bias"), message));
        }
    }
    let found = simplified::bias(&text).and_then(|(name, arguments)| named(&name, &arguments));
    if found.is_none() {
        let accepted = format!("a word with numbers, e.g. `uniform(0, 1)`, for one of {ACCEPTED}");
        keys.refuse("bias", &text, &accepted, errors);
    }
    found
}

/// The cell type that the bounds of a population's outgoing projections agree on.
fn cell(
    path: &str,
    name: &PopulationName,
    projections: &[Imported],
    errors: &mut Vec<SpecError>,
) -> CellType {
    let outgoing = || projections.iter().filter(|it| it.spec.name.pre == *name);
    let first = outgoing().next().and_then(|projection| projection.cell);
    if outgoing().any(|projection| projection.cell != first) {
        let word = |cell| match cell {
            Some(CellType::Excitatory) => "from 0 up",
            Some(CellType::Inhibitory) => "from 0 down",
            Some(CellType::Unconstrained) | None => "none",
        };
        let bounds: Vec<String> = outgoing()
            .map(|projection| format!("`{}` {}", projection.spec.name, word(projection.cell)))
            .collect();
        let message = format!(
            "all its projections must have `weight_bounds` of one sign, or none; given: {}",
            bounds.join(", ")
        );
        errors.push(SpecError::new(path, message));
    }
    first.unwrap_or(CellType::Unconstrained)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::projection::projections;
    use serde_json::json;

    fn read(hidden: Value) -> (PopulationSpec, Vec<String>) {
        let (mut rules, mut errors) = (Rules::new(0.1), Vec::new());
        let layers = json!({"Input": {"E": {"size": 4}}, "H1": {"E": hidden}});
        let (mut found, _) = populations(&layers, &[], &mut rules, &mut errors);
        let errors = errors.iter().map(SpecError::to_string).collect();
        (found.pop().unwrap(), errors)
    }

    #[test]
    fn what_is_missing_is_the_reference_s_default() {
        let (found, errors) = read(json!({"size": 3}));
        assert_eq!(errors, [""; 0]);
        let expected = PopulationSpec {
            name: "H1.E".parse().unwrap(),
            size: 3.into(),
            cell: CellType::Unconstrained,
            activation: Activation::Linear,
            tau: None,
            pool: None,
            bias: None,
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_bias_has_a_long_and_a_short_form() {
        let uniform = |low, high| burn_dendrite_nn::init::Uniform { low, high }.into();
        let kaiming = || ScaledKaiming { scale: 1.0 }.into();
        let cases: [(Value, InitializerSpec); 4] = [
            (json!({"size": 1, "include_bias": true}), kaiming()),
            (
                json!({"size": 1, "bias_learning_rule": "Backprop"}),
                kaiming(),
            ),
            (
                json!({"size": 1, "bias": "uniform(0, 0.5)"}),
                uniform(0.0, 0.5),
            ),
            (
                json!({"size": 1, "include_bias": true, "bias_init": "uniform_", "bias_init_args": [0, 2]}),
                uniform(0.0, 2.0),
            ),
        ];
        for (config, init) in cases {
            let (found, errors) = read(config);
            assert_eq!(errors, [""; 0]);
            assert_eq!(found.bias.unwrap().init, init);
        }
        let (found, _) = read(json!({"size": 1, "include_bias": true, "bias_bounds": [null, 1]}));
        let bias = found.bias.unwrap();
        assert_eq!((bias.lower, bias.upper), (None, Some(1.0)));
    }

    #[test]
    fn projections_of_both_signs_are_refused() {
        let (mut rules, mut errors) = (Rules::new(0.1), Vec::new());
        let to = |bounds| json!({"Input": {"E": {"weight_bounds": bounds}}});
        let config = json!({"H1": {"E": to(json!([0, null])), "I": to(json!([null, 0]))}});
        let outgoing = projections(&config, &mut rules, &mut errors);
        let layers = json!({"Input": {"E": {"size": 4}}});
        populations(&layers, &outgoing, &mut rules, &mut errors);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert_eq!(errors[0].path, "layer_config.Input.E");
        assert!(errors[0].message.contains("`H1.I<-Input.E` from 0 down"));
    }

    #[test]
    fn the_image_of_windows_is_the_shape_of_the_population() {
        let read = |[one, other]: [Value; 2]| {
            let (mut rules, mut errors) = (Rules::new(0.1), Vec::new());
            let to = |image| {
                json!({"Input": {"E": {"weight_init": "scaled_kaiming", "weight_init_args": [1],
                    "weight_constraint": "receptive_field_mask",
                    "weight_constraint_kwargs": {"receptive_field_size": 2, "image_dims": image}}}})
            };
            let config = json!({"H1": {"E": to(one), "I": to(other)}});
            let outgoing = projections(&config, &mut rules, &mut errors);
            let layers = json!({"Input": {"E": {"size": 24}}});
            let (found, _) = populations(&layers, &outgoing, &mut rules, &mut errors);
            let errors: Vec<String> = errors.iter().map(SpecError::to_string).collect();
            (found[0].size, errors)
        };
        let image = json!([2, 3, 4]);
        assert_eq!(
            read([image.clone(), image.clone()]),
            (Size::Maps([2, 3, 4]), Vec::new())
        );
        let (_, errors) = read([image.clone(), json!([4, 3, 2])]);
        assert!(
            errors[0].contains("is another image than that of"),
            "{errors:?}"
        );
        let (_, errors) = read([json!([5, 5]), json!([5, 5])]);
        assert!(
            errors[0].contains("image_dims: is 1 x 5 x 5; accepted: sizes whose product is the 24"),
            "{errors:?}"
        );
    }

    #[test]
    fn every_key_that_is_not_ours_is_named() {
        for (config, part) in [
            (json!({}), "size: is missing"),
            (json!({"size": 2.5}), "size: `2.5` cannot"),
            (
                json!({"size": 1, "activation": "softmax"}),
                "activation: `softmax` cannot",
            ),
            (
                json!({"size": 1, "activation": "softplus", "activation_kwargs": {"beta": 4}}),
                "activation_kwargs.beta: this key",
            ),
            (
                json!({"size": 1, "population_type": "Conv2D"}),
                "population_type: `Conv2D`",
            ),
            (
                json!({"size": 1, "custom_update": "x"}),
                "custom_update: this key",
            ),
            (
                json!({"size": 1, "bias": "uniform"}),
                "bias: `uniform` cannot",
            ),
            (
                json!({"size": 1, "bias": "fill(0)", "include_bias": true}),
                "bias: stands beside `include_bias`",
            ),
        ] {
            let (_, errors) = read(config);
            assert_eq!(errors.len(), 1, "{errors:?}");
            let part = format!("layer_config.H1.E.{part}");
            assert!(errors[0].starts_with(&part), "{errors:?}");
        }
    }
}
