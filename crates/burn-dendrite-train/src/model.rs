//! A network that learns, as burn's learner wants it.

use std::{borrow::Cow, cell::LazyCell, sync::Arc};

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams},
    tensor::{Tensor, TensorData},
    train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep},
};
use burn_dendrite_nn::{
    Network, Parameter, PerPopulation, on_inner,
    perturb::{Occasion, Perturbations},
};
use burn_dendrite_optim::{
    Learning, RuleMemory, Trace,
    fused::{FusedNetwork, FusedTrainer},
};

use crate::{
    Block, Engine,
    data::SampleBatch,
    engine::is_cpu,
    health::Guard,
    record::{Recorder, integers},
    vitals::{Attention, StepOutput, Watch},
};

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
    #[module(skip)]
    learning: Arc<Learning>,
    #[module(skip)]
    watch: Watch,
    #[module(skip)]
    engine: Engine,
    #[module(skip)]
    guard: Guard,
    #[module(skip)]
    perturbations: Perturbations,
    #[module(skip)]
    recorder: Option<Arc<Recorder>>,
}

impl PlasticNetwork {
    /// A network that learns by `learning`, wherever its parameters live.
    pub fn new(network: Network, learning: Learning) -> Self {
        let memory = learning.memory(&network);
        let network = network.map(&mut LiftToAutodiff).no_grad();
        Self {
            network,
            memory,
            learning: Arc::new(learning),
            watch: Watch::Never,
            engine: Engine::General,
            guard: Guard::default(),
            perturbations: Perturbations::default(),
            recorder: None,
        }
    }

    /// The same, with blocks of training steps instead of single ones where the engine is the fused
    /// one: its loader must be [made for that](crate::data::SegmentLoader::with_blocks).
    pub fn computed_by(self, engine: Engine) -> Self {
        Self { engine, ..self }
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

    /// The network as it runs on an occasion.
    pub fn network_in(&self, occasion: Occasion) -> Cow<'_, Network> {
        match self.perturbations.are_none(occasion) {
            true => Cow::Borrowed(&self.network),
            false => Cow::Owned(self.perturbations.network(&self.network, occasion)),
        }
    }

    /// The same, with somebody who looks whether all is well.
    pub(crate) fn guarded(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// The same, with its vital signs taken so often; never unless asked for.
    pub fn watched(self, watch: Watch) -> Self {
        Self { watch, ..self }
    }

    /// What computes its training steps.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// How it learns.
    pub fn learning(&self) -> &Learning {
        &self.learning
    }

    /// The training steps of a block. What burn calls gradients are the weights that they leave.
    fn block(&self, batch: SampleBatch, block: &Block) -> TrainOutput<StepOutput> {
        let network = self.network.valid();
        let mut trainer = FusedTrainer::new(&network, &self.memory, &self.learning)
            .expect("checked where the engine was chosen");
        let [inputs, targets] = [&batch.inputs, &batch.targets].map(values);
        let [width, classes] = [&batch.inputs, &batch.targets].map(|it| it.dims()[1]);
        let (mut outputs, mut loss) = (Vec::with_capacity(targets.len()), 0.0);
        let size = block.batch_size;
        let steps = inputs
            .chunks(size * width)
            .zip(targets.chunks(size * classes));
        let mut attention = Attention::Nothing;
        let recorder = self.recorder.as_deref();
        let labels = LazyCell::new(|| integers(batch.labels.to_data()));
        for (step, ((inputs, targets), rate)) in steps.zip(&block.rates).enumerate() {
            let (position, rows) = (batch.position + step * size, inputs.len() / width);
            let first = batch.samples_before + position;
            let mut moment = recorder.and_then(|it| it.begin(first, rows));
            if let Some(moment) = &mut moment {
                moment.before(&trainer);
            }
            let error = trainer.step(inputs, targets, *rate);
            if let Some(moment) = moment {
                moment.after(&trainer, &labels[step * size..]);
            }
            loss += error * rows as f64;
            outputs.extend(trainer.outputs());
            if !self
                .guard
                .passes(network.plan(), error, || trainer.trace().forward)
            {
                break;
            }
            match self.watch.attention(position, rows) {
                Attention::Nothing => {}
                Attention::Vitals if attention == Attention::VitalsAndLaws => trainer.record(),
                other => {
                    attention = other;
                    trainer.record();
                }
            }
        }
        self.memory.keep(trainer.remembered());
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
        let mut left = GradientsParams::new();
        for parameter in self.learning.learned() {
            match parameter {
                Parameter::Weight(id) => {
                    let weight = network.projections[id.0].weight.as_ref();
                    weight
                        .into_iter()
                        .for_each(|it| left.register(it.id, it.val()));
                }
                Parameter::Bias(id) => {
                    let bias = network.populations[id.0].bias.as_ref();
                    bias.into_iter()
                        .for_each(|it| left.register(it.id, it.val()));
                }
            }
        }
        TrainOutput { grads: left, item }
    }

    /// The network with the weights that a block left.
    fn after_block(mut self, mut left: GradientsParams) -> Self {
        fn put<const D: usize>(slot: &mut Option<Param<Tensor<D>>>, left: &mut GradientsParams) {
            *slot = slot
                .take()
                .map(|parameter| match left.remove::<D>(parameter.id) {
                    Some(value) => parameter.map(|old| on_inner(old, |_| value)),
                    None => parameter,
                });
        }
        for projection in &mut self.network.projections {
            put(&mut projection.weight, &mut left);
        }
        for population in &mut self.network.populations {
            put(&mut population.bias, &mut left);
        }
        self
    }

    fn constrained(mut self) -> Self {
        let learned: Vec<Parameter> = self.learning.learned().collect();
        self.network = self
            .network
            .constrained_where(|parameter| learned.contains(&parameter));
        self
    }
}

/// Gives plain parameters the autodiff context without which burn's optimizers panic. Nothing is
/// registered in burn's graph: the parameters ask for no gradient.
struct LiftToAutodiff;

impl ModuleMapper for LiftToAutodiff {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        parameter.map(|tensor| match tensor.is_autodiff() {
            true => tensor,
            false => Tensor::from_inner(tensor),
        })
    }
}

