//! Weights and biases in main memory, and the way from and to burn's tensors.

use burn::tensor::{Tensor, TensorData};
use burn_dendrite_nn::{
    CellType, Network, Parameter, PerPopulation, Plan, PopulationId, ProjectionId, WeightSource,
    constraint::InPlace, on_inner,
};

use super::kernel::{Bounds, padded};

/// The parameters of a network, as the loops want them.
#[derive(Clone, Debug)]
pub(super) struct Weights {
    /// By projection; `None` where the weights are another one's.
    pub(super) matrices: Vec<Option<Matrix>>,
    /// By population, padded; empty where there is no bias.
    pub(super) biases: PerPopulation<Vec<f32>>,
    /// By population.
    pub(super) bias_bounds: PerPopulation<Bounds>,
}

/// The weights of one projection, `[pre, post]` with padded rows, and what holds of them.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) values: Vec<f32>,
    pub(super) pre: usize,
    pub(super) post: usize,
    /// Values of a row, padding included.
    pub(super) width: usize,
    /// 1 where there is a synapse and 0 where there is none, laid out as the values; empty where
    /// all exist.
    pub(super) connectivity: Vec<f32>,
    /// What each weight must keep to by itself.
    pub(super) bounds: Bounds,
    /// What follows once all weights have changed, in order.
    pub(super) afterwards: Vec<InPlace>,
}

impl Weights {
    pub(super) fn load(network: &Network) -> Self {
        let plan = network.plan();
        let matrices = (plan.projections.iter().enumerate())
            .map(|(index, projection)| match projection.source {
                WeightSource::Own(_) => Some(Matrix::load(network, ProjectionId(index))),
                WeightSource::Tied { .. } => None,
            })
            .collect();
        let biases = (plan.populations.iter())
            .map(|(id, population)| match network.bias(id) {
                Some(bias) => rows(bias.unsqueeze(), padded(population.size)),
                None => Vec::new(),
            })
            .collect();
        let bias_bounds = (plan.populations.iter())
            .map(|(_, population)| {
                let bound = |of: Option<f64>, none: f32| of.map_or(none, |bound| bound as f32);
                population
                    .bias
                    .as_ref()
                    .map_or(Bounds::NONE, |bias| Bounds {
                        lower: bound(bias.lower, f32::NEG_INFINITY),
                        upper: bound(bias.upper, f32::INFINITY),
                    })
            })
            .collect();
        Self {
            matrices,
            biases,
            bias_bounds,
        }
    }

    /// Puts the learned values into `network`, whose other parameters they are anyway.
    pub(super) fn store(&self, mut network: Network, learned: &[Parameter]) -> Network {
        for parameter in learned {
            match *parameter {
                Parameter::Weight(id) => {
                    let matrix = self.matrix(id);
                    let slot = &mut network.projections[id.0].weight;
                    let shape = [matrix.pre, matrix.post];
                    *slot = slot.take().map(|weight| {
                        weight.map(|old| put(old, unpadded(&matrix.values, matrix.post), shape))
                    });
                }
                Parameter::Bias(id) => {
                    let size = network.plan().populations[id].size;
                    let values = self.biases[id][..size].to_vec();
                    let slot = &mut network.populations[id.0].bias;
                    *slot = slot
                        .take()
                        .map(|bias| bias.map(|old| put(old, values.clone(), [size])));
                }
            }
        }
        network
    }

    /// The weights that a projection owns.
    ///
    /// # Panics
    ///
    /// If it owns none.
    pub(super) fn matrix(&self, id: ProjectionId) -> &Matrix {
        self.matrices[id.0]
            .as_ref()
            .expect("a checked source owns its weights")
    }

    /// The weights of a projection without padding, `[pre, post]`, a tied one's computed from their
    /// source.
    pub(super) fn effective(&self, plan: &Plan, id: ProjectionId) -> Vec<f32> {
        let own = |id| {
            let matrix = self.matrix(id);
            (unpadded(&matrix.values, matrix.post), matrix)
        };
        match plan.projection(id).source {
            WeightSource::Own(_) => own(id).0,
            WeightSource::Tied {
                of,
                transpose,
                scale,
            } => {
                let (values, Matrix { pre, post, .. }) = own(of);
                let mut values = match transpose {
                    true => (0..pre * post)
                        .map(|at| values[at % pre * post + at / pre])
                        .collect(),
                    false => values,
                };
                if scale != 1.0 {
                    values.iter_mut().for_each(|it| *it *= scale as f32);
                }
                values
            }
        }
    }

