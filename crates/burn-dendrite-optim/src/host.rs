//! Training in main memory: the changes of a step are added in place.

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use burn_dendrite_nn::{
    HostNetwork, Network, NetworkState, Numbers, Parameter, PerPopulation, PopulationId,
    numbers::{Bounds, HostRows, Rows},
    perturb::Conditions,
};

use crate::{
    Clipping, Descent, DescentMemory, Learning, RuleMemory, State, Trace, descent::Descending,
    learning::Step,
};

/// A network that learns in main memory, with what its rules remember.
///
/// It computes what [`Learning::run`] and [`Outcome::apply`](crate::Outcome::apply) compute, by the same
/// code on other numbers, many times faster: silent units cost nothing, every change stays the thin
/// factors that it is a product of, and is added to the weights in the pass that applies their bounds.
/// Nothing that is as large as the weights is allocated in a step.
///
/// ```
/// # use burn::tensor::Device;
/// # use burn_dendrite_nn::NetworkSpec;
/// # use burn_dendrite_optim::{HostTrainer, LearningSpec};
/// # let network: NetworkSpec = serde_json::from_value(serde_json::json!({
/// #     "tau": 2.0, "steps": 3,
/// #     "population": [
/// #         { "name": "Input.E", "size": 2, "cell": "excitatory" },
/// #         { "name": "Output.E", "size": 2, "cell": "excitatory" }],
/// #     "projection": [
/// #         { "name": "Output.E<-Input.E", "weight": { "kind": "constant", "value": 0.5 } }],
/// # })).unwrap();
/// # let learning: LearningSpec = serde_json::from_value(serde_json::json!({
/// #     "nudge": {},
/// #     "rule": [{ "on": "Output.E<-Input.E", "learning_rate": 0.5,
/// #                "rule": { "kind": "dendritic_target" } }],
/// # })).unwrap();
/// let network = network.init(1, &Device::flex()).unwrap();
/// let learning = learning.check(network.plan()).unwrap();
/// let memory = learning.memory(&network);
/// let mut trainer = HostTrainer::new(&network, &memory, &learning);
/// let before = trainer.step(&[1.0, 0.0], &[1.0, 0.0], 1.0);
/// let after = trainer.step(&[1.0, 0.0], &[1.0, 0.0], 1.0);
/// assert!(after < before);
/// let network = trainer.network(network);
/// ```
#[derive(Clone, Debug)]
pub struct HostTrainer {
    network: HostNetwork,
    learning: Learning,
    descending: Descending,
    /// Of all local rules, a row for each of their slots.
    memory: Vec<HostRows>,
    /// Of the last step.
    trace: Option<Trace<HostRows>>,
    /// States that somebody wants to see later.
    recorded: Vec<Trace<HostRows>>,
    /// Where states are put as tensors.
    device: Device,
}

impl HostTrainer {
    /// The network with its way of learning and what its rules remember, all copied.
    pub fn new(network: &Network, memory: &RuleMemory, learning: &Learning) -> Self {
        let mut host = HostNetwork::new(network);
        for parameter in learning.learned() {
            host.constrain_each(parameter);
        }
        let row = |row: Tensor<2>| HostRows::from_values(&row.to_values(), row.dims());
        let device = network.devices().into_iter().next();
        Self {
            network: host,
            learning: learning.clone(),
            descending: Descending::plain(),
            memory: memory.rows().into_iter().map(row).collect(),
            trace: None,
            recorded: Vec::new(),
            device: device.unwrap_or_default().without_autodiff(),
        }
    }

    /// The same with an optimizer that goes on from what it kept in `memory`; plain steps unless given.
    ///
    /// # Panics
    ///
    /// If the memory is that of another descent.
    pub fn descending_by(self, descent: Descent, memory: &DescentMemory) -> Self {
        let learned: Vec<Parameter> = self.learning.learned().collect();
        Self {
            descending: Descending::new(descent, &learned, memory),
            ..self
        }
    }

    /// The same, with changes that are clipped before the optimizer sees them.
    pub fn clipping_by(self, clipping: Option<Clipping>) -> Self {
        Self {
            descending: self.descending.clipping_by(clipping),
            ..self
        }
    }

    /// Puts what the optimizer keeps now into the memory from which it was made.
    ///
    /// # Panics
    ///
    /// If it is the memory of another one.
    pub fn keep_in(&self, memory: &DescentMemory) {
        self.descending.keep_in(memory);
    }

    /// One training step on a batch, all learning rates times `factor`: forward phase, backward
    /// phase, every rule, constraints. The mean squared error before the step is returned.
    ///
    /// # Shapes
    ///
    /// - inputs: `[rows, input size]`, targets: `[rows, output size]`, in row-major order
    ///
    /// # Panics
    ///
    /// If they do not hold the same number of whole rows.
    pub fn step(&mut self, inputs: &[f32], targets: &[f32], factor: f64) -> f64 {
        self.step_under(&Conditions::default(), inputs, targets, factor)
    }

