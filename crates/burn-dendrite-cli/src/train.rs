//! `dendrite train`.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn::tensor::Device;
use burn_dendrite_lab::study::{folder_name, study_of};
use burn_dendrite_nn::{CellType, Plan, perturb::Perturbation};
use burn_dendrite_train::{
    Choice, DeviceAddress, DeviceName, Ending, Experiment, ExperimentError, ExperimentSpec,
    OnDivergence, ScheduleSpec,
    data::{Dataset, DatasetName, LearnFrom, Splits},
    limits::{MOST_EPOCHS, MOST_SAMPLES, check_counts, check_seed},
    output::{report, say},
    presets,
    record::{self, Probe},
    run::{self, Keep, LearnerSettings, Pattern, RunSettings},
    set::set,
    shell::resume_command,
    stop::INTERRUPTED,
    words::counted,
};
use clap::Args;

use super::{
    DataArguments, LoadedData, MachineArguments, Mistake,
    choice::choice,
    display,
    learner::{LearnerArguments, PreprocessingArguments},
    new_folder,
    signals::stop_on_request,
    specification,
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
    dataset: Option<Dataset>,
    #[command(flatten)]
    data: DataArguments,
    /// Training samples of one epoch, drawn in a shuffled order; all unless given.
    #[arg(long, conflicts_with = "resume")]
    samples: Option<usize>,
    /// Passes over the training samples, those of the specification's `budget` unless given; with
    /// `--resume`, that many in all, if they are more than the run was to make.
    #[arg(long)]
    epochs: Option<usize>,
    /// Samples of one training step, those of the specification's `budget` unless given; 1 is the
    /// published protocol.
    #[arg(long, conflicts_with = "resume")]
    batch_size: Option<usize>,
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
    #[arg(long, value_parser = choice::<Keep>(), conflicts_with = "resume")]
    keep: Option<Keep>,
    /// What to do when activity runs away or is no number any more: stop and say where, or leave
    /// such updates out, which means looking at every step.
    #[arg(
        long,
        value_parser = choice::<OnDivergence>(),
        default_value = OnDivergence::default().as_str(),
        conflicts_with = "resume"
    )]
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
    /// Train on the device that `dendrite serve` offers at this address.
    #[cfg(feature = "remote")]
    #[arg(long, value_name = "ws://HOST:PORT", conflicts_with = "devices")]
    remote: Option<String>,
    /// Folder for the run; it must be new or empty. `runs/NAME-DATASET-…` unless given.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    out: Option<PathBuf>,
    /// Start from the weights of a run, or of a file as `dendrite export` writes it, instead of those
    /// that the seed draws.
    #[arg(long, value_name = "RUN|FILE", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Projections and populations that start from them, e.g. `H1.*<-*`, while the others start as
    /// specified; may be repeated; all unless given.
    #[arg(long, value_name = "PATTERN", requires = "from")]
    from_only: Vec<Pattern>,
    /// Go on with the run in this folder from its last checkpoint.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

fn dataset_help() -> String {
    let known = DatasetName::known();
    let names: Vec<&str> = known.iter().map(DatasetName::as_str).collect();
    format!(
        "Data set: {}, or the path of files of your own; what the specification names, else \
         mnist-mini, unless given",
        names.join(", ")
    )
}

