//! The parameters of a network, as a burn module.

mod display;
mod parameters;
mod wavefront;

use std::sync::Arc;

use burn::{
    module::{Module, Param},
    tensor::{Device, Int, Tensor},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use parameters::{Population, Projection};

use wavefront::Wavefront;

use crate::{
    Dynamics, NetworkState, Numbers, Observer, Parameter, Plan, PopulationId, ProjectionId,
    geometry::{self, Geometry, Pool, Synapses, Wiring, balanced},
    init::WeightStream,
    laws::Lawful,
    numbers::{Rows, launches_kernels, view_of},
    on_inner,
    plan::{PopulationPlan, WeightSource},
    settle::added,
    spec::Sharing,
};

/// A network: the weights and biases of a [`Plan`].
///
/// Made by [`NetworkSpec::init`](crate::NetworkSpec::init); it runs by
/// [`settle`](Network::settle). Saved, loaded and moved like any burn module; a record belongs to
/// the specification that the network was made from.
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct Network {
    /// Parameters of each population, in the order of the plan.
    pub populations: Vec<Lawful<Population, 1>>,
    /// Parameters of each projection, in the order of the plan.
    pub projections: Vec<Lawful<Projection, 2>>,
    #[module(skip)]
    plan: Arc<Plan>,
}

impl Network {
    /// The network of a plan, with weights drawn from `seed` on the host and then constrained.
    ///
    /// Values are drawn in the order of the reference, so a seed gives the reference's network, on
    /// every device: first as many values as there are weights go unused (PyTorch fills new layers
    /// once already); then, population by population, the weights of each incoming projection,
    /// unit by unit, and the bias. A tied projection draws too, and is overwritten.
    pub fn new(plan: Plan, seed: u64, device: &Device) -> Self {
        let mut stream = WeightStream::new(seed);
        stream.skip(
            plan.projections
                .iter()
                .map(|it| it.wiring.drawn([it.site.pre, it.site.post]))
                .map(|[pre, post]| pre * post)
                .sum(),
        );
        let mut projections: Vec<Option<Projection>> =
            plan.projections.iter().map(|_| None).collect();
        let mut populations = Vec::new();
        for (_, population) in plan.populations.iter() {
            for &id in &population.incoming {
                let mut connectivity = ChaCha8Rng::seed_from_u64(seed);
                connectivity.set_stream(id.0 as u64);
                let plan = plan.projection(id);
                projections[id.0] = Some(Projection::new(
                    plan,
                    &mut stream,
                    &mut connectivity,
                    device,
                ));
            }
            let fan_in = population
                .incoming
                .iter()
                .map(|&id| plan.projection(id).fan_in());
            populations.push(
                Population::new(population, fan_in.sum(), &mut stream, device)
                    .under_law(population),
            );
        }
        let projections = projections.into_iter().flatten().zip(&plan.projections);
        let projections = projections.map(|(it, plan)| it.under_law(plan)).collect();
        Self {
            populations,
            projections,
            plan: Arc::new(plan),
        }
        .constrained()
    }

    /// The plan that this network runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The weights of a projection, `[pre, post]`, a tied one's computed from their source.
    pub fn weight(&self, id: ProjectionId) -> Tensor<2> {
        let WeightView { matrix, scale } = self.view(id);
        if scale == 1.0 { matrix } else { matrix * scale }
    }

    /// Which synapses of a projection with weights of its own exist, `[pre, post]` in row-major order; `None`
    /// where all do.
    pub fn existing(&self, id: ProjectionId) -> Option<Vec<bool>> {
        let drawn = self.projections[id.0].connectivity.as_ref();
        let drawn = drawn.map(|it| it.val().into_data().iter::<bool>().collect());
        let projection = self.plan.projection(id);
        let local = match &projection.wiring.geometry {
            Geometry::Local(local) if !local.is_whole() && projection.has_weights() => local,
            Geometry::Dense
            | Geometry::Convolution(_)
            | Geometry::Local(_)
            | Geometry::ReceptiveFields(_) => return drawn,
        };
        let inside = (0..local.windows.fan_in()).flat_map(|synapse| {
            let places: Vec<bool> = local.exists(synapse).collect();
            (0..local.windows.output[0]).flat_map(move |_| places.clone())
        });
        let drawn = drawn.unwrap_or_else(|| vec![true; projection.site.pre * projection.site.post]);
        let both = inside.zip(drawn).map(|(inside, drawn)| inside && drawn);
        Some(both.collect())
    }

    /// The weights of a projection for all pairs of units, `[pre, post]`, 0 where windows at random places leave a
    /// pair out; of other geometries those of [`weight`](Self::weight).
    pub fn weight_of_pairs(&self, id: ProjectionId) -> Tensor<2> {
        let projection = self.plan.projection(id);
        let weight = self.weight(id);
        match (&projection.wiring.geometry, self.heard(id)) {
            (Geometry::ReceptiveFields(fields), Some(heard)) if projection.is_transposed() => {
                fields.among_all(weight.transpose(), heard).transpose()
            }
            (Geometry::ReceptiveFields(fields), Some(heard)) => fields.among_all(weight, heard),
            _ => weight,
        }
    }

    /// The presynaptic unit that each synapse comes from, `[synapses of a window, post]`, where it was drawn: of
    /// [windows at random places](crate::spec::GeometrySpec::ReceptiveFields), a tied one's those of its source.
    pub fn heard(&self, id: ProjectionId) -> Option<Tensor<2, Int>> {
        let own = match self.plan.projection(id).source {
            WeightSource::Tied { of, .. } => of,
            WeightSource::Own(_) | WeightSource::Balance { .. } => id,
        };
        self.projections[own.0].heard.as_ref().map(Param::val)
    }

    /// Replaces the presynaptic units that the synapses of a projection come from, `[synapses of a window, post]`.
    ///
    /// # Panics
    ///
    /// If the projection has no windows at random places of its own or the shape is another one.
    pub fn with_heard(mut self, id: ProjectionId, heard: Tensor<2, Int>) -> Self {
        let slot = &mut self.projections[id.0].heard;
        let parameter = slot.take().expect("a projection of receptive fields");
        assert_eq!(
            parameter.dims(),
            heard.dims(),
            "shape [synapses of a window, post] of the units that are heard"
        );
        *slot = Some(parameter.map(|old| heard.to_device(&old.device())));
        self
    }

    /// The bias of a population, `[size]`, or `[maps]` where the units of a map share one, if it has one.
    pub fn bias(&self, id: PopulationId) -> Option<Tensor<1>> {
        self.populations[id.0].bias.as_ref().map(Param::val)
    }

    /// Replaces the weights of a projection, `[pre, post]`; they are taken as they are, without
    /// constraints.
    ///
    /// # Panics
    ///
    /// If the projection is tied or the shape another one.
    pub fn with_weight(mut self, id: ProjectionId, weight: Tensor<2>) -> Self {
        let slot = &mut self.projections[id.0].weight;
        let parameter = slot
            .take()
            .expect("a tied projection has no weights of its own");
        assert_eq!(
            parameter.dims(),
            weight.dims(),
            "shape [pre, post] of the weights"
        );
        *slot = Some(parameter.map(|old| like(&old, weight)));
        self
    }

    /// Replaces the bias of a population, `[size]`; taken as it is, without bounds.
    ///
    /// # Panics
    ///
    /// If the population has no bias or the shape is another one.
    pub fn with_bias(mut self, id: PopulationId, bias: Tensor<1>) -> Self {
        let slot = &mut self.populations[id.0].bias;
        let parameter = slot.take().expect("the population has no bias");
        assert_eq!(parameter.dims(), bias.dims(), "shape [size] of the bias");
        *slot = Some(parameter.map(|old| like(&old, bias)));
        self
    }

    /// True where a change of the parameter is the plain product of presynaptic and postsynaptic factors: no
    /// synapses share a weight, and nothing is pooled.
    pub fn is_matrix(&self, parameter: Parameter) -> bool {
        match parameter {
            Parameter::Weight(id) => self.plan.projection(id).wiring.is_dense(),
            Parameter::Bias(id) => {
                let population = &self.plan.populations[id];
                population.biases() == population.size
            }
        }
    }

    /// The change of a parameter that a product of presynaptic and postsynaptic factors stands for, summed over
    /// rows, and over places where synapses share a weight.
    ///
    /// # Shapes
    ///
    /// - pre: `[rows, pre]`, of a bias `[rows, 1]`; post: `[rows, post]`
    /// - result: as the weights, or `[1, biases]`
    pub fn outer(&self, parameter: Parameter, pre: Tensor<2>, post: Tensor<2>) -> Tensor<2> {
        match parameter {
            Parameter::Weight(id) => {
                let wiring = &self.plan.projection(id).wiring;
                geometry::outer(wiring, self.heard(id), pre, post)
            }
            Parameter::Bias(id) => {
                let change = geometry::outer(&Wiring::default(), None, pre, post);
                if self.is_matrix(parameter) {
                    change
                } else {
                    geometry::sum_places(change, self.plan.populations[id].biases())
                }
            }
        }
    }

    /// The weights as the dynamics use them: a matrix without a copy, and a factor.
    fn view(&self, id: ProjectionId) -> WeightView {
        let own = |id: ProjectionId| {
            let weight = self.projections[id.0].weight.as_ref();
            weight.expect("a checked source owns weights").val()
        };
        match self.plan.projection(id).source {
            WeightSource::Own(_) | WeightSource::Balance { .. } => WeightView {
                matrix: own(id),
                scale: 1.0,
            },
            WeightSource::Tied {
                of,
                transpose,
                scale,
            } => WeightView {
                matrix: if transpose {
                    own(of).transpose()
                } else {
                    own(of)
                },
                scale,
            },
        }
    }

    /// The network with every weight and bias projected onto what its constraints allow: Dale's
    /// law, missing synapses, the listed constraints, bias bounds.
    pub fn constrained(self) -> Self {
        self.constrained_where(|_| true)
    }

    /// [`constrained`](Self::constrained) for the parameters that `changed` names; the others are
    /// lawful as they are.
    pub fn constrained_where(mut self, changed: impl Fn(Parameter) -> bool) -> Self {
        let plan = self.plan.clone();
        for (index, projection) in self.projections.iter_mut().enumerate() {
            if changed(Parameter::Weight(ProjectionId(index))) {
                projection.constrain(&plan.projections[index]);
            }
        }
        for (index, population) in self.populations.iter_mut().enumerate() {
            if changed(Parameter::Bias(PopulationId(index))) {
                population.constrain(&plan.populations[PopulationId(index)]);
            }
        }
        for (id, of, through) in plan.balances() {
            if [of, through]
                .iter()
                .any(|id| changed(Parameter::Weight(*id)))
            {
                let [excitation, inhibition] =
                    [of, through].map(|id| self.weight(id).without_autodiff());
                let weight = balanced(&excitation, &inhibition, &plan.projection(of).wiring);
                self = self.with_weight(id, weight);
            }
        }
        self
    }
}

impl Network {
    /// Lets the network settle under a constant input, from rest: [`Dynamics::settle`].
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - every tensor of the result: `[batch, size]`
    ///
    /// # Panics
    ///
    /// If the input does not have the width of the input population.
    pub fn settle(
        &self,
        input: Tensor<2>,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> NetworkState {
        Dynamics::settle(self, input, steps, observer)
    }

    /// Activity of the output population after the forward phase: the network as a function.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - output: `[batch, output size]`
    ///
    /// # Panics
    ///
    /// If the input does not have the width of the input population.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let output = self.plan().output;
        self.settle(input, self.plan().steps, &mut ()).activity[output].clone()
    }
}

/// `scale · matrix`, where the matrix may be a transposed view.
#[derive(Clone, Debug)]
struct WeightView {
    matrix: Tensor<2>,
    scale: f64,
}

impl Numbers for Network {
    type Rows = Tensor<2>;

    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn bias_row(&self, id: PopulationId) -> Option<Tensor<2>> {
        let PopulationPlan { size, shape, .. } = self.plan.populations[id];
        let bias = self.bias(id)?;
        let [biases] = bias.dims();
        if biases == size {
            return Some(bias.unsqueeze());
        }
        let places = shape[1] * shape[2];
        // A product, which burn makes part of what follows, as it does not with an expansion.
        let ones = view_of(1.0, [1, places], &bias);
        let maps = bias.reshape([biases, 1]) * ones;
        Some(maps.reshape([1, size]))
    }

    fn add_drive(
        &self,
        id: ProjectionId,
        arriving: &Tensor<2>,
        sum: Option<Tensor<2>>,
    ) -> Tensor<2> {
        let (arriving, matrix) = self.arriving(id, arriving);
        let projection = self.plan.projection(id);
        let drive = if projection.wiring.is_dense() {
            arriving.matmul(matrix)
        } else if projection.is_transposed() {
            let weight = matrix.transpose();
            let heard = self.heard(id);
            geometry::drive_back(&projection.wiring, arriving, Synapses { weight, heard })
        } else {
            let (weight, heard) = (matrix, self.heard(id));
            geometry::drive(&projection.wiring, arriving, Synapses { weight, heard })
        };
        match sum {
            Some(sum) => drive + sum,
            None => drive,
        }
    }

    fn drive_of_all(&self, arriving: &[(ProjectionId, &Tensor<2>)]) -> Option<Tensor<2>> {
        let plan = &self.plan;
        let ways = || arriving.iter().map(|(id, _)| plan.projection(*id));
        if arriving.len() > 1 && ways().all(|it| it.is_transposed() && !it.wiring.is_dense()) {
            let ways = ways().zip(arriving).map(|(projection, (id, arriving))| {
                let (arriving, matrix) = self.arriving(*id, arriving);
                (&projection.wiring, arriving, matrix.transpose())
            });
            if let Some(drive) = geometry::drives_back(ways.collect()) {
                return Some(drive);
            }
        }
        added(self, arriving)
    }

    /// Where the units of a map share their bias, all of a pool are equal, of which the first fires.
    fn respond_at_rest(&self, id: PopulationId, soma: Tensor<2>) -> Tensor<2> {
        let population = &self.plan.populations[id];
        let pool = population.pool.filter(|_| population.competes());
        let pool = pool.and_then(|pool| Pool::new(pool, population.shape).ok());
        let bias = population.bias.as_ref();
        match pool.filter(|_| bias.is_none_or(|bias| bias.per == Sharing::Map)) {
            Some(pool) => {
                let first = soma.with_values(pool.first_units(), [1, population.size]);
                soma.respond(population.activation) * first
            }
            None => population.respond(soma),
        }
    }

    fn settle_from_rest(&self, input: &Tensor<2>, steps: usize) -> Option<NetworkState> {
        // One step has nothing to gain.
        if steps < 2 || !launches_kernels(&input.device()) {
            return None;
        }
        let wavefront = Wavefront::of(&self.plan)?;
        Some(wavefront.settle(self, input, steps))
    }
}

impl Network {
    /// What arrives at the weights of a projection, and these weights. Their factor goes to the thin activity, not to
    /// the matrix.
    fn arriving(&self, id: ProjectionId, activity: &Tensor<2>) -> (Tensor<2>, Tensor<2>) {
        let WeightView { matrix, scale } = self.view(id);
        let arriving = if scale == 1.0 {
            activity.clone()
        } else {
            activity.clone() * scale
        };
        (arriving, matrix)
    }
}

/// `values` on the device and in the autodiff context of `old`.
fn like<const D: usize>(old: &Tensor<D>, values: Tensor<D>) -> Tensor<D> {
    let plain = values.without_autodiff();
    on_inner(old.clone(), |old| plain.to_device(&old.device()))
}
