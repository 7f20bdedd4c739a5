//! A network that learns, as burn's learner wants it.

use std::sync::Arc;

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams},
    tensor::Tensor,
    train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep},
};
use burn_dendrite_nn::{Network, Parameter};
use burn_dendrite_optim::{Learning, RuleMemory};

use crate::data::SampleBatch;

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
        }
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
    type Output = ClassificationOutput;

    fn step(&self, batch: SampleBatch) -> TrainOutput<ClassificationOutput> {
        let outcome = self.learning.run(
            &self.network,
            &self.memory,
            batch.inputs,
            batch.targets,
            &mut (),
        );
        self.memory.keep(outcome.remembered);
        let output = outcome.trace.forward.activity[self.network.plan().output].clone();
        TrainOutput {
            grads: outcome.updates.into_grads(&self.network),
            item: ClassificationOutput::new(outcome.loss, output, batch.labels),
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
    type Output = ClassificationOutput;

    fn step(&self, batch: SampleBatch) -> ClassificationOutput {
        classify(&self.network, batch)
    }
}

/// Output and mean squared error of a batch, after the forward phase.
pub(crate) fn classify(network: &Network, batch: SampleBatch) -> ClassificationOutput {
    let output: Tensor<2> = network.forward(batch.inputs);
    let loss = (batch.targets - output.clone()).square().mean();
    ClassificationOutput::new(loss, output, batch.labels)
}
