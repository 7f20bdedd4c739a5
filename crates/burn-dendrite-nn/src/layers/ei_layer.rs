//! An excitatory population with recurrent somatic inhibition.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param, ParamId},
    tensor::{Device, Int, Tensor, assert_shape},
};
use rand_chacha::ChaCha8Rng;

use super::{
    matrix::Matrix,
    start::{Seed, input_cells},
};
use crate::{
    Activation, CellType, Compartment, Network, NetworkSpec, PopulationId, ProjectionId, Timing,
    constraint::NoAutapses,
    init::{Constant, HalfKaiming},
    laws::Signs,
    spec::{
        Active, BiasSpec, GeometrySpec, Grain, PopulationSpec, ProjectionSpec, Sharing, WeightSpec,
    },
};

/// Configuration to create an [`EiLayer`] using the [init function](EiLayerConfig::init).
#[derive(Config, Debug)]
pub struct EiLayerConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// Number of excitatory neurons: the size of the output features.
    pub d_excitatory: usize,
    /// Number of inhibitory neurons; 0 is a control without inhibition, whose activity does not keep
    /// its size over many layers.
    pub d_inhibitory: usize,
    /// The cell type of each input; all excitatory unless given.
    pub signs: Option<Signs>,
    /// For how many steps the layer settles.
    #[config(default = 15)]
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
    /// Factor on the drive by the input at the start; 1 keeps the size of the activity over many
    /// layers.
    #[config(default = 1.0)]
    pub input_gain: f64,
    /// Gain, at the start, of the loop from excitatory neurons to inhibitory ones and back. Large
    /// gains make the activity oscillate instead of settling; a larger `tau` calms it.
    #[config(default = 0.3)]
    pub excitation_gain: f64,
    /// Which part of the mean excitation inhibition takes away at the start; 1 is balance.
    #[config(default = 1.0)]
    pub inhibition_gain: f64,
    /// What all synapses of an inhibitory neuron onto one of its kind weigh together at the start.
    #[config(default = 0.1)]
    pub disinhibition_gain: f64,
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
/// `x` input, meant to be rates `≥ 0`, constant while the layer settles, with the sign of its cell;
/// `s` somatic state, `b` at the start; `r` activity, on the right that of the step before; `f`
/// activation; `τ` time constant in steps. The output is `r_E` after the last step. Gradients flow
/// through all steps.
///
/// At the start each neuron hears one input in six, half-normal; the other synapses are silent and learn
/// like all. Interneurons hear all inputs about alike, `W_I ~ U(0.5, 1.5)·√(S / (d_input · d_inhibitory))`
/// with `S` what excites a neuron, and take from each neuron what its input gives on average; what remains
/// is drive without a mean, of the size that keeps the mean square of the activity from layer to layer. If
/// every weight moves by ε, as in a step of Adam, inhibition moves by `ε·(K·c + d·S/c)` times the mean
/// input, for `c` what an interneuron hears, `K` of them and `d` inputs: least at this start, and small
/// because `S` is.
///
/// Gradient steps can break Dale's law: call [`obey_laws`](crate::laws::obey_laws) after each one.
///
/// Should be created with [`EiLayerConfig`]; inside is a [`Network`] of three populations
/// that settles as any other. After Galloni et al. (2025).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::EiLayerConfig;
///
/// let device = Device::flex();
/// let layer = EiLayerConfig::new(8, 20, 5).with_steps(20).init(&device);
/// assert_eq!(layer.forward(Tensor::<2>::ones([4, 8], &device)).dims(), [4, 20]);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct EiLayer {
    /// Vector of size `d_input`: `1` for an excitatory input, `-1` for an inhibitory one.
    pub signs: Param<Tensor<1, Int>>,
    /// Populations `Input.E`, `H.E` and `H.SomaI`; without inhibitory neurons the last is missing.
    pub network: Network,
}

/// The projections of [`EiLayerConfig::network_spec`].
const E_FROM_INPUT: ProjectionId = ProjectionId(0);
const E_FROM_I: ProjectionId = ProjectionId(1);
const I_FROM_INPUT: ProjectionId = ProjectionId(2);
const I_FROM_E: ProjectionId = ProjectionId(3);
const I_FROM_I: ProjectionId = ProjectionId(4);

