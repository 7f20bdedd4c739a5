//! `dendrite compare` and `dendrite sweep`: what they write, how they go on, what they refuse.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::train::run;

use crate::common::{dendrite, small_spec};

struct Study {
    folder: tempfile::TempDir,
}

impl Study {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A small network in a file.
    fn network(&self, preset: &str) -> String {
        let file = self.path(&format!("{preset}.toml"));
        fs::write(&file, small_spec(preset, &[]).to_toml().unwrap()).unwrap();
        file.display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let mut command = dendrite();
        command.current_dir(self.folder.path()).args(arguments);
        command.output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{message}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asserts exit code 2 and all of `parts` in the message.
    fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.run(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
    }
}

const BUDGET: [&str; 8] = [
    "--device",
    "flex",
    "--samples",
    "60",
    "--batch-size",
    "4",
    "--validate-every",
    "20",
];

fn modified(file: &Path) -> std::time::SystemTime {
    fs::metadata(file).unwrap().modified().unwrap()
}

#[test]
fn a_comparison_is_reported_and_goes_on_where_it_was_cut_off() {
    let study = Study::new();
    let (target, backprop) = (
        study.network("mnist-dtp"),
        study.network("mnist-backprop-ei"),
    );
    let networks = [
        "compare", "--spec", &target, "--spec", &backprop, "--out", "c",
    ];
    let analysis = ["--analysis-samples", "20"];
    let command = [&networks[..], &["--seeds", "2"], &BUDGET, &analysis].concat();
    let printed = study.succeeds(&command);
    assert!(
        printed.contains("mnist-backprop-ei seed 2: test accuracy"),
        "{printed}"
    );

    // The means are those of the runs.
    let accuracy = |seed: u64| {
        let folder = study.path(&format!("c/runs/mnist-dtp/seed-{seed}"));
        run::summary(&folder).unwrap().unwrap().test_accuracy
    };
    let results: serde_json::Value = serde_json::from_str(&study.read("c/results.json")).unwrap();
    let mean = &results["networks"][0]["test_accuracy"];
    let (one, two) = (accuracy(1), accuracy(2));
    assert!((mean["mean"].as_f64().unwrap() - (one + two) / 2.0).abs() < 1e-12);
    // Of two values the standard error is half of their difference.
    assert!((mean["sem"].as_f64().unwrap() - (one - two).abs() / 2.0).abs() < 1e-12);
    let runs = study.read("c/csv/runs.csv");
    let header = "network,seed,test_accuracy,";
    assert!(
        runs.starts_with(header) && runs.contains(&format!("mnist-dtp,2,{two},")),
        "{runs}"
    );
    assert_eq!(runs.lines().count(), 5);
    let curves = study.read("c/csv/curves-mean.csv");
    assert!(
        curves.contains("mnist-backprop-ei,valid,Accuracy,40,"),
        "{curves}"
    );

    // The page has every network, its specification and the command, and needs nothing else.
    let page = study.read("c/report.html");
    for part in [
        "mnist-dtp",
        "mnist-backprop-ei",
        "[network]",
        "dendrite compare --spec",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for outside in ["<script", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    for (at, _) in page.match_indices("http") {
        let address = &page[at..(at + 40).min(page.len())];
        assert!(
            address.starts_with("http://www.w3.org/2000/svg"),
            "{address}"
        );
    }
    for figure in ["test-accuracy", "validation-accuracy", "seconds"] {
        assert!(
            study
                .read(&format!("c/figures/{figure}.svg"))
                .starts_with("<svg")
        );
    }

    // What the analyses measured is averaged as well, and has its figures.
    let measures = study.read("c/csv/analysis-mean.csv");
    for quantity in ["mnist-dtp,backprop_angle,", "mnist-dtp,sparsity,H1.E,"] {
        assert!(measures.contains(quantity), "{measures}");
    }
    for figure in [
        "angle-to-backprop",
        "receptive-fields-mnist-dtp",
        "dynamics-mnist-dtp",
    ] {
        assert!(study.path(&format!("c/figures/{figure}.svg")).is_file());
    }

    // Runs of other lengths would make the means false.
    study.refused(
        &[
            "train",
            "--resume",
            "c/runs/mnist-dtp/seed-1",
            "--epochs",
            "9",
        ],
        &["belongs to the study in"],
    );
    study.refused(
        &["analyze", "c/runs/mnist-dtp/seed-1", "--samples", "5"],
        &["is what the study in", "`--out DIR`"],
    );
    study.refused(
        &["sweep", "--resume", "c"],
        &["but a comparison", "`dendrite compare --resume`"],
    );

    // A run that is gone is trained anew, to the same result; the others stay as they are.
    let kept = study.path("c/runs/mnist-dtp/seed-1/summary.json");
    let before = modified(&kept);
    let gone = study.path("c/runs/mnist-backprop-ei/seed-1");
    fs::remove_file(gone.join("summary.json")).unwrap();
    fs::remove_file(gone.join("model.bpk")).unwrap();
    let printed = study.succeeds(&["compare", "--resume", "c", "--device", "flex"]);
    assert!(
        printed.contains("3 of 4 runs are finished already"),
        "{printed}"
    );
    assert_eq!(modified(&kept), before);
    let again: serde_json::Value = serde_json::from_str(&study.read("c/results.json")).unwrap();
    for network in 0..2 {
        let accuracy = |it: &serde_json::Value| it["networks"][network]["test_accuracy"].clone();
        assert_eq!(accuracy(&results), accuracy(&again));
    }

    // The same command finds everything done; another one is refused.
    let printed = study.succeeds(&[&command[..], &["--quiet"]].concat());
    assert!(printed.is_empty(), "{printed}");
    let other = [&networks[..], &["--seeds", "1"], &BUDGET, &analysis].concat();
    study.refused(&other, &["another study", "`seeds` is 2 there and 1 here"]);
}

#[test]
fn comparisons_that_make_no_sense_are_refused_and_nothing_is_written() {
    let study = Study::new();
    let compare = |rest: &[&'static str]| [&["compare", "--out", "c"][..], rest].concat();
    study.refused(
        &compare(&["--preset", "mnist-dtp,mnist-dpt"]),
        &["`mnist-dpt`", "did you mean `mnist-dtp`"],
    );
    study.refused(
        &compare(&["--preset", "mnist-dtp,mnist-dtp"]),
        &["two networks"],
    );
    study.refused(
        &compare(&["--spec", "mnist-dtp"]),
        &["there is no such file"],
    );
    study.refused(&compare(&["--seeds", "0"]), &["`seeds` is 0"]);
    study.refused(&compare(&["--batch-size", "0"]), &["`batch-size` is 0"]);
    study.refused(&compare(&["--samples", "9999"]), &["1 to 5000"]);
    let spirals = compare(&["--preset", "mnist-dtp", "--dataset", "spirals"]);
    study.refused(&spirals, &["`mnist-dtp`: network.population[Input.E].size"]);
    assert!(!study.path("c").exists());
    study.refused(&["compare", "--resume", "c"], &["`c` holds no comparison"]);
}

/// Ctrl-C reaches this process alone here, so it has to stop the others.
#[cfg(unix)]
#[test]
fn an_interrupted_comparison_stops_its_runs_and_says_how_to_go_on() {
    let study = Study::new();
    let network = study.network("mnist-dtp");
    let mut command = dendrite();
    let budget = ["--samples", "2000", "--epochs", "1000", "--seeds", "1"];
    command
        .current_dir(study.folder.path())
        .args([
            "compare", "--spec", &network, "--out", "c", "--device", "flex",
        ])
        .args(budget)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let run = study.path("c/runs/mnist-dtp/seed-1");
    let started = Instant::now();
    while !run.join("metrics.jsonl").exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "no run began");
        sleep(Duration::from_millis(10));
    }
    let killed = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(killed.unwrap().success());
    let output = child.wait_with_output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{message}");
    assert!(
        message.contains("`dendrite compare --resume c` goes on"),
        "{message}"
    );
    // Nobody holds the run any more.
    drop(run::RunFolder::open(&run).unwrap());
}

#[test]
fn what_is_one_for_all_does_not_vary() {
    let study = Study::new();
    let first = study.network("mnist-backprop-ann");
    let text = fs::read_to_string(study.path(&first)).unwrap();
    let text = text.replacen("name = \"", "dataset = \"cifar10\"\nname = \"other-", 1);
    fs::write(study.path("other.toml"), text).unwrap();
    study.refused(
        &["compare", "--spec", &first, "--spec", "other.toml"],
        &["is for `cifar10`", "accepted: `--dataset`"],
    );
    study.refused(
        &["compare", "--spec", &first, "--analysis-samples", "1"],
        &["`analysis-samples` is 1; accepted: 2 or more"],
    );
    fs::write(study.path("space.toml"), "\"budget.epochs\" = [1, 2]\n").unwrap();
    study.refused(
        &[
            "sweep",
            "--spec",
            &first,
            "--space",
            "space.toml",
            "--epochs",
            "1",
        ],
        &["`budget.epochs` varies"],
    );
    fs::write(
        study.path("space.toml"),
        "\"dataset\" = [\"mnist\", \"mnist-mini\"]\n",
    )
    .unwrap();
    study.refused(
        &["sweep", "--spec", &first, "--space", "space.toml"],
        &["`dataset` varies"],
    );
    assert!(!study.path("runs").exists());
}

const SPACE: &str = r#"
"network.tau" = [2.0, 3.0]
"learning.rule[*].learning_rate" = { low = 0.001, high = 0.1, scale = "log" }
"#;

#[test]
fn a_sweep_is_ranked_and_the_same_seed_makes_it_again() {
    let study = Study::new();
    let network = study.network("mnist-backprop-ann");
    fs::write(study.path("space.toml"), SPACE).unwrap();
    let sweep = |out: &'static str| {
        let what = [
            "sweep",
            "--spec",
            &network,
            "--space",
            "space.toml",
            "--out",
            out,
        ];
        let command = [&what[..], &["--trials", "3", "--quiet"], &BUDGET].concat();
        study.succeeds(&command);
        study.read(&format!("{out}/trials.csv"))
    };
    let trials = sweep("one");
    let table: Vec<Vec<&str>> = trials
        .lines()
        .map(|line| line.split(',').collect())
        .collect();
    assert_eq!(
        table[0][7..],
        ["learning.rule[*].learning_rate", "network.tau"]
    );
    let accuracies: Vec<f64> = table[1..]
        .iter()
        .map(|row| row[2].parse().unwrap())
        .collect();
    assert_eq!(accuracies.len(), 3);
    assert!(
        accuracies.is_sorted_by(|one, other| one >= other),
        "{accuracies:?}"
    );

    // The best specification is that of the first row.
    let best = study.read("one/best.toml");
    assert!(
        best.contains(&format!("name = \"{}\"", table[1][1])),
        "{best}"
    );
    assert!(best.contains(&format!("tau = {}", table[1][8])), "{best}");
    study.succeeds(&["inspect", "one/best.toml"]);

    // Everything but the speed is the same again.
    let without_speed = |trials: &str| -> Vec<Vec<String>> {
        let row = |line: &str| {
            let mut row: Vec<String> = line.split(',').map(str::to_owned).collect();
            row.remove(6);
            row
        };
        trials.lines().map(row).collect()
    };
    assert_eq!(without_speed(&trials), without_speed(&sweep("two")));
    // A finished sweep has nothing to train, so its speeds stay as they are.
    study.succeeds(&["sweep", "--resume", "one", "--quiet", "--device", "flex"]);
    assert_eq!(study.read("one/trials.csv"), trials);
}

#[test]
fn a_sweep_of_which_nothing_is_left_says_so() {
    let study = Study::new();
    let mut fast = small_spec("mnist-backprop-ann", &[]);
    // A thousand times the published rates are too large from the first steps on.
    fast.schedule = serde_json::from_str(r#"{ "kind": "constant", "factor": 1000.0 }"#).unwrap();
    fs::write(study.path("fast.toml"), fast.to_toml().unwrap()).unwrap();
    let space = "\"schedule.factor\" = [1000.0, 10000.0]";
    fs::write(study.path("space.toml"), space).unwrap();
    let sweep = ["sweep", "--spec", "fast.toml", "--space", "space.toml"];
    let budget = ["--samples", "60", "--device", "flex", "--method", "grid"];
    for quiet in [&[][..], &["--quiet"]] {
        let output = study.run(&[&sweep[..], &budget, &["--out", "s"], quiet].concat());
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{message}");
        let sentence = "error: every training diverged, so that there is no best specification";
        assert!(message.contains(sentence), "{message}");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!printed.contains("best"), "{printed}");
        assert_eq!(
            printed.matches("left out: ").count(),
            if quiet.is_empty() { 2 } else { 0 }
        );
        assert!(!study.path("s/best.toml").exists() && !study.path("s/trials.csv").exists());
    }
    // Nor is there anything to compare.
    let compare = ["compare", "--spec", "fast.toml", "--seeds", "1"];
    let output = study.run(&[&compare[..], &budget[..4], &["--out", "c"]].concat());
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{message}");
    assert!(message.contains("every training diverged"), "{message}");
}

#[test]
fn a_search_space_that_leads_nowhere_is_refused() {
    let study = Study::new();
    let refused = |space: &str, parts: &[&str]| {
        fs::write(study.path("space.toml"), space).unwrap();
        let command = [
            "sweep",
            "--preset",
            "mnist-dtp",
            "--space",
            "space.toml",
            "--out",
            "s",
        ];
        study.refused(&command, parts);
        assert!(!study.path("s").exists());
    };
    refused(
        "\"netwrok.tau\" = [2.0]",
        &["nothing is at `netwrok`", "`network`"],
    );
    refused("\"network.tua\" = [2.0]", &["did you mean `tau`?"]);
    refused("\"network.tau\" = 2.0", &["space.toml", "a list of values"]);
    let preset = ["sweep", "--preset", "mnist-dtp"];
    study.refused(
        &[&preset[..], &["--space", "missing.toml"]].concat(),
        &["missing.toml"],
    );
    study.refused(&preset, &["--space"]);
}

#[test]
fn a_training_that_diverges_is_left_out_and_named() {
    let study = Study::new();
    let mut fast = small_spec("mnist-backprop-ann", &[]);
    fast.name = "fast".to_owned();
    // A hundred times the published rates are too large from the first steps on.
    fast.schedule = serde_json::from_str(r#"{ "kind": "constant", "factor": 100.0 }"#).unwrap();
    let file = study.path("fast.toml");
    fs::write(&file, fast.to_toml().unwrap()).unwrap();
    let calm = study.network("mnist-backprop-ann");
    let command = [
        "compare",
        "--device",
        "flex",
        "--spec",
        "fast.toml",
        "--spec",
        &calm,
        "--samples",
        "60",
        "--seeds",
        "1",
        "--analysis-samples",
        "20",
        "--out",
        "c",
    ];
    let printed = study.succeeds(&command);
    assert!(
        printed.contains("left out: fast seed 1 diverged in step"),
        "{printed}"
    );
    let results: serde_json::Value = serde_json::from_str(&study.read("c/results.json")).unwrap();
    let names: Vec<&str> = results["networks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["mnist-backprop-ann"]);
    assert_eq!(results["diverged"][0]["network"], "fast");
    assert!(
        study
            .read("c/report.html")
            .contains("fast seed 1 diverged in step")
    );
    // It stays left out: training again would end the same way.
    let again = study.succeeds(&["compare", "--device", "flex", "--resume", "c"]);
    assert!(
        again.contains("2 of 2 runs are finished already"),
        "{again}"
    );
}
