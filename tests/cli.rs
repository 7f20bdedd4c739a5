//! Mistakes of a user: one sentence, exit code 2, nothing written.

use std::{fs, path::Path, process::Output};

use crate::common::dendrite;

struct Attempt {
    folder: tempfile::TempDir,
}

impl Attempt {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }

    fn train(&self, arguments: &[&str]) -> Output {
        let mut command = dendrite();
        command
            .current_dir(self.path())
            .arg("train")
            .args(["--device", "flex"])
            .args(arguments);
        command.output().unwrap()
    }

    /// Asserts exit code 2, all of `parts` in the message, and that no run was begun.
    fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.train(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
        assert!(!message.contains("panicked"), "{message}");
        assert!(!self.path().join("runs").exists(), "a run was begun");
    }
}

#[test]
fn an_unknown_preset_names_the_nearest_one() {
    Attempt::new().refused(
        &["--preset", "mnist-dpt"],
        &["`mnist-dpt`", "did you mean `mnist-dtp`"],
    );
}

#[test]
fn nothing_to_train_lists_what_there_is() {
    Attempt::new().refused(&[], &["--preset", "`mnist-backprop-ei`", "--spec FILE"]);
}

#[test]
fn an_unknown_rule_in_a_specification_names_path_and_nearest_rule() {
    let attempt = Attempt::new();
    let text = fs::read_to_string("crates/burn-dendrite-train/presets/mnist-dtp.toml").unwrap();
    let rule = attempt.file(
        "rule.toml",
        text.replacen("dendritic_target", "dendritic_traget", 1)
            .as_bytes(),
    );
    attempt.refused(
        &["--spec", &rule],
        &[
            "learning.rule[H1.E<-Input.E].rule",
            "did you mean `dendritic_target`?",
        ],
    );
    let key = attempt.file("key.toml", text.replacen("timing", "timming", 1).as_bytes());
    attempt.refused(
        &["--spec", &key],
        &[
            "network.projection[H1.E<-H1.SomaI].timming",
            "did you mean `timing`?",
        ],
    );
    let both = text
        .replacen("timing", "timming", 1)
        .replacen("dendritic_loss", "dendritic_los", 1);
    let both = attempt.file("both.toml", both.as_bytes());
    attempt.refused(
        &["--spec", &both],
        &["2 mistakes", "`timming`", "`dendritic_los`"],
    );
}

#[test]
fn a_specification_that_is_not_there_or_not_text_is_refused() {
    let attempt = Attempt::new();
    attempt.refused(&["--spec", "missing.toml"], &["missing.toml"]);
    let binary = attempt.file("binary.toml", &[0xff, 0xfe, 0x00]);
    attempt.refused(&["--spec", &binary], &["binary.toml"]);
    let other = attempt.file("network.txt", b"a: 1");
    attempt.refused(&["--spec", &other], &["`.toml` or `.json`", "`.yaml`"]);
    let yaml = attempt.file("network.yaml", b"a: 1");
    attempt.refused(
        &["--spec", &yaml],
        &["unknown key `a`", "layer_config: is missing"],
    );
}

#[test]
fn an_override_that_leads_nowhere_says_what_is_there() {
    Attempt::new().refused(
        &["--preset", "mnist-dtp", "--set", "netwrok.tau=3"],
        &["netwrok.tau=3", "`network`"],
    );
    Attempt::new().refused(
        &["--preset", "mnist-dtp", "--set", "network.tua=3"],
        &["tua", "did you mean `tau`?"],
    );
    Attempt::new().refused(
        &["--preset", "mnist-dtp", "--set", "network.tau=-1"],
        &["network.tau", "greater than 0"],
    );
}

#[test]
fn sizes_that_do_not_fit_the_data_are_refused() {
    Attempt::new().refused(
        &[
            "--preset",
            "mnist-dtp",
            "--set",
            "network.population[Input.E].size=100",
        ],
        &["network.population[Input.E].size", "784"],
    );
    Attempt::new().refused(
        &[
            "--preset",
            "mnist-dtp",
            "--set",
            "network.population[Output.E].size=7",
        ],
        &["network.population[Output.E].size", "accepted: 10"],
    );
}

