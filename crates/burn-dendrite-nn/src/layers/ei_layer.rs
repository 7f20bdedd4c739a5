//! An excitatory population with recurrent somatic inhibition.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    tensor::{Device, Tensor},
};

use super::{project::under_law, seed_or_draw};
use crate::{
    Activation, CellType, Compartment, Network, NetworkSpec, PopulationId, Timing,
    constraint::{NoAutapses, constrain},
    init::{Constant, HalfKaiming},
    spec::{Active, BiasSpec, PopulationSpec, ProjectionSpec, WeightSpec},
};

/// Configuration to create an [`EiLayer`] using the [init function](EiLayerConfig::init).
#[derive(Config, Debug)]
pub struct EiLayerConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// Number of excitatory neurons: the size of the output features.
    pub d_excitatory: usize,
    /// Number of inhibitory neurons.
    pub d_inhibitory: usize,
    /// For how many steps the layer settles.
    #[config(default = 10)]
    pub steps: usize,
    /// Time constant in steps.
    #[config(default = 3.0)]
    pub tau: f64,
    /// From somatic state to activity.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// If each neuron has a bias; it starts at zero and is free in sign.
    #[config(default = true)]
    pub bias: bool,
    /// Start of the weights from the input: `U(0, scale / sqrt(d_input))`.
    #[config(default = 1.0)]
    pub input_scale: f64,
    /// Start of the weights from excitatory neurons: `U(0, 2 · gain / d_excitatory)`, so that all
    /// synapses of a neuron together weigh `gain` on average.
    #[config(default = 1.0)]
    pub excitation_gain: f64,
    /// Start of the weights from inhibitory neurons: `U(-2 · gain / d_inhibitory, 0)`. Large
    /// gains make the activity oscillate instead of settling; a larger `tau` calms it.
    #[config(default = 1.0)]
    pub inhibition_gain: f64,
    /// With a seed the start is the same on every device; without one it is drawn from burn's
    /// random numbers and follows `device.seed(..)`, as in burn's own layers. Layers of one shape
    /// need different seeds.
    pub seed: Option<u64>,
}

/// Excitatory neurons `E` that settle under the inhibition of interneurons `SomaI`.
///
/// ```text
/// s_E ← s_E + (b_E + W_E·x + W_EI·r_I − s_E) / τ
/// s_I ← s_I + (b_I + W_I·x + W_IE·r_E + W_II·r_I − s_I) / τ        r = f(s)
/// W_E, W_I, W_IE ≥ 0;    W_EI, W_II ≤ 0;    the diagonal of W_II is 0
/// ```
///
/// `x` input, meant to be rates `≥ 0`, constant while the layer settles; `s` somatic state, `b` at
/// the start; `r` activity, on the right that of the step before; `f` activation; `τ` time constant
/// in steps. The output is `r_E` after the last step. Gradients flow through all steps.
///
/// Gradient steps can break Dale's law: call [`obey_laws`](super::obey_laws) after each one.
///
/// Should be created with [`EiLayerConfig`]; inside is a [`Network`] of three populations
/// that settles as any other. After Galloni et al. (2025).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::EiLayerConfig;
///
/// let device = Device::flex();
/// let layer = EiLayerConfig::new(8, 20, 5).with_steps(15).init(&device);
/// assert_eq!(layer.forward(Tensor::ones([4, 8], &device)).dims(), [4, 20]);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct EiLayer {
    /// Populations `Input.E`, `H.E` and `H.SomaI`.
    pub network: Network,
}

impl EiLayerConfig {
    /// Initialize a new [`EiLayer`] module.
    ///
    /// # Panics
    ///
    /// If a size, `steps`, `tau`, the scale or a gain is not greater than 0.
    pub fn init(&self, device: &Device) -> EiLayer {
        let network = self
            .network_spec()
            .init(seed_or_draw(self.seed, device), device)
            .unwrap_or_else(|errors| panic!("{errors}"));
        EiLayer {
            network: network_under_law(network),
        }
    }

