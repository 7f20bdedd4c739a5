//! What the example programs share: a comparison of published networks, from one command.

use std::{io::Write, path::PathBuf, process::ExitCode};

use burn_dendrite_lab::comparison::{self, Comparison, ComparisonEnding};
use burn_dendrite_train::{
    ExperimentSpec,
    data::{DatasetName, Preprocessing},
    limits::{MOST_SAMPLES, check_counts, check_seed},
    output::{Output, report, say},
    presets,
    run::{LearnerSettings, RunSettings},
    shell,
    stop::INTERRUPTED,
};
use clap::{CommandFactory, FromArgMatches, Parser};

use super::{
    DataArguments, LoadedData, MachineArguments, Mistake, display, exit_code, explained,
    new_folder, signals::stop_on_request,
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
    /// Training samples and passes of the large budget.
    pub full: (usize, usize),
    /// What is done to training images.
    pub preprocessing: Preprocessing,
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
    /// The large budget: that of the paper, or of the book.
    #[arg(long)]
    full: bool,
    /// Samples of one training step. Unless given, what each network is made for; where that is 1, the
    /// published protocol, and the device is no CPU, 8, since a step costs about the same there for one
    /// sample as for many.
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
        let dataset = self.dataset_at_hand(&arguments.data, &specs)?;
        let (samples, epochs) = match (arguments.samples, arguments.full) {
            (Some(samples), _) => (samples, 1),
            (None, true) => self.full,
            (None, false) => (self.samples, 1),
        };
        check_counts([
            // More than there are stand for all of them.
            ("--samples", Some(samples), usize::MAX),
            ("--batch-size", arguments.batch_size, MOST_SAMPLES),
        ])
        .map_err(Mistake)?;
        check_seed("--seed", arguments.seed).map_err(Mistake)?;
        let launches = device_name.launches_kernels();
        let batch_size = |spec: &ExperimentSpec| match arguments.batch_size {
            Some(batch_size) => batch_size,
            None if launches => spec.budget.batch_size.max(KERNEL_BATCH),
            None => spec.budget.batch_size,
        };
        let mut comparisons = Vec::new();
        for spec in specs {
            let LoadedData { splits, origin, .. } =
                (arguments.data).load(&dataset.into(), &spec.data, false)?;
            let data =
                (self.preprocessing.prepare(splits)).map_err(|error| Mistake(error.to_string()))?;
            let batch_size = batch_size(&spec);
            let samples = samples.min(data.train.len());
            let settings = RunSettings {
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
                preprocessing: self.preprocessing,
                perturb: Vec::new(),
                probe: Vec::new(),
                start: None,
                lengthened: Vec::new(),
            };
            let comparison = Comparison {
                out: arguments.out.clone().unwrap_or_default(),
                settings,
                data,
                device: device.clone(),
                device_name: device_name.to_string(),
                display: display(false),
            };
            comparison.check(std::slice::from_ref(&spec))?;
            comparisons.push((spec, comparison));
        }
        let samples = comparisons
            .first()
            .map_or(samples, |(_, it)| it.settings.samples);
        report(format!(
            "{} networks on {}: {samples} samples, {epochs} pass{}, seed {}, {}",
            comparisons.len(),
            self.words(dataset),
            if epochs == 1 { "" } else { "es" },
            arguments.seed,
            device_name.describe(&device),
        ));
        if arguments.batch_size.is_none() && launches {
            report(format!(
                "note: on `{device_name}` a step costs about the same for one sample as for \
                 {KERNEL_BATCH}; `--batch-size 1` is the published protocol"
            ));
        }
        let out = match &arguments.out {
            Some(out) => out.clone(),
            None => new_folder(&format!("{}-{dataset}", self.name))?,
        };
        report(format!("run folders: {}", out.display()));
        let stop = stop_on_request()?;
        let mut compared = Vec::new();
        for (spec, mut comparison) in comparisons {
            comparison.out = out.clone();
            match comparison.run(vec![spec], &stop)? {
                ComparisonEnding::Interrupted => {
                    let out = shell::path(&out);
                    say(format!(
                        "stopped; the same command with `--out {out}` goes on from there"
                    ));
                    return Ok(ExitCode::from(INTERRUPTED));
                }
                ComparisonEnding::Finished(one) => compared.extend(one),
            }
        }
        let mut output = Output::report();
        writeln!(output, "\n{}", comparison::curves(&compared, 72, 16))?;
        writeln!(output, "data set: {}", self.words(dataset))?;
        writeln!(output, "{}", comparison::table(&compared))?;
        if Some(dataset) == self.instead {
            writeln!(output, "{}", self.caution(dataset))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The data set, or the other one where its files are not at hand and nobody said where.
    fn dataset_at_hand(
        &self,
        arguments: &DataArguments,
        specs: &[ExperimentSpec],
    ) -> anyhow::Result<DatasetName> {
        let Some(spec) = specs.first() else {
            return Ok(self.dataset);
        };
        let found = arguments.load(&self.dataset.into(), &spec.data, false);
        match (found, self.instead) {
            (Err(reason), Some(instead)) if arguments.data_dir.is_none() => {
                say(format!("{} is not at hand: {reason}", self.dataset));
                say(self.caution(instead));
                Ok(instead)
            }
            (found, _) => found.map(|_| self.dataset),
        }
    }

    /// The name of the data set, and what it is if it stands in for another one.
    fn words(&self, dataset: DatasetName) -> String {
        if Some(dataset) == self.instead {
            format!("{dataset} (generated images, not {})", self.dataset)
        } else {
            dataset.to_string()
        }
    }

    fn caution(&self, instead: DatasetName) -> String {
        format!(
            "note: these are the {instead} images, not {}; their accuracies say nothing about it",
            self.dataset
        )
    }
}
