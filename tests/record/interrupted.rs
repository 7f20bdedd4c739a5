//! Runs that are stopped, killed, damaged, or end before their time.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::train::{
    record::{Recording, Records},
    run,
};
use tempfile::TempDir;

use super::{chunks, command, train};
use crate::{common::dendrite, resume::weights};

const RESUMED: [&str; 4] = [
    "H1.E: dendrite",
    "H1.E<-Input.E: weight every 50",
    "H2.E: plateau every 7 last 20",
    "Output.E: activity last 300",
];

fn long(run: &Path, engine: &str) -> Command {
    let arguments = [
        "--samples",
        "600",
        "--epochs",
        "2",
        "--validate-every",
        "100",
        "--checkpoint-every",
        "200",
        "--engine",
        engine,
    ];
    command(run, "mnist-dtp", &arguments, &RESUMED)
}

fn resume(run: &Path) -> Command {
    let mut command = dendrite();
    command.args(["train", "--quiet", "--resume"]).arg(run);
    command
}

/// Starts a command, and has it stopped by a signal once a file is there.
fn stopped(command: &mut Command, file: &Path, signal: &str) -> Option<i32> {
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    while !file.exists() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "it never came"
        );
        assert!(child.try_wait().unwrap().is_none(), "the run ended before");
        sleep(Duration::from_millis(1));
    }
    let id = child.id().to_string();
    let sent = Command::new("kill").args([signal, &id]).status().unwrap();
    assert!(sent.success());
    child.wait().unwrap().code()
}

fn whole(folder: &TempDir, engine: &str) -> PathBuf {
    let run = folder.path().join("whole");
    assert!(long(&run, engine).status().unwrap().success());
    run
}

fn assert_same(one: &Path, other: &Path) {
    let bytes = [one, other].map(|run| fs::read(run.join("probes.npz")).unwrap());
    assert!(bytes[0] == bytes[1], "the records differ");
    assert!(weights(one) == weights(other), "the weights differ");
    assert_eq!(chunks(other), [""; 0]);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_stopped_and_killed_has_the_same_records_to_the_byte() {
    for engine in ["memory", "tensors"] {
        let folder = tempfile::tempdir().unwrap();
        let whole = whole(&folder, engine);
        let run = folder.path().join("stopped");
        let after = |segment: usize| run.join(format!("checkpoint/schedule-{segment}.bpk"));
        // Ctrl-C in the first epoch, SIGKILL in the second.
        let code = stopped(&mut long(&run, engine), &after(4), "-INT");
        assert!(code.is_some() && !run.join("probes.npz").exists());
        for name in ["probes-2.npz", "probes-4.npz"] {
            assert!(chunks(&run).contains(&name.to_owned()), "{name}");
        }
        assert_eq!(stopped(&mut resume(&run), &after(8), "-KILL"), None);
        // The checkpoint before it is gone, its records are not.
        assert!(!after(2).exists() && chunks(&run).contains(&"probes-2.npz".to_owned()));
        assert!(resume(&run).status().unwrap().success());
        assert_same(&whole, &run);
        // A finished run stays as it is.
        assert!(resume(&run).status().unwrap().success());
        assert_same(&whole, &run);

        let recording = Recording::load(&run).unwrap();
        let counts: Vec<usize> = recording.iter().map(Records::len).collect();
        assert_eq!(counts, [1200, 24, 20, 300]);
        let plateau = recording.get("H2.E.plateau").unwrap();
        assert_eq!(plateau.samples.last(), Some(&1197));
    }
}

#[cfg(unix)]
#[test]
fn records_follow_the_checkpoint_that_is_used_and_are_missed_where_they_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole(&folder, "memory");
    let run = folder.path().join("stopped");
    let checkpoints = run.join("checkpoint");
    let killed = || {
        stopped(
            &mut long(&run, "memory"),
            &checkpoints.join("schedule-6.bpk"),
            "-KILL",
        )
    };
    assert_eq!(killed(), None);
    let (newest, _) = run::latest_checkpoint(&run).unwrap();
    fs::write(newest, "damaged").unwrap();
    assert!(resume(&run).status().unwrap().success());
    assert_same(&whole, &run);

    fs::remove_dir_all(&run).unwrap();
    assert_eq!(killed(), None);
    let (_, segment) = run::latest_checkpoint(&run).unwrap();
    let refused = |part: &str| {
        let output = resume(&run).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && message.contains(part),
            "{message}"
        );
        assert!(!message.contains("panicked"), "{message}");
    };
    let chunk = checkpoints.join(format!("probes-{segment}.npz"));
    let good = fs::read(&chunk).unwrap();
    fs::write(&chunk, &good[..good.len() / 2]).unwrap();
    refused(&format!("probes-{segment}.npz"));
    fs::remove_file(&chunk).unwrap();
    refused("the records before the checkpoint");
    fs::write(&chunk, &good).unwrap();
    // One that is not the newest is missed at the end.
    let first = checkpoints.join("probes-2.npz");
    let kept = fs::read(&first).unwrap();
    fs::remove_file(&first).unwrap();
    refused("records of `H1.E.dendrite` are missing: 1000 of 1200 are there");
    assert!(!run.join("summary.json").exists());
    fs::write(&first, kept).unwrap();
    assert!(resume(&run).status().unwrap().success());
    assert_same(&whole, &run);
}

