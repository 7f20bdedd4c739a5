//! The `dendrite` command line.

mod analysis_file;
mod analyze;
mod bench;
mod choice;
mod cluster;
mod collect;
mod compare;
mod data;
mod evaluate;
mod example;
mod export;
mod import;
mod inspect;
mod learner;
mod left_out;
mod perturb;
mod presets;
mod report;
#[cfg(feature = "remote")]
mod serve;
mod signals;
mod study;
mod submit;
mod sweep;
mod table;
mod train;

use std::{
    error::Error,
    fs, io,
    num::{IntErrorKind, NonZeroUsize, ParseIntError},
    path::{Path, PathBuf},
    process::ExitCode,
    thread::available_parallelism,
};

use anyhow::Context;
use burn::tensor::Device;
use burn_dendrite_lab::study::StudyError;
use burn_dendrite_train::{
    DeviceName, Display, ExperimentError, ExperimentSpec, Registry,
    dashboard::Dashboard,
    limits::workers,
    output::{self, say},
};
use clap::{
    Args, CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};

use data::{DataArguments, LoadedData, MeasuredOn};

pub use example::Example;

/// Biology-constrained deep learning: networks of excitatory and inhibitory populations with
/// dendrites, trained by dendritic target propagation or by backprop.
#[derive(Debug, Parser)]
#[command(name = "dendrite", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a network and write a run folder.
    Train(Box<train::TrainArguments>),
    /// Measure the accuracy of a trained network.
    Evaluate(evaluate::EvaluateArguments),
    /// Write the weights of a trained network for other programs, as safetensors or for NumPy.
    Export(export::ExportArguments),
    /// Measure what a trained network has become: alignment, sparsity, receptive fields, and more.
    Analyze(analyze::AnalyzeArguments),
    /// Write one page on a run: curves, confusion, receptive fields, weights, angles, mistakes.
    Report(report::ReportArguments),
    /// Train several networks with several seeds side by side, and write a report on them.
    Compare(Box<compare::CompareArguments>),
    /// Measure how fast a network trains on this machine, and how far that is from the limit.
    Bench(bench::BenchArguments),
    /// Silence, fix, cut, add noise and prune: what the parts of a network do for its learning.
    Perturb(Box<perturb::PerturbStudyArguments>),
    /// Show a network as a table: populations, projections, rules, parameters.
    Inspect(inspect::InspectArguments),
    /// Search for values of a specification that learn best.
    Sweep(Box<sweep::SweepArguments>),
    /// One run of a comparison, a sweep or a study of perturbations, how far they are, and a report:
    /// for clusters.
    Study(cluster::StudyArguments),
    /// Offer a device of this machine to trainings on others, by `train --remote`.
    #[cfg(feature = "remote")]
    Serve(serve::ServeArguments),
    /// Turn a configuration of the reference (EIANN, YAML) into a specification (TOML).
    Import(import::ImportArguments),
    /// List the published networks that come with the program.
    Presets(presets::PresetsArguments),
}

/// Where tensors live and how many threads work.
#[derive(Args, Debug)]
struct MachineArguments {
    /// Backend: cuda, metal, rocm, vulkan, wgpu, flex or ndarray, as far as compiled in; the
    /// first of these that has hardware unless given.
    #[arg(long, env = "BURN_DEVICE")]
    device: Option<DeviceName>,
    /// Threads of the CPU backends; all cores unless given.
    #[arg(long, value_parser = workers)]
    threads: Option<NonZeroUsize>,
}

impl MachineArguments {
    fn open(&self) -> anyhow::Result<(Device, DeviceName)> {
        self.start_threads()?;
        let name = self.device.unwrap_or_else(DeviceName::preferred);
        let device = name.open().map_err(|error| Mistake(error.to_string()))?;
        Ok((device, name))
    }

    fn start_threads(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            let cores = available_parallelism().unwrap_or(threads);
            if threads > cores {
                say(format!(
                    "note: {threads} threads share {cores} cores, which makes none of them faster"
                ));
            }
            rayon::ThreadPoolBuilder::new()
                .num_threads(threads.get())
                .build_global()
                .context("the threads cannot be started")?;
        }
        Ok(())
    }
}

/// Something that the user can mend: one sentence, exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mistake(String);

/// Refuses a file that is there already as the place of a new one, and a folder that is not there.
fn check_new(out: &Path) -> Result<(), Mistake> {
    let folder = out.parent().filter(|it| !it.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|it| !it.is_dir()) {
        return Err(Mistake(format!(
            "`{}` is no folder; accepted: a file in a folder that is there for `--out`",
            folder.display()
        )));
    }
    if out.exists() {
        return Err(Mistake(format!(
            "`{}` is there already; accepted: a new file for `--out`",
            out.display()
        )));
    }
    Ok(())
}

