//! `dendrite study`: the runs of a study one by one, and how far they are.

use std::{
    collections::BTreeMap,
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::{self, ExitCode},
};

use anyhow::Context;
use burn_dendrite_lab::{
    cluster::{Jobs, Queued},
    study::{Fate, RunStatus, State, Study, StudyRun, TrainingOptions},
};
use burn_dendrite_train::{
    DeviceName, ExperimentError,
    limits::workers,
    output::{Output, answer, report, say},
    shell::{self, resume_command},
    words::counted,
};
use clap::{Args, Parser, Subcommand};

use super::{Arguments, DataArguments, collect::collect, dispatch, failed, table::table};

#[derive(Args, Debug)]
pub(super) struct StudyArguments {
    #[command(subcommand)]
    command: StudyCommand,
}

#[derive(Debug, Subcommand)]
enum StudyCommand {
    /// Train one run of a study, and analyse it where that is wanted: what each task of a job array
    /// does.
    Task(TaskArguments),
    /// Show how far the runs of a study are.
    Status(StatusArguments),
    /// Report on the runs of a study that have come to their end.
    Collect(CollectArguments),
}

impl StudyArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            StudyCommand::Task(arguments) => arguments.run(),
            StudyCommand::Status(arguments) => arguments.run(),
            StudyCommand::Collect(arguments) => arguments.run(),
        }
    }
}

