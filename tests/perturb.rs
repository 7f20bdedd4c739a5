//! Perturbed runs: what they change, what they leave alone, and what is refused.

use std::{fs, path::Path, process::Output};

use burn::tensor::{Device, TensorData};
use burn_dendrite::{
    nn::{
        PopulationName, ProjectionName,
        perturb::{Action, During, Perturbation, PerturbationTarget},
    },
    train::load_model,
};
use proptest::prelude::*;

use crate::common::{dendrite, small, small_spec};

fn train(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = dendrite();
    command.args(["train", "--preset", "mnist-dtp", "--quiet", "--out"]);
    command.arg(folder);
    command.args(["--samples", "40", "--validation-samples", "50"]);
    for expression in small("mnist-dtp") {
        command.args(["--set", &expression]);
    }
    command.args(arguments).output().unwrap()
}

/// The weights of some projections after a run.
fn trained(arguments: &[&str], projections: &[&str]) -> Vec<TensorData> {
    let folder = tempfile::tempdir().unwrap();
    let output = train(folder.path(), arguments);
    assert!(output.status.success(), "{output:?}");
    let (model, ..) = load_model(folder.path(), &Device::flex()).unwrap();
    let weight = |name: &&str| {
        let id = model
            .network
            .plan()
            .projection_named(&name.parse().unwrap());
        model.network.weight(id.unwrap()).into_data()
    };
    projections.iter().map(weight).collect()
}

#[test]
fn what_is_perturbed_in_test_leaves_training_as_it_is_to_the_bit() {
    let all = ["H1.E<-Input.E", "H1.E<-H1.DendI", "Output.E<-H2.E"];
    let unperturbed = trained(&[], &all);
    let in_test = trained(
        &["--perturb", "H1.E: silence 0.5 of cells during test"],
        &all,
    );
    let in_training = trained(&["--perturb", "H1.DendI: silence during train"], &all);
    assert!(
        unperturbed == in_test,
        "a perturbed test changed the training"
    );
    assert!(unperturbed != in_training, "silence changed nothing");
}

/// Noise in training and random plateaus are those of the sample, however often somebody looks.
#[test]
fn how_often_a_run_is_validated_changes_nothing_of_what_it_learns() {
    let all = ["H1.E<-Input.E", "H1.E<-H1.DendI", "Output.E<-H2.E"];
    let noise = ["--perturb", "H1.E: noise 0.1"];
    let random = [
        "--set",
        "learning.nudge.select={ kind = \"random\", fraction = 0.5 }",
    ];
    let general = [&random[..], &["--engine", "tensors"]].concat();
    let batches = [&noise[..], &["--batch-size", "2"]].concat();
    for events in [&noise[..], &random, &general, &batches] {
        let every = |samples: &'static str| {
            trained(&[events, &["--validate-every", samples]].concat(), &all)
        };
        let once = every("40");
        assert!(once == every("10"), "{events:?}");
        assert!(once == every("2"), "{events:?}");
        let seed = trained(&[events, &["--seed", "2"]].concat(), &all);
        assert!(once != seed, "{events:?}");
    }
    // Each of them does draw.
    assert!(trained(&noise, &all) != trained(&[], &all));
    assert!(trained(&random, &all) != trained(&[], &all));
}

#[test]
fn frozen_weights_stay_where_they_started() {
    let names = ["H1.DendI<-H1.E", "H1.E<-Input.E"];
    let spec = small_spec("mnist-dtp", &[]);
    let start = spec.network.init(66_049, &Device::flex()).unwrap();
    let start = names.map(|name| {
        let id = start.plan().projection_named(&name.parse().unwrap());
        start.weight(id.unwrap()).into_data()
    });
    let learned = trained(&["--perturb", "H1.DendI: freeze"], &names);
    assert!(learned[0] == start[0], "frozen weights learned");
    assert!(learned[1] != start[1], "the others did not learn");
}

#[test]
fn what_cannot_be_perturbed_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    for (arguments, part) in [
        (
            vec!["--perturb", "H1.DenI: silence"],
            "did you mean `H1.DendI`?",
        ),
        (
            vec!["--perturb", "H1.E<-H2.D: silence"],
            "did you mean `H1.E<-H2.E`?",
        ),
        (
            vec!["--perturb", "Output.E.dendrite: silence"],
            "`H1.E.dendrite`",
        ),
        (
            vec!["--perturb", "H1.E: silense"],
            "did you mean `silence`?",
        ),
    ] {
        let output = train(&out, &arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(part), "`{part}` is missing in: {message}");
        assert!(!out.exists(), "a run was begun");
    }
}