impl TrainStep for PlasticNetwork {
    type Input = SampleBatch;
    type Output = StepOutput;

    fn step(&self, mut batch: SampleBatch) -> TrainOutput<StepOutput> {
        if let Some(block) = batch.block.take() {
            return self.block(batch, &block);
        }
        let attention = self.watch.attention(batch.position, batch.size());
        let moment = (self.recorder.as_deref())
            .and_then(|it| it.begin(batch.samples_before + batch.position, batch.size()));
        let outcome = self.learning.run(
            &self.network_in(Occasion::Train),
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
        self.memory.keep(outcome.remembered);
        // burn adds up what batches ask for before a step of the optimizer; the mean is wanted.
        let updates = match batch.share {
            1.0 => outcome.updates,
            share => outcome.updates.scale(share),
        };
        TrainOutput {
            grads: updates.into_grads(&self.network),
            item: StepOutput::new(
                outcome.loss,
                output,
                batch.labels,
                &self.network,
                &outcome.trace,
                attention,
            ),
        }
    }

    fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        grads: GradientsParams,
    ) -> Self {
        match self.engine {
            Engine::Fused => self.after_block(grads),
            Engine::General => optimizer.step(rate, self, grads).constrained(),
        }
    }

    fn optimize_multi(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: ModuleLearningRate,
        grads: MultiGradientsParams,
    ) -> Self {
        optimizer.step_multi(rate, self, grads).constrained()
    }
}

impl InferenceStep for PlasticNetwork {
    type Input = SampleBatch;
    type Output = StepOutput;

    fn step(&self, batch: SampleBatch) -> StepOutput {
        let attention = self.watch.attention(batch.position, batch.size());
        let network = &*self.network_in(Occasion::Test);
        let plan = network.plan();
        if let Some(mut fused) = fused(network) {
            let trace = fused.forward_trace(&values(&batch.inputs));
            self.guard.validated(plan, &trace.forward);
            let output = trace.forward.activity[plan.output].clone();
            let loss = (batch.targets - output.clone()).square().mean();
            return StepOutput::new(loss, output, batch.labels, network, &trace, attention);
        }
        let forward = network.settle(batch.inputs, plan.steps, &mut ());
        self.guard.validated(plan, &forward);
        let dendrite: PerPopulation<Option<Tensor<2>>> = (plan.populations.iter())
            .map(|(id, _)| network.dendritic_state(id, &forward))
            .collect();
        let output = forward.activity[plan.output].clone();
        let loss = (batch.targets - output.clone()).square().mean();
        let trace = Trace::forward_only(forward, dendrite);
        StepOutput::new(loss, output, batch.labels, network, &trace, attention)
    }
}

/// The network in loops of its own, where it is on the CPU and has a form for them.
pub(crate) fn fused(network: &Network) -> Option<FusedNetwork> {
    let device = network.devices().into_iter().next()?;
    let network = is_cpu(&device.without_autodiff()).then(|| FusedNetwork::new(network))?;
    network.ok()
}

/// The values of a tensor in row-major order.
pub(crate) fn values(tensor: &Tensor<2>) -> Vec<f32> {
    let data = tensor.clone().without_autodiff().into_data();
    data.convert::<f32>()
        .try_into_vec()
        .expect("converted to f32")
}