    /// The network inside the layer, as data.
    pub fn network_spec(&self) -> NetworkSpec {
        let bias = self.bias.then(|| BiasSpec {
            init: Constant { value: 0.0 }.into(),
            lower: None,
            upper: None,
        });
        let population = |name: &str, size, cell, bias| PopulationSpec {
            name: name.parse().expect("a population name"),
            size,
            cell,
            activation: self.activation,
            tau: None,
            bias,
        };
        let projection = |name: &str, timing, scale| ProjectionSpec {
            name: name.parse().expect("a projection name"),
            compartment: Compartment::Soma,
            timing,
            active: Active::Forward,
            weight: WeightSpec::Own(HalfKaiming { scale }.into()),
            constraints: Vec::new(),
        };
        let without_autapses = |projection| ProjectionSpec {
            constraints: vec![NoAutapses {}.into()],
            ..projection
        };
        // The initialiser's bound is scale / sqrt(size).
        let scale = |gain: f64, size: usize| 2.0 * gain / (size as f64).sqrt();
        let excitation = scale(self.excitation_gain, self.d_excitatory);
        let inhibition = scale(self.inhibition_gain, self.d_inhibitory);
        NetworkSpec {
            tau: self.tau,
            steps: self.steps,
            output: None,
            populations: vec![
                population("Input.E", self.d_input, CellType::Excitatory, None),
                population("H.E", self.d_excitatory, CellType::Excitatory, bias.clone()),
                population("H.SomaI", self.d_inhibitory, CellType::Inhibitory, bias),
            ],
            projections: vec![
                projection("H.E<-Input.E", Timing::Current, self.input_scale),
                projection("H.E<-H.SomaI", Timing::Previous, inhibition),
                projection("H.SomaI<-Input.E", Timing::Current, self.input_scale),
                projection("H.SomaI<-H.E", Timing::Previous, excitation),
                without_autapses(projection("H.SomaI<-H.SomaI", Timing::Previous, inhibition)),
            ],
        }
    }
}

/// The network with each weight under the laws of its projection, in the order of
/// [`Network::constrained`], so that a mapper can apply them without the plan.
fn network_under_law(mut network: Network) -> Network {
    let plans = network.plan().projections.clone();
    for (projection, plan) in network.projections.iter_mut().zip(plans) {
        let connectivity = (projection.connectivity.as_ref())
            .map(|exists| exists.val().without_autodiff().float());
        projection.weight = projection.weight.take().map(|weight| {
            under_law(weight, move |weight: Tensor<2>| {
                let exists = connectivity.clone();
                let exists = exists.map(|it| it.to_device(&weight.device()).cast(weight.dtype()));
                constrain(weight, plan.site.cell, exists, &plan.constraints)
            })
        });
    }
    network
}

impl EiLayer {
    /// Applies the forward pass on the input tensor: the activity of `E` after the last step.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, d_input]`
    /// - output: `[batch, d_excitatory]`
    ///
    /// # Panics
    ///
    /// If the second axis of `input` is not `d_input`.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.network.forward(input)
    }
}

