//! One training step, up to the updates.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::{module::Module, tensor::Tensor};
use burn_dendrite_nn::{
    Dynamics, Network, NetworkState, Observer, Parameter, PerPopulation, Plan, PopulationId,
    numbers::Rows,
    perturb::{Conditions, DendriticStates, Running},
};

use crate::{
    AnyRule, Outcome, RuleMemory, RuleStep, Side, Signal, State, StepSize, TakeGradient, Trace,
    Updates,
    backprop::{Descend, Gradient, Objective, Tracked},
    phase::{Nudge, wanted_states},
    rule::Plastic,
    synapse::Synapse,
    updates,
};

/// How a network learns, with every name resolved: what [`LearningSpec::check`] returns.
///
/// [`LearningSpec::check`]: crate::LearningSpec::check
#[derive(Clone, Debug)]
pub struct Learning {
    nudge: Option<Nudge>,
    local: Vec<LocalPlasticity>,
    backprop: Vec<BackpropPlasticity>,
    tracked_steps: usize,
}

/// A parameter and the local rule that it learns by.
#[derive(Clone, Debug)]
pub(crate) struct LocalPlasticity {
    pub(crate) parameter: Parameter,
    pub(crate) learning_rate: f64,
    pub(crate) rule: Arc<dyn AnyRule>,
    /// The population that the rule feels.
    pub(crate) felt: Option<PopulationId>,
}

/// A parameter that descends on an objective.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackpropPlasticity {
    pub(crate) parameter: Parameter,
    pub(crate) learning_rate: f64,
    pub(crate) objective: Objective,
}

/// What one training step gives, in any numbers.
pub(crate) struct Step<R> {
    pub(crate) trace: Trace<R>,
    pub(crate) updates: Updates<R>,
    /// Mean squared error over batch and output units, `[1, 1]`.
    pub(crate) loss: R,
    /// A row for each slot of each rule, `[1, size]`.
    pub(crate) remembered: Vec<R>,
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

    pub(crate) fn add(
        &mut self,
        parameter: Parameter,
        learning_rate: f64,
        rule: Arc<dyn AnyRule>,
        felt: Option<PopulationId>,
    ) {
        self.local.push(LocalPlasticity {
            parameter,
            learning_rate,
            rule,
            felt,
        });
    }

    pub(crate) fn add_descent(
        &mut self,
        parameter: Parameter,
        learning_rate: f64,
        objective: Objective,
    ) {
        self.backprop.push(BackpropPlasticity {
            parameter,
            learning_rate,
            objective,
        });
    }

    /// The same rules but for those of `frozen` parameters, which then stay as they are.
    pub fn without(mut self, frozen: &[Parameter]) -> Self {
        self.local.retain(|it| !frozen.contains(&it.parameter));
        self.backprop.retain(|it| !frozen.contains(&it.parameter));
        self
    }

    /// The same rules with every learning rate times `factor`.
    pub fn scaled(mut self, factor: f64) -> Self {
        self.local
            .iter_mut()
            .for_each(|local| local.learning_rate *= factor);
        self.backprop
            .iter_mut()
            .for_each(|descent| descent.learning_rate *= factor);
        self
    }

    pub(crate) fn set_tracked_steps(&mut self, steps: usize) {
        self.tracked_steps = steps;
    }

    /// The backward phase, if there is one.
    pub fn nudge(&self) -> Option<&Nudge> {
        self.nudge.as_ref()
    }

    /// True where some parameter learns by backprop, of the output's loss or of a dendrite's.
    pub fn uses_backprop(&self) -> bool {
        !self.backprop.is_empty()
    }

    /// The parameters that learn.
    pub fn learned(&self) -> impl Iterator<Item = Parameter> {
        let local = self.local.iter().map(|local| local.parameter);
        local.chain(self.backprop.iter().map(|descent| descent.parameter))
    }

    /// Makes the steps whose size is the [rules' own](StepSize::Rule), which no optimizer is to rescale, and
    /// takes them out of the gradients, which are those of [`Updates::into_grads`] or the sum of several.
    ///
    /// What must hold of the weights is not applied: that follows the optimizer's step.
    pub fn take_own_steps(&self, network: Network, grads: impl TakeGradient) -> Network {
        updates::added(network, self.own_steps(), grads)
    }

