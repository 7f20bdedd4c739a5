//! The command that measures a trained network: figures, files, and what it refuses.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use burn::tensor::Device;
use burn_dendrite::{
    lab::analysis::{self as library, AnalysisOptions, Metric, load_trained},
    train::data::{DatasetName, Splits},
};
use serde_json::Value;

use crate::common::{dendrite, small};

/// A short run on the spirals.
fn run(folder: &Path) -> PathBuf {
    let budget = ["--samples", "200", "--validate-every", "100"];
    trained(folder, "spirals-dtp", &budget)
}

/// A run of a preset with small layers.
fn trained(folder: &Path, preset: &str, arguments: &[&str]) -> PathBuf {
    let out = folder.join("run");
    let mut command = dendrite();
    command.args(["train", "--device", "flex", "--quiet", "--preset", preset]);
    command.args(arguments).arg("--out").arg(&out);
    for expression in small(preset) {
        command.arg("--set").arg(expression);
    }
    assert!(command.status().unwrap().success());
    out
}

fn analyze(run: &Path, extra: &[&str]) -> Output {
    let mut command = dendrite();
    command.arg("analyze").arg(run).args(["--device", "flex"]);
    command.args(extra).output().unwrap()
}

fn analysis(out: &Path) -> Value {
    let text = fs::read_to_string(out.join("analysis.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["analysis"].take()
}

fn refused(output: &Output, parts: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_run_is_measured_with_every_metric_that_fits_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let output = analyze(&run, &["--samples", "60", "--units", "3"]);
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for part in [
        "spirals-dtp, seed 1, on 60 test samples of spirals",
        "angle to backprop, mean change",
        "H1.E",
    ] {
        assert!(shown.contains(part), "`{part}` is missing in: {shown}");
    }
    let out = run.join("analysis");
    let analysis = analysis(&out);
    // The start, 100 and 200 samples.
    let path = analysis["loss_landscape"]["path"].as_array().unwrap();
    let samples: Vec<u64> = path
        .iter()
        .map(|it| it["samples"].as_u64().unwrap())
        .collect();
    assert_eq!(samples, [0, 100, 200]);
    // Feedback is tied to the forward weights in this network.
    let angle = analysis["feedback_alignment"]["concatenated"]
        .as_f64()
        .unwrap();
    assert!(angle < 0.1, "{angle}");
    let angle = analysis["backprop_angle"]["averaged"].as_f64().unwrap();
    assert!((0.0..180.0).contains(&angle), "{angle}");
    for metric in [
        "decision_map",
        "receptive_fields",
        "weights",
        "similarity",
        "dynamics",
    ] {
        assert!(analysis[metric].is_object(), "{metric} is missing");
    }
    assert_eq!(
        analysis["sparsity"]["populations"][0]["patterns"]
            .as_array()
            .unwrap()
            .len(),
        60
    );
    let map = fs::read_to_string(out.join("decision-map.csv")).unwrap();
    assert_eq!(map.lines().next(), Some("x,y,class"));
    assert_eq!(map.lines().count(), 1 + 100 * 100);
}

#[test]
fn the_same_run_is_measured_alike_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let out = folder.path().join("out");
    let out_argument = out.to_str().unwrap();
    let arguments = |metric| {
        [
            "--samples",
            "40",
            "--quiet",
            "--out",
            out_argument,
            "--metric",
            metric,
        ]
    };
    let both = arguments("sparsity,backprop-angle");
    let output = analyze(&run, &both);
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    assert_eq!(
        files(&out),
        [
            "analysis.json",
            "backprop-angle.csv",
            "report.html",
            "sparsity.csv"
        ]
    );
    let first = analysis(&out);
    assert!(analyze(&run, &both).status.success());
    assert_eq!(analysis(&out), first);
    // What an earlier analysis left and this one does not measure goes.
    assert!(analyze(&run, &arguments("dynamics")).status.success());
    assert_eq!(
        files(&out),
        ["analysis.json", "dynamics.csv", "report.html"]
    );
    assert!(!run.join("analysis").exists());
}

#[test]
fn mistakes_are_refused_and_nothing_is_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path());
    let output = analyze(&run, &["--metric", "sparsty"]);
    refused(&output, &["`sparsty`", "did you mean `sparsity`?"]);
    refused(
        &analyze(&run, &["--samples", "1"]),
        &["--samples", "2 or more"],
    );
    refused(&analyze(folder.path(), &[]), &["holds no run"]);

    let other = folder.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("sparsity.csv"), "mine").unwrap();
    let output = analyze(
        &run,
        &["--metric", "sparsity", "--out", other.to_str().unwrap()],
    );
    refused(&output, &["`sparsity.csv`", "new or empty folder"]);
    assert_eq!(
        fs::read_to_string(other.join("sparsity.csv")).unwrap(),
        "mine"
    );
    assert_eq!(files(&other), ["sparsity.csv"]);
    assert!(!run.join("analysis").exists());
}

#[test]
fn a_network_is_measured_on_images_as_it_learned_from_them() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["--normalise", "--samples", "40"];
    let out = trained(folder.path(), "mnist-backprop-ann", &arguments);
    let output = analyze(&out, &["--samples", "30", "--metric", "sparsity"]);
    assert!(output.status.success(), "{output:?}");
    let measured = &analysis(&out.join("analysis"))["sparsity"];

    let trained = load_trained(&out, &Device::flex()).unwrap();
    let plain = DatasetName::MnistMini.load(&Default::default()).unwrap();
    let normalised = trained
        .settings
        .preprocessing
        .prepare(plain.clone())
        .unwrap();
    let options = AnalysisOptions {
        metrics: vec![Metric::Sparsity],
        samples: 30,
        ..AnalysisOptions::default()
    };
    let sparsity = |data: &Splits| -> Value {
        let subject = trained.subject();
        let analysis = library::analyze(&subject, &data.test, &options, &mut |_| ()).unwrap();
        serde_json::to_value(analysis.sparsity).unwrap()
    };
    assert_eq!(*measured, sparsity(&normalised));
    assert_ne!(*measured, sparsity(&plain));
}
