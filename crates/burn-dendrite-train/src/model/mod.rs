//! A network that learns, as burn's learner wants it.

mod memory;

use std::{borrow::Cow, sync::Arc};

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::{
    module::Module,
    optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams},
    tensor::{Device, Tensor},
    train::{InferenceStep, TrainOutput, TrainStep},
};
use burn_dendrite_nn::{
    Dynamics, HostNetwork, Network, Numbers, Parameter,
    numbers::{HostRows, Rows},
    perturb::{Conditions, DendriticStates, Occasion, Perturbations},
};
use burn_dendrite_optim::{
    Descent, DescentMemory, Learning, LiftToAutodiff, RuleMemory, Trace, to_tensors,
};

pub use memory::Pace;

use crate::{
    data::SampleBatch,
    engine::is_cpu,
    health::Guard,
    record::Recorder,
    vitals::{Attention, StepOutput, Watch},
};
use memory::Stepped;

/// A network with its way of learning.
///
/// The parameters live on an autodiff device, as burn's optimizers want it, but ask for no
/// gradients: the updates come from [`Learning::run`].
#[derive(Module, Debug)]
pub struct PlasticNetwork {
    /// The network.
    pub network: Network,
    /// What its rules remember from sample to sample.
    pub memory: RuleMemory,
    /// What an optimizer in main memory keeps from step to step.
    pub descent: DescentMemory,
    #[module(skip)]
    learning: Arc<Learning>,
    #[module(skip)]
    watch: Watch,
    #[module(skip)]
    pace: Option<Pace>,
    #[module(skip)]
    stepped: Stepped,
    #[module(skip)]
    guard: Guard,
    #[module(skip)]
    perturbations: Perturbations,
    #[module(skip)]
    seed: u64,
    #[module(skip)]
    recorder: Option<Arc<Recorder>>,
}

impl PlasticNetwork {
    /// A network that learns by `learning`, wherever its parameters live.
    pub fn new(network: Network, learning: Learning) -> Self {
        let memory = learning.memory(&network);
        let descent = Descent::Plain.memory(network.plan(), &[], &Device::default());
        let network = network.map(&mut LiftToAutodiff).no_grad();
        Self {
            network,
            memory,
            descent,
            learning: Arc::new(learning),
            watch: Watch::Never,
            pace: None,
            stepped: Stepped::default(),
            guard: Guard::default(),
            perturbations: Perturbations::default(),
            seed: 0,
            recorder: None,
        }
    }

    /// The same, with training steps in main memory instead of burn's tensors, many between two visits of
    /// burn's learner: its loader must bring the
    /// [samples of so many](crate::data::SegmentLoader::with_steps_together).
    pub fn in_memory(self, pace: Pace) -> Self {
        Self {
            pace: Some(pace),
            ..self
        }
    }

    /// The same, with room for what an optimizer in main memory keeps.
    pub fn descending_by(self, descent: Descent) -> Self {
        let learned: Vec<Parameter> = self.learning.learned().collect();
        let device = self
            .network
            .devices()
            .into_iter()
            .next()
            .unwrap_or_default();
        let device = device.without_autodiff();
        let descent = descent.memory(self.network.plan(), &learned, &device);
        Self { descent, ..self }
    }

    /// The same, with noise and random events from this seed.
    pub fn seeded(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same, with its dynamics changed in training, in test or in both. What is frozen is for
    /// [`Learning::without`].
    pub fn perturbed_by(self, perturbations: Perturbations) -> Self {
        Self {
            perturbations,
            ..self
        }
    }

    /// The same, with its training steps recorded; they compute the same bits. Samples are counted
    /// from [the first of the batch's segment](SampleBatch::samples_before).
    pub fn recorded_by(self, recorder: Arc<Recorder>) -> Self {
        Self {
            recorder: Some(recorder),
            ..self
        }
    }

    /// The network with the weights that it has on an occasion.
    pub fn network_in(&self, occasion: Occasion) -> Cow<'_, Network> {
        if self.perturbations.prunes(occasion) {
            Cow::Owned(self.perturbations.pruned(&self.network, occasion))
        } else {
            Cow::Borrowed(&self.network)
        }
    }

    /// The conditions on an occasion, for a batch that begins with that sample.
    pub fn conditions(&self, occasion: Occasion, first: usize) -> Conditions<'_> {
        let Self {
            perturbations,
            seed,
            ..
        } = self;
        perturbations.conditions(occasion, *seed, first as u64)
    }

    /// The same, with somebody who looks whether all is well.
    pub(crate) fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// The same, with its vital signs taken so often; never unless asked for.
    pub fn watched(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// How it learns.
    pub fn learning(&self) -> &Learning {
        &self.learning
    }

    fn constrained(mut self) -> Self {
        let learned: Vec<Parameter> = self.learning.learned().collect();
        self.network = self
            .network
            .constrained_where(|parameter| learned.contains(&parameter));
        self
    }
}

