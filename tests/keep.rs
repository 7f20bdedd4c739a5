//! The weights that a run ends with: the last ones, or those of the best validation.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use burn_dendrite::train::run::{self, Keep, SegmentRecord};

use crate::{common::dendrite, resume::weights};

struct Runs(tempfile::TempDir);

impl Runs {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = dendrite();
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    /// Learning that is too fast for its loss to fall from validation to validation.
    fn train(&self, name: &str, extra: &[&str]) -> PathBuf {
        let output = self.start(name, extra).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        self.0.path().join(name)
    }

    fn start(&self, name: &str, extra: &[&str]) -> Command {
        let arguments = [
            "train",
            "--quiet",
            "--preset",
            "mnist-backprop-ann",
            "--set",
            "network.population[H1.E].size=24",
            "--set",
            "network.population[H2.E].size=24",
            "--set",
            "schedule={ kind = \"constant\", factor = 6.0 }",
            "--samples",
            "1000",
            "--epochs",
            "3",
            "--validate-every",
            "100",
        ];
        let mut command = self.command(&arguments);
        command.args(extra).args(["--out", name]);
        command
    }

    fn evaluate(&self, name: &str, split: &str) -> (serde_json::Value, String) {
        let arguments = ["evaluate", name, "--json", "--split", split];
        let output = self.command(&arguments).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let line = serde_json::from_slice(&output.stdout).unwrap();
        (line, stderr(&output))
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The losses of the validations of a run.
fn losses(run: &Path) -> Vec<(SegmentRecord, f64)> {
    let records = run::records(run).unwrap().into_iter();
    let validations = records.filter(|it| it.split == "valid");
    validations
        .map(|it| (it.clone(), it.metrics["Loss"]))
        .collect()
}

fn close(one: f64, other: f64) -> bool {
    // Means of the same numbers in another order.
    (one - other).abs() < 1e-6
}

#[test]
fn a_run_that_runs_out_of_patience_ends_with_its_best_weights() {
    let runs = Runs::new();
    let run = runs.train("best", &["--patience", "4"]);
    let summary = run::summary(&run).unwrap().unwrap();
    let losses = losses(&run);
    let (best, lowest) = losses
        .iter()
        .min_by(|one, other| one.1.total_cmp(&other.1))
        .unwrap();
    let (last, _) = losses.last().unwrap();
    assert!(summary.stopped_early && last.segment == best.segment + 4);
    assert_eq!(
        (summary.kept, summary.kept_samples),
        (Keep::Best, Some(best.samples))
    );
    assert_eq!(summary.train_samples, last.samples);

    let (evaluated, note) = runs.evaluate("best", "validation");
    assert!(
        close(evaluated["loss"].as_f64().unwrap(), *lowest),
        "{evaluated} {lowest}"
    );
    assert_eq!(evaluated["weights"], "best");
    assert!(
        note.contains(&format!("after {} training samples", best.samples)),
        "{note}"
    );
    assert_eq!(
        runs.evaluate("best", "test").0["accuracy"],
        summary.test_accuracy
    );
    // Its settings say so, and nothing is left of what it kept on the way.
    assert!(
        fs::read_to_string(run.join("run.toml"))
            .unwrap()
            .contains("keep = \"best\"")
    );
    let names = fs::read_dir(run.join("checkpoint")).unwrap();
    let mut names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert!(names.all(|name| !name.starts_with("best")));

    let kept = runs.train("last", &["--patience", "4", "--keep", "last"]);
    let (evaluated, note) = runs.evaluate("last", "validation");
    let (_, loss) = losses.last().unwrap();
    assert!(
        close(evaluated["loss"].as_f64().unwrap(), *loss),
        "{evaluated} {loss}"
    );
    assert_eq!(
        (evaluated["weights"].as_str(), note.as_str()),
        (Some("last"), "")
    );
    let summary = run::summary(&kept).unwrap().unwrap();
    assert_eq!((summary.kept, summary.kept_samples), (Keep::Last, None));
    assert!(weights(&run) != weights(&kept));
}

#[test]
fn a_run_without_patience_ends_with_its_last_weights_unless_the_best_are_asked_for() {
    let runs = Runs::new();
    let last = runs.train("last", &[]);
    let best = runs.train("best", &["--keep", "best"]);
    let losses = losses(&last);
    assert_eq!(losses, self::losses(&best));
    let lowest = losses.iter().map(|it| it.1).fold(f64::INFINITY, f64::min);
    for (name, expected) in [("last", losses.last().unwrap().1), ("best", lowest)] {
        let (evaluated, _) = runs.evaluate(name, "validation");
        assert!(
            close(evaluated["loss"].as_f64().unwrap(), expected),
            "{name}: {evaluated}"
        );
    }
    let summary = run::summary(&best).unwrap().unwrap();
    assert!(!summary.stopped_early && summary.train_samples == 3000);
}

#[cfg(unix)]
#[test]
fn the_best_weights_survive_kills_and_stops() {
    let runs = Runs::new();
    let extra = ["--keep", "best", "--checkpoint-every", "500"];
    let whole = runs.train("whole", &extra);
    let run = runs.0.path().join("killed");
    let mut command = runs.start("killed", &extra);
    for (segment, name) in [(7, "-KILL"), (13, "-INT"), (22, "-KILL")] {
        let mut child = command.spawn().unwrap();
        loop {
            let records = run::records(&run).unwrap_or_default();
            if records.last().is_some_and(|it| it.segment >= segment) {
                break;
            }
            assert!(
                child.try_wait().unwrap().is_none(),
                "ended before segment {segment}"
            );
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let id = child.id().to_string();
        assert!(
            Command::new("kill")
                .args([name, &id])
                .status()
                .unwrap()
                .success()
        );
        child.wait().unwrap();
        command = runs.command(&["train", "--quiet", "--resume", "killed"]);
    }
    assert!(command.status().unwrap().success());
    assert!(weights(&whole) == weights(&run), "the weights differ");
    assert_eq!(losses(&whole), losses(&run));
    let summary = |run: &Path| run::summary(run).unwrap().unwrap();
    assert_eq!(summary(&whole).kept_samples, summary(&run).kept_samples);
    assert_eq!(summary(&whole).test_loss, summary(&run).test_loss);
}

#[test]
fn who_measures_an_unfinished_run_is_told_so() {
    let runs = Runs::new();
    let run = runs.train("run", &["--checkpoint-every", "1000", "--patience", "100"]);
    // As if it had been killed after two of three epochs.
    for file in ["summary.json", "model.bpk"] {
        fs::remove_file(run.join(file)).unwrap();
    }
    for part in ["model", "optimizer", "schedule"] {
        fs::remove_file(run.join(format!("checkpoint/{part}-30.bpk"))).unwrap();
    }
    let (evaluated, note) = runs.evaluate("run", "validation");
    assert!(
        close(evaluated["loss"].as_f64().unwrap(), losses(&run)[19].1),
        "{evaluated}"
    );
    assert_eq!(evaluated["weights"], "checkpoint");
    let expected = "note: the run has not come to its end; these are the weights of its newest \
                    checkpoint, after 2000 of 3000 training samples\n";
    assert_eq!(note, expected);
    let arguments = ["analyze", "run", "--metric", "sparsity", "--samples", "20"];
    let output = runs.command(&arguments).output().unwrap();
    assert_eq!(stderr(&output), expected);

    // And where there is nothing to measure yet.
    fs::remove_dir_all(run.join("checkpoint")).unwrap();
    let output = runs.command(&["evaluate", "run"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("no checkpoint yet"),
        "{}",
        stderr(&output)
    );
}
