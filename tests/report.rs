//! The page on a run: what it shows, what it says is missing, and what is refused.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use crate::common::{dendrite, small};

/// A short run on small images.
fn run(folder: &Path, arguments: &[&str]) -> PathBuf {
    let out = folder.join("run");
    let mut command = dendrite();
    command.args(["train", "--quiet", "--preset", "mnist-dtp"]);
    command.args(["--samples", "100", "--validate-every", "50"]);
    command.args(["--validation-samples", "50"]);
    command.args(arguments).arg("--out").arg(&out);
    for expression in small("mnist-dtp") {
        command.arg("--set").arg(expression);
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    out
}

fn report(run: &Path, extra: &[&str]) -> Output {
    let mut command = dendrite();
    command.arg("report").arg(run).args(extra).output().unwrap()
}

fn page(run: &Path) -> String {
    fs::read_to_string(run.join("report.html")).unwrap()
}

fn has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "`{part}` is missing");
    }
}

fn refused(output: &Output, part: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert_eq!(message.trim().lines().count(), 1, "{message}");
    assert!(message.contains(part), "`{part}` is missing in: {message}");
}

/// The commands in a page, as a shell takes them apart.
fn commands(page: &str) -> Vec<Vec<String>> {
    let (_, after) = page.split_once("The same run anew:").unwrap();
    let (_, after) = after.split_once("<code>").unwrap();
    let (commands, _) = after.split_once("</code>").unwrap();
    let commands = commands.replace("&lt;", "<").replace("&gt;", ">");
    assert!(!commands.contains('\''), "{commands}");
    let words = |line: &str| line.split(' ').skip(1).map(str::to_owned).collect();
    commands.lines().map(words).collect()
}

#[test]
fn a_page_shows_everything_and_its_command_repeats_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(
        folder.path(),
        &["--seed", "3", "--patience", "7", "--keep", "last"],
    );
    let output = report(&run, &[]);
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("report.html"));
    let page = page(&run);
    has(
        &page,
        &[
            "mnist-dtp on mnist-mini",
            "Accuracy",
            "Dendritic state, validation",
            "Sparsity, validation",
            "Confusion",
            "most taken for",
            "Misclassified",
            "Angle to backprop",
            "Receptive fields, H1.E",
            "Dynamics",
            "Weights",
            "kind = &quot;half_kaiming&quot;",
            "prefers-color-scheme: dark",
        ],
    );
    // Nothing outside, and no script.
    for outside in ["<script", "src=\"http", "href=\"http", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let again = folder.path().join("again");
    let mut command = dendrite();
    command
        .args(&commands(&page)[0])
        .args(["--quiet", "--out"])
        .arg(&again);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // Not the model's file, in which burn writes numbers of its own.
    for file in ["run.toml", "metrics.jsonl"] {
        let [one, other] = [&run, &again].map(|it| fs::read(it.join(file)).unwrap());
        assert!(one == other, "{file} differs");
    }
}

#[test]
fn the_commands_of_a_run_that_was_made_longer_repeat_it_without_what_it_started_from() {
    let folder = tempfile::tempdir().unwrap();
    let first = run(folder.path(), &[]);
    let elsewhere = folder.path().join("first");
    fs::rename(&first, &elsewhere).unwrap();
    let cosine = "schedule={ kind = \"cosine\", start = 1.0, end = 0.0 }";
    let from = elsewhere.to_str().unwrap();
    let run = run(folder.path(), &["--from", from, "--set", cosine]);
    fs::remove_dir_all(&elsewhere).unwrap();
    for epochs in ["2", "3"] {
        let mut longer = dendrite();
        longer.args(["train", "--quiet", "--epochs", epochs, "--resume"]);
        assert!(longer.arg(&run).status().unwrap().success());
    }
    assert!(report(&run, &[]).status.success());
    let commands = commands(&page(&run));
    assert_eq!(commands.len(), 3);
    for words in commands {
        assert!(
            dendrite()
                .args(words)
                .arg("--quiet")
                .status()
                .unwrap()
                .success()
        );
    }
    let again = folder.path().join("run-again");
    let [one, other] = [&run, &again].map(|it| fs::read(it.join("metrics.jsonl")).unwrap());
    assert!(one == other, "the metrics differ");
}

#[test]
fn a_page_without_data_shows_what_needs_none() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("points.csv");
    let rows: String = (0..60)
        .map(|row| format!("{},{}.5,{}\n", row % 2, row % 7, row % 5))
        .collect();
    fs::write(&data, rows).unwrap();
    let out = folder.path().join("run");
    let mut command = dendrite();
    command.args(["train", "--quiet", "--preset", "spirals-dtp", "--dataset"]);
    command
        .arg(&data)
        .args(["--set", "network.population[Output.E].size=\"data\""]);
    command.arg("--out").arg(&out);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(report(&out, &[]).status.success());
    has(
        &page(&out),
        &["Receptive fields are not shown", "Angle to backprop"],
    );

    fs::remove_dir_all(out.join("analysis")).ok();
    fs::remove_file(&data).unwrap();
    let output = report(&out, &[]);
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("data of this run are not at hand"), "{said}");
    let page = page(&out);
    has(
        &page,
        &[
            "data of this run are not at hand",
            "points.csv",
            "Confusion",
            "On the weights alone",
            "Accuracy",
        ],
    );
    assert!(!page.contains("Angle to backprop"));
    // Whoever says where the data are wants them.
    let elsewhere = folder.path().join("nowhere");
    refused(
        &report(&out, &["--data-dir", elsewhere.to_str().unwrap()]),
        "nowhere",
    );
}

#[test]
fn a_run_under_way_is_shown_and_what_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), &[]);
    fs::remove_file(run.join("summary.json")).unwrap();
    fs::remove_file(run.join("model.bpk")).unwrap();
    let output = report(&run, &["--quiet"]);
    assert!(output.status.success(), "{output:?}");
    has(
        &page(&run),
        &["The run has not come to its end", "Confusion"],
    );

    let page = run.join("report.html");
    refused(
        &report(&run, &["--out", page.to_str().unwrap()]),
        "is there already",
    );
    fs::remove_dir_all(run.join("checkpoint")).unwrap();
    refused(&report(&run, &[]), "has no checkpoint yet");
    refused(&report(folder.path(), &[]), "holds no run");
    refused(&report(&folder.path().join("none"), &[]), "holds no run");
}

#[test]
fn an_analysis_ends_with_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), &[]);
    let mut command = dendrite();
    command
        .arg("analyze")
        .arg(&run)
        .args(["--quiet", "--samples", "20"]);
    command.args(["--metric", "weights,dynamics"]);
    assert!(command.status().unwrap().success());
    let page = page(&run);
    has(
        &page,
        &[
            "On 20 test samples of mnist-mini",
            "Dynamics",
            "Misclassified",
        ],
    );
    assert!(!page.contains("Receptive fields, "));
}
