//! The fused step from the input to the changed weights.

use std::sync::Arc;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use burn_dendrite_nn::{Network, NetworkState, Parameter, PerPopulation, Plan};
use pulp::Arch;
use rayon::prelude::*;

use super::{
    Unfused, check, check_constraints,
    factors::{Factors, Products, Samples},
    kernel::{self, Operand},
    lane::{Cells, Frame, Lane, Wiring},
    nudge::{Draws, draw},
    reverse::Gradients,
    weights::{Matrix, Weights, unpadded},
};
use crate::{Learning, Remembered, RuleMemory, Trace, backprop::Objective, rule::LearningRule};

/// Fewer rows than this are not worth a second thread.
const ROWS_PER_THREAD: usize = 8;

/// Up to so many products, weights are updated row by row; beyond, by a product of matrices.
const FEW_PRODUCTS: usize = 8;

/// A network for the CPU that only computes.
#[derive(Clone, Debug)]
pub struct FusedNetwork {
    arch: Arch,
    plan: Arc<Plan>,
    wiring: Wiring,
    weights: Weights,
    lanes: Vec<Lane>,
    /// How many of the lanes the last batch needed.
    used: usize,
    /// Where states are put as tensors.
    device: Device,
}

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

/// A parameter that learns, and how.
#[derive(Clone, Debug)]
struct Plastic {
    parameter: Parameter,
    rate: f32,
    cause: Cause,
    factors: Factors,
    sums: Vec<f32>,
}

/// What changes a parameter.
#[derive(Clone, Debug)]
enum Cause {
    /// The local rule, and the place of its memory.
    Rule(Arc<dyn LearningRule>, usize),
    /// The gradient of an objective, by its place.
    Gradient(usize),
}

impl FusedNetwork {
    /// The network, with a copy of its parameters.
    ///
    /// # Errors
    ///
    /// If a constraint cannot be applied in place.
    pub fn new(network: &Network) -> Result<Self, Unfused> {
        let plan = network.plan();
        check_constraints(plan)?;
        if network.is_perturbed() {
            return Err(Unfused::Perturbed);
        }
        Ok(Self {
            arch: Arch::new(),
            wiring: Wiring::new(plan),
            weights: Weights::load(network),
            lanes: Vec::new(),
            used: 0,
            plan: Arc::new(plan.clone()),
            device: device(network),
        })
    }

    /// Activity of the output after the forward phase, `[rows, output size]`, of inputs
    /// `[rows, input size]`, both in row-major order.
    ///
    /// # Panics
    ///
    /// If `inputs` does not hold whole rows.
    pub fn forward(&mut self, inputs: &[f32]) -> Vec<f32> {
        let rows = self.rows(inputs);
        let parts = self.parts(rows);
        let size = self.plan.populations[self.plan.input].size;
        let frame = Frame {
            arch: self.arch,
            plan: &self.plan,
            wiring: &self.wiring,
            weights: &self.weights,
        };
        let lanes = &mut self.lanes[..parts.len()];
        each(lanes, &parts, |lane, part| {
            lane.show(frame, &inputs[part.start * size..part.end * size]);
            lane.settle(frame, frame.plan.steps);
            lane.keep_forward(frame.plan);
        });
        self.used = parts.len();
        self.outputs()
    }

    fn rows(&self, inputs: &[f32]) -> usize {
        let size = self.plan.populations[self.plan.input].size;
        assert!(
            !inputs.is_empty() && inputs.len().is_multiple_of(size),
            "rows of {size} values, the size of the input"
        );
        inputs.len() / size
    }

    /// The rows that each lane takes, with as many lanes made as are needed.
    fn parts(&mut self, rows: usize) -> Vec<std::ops::Range<usize>> {
        let threads = rayon::current_num_threads();
        let count = (rows / ROWS_PER_THREAD).clamp(1, threads.max(1));
        while self.lanes.len() < count {
            self.lanes.push(Lane::new(&self.plan));
        }
        (0..count)
            .map(|part| part * rows / count..(part + 1) * rows / count)
            .collect()
    }

