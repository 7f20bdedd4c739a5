//! One training from its settings to its summary, through burn's learner.

mod check;
mod divergence;
mod progress;
mod saved;

use std::{path::PathBuf, sync::Arc};

use burn::{
    module::Module,
    optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler,
    tensor::Device,
    train::{
        EarlyStoppingStrategy, ExecutionStrategy, Interrupter, Learner, LearningResult,
        MultiDeviceOptim, SupervisedTraining,
        metric::{
            AccuracyMetric, LossMetric,
            store::{Aggregate, Direction, EventStoreClient, Split},
        },
    },
};
use burn_dendrite_nn::{
    Network, Plan, SpecErrors,
    perturb::{Occasion, PerturbationError},
};
use burn_dendrite_optim::{Descent, Learning};

pub(crate) use check::fits;
pub(crate) use progress::duration;
pub use saved::load_model;
use saved::{load_checkpoint, load_file, save};

use crate::{
    Engine, OnDivergence,
    data::{DataError, SampleSet, SegmentLoader, SequentialLoader, Splits, StepShare},
    evaluate::{EVALUATION_BATCH, evaluate_under},
    health::{Divergence, Health},
    model::{Pace, PlasticNetwork},
    record::{self, Chunks, ProbeError, Recorder, RecordingCheckpointer},
    renderer::Nothing,
    run::{
        self, AtomicCheckpointer, CheckpointEvery, JsonLinesLogger, RunError, RunFolder,
        RunSettings, Summary,
    },
    schedule::{RunSchedule, StepCount},
    spec::ExperimentSpec,
    timing::{Stopwatch, TimedLoader},
    vitals::{VitalMetric, Watch},
};

/// What somebody who waits sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    /// burn's dashboard on a terminal.
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
    /// Stops it from elsewhere.
    pub interrupter: Interrupter,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
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
    /// burn's learner stopped on an error.
    #[error("training stopped: {0}")]
    Learner(String),
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

