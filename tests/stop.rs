//! Runs that are asked to stop, by whatever means, save where they are and go on to the same bits.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::train::run;

use crate::{
    common::{dendrite, small},
    resume::weights,
};

fn start(out: &Path, preset: &str, extra: &[&str]) -> Command {
    let mut command = dendrite();
    command.args(["train", "--quiet", "--preset", preset, "--seed", "7"]);
    command.args(extra).arg("--out").arg(out);
    for expression in small(preset) {
        command.arg("--set").arg(expression);
    }
    command
}

fn resume(run: &Path, extra: &[&str]) -> Command {
    let mut command = dendrite();
    command.args(["train", "--quiet"]);
    command.args(extra).arg("--resume").arg(run);
    command
}

fn wait_for(child: &mut Child, what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(120), "no {what}");
        assert!(child.try_wait().unwrap().is_none(), "ended before {what}");
        sleep(Duration::from_millis(1));
    }
}

/// Waits until a run is at work. False where it came to its end before anybody saw that, as one does which
/// had little left to do.
fn is_seen_at_work(child: &mut Child, run: &Path) -> bool {
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if has_to_itself(child.id(), run) {
            return true;
        }
        assert!(started.elapsed() < Duration::from_secs(120), "no run");
        sleep(Duration::from_millis(1));
    }
    false
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args([name, &id])
            .status()
            .unwrap()
            .success()
    );
}

/// Stops a run again and again, at moments spread over its length, until it comes to its end.
/// Returns where it was stopped.
fn stopped_again_and_again(
    mut command: Command,
    resume: impl Fn() -> Command,
    run: &Path,
) -> Vec<run::Position> {
    let mut positions = Vec::new();
    // Any numbers spread over the interval do; these are the same each time.
    let mut state = 257u32;
    loop {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        if is_seen_at_work(&mut child, run) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            sleep(Duration::from_millis(30 + u64::from(state >> 16) % 150));
            signal(&child, "-INT");
        }
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(130) => assert!(message.starts_with("stopped; "), "{message}"),
            Some(0) => return positions,
            other => panic!("{other:?}: {message}"),
        }
        positions.extend(run::latest_checkpoint(run).map(|(_, position)| position));
        assert!(positions.len() < 200, "it makes no progress: {positions:?}");
        command = resume();
    }
}

fn goes_on_to_the_same_bits(preset: &str, extra: &[&str], devices: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let [whole, stopped] = ["whole", "stopped"].map(|name| folder.path().join(name));
    let extra = [extra, devices].concat();
    assert!(start(&whole, preset, &extra).status().unwrap().success());
    let begin = start(&stopped, preset, &extra);
    let positions = stopped_again_and_again(begin, || resume(&stopped, devices), &stopped);
    // The segments are long, so that it was stopped within them.
    assert!(positions.iter().any(|it| it.samples > 0), "{positions:?}");
    assert!(positions.is_sorted(), "{positions:?}");
    assert!(weights(&whole) == weights(&stopped), "the weights differ");
    let log = |run: &Path| fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert!(log(&whole) == log(&stopped), "the logs differ");
    let accuracy = |run: &Path| run::summary(run).unwrap().unwrap().test_accuracy;
    assert_eq!(accuracy(&whole), accuracy(&stopped));
    let probes = |run: &Path| fs::read(run.join("probes.npz")).ok();
    assert!(probes(&whole) == probes(&stopped), "the records differ");
    let names = fs::read_dir(stopped.join("checkpoint")).unwrap();
    let names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // Two checkpoints of three parts, and what goes with one in the middle of a segment.
    assert!(names.len() <= 8, "{names:?}");
}

const LONG: [&str; 6] = [
    "--samples",
    "3000",
    "--epochs",
    "2",
    "--validate-every",
    "3000",
];

#[test]
fn a_run_of_dendritic_target_propagation_is_stopped_within_a_segment() {
    let probes = [
        "--probe",
        "H1.E: dendrite every 7",
        "--probe",
        "H1.E<-Input.E: weight every 500 last 3",
    ];
    let long = [
        "--samples",
        "5000",
        "--epochs",
        "6",
        "--validate-every",
        "5000",
    ];
    goes_on_to_the_same_bits("mnist-dtp", &[&long[..], &probes].concat(), &[]);
}