    pub(super) fn constrain_bias(&mut self, id: PopulationId) {
        let Bounds { lower, upper } = self.bias_bounds[id];
        if self.bias_bounds[id] != Bounds::NONE {
            for bias in &mut self.biases[id] {
                *bias = bias.clamp(lower, upper);
            }
        }
    }

    pub(super) fn bias(&self, id: PopulationId) -> Option<&[f32]> {
        let bias = &self.biases[id];
        (!bias.is_empty()).then_some(bias)
    }
}

impl Matrix {
    fn load(network: &Network, id: ProjectionId) -> Self {
        let plan: &Plan = network.plan();
        let projection = plan.projection(id);
        let site = &projection.site;
        let width = padded(site.post);
        let mut bounds = match site.cell {
            CellType::Excitatory => Bounds {
                lower: 0.0,
                ..Bounds::NONE
            },
            CellType::Inhibitory => Bounds {
                upper: 0.0,
                ..Bounds::NONE
            },
            CellType::Unconstrained => Bounds::NONE,
        };
        let mut afterwards = Vec::new();
        for constraint in &projection.constraints {
            match constraint.in_place() {
                None | Some(InPlace::Nothing) => {}
                Some(InPlace::Clamp { lower, upper }) if afterwards.is_empty() => {
                    bounds = bounds.and(Bounds { lower, upper });
                }
                Some(other) => afterwards.push(other),
            }
        }
        let connectivity = &network.projections[id.0].connectivity;
        Self {
            values: rows(network.weight(id), width),
            pre: site.pre,
            post: site.post,
            width,
            connectivity: connectivity
                .as_ref()
                .map(|exists| rows(exists.val().float(), width))
                .unwrap_or_default(),
            bounds,
            afterwards,
        }
    }

    /// The padded row of weights from one presynaptic unit.
    pub(super) fn row_mut(&mut self, pre: usize) -> &mut [f32] {
        &mut self.values[pre * self.width..(pre + 1) * self.width]
    }

    /// Everything that must hold of single weights, for all of them.
    pub(super) fn constrain_each(&mut self) {
        let Bounds { lower, upper } = self.bounds;
        for value in &mut self.values {
            *value = value.clamp(lower, upper);
        }
        for (value, exists) in self.values.iter_mut().zip(&self.connectivity) {
            *value *= exists;
        }
    }

    /// What must hold of the weights together.
    pub(super) fn constrain_together(&mut self, sums: &mut Vec<f32>) {
        for constraint in &self.afterwards {
            match *constraint {
                InPlace::Nothing => {}
                InPlace::Clamp { lower, upper } => {
                    for value in &mut self.values {
                        *value = value.clamp(lower, upper);
                    }
                }
                InPlace::ColumnSum(total) => {
                    sums.clear();
                    sums.resize(self.width, 0.0);
                    for row in self.values.chunks_exact(self.width) {
                        for (sum, weight) in sums.iter_mut().zip(row) {
                            *sum += weight.abs();
                        }
                    }
                    for sum in sums.iter_mut() {
                        // A unit that hears nothing keeps its zeros.
                        *sum = if *sum == 0.0 { 1.0 } else { *sum };
                    }
                    for row in self.values.chunks_exact_mut(self.width) {
                        for (weight, sum) in row.iter_mut().zip(sums.iter()) {
                            *weight = *weight / sum * total;
                        }
                    }
                }
            }
        }
    }
}

/// The rows of a tensor, each padded with zeros to `width`.
pub(super) fn rows(tensor: Tensor<2>, width: usize) -> Vec<f32> {
    let [count, size] = tensor.dims();
    let data = tensor.without_autodiff().into_data().convert::<f32>();
    let values = data.as_slice::<f32>().expect("converted to f32");
    let mut padded = vec![0.0; count * width];
    if size > 0 {
        for (row, values) in padded
            .chunks_exact_mut(width)
            .zip(values.chunks_exact(size))
        {
            row[..size].copy_from_slice(values);
        }
    }
    padded
}

/// The values of padded rows without their padding.
pub(super) fn unpadded(values: &[f32], size: usize) -> Vec<f32> {
    let width = padded(size);
    if width == size {
        return values.to_vec();
    }
    let mut unpadded = Vec::with_capacity(values.len() / width.max(1) * size);
    for row in values.chunks_exact(width) {
        unpadded.extend_from_slice(&row[..size]);
    }
    unpadded
}

/// `values` on the device and in the autodiff context of `old`.
fn put<const D: usize>(old: Tensor<D>, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    on_inner(old, |old| {
        Tensor::from_data(TensorData::new(values, shape), &old.device())
    })
}