#[test]
fn a_trained_network_without_its_output_is_at_chance() {
    let folder = tempfile::tempdir().unwrap();
    assert!(train(folder.path(), &[]).status.success());
    let evaluate = |perturbation: &str| {
        let mut command = dendrite();
        command.args(["evaluate", "--json", "--perturb", perturbation]);
        command.arg(folder.path()).output().unwrap()
    };
    let output = evaluate("Output.E: silence");
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // Of equal outputs the first is taken, and a tenth of the digits are zeros.
    let accuracy = result["accuracy"].as_f64().unwrap();
    assert!((0.08..0.12).contains(&accuracy), "{accuracy}");
    for refused in ["Output.E: freeze", "Output.E: silence during train"] {
        let output = evaluate(refused);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("in test alone"));
    }
}

#[test]
fn the_standard_set_is_measured_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let spec = folder.path().join("small.toml");
    let text = small_spec("mnist-dtp", &[]).to_toml().unwrap();
    fs::write(&spec, text).unwrap();
    let out = folder.path().join("study");
    let perturb = |samples: &str| {
        let mut command = dendrite();
        command.args(["perturb", "--seeds", "1", "--analysis-samples", "10"]);
        command.args(["--dataset", "mnist-mini", "--samples", samples]);
        command
            .args(["--validate-every", "20", "--spec"])
            .arg(&spec);
        command.arg("--out").arg(&out).output().unwrap()
    };
    let output = perturb("20");
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("DendI silent in training"));
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    let table = read("perturbations.csv");
    assert_eq!(table.lines().count(), 20);
    assert!(read("perturbations.svg").contains("feedback cut"));

    // Finished runs are not trained again, and the same runs give the same numbers.
    let again = perturb("20");
    let words = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        words.contains("11 of 11 runs are finished already"),
        "{words}"
    );
    assert_eq!(read("perturbations.csv"), table);
    assert_eq!(perturb("21").status.code(), Some(2));
}

fn population() -> impl Strategy<Value = PopulationName> {
    "[A-Za-z0-9_-]{1,6}[.][A-Za-z0-9_-]{1,6}".prop_map(|name| name.parse().unwrap())
}

fn perturbation() -> impl Strategy<Value = Perturbation> {
    use burn_dendrite::nn::Compartment;
    let compartment = prop_oneof![Just(Compartment::Soma), Just(Compartment::Dendrite)];
    let target = prop_oneof![
        population().prop_map(PerturbationTarget::Population),
        (population(), population()).prop_map(|(post, pre)| {
            PerturbationTarget::Projection(ProjectionName { post, pre })
        }),
        (population(), compartment)
            .prop_map(|(name, part)| PerturbationTarget::Compartment(name, part)),
    ];
    let fraction = prop_oneof![Just(1.0), 1e-9..1.0];
    let during = prop_oneof![Just(During::Train), Just(During::Test), Just(During::Both)];
    let action = prop_oneof![
        Just((Action::Silence, true)),
        (0.0..1e9).prop_map(|factor| (Action::Scale(factor), true)),
        (0.0..1e9).prop_map(|deviation| (Action::Noise(deviation), true)),
        (1..=1000_usize).prop_map(|steps| (Action::Delay(steps), false)),
    ];
    (target, action, fraction, during).prop_map(|(target, (action, divisible), part, during)| {
        Perturbation {
            target,
            action,
            fraction: if divisible { part } else { 1.0 },
            during,
        }
    })
}

proptest! {
    #[test]
    fn every_perturbation_is_read_as_it_is_written(perturbation in perturbation()) {
        let text = perturbation.to_string();
        prop_assert_eq!(text.parse::<Perturbation>(), Ok(perturbation), "{}", text);
    }

    #[test]
    fn no_text_is_too_strange(text in "[-HE12.:< a-z0-9]{0,40}|\\PC{0,40}") {
        if let Ok(perturbation) = text.parse::<Perturbation>() {
            let written = perturbation.to_string();
            prop_assert_eq!(written.parse(), Ok(perturbation));
        }
    }
}
