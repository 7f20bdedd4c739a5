//! What may be written in a file, and what is read back.

use std::collections::BTreeMap;

use burn_dendrite::{
    nn::{ConstraintSpec, InitializerSpec, spec::Format},
    optim::RuleSpec,
    train::{ExperimentSpec, import, presets, set::set},
};
use proptest::{
    prelude::*,
    sample::{Index, select},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::Value;

use super::{cases, reference, strategy::sketches};

/// A path to a value that is no table and no list, with the value.
fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                leaves(&path, value, found);
            }
        }
        Value::Array(entries) => {
            for (index, value) in entries.iter().enumerate() {
                let name = value.get("name").or_else(|| value.get("on"));
                let name = name.and_then(Value::as_str).map(str::to_owned);
                let name = name.unwrap_or_else(|| index.to_string());
                leaves(&format!("{path}[{name}]"), value, found);
            }
        }
        value => found.push((path.to_owned(), value.clone())),
    }
}

/// Values that TOML has a form for.
fn scalars() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        (-1e6..1e6f64).prop_map(Value::from),
        "[a-z ]{0,12}".prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_specification_survives_toml_and_json(sketch in sketches()) {
        let spec = sketch.build();
        let toml = spec.to_toml().unwrap();
        prop_assert_eq!(&ExperimentSpec::parse(&toml, Format::Toml).unwrap(), &spec);
        // What is written once is written the same again.
        let again = ExperimentSpec::parse(&toml, Format::Toml).unwrap().to_toml().unwrap();
        prop_assert_eq!(again, toml);
        let json = serde_json::to_string(&spec).unwrap();
        prop_assert_eq!(&ExperimentSpec::parse(&json, Format::Json).unwrap(), &spec);
    }

    #[test]
    fn an_imported_configuration_survives_toml(config in reference::configurations()) {
        let text = config.to_string();
        let spec = import::from_yaml(&text, "random.yaml");
        let spec = spec.unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let toml = spec.to_toml().unwrap();
        prop_assert_eq!(ExperimentSpec::parse(&toml, Format::Toml).unwrap(), spec);
    }

    #[test]
    fn an_override_changes_the_value_that_it_names_and_no_other(
        sketch in sketches(),
        leaf in any::<Index>(),
        new in scalars(),
    ) {
        let spec = serde_json::to_value(sketch.build()).unwrap();
        let mut before = Vec::new();
        leaves("", &spec, &mut before);
        let (path, _) = leaf.get(&before);
        // A name that changes is found under its new name only.
        prop_assume!(![".name", "].on"].iter().any(|end| path.ends_with(end)));
        let text = match &new {
            Value::String(text) => format!("\"{text}\""),
            other => other.to_string(),
        };
        let mut changed = spec.clone();
        set(&mut changed, &format!("{path}={text}")).unwrap();
        let mut after = Vec::new();
        leaves("", &changed, &mut after);
        for ((path_before, old), (path_after, value)) in before.iter().zip(&after) {
            prop_assert_eq!(path_before, path_after);
            prop_assert_eq!(value, if path_before == path { &new } else { old });
        }
        prop_assert_eq!(before.len(), after.len());
    }

    #[test]
    fn an_override_of_any_text_is_applied_or_refused(
        path in "[a-zA-Z0-9_.\\[\\]<*-]{0,24}",
        text in ".{0,24}",
    ) {
        let mut spec = serde_json::to_value(presets::load("mnist-dtp").unwrap()).unwrap();
        let before = spec.clone();
        if set(&mut spec, &format!("{path}={text}")).is_err() {
            prop_assert_eq!(spec, before);
        }
    }

    #[test]
    fn a_mistake_anywhere_is_refused_or_another_legal_experiment(
        name in select(vec!["mnist-dtp", "mnist-dtp-btsp", "mnist-backprop-ei", "spirals-dtp"]),
        leaf in any::<Index>(),
        new in scalars(),
    ) {
        let mut spec = serde_json::to_value(presets::load(name).unwrap()).unwrap();
        let mut paths = Vec::new();
        leaves("", &spec, &mut paths);
        let (path, _) = leaf.get(&paths);
        set(&mut spec, &format!("{path}={new}")).unwrap();
        if let Ok(spec) = ExperimentSpec::from_value(spec) {
            match spec.check() {
                // A specification that is accepted can be written.
                Ok(_) => prop_assert!(spec.to_toml().is_ok()),
                Err(errors) => prop_assert!(errors.iter().all(|it| !it.message.is_empty())),
            }
        }
    }
}

/// The strategy draws all there is: what is registered, and every choice of a specification.
#[test]
fn random_experiments_cover_everything_that_can_be_written() {
    let mut runner = TestRunner::new(cases());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..1000 {
        let sketch = sketches().new_tree(&mut runner).unwrap().current();
        let mut words = Vec::new();
        leaves(
            "",
            &serde_json::to_value(sketch.build()).unwrap(),
            &mut words,
        );
        for (path, word) in words {
            let key = path
                .rsplit(['.', ']'])
                .next()
                .unwrap_or_default()
                .to_owned();
            if let Value::String(word) = word {
                *seen.entry(format!("{key} {word}")).or_default() += 1;
            }
        }
    }
    // It needs dendrites that are nudged from the top down, and has tests of its own.
    let drawn = |kind: &&str| *kind != "dendritic_homeostasis";
    let kinds = (RuleSpec::kinds().into_iter().filter(drawn))
        .chain(ConstraintSpec::KINDS.iter().copied())
        .chain(InitializerSpec::KINDS.iter().copied())
        .chain([
            "tied", "sgd", "adam", "adam_w", "rms_prop", "constant", "linear", "cosine",
        ])
        .chain(["receptive_fields"])
        .chain(["all", "strongest", "random"]);
    let mut wanted: Vec<String> = kinds.map(|kind| format!("kind {kind}")).collect();
    for (key, words) in [
        ("cell", vec!["excitatory", "inhibitory", "unconstrained"]),
        (
            "activation",
            vec!["relu", "softplus", "sigmoid", "tanh", "linear"],
        ),
        // What is at its default is not written.
        ("compartment", vec!["dendrite"]),
        ("timing", vec!["previous"]),
        ("active", vec!["backward", "both"]),
        ("settling", vec!["instant", "equilibrated", "output_only"]),
        ("gate", vec!["open", "relu"]),
        ("phase", vec!["forward", "backward"]),
        ("rates", vec!["bounded", "unbounded"]),
        ("autapses", vec!["removed", "kept"]),
        (
            "batch_scaling",
            vec!["none", "square_root", "linear", "gradual"],
        ),
    ] {
        wanted.extend(words.iter().map(|word| format!("{key} {word}")));
    }
    let missing: Vec<&String> = wanted.iter().filter(|it| !seen.contains_key(*it)).collect();
    assert!(missing.is_empty(), "never drawn: {missing:?}");
}

/// A sketch that is made simpler stays legal, so a counterexample can be shrunk.
#[test]
fn simpler_experiments_are_legal_too() {
    let mut runner = TestRunner::new(cases());
    for _ in 0..20 {
        let mut tree = sketches().new_tree(&mut runner).unwrap();
        let mut simplified = 0;
        while tree.simplify() && simplified < 200 {
            tree.current().build();
            simplified += 1;
        }
        assert!(simplified > 10);
    }
}