    /// The parameters whose rules decide themselves how large a step is.
    pub(crate) fn own_steps(&self) -> impl Iterator<Item = Parameter> {
        let own = self.local.iter();
        own.filter(|local| local.rule.step_size() == StepSize::Rule)
            .map(|local| local.parameter)
    }

    /// The memory of the rules before the first sample; empty where no rule has one.
    pub fn memory(&self, network: &Network) -> RuleMemory {
        let plan = network.plan();
        let device = network.devices().into_iter().next().unwrap_or_default();
        let device = device.without_autodiff();
        let slots = self.local.iter().flat_map(|local| {
            let [pre, post] = sizes(plan, local.parameter);
            local.rule.memory().into_iter().map(move |slot| {
                let size = match slot.side {
                    Side::Presynaptic => pre,
                    Side::Postsynaptic => post,
                };
                (size, slot.start)
            })
        });
        RuleMemory::new(
            slots
                .map(|(size, start)| Tensor::full([size], start, &device))
                .collect(),
        )
    }

    /// What each value of the memory is: the parameter whose rule remembers it, and its name.
    pub fn memory_names(&self) -> Vec<(Parameter, &'static str)> {
        (self.local.iter())
            .flat_map(|local| {
                let slots = local.rule.memory().into_iter();
                slots.map(|slot| (local.parameter, slot.name))
            })
            .collect()
    }

    /// One training step up to the updates, on burn's tensors: forward phase, backward phase, then every
    /// rule on the same snapshot.
    ///
    /// The network may live on an autodiff device; the dynamics run on its plain tensors, and
    /// only backprop's last steps are tracked. Nothing is changed, the memory neither, until
    /// [`Outcome::apply`] or [`Outcome::into_grads`] ends the step.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - target: `[batch, output size]`
    ///
    /// # Panics
    ///
    /// If the shapes do not fit the network or each other, or the memory is that of other rules.
    pub fn run(
        &self,
        network: &Network,
        memory: &RuleMemory,
        input: Tensor<2>,
        target: Tensor<2>,
        observer: &mut dyn Observer,
    ) -> Outcome {
        self.run_under(
            &Conditions::default(),
            network,
            memory,
            input,
            target,
            observer,
        )
    }

    /// [`run`](Self::run) under other conditions: with the dynamics perturbed, and with the random
    /// numbers of the samples at hand.
    ///
    /// # Panics
    ///
    /// Those of [`run`](Self::run), or if the effects are those of another plan.
    pub fn run_under(
        &self,
        conditions: &Conditions<'_>,
        network: &Network,
        memory: &RuleMemory,
        input: Tensor<2>,
        target: Tensor<2>,
        observer: &mut dyn Observer,
    ) -> Outcome {
        // Operations on autodiff tensors would each leave an entry in burn's graph.
        let network = &network.valid();
        let (input, target) = (input.without_autodiff(), target.without_autodiff());
        let Step {
            trace,
            updates,
            loss,
            remembered,
        } = self.step(conditions, network, &memory.rows(), input, target, observer);
        Outcome {
            trace,
            updates: updates.resolved(network),
            loss: loss.squeeze_dim::<1>(0),
            remembered,
            own_steps: self.own_steps().collect(),
        }
    }

    /// One training step up to the updates, in any numbers.
    pub(crate) fn step<N: Descend>(
        &self,
        conditions: &Conditions<'_>,
        network: &N,
        memory: &[N::Rows],
        input: N::Rows,
        target: N::Rows,
        observer: &mut dyn Observer<N::Rows>,
    ) -> Step<N::Rows> {
        let plan = network.plan();
        let [batch, _] = input.dims();
        let wanted = [batch, plan.populations[plan.output].size];
        assert_eq!(target.dims(), wanted, "a target for each row of the input");
        let running = conditions.on(network);
        let mut updates = Updates::default();
        let forward = self.descend(
            conditions,
            network,
            &running,
            input,
            &target,
            observer,
            &mut updates,
        );
        let wanted = self.wanted_dendrites(conditions, plan);
        let output = forward.activity[plan.output].clone();
        let loss = (target.clone() - output).squared().mean();
        let trace = match &self.nudge {
            Some(nudge) => {
                let random = &conditions.random;
                nudge.run(&running, random, forward, &wanted, &target, observer)
            }
            None => {
                let dendrite = wanted_states(&running, &forward, &wanted);
                Trace::forward_only(forward, dendrite)
            }
        };

        let mut unread = memory;
        let mut remembered = Vec::with_capacity(memory.len());
        for local in &self.local {
            let (own, others) = unread.split_at(local.rule.memory().len());
            unread = others;
            let synapse = Synapse::new(plan, local.parameter, &trace, local.felt, own);
            let RuleStep {
                delta,
                remembered: left,
            } = N::Rows::step(&*local.rule, &synapse);
            updates.insert(local.parameter, delta.scale(local.learning_rate));
            remembered.extend(left);
        }
        Step {
            trace,
            updates,
            loss,
            remembered,
        }
    }

