//! A killed run goes on to the same result.

use std::{
    fs,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use burn_dendrite::{nn::ProjectionId, train::load_model};

use crate::common::{dendrite, small};

fn train(out: &Path, preset: &str, extra: &[&str]) -> Command {
    let mut command = dendrite();
    command.args([
        "train",
        "--device",
        "flex",
        "--preset",
        preset,
        "--samples",
        "2000",
    ]);
    command.args([
        "--epochs",
        "2",
        "--validate-every",
        "250",
        "--seed",
        "7",
        "--quiet",
    ]);
    command.args(extra).arg("--out").arg(out);
    for expression in small(preset) {
        command.arg("--set").arg(expression);
    }
    command
}

/// Starts the command and sends SIGKILL once `file` is there.
fn kill_when(mut command: Command, file: &Path) {
    let mut child = command.spawn().unwrap();
    let started = Instant::now();
    while !file.exists() {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no checkpoint appeared"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it could be killed"
        );
        sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Every weight of a run and everything that its rules remember, bit for bit.
pub(crate) fn weights(run: &Path) -> Vec<Vec<u32>> {
    let (model, ..) = load_model(run, &Device::flex()).unwrap();
    let weights = (0..model.network.projections.len())
        .map(|index| model.network.weight(ProjectionId(index)).into_data());
    let memory = model.memory.values().into_iter().map(|it| it.into_data());
    weights
        .chain(memory)
        .map(|data| data.iter::<f32>().map(f32::to_bits).collect())
        .collect()
}

fn continues_bit_for_bit(preset: &str, extra: &[&str]) {
    continues_from(preset, extra, [3, 9]);
}

/// Kills a run once it has written the checkpoints after these segments of 16.
fn continues_from(preset: &str, extra: &[&str], checkpoints: [usize; 2]) {
    let [first, second] = checkpoints.map(|segment| format!("checkpoint/schedule-{segment}.bpk"));
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    assert!(train(&whole, preset, extra).status().unwrap().success());

    // Killed twice, in both epochs, at whatever point it has reached by then.
    kill_when(train(&killed, preset, extra), &killed.join(first));
    assert!(!killed.join("summary.json").exists());
    let resume = || {
        let mut command = dendrite();
        command
            .args(["train", "--quiet", "--device", "flex", "--resume"])
            .arg(&killed);
        command
    };
    kill_when(resume(), &killed.join(second));
    assert!(resume().status().unwrap().success());

    assert!(weights(&whole) == weights(&killed), "the weights differ");
    let metrics = |run: &Path| fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    assert_eq!(metrics(&whole), metrics(&killed));
    let accuracy = |run: &Path| {
        let summary = fs::read_to_string(run.join("summary.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&summary).unwrap()["test_accuracy"].clone()
    };
    assert_eq!(accuracy(&whole), accuracy(&killed));
}

#[test]
fn a_killed_run_of_dendritic_target_propagation_continues_bit_for_bit() {
    continues_bit_for_bit("mnist-dtp", &[]);
}

#[test]
fn so_does_backprop_with_the_state_of_adam_and_a_schedule() {
    continues_bit_for_bit(
        "mnist-backprop-ei",
        &[
            "--set",
            "optimizer={ kind = \"adam\" }",
            "--set",
            "schedule={ kind = \"cosine\", start = 0.01, end = 0.001 }",
        ],
    );
}

#[test]
fn so_does_random_selection_of_plateaus() {
    let select = "learning.nudge.select={ kind = \"random\", fraction = 0.5 }";
    continues_bit_for_bit("mnist-dtp", &["--set", select]);
}

#[test]
fn so_does_the_memory_of_rules() {
    let overrides = [
        "learning.nudge.settling=\"equilibrated\"",
        "learning.rule[H1.E<-Input.E].rule={ kind = \"behavioral_timescale\" }",
        "learning.rule[H2.E<-H1.E].rule={ kind = \"bienenstock_cooper_munro\" }",
    ];
    let arguments: Vec<&str> = overrides.iter().flat_map(|it| ["--set", it]).collect();
    continues_bit_for_bit("mnist-dtp", &arguments);
}

#[test]
fn so_does_a_run_with_few_checkpoints_accumulated_batches_and_augmented_images() {
    let extra = [
        ["--checkpoint-every", "500"],
        ["--validation-samples", "100"],
        ["--batch-size", "2"],
        ["--accumulate", "2"],
        ["--crop", "2"],
    ]
    .concat();
    let extra = [&extra[..], &["--flip"]].concat();
    continues_from("mnist-dtp", &extra, [2, 10]);
}
