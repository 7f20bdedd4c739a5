//! A network in main memory, and its forward phase in lanes.

use std::sync::Arc;

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use burn_dendrite_nn::{Network, NetworkState, Parameter, PerPopulation, Plan};
use pulp::Arch;
use rayon::prelude::*;

use super::{
    Unfused,
    cells::Cells,
    check_constraints,
    lane::{Frame, Lane},
    weights::{Weights, unpadded},
    wiring::Wiring,
};
use crate::Trace;

/// Fewer rows than this are not worth a second thread.
const ROWS_PER_THREAD: usize = 8;

/// A network for the CPU that only computes.
#[derive(Clone, Debug)]
pub struct FusedNetwork {
    pub(super) arch: Arch,
    pub(super) plan: Arc<Plan>,
    pub(super) wiring: Wiring,
    pub(super) weights: Weights,
    pub(super) lanes: Vec<Lane>,
    /// How many of the lanes the last batch needed.
    pub(super) used: usize,
    /// Where states are put as tensors.
    device: Device,
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

    pub(super) fn rows(&self, inputs: &[f32]) -> usize {
        let size = self.plan.populations[self.plan.input].size;
        assert!(
            !inputs.is_empty() && inputs.len().is_multiple_of(size),
            "rows of {size} values, the size of the input"
        );
        inputs.len() / size
    }

    /// The rows that each lane takes, with as many lanes made as are needed.
    pub(super) fn parts(&mut self, rows: usize) -> Vec<std::ops::Range<usize>> {
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
    pub(super) fn outputs(&self) -> Vec<f32> {
        let mut outputs = Vec::new();
        for lane in &self.lanes[..self.used] {
            let cells = &lane.cells[self.plan.output];
            outputs.extend_from_slice(&unpadded(&cells.forward_activity, cells.size));
        }
        outputs
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
    pub(super) fn lanes(&self) -> &[Lane] {
        &self.lanes[..self.used]
    }

    pub(super) fn trace(&self, lanes: &[Lane]) -> Trace {
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

    pub(super) fn constrain_each(&mut self, parameter: Parameter) {
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

/// Where the parameters of a network are.
pub(super) fn device(network: &Network) -> Device {
    let device = network.devices().into_iter().next();
    device.unwrap_or_default().without_autodiff()
}
