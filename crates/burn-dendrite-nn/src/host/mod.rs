//! A network in main memory.

mod asked;
mod convolution;
mod dense;
mod local;
mod receptive_fields;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};

pub(crate) use dense::DenseWeights;

use crate::{
    Adjoint, Network, Numbers, Parameter, PerPopulation, Plan, PopulationId, ProjectionId,
    WeightSource,
    geometry::balanced,
    numbers::{Bounds, HostRows, Rows},
    on_inner,
};

/// The parameters of a network in main memory, where a training step changes them in place.
///
/// Made from a [`Network`], and put back into it by [`store`](Self::store). Products skip silent units
/// where rows are few, and are divided among the threads where they are many.
#[derive(Clone, Debug)]
pub struct HostNetwork {
    plan: Arc<Plan>,
    /// By projection; `None` where the weights are another one's.
    weights: Vec<Option<DenseWeights>>,
    /// By population, `[1, size]`, or `[1, maps]` where the units of a map share one.
    biases: PerPopulation<Option<HostRows>>,
}

/// A sum of products of presynaptic and postsynaptic factors, `Σ_k x_kᵀ · y_k`: each pair is
/// `[rows, pre]` and `[rows, post]`.
pub type Products<'a> = &'a [(HostRows, HostRows)];

/// A change that is asked for of a parameter `w`, each of its numbers within bounds.
///
/// ```text
/// Δ = clamp( Σ_k x_kᵀ · y_k + w ∘ Σ_l u_lᵀ · v_l )
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// The pairs `x`, `y`.
    pub products: Products<'a>,
    /// The pairs `u`, `v`.
    pub weighted: Products<'a>,
    /// What no number of the change may exceed.
    pub bounds: Bounds,
}

impl HostNetwork {
    /// The network with a copy of its parameters.
    pub fn new(network: &Network) -> Self {
        let plan = network.plan();
        let weights = (plan.projections.iter().enumerate())
            .map(|(index, projection)| {
                projection
                    .has_weights()
                    .then(|| DenseWeights::load(network, ProjectionId(index)))
            })
            .collect();
        let biases = (plan.populations.iter())
            .map(|(id, _)| network.bias(id).map(|bias| host_rows(bias.unsqueeze())))
            .collect();
        Self {
            plan: Arc::new(plan.clone()),
            weights,
            biases,
        }
    }

    /// `network`, from which this one was made, with the values that `parameters` have here.
    pub fn store(&self, mut network: Network, parameters: &[Parameter]) -> Network {
        let derived = self.plan.balances().map(|(id, ..)| Parameter::Weight(id));
        for parameter in parameters.iter().copied().chain(derived) {
            let values = self.parameter(parameter);
            match parameter {
                Parameter::Weight(id) => {
                    let site = &self.plan.projection(id).site;
                    let slot = &mut network.projections[id.0].weight;
                    let shape = [site.pre, site.post];
                    *slot = slot
                        .take()
                        .map(|weight| weight.map(|old| put(old, values.clone(), shape)));
                }
                Parameter::Bias(id) => {
                    let slot = &mut network.populations[id.0].bias;
                    let shape = [self.plan.populations[id].biases()];
                    *slot = slot
                        .take()
                        .map(|bias| bias.map(|old| put(old, values.clone(), shape)));
                }
            }
        }
        network
    }

    /// The values of a parameter in row-major order: the weights of a projection, `[pre, post]`, a tied
    /// one's computed from their source, or the bias of a population, `[size]`, which is empty where
    /// there is none.
    pub fn parameter(&self, parameter: Parameter) -> Vec<f32> {
        match parameter {
            Parameter::Weight(id) => {
                let view = self.view(id);
                let (values, [pre, post]) = (view.weights.to_values(), view.weights.dims());
                let mut values = if view.transpose {
                    (0..pre * post)
                        .map(|at| values[at % pre * post + at / pre])
                        .collect()
                } else {
                    values
                };
                if view.scale != 1.0 {
                    values.iter_mut().for_each(|it| *it *= view.scale);
                }
                values
            }
            Parameter::Bias(id) => {
                let bias = self.biases[id].as_ref();
                bias.map(Rows::to_values).unwrap_or_default()
            }
        }
    }