#[test]
fn the_last_segments_of_a_run_that_stops_early_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = [
        ["--samples", "100"],
        ["--validate-every", "10"],
        ["--checkpoint-every", "40"],
        ["--patience", "2"],
        // Nothing is learned, so that the loss never falls.
        ["--set", "schedule={ kind = \"constant\", factor = 1e-30 }"],
    ]
    .concat();
    let output = train(
        &run,
        "mnist-dtp",
        &arguments,
        &["Output.E: activity every 4"],
    );
    assert!(output.status.success(), "{output:?}");
    let summary = run::summary(&run).unwrap().unwrap();
    assert!(summary.stopped_early && !summary.train_samples.is_multiple_of(40));
    let recording = Recording::load(&run).unwrap();
    let samples = &recording.get("Output.E.activity").unwrap().samples;
    let expected = (0..summary.train_samples as i64).step_by(4);
    assert_eq!(*samples, expected.collect::<Vec<_>>());
}

#[test]
fn what_runs_away_is_recorded_where_updates_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = [
        ["--samples", "42"],
        ["--validate-every", "14"],
        ["--on-divergence", "skip"],
        ["--set", "schedule={ kind = \"constant\", factor = 100.0 }"],
    ]
    .concat();
    let output = train(&run, "mnist-backprop-ann", &arguments, &["H1.E: soma"]);
    assert!(output.status.success(), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("updates were left out"), "{message}");
    let recording = Recording::load(&run).unwrap();
    let soma = recording.get("H1.E.soma").unwrap();
    assert_eq!(soma.samples, (0..42).collect::<Vec<i64>>());
}

#[cfg(unix)]
#[test]
fn more_checkpoints_than_files_can_be_open_are_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let arguments = ["--samples", "160", "--validate-every", "1"];
    let every = ["--checkpoint-every", "1"];
    let train = command(
        &run,
        "mnist-dtp",
        &[&arguments[..], &every].concat(),
        &["H1.E: soma every 2 last 70", "Output.E: activity"],
    );
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
    limited.arg(train.get_program()).args(train.get_args());
    let output = limited.env("BURN_DEVICE", "flex").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let recording = Recording::load(&run).unwrap();
    let counts: Vec<usize> = recording.iter().map(Records::len).collect();
    assert_eq!(counts, [70, 160]);
    assert_eq!(recording.get("H1.E.soma").unwrap().samples[0], 20);
}

#[test]
fn a_run_that_diverges_records_nothing_twice() {
    for engine in ["tensors", "memory"] {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let arguments = [
            ["--samples", "42"],
            ["--validate-every", "3"],
            ["--engine", engine],
            ["--set", "schedule={ kind = \"constant\", factor = 100.0 }"],
        ]
        .concat();
        let output = train(&run, "mnist-backprop-ann", &arguments, &["H1.E: soma"]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        assert!(message.contains("training diverged in step"), "{message}");
        assert!(!run.join("probes.npz").exists());
        // One file for each checkpoint that was made, with three samples each.
        let (_, reached) = run::latest_checkpoint(&run).unwrap();
        let expected: Vec<String> = (1..=reached.segments)
            .map(|it| format!("probes-{it}.npz"))
            .collect();
        assert_eq!(chunks(&run), expected);
        for (index, name) in expected.iter().enumerate() {
            fs::copy(run.join("checkpoint").join(name), run.join("probes.npz")).unwrap();
            let records = Recording::load(&run).unwrap();
            let first = 3 * index as i64;
            assert_eq!(
                records.get("H1.E.soma").unwrap().samples,
                [first, first + 1, first + 2]
            );
        }
    }
}
