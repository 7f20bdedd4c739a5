//! Processes that are killed, disks that are full, files that are damaged: nothing that was
//! complete is lost, and a run goes on to the same bits or says why it cannot.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::train::run;
use tempfile::TempDir;

use crate::common::{dendrite, small};

const PRESET: &str = "mnist-dtp";

/// How often a run is killed: as often as `DENDRITE_KILLS` says, which takes a third of a second
/// each.
fn kills() -> u32 {
    let kills = std::env::var("DENDRITE_KILLS").ok();
    kills.and_then(|it| it.parse().ok()).unwrap_or(10)
}

fn start(out: &Path, validate_every: &str) -> Command {
    let mut command = dendrite();
    command.args([
        "train", "--device", "flex", "--quiet", "--preset", PRESET, "--seed", "3",
    ]);
    command.args(["--samples", "600", "--validate-every", validate_every]);
    command.args(["--checkpoint-every", validate_every]);
    for probe in [
        "H1.E: dendrite every 3",
        "H1.E<-Input.E: weight every 100 last 2",
    ] {
        command.args(["--probe", probe]);
    }
    command.arg("--out").arg(out);
    for expression in small(PRESET) {
        command.arg("--set").arg(expression);
    }
    command
}

fn resume(run: &Path) -> Command {
    let mut command = dendrite();
    command
        .args(["train", "--quiet", "--device", "flex", "--resume"])
        .arg(run);
    command
}

/// A run that nothing happened to.
fn whole(folder: &TempDir, validate_every: &str) -> PathBuf {
    let run = folder.path().join("whole");
    assert!(start(&run, validate_every).status().unwrap().success());
    run
}

/// What a run leaves: the trained network, byte by byte but for the ids that burn draws, the log,
/// and what was recorded.
fn assert_same(one: &Path, other: &Path) {
    let log = |run: &Path| fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(log(one), log(other));
    let records = |run: &Path| fs::read(run.join("probes.npz")).unwrap();
    assert!(records(one) == records(other), "the records differ");
    assert!(
        crate::resume::weights(one) == crate::resume::weights(other),
        "the weights differ"
    );
    let unfinished = names(other)
        .into_iter()
        .chain(names(&other.join("checkpoint")));
    let unfinished: Vec<String> = unfinished.filter(|it| it.contains("unfinished")).collect();
    assert!(unfinished.is_empty(), "{unfinished:?}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn wait_for(child: &mut Child, file: &Path) {
    let started = Instant::now();
    while !file.exists() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "{} never came",
            file.display()
        );
        assert!(child.try_wait().unwrap().is_none(), "the run ended before");
        sleep(Duration::from_millis(1));
    }
}

/// The run killed once its fifth checkpoint of ten was complete.
fn half(folder: &TempDir) -> PathBuf {
    let run = folder.path().join("half");
    let mut child = start(&run, "60").spawn().unwrap();
    wait_for(&mut child, &run.join("checkpoint/schedule-5.bpk"));
    child.kill().unwrap();
    child.wait().unwrap();
    run
}

fn refused(output: &Output, code: i32, parts: &[&str]) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{message}");
    for part in parts {
        assert!(message.contains(part), "`{part}` is missing in: {message}");
    }
    assert!(!message.contains("panicked"), "{message}");
}

#[test]
fn a_run_killed_at_random_moments_goes_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    // A checkpoint every ten samples: much of the time is spent in writing one.
    let whole = whole(&folder, "10");
    let run = folder.path().join("killed");
    // Any numbers spread over the interval do; these are the same each time.
    let mut state = 257u32;
    let mut milliseconds = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        u64::from(state >> 16) % 400
    };
    let (mut killed, mut writing, mut before_the_run) = (0, 0, 0);
    while killed < kills() {
        let mut command = if run.join("spec.toml").exists() {
            resume(&run)
        } else {
            start(&run, "10")
        };
        let mut child = command.spawn().unwrap();
        sleep(Duration::from_millis(milliseconds()));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        if status.success() {
            // It came to its end before: the next one starts over.
            assert_same(&whole, &run);
            fs::remove_dir_all(&run).unwrap();
            continue;
        }
        assert_eq!(status.code(), None, "it ended by itself");
        killed += 1;
        before_the_run += u32::from(!run.join("spec.toml").exists());
        let unfinished = names(&run.join("checkpoint"));
        writing += u32::from(unfinished.iter().any(|it| it.starts_with(".unfinished")));
    }
    println!(
        "killed {killed} times, {writing} of them in the middle of a checkpoint and \
         {before_the_run} before the run had begun"
    );
    if !run.join("spec.toml").exists() {
        assert!(start(&run, "10").status().unwrap().success());
    }
    assert!(resume(&run).status().unwrap().success());
    assert_same(&whole, &run);
}

