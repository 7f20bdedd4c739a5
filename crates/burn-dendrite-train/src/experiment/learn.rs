//! burn's learner on what is left of a run.

use std::sync::Arc;

use burn::{
    optim::lr_scheduler::module_lr_scheduler::ModuleLrScheduler,
    train::{
        EarlyStoppingStrategy, ExecutionStrategy, Interrupter, Learner, MultiDeviceOptim,
        SupervisedTraining,
        metric::{
            AccuracyMetric, LossMetric,
            store::{Aggregate, EventStoreClient, Split},
        },
        renderer::MetricsRenderer,
    },
};

use super::{Display, Experiment, ExperimentError, validation::ValidationLoader};
use crate::{
    Engine,
    dashboard::Dashboard,
    data::{SegmentLoader, SequentialLoader, StepShare},
    evaluate::evaluation_batch,
    health::Health,
    model::{Pace, PlasticNetwork},
    record::{Chunks, RecordingCheckpointer},
    renderer::Nothing,
    run::{
        self, AtomicCheckpointer, Best, CheckpointSchedule, Halt, Interval, JsonLinesLogger,
        Position, RunFolder,
    },
    schedule::{RunSchedule, StepCount},
    timing::{Stopwatch, TimedLoader},
    vitals::VitalMetric,
};

type Training = SupervisedTraining<PlasticNetwork>;

/// Where burn's learner begins, and who looks on.
pub(super) struct Course<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) engine: Engine,
    pub(super) from: Position,
    pub(super) chunks: Option<Chunks>,
    pub(super) stopwatch: &'a Stopwatch,
    pub(super) health: &'a Arc<Health>,
    /// Ends training at once, without a checkpoint; of burn's learner and of `health`.
    pub(super) interrupter: Interrupter,
}

impl Experiment {
    /// The trained network; none if training was stopped.
    pub(super) fn learn(
        &self,
        model: PlasticNetwork,
        course: Course<'_>,
    ) -> Result<Option<PlasticNetwork>, ExperimentError> {
        let Course {
            folder,
            engine,
            from,
            chunks,
            stopwatch,
            health,
            interrupter,
        } = course;
        let settings = &self.settings;
        let segments = settings.segments();
        let halt = Arc::new(Halt::new(
            self.stop.clone(),
            segments,
            settings.learner.devices,
        ));
        let schedule = self.schedule(engine, from)?;
        let (model, steps_together) = match engine {
            Engine::Memory => {
                let pace = Pace {
                    batch_size: settings.batch_size,
                    schedule: schedule.clone(),
                    descent: self.descent(engine),
                    clipping: self.spec.clipping,
                };
                let steps = pace.steps();
                (model.in_memory(pace), steps)
            }
            Engine::Tensors => (model, 1),
        };
        let loader = self.loader(steps_together, from, &halt)?;
        let train = TimedLoader::new(Arc::new(loader), stopwatch.clone());
        let batch = evaluation_batch(model.network.plan());
        let validation = SequentialLoader::new(self.validation(), batch, &self.device)?;
        let validation = ValidationLoader::new(Arc::new(validation), halt.clone());

        let records = run::records(folder.path()).unwrap_or_default();
        let interval = if health.is_repeating() {
            // What leads to a divergence is nothing to go on from.
            Interval::Never
        } else {
            settings.interval()
        };
        let checkpoints = CheckpointSchedule::new(
            interval,
            segments.segments(),
            settings.learner.keep,
            from,
            halt.clone(),
            interrupter.clone(),
        )
        .keeping(settings.learner.checkpoints)
        .after(&folder.checkpoints(), &records);
        let saves = checkpoints.saves().clone();
        let [models, optimizers, schedules] =
            AtomicCheckpointer::all(&folder.checkpoints(), from, &saves, &halt);
        let models = RecordingCheckpointer::new(models, chunks, saves);
        let log = JsonLinesLogger::open(
            &folder.metrics(),
            from.segments,
            move |segment| segments.samples_before(segment),
            self.progress(from, stopwatch),
        )?
        .going_on_with(run::means(folder.path(), from)?)
        .cut_by(halt.clone())
        .watched_by(health.clone());

        let training =
            SupervisedTraining::new(folder.path(), Arc::new(train), Arc::new(validation))
                .metrics((AccuracyMetric::new(), LossMetric::new()))
                .with_metric_logger(log)
                .with_custom_checkpointers(models, optimizers, schedules)
                .with_checkpointing_strategy(checkpoints)
                .with_interrupter(interrupter)
                .with_application_logger(None)
                .early_stopping(End {
                    halt: halt.clone(),
                    patience: settings.patience,
                    best: Best::of(records.iter().filter(|it| it.segment <= from.segments)),
                })
                .renderer(self.renderer(from))
                .num_epochs(segments.segments());
        let mut training = self.divided(self.with_vitals(training, &model));
        if from > Position::START {
            training = training.checkpoint(from.segments);
        }
        let model = model.guarded(health.clone().into());
        let schedule = ModuleLrScheduler::new(schedule);
        let learner = Learner::new(model, self.spec.burn_optimizer(), schedule);
        let result = training.launch(learner);
        if let Some(error) = result.error {
            return Err(ExperimentError::Learner(error.to_string()));
        }
        // Whatever burn's interrupter says: who draws may have reset it.
        Ok(halt.cut().is_none().then_some(result.model))
    }