    /// [`step`](Self::step) under other conditions: with the dynamics perturbed, and with the random
    /// numbers of the samples at hand.
    ///
    /// # Panics
    ///
    /// Those of [`step`](Self::step), or if the effects are those of another plan.
    pub fn step_under(
        &mut self,
        conditions: &Conditions<'_>,
        inputs: &[f32],
        targets: &[f32],
        factor: f64,
    ) -> f64 {
        let is_single =
            inputs.len() == self.network.plan().populations[self.network.plan().input].size;
        if is_single {
            return self.step_here(conditions, inputs, targets, factor);
        }
        // On one of the threads among which the operations are divided: handing each of them over from another
        // thread takes longer than many of them.
        rayon::scope(|_| self.step_here(conditions, inputs, targets, factor))
    }

    fn step_here(
        &mut self,
        conditions: &Conditions<'_>,
        inputs: &[f32],
        targets: &[f32],
        factor: f64,
    ) -> f64 {
        let plan = self.network.plan();
        let input = rows(inputs, plan.populations[plan.input].size);
        let target = rows(targets, plan.populations[plan.output].size);
        let Step {
            trace,
            updates,
            loss,
            remembered,
        } = self.learning.step(
            conditions,
            &self.network,
            &self.memory,
            input,
            target,
            &mut (),
        );
        self.descending.begin();
        let own: Vec<Parameter> = self.learning.own_steps().collect();
        for (parameter, delta) in updates.into_deltas() {
            if own.contains(&parameter) {
                self.network.change(parameter, delta.within(Bounds::NONE));
            } else {
                let network = &mut self.network;
                self.descending.change(network, parameter, delta, factor);
            }
        }
        self.memory = remembered;
        self.trace = Some(trace);
        f64::from(loss.row(0)[0])
    }

    /// The output at the end of the last step's forward phase, `[rows, output size]`.
    pub fn outputs(&self) -> Vec<f32> {
        let output = self.network.plan().output;
        self.state(State::Activity, output).unwrap_or_default()
    }

    /// `network`, from which the trainer was made, with the parameters as they are now.
    pub fn network(&self, network: Network) -> Network {
        let learned: Vec<Parameter> = self.learning.learned().collect();
        self.network.store(network, &learned)
    }

    /// Puts what the rules remember now into the memory from which the trainer was made.
    ///
    /// # Panics
    ///
    /// If it is the memory of other rules.
    pub fn remember_in(&self, memory: &RuleMemory) {
        let rows = self.memory.iter();
        memory.keep(rows.map(|row| tensor(row, &self.device)).collect());
    }

    /// The states of the last step, as [`Learning::run`] gives them; `None` before the first one.
    pub fn trace(&self) -> Option<Trace> {
        self.trace
            .as_ref()
            .map(|trace| to_tensors(trace, &self.device))
    }

    /// One state of a population after the last step, `[rows, size]` in row-major order; `None` where
    /// the population has none, or before the first step. Nothing else is copied.
    pub fn state(&self, state: State, id: PopulationId) -> Option<Vec<f32>> {
        let rows = self.trace.as_ref()?.state(state, id)?;
        Some(rows.to_values())
    }

    /// The values of a parameter as they are now; see [`HostNetwork::parameter`].
    pub fn parameter(&self, parameter: Parameter) -> Vec<f32> {
        self.network.parameter(parameter)
    }

    /// Keeps the states of the last step until [`recorded`](Self::recorded) asks for them.
    pub fn record(&mut self) {
        self.recorded.extend(self.trace.clone());
    }

    /// The states of all steps that were kept since the last call, one under the other; `None` if
    /// there are none.
    pub fn recorded(&mut self) -> Option<Trace> {
        let kept = std::mem::take(&mut self.recorded);
        (!kept.is_empty()).then(|| to_tensors(&stacked(&kept), &self.device))
    }
}

/// Values of `size` a row.
fn rows(values: &[f32], size: usize) -> HostRows {
    assert!(
        !values.is_empty() && values.len().is_multiple_of(size),
        "rows of {size} values, the size of the population"
    );
    HostRows::from_values(values, [values.len() / size, size])
}

fn tensor(rows: &HostRows, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(rows.to_values(), rows.dims()), device)
}

/// The states of a network in main memory as tensors.
pub fn to_tensors(trace: &Trace<HostRows>, device: &Device) -> Trace {
    map(trace, |rows| tensor(rows, device))
}

