//! One training from its settings to its summary, through burn's learner.

mod check;
mod divergence;
mod engine;
mod learn;
mod progress;
mod saved;
mod start;
mod validation;

use std::{path::PathBuf, sync::Arc};

use burn::{module::Module, tensor::Device, train::Interrupter};
use burn_dendrite_nn::{
    Plan, SpecErrors,
    perturb::{Occasion, PerturbationError},
};
use burn_dendrite_optim::{Descent, Learning};

pub use check::fits;
use learn::Course;
pub use progress::duration;
pub use saved::{SavedWeights, load_model};
pub use saved::{load_any, saved_weights};
use saved::{load_checkpoint, load_file, save};
pub use start::first_network;

use crate::{
    Engine, OnDivergence, Stop,
    compared::difference,
    data::{DataError, DataOrigin, SampleSet, Splits},
    evaluate::evaluate_while,
    health::{Divergence, Health},
    model::PlasticNetwork,
    output,
    record::{self, Chunks, ProbeError, Recorder},
    run::{self, Best, Keep, Position, RunError, RunFolder, RunSettings, Summary},
    shell,
    spec::ExperimentSpec,
    timing::Stopwatch,
    vitals::Watch,
    weights::StartError,
};

/// What somebody who waits sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// burn's dashboard on a terminal.
    ///
    /// Ctrl-C sends SIGINT there as it does elsewhere: a program that shows the dashboard should
    /// answer it by a [`Stop`], as the command line does. Ctrl-\\ ends the program at once and leaves
    /// the terminal as it was; `q` asks what is wanted, and its `s` is a [`Stop`] too.
    Dashboard,
    /// One line a segment.
    Lines,
    /// Nothing.
    Quiet,
}

/// A training that is ready to start or to go on.
pub struct Experiment {
    /// Where it leaves everything; a new folder or one that holds the same run.
    pub out: PathBuf,
    /// Data, budget and seed.
    pub settings: RunSettings,
    /// Network and learning.
    pub spec: ExperimentSpec,
    /// The data, preprocessed as the settings say.
    pub data: Splits,
    /// Where it runs, and the first of the devices if there are several.
    pub device: Device,
    /// The devices beside that one; as many as the settings say less one.
    pub more_devices: Vec<Device>,
    /// The name of the device, for the summary.
    pub device_name: String,
    /// What is shown meanwhile.
    pub display: Display,
    /// Stops it from elsewhere; it saves where it is, and can go on from there.
    pub stop: Stop,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // One a run.
pub enum Ending {
    /// The budget was spent, or there was no more progress.
    Finished(Summary),
    /// It was stopped; it can go on from the last checkpoint.
    Interrupted {
        /// Training samples before the last checkpoint.
        samples: usize,
    },
}

/// Why a training cannot run.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// The specification has mistakes.
    #[error(transparent)]
    Spec(#[from] SpecErrors),
    /// The data do not fit the network, or the budget not the data.
    #[error("{0}")]
    Mismatch(String),
    /// The network has nothing that is to be perturbed.
    #[error(transparent)]
    Perturbation(#[from] PerturbationError),
    /// The network has nothing that is to be recorded.
    #[error(transparent)]
    Probe(#[from] ProbeError),
    /// The data cannot be loaded.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The run folder cannot be used.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The weights to start from cannot be used.
    #[error("--from: {0}")]
    Start(StartError),
    /// burn's learner stopped on an error.
    #[error("training stopped: {0}")]
    Learner(String),
    /// The device of another machine went away.
    #[error(
        "{reason}; `{} train --resume {} --remote {device}` goes on from the last checkpoint",
        shell::program(),
        shell::path(folder)
    )]
    Lost {
        /// Its address.
        device: String,
        /// What is known of it.
        reason: String,
        /// The run.
        folder: PathBuf,
    },
    /// Activity ran away.
    #[error("training diverged {divergence}; {}", divergence::way_back(.checkpoint))]
    Diverged {
        /// Where.
        divergence: Divergence,
        /// The last good checkpoint, and the training samples before it.
        checkpoint: Option<(PathBuf, usize)>,
    },
    /// The saved network cannot be read.
    #[error("`{}` cannot be read as a network of this specification: {message}", file.display())]
    Model {
        /// The file.
        file: PathBuf,
        /// burn's reason.
        message: String,
    },
}

// By hand: as its source, it would be said twice.
impl From<StartError> for ExperimentError {
    fn from(error: StartError) -> Self {
        Self::Start(error)
    }
}

impl ExperimentError {
    /// True where somebody asked for something impossible, false where something broke.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Run(RunError::Io { .. })
            | Self::Learner(_)
            | Self::Lost { .. }
            | Self::Diverged { .. } => false,
            Self::Spec(_)
            | Self::Mismatch(_)
            | Self::Perturbation(_)
            | Self::Probe(_)
            | Self::Data(_)
            | Self::Run(_)
            | Self::Start(_)
            | Self::Model { .. } => true,
        }
    }
}

