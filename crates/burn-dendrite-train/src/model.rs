//! A network that learns, as burn's learner wants it.

use std::sync::Arc;

use burn::optim::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsParams, ModuleOptimizer, MultiGradientsParams},
    tensor::{Int, Tensor},
    train::{ClassificationOutput, InferenceStep, TrainOutput, TrainStep},
};
use burn_dendrite_nn::{Network, Parameter};
use burn_dendrite_optim::{Learning, RuleMemory};

use crate::{data::SampleBatch, health::Health};

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
    health: Watch,
}

/// Who looks on, if anybody does.
#[derive(Clone, Default)]
struct Watch(Option<Arc<Health>>);

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() {
            "watched"
        } else {
            "not watched"
        })
    }
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
            health: Watch::default(),
        }
    }

    /// The same, with somebody who looks on.
    pub(crate) fn watched_by(mut self, health: Arc<Health>) -> Self {
        self.health = Watch(Some(health));
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
    type Output = ClassificationOutput;

    fn step(&self, batch: SampleBatch) -> TrainOutput<ClassificationOutput> {
        let outcome = self.learning.run(
            &self.network,
            &self.memory,
            batch.inputs,
            batch.targets,
            &mut (),
        );
        let plan = self.network.plan();
        let output = outcome.trace.forward.activity[plan.output].clone();
        if let Watch(Some(health)) = &self.health
            && !health.admits(plan, &outcome)
        {
            return TrainOutput {
                grads: GradientsParams::new(),
                item: ClassificationOutput::new(outcome.loss, output, batch.labels),
            };
        }
        self.memory.keep(outcome.remembered);
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
        let Watch(Some(health)) = &self.health else {
            return classify(&self.network, batch);
        };
        let plan = self.network.plan();
        let state = self.network.settle(batch.inputs, plan.steps, &mut ());
        health.validated(plan, &state);
        classified(
            state.activity[plan.output].clone(),
            batch.targets,
            batch.labels,
        )
    }
}

/// Output and mean squared error of a batch, after the forward phase.
pub(crate) fn classify(network: &Network, batch: SampleBatch) -> ClassificationOutput {
    classified(network.forward(batch.inputs), batch.targets, batch.labels)
}

fn classified(
    output: Tensor<2>,
    targets: Tensor<2>,
    labels: Tensor<1, Int>,
) -> ClassificationOutput {
    let loss = (targets - output.clone()).square().mean();
    ClassificationOutput::new(loss, output, labels)
}