/// A trace with everything in it changed.
fn map<R, S>(trace: &Trace<R>, change: impl Fn(&R) -> S) -> Trace<S> {
    let all = |rows: &PerPopulation<R>| -> PerPopulation<S> {
        rows.iter().map(|(_, rows)| change(rows)).collect()
    };
    let some = |rows: &PerPopulation<Option<R>>| -> PerPopulation<Option<S>> {
        rows.iter()
            .map(|(_, rows)| rows.as_ref().map(&change))
            .collect()
    };
    let state = |state: &NetworkState<R>| NetworkState {
        soma: all(&state.soma),
        activity: all(&state.activity),
        previous: all(&state.previous),
        past: state.past.iter().map(all).collect(),
    };
    Trace {
        forward: state(&trace.forward),
        dendrite: some(&trace.dendrite),
        nudged: state(&trace.nudged),
        nudged_dendrite: some(&trace.nudged_dendrite),
        plateau: some(&trace.plateau),
    }
}

/// Several traces, one under the other.
fn stacked(traces: &[Trace<HostRows>]) -> Trace<HostRows> {
    type All = PerPopulation<HostRows>;
    type Some = PerPopulation<Option<HostRows>>;
    let join =
        |parts: &mut dyn Iterator<Item = &HostRows>| HostRows::stacked(parts.cloned().collect());
    let all = |of: fn(&Trace<HostRows>) -> &All| -> All {
        let populations = of(&traces[0]).iter();
        populations
            .map(|(id, _)| join(&mut traces.iter().map(|trace| &of(trace)[id])))
            .collect()
    };
    let some = |of: fn(&Trace<HostRows>) -> &Some| -> Some {
        let populations = of(&traces[0]).iter();
        populations
            .map(|(id, first)| {
                let parts = &mut traces.iter().filter_map(|trace| of(trace)[id].as_ref());
                first.as_ref().map(|_| join(parts))
            })
            .collect()
    };
    Trace {
        forward: NetworkState {
            soma: all(|it| &it.forward.soma),
            activity: all(|it| &it.forward.activity),
            previous: all(|it| &it.forward.previous),
            past: Vec::new(),
        },
        dendrite: some(|it| &it.dendrite),
        nudged: NetworkState {
            soma: all(|it| &it.nudged.soma),
            activity: all(|it| &it.nudged.activity),
            previous: all(|it| &it.nudged.previous),
            past: Vec::new(),
        },
        nudged_dendrite: some(|it| &it.nudged_dendrite),
        plateau: some(|it| &it.plateau),
    }
}

#[cfg(test)]
mod tests {
    use burn_dendrite_nn::NetworkSpec;

    use super::*;
    use crate::LearningSpec;

    /// An input of 0.5 through weights of 1 and 2: the target of the second unit is 0.2 more.
    #[test]
    fn the_states_of_the_last_step_and_of_those_that_were_recorded() {
        let spec: NetworkSpec = toml::from_str(
            r#"
            tau = 1.0
            steps = 1
            population = [
                { name = "Input.E", size = 1, cell = "excitatory" },
                { name = "Output.E", size = 2, cell = "excitatory" },
            ]
            projection = [{ name = "Output.E<-Input.E", weight = { kind = "half_kaiming" } }]
            "#,
        )
        .unwrap();
        let learning: LearningSpec = toml::from_str(
            r#"
            nudge = {}
            rule = [{ on = "Output.E<-Input.E", learning_rate = 0.0, rule = { kind = "hebbian" } }]
            "#,
        )
        .unwrap();
        let device = crate::test_device();
        let weights = Tensor::from_floats([[1.0, 2.0]], &device);
        let network = spec.init(0, &device).unwrap();
        let network = network.with_weight(burn_dendrite_nn::ProjectionId(0), weights);
        let learning = learning.check(network.plan()).unwrap();
        let memory = learning.memory(&network);
        let mut trainer = HostTrainer::new(&network, &memory, &learning);
        let [input, output] = [0, 1].map(PopulationId);
        assert_eq!(trainer.state(State::Activity, output), None);
        assert!(trainer.trace().is_none() && trainer.recorded().is_none());
        trainer.step(&[0.5], &[0.5, 1.25], 1.0);
        trainer.record();
        assert_eq!(trainer.state(State::Activity, input), Some(vec![0.5]));
        assert_eq!(trainer.state(State::Activity, output), Some(vec![0.5, 1.0]));
        assert_eq!(trainer.state(State::Plateau, output), Some(vec![0.0, 0.25]));
        assert_eq!(
            trainer.state(State::NudgedActivity, output),
            Some(vec![0.5, 1.25])
        );
        assert_eq!(trainer.state(State::Plateau, input), None);
        trainer.step(&[2.0], &[2.0, 4.0], 1.0);
        trainer.record();
        let activity = trainer.recorded().unwrap().forward.activity[output].clone();
        assert_eq!(activity.dims(), [2, 2]);
        assert_eq!(activity.to_values(), [0.5, 1.0, 2.0, 4.0]);
        assert!(trainer.recorded().is_none());
    }
}
