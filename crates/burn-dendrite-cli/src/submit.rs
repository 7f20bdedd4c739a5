//! Having the runs of a study trained by others: Slurm, or whatever starts `dendrite study task`.

use std::{num::NonZeroUsize, path::Path, process::ExitCode};

use anyhow::Context;
use burn_dendrite_lab::{
    cluster::{Jobs, Slurm, SlurmError, commands, submit as submit_runs},
    study::Study,
};
use burn_dendrite_train::{
    DeviceName,
    output::report,
    shell::{self, resume_command},
    words::counted,
};
use clap::Args;

use super::{Mistake, failed};

/// Whether the runs of a study are trained by others.
#[derive(Args, Debug)]
pub(super) struct ClusterArguments {
    /// Submit the runs to Slurm as a job array, and a job that reports once they have ended, and wait
    /// for nothing; `dendrite study status DIR` shows how far they are.
    #[arg(long)]
    pub(super) slurm: bool,
    /// Options for `sbatch`, e.g. `--sbatch "--partition=long --time=2:00:00 --cpus-per-task=2"`.
    #[arg(
        long,
        value_name = "OPTIONS",
        requires = "slurm",
        allow_hyphen_values = true
    )]
    sbatch: Option<String>,
    /// Write the study and train nothing: for other schedulers, which run `dendrite study task DIR N`.
    #[arg(long, conflicts_with = "slurm")]
    pub(super) prepare: bool,
}

impl ClusterArguments {
    pub(super) fn slurm(&self) -> anyhow::Result<Slurm> {
        Slurm::new(self.sbatch.as_deref().unwrap_or_default()).map_err(refused)
    }
}

/// Submits what is left to do of a study.
pub(super) fn submit(
    study: &Study,
    cluster: &ClusterArguments,
    (device, jobs): (Option<DeviceName>, Option<NonZeroUsize>),
    data_dir: Option<&Path>,
    quiet: bool,
) -> anyhow::Result<ExitCode> {
    let slurm = cluster.slurm()?;
    let out = std::path::absolute(&study.out).context("the folder of the study")?;
    let queued = Jobs::load(&out)?.queue().map_err(refused)?;
    let mut left = Vec::new();
    let tasks = study.tasks().map_err(failed)?;
    for run in &tasks {
        if !study.is_done(*run).map_err(failed)? && !queued.contains_key(&run.number) {
            left.push(run.number);
        }
    }
    let status = format!(
        "{} study status {}",
        shell::program(),
        shell::path(&study.out)
    );
    if left.is_empty() {
        if !quiet {
            report(format!(
                "nothing to submit: {} finished, {} in Slurm's queue; `{status}` shows them",
                tasks.len() - queued.len(),
                queued.len()
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut words = Vec::new();
    if let Some(device) = device {
        words.extend(["--device".to_owned(), device.to_string()]);
    }
    if let Some(folder) = data_dir {
        words.extend(["--data-dir".to_owned(), shell::path(folder)]);
    }
    let program = std::env::current_exe()?;
    let (task, collect) = commands(&program, &out, &words);
    let new = submit_runs(&slurm, &out, &left, jobs, (&task, &collect));
    let new = new.map_err(|error| {
        let command = resume_command(study.plan.purpose.command(), &study.out, None);
        let kept =
            format!("the study is written, and `{command} --slurm` submits what is left of it");
        if error.is_mistake() {
            Mistake(format!("{error}; {kept}")).into()
        } else {
            anyhow::Error::from(error).context(kept)
        }
    })?;
    if !quiet {
        let arrays = new.arrays.iter().map(|it| it.job.as_str());
        let reports = new.reports.iter().map(String::as_str);
        report(format!(
            "submitted: {} of {} in job {}; job {} reports once they have ended",
            left.len(),
            counted(tasks.len(), "run"),
            arrays.collect::<Vec<_>>().join(", "),
            reports.collect::<Vec<_>>().join(", ")
        ));
        report(format!("how far they are: `{status}`"));
    }
    Ok(ExitCode::SUCCESS)
}

/// An error of Slurm, with the exit code that it deserves.
pub(super) fn refused(error: SlurmError) -> anyhow::Error {
    if error.is_mistake() {
        Mistake(error.to_string()).into()
    } else {
        error.into()
    }
}

/// Says how to run a study that was only written.
pub(super) fn prepared(study: &Study, quiet: bool) -> anyhow::Result<ExitCode> {
    if !quiet {
        let tasks = study.tasks().map_err(failed)?.len();
        let (program, out) = (shell::program(), shell::path(&study.out));
        report(format!(
            "prepared: `{program} study task {out} N` trains one run, N from 1 to {tasks}, and \
             `{program} study collect {out}` reports on them"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
