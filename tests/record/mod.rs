//! Recorded runs: what is recorded, that it is the same by either engine and after a kill, that
//! training does not notice, and what is refused.

mod by_hand;
mod interrupted;
mod text;
mod values;

use std::{
    fs,
    path::Path,
    process::{Command, Output},
    sync::Arc,
};

use burn_dendrite::train::{
    data::{DatasetName, SampleSet},
    record::Recording,
};

use crate::common::{dendrite, small};

fn command(run: &Path, preset: &str, arguments: &[&str], probes: &[&str]) -> Command {
    let mut command = dendrite();
    command.args(["train", "--preset", preset, "--quiet", "--out"]);
    command.arg(run).args(["--validation-samples", "50"]);
    for expression in small(preset) {
        command.args(["--set", &expression]);
    }
    for probe in probes {
        command.args(["--probe", probe]);
    }
    command.args(arguments);
    command
}

fn train(run: &Path, preset: &str, arguments: &[&str], probes: &[&str]) -> Output {
    command(run, preset, arguments, probes).output().unwrap()
}

/// The records of a run that comes to its end.
fn recorded(preset: &str, arguments: &[&str], probes: &[&str]) -> Recording {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let output = train(&run, preset, arguments, probes);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(chunks(&run), [""; 0], "files of checkpoints are left");
    Recording::load(&run).unwrap()
}

fn digits() -> Arc<SampleSet> {
    let data = DatasetName::MnistMini.load(&Default::default());
    data.unwrap().train
}

/// The files of a run with the records of its checkpoints.
fn chunks(run: &Path) -> Vec<String> {
    let entries = fs::read_dir(run.join("checkpoint")).into_iter();
    let names = entries
        .flatten()
        .map(|it| it.unwrap().file_name().into_string());
    let mut names: Vec<String> = names
        .map(Result::unwrap)
        .filter(|name| name.starts_with("probes-"))
        .collect();
    names.sort();
    names
}

fn difference(one: &[f32], other: &[f32]) -> f32 {
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(other);
    pairs.fold(0.0, |most, (one, other)| most.max((one - other).abs()))
}

#[test]
fn what_cannot_be_recorded_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let refused = |arguments: &[&str], probes: &[&str], part: &str| {
        let arguments = [&["--samples", "40"][..], arguments].concat();
        let output = train(&run, "mnist-dtp", &arguments, probes);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(part), "`{part}` is missing in: {message}");
        assert!(!run.exists(), "a run was begun");
    };
    for (probes, part) in [
        (vec!["H1.F: soma"], "did you mean `H1.E`?"),
        (vec!["H1.E<-H2.D: weight"], "did you mean `H1.E<-H2.E`?"),
        (vec!["H1.E: dendrit"], "did you mean `dendrite`?"),
        (vec!["H1.DendI: dendrite"], "`H1.DendI` has no dendrite"),
        (vec!["H1.SomaI: plateau"], "`H1.SomaI` is not nudged"),
        (vec!["H1.E: bias"], "`H1.E` has no bias"),
        (vec!["H1.E: weight"], "`H1.E` is a population"),
        (vec!["H1.E: soma every 0"], "1 sample or more"),
        (vec!["H1.E: soma last 0"], "1 record or more"),
        (vec!["H1.E: soma", "H1.E: soma every 2"], "recorded twice"),
    ] {
        refused(&[], &probes, part);
    }
    let devices = ["--devices", "flex,flex", "--validate-every", "20"];
    refused(
        &devices,
        &["H1.E: soma"],
        "several devices cannot be recorded",
    );
    let mut command = dendrite();
    command.args(["train", "--resume", "run", "--probe", "H1.E: soma"]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be used with"));
}
