//! One training step, up to the updates.

use std::sync::Arc;

use burn::{module::Module, tensor::Tensor};
use burn_dendrite_nn::{
    Dynamics, Network, NetworkState, Observer, Parameter, Plan, PopulationId,
    numbers::Rows,
    perturb::{Conditions, Running},
};

use crate::{
    AnyRule, Outcome, RuleMemory, RuleStep, Side, State, StepSize, TakeGradient, Trace, Updates,
    backprop::{Descend, Gradient, Objective, Tracked},
    phase::{Nudge, Settling},
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
        // From the top down, dendrites are looked at when their interneurons have answered.
        let settling = self.nudge.as_ref().map(|nudge| nudge.settling);
        let dendrite = match settling {
            Some(Settling::TopDown) => plan.populations.iter().map(|_| None).collect(),
            _ => running.dendritic_states(&forward),
        };
        let output = forward.activity[plan.output].clone();
        let loss = (target.clone() - output).squared();
        let loss = loss.mean_of_row().mean_of_column();
        let trace = match &self.nudge {
            Some(nudge) => {
                let random = &conditions.random;
                nudge.run(&running, random, forward, dendrite, &target, observer)
            }
            None => Trace::forward_only(forward, dendrite),
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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;
    use burn::{optim::AdamConfig, tensor::Int};
    use burn_dendrite_nn::{
        NetworkSpec, ProjectionId,
        perturb::{Occasion, Perturbations},
    };

    use crate::LearningSpec;

    #[test]
    fn a_step_of_adam_is_lawful_and_learns_on_a_plain_network() {
        let device = crate::test_device();
        let (spec, learning) = crate::EiNetworkConfig::new(8, [12], 3).build();
        let mut network = spec.init(1, &device).unwrap();
        let learning = learning.check(network.plan()).unwrap();
        let memory = learning.memory(&network);
        let mut optimizer = AdamConfig::new().init();
        let inputs = Tensor::<2>::eye(8, &device).slice([0..6, 0..8]);
        let classes = Tensor::<1, Int>::from_ints([0, 1, 2, 0, 1, 2], &device);
        let targets = classes.one_hot::<2>(3).float();
        let mut losses = Vec::new();
        for _ in 0..60 {
            let outcome = learning.run(&network, &memory, inputs.clone(), targets.clone(), &mut ());
            losses.push(outcome.loss.clone().into_scalar::<f32>());
            network = outcome.optimize(&mut optimizer, 0.05, network, &memory);
        }
        assert!(
            losses[59] < 0.2 * losses[0],
            "{} to {}",
            losses[0],
            losses[59]
        );
        for (index, projection) in network.plan().projections.iter().enumerate() {
            let sign = projection.site.cell.sign();
            let weight = network.weight(burn_dendrite_nn::ProjectionId(index)) * sign;
            assert!(!weight.is_autodiff());
            assert!(
                weight.min().into_scalar::<f32>() >= 0.0,
                "{}",
                projection.name
            );
        }
    }

    #[test]
    fn backprop_descends_on_the_loss_of_the_perturbed_network() {
        let device = crate::test_device();
        let spec: NetworkSpec = toml::from_str(
            r#"
            tau = 1.0
            steps = 1
            population = [
                { name = "Input.E", size = 1, cell = "excitatory" },
                { name = "H.E", size = 1, cell = "excitatory" },
                { name = "Output.E", size = 1, cell = "excitatory" },
            ]
            projection = [
                { name = "H.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
                { name = "Output.E<-H.E", weight = { kind = "constant", value = 1.0 } },
            ]
            "#,
        )
        .unwrap();
        let learning: LearningSpec = toml::from_str(
            r#"
            tracked_steps = 1
            rule = [
                { on = "H.E<-Input.E", learning_rate = 1.0, rule = { kind = "backprop" } },
                { on = "Output.E<-H.E", learning_rate = 1.0, rule = { kind = "backprop" } },
            ]
            "#,
        )
        .unwrap();
        let network = spec.init(0, &device).unwrap();
        let learning = learning.check(network.plan()).unwrap();
        let half = ["H.E: scale 0.5".parse().unwrap()];
        let perturbations = Perturbations::resolve(&half, network.plan(), 0).unwrap();
        let conditions = Conditions {
            effects: perturbations.effects(Occasion::Train),
            ..Conditions::default()
        };
        let input = Tensor::from_floats([[0.8]], &device);
        let target = Tensor::from_floats([[1.0]], &device);
        let memory = learning.memory(&network);
        let updates = learning
            .run_under(&conditions, &network, &memory, input, target, &mut ())
            .updates;
        // r = 0.5 · 0.8 = 0.4 on both; -∂(1 - 0.4)²/∂w is 2 · 0.6 · 0.4 for either weight.
        for id in [0, 1].map(ProjectionId) {
            let change = updates.get(Parameter::Weight(id)).unwrap().into_data();
            let expected = burn::tensor::TensorData::from([[0.48f32]]);
            change.assert_approx_eq::<f32>(&expected, Tolerance::default());
        }
        let frozen = [Parameter::Weight(ProjectionId(0))];
        let left: Vec<Parameter> = learning.without(&frozen).learned().collect();
        assert_eq!(left, [Parameter::Weight(ProjectionId(1))]);
    }

    /// An input, two hidden populations with dendrites of which one is nudged, interneurons, and an output.
    #[test]
    fn states_that_a_step_leaves() {
        use State::{Activity, Dendrite, NudgedActivity, NudgedDendrite, Plateau, Soma};
        let spec: NetworkSpec = toml::from_str(
            r#"
            tau = 1.0
            steps = 1
            population = [
                { name = "Input.E", size = 1, cell = "excitatory" },
                { name = "H1.E", size = 1, cell = "excitatory" },
                { name = "H2.E", size = 1, cell = "excitatory" },
                { name = "H2.SomaI", size = 1, cell = "inhibitory" },
                { name = "Output.E", size = 1, cell = "excitatory" },
            ]
            projection = [
                { name = "H1.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
                { name = "H2.E<-H1.E", weight = { kind = "constant", value = 1.0 } },
                { name = "H2.SomaI<-H1.E", weight = { kind = "constant", value = 1.0 } },
                { name = "Output.E<-H2.E", weight = { kind = "constant", value = 1.0 } },
                { name = "H1.E<-H2.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 1.0 } },
                { name = "H2.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 1.0 } },
            ]
            "#,
        )
        .unwrap();
        let plan = spec.check().unwrap();
        let learning = |nudge: &str| {
            let text = format!(
                "{nudge}\nrule = [{{ on = \"H1.E<-Input.E\", learning_rate = 0.1, \
                 rule = {{ kind = \"hebbian\", phase = \"forward\" }} }}]"
            );
            let learning: LearningSpec = toml::from_str(&text).unwrap();
            learning.check(&plan).unwrap()
        };
        let check = |nudge: &str, state: State, expected: [bool; 5]| {
            let learning = learning(nudge);
            let left = [0, 1, 2, 3, 4].map(|id| state.is_left(&plan, &learning, PopulationId(id)));
            assert_eq!(left, expected, "{state:?} with `{nudge}`");
        };
        let dendrites = [false, true, true, false, false];
        let nudge = r#"nudge = { population = [{ name = "H2.E" }, { name = "Output.E" }] }"#;
        for nudge in ["", nudge] {
            check(nudge, Soma, [true; 5]);
            check(nudge, Activity, [true; 5]);
            check(nudge, Dendrite, dendrites);
        }
        for state in [NudgedActivity, NudgedDendrite, Plateau] {
            check("", state, [false; 5]);
        }
        check(nudge, NudgedActivity, [true; 5]);
        check(nudge, NudgedDendrite, [false, true, true, false, true]);
        check(nudge, Plateau, [false, false, true, false, true]);
        let output = r#"nudge = { settling = "output_only" }"#;
        check(output, NudgedDendrite, [false, false, false, false, true]);
        check(output, Plateau, [false, false, false, false, true]);
    }
}
