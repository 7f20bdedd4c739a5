//! Configurations in the words of the reference (EIANN), drawn at random.

use proptest::{collection::vec, option, prelude::*, sample::Index};
use serde_json::{Map, Value, json};

/// Populations of the layers of a configuration, and the sign of what each sends.
const POPULATIONS: [(&str, &str, f64); 5] = [
    ("Input", "E", 1.0),
    ("H1", "E", 1.0),
    ("H1", "SomaI", -1.0),
    ("H1", "DendI", -1.0),
    ("Output", "E", 1.0),
];

/// Rules whose backward phase is the same one, so that a network can have all of a group.
const RULES: [&[(&str, Option<&str>)]; 4] = [
    &[
        ("Backprop", None),
        ("Hebb_WeightNorm", Some("forward_only")),
    ],
    &[
        ("BP_like_2E", Some("relu_gate")),
        ("DendriticLoss_6", None),
        ("Ojas_rule", None),
    ],
    &[
        ("BP_like_2L", Some("stochastic")),
        ("Hebbian_Temporal_Contrast", Some("relu_gate")),
        ("BTSP_19", Some("relu_gate")),
        ("Top_Down_Hebbian_Temporal_Contrast_1", Some("forward_only")),
    ],
    &[
        ("Top_Layer_BP_like_2L", Some("stochastic")),
        ("Hebb_WeightNorm_4", Some("forward_only")),
    ],
];

const STARTS: [(&str, usize); 6] = [
    ("half_kaiming", 1),
    ("scaled_kaiming", 1),
    ("uniform_", 2),
    ("normal_", 2),
    ("fill_", 1),
    ("zero_", 0),
];

#[derive(Clone, Debug)]
struct Entry {
    choices: [Index; 6],
    numbers: [f64; 4],
    rate: Option<f64>,
    flag: Option<bool>,
}

fn entry() -> impl Strategy<Value = Entry> {
    (
        any::<[Index; 6]>(),
        [0.01..2.0f64, 0.01..2.0f64, 0.01..2.0f64, 0.01..2.0f64],
        option::of(0.0..0.5f64),
        any::<Option<bool>>(),
    )
        .prop_map(|(choices, numbers, rate, flag)| Entry {
            choices,
            numbers,
            rate,
            flag,
        })
}

/// Configurations of five populations and up to 20 projections, in the long form.
pub(super) fn configurations() -> impl Strategy<Value = Value> {
    (
        any::<Index>(),
        vec(entry(), POPULATIONS.len()),
        vec(option::of(entry()), POPULATIONS.len() * POPULATIONS.len()),
        (1u64..20, 1u64..8, 0.01..1.0f64),
    )
        .prop_map(
            |(rules, populations, projections, (steps, tracked, rate))| {
                let rules = *rules.get(&RULES);
                json!({
                    "layer_config": layers(&populations),
                    "projection_config": projection_config(&projections, rules),
                    "training_kwargs": {
                        "tau": populations[0].numbers[0],
                        "forward_steps": steps,
                        "backward_steps": tracked.min(steps),
                        "learning_rate": rate,
                    },
                })
            },
        )
}

fn layers(sketches: &[Entry]) -> Value {
    let mut layers = Map::new();
    for ((layer, population, _), sketch) in POPULATIONS.iter().zip(sketches) {
        let activations = ["relu", "softplus", "sigmoid", "tanh", "linear"];
        let mut keys = json!({
            "size": 1 + sketch.choices[0].index(6),
            "activation": sketch.choices[1].get(&activations),
        });
        if let Some(include) = sketch.flag.filter(|_| *layer != "Input") {
            keys["include_bias"] = include.into();
            keys["bias_bounds"] = json!([null, sketch.numbers[1]]);
            start(&mut keys, "bias_init", sketch);
        }
        if sketch.choices[2].index(2) == 1 {
            keys["tau"] = sketch.numbers[2].into();
        }
        insert(&mut layers, layer, population, keys);
    }
    layers.into()
}

fn projection_config(sketches: &[Option<Entry>], rules: &[(&str, Option<&str>)]) -> Value {
    let mut posts = Map::new();
    let pairs =
        (POPULATIONS.iter()).flat_map(|post| POPULATIONS.iter().map(move |pre| (post, pre)));
    for ((post, pre), sketch) in pairs.zip(sketches) {
        let Some(sketch) = sketch.as_ref().filter(|_| post.0 != "Input") else {
            continue;
        };
        let mut keys = projection(sketch, pre.2, rules);
        if post == pre && sketch.choices[5].index(2) == 1 {
            keys["weight_constraint"] = "no_autapses".into();
            keys.as_object_mut()
                .unwrap()
                .remove("weight_constraint_kwargs");
        }
        // Post layer, post population, pre layer, pre population.
        let layer = posts.entry(post.0).or_insert_with(|| json!({}));
        let population = layer.as_object_mut().unwrap().entry(post.1);
        let pres = population.or_insert_with(|| json!({}));
        insert(pres.as_object_mut().unwrap(), pre.0, pre.1, keys);
    }
    posts.into()
}

fn projection(sketch: &Entry, sign: f64, rules: &[(&str, Option<&str>)]) -> Value {
    let bounds = match (sign > 0.0, sketch.choices[1].index(2)) {
        (true, 0) => json!([0, null]),
        (true, _) => json!([0, sketch.numbers[0]]),
        (false, 0) => json!([null, 0]),
        (false, _) => json!([-sketch.numbers[0], 0]),
    };
    let mut keys = json!({
        "weight_bounds": bounds,
        "direction": sketch.choices[2].get(&["F", "R", "forward", "recurrent"]),
        "update_phase": sketch.choices[3].get(&["F", "B", "A"]),
        "compartment": sketch.choices[4].get(&["soma", "dend", "dendrite"]),
    });
    start(&mut keys, "weight_init", sketch);
    if sketch.choices[5].index(3) == 2 {
        keys["weight_constraint"] = "normalize_weight".into();
        keys["weight_constraint_kwargs"] = json!({"scale": sketch.numbers[3]});
    }
    let (kind, flag) = *sketch.choices[1].get(rules);
    if sketch.choices[0].index(4) == 0 {
        keys["learning_rule"] = Value::Null;
        return keys;
    }
    keys["learning_rule"] = kind.into();
    let mut arguments = json!({});
    if let Some(rate) = sketch.rate {
        arguments["learning_rate"] = rate.into();
    }
    if let Some((flag, value)) = flag.zip(sketch.flag) {
        arguments[flag] = value.into();
    }
    // Rules that take a sign must be given that of the presynaptic cell.
    if ["DendriticLoss_6", "Hebb_WeightNorm", "Hebb_WeightNorm_4"].contains(&kind) {
        arguments["sign"] = sign.into();
    }
    keys["learning_rule_kwargs"] = arguments;
    keys
}

fn start(keys: &mut Value, key: &str, sketch: &Entry) {
    let (kind, arguments) = *sketch.choices[0].get(&STARTS);
    keys[key] = kind.into();
    keys[format!("{key}_args")] = sketch.numbers[..arguments].into();
}

fn insert(layers: &mut Map<String, Value>, layer: &str, population: &str, keys: Value) {
    let members = layers.entry(layer).or_insert_with(|| json!({}));
    members[population] = keys;
}