    /// The factor on all learning rates, step by step.
    fn schedule(&self, engine: Engine, from: Position) -> Result<RunSchedule, ExperimentError> {
        let settings = &self.settings;
        let steps = settings.steps();
        let schedule = self.spec.schedule.init(steps);
        let mut schedule = schedule.map_err(ExperimentError::Mismatch)?;
        if self.spec.optimizer.descends() {
            let scaling = self.spec.batch_scaling;
            schedule = scaling.apply(schedule, settings.samples_per_step(), steps);
        }
        let made = StepCount::new(settings.batches_before(from));
        let schedule = RunSchedule::new(schedule, made, engine.makes_steps());
        Ok(schedule.warmed_up_over(self.spec.warm_up))
    }

    /// The training samples from a position on.
    fn loader(
        &self,
        steps_together: usize,
        from: Position,
        halt: &Arc<Halt>,
    ) -> Result<SegmentLoader, ExperimentError> {
        let settings = &self.settings;
        let (set, plan) = (self.data.train.clone(), settings.segments());
        let halt = halt.clone();
        let mut loader = SegmentLoader::new(set, plan, from.segments, &self.device)?
            .after(from.samples)
            .with_steps_of(StepShare {
                batches: settings.learner.accumulate,
                devices: settings.learner.devices,
            })
            .with_steps_together(steps_together)
            .with_early_end(Arc::new(move |place| halt.ends_training(place)));
        if let Some(augmentation) = settings.preprocessing.augmentation() {
            loader = loader.with_augmentation(augmentation);
        }
        Ok(loader)
    }

    /// The training with the vital signs that are asked for.
    fn with_vitals(&self, training: Training, model: &PlasticNetwork) -> Training {
        let mut training = training;
        if self.settings.learner.vitals_every == 0 {
            return training;
        }
        for (vital, metric) in VitalMetric::all(model.network.plan()) {
            if vital.is_in_training(model.learning()) {
                training = training.metric_train_numeric(metric.clone());
            }
            if vital.is_in_validation() {
                training = training.metric_valid_numeric(metric);
            }
        }
        training
    }

    /// The training with its steps made of several batches, or divided among several devices.
    fn divided(&self, training: Training) -> Training {
        let mut training = training;
        if self.settings.learner.accumulate > 1 {
            training = training.grads_accumulation(self.settings.learner.accumulate);
        }
        if !self.more_devices.is_empty() {
            let devices = [std::slice::from_ref(&self.device), &self.more_devices].concat();
            let strategy = ExecutionStrategy::multi(devices, MultiDeviceOptim::OptimMainDevice);
            training = training.with_training_strategy(strategy.into());
        }
        training
    }

    /// Who draws.
    fn renderer(&self, from: Position) -> Box<dyn MetricsRenderer> {
        let checkpoint = (from > Position::START).then_some(from.segments);
        let dashboard = match self.display {
            Display::Dashboard => Dashboard::open(self.stop.clone(), checkpoint).ok(),
            Display::Lines | Display::Quiet => None,
        };
        match dashboard {
            Some(dashboard) => Box::new(dashboard),
            None => Box::new(Nothing),
        }
    }
}

/// Ends training where it is cut off, or when the validation loss has not improved for some segments.
/// It begins with what the log holds, so that a resumed run ends where an uninterrupted one would.
#[derive(Clone)]
struct End {
    halt: Arc<Halt>,
    patience: Option<usize>,
    best: Best,
}

impl EarlyStoppingStrategy for End {
    fn should_stop(&mut self, epoch: usize, store: &EventStoreClient) -> bool {
        if self.halt.cut().is_some() {
            return true;
        }
        let loss = store.find_metric("Loss", epoch, Aggregate::Mean, &Split::Valid);
        self.best.add(epoch, loss);
        match (self.patience, self.best.segment()) {
            (Some(patience), Some(best)) => epoch.saturating_sub(best) >= patience,
            _ => false,
        }
    }
}