impl TrainStep for PlasticNetwork {
    type Input = SampleBatch;
    type Output = StepOutput;

    fn step(&self, batch: SampleBatch) -> TrainOutput<StepOutput> {
        if let Some(pace) = &self.pace {
            return self.steps_in_memory(batch, pace);
        }
        let attention = self.watch.attention(batch.position, batch.size());
        let first = batch.samples_before + batch.position;
        let moment = (self.recorder.as_deref()).and_then(|it| it.begin(first, batch.size()));
        let is_seen = moment.is_some() || attention != Attention::Nothing;
        let conditions = self.conditions(Occasion::Train, first);
        let outcome = self.learning.run_under(
            &conditions.with_dendrites(dendrites(is_seen)),
            &self.network,
            &self.memory,
            batch.inputs,
            batch.targets,
            &mut (),
        );
        if let Some(moment) = moment {
            moment.keep(&self.network, &outcome.trace, &batch.labels);
        }
        let plan = self.network.plan();
        let output = outcome.trace.forward.activity[plan.output].clone();
        if !self.guard.admits(plan, &outcome) {
            return TrainOutput {
                grads: GradientsParams::new(),
                item: StepOutput::new(
                    outcome.loss,
                    output,
                    batch.labels,
                    &self.network,
                    &outcome.trace,
                    attention,
                ),
            };
        }
        let (loss, trace) = (outcome.loss.clone(), outcome.trace.clone());
        // burn adds up what batches ask for before a step of the optimizer; the mean is wanted.
        let outcome = outcome.scale(batch.share);
        TrainOutput {
            grads: outcome.into_grads(&self.network, &self.memory),
            item: StepOutput::new(loss, output, batch.labels, &self.network, &trace, attention),
        }
    }

    fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        mut grads: GradientsParams,
    ) -> Self {
        match self.stepped.take() {
            Some(network) => Self { network, ..self },
            None => {
                let network = self.learning.take_own_steps(self.network, &mut grads);
                let model = Self { network, ..self };
                optimizer.step(rate, model, grads).constrained()
            }
        }
    }

    fn optimize_multi(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        mut grads: MultiGradientsParams,
    ) -> Self {
        let network = self.learning.take_own_steps(self.network, &mut grads);
        let model = Self { network, ..self };
        optimizer.step_multi(rate, model, grads).constrained()
    }
}

impl InferenceStep for PlasticNetwork {
    type Input = SampleBatch;
    type Output = StepOutput;

    fn step(&self, batch: SampleBatch) -> StepOutput {
        let attention = self.watch.attention(batch.position, batch.size());
        let network = &*self.network_in(Occasion::Test);
        let conditions = self.conditions(Occasion::Test, batch.position);
        let conditions = conditions.with_dendrites(dendrites(attention != Attention::Nothing));
        let trace = settled(network, &conditions, batch.inputs);
        self.guard.validated(network.plan(), &trace.forward);
        let output = trace.forward.activity[network.plan().output].clone();
        let loss = (batch.targets - output.clone()).square().mean();
        StepOutput::new(loss, output, batch.labels, network, &trace, attention)
    }
}

/// The dendritic states of a step that somebody looks at, or nobody.
fn dendrites(is_seen: bool) -> DendriticStates {
    if is_seen {
        DendriticStates::All
    } else {
        DendriticStates::Needed
    }
}

/// The forward phase under some conditions, in main memory where the network is on the CPU.
pub(crate) fn settled(network: &Network, conditions: &Conditions<'_>, inputs: Tensor<2>) -> Trace {
    fn run<N: Numbers>(numbers: &N, inputs: N::Rows, dendrites: DendriticStates) -> Trace<N::Rows> {
        let plan = numbers.plan();
        let forward = numbers.settle(inputs, plan.steps, &mut ());
        let dendrites = match dendrites {
            DendriticStates::All => numbers.dendritic_states(&forward),
            DendriticStates::Needed => plan.populations.iter().map(|_| None).collect(),
        };
        Trace::forward_only(forward, dendrites)
    }
    let dendrites = conditions.dendrites;
    match in_memory(network) {
        Some(host) => {
            let rows = HostRows::from_values(&values(&inputs), inputs.dims());
            to_tensors(
                &run(&conditions.on(&host), rows, dendrites),
                &inputs.device(),
            )
        }
        None => run(&conditions.on(network), inputs, dendrites),
    }
}

/// The network in main memory, where it is on the CPU.
pub(crate) fn in_memory(network: &Network) -> Option<HostNetwork> {
    let device = network.devices().into_iter().next()?;
    is_cpu(&device.without_autodiff()).then(|| HostNetwork::new(network))
}

/// The values of a tensor in row-major order.
pub(crate) fn values(tensor: &Tensor<2>) -> Vec<f32> {
    tensor.to_values()
}