impl EiLayerConfig {
    /// Initialize a new [`EiLayer`] module.
    ///
    /// # Panics
    ///
    /// If a size other than `d_inhibitory`, `steps` or `tau` is not greater than 0, a gain is negative,
    /// or there are not `d_input` signs.
    pub fn init(&self, device: &Device) -> EiLayer {
        for (name, gain) in [
            ("input_gain", self.input_gain),
            ("excitation_gain", self.excitation_gain),
            ("inhibition_gain", self.inhibition_gain),
            ("disinhibition_gain", self.disinhibition_gain),
        ] {
            assert!(
                gain.is_finite() && gain >= 0.0,
                "`{name}` is {gain}; accepted: 0 or more"
            );
        }
        let signs = input_cells(self.signs.as_ref(), self.d_input, 0.0);
        let network = self
            .network_spec()
            .init(0, device)
            .unwrap_or_else(|errors| panic!("{errors}"));
        let mut random = Seed::new(self.seed, device).stream(0);
        EiLayer {
            signs: Param::initialized(ParamId::new(), signs.tensor(device)),
            network: self.started(network, &mut random, device),
        }
    }

    /// The network inside the layer, as data. The weights that it starts with here are placeholders.
    pub fn network_spec(&self) -> NetworkSpec {
        let bias = self.bias.then(|| BiasSpec {
            init: Constant { value: 0.0 }.into(),
            per: Sharing::Unit,
            lower: None,
            upper: None,
        });
        let population = |name: &str, size: usize, cell, bias| PopulationSpec {
            name: name.parse().expect("a population name"),
            size: size.into(),
            cell,
            activation: self.activation,
            tau: None,
            pool: None,
            bias,
        };
        let projection = |name: &str, timing| ProjectionSpec {
            name: name.parse().expect("a projection name"),
            compartment: Compartment::Soma,
            timing,
            active: Active::Forward,
            geometry: GeometrySpec::Dense,
            hears: Grain::Units,
            reaches: Grain::Units,
            weight: WeightSpec::Own(HalfKaiming { scale: 1.0 }.into()),
            constraints: Vec::new(),
        };
        let mut populations = vec![
            population("Input.E", self.d_input, CellType::Excitatory, None),
            population("H.E", self.d_excitatory, CellType::Excitatory, bias.clone()),
        ];
        let mut projections = vec![projection("H.E<-Input.E", Timing::Current)];
        if self.d_inhibitory > 0 {
            populations.push(population(
                "H.SomaI",
                self.d_inhibitory,
                CellType::Inhibitory,
                bias,
            ));
            projections.extend([
                projection("H.E<-H.SomaI", Timing::Previous),
                projection("H.SomaI<-Input.E", Timing::Current),
                projection("H.SomaI<-H.E", Timing::Previous),
                ProjectionSpec {
                    constraints: vec![NoAutapses {}.into()],
                    ..projection("H.SomaI<-H.SomaI", Timing::Previous)
                },
            ]);
        }
        NetworkSpec {
            tau: self.tau,
            steps: self.steps,
            output: Some("H.E".parse().expect("a population name")),
            populations,
            projections,
        }
    }

    fn started(&self, network: Network, random: &mut ChaCha8Rng, device: &Device) -> Network {
        let [inputs, units, cells] = [self.d_input, self.d_excitatory, self.d_inhibitory];
        let input = Matrix::sparse([inputs, units], random).sized(cells > 0, self.input_gain);
        let network = network.with_weight(E_FROM_INPUT, input.tensor(1.0, device));
        if cells == 0 {
            return network;
        }
        // Where all weights move by the same amount, as in a step of Adam, inhibition changes least
        // if the weights onto interneurons and those from them have equal parts in it.
        let excitation = input.sums().iter().sum::<f64>() / units as f64;
        let mean = (excitation / (cells * inputs) as f64).sqrt();
        let to_inhibitory = Matrix::draw([inputs, cells], 0.5..1.5, random).times(mean);
        // Mutual inhibition divides the interneurons' activity by this.
        let disinhibition = if cells > 1 {
            self.disinhibition_gain
        } else {
            0.0
        };
        let divided = 1.0 + disinhibition;
        let heard = to_inhibitory.sums().iter().sum::<f64>() / cells as f64 / divided;
        // Each neuron gets back what its input gives on average, less what the loop will add.
        let takes = input
            .sums()
            .into_iter()
            .map(|sum| self.inhibition_gain * (sum - self.excitation_gain).max(0.0) / heard);
        let takes: Vec<f64> = takes.collect();
        let mean_take = takes.iter().sum::<f64>() / units as f64;
        let inhibition = Matrix::draw([cells, units], 0.0..2.0, random).with_sums(&takes);
        let loop_weight = if mean_take > 0.0 {
            self.excitation_gain * divided / mean_take
        } else {
            0.0
        };
        let from_excitatory =
            Matrix::draw([units, cells], 0.5..1.5, random).with_sums(&vec![loop_weight; cells]);
        let among = Matrix::draw([cells, cells], 0.0..2.0, random)
            .without_diagonal()
            .with_sums(&vec![disinhibition; cells]);
        network
            .with_weight(E_FROM_I, inhibition.tensor(-1.0, device))
            .with_weight(I_FROM_INPUT, to_inhibitory.tensor(1.0, device))
            .with_weight(I_FROM_E, from_excitatory.tensor(1.0, device))
            .with_weight(I_FROM_I, among.tensor(-1.0, device))
    }
}