#[test]
fn a_checkpoint_that_is_cut_anywhere_is_told_from_a_whole_one() {
    let folder = tempfile::tempdir().unwrap();
    let half = half(&folder);
    let (_, latest) = run::latest_checkpoint(&half).unwrap();
    let mut cuts = 0;
    for part in ["model", "optimizer", "schedule"] {
        let file = half.join(format!("checkpoint/{part}-{latest}.bpk"));
        let good = fs::read(&file).unwrap();
        // Every byte of the header and of what describes the tensors, then ever fewer.
        let ends = (0..good.len()).filter(|end| *end < 400 || end % 997 == 0);
        for end in ends.chain(good.len().checked_sub(1)) {
            fs::write(&file, &good[..end]).unwrap();
            let (_, used) = run::latest_checkpoint(&half).unwrap();
            // A record without tensors ends in zeros that only fill up.
            let filling = good[end..].iter().all(|byte| *byte == 0);
            assert!(
                used < latest || filling,
                "{part} cut at byte {end} was taken for whole"
            );
            cuts += 1;
        }
        fs::write(&file, &good).unwrap();
    }
    println!("{cuts} cuts");
    assert_eq!(run::latest_checkpoint(&half).unwrap().1, latest);
    assert!(run::damaged_checkpoints(&half).is_empty());
}

#[test]
fn a_damaged_checkpoint_is_named_and_the_one_before_it_used() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, half) = (whole(&folder, "60"), half(&folder));
    let (_, latest) = run::latest_checkpoint(&half).unwrap();
    for (part, length) in [("model", 1000), ("optimizer", 5), ("schedule", 0)] {
        let run = folder.path().join(part);
        copy(&half, &run);
        let file = run.join(format!("checkpoint/{part}-{latest}.bpk"));
        fs::OpenOptions::new()
            .write(true)
            .open(&file)
            .unwrap()
            .set_len(length)
            .unwrap();
        let output = resume(&run).output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{message}");
        let name = format!("{part}-{latest}.bpk` is damaged");
        assert!(message.contains(&name), "{message}");
        assert_same(&whole, &run);
    }
}

#[test]
fn a_checkpoint_of_another_network_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let half = half(&folder);
    let spec = half.join("spec.toml");
    let text = fs::read_to_string(&spec).unwrap();
    assert!(text.contains("size = 24"));
    fs::write(&spec, text.replace("size = 24", "size = 23")).unwrap();
    let output = resume(&half).output().unwrap();
    refused(
        &output,
        2,
        &[
            "checkpoint",
            "cannot be read as a network of this specification",
        ],
    );
}

#[test]
fn half_a_line_of_the_log_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, half) = (whole(&folder, "60"), half(&folder));
    let log = half.join("metrics.jsonl");
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(b"{\"segment\":6,\"split\":\"tra").unwrap();
    assert!(resume(&half).status().unwrap().success());
    assert_same(&whole, &half);
}

#[test]
fn two_processes_never_train_in_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut first = start(&run, "10").spawn().unwrap();
    wait_for(&mut first, &run.join("checkpoint/schedule-1.bpk"));
    let second = resume(&run).output().unwrap();
    let third = start(&run, "10").output().unwrap();
    first.kill().unwrap();
    first.wait().unwrap();
    refused(&second, 2, &["another process is training in"]);
    refused(&third, 2, &["already holds a run", "--resume"]);
    // The lock goes with the process that held it.
    assert!(resume(&run).status().unwrap().success());
}

/// The command under a limit on the length of files, which is what a full disk looks like to it.
#[cfg(unix)]
fn with_files_up_to(blocks: usize, command: &Command) -> Output {
    let mut limited = Command::new("sh");
    // Without the trap the system ends the process instead of refusing to write.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    limited
        .arg("-c")
        .arg(script)
        .arg(command.get_program())
        .args(command.get_args());
    limited.env_remove("BURN_DEVICE").stdout(Stdio::null());
    limited.output().unwrap()
}

#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_run_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let whole = whole(&folder, "60");
    // From files of a few kilobytes, for which there is room, to the model, for which there is not.
    for blocks in [0, 2, 32, 64] {
        let run = folder.path().join(format!("full-{blocks}"));
        let output = with_files_up_to(blocks, &start(&run, "60"));
        refused(&output, 1, &["large"]);
        assert!(run::latest_checkpoint(&run).is_none());
        let begun = run.join("spec.toml").exists();
        let command = if begun {
            resume(&run)
        } else {
            start(&run, "60")
        };
        assert!({ command }.status().unwrap().success(), "{blocks} blocks");
        assert_same(&whole, &run);
    }
    // A disk that fills up later: there is room for nothing new.
    let half = half(&folder);
    let before = run::latest_checkpoint(&half).unwrap();
    refused(&with_files_up_to(1, &resume(&half)), 1, &["large"]);
    assert_eq!(run::latest_checkpoint(&half).unwrap(), before);
    assert!(resume(&half).status().unwrap().success());
    assert_same(&whole, &half);
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "mine").unwrap();
    refused(
        &start(&file.join("run"), "60").output().unwrap(),
        2,
        &["file/run` lies below a file"],
    );
    assert_eq!(fs::read(&file).unwrap(), b"mine");

    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let mut permissions = fs::metadata(&closed).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&closed, permissions.clone()).unwrap();
    if fs::write(closed.join("probe"), "").is_ok() {
        println!("skipped: this user may write in folders that are read-only");
        return;
    }
    refused(
        &start(&closed.join("run"), "60").output().unwrap(),
        1,
        &["closed/run"],
    );
}
