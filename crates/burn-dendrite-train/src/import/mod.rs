//! From a configuration of the reference implementation (EIANN) to our specifications.
//!
//! The reference nests `post layer / post population / pre layer / pre population`, gives each
//! projection its weight bounds and lets a rule's name decide about the backward phase. Here a
//! population has a cell type, and the phase is named on its own. What cannot be represented is an
//! error that names the key, never a silent default.

mod keys;
mod rules;

use burn_dendrite_nn::{
    Activation, Active, CellType, Compartment, ConstraintSpec, InitializerSpec, NetworkSpec,
    PopulationName, ProjectionName, SpecError, SpecErrors, Timing,
    constraint::{Autapses, FanInSum, NoAutapses, ReceptiveField, UpperBound},
    init::{Constant, HalfKaiming, Normal, ScaledKaiming, Uniform},
    spec::{BiasSpec, PopulationSpec, ProjectionSpec, Tied, WeightSpec},
};
use burn_dendrite_optim::LearningSpec;
use serde_json::Value;

use self::{keys::Keys, rules::Rules};

/// Reads `layer_config`, `projection_config` and `training_kwargs` of the reference.
///
/// # Errors
///
/// All keys that cannot be represented, with their paths.
pub fn from_reference(
    layers: &Value,
    projections: &Value,
    training: &Value,
) -> Result<(NetworkSpec, LearningSpec), SpecErrors> {
    let mut errors = Vec::new();
    let mut training = Keys::new("training_kwargs", training);
    let tau = training.number("tau", &mut errors).unwrap_or(1.0);
    let steps = training.count("forward_steps", &mut errors).unwrap_or(1);
    let tracked_steps = training.count("backward_steps", &mut errors).unwrap_or(0);
    let learning_rate = training.number("learning_rate", &mut errors).unwrap_or(0.0);
    if let Some(name) = training
        .text("optimizer", &mut errors)
        .filter(|name| name != "SGD")
    {
        errors.push(SpecError::new(
            "training_kwargs.optimizer",
            format!("`{name}` cannot be represented; accepted: `SGD`"),
        ));
    }
    training.ignore("verbose");
    training.finish(&mut errors);

    let mut rules = Rules::new(learning_rate);
    let projections = read_projections(projections, &mut rules, &mut errors);
    let (populations, output) = read_populations(layers, &projections, &mut rules, &mut errors);
    let network = NetworkSpec {
        tau,
        steps,
        output,
        populations,
        projections: projections
            .into_iter()
            .map(|projection| projection.spec)
            .collect(),
    };
    let learning = rules.into_learning(tracked_steps, output_of(&network), &mut errors);
    SpecErrors::or(errors, || (network, learning))
}

/// The output population: the marked one, else the first of the last layer.
fn output_of(network: &NetworkSpec) -> Option<&PopulationName> {
    let names = || {
        network
            .populations
            .iter()
            .map(|population| &population.name)
    };
    let layer = names().next_back()?.layer();
    network
        .output
        .as_ref()
        .or_else(|| names().find(|name| name.layer() == layer))
}

struct Imported {
    spec: ProjectionSpec,
    cell: Option<CellType>,
}

fn name(layer: &str, population: &str) -> Result<PopulationName, String> {
    format!("{layer}.{population}").parse()
}