impl ModuleDisplay for EiLayer {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let plan = self.network.plan();
        let size = |population: usize| plan.populations[PopulationId(population)].size;
        content
            .add("d_input", &size(0))
            .add("d_excitatory", &size(1))
            .add("d_inhibitory", &size(2))
            .add("steps", &plan.steps)
            .add("tau", &plan.spec.tau)
            .add("bias", &self.network.populations[1].bias.is_some())
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkState, ProjectionId, layers::obey_laws};
    use burn::tensor::{TensorData, Tolerance};

    /// One input, one excitatory, two inhibitory neurons.
    fn layer(device: &Device) -> EiLayer {
        let mut layer = EiLayerConfig::new(1, 1, 2)
            .with_tau(2.0)
            .with_steps(3)
            .init(device);
        let weights: [TensorData; 5] = [
            TensorData::from([[4.0f32]]),
            TensorData::from([[-0.5f32], [-1.0]]),
            TensorData::from([[1.0f32, 2.0]]),
            TensorData::from([[1.0f32, 0.0]]),
            TensorData::from([[0.0f32, -1.0], [0.0, 0.0]]),
        ];
        for (index, weight) in weights.into_iter().enumerate() {
            let weight = Tensor::from_data(weight, device);
            layer.network = layer.network.with_weight(ProjectionId(index), weight);
        }
        layer
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let layer = layer(&device);
        let state: NetworkState =
            layer
                .network
                .settle(Tensor::from_floats([[1.0]], &device), 3, &mut ());
        // Step 1, all silent before: E = 4/2 = 2, I = (1/2, 2/2) = (0.5, 1).
        // Step 2: E = 2 + (4 - 0.25 - 1 - 2)/2 = 2.375; I1 = 0.5 + (1 + 2 - 0.5)/2 = 1.75,
        //         I2 = 1 + (2 - 0.5 - 1)/2 = 1.25.
        // Step 3: E = 2.375 + (4 - 0.875 - 1.25 - 2.375)/2 = 2.125;
        //         I1 = 1.75 + (1 + 2.375 - 1.75)/2 = 2.5625, I2 = 1.25 + (2 - 1.75 - 1.25)/2 = 0.75.
        let inhibitory = state.activity[PopulationId(2)].clone().into_data();
        inhibitory.assert_eq(&TensorData::from([[2.5625f32, 0.75]]), true);
        let output = layer
            .forward(Tensor::from_floats([[1.0]], &device))
            .into_data();
        output.assert_eq(&TensorData::from([[2.125f32]]), true);
    }

    #[test]
    fn default_layers_of_many_sizes_come_to_rest() {
        let device = crate::test_device();
        for [input, excitatory, inhibitory] in [[4, 16, 4], [64, 64, 16], [784, 500, 50]] {
            let config = EiLayerConfig::new(input, excitatory, inhibitory).with_seed(Some(1));
            let layer = config.init(&device);
            let after = |steps| {
                let input = Tensor::ones([1, input], &device);
                layer.network.settle(input, steps, &mut ()).activity[PopulationId(1)].clone()
            };
            let (early, late) = (after(25), after(100));
            assert!(
                late.clone().mean().into_scalar::<f32>() > 0.01,
                "{excitatory} are silent"
            );
            early
                .into_data()
                .assert_approx_eq::<f32>(&late.into_data(), Tolerance::rel_abs(0.01, 0.01));
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let device = crate::test_device().autodiff();
        // A smooth activation: differences across the kink of relu mean nothing.
        let config = EiLayerConfig::new(3, 4, 2)
            .with_activation(Activation::Softplus)
            .with_steps(6)
            .with_seed(Some(5));
        let layer = config.init(&device);
        let input = Tensor::<2>::from_floats([[0.5, 1.0, 0.2], [1.5, 0.0, 0.7]], &device);
        let factors =
            Tensor::<2>::from_floats([[1.0, -2.0, 0.5, 1.5], [0.3, 1.0, -1.0, 2.0]], &device);
        let loss = |layer: &EiLayer| (layer.forward(input.clone()) * factors.clone()).sum();
        let gradients = loss(&layer).backward();
        for index in 0..5 {
            let id = ProjectionId(index);
            let weight = layer.network.projections[index]
                .weight
                .as_ref()
                .unwrap()
                .val();
            let gradient = weight.grad(&gradients).expect("every weight matters");
            let gradient: Vec<f32> = gradient.into_data().iter().collect();
            let plain = weight.clone().inner();
            for (at, &gradient) in gradient.iter().enumerate() {
                let at_shift = |shift: f32| {
                    let mut data = plain.to_data();
                    data.as_mut_slice::<f32>().unwrap()[at] += shift;
                    let weight = Tensor::from_data(data, &plain.device());
                    let network = layer.network.valid().with_weight(id, weight);
                    let state = network.forward(input.clone().inner());
                    (state * factors.clone().inner()).sum().into_scalar::<f32>()
                };
                let difference = (at_shift(1e-2) - at_shift(-1e-2)) / 2e-2;
                assert!(
                    (difference - gradient).abs() < 2e-3 * (1.0 + gradient.abs()),
                    "weight {at} of {}: {difference} and {gradient}",
                    layer.network.plan().projection(id).name
                );
            }
        }
    }

    #[test]
    fn the_mapper_does_what_the_network_itself_does() {
        let mut layer = EiLayerConfig::new(3, 4, 3)
            .with_seed(Some(2))
            .init(&crate::test_device());
        for index in 0..5 {
            let id = ProjectionId(index);
            // Both signs in every matrix, and autapses.
            let weight = layer.network.weight(id);
            let weight = weight.clone() - weight.mean().unsqueeze::<2>();
            layer.network = layer.network.with_weight(id, weight);
        }
        let (by_mapper, by_network) = (obey_laws(layer.clone()), layer.network.constrained());
        for id in (0..5).map(ProjectionId) {
            let lawful = by_network.weight(id).into_data();
            by_mapper
                .network
                .weight(id)
                .into_data()
                .assert_eq(&lawful, true);
        }
    }

    #[test]
    fn a_bias_is_optional() {
        let layer = EiLayerConfig::new(2, 3, 1)
            .with_bias(false)
            .init(&crate::test_device());
        // 2*3 + 1*3 + 2*1 + 3*1 + 1*1
        assert_eq!(layer.num_params(), 15);
    }

    #[test]
    #[should_panic(expected = "tau: `tau` is 0")]
    fn a_time_constant_of_zero_is_refused() {
        EiLayerConfig::new(2, 3, 1)
            .with_tau(0.0)
            .init(&crate::test_device());
    }

    #[test]
    fn display() {
        let layer = EiLayerConfig::new(8, 20, 5).init(&crate::test_device());
        assert_eq!(
            layer.to_string(),
            "EiLayer {d_input: 8, d_excitatory: 20, d_inhibitory: 5, steps: 10, tau: 3, \
             bias: true, params: 450}"
        );
    }
}
