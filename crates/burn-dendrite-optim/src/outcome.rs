//! The end of a training step on burn's tensors.

use burn::{
    module::{Module, ModuleMapper, Param},
    optim::{GradientsParams, ModuleOptimizer},
    tensor::Tensor,
};
use burn_dendrite_nn::{Network, Parameter};

use crate::{RuleMemory, Trace, Updates, updates::added};

/// What one training step on burn's tensors gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The states of both phases.
    pub trace: Trace,
    /// The changes that the rules ask for, learning rates included.
    pub updates: Updates,
    /// Mean squared error over batch and output units at the end of the forward phase, `[1]`.
    pub loss: Tensor<1>,
    pub(crate) remembered: Vec<Tensor<2>>,
    /// The parameters whose steps no optimizer rescales.
    pub(crate) own_steps: Vec<Parameter>,
}

impl Outcome {
    /// The same with all changes times `factor`.
    pub fn scale(self, factor: f64) -> Self {
        if factor == 1.0 {
            return self;
        }
        Self {
            updates: self.updates.scale(factor),
            ..self
        }
    }

    /// Ends the step: the network with the changes added and its constraints applied. The rules remember
    /// the step in `memory`.
    ///
    /// # Panics
    ///
    /// If the network or the memory is another one than that of the step.
    pub fn apply(self, network: Network, memory: &RuleMemory) -> Network {
        self.into_updates(memory).apply(network)
    }

    /// Ends the step by a burn optimizer, which takes the changes for descent directions: the network with
    /// its step made and its constraints applied. Steps whose size is the [rules' own](crate::StepSize::Rule)
    /// pass by the optimizer. The rules remember the step in `memory`.
    ///
    /// The network may be plain, and then stays so: burn's optimizers see a copy in an autodiff context.
    ///
    /// # Panics
    ///
    /// If the network or the memory is another one than that of the step.
    pub fn optimize(
        self,
        optimizer: &mut ModuleOptimizer,
        rate: f64,
        network: Network,
        memory: &RuleMemory,
    ) -> Network {
        let changed: Vec<Parameter> = self.updates.parameters().collect();
        let is_plain = network.devices().iter().all(|device| !device.is_autodiff());
        let network = network.map(&mut LiftToAutodiff).no_grad();
        let own_steps = self.own_steps.clone();
        let mut grads = self.into_grads(&network, memory);
        let network = added(network, own_steps.into_iter(), &mut grads);
        let network = optimizer.step(rate, network, grads);
        let network = network.constrained_where(|parameter| changed.contains(&parameter));
        if is_plain { network.valid() } else { network }
    }

    /// Ends the step: the changes as gradients for burn's learner, whose model must apply the
    /// [constraints](Network::constrained) after the optimizer's step, and before it what
    /// [`Learning::take_own_steps`](crate::Learning::take_own_steps) takes out, as [`optimize`](Self::optimize)
    /// does; see [`Updates::into_grads`]. The rules remember the step in `memory`.
    ///
    /// # Panics
    ///
    /// If the network or the memory is another one than that of the step.
    pub fn into_grads(self, network: &Network, memory: &RuleMemory) -> GradientsParams {
        self.into_updates(memory).into_grads(network)
    }

    /// Ends the step without changing anything but `memory`, in which the rules remember it: the changes
    /// that they ask for.
    ///
    /// # Panics
    ///
    /// If the memory is another one than that of the step.
    pub fn into_updates(self, memory: &RuleMemory) -> Updates {
        memory.keep(self.remembered);
        self.updates
    }
}

/// Gives plain parameters the autodiff context without which burn's optimizers panic. Nothing is
/// registered in burn's graph as long as the parameters ask for no gradient.
#[derive(Clone, Copy, Debug)]
pub struct LiftToAutodiff;

impl ModuleMapper for LiftToAutodiff {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        parameter.map(|tensor| {
            if tensor.is_autodiff() {
                tensor
            } else {
                Tensor::from_inner(tensor)
            }
        })
    }
}
