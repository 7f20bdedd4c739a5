//! Processes that are started together: each finds a folder of its own, and none works in that of
//! another.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::lab::study::{Purpose, Study};

use crate::common::{dendrite, small_spec};

const PRESET: &str = "mnist-backprop-ann";

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        let text = small_spec(PRESET, &[]).to_toml().unwrap();
        fs::write(place.path("small.toml"), text).unwrap();
        fs::write(place.path("space.toml"), "\"network.tau\" = [2.0, 3.0]").unwrap();
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = dendrite();
        command
            .current_dir(self.0.path())
            .args(arguments)
            .args(["--spec", "small.toml", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn eight_trainings_that_start_together_take_eight_folders() {
    let place = Place::new();
    let train = ["train", "--samples", "40", "--device", "flex"];
    let children: Vec<Child> = (0..8).map(|_| place.spawn(&train)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", message(&output));
    }
    for number in 1..=8 {
        let run = format!("runs/{PRESET}-mnist-mini-{number}");
        assert!(place.path(&run).join("summary.json").is_file(), "{run}");
    }
    assert_eq!(fs::read_dir(place.path("runs")).unwrap().count(), 8);
}

#[test]
fn so_do_comparisons() {
    let place = Place::new();
    let compare = [
        "compare",
        "--samples",
        "20",
        "--seeds",
        "1",
        "--analysis-samples",
        "0",
    ];
    let children: Vec<Child> = (0..3).map(|_| place.spawn(&compare)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", message(&output));
    }
    for number in 1..=3 {
        let report = format!("runs/compare-mnist-mini-{number}/report.html");
        assert!(place.path(&report).is_file(), "{report}");
    }
}

#[cfg(unix)]
#[test]
fn the_second_of_two_equal_sweeps_says_who_holds_the_folder() {
    let place = Place::new();
    let sweep = [
        "sweep",
        "--space",
        "space.toml",
        "--out",
        "s",
        "--samples",
        "2000",
        "--epochs",
        "1000",
    ];
    let first = place.spawn(&sweep);
    let started = Instant::now();
    while !place.path("s/study.toml").is_file() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no study began"
        );
        sleep(Duration::from_millis(1));
    }
    let second = place.spawn(&sweep).wait_with_output().unwrap();
    let id = first.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status();
    assert!(killed.unwrap().success());
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(130), "{}", message(&first));

    let said = message(&second);
    assert_eq!(second.status.code(), Some(2), "{said}");
    let holder = format!("another process works on the study in `s` (process {id} on `");
    assert!(
        said.contains(&holder) && said.contains("`, since 2"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    // The lock is gone with its process.
    drop(
        Study::load(&place.path("s"), Purpose::Sweep)
            .unwrap()
            .claim()
            .unwrap(),
    );
}

#[test]
fn a_training_says_who_trains_in_its_folder() {
    let place = Place::new();
    let mut train = place.spawn(&[
        "train",
        "--samples",
        "2000",
        "--epochs",
        "1000",
        "--out",
        "r",
    ]);
    let started = Instant::now();
    while !place.path("r/spec.toml").is_file() {
        assert!(started.elapsed() < Duration::from_secs(120), "no run began");
        sleep(Duration::from_millis(1));
    }
    let second = dendrite()
        .current_dir(place.path(""))
        .args(["train", "--resume", "r", "--quiet"])
        .output()
        .unwrap();
    let id = train.id();
    train.kill().unwrap();
    train.wait().unwrap();
    let said = message(&second);
    assert_eq!(second.status.code(), Some(2), "{said}");
    let holder = format!("another process is training in `r` (process {id} on `");
    assert!(said.contains(&holder), "{said}");
}