    /// The output at the end of the last forward phase, `[rows, output size]`.
    fn outputs(&self) -> Vec<f32> {
        let mut outputs = Vec::new();
        for lane in &self.lanes[..self.used] {
            let cells = &lane.cells[self.plan.output];
            outputs.extend_from_slice(&unpadded(&cells.forward_activity, cells.size));
        }
        outputs
    }
}

/// Works on every lane with its part of the rows, side by side where there are several.
fn each(
    lanes: &mut [Lane],
    parts: &[std::ops::Range<usize>],
    work: impl Fn(&mut Lane, std::ops::Range<usize>) + Sync,
) {
    match lanes {
        [lane] => work(lane, parts[0].clone()),
        lanes => {
            (lanes.par_iter_mut().zip(parts)).for_each(|(lane, part)| work(lane, part.clone()))
        }
    }
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
        if network.is_perturbed() {
            return Err(Unfused::Perturbed);
        }
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

impl FusedNetwork {
    /// The forward phase of inputs `[rows, input size]`, in row-major order, as a trace that no
    /// backward phase follows.
    ///
    /// # Panics
    ///
    /// If `inputs` does not hold whole rows.
    pub fn forward_trace(&mut self, inputs: &[f32]) -> Trace {
        self.forward(inputs);
        let Self {
            arch,
            plan,
            wiring,
            weights,
            lanes,
            used,
            ..
        } = self;
        let frame = Frame {
            arch: *arch,
            plan,
            wiring,
            weights,
        };
        for lane in &mut lanes[..*used] {
            lane.keep_dendrites(frame);
        }
        let trace = self.trace(self.lanes());
        Trace::forward_only(trace.forward, trace.dendrite)
    }

    /// The lanes of the last batch.
    fn lanes(&self) -> &[Lane] {
        &self.lanes[..self.used]
    }

    fn trace(&self, lanes: &[Lane]) -> Trace {
        let gather = |values: fn(&Cells) -> &Vec<f32>| -> PerPopulation<Option<Tensor<2>>> {
            let populations = self.plan.populations.iter();
            populations
                .map(|(id, population)| {
                    let mut rows = Vec::new();
                    for lane in lanes {
                        rows.extend(unpadded(values(&lane.cells[id]), population.size));
                    }
                    let count = rows.len() / population.size;
                    let data = TensorData::new(rows, [count, population.size]);
                    (count > 0).then(|| Tensor::from_data(data, &self.device))
                })
                .collect()
        };
        let all = |values: fn(&Cells) -> &Vec<f32>| -> PerPopulation<Tensor<2>> {
            let gathered = gather(values);
            let tensors = gathered.iter().map(|(_, tensor)| tensor.clone());
            tensors
                .map(|tensor| tensor.expect("every population has a state"))
                .collect()
        };
        Trace {
            forward: NetworkState {
                soma: all(|cells| &cells.forward_soma),
                activity: all(|cells| &cells.forward_activity),
                previous: all(|cells| &cells.forward_previous),
                past: Vec::new(),
            },
            dendrite: gather(|cells| &cells.dendrite),
            nudged: NetworkState {
                soma: all(|cells| &cells.soma),
                activity: all(|cells| &cells.activity.values),
                previous: all(|cells| &cells.previous.values),
                past: Vec::new(),
            },
            nudged_dendrite: gather(|cells| &cells.nudged_dendrite),
            plateau: gather(|cells| &cells.plateau),
        }
    }

    fn constrain_each(&mut self, parameter: Parameter) {
        match parameter {
            Parameter::Weight(id) => {
                if let Some(matrix) = &mut self.weights.matrices[id.0] {
                    matrix.constrain_each();
                }
            }
            Parameter::Bias(id) => self.weights.constrain_bias(id),
        }
    }
}

impl Plastic {
    fn new(parameter: Parameter, rate: f64, cause: Cause) -> Self {
        Self {
            parameter,
            rate: rate as f32,
            cause,
            factors: Factors::default(),
            sums: Vec::new(),
        }
    }

    /// Adds the change to the weights, and applies what must hold of them.
    fn change(&mut self, arch: Arch, matrix: &mut Matrix) {
        let Factors { products, weighted } = &self.factors;
        if products.count + weighted.count <= FEW_PRODUCTS {
            self.change_rows(arch, matrix);
        } else {
            self.change_blocks(matrix);
        }
        matrix.constrain_together(&mut self.sums);
    }

    /// Row by row, without those that do not change.
    fn change_rows(&self, arch: Arch, matrix: &mut Matrix) {
        let Factors { products, weighted } = &self.factors;
        let (pre, width, bounds) = (matrix.pre, matrix.width, matrix.bounds);
        for unit in 0..pre {
            let not_zero = |factors: &'_ [f32], count: usize| -> [(f32, usize); FEW_PRODUCTS] {
                let mut found = [(0.0, 0); FEW_PRODUCTS];
                for (index, found) in found.iter_mut().enumerate().take(count) {
                    *found = (factors[index * pre + unit], index);
                }
                found
            };
            let changes = not_zero(&products.pre, products.count);
            let decays = not_zero(&weighted.pre, weighted.count);
            let changes = changes.iter().filter(|it| it.0 != 0.0).copied();
            let decays = decays.iter().filter(|it| it.0 != 0.0).copied();
            if changes.clone().next().is_none() && decays.clone().next().is_none() {
                continue;
            }
            let row = matrix.row_mut(unit);
            kernel::update_row(
                arch,
                row,
                changes,
                &products.post,
                decays,
                &weighted.post,
                bounds,
            );
            if !matrix.connectivity.is_empty() {
                let exists = &matrix.connectivity[unit * width..][..width];
                let row = &mut matrix.values[unit * width..][..width];
                for (weight, exists) in row.iter_mut().zip(exists) {
                    *weight *= exists;
                }
            }
        }
    }

    /// By products of matrices, a block of rows for each thread.
    fn change_blocks(&self, matrix: &mut Matrix) {
        let Factors { products, weighted } = &self.factors;
        let (pre, width, bounds) = (matrix.pre, matrix.width, matrix.bounds);
        let block = pre.div_ceil(rayon::current_num_threads().max(1)).max(64);
        let connectivity = &matrix.connectivity;
        let change = |(index, rows): (usize, &mut [f32])| {
            let first = index * block;
            let units = rows.len() / width;
            let shape = |count| [units, count, width];
            if weighted.count > 0 {
                let mut decay = vec![0.0; rows.len()];
                let [left, right] = operands(weighted, first, pre, width);
                kernel::add_product(&mut decay, width, shape(weighted.count), left, right, 1.0);
                for (weight, decay) in rows.iter_mut().zip(&decay) {
                    *weight += *weight * decay;
                }
            }
            let [left, right] = operands(products, first, pre, width);
            kernel::add_product(rows, width, shape(products.count), left, right, 1.0);
            for weight in rows.iter_mut() {
                *weight = weight.max(bounds.lower).min(bounds.upper);
            }
            if !connectivity.is_empty() {
                let exists = &connectivity[first * width..][..rows.len()];
                for (weight, exists) in rows.iter_mut().zip(exists) {
                    *weight *= exists;
                }
            }
        };
        let blocks = matrix.values.par_chunks_mut(block * width).enumerate();
        blocks.for_each(change);
    }
}

/// Where the parameters of a network are.
fn device(network: &Network) -> Device {
    let device = network.devices().into_iter().next();
    device.unwrap_or_default().without_autodiff()
}

/// The two sides of a sum of products, for the presynaptic units from `first` on.
fn operands(products: &Products, first: usize, pre: usize, width: usize) -> [Operand<'_>; 2] {
    [
        Operand {
            values: products.pre.get(first..).unwrap_or_default(),
            row_stride: 1,
            column_stride: pre,
        },
        Operand {
            values: &products.post,
            row_stride: width,
            column_stride: 1,
        },
    ]
}
