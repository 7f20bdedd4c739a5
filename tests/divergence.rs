//! Activity that runs away, and outputs that fall silent.

use std::{fs, process::Output};

use burn::tensor::Device;
use burn_dendrite::{
    nn::PopulationName,
    train::{
        ExperimentSpec, RUNAWAY,
        data::DatasetName,
        run::{RunSettings, divergence, records},
    },
};
use tempfile::TempDir;

use crate::common::{dendrite, small, small_spec};

const SAMPLES: usize = 42;
const VALIDATE_EVERY: usize = 3;
/// A hundred times the published rates are too large from the first steps on.
const FACTOR: f64 = 100.0;

fn train(folder: &TempDir, extra: &[&str]) -> Output {
    train_every(VALIDATE_EVERY, folder, extra)
}

fn train_every(every: usize, folder: &TempDir, extra: &[&str]) -> Output {
    let preset = "mnist-backprop-ann";
    let (samples, every) = (SAMPLES.to_string(), every.to_string());
    let mut command = dendrite();
    command.current_dir(folder.path());
    command.args(["train", "--device", "flex", "--quiet", "--out", "run"]);
    command.args(["--preset", preset, "--samples", &samples]);
    command.args(["--validate-every", &every]).args(extra);
    for expression in small(preset) {
        command.arg("--set").arg(expression);
    }
    command.output().unwrap()
}

fn too_fast() -> [String; 2] {
    let schedule = format!("schedule={{ kind = \"constant\", factor = {FACTOR} }}");
    ["--set".to_owned(), schedule]
}

/// The step, from 1, and the population in which the activity first passes the limit, found by
/// taking the steps one by one.
fn first_runaway(spec: &ExperimentSpec, settings: &RunSettings) -> (usize, PopulationName) {
    let device = Device::flex();
    let (plan, learning) = spec.check().unwrap();
    let learning = learning.scaled(FACTOR);
    let mut network = spec.network.init(settings.network_seed(), &device).unwrap();
    let memory = learning.memory(&network);
    let digits = DatasetName::MnistMini
        .load(&Default::default())
        .unwrap()
        .train;
    let order = settings.segments().order(0, digits.len());
    for (step, sample) in (1..).zip(order) {
        let batch = digits.batch(&[sample], &device);
        let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
        for (id, population) in plan.populations.iter() {
            let activity = outcome.trace.forward.activity[id].clone().into_data();
            if activity
                .iter::<f64>()
                .any(|it| it.is_nan() || it.abs() > RUNAWAY)
            {
                return (step, population.name.clone());
            }
        }
        network = outcome.apply(network, &memory);
    }
    panic!("no activity ran away");
}

#[test]
fn a_run_that_diverges_stops_and_names_step_population_and_last_good_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = too_fast();
    let output = train(&folder, &schedule.each_ref().map(String::as_str));
    let message = String::from_utf8_lossy(&output.stderr);
    // Nobody mistyped anything: 1, not 2.
    assert_eq!(output.status.code(), Some(1), "{message}");

    let run = folder.path().join("run");
    let settings = fs::read_to_string(run.join("run.toml")).unwrap();
    let settings: RunSettings = toml::from_str(&settings).unwrap();
    let spec = small_spec("mnist-backprop-ann", &[]);
    let (step, population) = first_runaway(&spec, &settings);
    let good = (step - 1) / VALIDATE_EVERY;
    assert!(good > 0, "the test needs a checkpoint before the end");
    for part in [
        format!("training diverged in step {step}: the activity of `{population}` reached"),
        format!(
            "`run/checkpoint/model-{good}.bpk`, after {} samples",
            good * VALIDATE_EVERY
        ),
        "--on-divergence skip".to_owned(),
    ] {
        assert!(message.contains(&part), "`{part}` is missing in: {message}");
    }
    let written = divergence(&run).unwrap().unwrap();
    assert_eq!((written.step, written.population), (step, Some(population)));
    // Noticed within the segment: no checkpoint was made of what had diverged.
    let next = run.join(format!("checkpoint/model-{}.bpk", good + 1));
    assert!(!next.exists() && !run.join("model.bpk").exists());
    let resumed = dendrite()
        .current_dir(folder.path())
        .args(["train", "--device", "flex", "--quiet", "--resume", "run"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&resumed.stderr).contains(&format!("in step {step}:")));
}