/// An error of a study, with the exit code that it deserves.
fn failed(error: StudyError) -> anyhow::Error {
    if error.is_mistake() {
        Mistake(error.to_string()).into()
    } else {
        error.into()
    }
}

/// The exit code of a mistake that the user can mend, the same as for a mistyped flag.
const MISTAKE: u8 = 2;

/// A specification by the name of a preset, or from a file.
fn specification(name: &str) -> anyhow::Result<ExperimentSpec> {
    let path = Path::new(name);
    let is_path = path.exists() || path.extension().is_some() || name.contains('/');
    if is_path {
        Ok(ExperimentSpec::load(path).map_err(|errors| Mistake(errors.to_string()))?)
    } else {
        Ok(burn_dendrite_train::presets::load(name).map_err(|error| Mistake(error.to_string()))?)
    }
}

/// The command line as data, for whoever checks documentation against it or makes completions.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command line of this process, with the kinds and data sets of a registry.
pub fn main(registry: Registry) -> ExitCode {
    signals::end_with_parent();
    if let Err(error) = registry.install() {
        return exit_code(Err(error.into()));
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return explained(&error),
    };
    exit_code(dispatch(arguments.command))
}

fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Train(arguments) => arguments.run(),
        Command::Evaluate(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Analyze(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Compare(arguments) => arguments.run(),
        Command::Bench(arguments) => arguments.run(),
        Command::Perturb(arguments) => arguments.run(),
        Command::Inspect(arguments) => arguments.run(),
        Command::Sweep(arguments) => arguments.run(),
        Command::Study(arguments) => arguments.run(),
        #[cfg(feature = "remote")]
        Command::Serve(arguments) => arguments.run(),
        Command::Import(arguments) => arguments.run(),
        Command::Presets(arguments) => arguments.run(),
    }
}

/// What the parser says instead of arguments: help, the version, or what is wrong with them.
fn explained(error: &clap::Error) -> ExitCode {
    if let Some(sentence) = no_number(error) {
        return exit_code(Err(Mistake(sentence).into()));
    }
    match error.print() {
        // What is wrong was said as well as it could be.
        Err(failure) if !error.use_stderr() => exit_code(Err(output::named(&failure).into())),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(MISTAKE)),
    }
}

/// What is wrong with a value that is no number, of which the parser only says why it could not go on.
fn no_number(error: &clap::Error) -> Option<String> {
    let text = |kind| match error.get(kind)? {
        ContextValue::String(text) => Some(text.as_str()),
        _ => None,
    };
    let reason = error.source()?;
    let accepted = match reason
        .downcast_ref::<ParseIntError>()
        .map(ParseIntError::kind)
    {
        Some(IntErrorKind::PosOverflow) => "a smaller whole number",
        Some(_) => "a whole number",
        None => return None,
    };
    let argument = text(ContextKind::InvalidArg)?.split(' ').next()?;
    let value = text(ContextKind::InvalidValue)?;
    Some(format!("`{argument}` is {value}; accepted: {accepted}"))
}

/// Says what went wrong, and with which code the process ends.
fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    let result = match (result, output::failure()) {
        (Ok(ExitCode::SUCCESS), Some(failure)) => Err(failure.into()),
        (result, _) => result,
    };
    match result {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(format!("error: {error:#}"));
            let mistake = error.downcast_ref::<Mistake>().is_some()
                || error
                    .downcast_ref::<ExperimentError>()
                    .is_some_and(ExperimentError::is_mistake);
            ExitCode::from(if mistake { MISTAKE } else { 1 })
        }
    }
}

/// What somebody who waits for a training sees.
fn display(quiet: bool) -> Display {
    if quiet {
        Display::Quiet
    } else if Dashboard::is_possible() {
        Display::Dashboard
    } else {
        Display::Lines
    }
}

/// Makes the first of `runs/NAME-1`, `-2`, … that does not exist yet. It is this process's, whoever
/// else looks for one at the same time.
fn new_folder(name: &str) -> anyhow::Result<PathBuf> {
    let runs = Path::new("runs");
    let made = |folder: &Path, result: io::Result<()>| {
        result.with_context(|| format!("`{}` cannot be made", folder.display()))
    };
    made(runs, fs::create_dir_all(runs))?;
    let mut number = 1;
    loop {
        let folder = runs.join(format!("{name}-{number}"));
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            result => return made(&folder, result).map(|()| folder),
        }
    }
}

/// `dendrite inspect … | head` closes the pipe early, which is no error.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    (error.downcast_ref::<io::Error>()).is_some_and(output::is_closed)
}
