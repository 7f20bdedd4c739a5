//! The parameters of a population and of a projection, and what they are held to.

use burn::{
    module::{Module, Param},
    tensor::{Bool, Device, Int, Tensor, TensorData},
};
use rand_chacha::ChaCha8Rng;

use crate::{
    CellType, ConstraintSpec,
    constraint::constrain,
    geometry::{self, Geometry},
    init::{Distribution, InitSite, WeightStream},
    laws::{Law, Lawful},
    numbers::Bounds,
    on_inner,
    plan::{PopulationPlan, ProjectionPlan, WeightSource},
};

/// Parameters of a population.
#[derive(Module, Debug)]
pub struct Population {
    /// Constant drive `[size]`, or `[maps]` where the units of a map share one.
    pub bias: Option<Param<Tensor<1>>>,
}

/// Parameters of a projection.
#[derive(Module, Debug)]
pub struct Projection {
    /// Weights `[pre, post]`, of a convolution `[synapses of a kernel, maps]`, of local windows and receptive
    /// fields `[synapses of a window, post]`; none where they are another projection's.
    pub weight: Option<Param<Tensor<2>>>,
    /// Which synapses exist, `[pre, post]`; none where all do.
    pub connectivity: Option<Param<Tensor<2, Bool>>>,
    /// The presynaptic unit that each synapse comes from, `[synapses of a window, post]`; none but for windows at
    /// random places.
    pub heard: Option<Param<Tensor<2, Int>>>,
}

impl Population {
    /// The law of [`constrain`](Self::constrain), for walks through a model.
    pub(super) fn under_law(self, plan: &PopulationPlan) -> Lawful<Self, 1> {
        let law = plan.bias.as_ref().map_or_else(Law::new, |bias| {
            Law::new().with_bounds(
                bias.lower.unwrap_or(f64::NEG_INFINITY),
                bias.upper.unwrap_or(f64::INFINITY),
            )
        });
        Lawful::new(self).with_law(|it| it.bias.as_ref(), law)
    }

    pub(super) fn new(
        plan: &PopulationPlan,
        fan_in: usize,
        stream: &mut WeightStream,
        device: &Device,
    ) -> Self {
        let bias = plan.bias.as_ref().map(|bias| {
            let site = InitSite {
                cell: CellType::Unconstrained,
                fan_in,
            };
            let values = bias.init.distribution(&site).sample(plan.biases(), stream);
            Param::from_tensor(Tensor::from_data(
                TensorData::new(values, [plan.biases()]),
                device,
            ))
        });
        Self { bias }
    }

    pub(super) fn constrain(&mut self, plan: &PopulationPlan) {
        let is_bounded = plan
            .bias
            .as_ref()
            .is_some_and(|it| it.bounds() != Bounds::NONE);
        if !is_bounded {
            return;
        }
        let constrain = |bias: Tensor<1>| {
            plan.constrain_bias(bias.unsqueeze::<2>())
                .squeeze_dim::<1>(0)
        };
        self.bias = self
            .bias
            .take()
            .map(|bias| bias.map(|bias| on_inner(bias, constrain)));
    }
}

impl Projection {
    /// The law of [`constrain`](Self::constrain), for walks through a model.
    pub(super) fn under_law(self, plan: &ProjectionPlan) -> Lawful<Self, 2> {
        let (cell, constraints) = (plan.site.cell, plan.constraints.clone());
        let geometry = plan.wiring.geometry;
        Lawful::new(self).with_law_from(
            |it| it.weight.as_ref(),
            move |it| {
                let connectivity = it.connectivity.as_ref().map(Param::val);
                let constraints = constraints.clone();
                Law::new().with_projection(move |weight| {
                    let exists = connectivity
                        .clone()
                        .map(|it| it.to_device(&weight.device()));
                    lawful(weight, cell, &geometry, exists, &constraints)
                })
            },
        )
    }