#[test]
fn a_budget_beyond_the_data_or_of_nothing_is_refused() {
    let preset = ["--preset", "mnist-dtp"];
    Attempt::new().refused(
        &[&preset[..], &["--samples", "6000"]].concat(),
        &["1 to 5000"],
    );
    for flag in [
        "--samples",
        "--epochs",
        "--batch-size",
        "--validate-every",
        "--patience",
    ] {
        Attempt::new().refused(&[&preset[..], &[flag, "0"]].concat(), &[flag, "1 or more"]);
    }
}

#[test]
fn a_value_that_is_no_number_is_refused_with_what_is_accepted() {
    for (flag, value, accepted) in [
        (
            "--samples",
            "1e3",
            "`--samples` is 1e3; accepted: a whole number",
        ),
        ("--seed", "one", "`--seed` is one; accepted: a whole number"),
        (
            "--batch-size",
            "99999999999999999999999",
            "`--batch-size` is 99999999999999999999999; accepted: a smaller whole number",
        ),
        (
            "--rotate",
            "ten",
            "`--rotate` is ten; accepted: a whole number",
        ),
    ] {
        let preset = ["--preset", "mnist-dtp", flag, value];
        Attempt::new().refused(&preset, &[accepted]);
    }
}

#[test]
fn missing_and_truncated_data_files_are_named() {
    let attempt = Attempt::new();
    let arguments = |folder: &str| {
        [
            "--preset",
            "mnist-dtp",
            "--dataset",
            "mnist",
            "--data-dir",
            folder,
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let refused = |folder: &str, parts: &[&str]| {
        let arguments = arguments(folder);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        attempt.refused(&arguments, parts);
    };
    refused("nowhere", &["nowhere", "train-images-idx3-ubyte"]);
    // A header that claims 60,000 images of 28 x 28 in a file of 16 bytes.
    let header = [0, 0, 8, 3, 0, 0, 0xea, 0x60, 0, 0, 0, 28, 0, 0, 0, 28];
    for name in ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"] {
        attempt.file(&format!("cut/{name}"), &header);
    }
    for name in ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"] {
        attempt.file(&format!("cut/{name}"), &[0, 0, 8, 1, 0, 0, 0, 1, 5]);
    }
    refused("cut", &["cut", "images-idx3-ubyte"]);
}