impl EiLayer {
    /// Applies the forward pass on the input tensor: the activity of `E` after the last step.
    ///
    /// # Shapes
    ///
    /// - input: `[..., d_input]`
    /// - output: `[..., d_excitatory]`
    ///
    /// # Panics
    ///
    /// If the last axis of `input` is not `d_input`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let [d_input] = self.signs.dims();
        assert_shape!(input, [.., d_input]);
        let mut shape = input.dims();
        let rows = shape[..D - 1].iter().product();
        let signs = self.signs.val().float().cast(input.dtype());
        let input = input.reshape([rows, d_input]) * signs.unsqueeze::<2>();
        let output = self.network.forward(input);
        shape[D - 1] = output.dims()[1];
        output.reshape(shape)
    }

    /// The cell types of the inputs.
    pub fn input_signs(&self) -> Signs {
        Signs::from_tensor(self.signs.val())
    }

    /// The cell types of the outputs: all excite. To be given to the layer that reads them.
    pub fn output_signs(&self) -> Signs {
        Signs::excitatory(self.network.plan().populations[PopulationId(1)].size)
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
        let sizes: Vec<usize> = plan.populations.iter().map(|(_, it)| it.size).collect();
        content
            .add("d_input", &sizes[0])
            .add("d_excitatory", &sizes[1])
            .add("d_inhibitory", sizes.get(2).unwrap_or(&0))
            .add("steps", &plan.steps)
            .add("tau", &plan.spec.tau)
            .add("bias", &self.network.populations[1].bias.is_some())
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NetworkState, ProjectionId, laws::obey_laws};
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
            .forward(Tensor::<2>::from_floats([[1.0]], &device))
            .into_data();
        output.assert_eq(&TensorData::from([[2.125f32]]), true);
    }

    /// With inhibition `Σ(w − w̄)² = 2π/(π − 1)`, without it `(Σw)²/π + Σw²·(1 − 1/π) = 1`, each times
    /// the square of the gain.
    #[test]
    fn the_input_starts_as_strong_as_inhibition_makes_it() {
        let sums = |inhibitory: usize| {
            let layer = EiLayerConfig::new(40, 1, inhibitory)
                .with_input_gain(0.5)
                .with_seed(Some(1))
                .init(&crate::test_device());
            let weights = layer.network.weight(E_FROM_INPUT).into_data();
            let weights: Vec<f64> = weights.convert::<f64>().iter().collect();
            let squares = weights.iter().map(|weight| weight * weight);
            (weights.iter().sum::<f64>(), squares.sum::<f64>())
        };
        let (sum, squares) = sums(3);
        assert!((squares - sum * sum / 40.0 - 2.933_884 / 4.0).abs() < 1e-5);
        let (sum, squares) = sums(0);
        let pi = std::f64::consts::PI;
        let bracket = sum * sum / pi + squares * (1.0 - 1.0 / pi);
        assert!((bracket - 0.25).abs() < 1e-5, "{bracket}");
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
                let difference = (at_shift(3e-3) - at_shift(-3e-3)) / 6e-3;
                assert!(
                    (difference - gradient).abs() < 5e-3 * (1.0 + gradient.abs()),
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
            "EiLayer {d_input: 8, d_excitatory: 20, d_inhibitory: 5, steps: 15, tau: 3, \
             bias: true, params: 450}"
        );
    }
}