    /// Changes the weights of a projection, or the bias of a population, `w ← constrain(w + Δ)`, and applies
    /// what must hold of them.
    ///
    /// # Panics
    ///
    /// If the parameter is not the network's own.
    pub fn change(&mut self, parameter: Parameter, change: Change<'_>) {
        if change.bounds != Bounds::NONE {
            let add = |weights: &mut [f32], change: &[f32], []: [&mut [f32]; 0]| {
                let pairs = weights.iter_mut().zip(change);
                pairs.for_each(|(weight, change)| *weight += change);
            };
            return self.change_by(parameter, change, &mut [], add);
        }
        match parameter {
            Parameter::Weight(id) => {
                self.own_weights(id).change(change);
                self.balance(id);
            }
            Parameter::Bias(id) => {
                let bias = self.biases[id].take().expect("a bias that learns exists");
                let change = bias_change(&bias, change);
                self.biases[id] = Some(bias + change);
                self.constrain_bias(id);
            }
        }
    }

    /// `Σ Δ²`, the square of the length of a change.
    ///
    /// # Panics
    ///
    /// If the parameter is not the network's own.
    pub fn squared_length(&self, parameter: Parameter, change: Change<'_>) -> f64 {
        match parameter {
            Parameter::Weight(id) => {
                let weights = self.weights[id.0].as_ref();
                let weights = weights.expect("what learns is owned");
                weights.squared_length(change)
            }
            Parameter::Bias(id) => {
                let bias = self.biases[id].as_ref();
                let bias = bias.expect("a bias that learns exists");
                squared_length(bias_change(bias, change).block())
            }
        }
    }

    /// Changes a parameter as an optimizer does that looks at every weight, and applies what must hold.
    ///
    /// `step` is given some of the weights, the changes `Δ` that are asked for, and what it keeps in `memory`,
    /// in the same order.
    ///
    /// # Shapes
    ///
    /// - memory: `[pre, post]` each, or `[1, size]` for a bias
    ///
    /// # Panics
    ///
    /// If the parameter is not the network's own, or a memory is of another size.
    pub fn change_by<const N: usize>(
        &mut self,
        parameter: Parameter,
        change: Change<'_>,
        memory: &mut [HostRows; N],
        step: impl Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Send + Sync,
    ) {
        match parameter {
            Parameter::Weight(id) => {
                self.own_weights(id).change_by(change, memory, step);
                self.balance(id);
            }
            Parameter::Bias(id) => {
                let mut bias = self.biases[id].take().expect("a bias that learns exists");
                let change = bias_change(&bias, change);
                let memory = memory.each_mut().map(HostRows::block_mut);
                step(bias.block_mut(), change.block(), memory);
                self.biases[id] = Some(bias);
                self.constrain_bias(id);
            }
        }
    }

    /// Replaces a parameter by what `change` makes of it, `[pre, post]` or `[1, size]`, and applies what
    /// must hold of it.
    ///
    /// # Panics
    ///
    /// If the parameter is not the network's own.
    pub fn replace(&mut self, parameter: Parameter, change: impl FnOnce(HostRows) -> HostRows) {
        match parameter {
            Parameter::Weight(id) => {
                self.own_weights(id).replace(change);
                self.balance(id);
            }
            Parameter::Bias(id) => {
                let bias = self.biases[id].take().expect("a bias that learns exists");
                self.biases[id] = Some(change(bias));
                self.constrain_bias(id);
            }
        }
    }

    /// Derives the weights that follow from changed ones.
    fn balance(&mut self, changed: ProjectionId) {
        let plan = self.plan.clone();
        for (id, of, through) in plan.balances() {
            if of == changed || through == changed {
                let weights = balanced(
                    self.view(of).weights.rows(),
                    self.view(through).weights.rows(),
                    &plan.projection(of).wiring,
                );
                self.own_weights(id).set(weights);
            }
        }
    }

    fn own_weights(&mut self, id: ProjectionId) -> &mut DenseWeights {
        self.weights[id.0].as_mut().expect("what learns is owned")
    }

    /// Applies what must hold of single weights, or of a bias, by itself.
    ///
    /// A training step visits only what changes, so all else must be lawful from the start; sums are
    /// restored with every change, and here would only be rounded once more.
    pub fn constrain_each(&mut self, parameter: Parameter) {
        match parameter {
            Parameter::Weight(id) => {
                if let Some(weights) = &mut self.weights[id.0] {
                    weights.constrain_each();
                }
            }
            Parameter::Bias(id) => self.constrain_bias(id),
        }
    }

    fn constrain_bias(&mut self, id: PopulationId) {
        let bias = self.biases[id].take();
        self.biases[id] = bias.map(|bias| self.plan.populations[id].constrain_bias(bias));
    }