impl ExperimentError {
    /// True where somebody asked for something impossible, false where something broke.
    pub fn is_mistake(&self) -> bool {
        match self {
            Self::Run(RunError::Io { .. }) | Self::Learner(_) | Self::Diverged { .. } => false,
            Self::Spec(_)
            | Self::Mismatch(_)
            | Self::Perturbation(_)
            | Self::Probe(_)
            | Self::Data(_)
            | Self::Run(_)
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
    pub fn start(self) -> Result<Ending, ExperimentError> {
        let (plan, learning) = self.check()?;
        let folder = RunFolder::create(&self.out, &self.settings, &self.spec)?;
        self.train(folder, plan, learning)
    }

    /// Goes on with the run in the folder from its newest complete checkpoint, to the same result
    /// as without the interruption; a run that is finished stays as it is.
    ///
    /// # Errors
    ///
    /// Those of [`check`](Self::check), or if the folder holds no run that can go on.
    pub fn resume(self) -> Result<Ending, ExperimentError> {
        let (plan, learning) = self.check()?;
        let folder = RunFolder::open(&self.out)?;
        if let Some(summary) = run::summary(&self.out)? {
            // It may have been cut off before it removed what it needs no more.
            record::discard(&self.out);
            return Ok(Ending::Finished(summary));
        }
        self.train(folder, plan, learning)
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
        let network = Network::new(plan, settings.network_seed(), &self.device);
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
            eprintln!("warning: {damage}; the newest one that can be read is used");
        }
        let latest = run::latest_checkpoint(folder.path());
        let finished = latest.as_ref().map_or(0, |(_, segment)| *segment);
        if let Some((file, _)) = latest {
            // burn's learner would panic where the file is of another network.
            load_file(model.valid(), file)?;
        }
        let segments = settings.segments();
        let chunks = match probes.is_empty() {
            true => None,
            false => {
                let recorder = Arc::new(Recorder::new(probes));
                Some(Chunks::open(recorder, segments, &folder, finished)?)
            }
        };

        let stopwatch = Stopwatch::default();
        let (model, ended) = if finished >= segments.segments() {
            // The run was cut off between its last checkpoint and its summary.
            (load_checkpoint(model.valid(), folder.path())?, Ok(finished))
        } else {
            let before = settings.batches_before(finished);
            let health = Health::new(settings.on_divergence, before, &self.interrupter);
            let health = Arc::new(health);
            let recorded = match &chunks {
                Some(chunks) => model.clone().recorded_by(chunks.recorder().clone()),
                None => model.clone(),
            };
            let result = self.learn(
                &folder,
                recorded,
                chunks.clone(),
                finished,
                &stopwatch,
                &health,
                engine,
            )?;
            if let Some(error) = result.error {
                return Err(ExperimentError::Learner(error.to_string()));
            }
            if settings.on_divergence == OnDivergence::Stop
                && let Some(divergence) = health.divergence()
            {
                let error = self.diverged(&folder, model, divergence);
                if let ExperimentError::Diverged { divergence, .. } = &error {
                    folder.write_divergence(divergence)?;
                }
                return Err(error);
            }
            let saved = run::latest_checkpoint(folder.path()).map_or(0, |(_, segment)| segment);
            let ended = if result.interrupted.is_some() {
                Err(saved)
            } else {
                // A run that stops early need not have saved the last segment.
                let records = run::records(folder.path())?;
                Ok(records.last().map_or(saved, |record| record.segment))
            };
            (result.model, ended)
        };
        let reached = match ended {
            Err(reached) => {
                let samples = segments.samples_before(reached);
                return Ok(Ending::Interrupted { samples });
            }
            Ok(reached) => reached,
        };

        let network = perturbations.pruned(&model.network, Occasion::Test);
        save(model, &folder)?;
        if let Some(chunks) = &chunks {
            chunks.merge(reached)?;
        }
        let seed = settings.order_seed();
        let conditions = |first| perturbations.conditions(Occasion::Test, seed, first as u64);
        let evaluate =
            |set: &SampleSet| evaluate_under(conditions, &network, set, &self.device, |_| ());
        let test = evaluate(&self.data.test);
        let validation = evaluate(&self.validation());
        let summary = Summary {
            test_accuracy: test.accuracy,
            test_loss: test.loss,
            validation_accuracy: validation.accuracy,
            train_samples: segments.samples_before(reached),
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
        };
        folder.write_summary(&summary)?;
        record::discard(folder.path());
        Ok(Ending::Finished(summary))
    }

    /// The optimizer in main memory; burn's keep what they keep themselves.
    fn descent(&self, engine: Engine) -> Descent {
        match engine {
            Engine::Memory => self.spec.optimizer.in_memory().unwrap_or_default(),
            Engine::Tensors => Descent::Plain,
        }
    }

    /// The samples that each validation is on.
    fn validation(&self) -> Arc<SampleSet> {
        match self.settings.learner.validation_samples {
            Some(samples) => Arc::new(self.data.validation.subset(samples)),
            None => self.data.validation.clone(),
        }
    }

    /// burn's learner on the segments after `finished`.
    fn learn(
        &self,
        folder: &RunFolder,
        model: PlasticNetwork,
        chunks: Option<Chunks>,
        finished: usize,
        stopwatch: &Stopwatch,
        health: &Arc<Health>,
        engine: Engine,
    ) -> Result<LearningResult<PlasticNetwork>, ExperimentError> {
        let settings = &self.settings;
        let segments = settings.segments();
        let mut loader =
            SegmentLoader::new(self.data.train.clone(), segments, finished, &self.device)?
                .with_steps_of(StepShare {
                    batches: settings.learner.accumulate,
                    devices: settings.learner.devices,
                });
        let steps = settings.steps();
        let schedule = self.spec.schedule.init(steps);
        let mut schedule = schedule.map_err(ExperimentError::Mismatch)?;
        if self.spec.optimizer.descends() {
            let scaling = self.spec.batch_scaling;
            schedule = scaling.apply(schedule, settings.samples_per_step(), steps);
        }
        let made = StepCount::new(settings.batches_before(finished));
        let schedule = RunSchedule::new(schedule, made, engine.makes_steps());
        let model = match engine {
            Engine::Memory => {
                let pace = Pace {
                    batch_size: settings.batch_size,
                    schedule: schedule.clone(),
                    descent: self.descent(engine),
                };
                loader = loader.with_steps_together(pace.steps());
                model.in_memory(pace)
            }
            Engine::Tensors => model,
        };
        if let Some(augmentation) = settings.preprocessing.augmentation() {
            loader = loader.with_augmentation(augmentation);
        }
        let train = TimedLoader::new(Arc::new(loader), stopwatch.clone());
        let validation = SequentialLoader::new(self.validation(), EVALUATION_BATCH, &self.device)?;

        let log = JsonLinesLogger::open(
            &folder.metrics(),
            finished,
            move |segment| segments.samples_before(segment),
            self.progress(finished, stopwatch),
        )?
        .watched_by(health.clone());
        let [models, optimizers, schedules] = AtomicCheckpointer::all(&folder.checkpoints());
        let models = RecordingCheckpointer::new(models, chunks);
        let mut training =
            SupervisedTraining::new(folder.path(), Arc::new(train), Arc::new(validation))
                .metrics((AccuracyMetric::new(), LossMetric::new()))
                .with_metric_logger(log)
                .with_custom_checkpointers(models, optimizers, schedules)
                .with_checkpointing_strategy(match health.is_repeating() {
                    // What leads to a divergence is nothing to go on from.
                    true => CheckpointEvery::NEVER,
                    false => CheckpointEvery {
                        segments: settings.segments_per_checkpoint(),
                        last: segments.segments(),
                    },
                })
                .with_interrupter(self.interrupter.clone())
                .with_application_logger(None)
                .num_epochs(segments.segments());
        if settings.learner.vitals_every > 0 {
            for (vital, metric) in VitalMetric::all(model.network.plan()) {
                if vital.is_in_training(model.learning()) {
                    training = training.metric_train_numeric(metric.clone());
                }
                if vital.is_in_validation() {
                    training = training.metric_valid_numeric(metric);
                }
            }
        }
        if settings.learner.accumulate > 1 {
            training = training.grads_accumulation(settings.learner.accumulate);
        }
        if !self.more_devices.is_empty() {
            let devices = [std::slice::from_ref(&self.device), &self.more_devices].concat();
            let strategy = ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimMainDevice);
            training = training.with_training_strategy(strategy.into());
        }
        if finished > 0 {
            training = training.checkpoint(finished);
        }
        if let Some(patience) = settings.patience {
            training = training.early_stopping(Patience { segments: patience });
        }
        if self.display != Display::Dashboard {
            training = training.renderer(Box::new(Nothing));
        }
        let model = model.guarded(health.clone().into());
        let schedule = ModuleLrScheduler::new(schedule);
        Ok(training.launch(Learner::new(model, self.spec.optimizer.init(), schedule)))
    }
}

/// Stops when the validation loss has not improved for some segments. It asks the log each time,
/// so that a resumed run stops where an uninterrupted one would.
#[derive(Clone, Debug)]
struct Patience {
    segments: usize,
}

impl EarlyStoppingStrategy for Patience {
    fn should_stop(&mut self, epoch: usize, store: &EventStoreClient) -> bool {
        store
            .find_epoch("Loss", Aggregate::Mean, Direction::Lowest, &Split::Valid)
            .is_some_and(|best| epoch.saturating_sub(best) >= self.segments)
    }
}