#[test]
fn so_is_one_of_the_general_engine_with_adam_batches_and_a_schedule() {
    let extra = [
        ["--engine", "tensors"],
        ["--batch-size", "2"],
        ["--accumulate", "3"],
        ["--set", "optimizer={ kind = \"adam\" }"],
        [
            "--set",
            "schedule={ kind = \"cosine\", start = 0.01, end = 0.001 }",
        ],
    ];
    goes_on_to_the_same_bits(
        "mnist-backprop-ei",
        &[&LONG[..], &extra.concat()].concat(),
        &[],
    );
}

#[test]
fn so_are_random_selection_and_noise() {
    let select = "learning.nudge.select={ kind = \"random\", fraction = 0.5 }";
    for engine in ["memory", "tensors"] {
        let extra = ["--set", select, "--engine", engine];
        goes_on_to_the_same_bits("mnist-dtp", &[&LONG[..], &extra].concat(), &[]);
    }
    let noise = ["--perturb", "H1.E: noise 0.1"];
    goes_on_to_the_same_bits("mnist-dtp", &[&LONG[..], &noise].concat(), &[]);
}

#[test]
fn so_are_two_devices() {
    let extra = ["--batch-size", "2"];
    let devices = ["--devices", "flex,flex"];
    goes_on_to_the_same_bits("mnist-dtp", &[&LONG[..], &extra].concat(), &devices);
}

#[test]
fn a_stop_before_the_first_step_saves_nothing_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("my run's");
    // Ten thousand epochs in one go: nothing but a stop saves anything.
    let extra = ["--epochs", "1000", "--checkpoint-every", "1000000000"];
    let mut child = start(&run, "mnist-dtp", &extra)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&mut child, "run", || run.join("metrics.jsonl").exists());
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{message}");
    // The hint is a command that a shell understands.
    let hint = message
        .split('`')
        .nth(1)
        .unwrap()
        .replacen("dendrite", "\"$DENDRITE\"", 1);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec {hint} --quiet")]);
    shell
        .env("DENDRITE", env!("CARGO_BIN_EXE_dendrite"))
        .env("BURN_DEVICE", "flex");
    let mut child = shell.stderr(Stdio::piped()).spawn().unwrap();
    let process = child.id();
    wait_for(&mut child, "run", || has_to_itself(process, &run));
    signal(&child, "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130), "{hint}");
}

/// A comparison of one network, long enough to be killed, and the folder of its only run.
fn comparison(folder: &Path) -> (Command, PathBuf) {
    let mut command = dendrite();
    command
        .current_dir(folder)
        .args(["compare", "--preset", "mnist-backprop-ann", "--seeds", "1"]);
    command.args([
        "--epochs",
        "100000",
        "--samples",
        "1000",
        "--out",
        "study",
        "--quiet",
    ]);
    (command, folder.join("study/runs/mnist-backprop-ann/seed-1"))
}

/// Whether a process has said that it has the run to itself. This only reads: who tries the lock holds it for
/// a moment, and keeps out whoever comes in that moment.
fn has_to_itself(process: u32, run: &Path) -> bool {
    let holder = fs::read_to_string(run.join(".lock")).unwrap_or_default();
    serde_json::from_str::<serde_json::Value>(&holder)
        .is_ok_and(|holder| holder["process"] == process)
}

/// Whether a process that nobody else waits for has the run to itself.
fn is_locked(run: &Path) -> bool {
    let lock = File::options().write(true).open(run.join(".lock"));
    lock.is_ok_and(|lock| lock.try_lock().is_err())
}

#[test]
fn the_trainings_of_a_comparison_end_with_it_and_are_saved() {
    for name in ["-KILL", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let (mut command, run) = comparison(folder.path());
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        wait_for(&mut child, "training", || {
            run::records(&run).is_ok_and(|it| it.len() > 4)
        });
        assert!(is_locked(&run));
        signal(&child, name);
        let code = child.wait().unwrap().code();
        assert_eq!(code, (name == "-TERM").then_some(130));
        let started = Instant::now();
        while is_locked(&run) {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{name}: it trains on"
            );
            sleep(Duration::from_millis(10));
        }
        let (_, position) = run::latest_checkpoint(&run).unwrap();
        let records = run::records(&run).unwrap();
        assert!(position.segments >= records[3].segment, "{position}");
        assert!(run::summary(&run).unwrap().is_none());
    }
}
