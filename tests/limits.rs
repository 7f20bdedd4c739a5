//! Numbers beyond all bounds: refused in a sentence with the accepted range, at once.

use std::{
    fs,
    process::{Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::common::{dendrite, small, small_spec};

const PRESET: &str = "mnist-backprop-ann";
/// 2^64 - 1.
const LARGEST: &str = "18446744073709551615";

fn run(arguments: &[&str]) -> (tempfile::TempDir, Output) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("space.toml"),
        "\"network.tau\" = [2.0, 3.0]",
    )
    .unwrap();
    let mut command = dendrite();
    command.current_dir(folder.path()).args(arguments);
    let output = command.stdin(Stdio::null()).output().unwrap();
    (folder, output)
}

/// Asserts exit code 2, all of `parts` in one sentence, and that nothing was begun.
fn refused(arguments: &[&str], parts: &[&str]) {
    let (folder, output) = run(arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
    assert!(!folder.path().join("runs").exists(), "{arguments:?}");
    assert!(!folder.path().join("out").exists(), "{arguments:?}");
}

#[test]
fn the_numbers_of_a_training_have_bounds() {
    let train = |rest: &[&'static str]| [&["train", "--preset", PRESET][..], rest].concat();
    for (flag, accepted) in [
        ("--samples", "1 to 5000"),
        ("--epochs", "1 to 1000000"),
        ("--batch-size", "1 to 1000000000"),
        ("--validate-every", "1 to 1000000000"),
        ("--patience", "1 to 1000000000"),
        ("--checkpoint-every", "1 to 1000000000"),
        ("--validation-samples", "1 to 500"),
        ("--accumulate", "1 to 1000000"),
        ("--vitals-every", "1 to 1000000000"),
        ("--seed", "0 to 4294901247"),
        ("--threads", "1 to 1024"),
        ("--crop", "0 to 27"),
    ] {
        refused(&train(&[flag, LARGEST]), &[accepted]);
    }
    // The largest that are accepted, but for what is decided by the data.
    refused(&train(&["--epochs", "1000001"]), &["`--epochs` is 1000001"]);
    refused(
        &train(&["--seed", "4294901248"]),
        &["`--seed` is 4294901248"],
    );
    refused(&train(&["--threads", "1025"]), &["1 to 1024"]);
}

#[test]
fn so_have_those_of_a_specification() {
    let train = |expression: &'static str| ["train", "--preset", PRESET, "--set", expression];
    for (expression, parts) in [
        (
            "network.steps=18446744073709551615",
            ["network.steps", "1 to 10000"],
        ),
        ("network.steps=10001", ["network.steps", "1 to 10000"]),
        (
            "network.population[H1.E].size=18446744073709551615",
            ["network.population[H1.E].size", "1 to 2147483648"],
        ),
        (
            "network.population[H1.E].size=2000000",
            ["network.projection", "at most 2147483648"],
        ),
    ] {
        refused(&train(expression), &parts);
    }
    refused(
        &[
            "train",
            "--preset",
            "mnist-dtp",
            "--perturb",
            "H1.E: delay 18446744073709551615",
        ],
        &["1 to 1000 steps"],
    );
}

#[test]
fn so_have_those_of_studies() {
    let compare = ["compare", "--preset", PRESET, "--out", "out"];
    for (flag, accepted) in [
        ("--seeds", "1 to 10000"),
        ("--epochs", "1 to 1000000"),
        ("--batch-size", "1 to 1000000000"),
        ("--validate-every", "1 to 1000000000"),
        ("--samples", "1 to 5000"),
        ("--analysis-samples", "1 to 1000000000"),
        ("--jobs", "1 to 1024"),
    ] {
        refused(&[&compare[..], &[flag, LARGEST]].concat(), &[accepted]);
    }
    let sweep = [
        "sweep",
        "--preset",
        PRESET,
        "--space",
        "space.toml",
        "--out",
        "out",
    ];
    refused(
        &[&sweep[..], &["--trials", LARGEST]].concat(),
        &["1 to 65536"],
    );
    refused(
        &[&sweep[..], &["--seeds", LARGEST]].concat(),
        &["1 to 10000"],
    );
    let perturb = ["perturb", "--out", "out"];
    refused(
        &[&perturb[..], &["--seeds", LARGEST]].concat(),
        &["1 to 10000"],
    );
    let bench = ["bench", PRESET];
    for (flag, accepted) in [
        ("--batch-size", "1 to 1000000000"),
        ("--window", "1 to 1000000000"),
        ("--windows", "1 to 1000000"),
        ("--threads", "1 to 1024"),
    ] {
        refused(&[&bench[..], &[flag, LARGEST]].concat(), &[accepted]);
    }
}

/// The rates of 5·10^9 steps would take 40 GB.
#[test]
fn the_longest_run_begins_at_once_and_takes_no_memory_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut command = dendrite();
    command.args(["train", "--preset", PRESET, "--quiet", "--device", "flex"]);
    command.args(["--epochs", "1000000", "--validate-every", "10"]);
    command
        .args(["--validation-samples", "10"])
        .arg("--out")
        .arg(&run);
    for expression in small(PRESET) {
        command.args(["--set", &expression]);
    }
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    let has_begun = || fs::metadata(run.join("metrics.jsonl")).is_ok_and(|log| log.len() > 0);
    while !has_begun() {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "it has not begun"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it began"
        );
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The schedules that depend on the length of a run are no exception.
    let spec = small_spec(
        PRESET,
        &["schedule={ kind = \"cosine\", start = 1, end = 0.1 }"],
    );
    assert_eq!(
        spec.schedule.init(5_000_000_000).unwrap().step().base(),
        1.0
    );
}