impl Experiment {
    /// Trains in a new folder.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), or if the folder is not empty; nothing is overwritten.
    pub fn start(mut self) -> Result<Ending, ExperimentError> {
        let (plan, learning) = self.check()?;
        self.settings.data = self.origin();
        let folder = RunFolder::create(&self.out, &self.settings, &self.spec)?;
        self.train_guarded(folder, plan, learning)
    }

    /// Goes on with the run in the folder from its newest complete checkpoint, to the same result
    /// as without the interruption; a run that is finished stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), if the folder holds no run that can go on, or if that run was
    /// asked for something else, or made with other data.
    pub fn resume(self) -> Result<Ending, ExperimentError> {
        self.check_same()?;
        let (plan, learning) = self.check()?;
        let folder = RunFolder::open(&self.out)?;
        if let Some(summary) = run::summary(&self.out)? {
            // It may have been cut off before it removed what it needs no more.
            record::discard(&self.out);
            return Ok(Ending::Finished(summary));
        }
        self.train_guarded(folder, plan, learning)
    }

    /// Trains; that a device of another machine goes away is an error and not the end of the process.
    fn train_guarded(
        self,
        folder: RunFolder,
        plan: Plan,
        learning: Learning,
    ) -> Result<Ending, ExperimentError> {
        #[cfg(feature = "remote")]
        if crate::remote::is_remote(&self.device) {
            let (device, out) = (self.device_name.clone(), self.out.clone());
            let trained = crate::remote::guard(|| self.train(folder, plan, learning));
            return trained.unwrap_or_else(|said| {
                Err(ExperimentError::Lost {
                    reason: crate::remote::loss(&device, &said),
                    device,
                    folder: out,
                })
            });
        }
        self.train(folder, plan, learning)
    }

    /// Whether the run in the folder is the one that is asked for.
    fn check_same(&self) -> Result<(), ExperimentError> {
        let (there, spec) = run::load(&self.out)?;
        there.data.check(&self.origin())?;
        let specs = || difference(&self.spec, &spec, &[]);
        match self.settings.difference(&there).or_else(specs) {
            Some((field, here, there)) => Err(ExperimentError::Run(RunError::Different {
                folder: self.out.clone(),
                field,
                there,
                here,
            })),
            None => Ok(()),
        }
    }

    /// Where the data are, and what they are.
    fn origin(&self) -> DataOrigin {
        DataOrigin::of(self.settings.data.folder.clone(), &self.data)
    }

