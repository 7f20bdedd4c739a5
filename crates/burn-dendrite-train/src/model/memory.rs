//! Training steps in main memory, many between two visits of burn's learner.

use std::{
    cell::LazyCell,
    sync::{Arc, Mutex, PoisonError},
};

use burn::{
    module::Module,
    optim::GradientsParams,
    tensor::{Tensor, TensorData},
    train::{ClassificationOutput, TrainOutput},
};
use burn_dendrite_nn::{Network, perturb::Occasion};
use burn_dendrite_optim::{Clipping, Descent, HostTrainer};

use super::{PlasticNetwork, dendrites, values};
use crate::{
    data::SampleBatch,
    record::integers,
    schedule::RunSchedule,
    vitals::{Attention, StepOutput},
};

/// How a model makes training steps in main memory.
#[derive(Clone)]
pub struct Pace {
    /// Samples of one step.
    pub batch_size: usize,
    /// The factor on all learning rates, step by step.
    pub schedule: RunSchedule,
    /// The optimizer.
    pub descent: Descent,
    /// How large a change may be before it sees it.
    pub clipping: Option<Clipping>,
}

/// Samples between two visits of burn's learner: enough that copying the weights costs little, few
/// enough to stop soon after Ctrl-C.
const SAMPLES: usize = 1024;

impl Pace {
    /// Training steps between two visits of burn's learner.
    pub fn steps(&self) -> usize {
        (SAMPLES / self.batch_size.max(1)).max(1)
    }
}

impl std::fmt::Debug for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "steps on {} samples", self.batch_size)
    }
}

/// The network that some steps left, from when they are made until burn's learner asks for it.
#[derive(Clone, Debug, Default)]
pub(super) struct Stepped(Arc<Mutex<Option<Network>>>);

impl Stepped {
    fn put(&self, network: Network) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(network);
    }

    pub(super) fn take(&self) -> Option<Network> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl PlasticNetwork {
    /// The training steps on a batch that holds the samples of several.
    pub(super) fn steps_in_memory(
        &self,
        batch: SampleBatch,
        pace: &Pace,
    ) -> TrainOutput<StepOutput> {
        let network = self.network.valid();
        let plan = network.plan();
        let mut trainer = HostTrainer::new(&network, &self.memory, &self.learning)
            .descending_by(pace.descent, &self.descent)
            .clipping_by(pace.clipping);
        let [inputs, targets] = [&batch.inputs, &batch.targets].map(values);
        let [width, classes] = [&batch.inputs, &batch.targets].map(|it| it.dims()[1]);
        let (mut outputs, mut loss) = (Vec::with_capacity(targets.len()), 0.0);
        let size = pace.batch_size.max(1);
        let rates = pace.schedule.next(batch.size().div_ceil(size));
        let steps = inputs
            .chunks(size * width)
            .zip(targets.chunks(size * classes));
        let mut attention = Attention::Nothing;
        let recorder = self.recorder.as_deref();
        let labels = LazyCell::new(|| integers(batch.labels.to_data()));
        for (step, ((inputs, targets), rate)) in steps.zip(&rates).enumerate() {
            let (position, rows) = (batch.position + step * size, inputs.len() / width);
            let first = batch.samples_before + position;
            let mut moment = recorder.and_then(|it| it.begin(first, rows));
            if let Some(moment) = &mut moment {
                moment.before(&trainer);
            }
            let attended = self.watch.attention(position, rows);
            let is_seen = moment.is_some() || attended != Attention::Nothing;
            let conditions = self.conditions(Occasion::Train, first);
            let conditions = conditions.with_dendrites(dendrites(is_seen));
            let error = trainer.step_under(&conditions, inputs, targets, *rate);
            if let Some(moment) = moment {
                moment.after(&trainer, &labels[step * size..]);
            }
            loss += error * rows as f64;
            outputs.extend(trainer.outputs());
            let state = || trainer.trace().expect("a step was made").forward;
            if !self.guard.passes(plan, error, state) {
                break;
            }
            match attended {
                Attention::Nothing => {}
                Attention::Vitals if attention == Attention::VitalsAndLaws => trainer.record(),
                other => {
                    attention = other;
                    trainer.record();
                }
            }
        }
        trainer.remember_in(&self.memory);
        trainer.keep_in(&self.descent);
        self.stepped.put(trainer.network(self.network.clone()));

        let device = network.devices().into_iter().next().unwrap_or_default();
        let rows = outputs.len() / classes;
        let labels = batch.labels.narrow(0, 0, rows);
        let loss = Tensor::from_floats([(loss / rows as f64) as f32], &device);
        let output = Tensor::from_data(TensorData::new(outputs, [rows, classes]), &device);
        let network = trainer.network(network);
        let item = match trainer.recorded() {
            Some(trace) => StepOutput::new(loss, output, labels, &network, &trace, attention),
            None => StepOutput {
                classification: ClassificationOutput::new(loss, output, labels),
                vitals: None,
            },
        };
        TrainOutput {
            grads: GradientsParams::new(),
            item,
        }
    }
}