fn read_projections(
    config: &Value,
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> Vec<Imported> {
    let mut projections = Vec::new();
    let children = |value: &Value| -> Vec<(String, Value)> {
        let table = value.as_object().into_iter().flatten();
        table
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    for (post_layer, posts) in children(config) {
        for (post, pre_layers) in children(&posts) {
            for (pre_layer, pres) in children(&pre_layers) {
                for (pre, config) in children(&pres) {
                    let path = format!("projection_config.{post_layer}.{post}.{pre_layer}.{pre}");
                    let names = name(&post_layer, &post).and_then(|post| {
                        Ok(ProjectionName {
                            post,
                            pre: name(&pre_layer, &pre)?,
                        })
                    });
                    match names {
                        Ok(name) => {
                            let keys = Keys::new(&path, &config);
                            projections.push(projection(name, keys, rules, errors));
                        }
                        Err(message) => errors.push(SpecError::new(path, message)),
                    }
                }
            }
        }
    }
    projections
}

fn projection(
    name: ProjectionName,
    mut keys: Keys<'_>,
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> Imported {
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
        Some("A" | "all" | "F+B") => Active::Both,
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
    let mut constraints: Vec<ConstraintSpec> = cap
        .map(|magnitude| UpperBound { magnitude }.into())
        .into_iter()
        .collect();
    let tied = constraint(&mut keys, &mut constraints, errors);
    rules.on_projection(&name, cell, &mut keys, errors);
    keys.finish(errors);
    let weight = match tied {
        Some(tied) => {
            // Bounds are not applied to a clone.
            constraints.clear();
            WeightSpec::Tied(tied)
        }
        None => WeightSpec::Own(init.unwrap_or_else(|| ScaledKaiming { scale: 1.0 }.into())),
    };
    let spec = ProjectionSpec {
        name,
        compartment,
        timing,
        active,
        weight,
        constraints,
    };
    Imported { spec, cell }
}

/// Cell type and cap that `weight_bounds` stands for.
fn bounds(keys: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> (Option<CellType>, Option<f64>) {
    let Some(values) = keys.take("weight_bounds") else {
        return (None, None);
    };
    let bound = |at: usize| values.get(at).and_then(Value::as_f64);
    match (bound(0), bound(1)) {
        (None, None) => (None, None),
        (Some(0.0), None) => (Some(CellType::Excitatory), None),
        (Some(0.0), Some(high)) if high > 0.0 => (Some(CellType::Excitatory), Some(high)),
        (None, Some(0.0)) => (Some(CellType::Inhibitory), None),
        (Some(low), Some(0.0)) if low < 0.0 => (Some(CellType::Inhibitory), Some(-low)),
        _ => {
            let accepted = "`[0, null]`, `[null, 0]`, `[0, cap]`, `[-cap, 0]`";
            keys.refuse("weight_bounds", &values.to_string(), accepted, errors);
            (None, None)
        }
    }
}

/// The initialiser that two keys stand for: our names of the reference's and torch's.
fn initializer(
    keys: &mut Keys<'_>,
    key: &str,
    arguments: &str,
    errors: &mut Vec<SpecError>,
) -> Option<InitializerSpec> {
    let arguments: Vec<f64> = keys
        .take(arguments)
        .and_then(|values| values.as_array().cloned())
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_f64)
        .collect();
    let kind = keys.text(key, errors)?;
    Some(match (kind.as_str(), arguments.as_slice()) {
        ("half_kaiming", []) => HalfKaiming { scale: 1.0 }.into(),
        ("half_kaiming", [scale]) => HalfKaiming { scale: *scale }.into(),
        ("scaled_kaiming", []) => ScaledKaiming { scale: 1.0 }.into(),
        ("scaled_kaiming", [scale]) => ScaledKaiming { scale: *scale }.into(),
        ("uniform_", []) => Uniform {
            low: 0.0,
            high: 1.0,
        }
        .into(),
        ("uniform_", [low, high]) => Uniform {
            low: *low,
            high: *high,
        }
        .into(),
        ("normal_", []) => Normal {
            mean: 0.0,
            standard_deviation: 1.0,
        }
        .into(),
        ("normal_", [mean, width]) => Normal {
            mean: *mean,
            standard_deviation: *width,
        }
        .into(),
        ("fill_" | "constant_", [value]) => Constant { value: *value }.into(),
        ("zeros_" | "zero_", []) => Constant { value: 0.0 }.into(),
        ("ones_", []) => Constant { value: 1.0 }.into(),
        _ => {
            let given = format!("{kind} {arguments:?}");
            let accepted = "`half_kaiming [scale]`, `scaled_kaiming [scale]`, `uniform_ [low, \
                            high]`, `normal_ [mean, deviation]`, `fill_ [value]`, `zeros_`, `ones_`";
            keys.refuse(key, &given, accepted, errors);
            return None;
        }
    })
}

/// Reads the constraint; a clone is returned, all others are added to `constraints`.
fn constraint(
    keys: &mut Keys<'_>,
    constraints: &mut Vec<ConstraintSpec>,
    errors: &mut Vec<SpecError>,
) -> Option<Tied> {
    let arguments = keys.take("weight_constraint_kwargs").unwrap_or_default();
    let mut arguments = Keys::new(&keys.path("weight_constraint_kwargs"), &arguments);
    let kind = keys.text("weight_constraint", errors)?;
    let mut tied = None;
    match kind.as_str() {
        "normalize_weight" => {
            let autapses = match arguments.flag("autapses", errors) {
                Some(true) => Autapses::Kept,
                _ => Autapses::Removed,
            };
            let total = arguments.number("scale", errors).unwrap_or(1.0);
            constraints.push(FanInSum { total, autapses }.into());
        }
        "no_autapses" => constraints.push(NoAutapses {}.into()),
        "receptive_field_mask" => {
            let size = arguments.count("rf_size", errors).unwrap_or(0);
            let image = arguments.take("image_dims").unwrap_or_default();
            let image: Vec<usize> = (image.as_array().into_iter().flatten())
                .filter_map(|value| value.as_u64().map(|value| value as usize))
                .collect();
            match *image.as_slice() {
                [height, width] => {
                    constraints.push(
                        ReceptiveField {
                            size,
                            image: [1, height, width],
                        }
                        .into(),
                    );
                }
                [channels, height, width] => {
                    let image = [channels, height, width];
                    constraints.push(ReceptiveField { size, image }.into());
                }
                _ => arguments.refuse("image_dims", "", "`[channels, height, width]`", errors),
            }
        }
        "clone_weight" => {
            let source = arguments.text("source", errors).unwrap_or_default();
            let parts: Vec<&str> = source.split('.').collect();
            let of = match parts.as_slice() {
                [post_layer, post, pre_layer, pre] => {
                    format!("{post_layer}.{post}<-{pre_layer}.{pre}")
                        .parse()
                        .ok()
                }
                _ => None,
            };
            let sign = arguments.number("sign", errors).unwrap_or(1.0);
            let scale = arguments.number("scale", errors).unwrap_or(1.0);
            let transpose = arguments.flag("transpose", errors).unwrap_or(false);
            match of {
                Some(of) => {
                    tied = Some(Tied {
                        of,
                        transpose,
                        scale: sign * scale,
                    })
                }
                None => arguments.refuse("source", &source, "`H2.E.H1.E`, post then pre", errors),
            }
        }
        other => {
            let accepted =
                "`normalize_weight`, `no_autapses`, `receptive_field_mask`, `clone_weight`";
            keys.refuse("weight_constraint", other, accepted, errors);
            return None;
        }
    }
    arguments.finish(errors);
    tied
}

fn read_populations(
    layers: &Value,
    projections: &[Imported],
    rules: &mut Rules,
    errors: &mut Vec<SpecError>,
) -> (Vec<PopulationSpec>, Option<PopulationName>) {
    let mut populations = Vec::new();
    let mut output = None;
    for (layer, members) in layers.as_object().into_iter().flatten() {
        for (population, config) in members.as_object().into_iter().flatten() {
            let path = format!("layer_config.{layer}.{population}");
            let name = match name(layer, population) {
                Ok(name) => name,
                Err(message) => {
                    errors.push(SpecError::new(path, message));
                    continue;
                }
            };
            let mut keys = Keys::new(&path, config);
            let cell = cell(&path, &name, projections, errors);
            let size = keys.count("size", errors).unwrap_or(0);
            let activation = match keys.text("activation", errors).as_deref() {
                None | Some("relu") => Activation::Relu,
                Some("softplus") => Activation::Softplus,
                Some("sigmoid") => Activation::Sigmoid,
                Some("tanh") => Activation::Tanh,
                Some("linear") => Activation::Linear,
                Some(other) => {
                    let accepted = "`relu`, `softplus`, `sigmoid`, `tanh`, `linear`";
                    keys.refuse("activation", other, accepted, errors);
                    Activation::Relu
                }
            };
            let tau = keys.number("tau", errors);
            if keys.flag("output_pop", errors) == Some(true) {
                output = Some(name.clone());
            }
            let learns = rules.on_bias(&name, &mut keys, errors);
            let bias = bias(&mut keys, learns, errors);
            keys.finish(errors);
            populations.push(PopulationSpec {
                name,
                size,
                cell,
                activation,
                tau,
                bias,
            });
        }
    }
    (populations, output)
}

fn bias(keys: &mut Keys<'_>, learns: bool, errors: &mut Vec<SpecError>) -> Option<BiasSpec> {
    let included = keys.flag("include_bias", errors).unwrap_or(false) || learns;
    let init = initializer(keys, "bias_init", "bias_init_args", errors);
    let bounds = keys.take("bias_bounds").unwrap_or_default();
    let bound = |at: usize| bounds.get(at).and_then(Value::as_f64);
    included.then(|| BiasSpec {
        init: init.unwrap_or_else(|| ScaledKaiming { scale: 1.0 }.into()),
        lower: bound(0),
        upper: bound(1),
    })
}

/// The cell type that the bounds of a population's outgoing projections agree on.
fn cell(
    path: &str,
    name: &PopulationName,
    projections: &[Imported],
    errors: &mut Vec<SpecError>,
) -> CellType {
    let outgoing = || {
        projections
            .iter()
            .filter(|projection| projection.spec.name.pre == *name)
    };
    let first = outgoing().next().and_then(|projection| projection.cell);
    if outgoing().any(|projection| projection.cell != first) {
        let bounds: Vec<String> = outgoing()
            .map(|projection| format!("{}: {:?}", projection.spec.name, projection.cell))
            .collect();
        errors.push(SpecError::new(
            path,
            format!(
                "the `weight_bounds` of its projections differ in sign: {}",
                bounds.join(", ")
            ),
        ));
    }
    first.unwrap_or(CellType::Unconstrained)
}