    /// The populations whose dendritic states in the forward phase somebody looks at.
    fn wanted_dendrites(&self, conditions: &Conditions<'_>, plan: &Plan) -> PerPopulation<bool> {
        let all = conditions.dendrites == DendriticStates::All || conditions.effects.is_some();
        let reads = |local: &LocalPlasticity, id| {
            let post = match local.parameter {
                Parameter::Weight(id) => plan.projection(id).post,
                Parameter::Bias(id) => id,
            };
            local.felt == Some(id) || post == id && local.rule.needs().contains(&Signal::Dendrite)
        };
        (plan.populations.iter())
            .map(|(id, _)| all || self.local.iter().any(|local| reads(local, id)))
            .collect()
    }

    /// The forward phase, and the changes of all parameters that descend on an objective.
    ///
    /// Each further objective repeats the tracked steps: a tape serves one backward pass.
    #[allow(clippy::too_many_arguments)]
    fn descend<N: Descend>(
        &self,
        conditions: &Conditions<'_>,
        network: &N,
        running: &Running<'_, N>,
        input: N::Rows,
        target: &N::Rows,
        observer: &mut dyn Observer<N::Rows>,
        updates: &mut Updates<N::Rows>,
    ) -> NetworkState<N::Rows> {
        let steps = network.plan().steps;
        let tracked_from = steps - self.tracked_steps;
        let state = running.settle(input, tracked_from, observer);
        let mut objectives: Vec<Objective> = Vec::new();
        for descent in &self.backprop {
            if !objectives.contains(&descent.objective) {
                objectives.push(descent.objective);
            }
        }
        let conditions = &Conditions {
            random: conditions.random.clone().part(1),
            ..conditions.clone()
        };
        let mut settled = None;
        for objective in objectives {
            let descents: Vec<&BackpropPlasticity> = (self.backprop.iter())
                .filter(|descent| descent.objective == objective)
                .collect();
            let learned: Vec<Parameter> = descents.iter().map(|it| it.parameter).collect();
            let watched: &mut dyn Observer<N::Rows> = match &settled {
                None => observer,
                Some(_) => &mut (),
            };
            let asked = Gradient {
                conditions,
                objective,
                learned: &learned,
                state: state.clone(),
                steps: tracked_from..steps,
                target,
            };
            let Tracked {
                state: end,
                gradients,
            } = network.gradient(asked, watched);
            settled.get_or_insert(end);
            for (descent, gradient) in descents.iter().zip(gradients) {
                updates.insert(descent.parameter, gradient.scale(-descent.learning_rate));
            }
        }
        settled.unwrap_or_else(|| running.settle_from(state, tracked_from..steps, observer))
    }
}

/// Presynaptic and postsynaptic size of a parameter; a bias has one presynaptic constant.
fn sizes(plan: &Plan, parameter: Parameter) -> [usize; 2] {
    match parameter {
        Parameter::Weight(id) => {
            let projection = plan.projection(id);
            [projection.pre, projection.post].map(|id| plan.populations[id].size)
        }
        Parameter::Bias(id) => [1, plan.populations[id].size],
    }
}

impl State {
    /// Whether a training step of `learning` leaves this state in a population of `plan`.
    pub fn is_left(self, plan: &Plan, learning: &Learning, id: PopulationId) -> bool {
        let nudge = learning.nudge();
        match self {
            Self::Soma | Self::Activity => true,
            Self::Dendrite => plan.has_dendrite(id),
            Self::NudgedActivity => nudge.is_some(),
            Self::NudgedDendrite => nudge.is_some_and(|nudge| nudge.reaches(plan, id)),
            Self::Plateau => nudge
                .is_some_and(|nudge| nudge.reaches(plan, id) && nudge.populations[id].is_some()),
        }
    }
}