#[test]
fn what_only_the_validation_shows_is_noticed_there() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = too_fast();
    // The activity that runs away in the fifth step does so after the fourth, if one looks.
    let output = train_every(4, &folder, &schedule.each_ref().map(String::as_str));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(
        message.contains("in the validation after step 4: the activity of `"),
        "{message}"
    );
    assert!(
        message.contains("there is no checkpoint before that"),
        "{message}"
    );
}

#[test]
fn updates_are_left_out_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = too_fast();
    let mut arguments = vec!["--on-divergence", "skip"];
    arguments.extend(schedule.iter().map(String::as_str));
    let output = train(&folder, &arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("updates were left out, the first in step"),
        "{message}"
    );
    let run = folder.path().join("run");
    // Both splits of every segment, with a number for each metric.
    let records = records(&run).unwrap();
    assert_eq!(records.len(), 2 * SAMPLES / VALIDATE_EVERY);
    let (model, settings, _) = burn_dendrite::train::load_model(&run, &Device::flex()).unwrap();
    assert_eq!(
        settings.on_divergence,
        burn_dendrite::train::OnDivergence::Skip
    );
    assert_eq!(crate::lawful::check(&model.network), Ok(()));
}

#[test]
fn the_guard_changes_nothing_while_all_is_well() {
    let folder = tempfile::tempdir().unwrap();
    // Leaving updates out takes the general step, so it is compared with that.
    assert!(train(&folder, &["--engine", "tensors"]).status.success());
    let metrics = |folder: &TempDir| fs::read(folder.path().join("run/metrics.jsonl")).unwrap();
    let guarded = tempfile::tempdir().unwrap();
    assert!(
        train(&guarded, &["--on-divergence", "skip"])
            .status
            .success()
    );
    assert_eq!(metrics(&folder), metrics(&guarded));
}

#[test]
fn hidden_populations_that_fall_silent_are_warned_about_once() {
    let folder = tempfile::tempdir().unwrap();
    let silent = "network.projection[*].weight={ kind = \"constant\", value = 0 }";
    let output = train(&folder, &["--set", silent]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    for name in ["H1.E", "H2.E"] {
        let warning = format!("warning: segment 1: no neuron of `{name}` was active for any");
        assert_eq!(message.matches(&warning).count(), 1, "{message}");
        assert_eq!(
            message.matches(&format!("`{name}`")).count(),
            1,
            "{message}"
        );
    }
    // The log says so of each validation.
    let records = records(&folder.path().join("run")).unwrap();
    let names = ["H1.E", "H2.E", "Output.E"].map(|name| name.parse().unwrap());
    for record in records {
        let expected = if record.split == "valid" {
            &names[..]
        } else {
            &[]
        };
        assert_eq!(record.silent, expected);
    }

    let folder = tempfile::tempdir().unwrap();
    let output = train(&folder, &[]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("no neuron of"));
    // It is no news where it was asked for.
    let folder = tempfile::tempdir().unwrap();
    let output = train(&folder, &["--perturb", "H2.E: silence during test"]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("no output neuron"), "{message}");
    assert!(!message.contains("no neuron of"), "{message}");
}

#[test]
fn outputs_that_fall_silent_are_warned_about() {
    let folder = tempfile::tempdir().unwrap();
    let silent = "network.projection[*].weight={ kind = \"constant\", value = 0 }";
    let output = train(&folder, &["--set", silent]);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    let warning = "no output neuron was active for any validation sample";
    // Once after each validation.
    assert_eq!(
        message.matches(warning).count(),
        SAMPLES / VALIDATE_EVERY,
        "{message}"
    );

    let folder = tempfile::tempdir().unwrap();
    let output = train(&folder, &[]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains(warning));
}
