//! Accumulated batches and several devices learn as one large batch does, and what burn's learner
//! cannot do is refused.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn::tensor::Device;
use burn_dendrite::{
    nn::ProjectionId,
    train::{load_model, run},
};

use crate::common::{dendrite, small};

/// A folder in which runs are made.
struct Runs(tempfile::TempDir);

impl Runs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn train(&self, name: &str, preset: &str, extra: &[&str]) -> (Option<i32>, String) {
        let mut command = dendrite();
        command
            .current_dir(self.0.path())
            .args(["train", "--quiet"]);
        command
            .args(["--preset", preset, "--out", name])
            .args(extra);
        for expression in small(preset) {
            command.arg("--set").arg(expression);
        }
        let output = command.output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), message)
    }

    fn trained(&self, name: &str, preset: &str, extra: &[&str]) -> PathBuf {
        let (code, message) = self.train(name, preset, extra);
        assert_eq!(code, Some(0), "{message}");
        self.0.path().join(name)
    }

    fn refused(&self, preset: &str, extra: &[&str], parts: &[&str]) {
        let (code, message) = self.train("refused", preset, extra);
        assert_eq!(code, Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
        assert!(!self.0.path().join("refused").exists());
    }
}

/// Every weight of a run, and everything that its rules remember.
fn weights(run: &Path) -> Vec<f32> {
    let (model, ..) = load_model(run, &Device::flex()).unwrap();
    let weights = (0..model.network.projections.len())
        .map(|index| model.network.weight(ProjectionId(index)).into_data());
    let memory = model.memory.values().into_iter().map(|it| it.into_data());
    let values = weights.chain(memory);
    values
        .flat_map(|data| data.iter::<f32>().collect::<Vec<_>>())
        .collect()
}

fn difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    one.iter()
        .zip(other)
        .map(|(one, other)| (one - other).abs())
        .fold(0.0, f32::max)
}

/// Sums in another order differ in the last places only.
const ROUNDING: f32 = 1e-4;

/// Steps of 6, 6, 6 and 2 samples.
const BUDGET: [&str; 4] = ["--samples", "40", "--validate-every", "20"];

/// The arguments, and more of them.
fn joined<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

fn learns_like_one_batch(preset: &str, extra: &[&str]) {
    let runs = Runs::new();
    let budget = [&BUDGET[..], &["--device", "flex"], extra].concat();
    let whole = weights(&runs.trained("whole", preset, &joined(&budget, &["--batch-size", "6"])));
    let parts = joined(&budget, &["--batch-size", "2", "--accumulate", "3"]);
    let parts = weights(&runs.trained("parts", preset, &parts));
    let other = weights(&runs.trained("other", preset, &joined(&budget, &["--batch-size", "2"])));
    assert!(
        difference(&whole, &parts) < ROUNDING,
        "{}",
        difference(&whole, &parts)
    );
    assert!(difference(&whole, &other) > 10.0 * ROUNDING);
}

#[test]
fn accumulated_batches_learn_like_one_large_batch() {
    learns_like_one_batch("mnist-dtp", &[]);
}

#[test]
fn so_do_they_with_rules_that_remember_and_with_adam() {
    let overrides = [
        "learning.nudge.settling=\"equilibrated\"",
        "learning.rule[H1.E<-Input.E].rule={ kind = \"behavioral_timescale\" }",
        "learning.rule[H2.E<-H1.E].rule={ kind = \"bienenstock_cooper_munro\" }",
    ];
    let extra: Vec<&str> = overrides.iter().flat_map(|it| ["--set", it]).collect();
    learns_like_one_batch("mnist-dtp", &extra);
    let adam = [
        "optimizer={ kind = \"adam\" }",
        "schedule={ kind = \"constant\", factor = 0.01 }",
    ];
    let extra: Vec<&str> = adam.iter().flat_map(|it| ["--set", it]).collect();
    learns_like_one_batch("mnist-backprop-ei", &extra);
}

#[test]
fn two_devices_learn_like_one_with_a_batch_twice_as_large() {
    let runs = Runs::new();
    // Segments of one step, so that both see the same samples in it.
    let budget = ["--samples", "36", "--validate-every", "6"];
    for preset in ["mnist-dtp", "mnist-backprop-ei"] {
        let one = joined(&budget, &["--device", "flex", "--batch-size", "6"]);
        let one = runs.trained(&format!("{preset}-one"), preset, &one);
        let two = joined(&budget, &["--devices", "flex,flex", "--batch-size", "3"]);
        let two = runs.trained(&format!("{preset}-two"), preset, &two);
        let difference = difference(&weights(&one), &weights(&two));
        assert!(difference < ROUNDING, "{preset}: {difference}");
        let summary = run::summary(&two).unwrap().unwrap();
        assert_eq!(
            (summary.train_samples, summary.device.as_str()),
            (36, "flex, flex")
        );
    }
}

