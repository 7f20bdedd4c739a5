//! Readers that go away, and disks that are full: what is computed is worth more than what is said
//! of it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Output, Stdio},
};

use burn_dendrite::train::run;

use crate::common::dendrite;

/// What a full disk is to whoever writes.
fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

/// The end of a pipe that nobody reads from.
fn closed() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = dendrite();
    command.current_dir(folder).args(arguments);
    command
}

const TRAIN: [&str; 7] = [
    "train",
    "--preset",
    "mnist-backprop-ann",
    "--samples",
    "300",
    "--out",
    "run",
];
const FULL: &str =
    "error: standard output cannot be written: No space left on device (os error 28)\n";

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn is_finished(folder: &Path) -> bool {
    run::summary(&folder.join("run")).unwrap().is_some()
}

#[test]
fn a_training_outlives_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), &TRAIN);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(
        line.starts_with("mnist-backprop-ann on mnist-mini"),
        "{line}"
    );
    drop(reader);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), message(&output)),
        (Some(0), String::new())
    );
    assert!(is_finished(folder.path()));
}

#[test]
fn a_training_without_anybody_to_hear_of_it_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    // Both streams in one pipe, as in `2>&1 | head -1`.
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = command(folder.path(), &TRAIN);
    command.stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(is_finished(folder.path()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_goes_on_where_the_disk_is_full_and_says_so_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(folder.path(), &TRAIN)
        .stdout(full())
        .output()
        .unwrap();
    assert_eq!(
        (output.status.code(), message(&output).as_str()),
        (Some(1), FULL)
    );
    assert!(is_finished(folder.path()));
    // Nobody hears of that either, where errors go to the same disk.
    std::fs::remove_dir_all(folder.path().join("run")).unwrap();
    let mut command = command(folder.path(), &TRAIN);
    command.stdout(full()).stderr(full());
    assert_eq!(command.status().unwrap().code(), Some(1));
    assert!(is_finished(folder.path()));
}

#[test]
fn a_comparison_outlives_its_reader() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "compare",
        "--preset",
        "mnist-backprop-ann",
        "--seeds",
        "1",
        "--samples",
        "100",
        "--analysis-samples",
        "0",
        "--out",
        "study",
    ];
    let mut compare = command(folder.path(), &arguments);
    let output = compare.stdout(closed()).stderr(closed()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(folder.path().join("study/report.html").exists());
    if cfg!(target_os = "linux") {
        let output = command(folder.path(), &arguments)
            .stdout(full())
            .output()
            .unwrap();
        assert_eq!(
            (output.status.code(), message(&output).as_str()),
            (Some(1), FULL)
        );
    }
}

#[test]
fn a_command_ends_without_a_word_where_nobody_reads_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let trained = command(folder.path(), &TRAIN)
        .arg("--quiet")
        .status()
        .unwrap();
    assert!(trained.success());
    let bench = [
        "bench",
        "mnist-backprop-ann",
        "--batch-size",
        "1",
        "--window",
        "10",
        "--windows",
        "1",
    ];
    let bench_json = [&bench[..], &["--json"]].concat();
    let commands: [&[&str]; 12] = [
        &["presets"],
        &["inspect", "mnist-dtp"],
        &["inspect", "run"],
        &["evaluate", "run"],
        &["evaluate", "run", "--json"],
        &["analyze", "run", "--metric", "sparsity", "--samples", "20"],
        &["train", "--resume", "run"],
        &["--help"],
        &["train", "--help"],
        &["--version"],
        &bench,
        &bench_json,
    ];
    for arguments in commands {
        let output = command(folder.path(), arguments).stdout(closed()).output();
        let output = output.unwrap();
        let ended = (output.status.code(), message(&output));
        assert_eq!(ended, (Some(0), String::new()), "{arguments:?}");
        if cfg!(target_os = "linux") {
            let output = command(folder.path(), arguments).stdout(full()).output();
            let output = output.unwrap();
            let ended = (output.status.code(), message(&output));
            assert_eq!(ended, (Some(1), FULL.to_owned()), "{arguments:?}");
        }
    }
}

#[test]
fn a_mistake_has_its_exit_code_even_if_nobody_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [
        &["train", "--preset", "mnist-dpt"][..],
        &["train", "--no-such-flag"],
        &["evaluate", "nowhere"],
    ] {
        let status = command(folder.path(), arguments).stderr(closed()).status();
        assert_eq!(status.unwrap().code(), Some(2), "{arguments:?}");
        if cfg!(target_os = "linux") {
            let status = command(folder.path(), arguments).stderr(full()).status();
            assert_eq!(status.unwrap().code(), Some(2), "{arguments:?}");
        }
    }
}
