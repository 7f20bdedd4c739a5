//! The fused step from the input to the changed weights.

use burn::tensor::{Device, Tensor};
use burn_dendrite_nn::{Network, Parameter, PopulationId};
use rayon::prelude::*;

use super::{
    Unfused, check,
    factors::Samples,
    lane::{Frame, Lane},
    network::{FusedNetwork, device},
    nudge::{Draws, draw},
    plastic::{Cause, Plastic},
    reverse::Gradients,
    weights::unpadded,
};
use crate::{Learning, Remembered, RuleMemory, State, Trace, backprop::Objective};

/// A network for the CPU that learns, with what its rules remember; see the [module](super).
///
/// ```
/// # use burn::tensor::Device;
/// # use burn_dendrite_nn::NetworkSpec;
/// # use burn_dendrite_optim::{LearningSpec, fused::FusedTrainer};
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
/// let mut trainer = FusedTrainer::new(&network, &memory, &learning)?;
/// let before = trainer.step(&[1.0, 0.0], &[1.0, 0.0], 1.0);
/// let after = trainer.step(&[1.0, 0.0], &[1.0, 0.0], 1.0);
/// assert!(after < before);
/// let network = trainer.network(network);
/// # Ok::<(), burn_dendrite_optim::fused::Unfused>(())
/// ```
#[derive(Clone, Debug)]
pub struct FusedTrainer {
    network: FusedNetwork,
    learning: Learning,
    /// Of each local rule, a vector for each of its slots.
    memory: Vec<Vec<Vec<f32>>>,
    objectives: Vec<Objective>,
    /// By lane and objective.
    gradients: Vec<Vec<Gradients>>,
    plastic: Vec<Plastic>,
    /// States that somebody wants to see later.
    records: Vec<Lane>,
    /// Where random events are drawn.
    device: Device,
}

impl FusedTrainer {
    /// The network with its way of learning and what its rules remember, all copied.
    ///
    /// # Errors
    ///
    /// If a rule has no factored form, or a constraint none in place.
    pub fn new(
        network: &Network,
        memory: &RuleMemory,
        learning: &Learning,
    ) -> Result<Self, Unfused> {
        check(network.plan(), learning)?;
        let mut objectives = Vec::new();
        let mut plastic = Vec::new();
        for (place, local) in learning.local().iter().enumerate() {
            let cause = Cause::Rule(local.rule.clone(), place);
            plastic.push(Plastic::new(local.parameter, local.learning_rate, cause));
        }
        for descent in learning.descents() {
            let place = objectives.iter().position(|it| *it == descent.objective);
            let place = place.unwrap_or_else(|| {
                objectives.push(descent.objective);
                objectives.len() - 1
            });
            let cause = Cause::Gradient(place);
            plastic.push(Plastic::new(
                descent.parameter,
                -descent.learning_rate,
                cause,
            ));
        }
        let mut values = memory.values().into_iter();
        let memory = (learning.local().iter())
            .map(|local| {
                let slots = local.rule.memory().into_iter().zip(&mut values);
                slots
                    .map(|(_, value)| value.into_data().iter::<f32>().collect())
                    .collect()
            })
            .collect();
        let mut fused = FusedNetwork::new(network)?;
        for parameter in learning.learned() {
            // Steps visit the rows that change alone, so all others must be lawful from the start.
            // Sums are restored with every change, and here would only be rounded once more.
            fused.constrain_each(parameter);
        }
        Ok(Self {
            network: fused,
            learning: learning.clone(),
            memory,
            objectives,
            gradients: Vec::new(),
            plastic,
            records: Vec::new(),
            device: device(network),
        })
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
        let rows = self.network.rows(inputs);
        let plan = self.network.plan.clone();
        let [input_size, output_size] =
            [plan.input, plan.output].map(|id| plan.populations[id].size);
        assert_eq!(targets.len(), rows * output_size, "a target for each row");
        let parts = self.network.parts(rows);
        while self.gradients.len() < parts.len() {
            self.gradients
                .push(vec![Gradients::default(); self.objectives.len()]);
        }
        let draws: Draws = match self.learning.nudge() {
            Some(nudge) => draw(nudge, &plan, rows, &self.device),
            None => plan.populations.iter().map(|_| Vec::new()).collect(),
        };

        let tracked = self.learning.tracked_steps();
        let FusedNetwork {
            arch,
            wiring,
            weights,
            lanes,
            ..
        } = &mut self.network;
        let frame = Frame {
            arch: *arch,
            plan: &plan,
            wiring,
            weights,
        };
        let (learning, objectives) = (&self.learning, &self.objectives);
        let lanes = &mut lanes[..parts.len()];
        let work =
            |lane: &mut Lane, gradients: &mut Vec<Gradients>, part: std::ops::Range<usize>| {
                let target = &targets[part.start * output_size..part.end * output_size];
                lane.show(
                    frame,
                    &inputs[part.start * input_size..part.end * input_size],
                );
                lane.settle(frame, plan.steps - tracked);
                if !objectives.is_empty() {
                    lane.settle_tracked(frame, tracked);
                }
                lane.keep_forward(&plan);
                lane.keep_dendrites(frame);
                for (objective, gradients) in objectives.iter().zip(gradients) {
                    lane.reverse(frame, *objective, target, rows, gradients);
                }
                if let Some(nudge) = learning.nudge() {
                    lane.nudge(frame, nudge, target, &draws, part.start);
                }
            };
        match (lanes, &mut self.gradients[..]) {
            ([lane], [gradients, ..]) => work(lane, gradients, 0..rows),
            (lanes, gradients) => (lanes.par_iter_mut())
                .zip(gradients)
                .zip(&parts)
                .for_each(|((lane, gradients), part)| work(lane, gradients, part.clone())),
        }
        self.network.used = parts.len();
        let loss = self.loss(targets, rows);
        self.update(rows, factor as f32);
        loss
    }

