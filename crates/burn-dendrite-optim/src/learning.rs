//! One training step, up to the updates.

use std::sync::Arc;

use burn::{module::Module, tensor::Tensor};
use burn_dendrite_nn::{Network, Observer, Parameter, PerPopulation, Plan, SpecError};

use crate::{
    LearningRule, Remembered, RuleMemory, Side, Target, Trace, Updates,
    backprop::{Objective, Tracked, settle_tracked},
    phase::Nudge,
    synapse::Synapse,
};

/// How a network learns, with every name resolved: what [`LearningSpec::check`] returns.
///
/// [`LearningSpec::check`]: crate::LearningSpec::check
#[derive(Clone, Debug)]
pub struct Learning {
    nudge: Option<Nudge>,
    local: Vec<LocalPlasticity>,
    backprop: Vec<Descent>,
    tracked_steps: usize,
}

/// A parameter and the local rule that it learns by.
#[derive(Clone, Debug)]
pub(crate) struct LocalPlasticity {
    pub(crate) parameter: Parameter,
    pub(crate) learning_rate: f64,
    pub(crate) rule: Arc<dyn LearningRule>,
}

/// A parameter that descends on an objective.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descent {
    pub(crate) parameter: Parameter,
    pub(crate) learning_rate: f64,
    pub(crate) objective: Objective,
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
    /// What the rules remember of this step, for [`RuleMemory::keep`].
    pub remembered: Remembered,
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
        rule: Arc<dyn LearningRule>,
    ) {
        self.local.push(LocalPlasticity {
            parameter,
            learning_rate,
            rule,
        });
    }

    pub(crate) fn add_descent(
        &mut self,
        parameter: Parameter,
        learning_rate: f64,
        objective: Objective,
    ) {
        self.backprop.push(Descent {
            parameter,
            learning_rate,
            objective,
        });
    }

    /// The same with one more rule, which need not be among those that a file can name.
    ///
    /// # Errors
    ///
    /// One sentence if the parameter does not exist, learns already, or lacks what the rule needs.
    pub fn with_rule(
        mut self,
        plan: &Plan,
        on: &Target,
        learning_rate: f64,
        rule: impl LearningRule + 'static,
    ) -> Result<Self, SpecError> {
        let path = || format!("rule[{on}]");
        let wrong = |message: String| SpecError::new(path(), message);
        let parameter = crate::check::parameter(on, plan).map_err(wrong)?;
        if self.learned().any(|learned| learned == parameter) {
            return Err(wrong("it learns by another rule already".to_owned()));
        }
        crate::check::learning_rate(learning_rate).map_err(wrong)?;
        crate::check::local_rule_fits("the rule", &rule, parameter, plan, self.nudge())
            .map_err(wrong)?;
        self.add(parameter, learning_rate, Arc::new(rule));
        Ok(self)
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

    pub(crate) fn tracked_steps(&self) -> usize {
        self.tracked_steps
    }

    pub(crate) fn local(&self) -> &[LocalPlasticity] {
        &self.local
    }

    pub(crate) fn descents(&self) -> &[Descent] {
        &self.backprop
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

    /// One training step up to the updates: forward phase, backward phase, then every rule on the
    /// same snapshot.
    ///
    /// The network may live on an autodiff device; the dynamics run on its plain tensors, and
    /// only backprop's last steps are tracked. Nothing is changed, the memory neither: hand
    /// [`Outcome::remembered`] to [`RuleMemory::keep`] for the next step to see it.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - target: `[batch, output size]`
    ///
    /// # Panics
    ///
    /// If the shapes do not fit the network, or the memory is that of other rules.
    pub fn run(
        &self,
        network: &Network,
        memory: &RuleMemory,
        input: Tensor<2>,
        target: Tensor<2>,
        observer: &mut dyn Observer,
    ) -> Outcome {
        // Operations on autodiff tensors would each leave an entry in burn's graph.
        let network = &network.valid();
        let (input, target) = (input.without_autodiff(), target.without_autodiff());
        let plan = network.plan();

        let mut updates = Updates::default();
        let forward = self.descend(network, input, &target, observer, &mut updates);
        let dendrite: PerPopulation<Option<Tensor<2>>> = (plan.populations.iter())
            .map(|(id, _)| network.dendritic_state(id, &forward))
            .collect();
        let output = forward.activity[plan.output].clone();
        let loss = (target.clone() - output).square().mean();
        let trace = match &self.nudge {
            Some(nudge) => nudge.run(network, forward, dendrite, &target, observer),
            None => Trace::forward_only(forward, dendrite),
        };

        let memory = memory.values();
        let mut unread = memory.as_slice();
        let mut remembered = Vec::with_capacity(memory.len());
        for local in &self.local {
            let (own, others) = unread.split_at(local.rule.memory().len());
            unread = others;
            let synapse = Synapse::new(network, local.parameter, &trace, own);
            let delta = local.rule.update(&synapse).scale(local.learning_rate);
            updates.insert(local.parameter, delta);
            if !own.is_empty() {
                let rows = local.rule.remember(&synapse);
                remembered.extend(rows.into_iter().map(|row| row.squeeze_dim::<1>(0)));
            }
        }
        Outcome {
            trace,
            updates,
            loss,
            remembered: Remembered(remembered),
        }
    }

    /// The forward phase, and the changes of all parameters that descend on an objective.
    ///
    /// Each further objective repeats the tracked steps: a tape serves one backward pass.
    fn descend(
        &self,
        network: &Network,
        input: Tensor<2>,
        target: &Tensor<2>,
        observer: &mut dyn Observer,
        updates: &mut Updates,
    ) -> burn_dendrite_nn::NetworkState {
        let steps = network.plan().steps;
        let tracked_from = steps - self.tracked_steps;
        let state = network.settle(input, tracked_from, observer);
        let mut objectives: Vec<Objective> = Vec::new();
        for descent in &self.backprop {
            if !objectives.contains(&descent.objective) {
                objectives.push(descent.objective);
            }
        }
        let mut settled = None;
        for objective in objectives {
            let descents: Vec<&Descent> = (self.backprop.iter())
                .filter(|descent| descent.objective == objective)
                .collect();
            let learned: Vec<Parameter> = descents.iter().map(|it| it.parameter).collect();
            let watched: &mut dyn Observer = match &settled {
                None => observer,
                Some(_) => &mut (),
            };
            let Tracked {
                state: end,
                gradients,
            } = settle_tracked(
                network,
                &learned,
                objective,
                state.clone(),
                tracked_from..steps,
                target,
                watched,
            );
            settled.get_or_insert(end);
            for (descent, gradient) in descents.iter().zip(gradients) {
                let change = gradient * -descent.learning_rate;
                updates.insert(descent.parameter, change.into());
            }
        }
        settled.unwrap_or_else(|| network.settle_from(state, tracked_from..steps, observer))
    }
}

/// Presynaptic and postsynaptic size of a parameter; a bias has one presynaptic constant.
fn sizes(plan: &Plan, parameter: Parameter) -> [usize; 2] {
    match parameter {
        Parameter::Weight(id) => {
            let site = &plan.projection(id).site;
            [site.pre, site.post]
        }
        Parameter::Bias(id) => [1, plan.populations[id].size],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;
    use burn_dendrite_nn::{
        NetworkSpec, ProjectionId,
        perturb::{Occasion, Perturbations},
    };

    use crate::LearningSpec;

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
        let perturbed = perturbations.network(&network, Occasion::Train);
        let input = Tensor::from_floats([[0.8]], &device);
        let target = Tensor::from_floats([[1.0]], &device);
        let memory = learning.memory(&network);
        let updates = learning
            .run(&perturbed, &memory, input, target, &mut ())
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
}
