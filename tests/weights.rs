//! Weights that leave a run and come into another one, and runs that become longer.

use std::{fs, path::PathBuf, process::Command};

use burn::tensor::{Device, Tensor};
use burn_dendrite::train::{
    load_model,
    weights::{self, NamedArray},
};

use crate::common::{dendrite, small};

struct Place(tempfile::TempDir);

impl Place {
    /// A place with a run of a small network.
    fn with_run(preset: &str, arguments: &[&str]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.train(
            preset,
            &[&["--out", "run", "--samples", "60"], arguments].concat(),
        );
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = dendrite();
        let output = command.current_dir(self.0.path()).args(arguments).output();
        let output = output.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn run(&self, arguments: &[&str]) -> String {
        let (code, printed, said) = self.command(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {said}");
        printed
    }

    fn refused(&self, arguments: &[&str], part: &str) {
        let (code, _, said) = self.command(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{said}");
        assert!(said.matches("accepted").count() <= 1, "said twice: {said}");
    }

    fn train(&self, preset: &str, arguments: &[&str]) {
        let overrides = small(preset);
        let mut command = vec!["train", "--preset", preset, "--quiet"];
        command.extend(overrides.iter().flat_map(|it| ["--set", it.as_str()]));
        command.extend(arguments);
        self.run(&command);
    }

    fn accuracy(&self, run: &str) -> f64 {
        let evaluated = self.run(&["evaluate", run, "--json"]);
        let evaluated: serde_json::Value = serde_json::from_str(&evaluated).unwrap();
        evaluated["accuracy"].as_f64().unwrap()
    }

    fn arrays(&self, name: &str) -> Vec<NamedArray> {
        weights::read(&self.path(name)).unwrap()
    }
}

/// Nothing learns, so that a run ends as it starts.
const STILL: [&str; 2] = ["--set", "learning.rule[*].learning_rate=0.0"];

#[test]
fn what_is_exported_is_what_the_network_computes_with() {
    let place = Place::with_run("mnist-backprop-ann", &[]);
    for file in ["weights.npz", "weights.safetensors"] {
        assert!(place.run(&["export", "run", "--out", file]).contains(file));
    }
    let mut arrays = place.arrays("weights.npz");
    arrays.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(arrays, place.arrays("weights.safetensors"));
    let find = |name: &str| arrays.iter().find(|array| array.name == name).unwrap();
    assert_eq!(find("H1.E.sign").values, [0.0; 24]);

    // By hand: each row of a matrix is a neuron that receives.
    let mut activity = vec![0.1_f64; 784];
    for name in ["H1.E<-Input.E", "H2.E<-H1.E", "Output.E<-H2.E"] {
        let weight = find(&format!("{name}.weight"));
        assert_eq!(weight.shape[1], activity.len());
        let rows = weight.values.chunks(weight.shape[1]);
        let dot = |row: &[f32]| -> f64 {
            row.iter()
                .zip(&activity)
                .map(|(weight, it)| f64::from(*weight) * it)
                .sum()
        };
        activity = rows.map(|row| dot(row).max(0.0)).collect();
    }
    let device = Device::flex();
    let (model, ..) = load_model(&place.path("run"), &device).unwrap();
    let output = model.network.forward(Tensor::ones([1, 784], &device) * 0.1);
    let output: Vec<f64> = output.into_data().iter::<f64>().collect();
    for (one, other) in output.iter().zip(&activity) {
        assert!((one - other).abs() < 1e-5, "{output:?} {activity:?}");
    }
    place.refused(
        &["export", "run", "--out", "weights.npz"],
        "is there already",
    );
    place.refused(&["export", "run", "--out", "weights.pt"], ".safetensors");
    place.refused(
        &["export", "run", "--out", "no folder/weights.npz"],
        "`no folder` is no folder",
    );
    place.refused(&["export", "run", "--checkpoint", "7"], "accepted: 0, ");
}

/// The interpreter that `DENDRITE_PYTHON` names, else `python3`, if it has these modules. One that is named must
/// have NumPy.
fn python_with(modules: &str) -> Option<Command> {
    let named = std::env::var_os("DENDRITE_PYTHON");
    let program = named.clone().unwrap_or_else(|| "python3".into());
    let mut import = Command::new(&program);
    let import = import.args(["-c", &format!("import {modules}")]).output();
    let has_modules = import.is_ok_and(|output| output.status.success());
    let must = named.is_some() && modules == "numpy";
    assert!(has_modules || !must, "{program:?} has no {modules}");
    has_modules.then(|| Command::new(program))
}

/// What the book shows reads the files, and computes what the program does. Without Python there is nothing to
/// hold it against.
#[test]
fn python_reads_what_is_exported() {
    let place = Place(tempfile::tempdir().unwrap());
    place.run(&[
        "train",
        "--preset",
        "mnist-backprop-ann",
        "--samples",
        "20",
        "--out",
        "run",
        "--quiet",
    ]);
    let device = Device::flex();
    let (model, ..) = load_model(&place.path("run"), &device).unwrap();
    let expected = model.network.forward(Tensor::ones([1, 784], &device) * 0.1);
    let expected: Vec<f64> = expected.into_data().iter::<f64>().collect();
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/src/weights.md"));
    let page = page.unwrap();
    for (file, program, modules) in [
        ("weights.npz", "forward.py", "numpy"),
        (
            "weights.safetensors",
            "forward_torch.py",
            "torch, safetensors",
        ),
    ] {
        place.run(&["export", "run", "--out", file]);
        let start = format!("```python,file={program}\n");
        let (_, program) = page.split_once(&start).unwrap();
        let (program, _) = program.split_once("```").unwrap();
        let Some(mut python) = python_with(modules) else {
            continue;
        };
        let output = python
            .current_dir(place.0.path())
            .args(["-c", program])
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        let found: Vec<f64> = printed
            .split_whitespace()
            .map(|it| it.parse().unwrap())
            .collect();
        assert_eq!(found.len(), 10, "{errors}");
        for (one, other) in found.iter().zip(&expected) {
            assert!((one - other).abs() < 1e-5, "{printed}");
        }
    }
}

#[test]
fn a_run_that_starts_from_another_is_as_good_to_the_bit() {
    as_good_to_the_bit("mnist-dtp");
}

/// Another seed has other windows: they come with the weights.
#[test]
fn so_is_one_with_receptive_fields() {
    as_good_to_the_bit("mnist-backprop-ei-receptive-fields");
}

fn as_good_to_the_bit(preset: &str) {
    let place = Place::with_run(preset, &[]);
    let accuracy = place.accuracy("run");
    for file in ["run.npz", "run.safetensors"] {
        place.run(&["export", "run", "--out", file]);
    }
    for (from, out) in [("run", "a"), ("run.npz", "b"), ("run.safetensors", "c")] {
        let start = [
            "--samples",
            "4",
            "--seed",
            "5",
            "--from",
            from,
            "--out",
            out,
        ];
        place.train(preset, &[&start[..], &STILL].concat());
        assert_eq!(place.accuracy(out), accuracy, "{from}");
        // The run knows its start without the one that it came from.
        place.run(&[
            "export",
            out,
            "--checkpoint",
            "0",
            "--out",
            &format!("{out}-0.npz"),
        ]);
        let sorted = |file: &str| {
            let mut arrays = place.arrays(file);
            arrays.sort_by(|one, other| one.name.cmp(&other.name));
            arrays
        };
        let is_same = sorted(&format!("{out}-0.npz")) == sorted("run.npz");
        assert!(is_same, "{from}");
    }
}

#[test]
fn some_of_the_weights_can_be_taken_over() {
    let place = Place::with_run("mnist-backprop-ann", &[]);
    place.run(&["export", "run", "--out", "run.npz"]);
    let start = ["--samples", "2", "--seed", "5", "--out"];
    let only = ["--from", "run.npz", "--from-only", "H1.*<-*"];
    place.train(
        "mnist-backprop-ann",
        &[&start[..], &["some"], &only, &STILL].concat(),
    );
    place.train(
        "mnist-backprop-ann",
        &[&start[..], &["none"], &STILL].concat(),
    );
    let weights = |run: &str, name: &str| {
        let file = format!("{run}-out.npz");
        if !place.path(&file).exists() {
            place.run(&["export", run, "--out", &file]);
        }
        let arrays = place.arrays(&file);
        let name = format!("{name}.weight");
        arrays.into_iter().find(|array| array.name == name).unwrap()
    };
    for (name, like) in [("H1.E<-Input.E", "run"), ("H2.E<-H1.E", "none")] {
        assert_eq!(weights("some", name), weights(like, name), "{name}");
    }
    assert_ne!(
        weights("some", "H1.E<-Input.E"),
        weights("none", "H1.E<-Input.E")
    );
}

#[test]
fn weights_that_are_not_those_of_the_network_are_refused() {
    let place = Place::with_run("mnist-backprop-ann", &[]);
    place.run(&["export", "run", "--out", "run.npz"]);
    let overrides = small("mnist-dtp");
    let from = |arguments: &[&'static str]| {
        let mut command = vec![
            "train",
            "--preset",
            "mnist-dtp",
            "--quiet",
            "--samples",
            "4",
        ];
        let overrides: Vec<&str> = overrides
            .iter()
            .flat_map(|it| ["--set", it.as_str()])
            .collect();
        command.extend(&overrides);
        command.extend(arguments);
        command
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<String>>()
    };
    for (arguments, part) in [
        (
            &["--from", "run.npz"][..],
            "negative, from excitatory cells",
        ),
        (&["--from", "nowhere"], "nowhere"),
        (&["--from", "nowhere.npz"], "nowhere.npz"),
        (
            &["--from", "run.npz", "--from-only", "H9.*"],
            "matches nothing",
        ),
        (
            &["--from", "run.npz", "--from-only", "H1.DendI<-H1.E"],
            "has no `H1.DendI<-H1.E.weight`",
        ),
        (
            &[
                "--from",
                "run.npz",
                "--set",
                "network.population[H1.E].size=23",
            ],
            "has the shape [24, 784]; accepted: [23, 784]",
        ),
    ] {
        let command = from(arguments);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        place.refused(&command, part);
    }
    assert!(!place.path("runs").exists());
}

#[test]
fn a_run_becomes_longer_as_if_it_had_been_so() {
    let two = ["--epochs", "2", "--out", "two"];
    let place = Place::with_run("mnist-dtp", &[]);
    place.train("mnist-dtp", &[&["--samples", "60"], &two[..]].concat());
    place.refused(
        &["train", "--resume", "two", "--epochs", "1"],
        "accepted: more",
    );
    place.run(&["train", "--resume", "run", "--epochs", "2", "--quiet"]);
    let model = |run: &str| fs::read(place.path(run).join("model.bpk")).unwrap();
    assert_eq!(place.accuracy("run"), place.accuracy("two"));
    let lines = |run: &str| fs::read_to_string(place.path(run).join("metrics.jsonl")).unwrap();
    assert_eq!(lines("run").lines().count(), lines("two").lines().count());
    assert_eq!(model("run").len(), model("two").len());
    for run in ["run", "two"] {
        place.run(&["export", run, "--out", &format!("{run}.npz")]);
    }
    assert_eq!(place.arrays("run.npz"), place.arrays("two.npz"));
    let settings = fs::read_to_string(place.path("run/run.toml")).unwrap();
    assert!(settings.contains("epochs = 2"), "{settings}");
}
