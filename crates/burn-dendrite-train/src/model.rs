//! A network that learns, as burn's learner wants it.

use std::sync::Arc;

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams},
    tensor::Tensor,
    train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep},
};
use burn_dendrite_nn::{Network, Parameter, PerPopulation};
use burn_dendrite_optim::{Learning, RuleMemory, Trace};

use crate::{
    data::SampleBatch,
    health::Guard,
    vitals::{StepOutput, Watch},
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
    guard: Guard,
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
            guard: Guard::default(),
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

    fn step(&self, batch: SampleBatch) -> TrainOutput<StepOutput> {
        let attention = self.watch.attention(batch.position, batch.size());
        let outcome = self.learning.run(
            &self.network,
            &self.memory,
            batch.inputs,
            batch.targets,
            &mut (),
        );
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
        optimizer.step(rate, self, grads).constrained()
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
        let network = &self.network;
        let plan = network.plan();
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

/// Output and mean squared error of a batch, after the forward phase.
pub(crate) fn classify(network: &Network, batch: SampleBatch) -> ClassificationOutput {
    let output: Tensor<2> = network.forward(batch.inputs);
    let loss = (batch.targets - output.clone()).square().mean();
    ClassificationOutput::new(loss, output, batch.labels)
}