impl TrainArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        // The machine first: a device that does not exist is the cheapest mistake to find.
        let (mut devices, device_name) = self.open_devices()?;
        let device = devices.remove(0);
        let (settings, mut spec) = match &self.resume {
            Some(folder) => {
                let mistake = |error: run::RunError| Mistake(error.to_string());
                let (settings, spec) = run::load(folder).map_err(mistake)?;
                (Some(settings), spec)
            }
            None => (None, self.specification()?),
        };
        if let Some(out) = self.out.as_deref().filter(|_| settings.is_none()) {
            run::RunFolder::check_vacant(out).map_err(ExperimentError::from)?;
        }
        if !spec.is_sized_by_data() {
            // Mistakes first: data may take long.
            spec.check().map_err(|errors| Mistake(errors.to_string()))?;
        }
        let loaded = self.load(settings.as_ref(), &mut spec)?;
        let (plan, _) = spec.check().map_err(|errors| Mistake(errors.to_string()))?;
        if settings.is_none() {
            warn_of_negative_rates(&plan, &self.dataset_for(&spec), &loaded.splits);
        }
        let folder = loaded.origin.folder.clone();
        let before = settings.as_ref().map(|settings| settings.epochs);
        let settings = match settings {
            Some(settings) => RunSettings {
                epochs: self.epochs.unwrap_or(settings.epochs),
                ..settings
            },
            None => self.settings(&spec, &loaded)?,
        };
        // Where the run looks by itself when it goes on.
        let kept = settings.data.folder.clone();
        let data = settings.preprocessing.prepare(loaded.splits);
        let data = data.map_err(|error| Mistake(error.to_string()))?;
        let stop = stop_on_request()?;
        let mut experiment = Experiment {
            out: self.resume.clone().unwrap_or_default(),
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
                new_folder(&format!("{name}-{}", experiment.settings.dataset.label()))?
            }
        };
        experiment.out = out.clone();
        if let Some(before) = before.filter(|before| *before != experiment.settings.epochs) {
            self.lengthen(&mut experiment, before)?;
        }
        self.announce(&experiment);
        let ending = match self.resume {
            Some(_) => experiment.resume()?,
            None => experiment.start()?,
        };
        let elsewhere = folder.filter(|folder| kept.as_ref() != Some(folder));
        Ok(self.conclude(ending, &out, elsewhere.as_deref()))
    }

    /// Makes the run longer that is gone on with, and says what follows from that.
    fn lengthen(&self, experiment: &mut Experiment, before: usize) -> anyhow::Result<()> {
        experiment.settings.lengthened.push(before);
        let (settings, spec) = (&experiment.settings, &experiment.spec);
        let (out, epochs) = (&experiment.out, settings.epochs);
        let refuse = |message: String| Err(Mistake(message).into());
        if let Some(study) = study_of(out) {
            return refuse(format!(
                "`{}` belongs to the study in `{}`, whose runs are equally long; accepted: a copy of \
                 the folder, or a new run, from `--from` this one",
                out.display(),
                study.display()
            ));
        }
        if epochs < before {
            return refuse(format!(
                "`--epochs` is {epochs}, and the run is to make {before}; accepted: more than that"
            ));
        }
        if !settings.probe.is_empty() {
            return refuse(
                "a run that records cannot be made longer, because its records are finished; \
                 accepted: a new run, from `--from` this one"
                    .to_owned(),
            );
        }
        let planned = RunSettings {
            epochs: before,
            ..settings.clone()
        };
        let summary = run::summary(out).map_err(|error| Mistake(error.to_string()))?;
        let latest = run::latest_checkpoint(out);
        if latest.is_none() {
            return refuse(format!(
                "`{}` has no checkpoint that can be read, from which it could go on; accepted: a new run, \
                 from `--from` this one",
                out.display()
            ));
        }
        let reached = latest.map_or(0, |(_, position)| position.segments);
        let is_last = summary
            .as_ref()
            .is_none_or(|summary| summary.kept == Keep::Last);
        if !is_last || (summary.is_some() && reached < planned.segments().segments()) {
            return refuse(format!(
                "`{}` came to its end early, or with the weights of its best validation, so that \
                 there is nothing to go on from; accepted: a new run, from `--from` this one",
                out.display()
            ));
        }
        run::lengthen(out, settings).map_err(|error| Mistake(error.to_string()))?;
        let is_constant = spec.schedule == ScheduleSpec::default();
        let is_scaled = spec.optimizer.descends()
            && (spec.batch_scaling.describe(settings.samples_per_step())).is_some();
        if !self.quiet && (!is_constant || is_scaled) {
            report(format!(
                "note: learning rates change over the run, and from here on they are those of a run of \
                 {epochs} epochs; what is past was learned by those of {before}"
            ));
        }
        Ok(())
    }

    /// The device, or all of several, and what they are called.
    fn open_devices(&self) -> anyhow::Result<(Vec<Device>, String)> {
        #[cfg(feature = "remote")]
        if let Some(address) = &self.remote {
            self.machine.start_threads()?;
            let device = burn_dendrite_train::remote::connect(address);
            let device = device.map_err(|error| Mistake(format!("--remote: {error}")))?;
            return Ok((vec![device], address.clone()));
        }
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
    fn dataset_for(&self, spec: &ExperimentSpec) -> Dataset {
        let asked = self.dataset.clone().or(spec.own_dataset());
        asked.unwrap_or(DatasetName::MnistMini.into())
    }

    /// The data, of which the specification takes what it leaves to them: sizes, and the classes, so
    /// that a run knows which output stands for what.
    fn load(
        &self,
        settings: Option<&RunSettings>,
        spec: &mut ExperimentSpec,
    ) -> anyhow::Result<LoadedData> {
        let mut loaded = match settings {
            Some(RunSettings { dataset, data, .. }) => {
                (self.data).load_same(dataset, &spec.data, data, self.quiet)?
            }
            None => {
                let dataset = self.dataset_for(spec);
                self.data.load(&dataset, &spec.data, self.quiet)?
            }
        };
        spec.data.classes = spec.data.classes.take().or(loaded.classes.take());
        spec.fit(&loaded.splits);
        Ok(loaded)
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
        let mut value = spec.to_value()?;
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
            ("--epochs", self.epochs, MOST_EPOCHS),
            ("--batch-size", self.batch_size, MOST_SAMPLES),
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
        let budget = spec.budget.or(self.epochs, self.batch_size);
        let mut settings = RunSettings {
            preset: spec.name.clone(),
            dataset: self.dataset_for(spec),
            samples,
            epochs: budget.epochs,
            batch_size: budget.batch_size,
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
                ..self.learner.settings(budget.batch_size)?
            },
            preprocessing: self.preprocessing.settings(),
            perturb: self.perturb.clone(),
            probe: self.probe.clone(),
            start: (self.from.as_deref()).map(|from| (from, self.from_only.as_slice()).into()),
            lengthened: Vec::new(),
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
            "{} on {}: {} of {}, batch {}, seed {}, {} with {}",
            settings.preset,
            settings.dataset,
            counted(settings.epochs, "epoch"),
            counted(settings.samples, "sample"),
            settings.batch_size,
            settings.seed,
            device,
            counted(rayon::current_num_threads(), "thread"),
        ));
        if settings.samples_per_step() != settings.batch_size {
            report(format!(
                "one step of the optimizer: {} samples, {} on each of {}",
                settings.samples_per_step(),
                counted(settings.learner.accumulate, "batch"),
                counted(settings.learner.devices, "device")
            ));
        }
        let spec = &experiment.spec;
        if spec.data.learn_from == LearnFrom::TrainAndValidation {
            report("learning from the samples to validate on as well");
        }
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
                        "test accuracy {:.2} % after {}{best}, {:.0} samples/s",
                        100.0 * summary.test_accuracy,
                        counted(summary.train_samples, "sample"),
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

/// Says where files have values that no rate of the input can be.
fn warn_of_negative_rates(plan: &Plan, dataset: &Dataset, data: &Splits) {
    let input = &plan.populations[plan.input];
    let Dataset::Files(_) = dataset else { return };
    if input.cell == CellType::Unconstrained {
        return;
    }
    if let Some(sample) = data.train.first_negative() {
        say(format!(
            "warning: training sample {sample} has negative values, which no rate of `{}` can be; \
             `encoding = \"on_off\"` in `[data]` shows each value as two rates",
            input.name
        ));
    }
}