#[derive(Args, Debug)]
struct TaskArguments {
    /// The folder of a study, as `compare`, `sweep` and `perturb` write it.
    #[arg(value_name = "DIR")]
    study: PathBuf,
    /// The number of the run, from 1; `tasks.csv` lists them.
    #[arg(value_name = "N")]
    number: usize,
    #[command(flatten)]
    data: DataArguments,
    /// Backend; the first that is compiled in and has hardware unless given.
    #[arg(long, env = "BURN_DEVICE")]
    device: Option<DeviceName>,
    /// Threads of the CPU backends; all cores unless given.
    #[arg(long, value_parser = workers)]
    threads: Option<NonZeroUsize>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

impl TaskArguments {
    fn run(self) -> anyhow::Result<ExitCode> {
        let mut study = Study::open(&self.study).map_err(failed)?;
        study.plan.dataset = self.data.where_it_is(&study.plan.dataset)?;
        let run = study.task(self.number).map_err(failed)?;
        if study.is_done(run).map_err(failed)? {
            if !self.quiet {
                report(format!("{} is finished already", run.label()));
            }
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(threads) = self.threads {
            let threads = rayon::ThreadPoolBuilder::new().num_threads(threads.get());
            let started = threads.build_global();
            started.context("the threads cannot be started")?;
        }
        let label = run.label();
        let lost = move || {
            say(format!(
                "error: another process took over {label}, because no sign of life of this one was \
                 seen for a minute"
            ));
            process::exit(1);
        };
        let claim = study.claim_run(run, lost).map_err(failed)?;
        let ending = self.work(&study, run);
        let fate = match &ending {
            Ok(ExitCode::SUCCESS) => Fate::Finished,
            Ok(_) => Fate::Stopped,
            Err(error) => Fate::Failed(format!("{error:#}")),
        };
        claim.end(fate);
        ending
    }

    /// Does what is left to do for a run.
    fn work(&self, study: &Study, run: StudyRun<'_>) -> anyhow::Result<ExitCode> {
        let options = TrainingOptions {
            device: self.device.unwrap_or_else(DeviceName::preferred),
            data_dir: self.data.data_dir.clone(),
        };
        while let Some(mut words) = study.next_step(run, &options).map_err(failed)? {
            words.insert(0, shell::program().into());
            // An analysis says all that it finds, which the report does better.
            if self.quiet && !words.contains(&"--quiet".into()) {
                words.push("--quiet".into());
            }
            let arguments = Arguments::try_parse_from(words)?;
            match dispatch(arguments.command) {
                Ok(ExitCode::SUCCESS) => {}
                // That is a result, which the study keeps.
                Err(error) if is_divergence(&error) => {
                    if !self.quiet {
                        report(format!("{error:#}"));
                    }
                }
                ending => return ending,
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn is_divergence(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<ExperimentError>();
    error.is_some_and(|error| matches!(error, ExperimentError::Diverged { .. }))
}

#[derive(Args, Debug)]
struct StatusArguments {
    /// The folder of a study.
    #[arg(value_name = "DIR")]
    study: PathBuf,
    /// List the runs that are finished or wait, too.
    #[arg(long)]
    all: bool,
    /// Print JSON, with every run.
    #[arg(long)]
    json: bool,
}

impl StatusArguments {
    fn run(self) -> anyhow::Result<ExitCode> {
        let study = Study::open(&self.study).map_err(failed)?;
        let runs = study.status().map_err(failed)?;
        if self.json {
            answer(serde_json::to_string_pretty(&runs)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let jobs = Jobs::load(&study.out)?;
        // Where there is no Slurm there is nothing in its queue.
        let queue = jobs.queue().unwrap_or_default();
        let mut output = Output::answer();
        writeln!(output, "{}: {}", study.out.display(), summary(&runs))?;
        let mut shown = table(&["task", "run", "state", "samples", "attempts", ""]);
        for run in &runs {
            let detail = detail(run, &queue, &jobs, &study.out);
            // Of a run that only waits, or has ended well, there is nothing to tell.
            let has_news = match run.state {
                State::Finished { .. } => false,
                State::Waiting => !detail.is_empty() && !queue.contains_key(&run.task),
                _ => true,
            };
            if self.all || has_news {
                shown.add_row([
                    run.task.to_string(),
                    format!("{} seed {}", run.network, run.seed),
                    run.state.word().to_owned(),
                    format!("{} of {}", run.samples, run.of),
                    run.attempts.to_string(),
                    detail,
                ]);
            }
        }
        if shown.row_count() > 0 {
            writeln!(output, "{shown}")?;
        }
        let left = |run: &&RunStatus| {
            let goes_on = matches!(run.state, State::Running { .. });
            !goes_on && !has_ended(run) && !queue.contains_key(&run.task)
        };
        let left = runs.iter().filter(left).count();
        if left > 0 {
            let command = resume_command(study.plan.purpose.command(), &study.out, None);
            let are = if left == 1 { "is" } else { "are" };
            writeln!(
                output,
                "{} {are} neither running nor in Slurm's queue: `{command}` goes on here, and with \
                 `--slurm` there",
                counted(left, "run")
            )?;
        } else if runs.iter().all(has_ended) {
            let out = shell::path(&study.out);
            let program = shell::program();
            writeln!(output, "`{program} study collect {out}` reports on them")?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn has_ended(run: &RunStatus) -> bool {
    matches!(run.state, State::Finished { .. } | State::Diverged { .. })
}

/// How many runs are where: `24 runs: 12 finished, 2 running, 10 waiting`.
fn summary(runs: &[RunStatus]) -> String {
    let words = [
        "finished", "diverged", "running", "stopped", "killed", "failed", "waiting",
    ];
    let counts = words.iter().filter_map(|word| {
        let count = runs.iter().filter(|run| run.state.word() == *word).count();
        (count > 0).then(|| format!("{count} {word}"))
    });
    let counts: Vec<String> = counts.collect();
    format!("{}: {}", counted(runs.len(), "run"), counts.join(", "))
}

/// What else is to be said of a run.
fn detail(run: &RunStatus, queue: &BTreeMap<usize, Queued>, jobs: &Jobs, study: &Path) -> String {
    let task = |queued: &Queued| {
        let reason = match queued.reason.as_str() {
            "" | "None" => String::new(),
            reason => format!(", {reason}"),
        };
        let state = queued.state.to_lowercase();
        format!("Slurm {}_{}: {state}{reason}", queued.job, queued.index)
    };
    let queued = queue.get(&run.task).map(task);
    let holder = |holder: &Option<burn_dendrite_train::run::Holder>| {
        let words = holder.as_ref().map(ToString::to_string);
        words.unwrap_or_else(|| "a process that is not known".to_owned())
    };
    let own = match &run.state {
        State::Finished { test_accuracy } => {
            Some(format!("test accuracy {:.2} %", 100.0 * test_accuracy))
        }
        State::Diverged { reason } | State::Failed { reason } => Some(reason.clone()),
        State::Running { holder: it } => Some(holder(it)),
        State::Killed { holder: it } => Some(format!("{} is gone", holder(it))),
        State::Stopped | State::Waiting => None,
    };
    let log = jobs.log(study, run.task).filter(|_| queued.is_none());
    let said = log.and_then(|log| match run.state {
        State::Killed { .. } | State::Stopped => last_line(&log, |line| line.contains("error")),
        State::Waiting => last_line(&log, |line| !line.trim().is_empty()),
        _ => None,
    });
    let parts = [own, queued, said].into_iter().flatten();
    parts.collect::<Vec<_>>().join("; ")
}

/// The last line of such a kind in a log.
fn last_line(log: &Path, is_wanted: impl Fn(&str) -> bool) -> Option<String> {
    let text = std::fs::read(log).ok()?;
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().rev().find(|line| is_wanted(line))?;
    Some(format!("its log: {}", last.trim()))
}

#[derive(Args, Debug)]
struct CollectArguments {
    /// The folder of a study.
    #[arg(value_name = "DIR")]
    study: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// Backend, where something is measured: in a study of perturbations.
    #[arg(long, env = "BURN_DEVICE")]
    device: Option<DeviceName>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

impl CollectArguments {
    fn run(self) -> anyhow::Result<ExitCode> {
        let study = Study::open(&self.study).map_err(failed)?;
        collect(study, &self.data, self.device, self.quiet)
    }
}
