//! One training step, up to the updates.

use burn::{module::Module, tensor::Tensor};
use burn_dendrite_nn::{Network, Observer, Parameter, PerPopulation};

use crate::{
    LocalRule, Trace, Updates,
    backprop::{Tracked, settle_tracked},
    phase::Nudge,
    synapse::Synapse,
};

/// How a network learns, with every name resolved: what [`LearningSpec::check`] returns.
///
/// [`LearningSpec::check`]: crate::LearningSpec::check
#[derive(Clone, Debug)]
pub struct Learning {
    nudge: Option<Nudge>,
    local: Vec<(Parameter, f64, LocalRule)>,
    backprop: Vec<(Parameter, f64)>,
    tracked_steps: usize,
}

/// What one training step gives.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The states of both phases.
    pub trace: Trace,
    /// The changes that the rules ask for, learning rates included.
    pub updates: Updates,
    /// Mean squared error over batch and output units at the end of the forward phase, `[1]`.
    pub loss: Tensor<1>,
}

impl Learning {
    pub(crate) fn new(nudge: Option<Nudge>) -> Self {
        Self {
            nudge,
            local: Vec::new(),
            backprop: Vec::new(),
            tracked_steps: 0,
        }
    }

    pub(crate) fn add(&mut self, parameter: Parameter, learning_rate: f64, rule: LocalRule) {
        self.local.push((parameter, learning_rate, rule));
    }

    pub(crate) fn add_backprop(&mut self, parameter: Parameter, learning_rate: f64) {
        self.backprop.push((parameter, learning_rate));
    }

    /// The same rules with every learning rate times `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.local
            .iter_mut()
            .for_each(|(_, rate, _)| *rate *= factor);
        self.backprop
            .iter_mut()
            .for_each(|(_, rate)| *rate *= factor);
        self
    }

    pub(crate) fn set_tracked_steps(&mut self, steps: usize) {
        self.tracked_steps = steps;
    }

    /// The backward phase, if there is one.
    pub fn nudge(&self) -> Option<&Nudge> {
        self.nudge.as_ref()
    }

    /// True where some parameter learns by backprop.
    pub fn uses_backprop(&self) -> bool {
        !self.backprop.is_empty()
    }

    /// The parameters that learn.
    pub fn learned(&self) -> impl Iterator<Item = Parameter> {
        let local = self.local.iter().map(|(parameter, ..)| *parameter);
        local.chain(self.backprop.iter().map(|(parameter, _)| *parameter))
    }

    /// One training step up to the updates: forward phase, backward phase, then every rule on the
    /// same snapshot.
    ///
    /// The network may live on an autodiff device; the dynamics run on its plain tensors, and
    /// only backprop's last steps are tracked.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - target: `[batch, output size]`
    ///
    /// # Panics
    ///
    /// If the shapes do not fit the network.
    pub fn run(
        &self,
        network: &Network,
        input: Tensor<2>,
        target: Tensor<2>,
        observer: &mut dyn Observer,
    ) -> Outcome {
        // Operations on autodiff tensors would each leave an entry in burn's graph.
        let network = &network.valid();
        let (input, target) = (input.without_autodiff(), target.without_autodiff());
        let plan = network.plan();

        let learned: Vec<Parameter> = self.backprop.iter().map(|(it, _)| *it).collect();
        let Tracked {
            state: forward,
            gradients,
        } = settle_tracked(
            network,
            &learned,
            self.tracked_steps,
            input,
            &target,
            observer,
        );

        let dendrite: PerPopulation<Option<Tensor<2>>> = (plan.populations.iter())
            .map(|(id, _)| network.dendritic_state(id, &forward))
            .collect();
        let output = forward.activity[plan.output].clone();
        let loss = (target.clone() - output).square().mean();
        let trace = match &self.nudge {
            Some(nudge) => nudge.run(network, forward, dendrite, &target, observer),
            None => Trace::forward_only(forward, dendrite),
        };

        let mut updates = Updates::default();
        for (parameter, learning_rate, rule) in &self.local {
            let synapse = Synapse::new(network, *parameter, &trace);
            updates.insert(*parameter, rule.update(&synapse).scale(*learning_rate));
        }
        for ((parameter, learning_rate), gradient) in self.backprop.iter().zip(gradients) {
            updates.insert(*parameter, (gradient * -*learning_rate).into());
        }
        Outcome {
            trace,
            updates,
            loss,
        }
    }
}
