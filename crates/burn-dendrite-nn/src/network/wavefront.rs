//! Settling in few and large operations, for devices where each launch of a kernel takes time.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{Network, WeightView};
use crate::{
    Activation, Drive, NetworkState, Numbers, PerPopulation, Plan, PopulationId, ProjectionId,
    Timing, numbers::Rows, settle::drives,
};

/// The populations of a network side by side in one row of units, and when each is advanced.
///
/// What a population hears in a step is what others did in the step before, or what a population listed earlier
/// did in the same step. Where each population hears the same step of the layer below and the step before of its own
/// layer alone, layer `l` can make its step `t` when layer 0 makes its step `t + l`: then all that it hears was there before, and
/// all populations are advanced by one product and what follows it,
///
/// ```text
/// s ← s + (c + r·W − s) ∘ k        k = 1/τ where the layer is within its steps, else 0
/// r ← f(s)
/// ```
///
/// with all weights in one matrix `W`, `[units, units]`, and what does not change in `c`. Over `steps` steps of `L` layers
/// that is `steps + L − 1` times, instead of a product for each projection in each step.
#[derive(Debug)]
pub(super) struct Wavefront {
    /// All populations but the input, in order of update.
    members: Vec<Member>,
    /// The projections that drive somata, but for those of the input.
    projections: Vec<ProjectionId>,
    units: usize,
    layers: usize,
}

/// A population of the row.
#[derive(Debug)]
struct Member {
    id: PopulationId,
    /// Its units among all.
    units: Range<usize>,
    tau: f64,
    layer: usize,
}

/// How many times the multiplications of the projections the one matrix may ask for.
const MOST_WORK: usize = 4;

