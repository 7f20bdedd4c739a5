//! `dendrite study` and `--slurm`: runs one by one, claims, kills, what is submitted, what is refused.
//!
//! Scripts stand for the commands of Slurm; `.ci/slurm` goes through the same with Slurm itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    common::{dendrite, small_spec},
    resume::weights,
};

const PRESET: &str = "mnist-backprop-ann";

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        let text = small_spec(PRESET, &[]).to_toml().unwrap();
        fs::write(place.path("small.toml"), text).unwrap();
        let space = "\"learning.rule[*].learning_rate\" = { low = 0.001, high = 0.1 }";
        fs::write(place.path("space.toml"), space).unwrap();
        fs::create_dir(place.path("bin")).unwrap();
        place
    }

    fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A command of Slurm.
    fn fake(&self, name: &str, script: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A Slurm that accepts everything, has the jobs 17, 18, … and takes three tasks an array.
    fn fake_slurm(&self) {
        self.fake(
            "sbatch",
            "case \"$*\" in *--test-only*) exit 0;; esac\n\
             n=$(cat \"$PLACE/number\" 2>/dev/null || echo 17)\n\
             echo $((n + 1)) > \"$PLACE/number\"\n\
             { printf '%s|' \"$@\"; echo; } >> \"$PLACE/submitted\"\n\
             echo \"$n;here\"",
        );
        self.fake("squeue", "cat \"$PLACE/queue\" 2>/dev/null");
        self.fake("scontrol", "echo 'MaxArraySize            = 4'");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = dendrite();
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(self.folder.path())
            .env("PLACE", self.folder.path())
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{}", message(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asserts exit code 2 and one sentence with all of `parts`.
    fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.run(arguments);
        let said = message(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for part in parts {
            assert!(said.contains(part), "`{part}` is missing in: {said}");
        }
    }

    /// A sweep of the small network, with these further arguments.
    fn sweep<'a>(out: &'a str, trials: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let what = ["sweep", "--spec", "small.toml", "--space", "space.toml"];
        let budget = ["--out", out, "--trials", trials, "--samples", "60"];
        [&what[..], &budget, more].concat()
    }

    fn status(&self, study: &str) -> Vec<Value> {
        let text = self.succeeds(&["study", "status", study, "--json"]);
        serde_json::from_str(&text).unwrap()
    }

    /// Starts a task and waits until its run is under way.
    fn begin(&self, study: &str, number: usize) -> Child {
        let mut command = self.command(&["study", "task", study, &number.to_string()]);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let started = Instant::now();
        // What an attempt before it has seen is no sign of this one.
        let is_under_way = || {
            let run = &self.status(study)[number - 1];
            run["state"] == "running" && run["samples"] != 0
        };
        while !is_under_way() {
            assert!(started.elapsed() < Duration::from_secs(120), "no run began");
            assert_eq!(child.try_wait().unwrap(), None, "it ended at once");
            sleep(Duration::from_millis(5));
        }
        child
    }
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = Command::new("kill").args([name, &id]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn a_run_is_trained_by_one_task_at_a_time_and_goes_on_to_the_same_bits() {
    let place = Place::new();
    let budget = [
        "--epochs",
        "200",
        "--validate-every",
        "60",
        "--batch-size",
        "10",
    ];
    let sweep = |out, more: &[&'static str]| {
        place.succeeds(&Place::sweep(out, "1", &[&budget[..], more].concat()))
    };
    sweep("whole", &["--quiet"]);
    let printed = sweep("parts", &["--prepare"]);
    assert!(
        printed.contains("`dendrite study task parts N` trains one run, N from 1 to 1"),
        "{printed}"
    );

    let first = place.begin("parts", 1);
    let holder = format!(
        "another process works on task 1, {PRESET}-trial-001 seed 1 (process {} on `",
        first.id()
    );
    place.refused(&["study", "task", "parts", "1"], &[&holder]);
    assert_eq!(place.status("parts")[0]["state"], "running");
    signal(&first, "-TERM");
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(130), "{}", message(&first));
    assert_eq!(place.status("parts")[0]["state"], "stopped");

    let mut second = place.begin("parts", 1);
    signal(&second, "-KILL");
    second.wait().unwrap();
    let status = &place.status("parts")[0];
    assert_eq!(
        (&status["state"], &status["attempts"]),
        (&"killed".into(), &2.into())
    );
    assert_eq!(status["holder"]["process"], second.id());
    place.refused(
        &["study", "collect", "parts"],
        &[
            "no run of `parts` has a result yet",
            "`dendrite study status parts`",
        ],
    );

    place.succeeds(&["study", "task", "parts", "1", "--quiet"]);
    let again = place.succeeds(&["study", "task", "parts", "1"]);
    assert!(again.contains("finished already"), "{again}");
    let ranked = place.succeeds(&["study", "collect", "parts"]);
    assert!(
        ranked.contains("best specification: parts/best.toml"),
        "{ranked}"
    );
    let run = |out: &str| place.path(format!("{out}/runs/{PRESET}-trial-001/seed-1"));
    let log = |out| fs::read(run(out).join("metrics.jsonl")).unwrap();
    assert!(log("whole") == log("parts"), "the logs differ");
    assert_eq!(weights(&run("whole")), weights(&run("parts")));
}

#[test]
fn what_no_task_can_do_is_refused_in_a_sentence() {
    let place = Place::new();
    place.succeeds(&Place::sweep("my study", "2", &["--prepare", "--quiet"]));
    for number in ["0", "3"] {
        let none = format!("`my study` has no task {number}; accepted: 1 to 2");
        place.refused(&["study", "task", "my study", number], &[&none]);
    }
    for command in ["status", "collect"] {
        let nothing = "`bin` holds no study: `study.toml` is missing";
        place.refused(&["study", command, "bin"], &[nothing]);
    }
    place.refused(&["study", "task", "bin", "1"], &["`bin` holds no study"]);
    place.refused(
        &["compare", "--resume", "my study"],
        &["holds no comparison but a sweep"],
    );
    let status = place.succeeds(&["study", "status", "my study"]);
    assert!(
        status.contains("2 runs: 2 waiting")
            && status.contains("`dendrite sweep --resume 'my study'` goes on here"),
        "{status}"
    );
}

#[test]
fn a_study_is_submitted_in_arrays_and_grows() {
    let place = Place::new();
    place.fake_slurm();
    let options = "--partition=long --comment 'two words'";
    let submit = |trials: &'static str| {
        let slurm = [
            "--slurm", "--jobs", "2", "--sbatch", options, "--device", "flex",
        ];
        place.succeeds(&Place::sweep("50% done", trials, &slurm))
    };
    let printed = submit("5");
    assert!(
        printed.contains("submitted: 5 of 5 runs in job 17, 18; job 19 reports"),
        "{printed}"
    );
    let out = place.path("50% done").canonicalize().unwrap();
    let slurm = out.join("slurm");
    let log = slurm.display().to_string().replace('%', "%%");
    let line = |array: &str, name: &str, log_name: &str, after: &str, script: &str| {
        format!(
            "--parsable|--job-name={name}|--output={log}/{log_name}|--open-mode=append|{array}{after}\
             --requeue|--partition=long|--comment|two words|{}/{script}|",
            slurm.display()
        )
    };
    let array = |numbers: &str, after: &str, offset: usize| {
        let numbers = format!("--array={numbers}%2|");
        line(&numbers, "50% done", "%A_%a.log", after, "run.sh") + &format!("{offset}|")
    };
    let report = |after: &str| line("", "50% done-report", "report-%j.log", after, "report.sh");
    let submitted = place.read("submitted");
    let expected = [
        array("1-3", "", 0),
        array("1-2", "--dependency=afterany:17|", 3),
        report("--dependency=afterany:17:18|"),
    ];
    assert_eq!(submitted.lines().collect::<Vec<_>>(), expected);

    // What a task of the second array does, and the job that reports.
    let script = |name: &str, arguments: &[&str]| {
        let mut command = Command::new("sh");
        command.arg(slurm.join(name)).args(arguments);
        let output = command.env("SLURM_ARRAY_TASK_ID", "1").output().unwrap();
        assert!(output.status.success(), "{}", message(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let trained = script("run.sh", &["3"]);
    assert!(trained.contains("flex with 1 thread"), "{trained}");
    let reported = script("report.sh", &[]);
    assert!(
        reported.contains("left out: 4 runs that are not finished; `dendrite study status"),
        "{reported}"
    );
    assert!(place.read("50% done/trials.csv").contains("-trial-004,"));

    // Runs that Slurm has are not submitted again; what was never begun says why.
    fs::write(
        place.path("queue"),
        "17|2|PENDING|Resources\n17|3|RUNNING|None\n",
    )
    .unwrap();
    fs::write(slurm.join("17_1.log"), "no such program\n\n").unwrap();
    let status = place.succeeds(&["study", "status", "50% done", "--all"]);
    for part in [
        "Slurm 17_2: pending, Resources",
        "Slurm 17_3: running",
        "its log: no such program",
    ] {
        assert!(status.contains(part), "{status}");
    }
    let printed = submit("7");
    assert!(
        printed.contains("submitted: 4 of 7 runs in job 20, 21, 22; job 23"),
        "{printed}"
    );
    let submitted = place.read("submitted");
    let expected = [
        array("1", "", 0),
        array("2-3", "--dependency=afterany:20|", 3),
        array("1", "--dependency=afterany:21|", 6),
        report("--dependency=afterany:20:21:22:17|"),
    ];
    assert_eq!(submitted.lines().skip(3).collect::<Vec<_>>(), expected);
}

#[test]
fn what_slurm_refuses_is_said_and_nothing_is_lost() {
    let place = Place::new();
    let slurm = |options: &'static str| Place::sweep("s", "2", &["--slurm", "--sbatch", options]);
    place.refused(&slurm("--array=1"), &["`--array` is set by `--slurm`"]);
    place.refused(&slurm("--comment 'x"), &["a quote has no end"]);
    place.fake(
        "sbatch",
        "echo 'sbatch: error: invalid partition specified: nowhere' >&2; exit 1",
    );
    place.refused(
        &slurm("-p nowhere"),
        &["`sbatch` refuses `-p nowhere`: invalid partition specified: nowhere"],
    );
    let mut alone = place.command(&slurm(""));
    let output = alone.env("PATH", place.path("specs")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = message(&output);
    assert!(
        said.contains("`sbatch` cannot be run") && said.contains("`--prepare`"),
        "{said}"
    );
    assert!(!place.path("s").exists());

    // One that changes its mind.
    place.fake_slurm();
    place.fake(
        "sbatch",
        "case \"$*\" in *--test-only*) exit 0;; esac\necho 'sbatch: error: too many jobs' >&2; exit 1",
    );
    place.refused(
        &slurm(""),
        &[
            "too many jobs",
            "the study is written, and `dendrite sweep --resume s --slurm` submits",
        ],
    );
    place.fake_slurm();
    let printed = place.succeeds(&["sweep", "--resume", "s", "--slurm"]);
    assert!(
        printed.contains("submitted: 2 of 2 runs in job 17; job 18"),
        "{printed}"
    );
}

#[test]
fn more_seeds_leave_those_that_are_there_as_they_are() {
    let place = Place::new();
    let sweep = |seeds| place.succeeds(&Place::sweep("s", "2", &["--seeds", seeds, "--quiet"]));
    sweep("1");
    let summary = |trial, seed| format!("s/runs/{PRESET}-trial-00{trial}/seed-{seed}/summary.json");
    let modified = || {
        let file = fs::metadata(place.path(summary(2, 1)));
        file.unwrap().modified().unwrap()
    };
    let before = modified();
    sweep("2");
    assert_eq!(modified(), before);
    for trial in [1, 2] {
        assert!(place.path(summary(trial, 2)).is_file());
    }
    let tasks: Vec<String> = place
        .read("s/tasks.csv")
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(tasks[4], format!("4,{PRESET}-trial-002,2"));
    let table = place.read("s/trials.csv");
    assert!(
        table
            .lines()
            .skip(1)
            .all(|row| row.split(',').nth(4) == Some("2")),
        "{table}"
    );
    place.refused(
        &Place::sweep("s", "1", &["--seeds", "2"]),
        &["`networks` is mnist-backprop-ann-trial-001, mnist-backprop-ann-trial-002 there"],
    );
}