    fn loss(&self, targets: &[f32], rows: usize) -> f64 {
        let outputs = self.outputs();
        let errors = targets.iter().zip(&outputs);
        let sum: f64 = errors
            .map(|(target, output)| f64::from(target - output).powi(2))
            .sum();
        sum / (rows * outputs.len() / rows) as f64
    }

    /// Every change from the signals as they are, then the constraints.
    fn update(&mut self, rows: usize, factor: f32) {
        let FusedNetwork {
            arch,
            plan,
            wiring,
            weights,
            lanes,
            used,
            ..
        } = &mut self.network;
        let lanes = &lanes[..*used];
        for plastic in &mut self.plastic {
            let width = match plastic.parameter {
                Parameter::Weight(id) => weights.matrix(id).width,
                Parameter::Bias(id) => weights.biases[id].len(),
            };
            plastic.factors.clear(width);
            match &plastic.cause {
                Cause::Rule(rule, place) => {
                    let samples = Samples::new(plan, lanes, plastic.parameter);
                    let memory = &mut self.memory[*place];
                    let factored = rule.factored().expect("checked when the trainer was made");
                    factored.factors(samples, memory, &mut plastic.factors);
                    plastic.factors.scale(plastic.rate * factor / rows as f32);
                }
                Cause::Gradient(objective) => {
                    let frame = Frame {
                        arch: *arch,
                        plan,
                        wiring,
                        weights,
                    };
                    for (lane, gradients) in lanes.iter().zip(&self.gradients) {
                        let gradients = &gradients[*objective];
                        let products = &mut plastic.factors.products;
                        match plastic.parameter {
                            Parameter::Weight(id) => {
                                lane.weight_gradient(frame, gradients, id, products);
                            }
                            Parameter::Bias(id) => lane.bias_gradient(gradients, id, products),
                        }
                    }
                    plastic.factors.scale(plastic.rate * factor);
                }
            }
        }
        for plastic in &mut self.plastic {
            match plastic.parameter {
                Parameter::Weight(id) => {
                    let matrix = weights.matrices[id.0].as_mut();
                    plastic.change(*arch, matrix.expect("what learns is owned"));
                }
                Parameter::Bias(id) => {
                    plastic.factors.add_to_bias(&mut weights.biases[id]);
                    weights.constrain_bias(id);
                }
            }
        }
    }

    /// The output at the end of the last step's forward phase, `[rows, output size]`.
    pub fn outputs(&self) -> Vec<f32> {
        self.network.outputs()
    }

    /// `network`, from which the trainer was made, with the parameters as they are now.
    pub fn network(&self, network: Network) -> Network {
        let learned: Vec<Parameter> = self.plastic.iter().map(|it| it.parameter).collect();
        self.network.weights.store(network, &learned)
    }

    /// What the rules remember now, for [`RuleMemory::keep`].
    pub fn remembered(&self) -> Remembered {
        let values = self.memory.iter().flatten();
        let tensor = |values: &Vec<f32>| Tensor::from_data(values.as_slice(), &self.device);
        Remembered(values.map(tensor).collect())
    }

    /// The states of the last step, as [`Learning::run`] gives them.
    pub fn trace(&self) -> Trace {
        self.network.trace(self.network.lanes())
    }

    /// One state of a population after the last step, `[rows, size]` in row-major order; `None` where
    /// the population has none. Nothing else is copied.
    pub fn state(&self, state: State, id: PopulationId) -> Option<Vec<f32>> {
        let mut values = Vec::new();
        for lane in self.network.lanes() {
            let cells = &lane.cells[id];
            values.extend(unpadded(cells.state(state), cells.size));
        }
        (!values.is_empty()).then_some(values)
    }

    /// The values of a parameter as they are now, in row-major order: the weights of a projection,
    /// `[pre, post]`, a tied one's computed from their source, or the bias of a population, `[size]`,
    /// which is empty where there is none. Nothing else is copied.
    pub fn parameter(&self, parameter: Parameter) -> Vec<f32> {
        let FusedNetwork { plan, weights, .. } = &self.network;
        match parameter {
            Parameter::Weight(id) => weights.effective(plan, id),
            Parameter::Bias(id) => unpadded(&weights.biases[id], plan.populations[id].size),
        }
    }

    /// Keeps the states of the last step until [`recorded`](Self::recorded) asks for them.
    pub fn record(&mut self) {
        self.records.extend_from_slice(self.network.lanes());
    }

    /// The states of all steps that were kept since the last call, one under the other; `None` if
    /// there are none.
    pub fn recorded(&mut self) -> Option<Trace> {
        let records = std::mem::take(&mut self.records);
        (!records.is_empty()).then(|| self.network.trace(&records))
    }
}