    pub(super) fn new(
        plan: &ProjectionPlan,
        stream: &mut WeightStream,
        random: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let [pre, post] = [plan.site.pre, plan.site.post];
        let distribution = match &plan.source {
            WeightSource::Own(init) => init.distribution(&InitSite {
                cell: plan.site.cell,
                fan_in: plan.fan_in(),
            }),
            WeightSource::Balance { .. } => Distribution::Constant(0.0),
            WeightSource::Tied { .. } => {
                let [pre, post] = plan.wiring.drawn([pre, post]);
                stream.skip(pre * post);
                return Self {
                    weight: None,
                    connectivity: None,
                    heard: None,
                };
            }
        };
        let (weights, heard) = match &plan.wiring.geometry {
            Geometry::ReceptiveFields(fields) => {
                let windows = (0..post).map(|_| fields.draw(random).collect::<Vec<_>>());
                let drawn = windows.map(|seen| {
                    let all = distribution.sample(fields.seen(), stream);
                    let weights = seen.iter().map(|unit| all[*unit]).collect::<Vec<f32>>();
                    (weights, seen)
                });
                let (weights, heard): (Vec<_>, Vec<_>) = drawn.unzip();
                (weights.concat(), Some(heard.concat()))
            }
            Geometry::Dense | Geometry::Convolution(_) | Geometry::Local(_) => {
                (distribution.sample(pre * post, stream), None)
            }
        };
        // Unit by unit as they were drawn, but in the layout [pre, post]: a transposed view would not be that.
        let transposed = |at: usize| at % post * pre + at / post;
        let weights: Vec<f32> = (0..pre * post).map(|at| weights[transposed(at)]).collect();
        let weight = Tensor::from_data(TensorData::new(weights, [pre, post]), device);
        let heard = heard.map(|heard| {
            let heard: Vec<i32> = (0..pre * post)
                .map(|at| heard[transposed(at)] as i32)
                .collect();
            let heard = Tensor::from_data(TensorData::new(heard, [pre, post]), device);
            Param::initialized(burn::module::ParamId::new(), heard)
        });
        let exists = (plan.constraints.iter())
            .filter_map(|constraint| constraint.connectivity(&plan.site, random))
            .reduce(|one, other| {
                one.iter()
                    .zip(other)
                    .map(|(one, other)| *one && other)
                    .collect()
            });
        Self {
            weight: Some(Param::from_tensor(weight)),
            connectivity: exists.map(|exists| {
                let mask = Tensor::from_data(TensorData::new(exists, [pre, post]), device);
                Param::initialized(burn::module::ParamId::new(), mask)
            }),
            heard,
        }
    }

    pub(super) fn constrain(&mut self, plan: &ProjectionPlan) {
        let connectivity = self.connectivity.as_ref().map(Param::val);
        self.weight = self.weight.take().map(|weight| {
            weight.map(|weight| {
                on_inner(weight, |weight| {
                    let (cell, geometry) = (plan.site.cell, &plan.wiring.geometry);
                    lawful(weight, cell, geometry, connectivity, &plan.constraints)
                })
            })
        });
    }
}

fn lawful(
    weight: Tensor<2>,
    cell: CellType,
    geometry: &Geometry,
    connectivity: Option<Tensor<2, Bool>>,
    constraints: &[ConstraintSpec],
) -> Tensor<2> {
    let keep_existing = |weight: Tensor<2>| {
        let weight = geometry::keep_existing(geometry, weight);
        match connectivity {
            // Added to nothing, what is missing is 0 and not −0.
            Some(exists) => {
                let exists = exists.float().cast(weight.dtype());
                weight * exists + 0.0
            }
            None => weight,
        }
    };
    constrain(weight, cell, keep_existing, constraints)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use crate::{NetworkSpec, PopulationId};

    #[test]
    fn a_bias_stays_within_the_bounds_that_it_has() {
        let spec: NetworkSpec = toml::from_str(
            r#"
            tau = 1.0
            steps = 1
            population = [
                { name = "Input.E", size = 1, cell = "excitatory" },
                { name = "H1.E", size = 3, cell = "excitatory", bias = { init = { kind = "constant", value = 0.5 }, lower = -1.0, upper = 2.0 } },
                { name = "Output.E", size = 3, cell = "excitatory", bias = { init = { kind = "constant", value = 0.5 }, upper = 2.0 } },
            ]
            projection = [
                { name = "H1.E<-Input.E", weight = { kind = "half_kaiming" } },
                { name = "Output.E<-H1.E", weight = { kind = "half_kaiming" } },
            ]
            "#,
        )
        .unwrap();
        let device = crate::test_device();
        let mut network = spec.init(0, &device).unwrap();
        for population in [PopulationId(1), PopulationId(2)] {
            let bias = Tensor::from_floats([-3.0, 1.0, 3.0], &device);
            network = network.with_bias(population, bias);
        }
        let network = network.constrained();
        let bias = |id| -> Vec<f32> { network.bias(id).unwrap().into_data().iter().collect() };
        assert_eq!(bias(PopulationId(1)), [-1.0, 1.0, 2.0]);
        assert_eq!(bias(PopulationId(2)), [-3.0, 1.0, 2.0]);
    }
}
