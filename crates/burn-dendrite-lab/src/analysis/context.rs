//! What metrics are measured on: the network's answers to the samples.

use burn::tensor::{Device, Tensor};
use burn_dendrite_nn::{
    Dynamics, Event, Network, NetworkState, PerPopulation, PopulationId, PopulationName,
    ProjectionId, perturb::Conditions,
};
use burn_dendrite_train::{data::SampleSet, evaluation_batch};
use nalgebra::DMatrix;

use super::{
    AnalysisOptions, Subject,
    statistics::{matrix, mean},
};

/// A result that can be measured.
pub trait Measured: Sized {
    /// How long it takes beside the others.
    const COST: u64 = 1;

    /// Measures it; `None` where the network or the data have nothing to measure it on.
    fn measure(context: &Context<'_>) -> Option<Self>;
}

/// Everything that a metric may need.
pub struct Context<'a> {
    /// The network, on plain tensors.
    pub network: &'a Network,
    /// The network with its learning and its history.
    pub subject: &'a Subject<'a>,
    /// The samples.
    pub samples: &'a SampleSet,
    /// The answers to them.
    pub recording: &'a Recording,
    /// How much is measured.
    pub options: &'a AnalysisOptions,
    /// Hears which share of the metric is done.
    pub progress: &'a dyn Fn(f64),
}

impl Context<'_> {
    /// The populations but the input, with their names.
    pub fn populations(&self) -> impl Iterator<Item = (PopulationId, &PopulationName)> {
        let plan = self.network.plan();
        let populations = plan.populations.iter();
        populations
            .filter(|(id, _)| *id != plan.input)
            .map(|(id, population)| (id, &population.name))
    }

    /// The projections that own their weights, in the listed order.
    pub fn owned_projections(&self) -> Vec<ProjectionId> {
        owned_projections(self.network)
    }

    /// The first samples as inputs `[count, input size]` and one-hot targets `[count, classes]`.
    pub fn first(&self, count: usize) -> (Tensor<2>, Tensor<2>) {
        let indices: Vec<usize> = (0..count.min(self.samples.len())).collect();
        let batch = self.samples.batch(&indices, &device(self.network));
        (batch.inputs, batch.targets)
    }
}

/// The projections of a network that own their weights, in the listed order.
pub(super) fn owned_projections(network: &Network) -> Vec<ProjectionId> {
    let projections = network.plan().projections.iter().enumerate();
    projections
        .filter(|(_, projection)| projection.is_owned())
        .map(|(index, _)| ProjectionId(index))
        .collect()
}

/// The answers of a network to some samples.
#[derive(Clone, Debug)]
pub struct Recording {
    /// The class of each sample.
    pub labels: Vec<u16>,
    /// Activity at the end of the forward phase, patterns × units.
    pub activity: PerPopulation<DMatrix<f64>>,
    /// Input to the dendrite at the end of the forward phase, patterns × units, not clamped; `None`
    /// for a population without dendrites.
    pub dendrite: PerPopulation<Option<DMatrix<f64>>>,
    /// Mean activity over units and patterns, step by step.
    pub dynamics: PerPopulation<Vec<f64>>,
}

impl Recording {
    /// Lets the network settle on every sample, under these conditions for each batch.
    pub fn new(network: &Network, conditions: &Conditions<'_>, samples: &SampleSet) -> Self {
        let plan = network.plan();
        let all: Vec<usize> = (0..samples.len()).collect();
        let each = || plan.populations.iter();
        let mut activity: PerPopulation<Vec<Tensor<2>>> = each().map(|_| Vec::new()).collect();
        let mut dendrite: PerPopulation<Vec<Tensor<2>>> = each().map(|_| Vec::new()).collect();
        let mut dynamics: PerPopulation<Vec<f64>> = each().map(|_| vec![0.0; plan.steps]).collect();
        for indices in all.chunks(evaluation_batch(plan)) {
            let batch = samples.batch(indices, &device(network));
            let share = indices.len() as f64 / samples.len() as f64;
            let mut watch = |event: Event<'_>| {
                let Event::Step { step, state, .. } = event;
                for (id, activity) in state.activity.iter() {
                    let mean = activity.clone().mean().into_scalar::<f64>();
                    dynamics[id][step] += share * mean;
                }
            };
            let running = conditions.on(network);
            let state = running.settle(batch.inputs, plan.steps, &mut watch);
            for (id, _) in each() {
                activity[id].push(state.activity[id].clone());
                dendrite[id].extend(running.dendritic_state(id, &state));
            }
        }
        let joined = |parts: &Vec<Tensor<2>>| matrix(Tensor::cat(parts.clone(), 0));
        Self {
            labels: samples.labels().to_vec(),
            activity: activity.iter().map(|(_, parts)| joined(parts)).collect(),
            dendrite: (dendrite.iter())
                .map(|(_, parts)| (!parts.is_empty()).then(|| joined(parts)))
                .collect(),
            dynamics,
        }
    }
}

/// Mean |d| of every population with a dendrite, over units and samples; one value a sample.
pub(super) fn dendritic_states(
    network: &Network,
    conditions: &Conditions<'_>,
    samples: &SampleSet,
) -> Vec<(PopulationId, Vec<f64>)> {
    let recorded = Recording::new(network, conditions, samples);
    let populations = recorded.dendrite.iter();
    populations
        .filter_map(|(id, states)| Some((id, mean_absolute(states.as_ref()?))))
        .collect()
}

/// The mean of |x| over the columns of each row.
pub(super) fn mean_absolute(matrix: &DMatrix<f64>) -> Vec<f64> {
    let rows = matrix.row_iter();
    rows.map(|row| row.iter().map(|value| value.abs()).sum::<f64>() / row.len().max(1) as f64)
        .collect()
}

/// Where a network lives, without autodiff.
pub(super) fn device(network: &Network) -> Device {
    use burn::module::Module;
    let device = network.devices().into_iter().next().unwrap_or_default();
    device.without_autodiff()
}

/// Mean squared error over samples and output units.
pub(super) fn loss(network: &Network, state: &NetworkState, targets: &Tensor<2>) -> f64 {
    let output = state.activity[network.plan().output].clone();
    let error = targets.clone() - output;
    error.square().mean().into_scalar::<f64>()
}

/// The mean over the labelled rows of each class, classes × columns; `None` for a class that no
/// row has.
pub(super) fn class_means(
    matrix: &DMatrix<f64>,
    labels: &[u16],
    classes: usize,
) -> Vec<Option<Vec<f64>>> {
    (0..classes)
        .map(|class| {
            let of_class = |row: &usize| usize::from(labels[*row]) == class;
            let rows: Vec<usize> = (0..labels.len()).filter(of_class).collect();
            let column = |column| {
                let values: Vec<f64> = rows.iter().map(|&row| matrix[(row, column)]).collect();
                mean(&values)
            };
            (0..matrix.ncols()).map(column).collect()
        })
        .collect()
}
