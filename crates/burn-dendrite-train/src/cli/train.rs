//! `dendrite train`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn::tensor::Device;
use burn_dendrite_nn::perturb::Perturbation;
use clap::Args;

use super::{
    DataArguments, INTERRUPTED, LoadedData, MachineArguments, Mistake, display,
    learner::{LearnerArguments, PreprocessingArguments},
    new_folder,
    signals::stop_on_request,
    specification,
    study::resume_command,
};
use crate::{
    DeviceAddress, DeviceName, Ending, Experiment, ExperimentSpec, OnDivergence,
    data::DatasetName,
    limits::{MOST_EPOCHS, MOST_SAMPLES, check_counts, check_seed},
    output::{report, say},
    presets,
    record::{self, Probe},
    run::{self, Keep, LearnerSettings, RunSettings},
    set::set,
    study::folder_name,
};

#[derive(Args, Debug)]
pub(super) struct TrainArguments {
    /// A published network, e.g. mnist-dtp; `dendrite presets` lists them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["spec", "resume"])]
    preset: Option<String>,
    /// A specification of your own, `.toml` or `.json`, or a `.yaml` file of the reference.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    spec: Option<PathBuf>,
    /// Override a value of the specification, e.g.
    /// `learning.rule[H1.E<-Input.E].learning_rate=0.02`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE", conflicts_with = "resume")]
    set: Vec<String>,
    #[arg(long, conflicts_with = "resume", help = dataset_help())]
    dataset: Option<DatasetName>,
    #[command(flatten)]
    data: DataArguments,
    /// Training samples of one epoch, drawn in a shuffled order; all unless given.
    #[arg(long, conflicts_with = "resume")]
    samples: Option<usize>,
    /// Passes over the training samples.
    #[arg(long, default_value_t = 1, conflicts_with = "resume")]
    epochs: usize,
    /// Samples of one training step; 1 is the published protocol.
    #[arg(long, default_value_t = 1, conflicts_with = "resume")]
    batch_size: usize,
    /// Seed of weights, order and events.
    #[arg(long, default_value_t = 1, conflicts_with = "resume")]
    seed: u64,
    /// Training samples between two validations; a fifth of an epoch, in whole steps, unless given.
    #[arg(long, value_name = "SAMPLES", conflicts_with = "resume")]
    validate_every: Option<usize>,
    /// Stop after so many validations without a lower loss.
    #[arg(long, value_name = "VALIDATIONS", conflicts_with = "resume")]
    patience: Option<usize>,
    /// The weights that the run ends with, which its summary, `evaluate` and `analyze` are about: the
    /// last ones, or those with the lowest loss in a validation. The best with `--patience`, else the
    /// last, unless given.
    #[arg(long, value_enum, conflicts_with = "resume")]
    keep: Option<Keep>,
    /// What to do when activity runs away or is no number any more: stop and say where, or leave
    /// such updates out, which means looking at every step.
    #[arg(long, value_enum, default_value_t, conflicts_with = "resume")]
    on_divergence: OnDivergence,
    #[command(flatten)]
    learner: LearnerArguments,
    #[command(flatten)]
    preprocessing: PreprocessingArguments,
    /// Silence, scale, make noisy, delay or freeze a population, projection or compartment, e.g.
    /// `H1.DendI: silence during train`; may be repeated.
    #[arg(long, value_name = "PERTURBATION", conflicts_with = "resume")]
    perturb: Vec<Perturbation>,
    /// Record a signal of a population, or the weights of a projection, e.g.
    /// `H1.E: dendrite every 100 last 50`, into `probes.npz`; may be repeated.
    #[arg(long, value_name = "PROBE", conflicts_with = "resume")]
    probe: Vec<Probe>,
    #[command(flatten)]
    machine: MachineArguments,
    /// Folder for the run; it must be new or empty. `runs/NAME-DATASET-…` unless given.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder from its last checkpoint.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

fn dataset_help() -> String {
    let names: Vec<&str> = DatasetName::ALL.iter().map(DatasetName::as_str).collect();
    format!(
        "Data set: {}; the one that the specification names, else mnist-mini, unless given",
        names.join(", ")
    )
}

impl TrainArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        // The machine first: a device that does not exist is the cheapest mistake to find.
        let (mut devices, device_name) = self.open_devices()?;
        let device = devices.remove(0);
        let (settings, spec) = match &self.resume {
            Some(folder) => {
                let mistake = |error: run::RunError| Mistake(error.to_string());
                let (settings, spec) = run::load(folder).map_err(mistake)?;
                (Some(settings), spec)
            }
            None => (None, self.specification()?),
        };
        spec.check().map_err(|errors| Mistake(errors.to_string()))?;
        let dataset = settings
            .as_ref()
            .map_or_else(|| self.dataset_for(&spec), |settings| settings.dataset);
        let loaded = match &settings {
            Some(settings) => self.data.load_same(dataset, &settings.data, self.quiet)?,
            None => self.data.load(dataset, self.quiet)?,
        };
        let folder = loaded.origin.folder.clone();
        let settings = match settings {
            Some(settings) => settings,
            None => self.settings(&spec, &loaded)?,
        };
        // Where the run looks by itself when it goes on.
        let kept = settings.data.folder.clone();
        let data = settings.preprocessing.prepare(loaded.splits);
        let data = data.map_err(|error| Mistake(error.to_string()))?;
        let stop = stop_on_request()?;
        let mut experiment = Experiment {
            out: PathBuf::new(),
            settings,
            spec,
            data,
            device,
            more_devices: devices,
            device_name,
            display: display(self.quiet),
            stop,
        };
        experiment.check()?;
        let out = match self.resume.as_ref().or(self.out.as_ref()) {
            Some(out) => out.clone(),
            None => {
                let name = folder_name(&experiment.spec.name);
                new_folder(&format!("{name}-{}", experiment.settings.dataset))?
            }
        };
        experiment.out = out.clone();
        self.announce(&experiment);
        let ending = match self.resume {
            Some(_) => experiment.resume()?,
            None => experiment.start()?,
        };
        let elsewhere = folder.filter(|folder| kept.as_ref() != Some(folder));
        Ok(self.conclude(ending, &out, elsewhere.as_deref()))
    }

    /// The device, or all of several, and what they are called.
    fn open_devices(&self) -> anyhow::Result<(Vec<Device>, String)> {
        let several = &self.learner.devices;
        if several.is_empty() {
            let (device, name) = self.machine.open()?;
            return Ok((vec![device], name.to_string()));
        }
        self.machine.start_threads()?;
        let devices =
            DeviceAddress::open_all(several).map_err(|error| Mistake(error.to_string()))?;
        let names: Vec<String> = several.iter().map(DeviceAddress::to_string).collect();
        Ok((devices, names.join(", ")))
    }

    /// The data set that is asked for, else the specification's own, else the embedded one.
    fn dataset_for(&self, spec: &ExperimentSpec) -> DatasetName {
        self.dataset
            .or(spec.dataset)
            .unwrap_or(DatasetName::MnistMini)
    }

    fn specification(&self) -> anyhow::Result<ExperimentSpec> {
        let spec = match (&self.preset, &self.spec) {
            (Some(name), _) => {
                presets::load(name).map_err(|error| Mistake(format!("--preset: {error}")))?
            }
            (None, Some(file)) => specification(&file.to_string_lossy())?,
            (None, None) => {
                let names: Vec<String> = presets::names().map(|name| format!("`{name}`")).collect();
                let message = format!(
                    "what to train? accepted: `--preset` with one of {}, `--spec FILE`, or \
                     `--resume DIR`",
                    names.join(", ")
                );
                return Err(Mistake(message).into());
            }
        };
        if self.set.is_empty() {
            return Ok(spec);
        }
        let mut value = serde_json::to_value(&spec)?;
        for expression in &self.set {
            set(&mut value, expression).map_err(|error| Mistake(error.to_string()))?;
        }
        Ok(ExperimentSpec::from_value(value).map_err(|errors| Mistake(errors.to_string()))?)
    }

    fn settings(&self, spec: &ExperimentSpec, data: &LoadedData) -> anyhow::Result<RunSettings> {
        let available = data.splits.train.len();
        let samples = self.samples.unwrap_or(available);
        check_counts([
            // More than there are get an answer of their own.
            ("--samples", Some(samples), usize::MAX),
            ("--epochs", Some(self.epochs), MOST_EPOCHS),
            ("--batch-size", Some(self.batch_size), MOST_SAMPLES),
            ("--validate-every", self.validate_every, MOST_SAMPLES),
            ("--patience", self.patience, MOST_SAMPLES),
        ])
        .map_err(Mistake)?;
        check_seed("--seed", self.seed).map_err(Mistake)?;
        if samples > available {
            let message = format!(
                "`--samples` is {samples}; accepted: 1 to {available}, the training samples of \
                 `{}` (more passes: `--epochs`)",
                self.dataset_for(spec)
            );
            return Err(Mistake(message).into());
        }
        let mut settings = RunSettings {
            preset: spec.name.clone(),
            dataset: self.dataset_for(spec),
            samples,
            epochs: self.epochs,
            batch_size: self.batch_size,
            seed: self.seed,
            validate_every: 0,
            patience: self.patience,
            on_divergence: self.on_divergence,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data: data.origin.clone(),
            learner: LearnerSettings {
                keep: self.keep.unwrap_or(match self.patience {
                    Some(_) => Keep::Best,
                    None => Keep::Last,
                }),
                ..self.learner.settings()?
            },
            preprocessing: self.preprocessing.settings(),
            perturb: self.perturb.clone(),
            probe: self.probe.clone(),
        };
        settings.validate_every = self.validate_every.unwrap_or_else(|| {
            // Whole steps: a small one in the middle of a run would be a noisy step.
            let step = settings.samples_per_step();
            samples.div_ceil(5).next_multiple_of(step).min(samples)
        });
        Ok(settings)
    }

    fn announce(&self, experiment: &Experiment) {
        if self.quiet {
            return;
        }
        let settings = &experiment.settings;
        // Several devices are a list, which says enough.
        let device = match experiment.device_name.parse::<DeviceName>() {
            Ok(name) => name.describe(&experiment.device),
            Err(_) => experiment.device_name.clone(),
        };
        report(format!(
            "{} on {}: {} epoch{} of {} samples, batch {}, seed {}, {} with {} thread{}",
            settings.preset,
            settings.dataset,
            settings.epochs,
            if settings.epochs == 1 { "" } else { "s" },
            settings.samples,
            settings.batch_size,
            settings.seed,
            device,
            rayon::current_num_threads(),
            if rayon::current_num_threads() == 1 {
                ""
            } else {
                "s"
            },
        ));
        if settings.samples_per_step() != settings.batch_size {
            report(format!(
                "one step of the optimizer: {} samples, {} batch(es) on each of {} device(s)",
                settings.samples_per_step(),
                settings.learner.accumulate,
                settings.learner.devices
            ));
        }
        let spec = &experiment.spec;
        if spec.optimizer.descends()
            && let Some(words) = spec.batch_scaling.describe(settings.samples_per_step())
        {
            report(format!("learning rates: {words}"));
        }
        report(format!("run folder: {}", experiment.out.display()));
    }

    /// Says how a run ended; `data_dir` is where its data are, if it would not look there by itself.
    fn conclude(&self, ending: Ending, out: &Path, data_dir: Option<&Path>) -> ExitCode {
        match ending {
            Ending::Finished(summary) => {
                if !self.quiet {
                    let best = match summary.kept_samples {
                        Some(samples) => format!(", best validation after {samples}"),
                        None => String::new(),
                    };
                    report(format!(
                        "test accuracy {:.2} % after {} samples{best}, {:.0} samples/s",
                        100.0 * summary.test_accuracy,
                        summary.train_samples,
                        summary.samples_per_second
                    ));
                    report(format!("all of it: {}", out.join("summary.json").display()));
                    let records = record::file(out);
                    if records.exists() {
                        report(format!("records: {}", records.display()));
                    }
                }
                ExitCode::SUCCESS
            }
            Ending::Interrupted { samples } => {
                let command = resume_command("train", out, data_dir);
                say(format!(
                    "stopped; {samples} samples are saved, `{command}` goes on from there"
                ));
                ExitCode::from(INTERRUPTED)
            }
        }
    }
}