    fn view(&self, id: ProjectionId) -> View<'_> {
        let own = |id: ProjectionId| {
            let weights = self.weights[id.0].as_ref();
            weights.expect("a checked source owns its weights")
        };
        match self.plan.projection(id).source {
            WeightSource::Own(_) | WeightSource::Balance { .. } => View {
                weights: own(id),
                transpose: false,
                scale: 1.0,
            },
            WeightSource::Tied {
                of,
                transpose,
                scale,
            } => View {
                weights: own(of),
                transpose,
                scale: scale as f32,
            },
        }
    }
}

/// The weights of a projection as another one sees them.
struct View<'a> {
    weights: &'a DenseWeights,
    transpose: bool,
    scale: f32,
}

impl Numbers for HostNetwork {
    type Rows = HostRows;

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn bias_row(&self, id: PopulationId) -> Option<HostRows> {
        let (bias, population) = (self.biases[id].as_ref()?, &self.plan.populations[id]);
        if population.biases() == population.size {
            return Some(bias.clone());
        }
        let [_, height, width] = population.shape;
        let places = bias
            .row(0)
            .iter()
            .flat_map(|bias| std::iter::repeat_n(*bias, height * width));
        let places: Vec<f32> = places.collect();
        Some(HostRows::from_values(&places, [1, population.size]))
    }

    fn add_drive(&self, id: ProjectionId, arriving: &HostRows, sum: Option<HostRows>) -> HostRows {
        let view = self.view(id);
        let post = self.plan.populations[self.plan.projection(id).post].size;
        let sum = whole(sum, arriving.dims()[0], post);
        (view.weights).add_product(arriving, view.transpose, view.scale, None, sum)
    }
}

impl Adjoint for HostNetwork {
    fn add_drive_back(
        &self,
        id: ProjectionId,
        error: &HostRows,
        wanted: Option<&HostRows>,
        sum: Option<HostRows>,
    ) -> HostRows {
        let view = self.view(id);
        let pre = self.plan.populations[self.plan.projection(id).pre].size;
        let sum = whole(sum, error.dims()[0], pre);
        (view.weights).add_product(error, !view.transpose, view.scale, wanted, sum)
    }
}

/// `Σ x·y + b ∘ Σ u·v`, `[1, size]`: a bias has one presynaptic unit. Where the units of a map share a bias,
/// the sum is also over them.
fn bias_change(bias: &HostRows, change: Change<'_>) -> HostRows {
    let product = |factors: Products<'_>| {
        let products = factors.iter().map(|(pre, post)| {
            let rows = post.dims()[0] as f64;
            let change = (pre.clone() * post.clone()).mean_of_column() * rows;
            sum_places(change, bias.dims()[1])
        });
        products.reduce(|sum, product| sum + product)
    };
    let weighted = product(change.weighted).map(|weighted| weighted * bias.clone());
    let parts = [product(change.products), weighted].into_iter().flatten();
    let sum = parts.reduce(|sum, part| sum + part);
    change
        .bounds
        .clamp(sum.unwrap_or_else(|| HostRows::full(bias.dims(), 0.0)))
}

/// The sum of squares.
fn squared_length(values: &[f32]) -> f64 {
    values.iter().map(|it| f64::from(*it).powi(2)).sum()
}

/// The sum over the places of each map, `[1, size]` to `[1, maps]`.
fn sum_places(units: HostRows, maps: usize) -> HostRows {
    let [_, size] = units.dims();
    if size == maps {
        return units;
    }
    let maps = units.row(0).chunks_exact(size / maps);
    let sums: Vec<f32> = maps.map(|map| map.iter().sum()).collect();
    HostRows::from_values(&sums, [1, sums.len()])
}

/// A sum of `[rows, size]`, from one of a single row or none.
fn whole(sum: Option<HostRows>, rows: usize, size: usize) -> HostRows {
    match sum {
        Some(sum) if sum.dims() == [rows, size] => sum,
        Some(sum) => HostRows::full([rows, size], 0.0) + sum,
        None => HostRows::full([rows, size], 0.0),
    }
}

/// The values of a tensor in main memory.
pub(crate) fn host_rows(tensor: Tensor<2>) -> HostRows {
    HostRows::from_values(&tensor.to_values(), tensor.dims())
}

/// `values` on the device and in the autodiff context of `old`.
fn put<const D: usize>(old: Tensor<D>, values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    on_inner(old, |old| {
        Tensor::from_data(TensorData::new(values, shape), &old.device())
    })
}