#[test]
fn devices_that_are_unknown_or_not_compiled_in_are_refused() {
    let attempt = Attempt::new();
    let with = |device: &str| {
        let mut command = dendrite();
        command.current_dir(attempt.path()).args([
            "train",
            "--preset",
            "mnist-dtp",
            "--device",
            device,
        ]);
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (code, message) = with("wpgu");
    assert_eq!(code, Some(2));
    assert!(message.contains("did you mean `wgpu`?"), "{message}");
    if !cfg!(feature = "cuda") {
        let (code, message) = with("cuda");
        assert_eq!(code, Some(2));
        assert!(
            message.contains("not compiled in") && message.contains("`flex`"),
            "{message}"
        );
    }
}

#[test]
fn a_folder_with_a_run_or_other_files_is_left_alone() {
    let attempt = Attempt::new();
    let file = attempt.file("full/notes.txt", b"mine");
    let short = ["--preset", "mnist-backprop-ann", "--samples", "10"];
    attempt.refused(
        &[&short[..], &["--out", "full"]].concat(),
        &["full", "already holds other files"],
    );
    assert_eq!(fs::read(file).unwrap(), b"mine");

    let first = attempt.train(&[&short[..], &["--out", "run", "--quiet"]].concat());
    assert!(
        first.status.success(),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let summary = fs::read(attempt.path().join("run/summary.json")).unwrap();
    attempt.refused(
        &[&short[..], &["--out", "run"]].concat(),
        &["already holds a run", "--resume"],
    );
    assert_eq!(
        fs::read(attempt.path().join("run/summary.json")).unwrap(),
        summary
    );
    attempt.refused(&["--resume", "full"], &["holds no run"]);
    // The way out is a command that a shell understands.
    let copy = attempt.path().join("my run's");
    fs::rename(attempt.path().join("run"), copy).unwrap();
    attempt.refused(
        &[&short[..], &["--out", "my run's"]].concat(),
        &[r"`--resume 'my run'\''s'`"],
    );
}

#[test]
fn a_run_can_be_evaluated_and_inspected() {
    let attempt = Attempt::new();
    let arguments = [
        "--preset",
        "mnist-backprop-ann",
        "--samples",
        "300",
        "--out",
        "run",
        "--quiet",
    ];
    let output = attempt.train(&arguments);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.stdout.is_empty(), "`--quiet` prints nothing");
    let summary: serde_json::Value =
        serde_json::from_slice(&fs::read(attempt.path().join("run/summary.json")).unwrap())
            .unwrap();
    for key in [
        "test_accuracy",
        "train_samples",
        "samples_per_second",
        "seed",
        "preset",
        "dataset",
        "device",
        "version",
    ] {
        assert!(!summary[key].is_null(), "{key}");
    }
    assert_eq!(summary["train_samples"], 300);

    let run = |arguments: &[&str]| {
        let output = dendrite()
            .current_dir(attempt.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let evaluated: serde_json::Value =
        serde_json::from_str(&run(&["evaluate", "run", "--json"])).unwrap();
    // The saved network does what the trained one did.
    assert_eq!(evaluated["accuracy"], summary["test_accuracy"]);
    assert_eq!(evaluated["samples"], 1000);
    for what in ["run", "mnist-backprop-ann", "run/spec.toml"] {
        let shown = run(&["inspect", what]);
        // 784*500 + 500*500 + 500*10
        assert!(
            shown.contains("647,000 parameters: 647,000 learned, 0 fixed"),
            "{shown}"
        );
    }
    // A finished run that is resumed stays as it is.
    assert!(run(&["train", "--resume", "run"]).contains("after 300 samples"));
}

#[test]
fn rules_that_cannot_work_where_they_are_put_are_refused_with_the_reason() {
    let refused = |overrides: &[&str], parts: &[&str]| {
        let mut arguments = vec!["--preset", "mnist-dtp"];
        arguments.extend(overrides.iter().flat_map(|it| ["--set", *it]));
        Attempt::new().refused(&arguments, parts);
    };
    refused(
        &["learning.rule[H1.DendI<-H1.E].rule={ kind = \"dendritic_loss\" }"],
        &[
            "learning.rule[H1.DendI<-H1.E].rule",
            "a dendrite, and `H1.DendI` has none",
        ],
    );
    refused(
        &["learning.rule[H1.E<-Input.E].rule={ kind = \"behavioral_timescale\", discount = 2 }"],
        &[
            "learning.rule[H1.E<-Input.E].rule",
            "`discount` is 2",
            "0 to 1",
        ],
    );
    refused(
        &["learning.rule[H1.E<-H1.DendI].rule={ kind = \"behavioral_timescale\" }"],
        &["learning.rule[H1.E<-H1.DendI].rule", "inhibitory"],
    );
    refused(
        &["learning.rule[H1.E<-Input.E].rule={ kind = \"oja\", rate = 1 }"],
        &["learning.rule[H1.E<-Input.E].rule", "`rate`", "`phase`"],
    );
    refused(
        &["learning.nudge.settling=\"output_only\""],
        &[
            "learning.rule[H1.E<-Input.E].rule",
            "`nudge` does not reach `H1.E`",
        ],
    );
    refused(
        &[
            "learning.nudge.settling=\"output_only\"",
            "learning.nudge.population=[{ name = \"H1.E\" }]",
        ],
        &["learning.nudge.population[H1.E]", "output_only"],
    );
    refused(
        &[
            "learning.rule[H1.DendI<-H1.E].rule={ kind = \"dendritic_backprop\", source = \"H1.SomaI\" }",
        ],
        &["learning.rule[H1.DendI<-H1.E].rule", "`H1.SomaI` has none"],
    );
}