impl Wavefront {
    /// The wavefront of a network; `None` where populations hear each other in another way, are of several kinds,
    /// or have so few connections that one matrix would be mostly nothing.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        let mut wavefront = Self {
            members: Vec::new(),
            projections: Vec::new(),
            units: 0,
            layers: 1,
        };
        for (id, population) in plan.populations.iter().filter(|(id, _)| *id != plan.input) {
            let layer = wavefront.layers - 1;
            let members = wavefront.members.iter();
            let this_layer: Vec<PopulationId> = members
                .filter(|member| member.layer == layer)
                .map(|member| member.id)
                .collect();
            let heard = || drives(plan, id, Drive::Forward).filter(|(_, it)| it.pre != plan.input);
            if heard().any(|(_, it)| it.timing == Timing::Current && this_layer.contains(&it.pre)) {
                wavefront.layers += 1;
            }
            wavefront.projections.extend(heard().map(|(id, _)| id));
            wavefront.members.push(Member {
                id,
                units: wavefront.units..wavefront.units + population.size,
                tau: population.tau,
                layer: wavefront.layers - 1,
            });
            wavefront.units += population.size;
        }
        (wavefront.is_alike(plan) && wavefront.is_in_time(plan) && wavefront.is_worth_it(plan))
            .then_some(wavefront)
    }

    fn member(&self, id: PopulationId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// The members at both ends of a projection.
    fn ends(&self, plan: &Plan, id: ProjectionId) -> [&Member; 2] {
        let projection = plan.projection(id);
        [projection.pre, projection.post].map(|id| self.member(id).expect("not the input"))
    }

    /// Whether all units respond in the same way, each by itself.
    fn is_alike(&self, plan: &Plan) -> bool {
        let activation = plan.populations[self.members[0].id].activation;
        activation != Activation::Softmax
            && (self.members.iter().map(|it| &plan.populations[it.id]))
                .all(|it| it.activation == activation && !it.competes())
    }

    /// Whether what each population hears is there when the layer below is one step ahead.
    fn is_in_time(&self, plan: &Plan) -> bool {
        self.projections.iter().all(|&id| {
            let projection = plan.projection(id);
            let [pre, post] = self.ends(plan, id);
            // A population listed later has not moved yet when its activity is heard.
            let hears_this_step = projection.timing == Timing::Current && pre.id < post.id;
            projection.wiring.is_dense() && post.layer == pre.layer + usize::from(hears_this_step)
        })
    }

    /// Whether the matrix is not mostly nothing, and holds each pair of populations once.
    fn is_worth_it(&self, plan: &Plan) -> bool {
        let ends = self.projections.iter().map(|id| self.ends(plan, *id));
        let work: usize = (ends.clone())
            .map(|[pre, post]| pre.units.len() * post.units.len())
            .sum();
        let mut pairs: Vec<_> = ends.map(|ends| ends.map(|member| member.id)).collect();
        pairs.sort_unstable();
        pairs.windows(2).all(|two| two[0] != two[1]) && self.units * self.units <= MOST_WORK * work
    }

    /// The state after so many steps from rest: what [`Dynamics::settle`](crate::Dynamics::settle) says, but for roundings.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - all tensors of the result: `[batch, size]`
    pub(super) fn settle(
        &self,
        network: &Network,
        input: &Tensor<2>,
        steps: usize,
    ) -> NetworkState {
        let plan = network.plan();
        let weights = self.weights(network, input);
        let respond = |soma: Tensor<2>| plan.populations[self.members[0].id].respond(soma);
        let mut soma = self.rest(network, input);
        let constant = self.add_input(network, input, soma.clone());
        let mut activity = respond(soma.clone());
        // Of the last steps of the layers: the activity before each.
        let mut before = Vec::with_capacity(self.layers);
        for (wave, rate) in self.rates(steps, input).into_iter().enumerate() {
            if wave + 1 >= steps {
                before.push(activity.clone());
            }
            let drive = activity.matmul(weights.clone()) + constant.clone();
            soma = soma.clone() + (drive - soma) * rate;
            activity = respond(soma.clone());
        }
        let each = |row: &dyn Fn(&Member) -> Tensor<2>| -> PerPopulation<Tensor<2>> {
            let of =
                |member: &Member| row(member).slice([0..input.dims()[0], member.units.clone()]);
            (plan.populations.iter())
                .map(|(id, _)| self.member(id).map_or_else(|| input.clone(), of))
                .collect()
        };
        NetworkState {
            soma: each(&|_| soma.clone()),
            activity: each(&|_| activity.clone()),
            previous: each(&|member| before[member.layer].clone()),
            past: Vec::new(),
        }
    }

    /// What the drive of each unit counts in each wave, rows `[1, units]`: `1/τ` in the steps of its layer, else 0.
    fn rates(&self, steps: usize, like: &Tensor<2>) -> Vec<Tensor<2>> {
        let row = |wave: usize| -> Vec<f32> {
            let rate = |member: &Member| {
                let is_its_turn = (member.layer..member.layer + steps).contains(&wave);
                let rate = if is_its_turn { 1.0 / member.tau } else { 0.0 };
                std::iter::repeat_n(rate as f32, member.units.len())
            };
            self.members.iter().flat_map(rate).collect()
        };
        let mut rates: Vec<(Vec<f32>, Tensor<2>)> = Vec::new();
        for wave in 0..steps + self.layers - 1 {
            let values = row(wave);
            // All but the first and the last are alike, and come to the device once.
            let tensor = match rates.last() {
                Some((same, tensor)) if *same == values => tensor.clone(),
                _ => like.with_values(values.clone(), [1, self.units]),
            };
            rates.push((values, tensor));
        }
        rates.into_iter().map(|(_, tensor)| tensor).collect()
    }

    /// All weights in one matrix, `[units, units]`.
    fn weights(&self, network: &Network, like: &Tensor<2>) -> Tensor<2> {
        let nothing = like.filled([self.units, self.units], 0.0);
        self.projections.iter().fold(nothing, |weights, &id| {
            let WeightView { matrix, scale } = network.view(id);
            let place = self.ends(network.plan(), id).map(|it| it.units.clone());
            weights.slice_assign(place, if scale == 1.0 { matrix } else { matrix * scale })
        })
    }

    /// Somata at rest, `[batch, units]`: the biases.
    fn rest(&self, network: &Network, like: &Tensor<2>) -> Tensor<2> {
        let [batch, _] = like.dims();
        let nothing = like.filled([batch, self.units], 0.0);
        self.members.iter().fold(nothing, |rest, member| {
            let Some(bias) = network.bias_row(member.id) else {
                return rest;
            };
            let bias = bias.expand([batch, member.units.len()]);
            rest.slice_assign([0..batch, member.units.clone()], bias)
        })
    }

    /// The same with what the input drives, which does not change.
    fn add_input(&self, network: &Network, input: &Tensor<2>, rest: Tensor<2>) -> Tensor<2> {
        let plan = network.plan();
        let [batch, _] = input.dims();
        self.members.iter().fold(rest, |sum, member| {
            let from_input =
                drives(plan, member.id, Drive::Forward).filter(|(_, it)| it.pre == plan.input);
            let drive = from_input.fold(None, |drive: Option<Tensor<2>>, (id, _)| {
                let drive = drive.or_else(|| network.bias_row(member.id));
                Some(network.add_drive(id, input, drive))
            });
            match drive {
                Some(drive) => sum.slice_assign([0..batch, member.units.clone()], drive),
                None => sum,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData, Tolerance};

    use super::Wavefront;
    use crate::{Dynamics, Network, NetworkSpec, NetworkState};

    /// Two layers with interneurons of each kind of cell, which hear their own layer a step late, and an output.
    const LAYERS: &str = r#"
        tau = 3.0
        steps = STEPS
        population = [
            { name = "Input.E", size = 5, cell = "excitatory" },
            { name = "H1.E", size = 7, cell = "excitatory" },
            { name = "H1.I", size = 3, cell = "inhibitory", tau = 2.0 },
            { name = "H2.E", size = 6, cell = "excitatory", bias = { init = { kind = "constant", value = 0.2 } } },
            { name = "H2.I", size = 2, cell = "inhibitory" },
            { name = "Output.E", size = 4, cell = "excitatory", tau = 1.5 },
        ]
        projection = [
            { name = "H1.E<-Input.E", weight = { kind = "half_kaiming" } },
            { name = "H1.E<-H1.I", timing = "previous", weight = { kind = "half_kaiming" } },
            { name = "H1.I<-H1.E", timing = "TIMING", weight = { kind = "half_kaiming" } },
            { name = "H1.I<-H1.I", timing = "previous", weight = { kind = "half_kaiming" } },
            { name = "H2.E<-H1.E", weight = { kind = "half_kaiming" } },
            { name = "H2.E<-H2.I", timing = "previous", weight = { kind = "half_kaiming" } },
            { name = "H2.I<-H1.E", weight = { kind = "half_kaiming" } },
            { name = "H2.I<-H2.E", timing = "previous", weight = { kind = "half_kaiming" } },
            { name = "H1.E<-H2.E", compartment = "dendrite", active = "backward", weight = { kind = "half_kaiming" } },
            { name = "Output.E<-H2.E", weight = { kind = "half_kaiming" } },
            { name = "Output.E<-Output.E", timing = "previous", weight = { kind = "half_kaiming" } },
        ]
    "#;

    fn network(steps: usize, timing: &str) -> Network {
        let text = LAYERS
            .replace("STEPS", &steps.to_string())
            .replace("TIMING", timing);
        let spec: NetworkSpec = toml::from_str(&text).unwrap();
        spec.init(3, &crate::test_device()).unwrap()
    }

    /// Four samples.
    fn inputs() -> Tensor<2> {
        let values: Vec<f32> = (0..20).map(|at| (at * 7 % 20) as f32 / 20.0).collect();
        Tensor::from_data(TensorData::new(values, [4, 5]), &crate::test_device())
    }

    #[test]
    fn a_wavefront_settles_as_step_after_step() {
        for steps in [1, 2, 3, 15] {
            let network = network(steps, "previous");
            let wavefront = Wavefront::of(network.plan()).unwrap();
            assert_eq!((wavefront.units, wavefront.layers), (22, 3));
            let input = inputs();
            let expected = Dynamics::settle(&network, input.clone(), steps, &mut ());
            let found = wavefront.settle(&network, &input, steps);
            for (id, _) in network.plan().populations.iter() {
                let of = |state: &NetworkState| {
                    [&state.soma, &state.activity, &state.previous].map(|it| it[id].to_data())
                };
                for (found, expected) in of(&found).iter().zip(of(&expected)) {
                    let tolerance = Tolerance::absolute(1e-5);
                    found.assert_approx_eq::<f32>(&expected, tolerance);
                }
            }
        }
    }

    #[test]
    fn gradients_pass_through_a_wavefront() {
        let network = network(3, "previous");
        let gradient = |settle: &dyn Fn(Tensor<2>) -> NetworkState| {
            let input = Tensor::from_inner(inputs()).require_grad();
            let output = settle(input.clone()).activity[network.plan().output].clone();
            let gradients = output.square().sum().backward();
            input.grad(&gradients).unwrap().into_data()
        };
        let expected = gradient(&|input| Dynamics::settle(&network, input, 3, &mut ()));
        let wavefront = Wavefront::of(network.plan()).unwrap();
        let found = gradient(&|input| wavefront.settle(&network, &input, 3));
        assert!(expected.iter::<f32>().any(|slope| slope != 0.0));
        found.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
    }

    #[test]
    fn an_interneuron_that_hears_its_own_step_makes_a_layer_that_comes_too_early() {
        // H1.I hears H1.E of the same step, so that H1.E would hear it two steps late.
        assert!(Wavefront::of(network(3, "current").plan()).is_none());
    }

    #[test]
    fn maps_and_softmax_settle_step_after_step() {
        let of = |from: &str, to: &str| {
            let text =
                (LAYERS.replace("STEPS", "2").replace("TIMING", "previous")).replace(from, to);
            let spec: NetworkSpec = toml::from_str(&text).unwrap();
            Wavefront::of(&spec.check().unwrap())
        };
        assert!(of("tau = 1.5", "tau = 1.5").is_some());
        assert!(of("tau = 1.5", "activation = \"softmax\"").is_none());
        assert!(of("size = 4, cell", "size = 400, cell").is_some());
        // Of 418 units and more two hear each other: the matrix would be mostly nothing.
        assert!(of("size = 7, cell", "size = 400, cell").is_none());
    }
}
