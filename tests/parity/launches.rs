//! How many kernels a training step launches on a GPU backend.

use std::{fs, path::Path, process::Command};

use crate::backend::Backend;

/// Samples of one step.
const BATCH_SIZE: usize = 8;

/// Steps of three runs, evenly spaced, so that what is launched before and after training cancels.
/// By the first of them burn has settled on how it fuses operations.
const STEPS: [usize; 3] = [20, 30, 40];

/// Runs of different lengths: every step launches as many kernels as the others, and more of them for
/// no larger batch.
pub(crate) fn check(backend: &Backend) -> Result<String, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let count = |steps, batch_size| launches(folder.path(), backend, steps, batch_size);
    // What burn tunes by trying, it remembers on disk; the counted runs do not tune.
    for batch_size in [BATCH_SIZE, 2 * BATCH_SIZE] {
        count(STEPS[0], batch_size)?;
    }
    let mut per_step = Vec::new();
    for batch_size in [BATCH_SIZE, 2 * BATCH_SIZE] {
        let mut counts = Vec::new();
        for steps in STEPS {
            counts.push(count(steps, batch_size)?);
        }
        let apart = STEPS[1] - STEPS[0];
        let [first, second] = [1, 2].map(|run| counts[run] - counts[run - 1]);
        if first != second || first == 0 || first % apart != 0 {
            return Err(format!(
                "{counts:?} launches in {STEPS:?} steps of {batch_size} samples: not a fixed number \
                 a step"
            ));
        }
        per_step.push(first / apart);
    }
    match per_step[0] == per_step[1] {
        true => Ok(format!("{} launches a step", per_step[0])),
        false => Err(format!("{per_step:?} launches a step, by size of batch")),
    }
}

/// Kernels that a training launches from its start to its end, as burn logs them.
fn launches(
    folder: &Path,
    backend: &Backend,
    steps: usize,
    batch_size: usize,
) -> Result<usize, String> {
    let text = |error: std::io::Error| error.to_string();
    let log = folder.join("launches.log");
    if log.exists() {
        fs::remove_file(&log).map_err(text)?;
    }
    let configuration = "[profiling]\nlogger = { level = \"minimal\", file = \"launches.log\" }\n";
    fs::write(folder.join("cubecl.toml"), configuration).map_err(text)?;
    let samples = (steps * batch_size).to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_dendrite"))
        .current_dir(folder)
        .args(["train", "--preset", "spirals-dtp", "--quiet"])
        .args(["--device", backend.name.as_str()])
        .args(["--batch-size", &batch_size.to_string()])
        .args(["--samples", &samples, "--validate-every", &samples])
        // Metrics that are taken in some steps only are kernels too.
        .args(["--vitals-every", "0"])
        .output()
        .map_err(text)?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let log = fs::read_to_string(log).map_err(text)?;
    Ok(log.lines().count())
}