    fn train(
        self,
        folder: RunFolder,
        plan: Plan,
        learning: Learning,
    ) -> Result<Ending, ExperimentError> {
        let settings = &self.settings;
        let engine = self.engine()?;
        let perturbations = settings.perturbations(&plan)?;
        let probes = settings.probes(&plan, &learning)?;
        let network = first_network(settings, plan, folder.path(), &self.device)?;
        start::keep(settings, &network, folder.path())?;
        folder.write_input_scale(self.data.train.scale().as_ref())?;
        let watch = match settings.learner.vitals_every {
            0 => Watch::Never,
            samples => Watch::Every(samples),
        };
        let model = PlasticNetwork::new(network, learning)
            .watched(watch)
            .perturbed_by(perturbations.clone())
            .seeded(settings.order_seed())
            .descending_by(self.descent(engine));
        for damage in run::damaged_checkpoints(folder.path()) {
            output::say(format!(
                "warning: {damage}; the newest one that can be read is used"
            ));
        }
        let latest = run::latest_checkpoint(folder.path());
        let from = (latest.as_ref()).map_or(Position::START, |(_, position)| *position);
        if let Some((file, _)) = latest {
            // burn's learner would panic where the file is of another network.
            load_file(model.valid(), file)?;
        }
        let segments = settings.segments();
        let chunks = if probes.is_empty() {
            None
        } else {
            let recorder = Arc::new(Recorder::new(probes));
            Some(Chunks::open(recorder, segments, &folder, from)?)
        };

        let stopwatch = Stopwatch::default();
        let trained = if from.segments >= segments.segments() {
            // The run was cut off between its last checkpoint and its summary.
            load_checkpoint(model.valid(), folder.path())?
        } else {
            let before = settings.batches_before(from);
            let interrupter = Interrupter::new();
            let health = Arc::new(Health::new(settings.on_divergence, before, &interrupter));
            health.has_told(settings.silenced_in_test());
            let recorded = match &chunks {
                Some(chunks) => model.clone().recorded_by(chunks.recorder().clone()),
                None => model.clone(),
            };
            let course = Course {
                folder: &folder,
                engine,
                from,
                chunks: chunks.clone(),
                stopwatch: &stopwatch,
                health: &health,
                interrupter,
            };
            let learned = self.learn(recorded, course)?;
            if settings.on_divergence == OnDivergence::Stop
                && let Some(divergence) = health.divergence()
            {
                let error = self.diverged(&folder, model, divergence);
                if let ExperimentError::Diverged { divergence, .. } = &error {
                    folder.write_divergence(divergence)?;
                }
                return Err(error);
            }
            match learned {
                Some(trained) => trained,
                None => return Ok(self.interrupted(&folder)),
            }
        };
        // A run that ran out of patience need not have saved its last segment.
        let records = run::records(folder.path())?;
        let reached = (records.last()).map_or(from.segments, |record| record.segment);
        let (trained, best) = self.kept(trained, Best::of(records.iter()), &folder)?;
        let network = perturbations.pruned(&trained.network, Occasion::Test);
        save(trained, &folder)?;
        if let Some(chunks) = &chunks {
            chunks.merge(reached)?;
        }
        let seed = settings.order_seed();
        let conditions = |first| perturbations.conditions(Occasion::Test, seed, first as u64);
        let goes_on = |_| !self.stop.is_requested();
        let measure =
            |set: &SampleSet| evaluate_while(conditions, &network, set, &self.device, goes_on);
        let test = measure(&self.data.test);
        let validation = test.as_ref().and_then(|_| measure(&self.validation()));
        let (Some(test), Some(validation)) = (test, validation) else {
            return Ok(self.interrupted(&folder));
        };
        let summary = Summary {
            test_accuracy: test.accuracy,
            test_balanced_accuracy: Some(test.confusion.balanced_accuracy()),
            test_loss: test.loss,
            validation_accuracy: validation.accuracy,
            train_samples: segments.samples_before(reached),
            kept: best.map_or(Keep::Last, |_| Keep::Best),
            kept_samples: best.map(|segment| segments.samples_before(segment)),
            samples_per_second: stopwatch.samples_per_second(),
            seed: settings.seed,
            preset: settings.preset.clone(),
            dataset: settings.dataset.to_string(),
            batch_size: settings.batch_size,
            device: self.device_name.clone(),
            engine,
            threads: rayon::current_num_threads(),
            stopped_early: reached < segments.segments(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            test_classes: (test.confusion).class_results(|class| self.data.test.class_name(class)),
            test_confusion: Some(test.confusion),
        };
        folder.write_summary(&summary)?;
        record::discard(folder.path());
        run::discard_best(folder.path());
        Ok(Ending::Finished(summary))
    }

    /// The optimizer in main memory; burn's keep what they keep themselves.
    fn descent(&self, engine: Engine) -> Descent {
        match engine {
            Engine::Memory => self.spec.optimizer.in_memory().unwrap_or_default(),
            Engine::Tensors => Descent::Plain,
        }
    }

    /// The weights that the run ends with, and the segment of the best validation if they are those.
    fn kept(
        &self,
        trained: PlasticNetwork,
        best: Best,
        folder: &RunFolder,
    ) -> Result<(PlasticNetwork, Option<usize>), ExperimentError> {
        // There is none where no validation had a loss that is a number.
        let best = (best.segment()).filter(|_| self.settings.learner.keep == Keep::Best);
        match best {
            Some(segment) => {
                let file = run::best_model_file(folder.path(), segment);
                Ok((load_file(trained, file)?, best))
            }
            None => Ok((trained, None)),
        }
    }

    /// What is left of a run that was stopped.
    fn interrupted(&self, folder: &RunFolder) -> Ending {
        let saved = run::latest_checkpoint(folder.path());
        let segments = self.settings.segments();
        Ending::Interrupted {
            samples: saved.map_or(0, |(_, position)| position.samples_in(&segments)),
        }
    }

    /// The samples that each validation is on.
    fn validation(&self) -> Arc<SampleSet> {
        match self.settings.learner.validation_samples {
            Some(samples) => Arc::new(self.data.validation.subset(samples)),
            None => self.data.validation.clone(),
        }
    }
}
