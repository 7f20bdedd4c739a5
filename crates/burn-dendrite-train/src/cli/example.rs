//! What the example programs share: a comparison of published networks, from one command.

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::{CommandFactory, FromArgMatches, Parser};

use super::{
    DataArguments, LoadedData, MachineArguments, Mistake, display, exit_code, explained,
    new_folder, signals::stop_on_request,
};
use crate::{
    ExperimentSpec,
    comparison::{self, Comparison, ComparisonEnding},
    data::{DataSpec, DatasetName},
    limits::{MOST_SAMPLES, check_counts, check_seed},
    output::{Output, report, say},
    presets,
    run::{LearnerSettings, RunSettings},
    shell,
    stop::INTERRUPTED,
};

/// Samples of one training step where each operation is a kernel to be launched. A step of more
/// would cost about the same, but a small budget would be too few steps to learn anything.
const KERNEL_BATCH: usize = 8;

/// A program that compares published networks on one data set.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The name of the program.
    pub name: &'static str,
    /// One line on what it does.
    pub about: &'static str,
    /// The networks, by the names of their presets.
    pub presets: &'static [&'static str],
    /// The data set.
    pub dataset: DatasetName,
    /// The data set to take where the files of the first one are neither given nor found.
    pub instead: Option<DatasetName>,
    /// Training samples unless others are asked for.
    pub samples: usize,
    /// Training samples and passes of the paper.
    pub full: (usize, usize),
}

/// Validations of each run, in each pass: the points of its curve.
const VALIDATIONS: usize = 20;

/// Validation samples that each of them is on.
const VALIDATION_SAMPLES: usize = 500;

#[derive(Debug, Parser)]
struct ExampleArguments {
    #[command(flatten)]
    data: DataArguments,
    /// Training samples, drawn in a shuffled order.
    #[arg(long, conflicts_with = "full")]
    samples: Option<usize>,
    /// The budget of the paper.
    #[arg(long)]
    full: bool,
    /// Samples of one training step. Unless given, 1 on the CPU backends, which is the published
    /// protocol, and 8 on the others, where a step costs about the same for one sample as for many.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Seed of weights, order and events.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    machine: MachineArguments,
    /// Folder for the runs; an earlier comparison with the same settings goes on there. A new one
    /// below `runs` unless given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl Example {
    /// Runs the program with the arguments of this process.
    pub fn main(&self) -> ExitCode {
        let command = ExampleArguments::command()
            .name(self.name)
            .about(self.about)
            .max_term_width(100);
        let arguments = command
            .try_get_matches()
            .and_then(|matches| ExampleArguments::from_arg_matches(&matches));
        match arguments {
            Ok(arguments) => exit_code(self.run(arguments)),
            Err(error) => explained(&error),
        }
    }

    fn run(&self, arguments: ExampleArguments) -> anyhow::Result<ExitCode> {
        let (device, device_name) = arguments.machine.open()?;
        let specs = self.presets.iter().map(|name| presets::load(name));
        let specs: Vec<ExperimentSpec> = specs.collect::<Result<_, _>>()?;
        let (dataset, data) = self.data(&arguments.data)?;
        let (data, origin) = (data.splits, data.origin);
        let (samples, epochs) = match (arguments.samples, arguments.full) {
            (Some(samples), _) => (samples, 1),
            (None, true) => self.full,
            (None, false) => (self.samples, 1),
        };
        let batch_size = match arguments.batch_size {
            Some(batch_size) => batch_size,
            None if device_name.launches_kernels() => KERNEL_BATCH,
            None => 1,
        };
        check_counts([
            // More than there are stand for all of them.
            ("--samples", Some(samples), usize::MAX),
            ("--batch-size", Some(batch_size), MOST_SAMPLES),
        ])
        .map_err(Mistake)?;
        check_seed("--seed", arguments.seed).map_err(Mistake)?;
        let samples = samples.min(data.train.len());
        report(format!(
            "{} networks on {}: {samples} samples, {epochs} pass{}, batch {batch_size}, seed {}, \
             {}",
            specs.len(),
            self.words(dataset),
            if epochs == 1 { "" } else { "es" },
            arguments.seed,
            device_name.describe(&device),
        ));
        if arguments.batch_size.is_none() && batch_size > 1 {
            report(format!(
                "note: on `{device_name}` a step costs about the same for one sample as for \
                 {batch_size}; `--batch-size 1` is the published protocol"
            ));
        }
        let mut comparison = Comparison {
            out: arguments.out.clone().unwrap_or_default(),
            settings: RunSettings {
                preset: String::new(),
                dataset: dataset.into(),
                data: origin,
                samples,
                epochs,
                batch_size,
                seed: arguments.seed,
                validate_every: samples.div_ceil(VALIDATIONS).next_multiple_of(batch_size),
                patience: None,
                on_divergence: Default::default(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                learner: LearnerSettings {
                    // Enough for a curve; the table is on all test samples.
                    validation_samples: Some(VALIDATION_SAMPLES.min(data.validation.len())),
                    ..LearnerSettings::default()
                },
                preprocessing: Default::default(),
                perturb: Vec::new(),
                probe: Vec::new(),
                start: None,
            },
            data,
            device,
            device_name: device_name.to_string(),
            display: display(false),
        };
        comparison.check(&specs)?;
        if arguments.out.is_none() {
            comparison.out = new_folder(&format!("{}-{dataset}", self.name))?;
        }
        report(format!("run folders: {}", comparison.out.display()));
        match comparison.run(specs, &stop_on_request()?)? {
            ComparisonEnding::Interrupted => {
                let out = shell::path(&comparison.out);
                say(format!(
                    "stopped; the same command with `--out {out}` goes on from there"
                ));
                Ok(ExitCode::from(INTERRUPTED))
            }
            ComparisonEnding::Finished(compared) => {
                let mut output = Output::report();
                writeln!(output, "\n{}", comparison::curves(&compared, 72, 16))?;
                writeln!(output, "data set: {}", self.words(dataset))?;
                writeln!(output, "{}", comparison::table(&compared))?;
                if Some(dataset) == self.instead {
                    writeln!(output, "{}", self.caution(dataset))?;
                }
                Ok(ExitCode::SUCCESS)
            }
        }
    }

    /// The data set, or the other one where its files are not at hand and nobody said where.
    fn data(&self, arguments: &DataArguments) -> anyhow::Result<(DatasetName, LoadedData)> {
        let load = |name: DatasetName| arguments.load(&name.into(), &DataSpec::default(), false);
        match (load(self.dataset), self.instead) {
            (Err(reason), Some(instead)) if arguments.data_dir.is_none() => {
                say(format!("{} is not at hand: {reason}", self.dataset));
                say(self.caution(instead));
                Ok((instead, load(instead)?))
            }
            (data, _) => Ok((self.dataset, data?)),
        }
    }

    /// The name of the data set, and what it is if it stands in for another one.
    fn words(&self, dataset: DatasetName) -> String {
        match Some(dataset) == self.instead {
            true => format!("{dataset} (generated images, not {})", self.dataset),
            false => dataset.to_string(),
        }
    }

    fn caution(&self, instead: DatasetName) -> String {
        format!(
            "note: these are the {instead} images, not {}; their accuracies say nothing about it",
            self.dataset
        )
    }
}