/// What a step draws belongs to its samples, whichever device sees them first.
#[test]
fn so_they_do_with_noise_and_random_plateaus() {
    let runs = Runs::new();
    let budget = ["--samples", "36", "--validate-every", "6"];
    let select = "learning.nudge.select={ kind = \"random\", fraction = 0.5 }";
    for events in [
        &["--perturb", "H1.E: noise 0.1"],
        &["--perturb", "H1.E<-H2.E: noise 0.1 during train"],
        &["--set", select],
    ] {
        let run = |name: &str, arguments: &[&str]| {
            let arguments = [&budget[..], events, arguments].concat();
            let name = format!("{}-{name}", events[1]);
            weights(&runs.trained(&name, "mnist-dtp", &arguments))
        };
        let two = ["--devices", "flex,flex", "--batch-size", "3"];
        let (first, second) = (run("first", &two), run("second", &two));
        assert!(first == second, "{events:?}");
        let one = run("one", &["--device", "flex", "--batch-size", "6"]);
        let difference = difference(&one, &first);
        assert!(difference < ROUNDING, "{events:?}: {difference}");
    }
    // Longer segments, of which each device sees its half in several steps.
    let noise = ["--perturb", "H1.E: noise 0.1", "--samples", "240"];
    let two = joined(&noise, &["--devices", "flex,flex", "--batch-size", "4"]);
    let run = |name: &str| weights(&runs.trained(name, "mnist-dtp", &two));
    let first = run("long-1");
    for name in ["long-2", "long-3"] {
        assert!(first == run(name));
    }
}

#[test]
fn two_devices_go_on_to_the_same_bits() {
    let runs = Runs::new();
    let devices = ["--devices", "flex,flex"];
    let budget = [
        "--samples",
        "40",
        "--validate-every",
        "10",
        "--batch-size",
        "2",
    ];
    let run = runs.trained("run", "mnist-dtp", &joined(&budget, &devices));
    let whole = weights(&run);
    // As if it had been killed after the third of four segments.
    for file in ["summary.json", "model.bpk"] {
        fs::remove_file(run.join(file)).unwrap();
    }
    for part in ["model", "optimizer", "schedule"] {
        fs::remove_file(run.join(format!("checkpoint/{part}-4.bpk"))).unwrap();
    }
    let mut resume = dendrite();
    resume
        .args(["train", "--quiet", "--resume"])
        .arg(&run)
        .args(devices);
    assert!(resume.status().unwrap().success());
    assert_eq!(weights(&run), whole);
}

#[test]
fn what_several_devices_cannot_do_is_refused() {
    let runs = Runs::new();
    let two = ["--samples", "40", "--devices", "flex,flex"];
    runs.refused(
        "mnist-dtp-btsp",
        &two,
        &["a rule that remembers", "one device"],
    );
    let uneven = joined(&two, &["--validate-every", "15"]);
    runs.refused("mnist-dtp", &uneven, &["15 samples", "multiples of 2"]);
    let missing = ["--samples", "40", "--devices", "flex,flex:1"];
    runs.refused("mnist-dtp", &missing, &["1 device for", "flex:1"]);
    runs.refused(
        "mnist-dtp",
        &["--accumulate", "0"],
        &["--accumulate", "1 or more"],
    );

    let run = runs.trained("run", "mnist-dtp", &two);
    fs::remove_file(run.join("summary.json")).unwrap();
    let mut resume = dendrite();
    resume
        .args(["train", "--device", "flex", "--resume"])
        .arg(&run);
    let output = resume.output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("among 2 devices, and the number given is 1"),
        "{message}"
    );
}

#[test]
fn vital_signs_are_logged_and_weights_are_lawful_throughout() {
    let runs = Runs::new();
    let budget = [
        "--samples",
        "100",
        "--validate-every",
        "50",
        "--device",
        "flex",
    ];
    let run = runs.trained("run", "mnist-dtp", &budget);
    let records = run::records(&run).unwrap();
    assert_eq!(records.len(), 4);
    for record in &records {
        let metric = |name: &str| record.metrics.get(name).copied();
        assert_eq!(metric("Dale Violations"), Some(0.0), "{record:?}");
        for name in ["Dendritic State H1", "Settling Residual", "Sparsity H1.E"] {
            assert!(
                metric(name).is_some_and(|value| value > 0.0),
                "{name}: {record:?}"
            );
        }
        let updated = metric("Updated Units H1.E");
        assert_eq!(updated.is_some(), record.split == "train");
        assert!(updated.is_none_or(|share| share > 0.0 && share <= 1.0));
    }
    let run = runs.trained(
        "none",
        "mnist-dtp",
        &joined(&budget, &["--vitals-every", "0"]),
    );
    let names = run::records(&run).unwrap().remove(0).metrics.into_keys();
    assert_eq!(names.collect::<Vec<_>>(), ["Accuracy", "Loss"]);
}

#[test]
fn normalised_pixels_are_for_unconstrained_inputs() {
    let runs = Runs::new();
    let arguments = ["--samples", "40", "--device", "flex", "--normalise"];
    runs.refused("mnist-dtp", &arguments, &["`Input.E`", "unconstrained"]);
    let run = runs.trained("run", "mnist-backprop-ann", &arguments);
    // Whoever measures the run later shows it the same pixels.
    let mut evaluate = dendrite();
    evaluate
        .arg("evaluate")
        .arg(&run)
        .args(["--json", "--device", "flex"]);
    let evaluated = evaluate.output().unwrap().stdout;
    let evaluated: serde_json::Value = serde_json::from_slice(&evaluated).unwrap();
    let summary = run::summary(&run).unwrap().unwrap();
    assert_eq!(evaluated["accuracy"], summary.test_accuracy);
    let spirals = ["--device", "flex", "--flip"];
    runs.refused("spirals-dtp", &spirals, &["vectors"]);
    let large = ["--device", "flex", "--crop", "28"];
    runs.refused("mnist-dtp", &large, &["28", "0 to 27"]);
}
