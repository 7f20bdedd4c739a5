//! A recurrent network of excitatory and inhibitory neurons.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    tensor::{Device, Distribution, Int, Tensor, TensorData},
};
use rand_chacha::ChaCha8Rng;

use super::{
    DaleLinear, DaleLinearConfig,
    spectral_radius::spectral_radius,
    start::{Balance, Magnitudes, Seed},
};
use crate::{
    Activation, CellType, Signs,
    laws::{Law, LawfulParam},
};

/// Whose activity an [`EiRnn`] puts out.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Outputs {
    /// That of the excitatory neurons: what leaves a cortical area.
    Excitatory,
    /// That of the inhibitory neurons.
    Inhibitory,
    /// That of all neurons, the excitatory ones first.
    All,
}

/// Whether neurons of an [`EiRnn`] may project to themselves.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum SelfConnections {
    /// No neuron does.
    Missing,
    /// Any neuron may.
    Allowed,
}

/// Configuration to create an [`EiRnn`] layer using the [init function](EiRnnConfig::init).
#[derive(Config, Debug)]
pub struct EiRnnConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// Number of neurons.
    pub d_hidden: usize,
    /// Which part of the neurons, from 0 to 1, is inhibitory: the last ones.
    #[config(default = 0.2)]
    pub inhibitory_fraction: f64,
    /// The cell type of each input; all excitatory unless given.
    pub signs: Option<Signs>,
    /// Length of a time step of the input, in milliseconds.
    #[config(default = 20.0)]
    pub dt: f64,
    /// Time constant of the neurons, in milliseconds.
    #[config(default = 100.0)]
    pub tau: f64,
    /// From somatic state to activity.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// If each neuron has a bias; it starts at zero and is free in sign.
    #[config(default = true)]
    pub bias: bool,
    /// Standard deviation of the noise in the somatic state, as it is in the long run without input;
    /// drawn anew in each call, also in validation.
    #[config(default = 0.0)]
    pub noise: f64,
    /// Whether neurons may project to themselves.
    #[config(default = "SelfConnections::Missing")]
    pub self_connections: SelfConnections,
    /// Spectral radius of the recurrent weights at the start.
    #[config(default = 1.0)]
    pub spectral_radius: f64,
    /// How strong inhibitory weights start beside excitatory ones.
    #[config(default = "Balance::Balanced")]
    pub balance: Balance,
    /// Whose activity is put out.
    #[config(default = "Outputs::Excitatory")]
    pub outputs: Outputs,
    /// With a seed the start is the same on every device; without one it is drawn from burn's
    /// random numbers and follows `device.seed(..)`, as in burn's own layers. Layers of one shape
    /// need different seeds.
    pub seed: Option<u64>,
}

/// A recurrent network of excitatory and inhibitory neurons with a time constant.
///
/// ```text
/// s_t = (1 − α)·s_{t−1} + α·(x_t·W_in + r_{t−1}·W + b) + σ·√(α(2 − α))·ξ_t        α = dt/τ
/// r_t = f(s_t)
/// W_ij = sign_i · m_ij,    m_ij ≥ 0,    W_ii = 0
/// ```
///
/// `x` input, with the sign of its cell; `s` somatic state; `r` activity; `f` activation; `sign_i` is
/// `1` for the excitatory neurons, which come first, and `-1` for the inhibitory ones; `ξ` standard
/// normal noise, so that without drive `s` has the standard deviation `σ` whatever `dt` is. All
/// recurrent weights are one product a step; the drive of the input is one product for all steps.
///
/// The weights onto each neuron start with a sum of zero, where balanced, and all of them are then
/// scaled to the spectral radius.
///
/// Gradient steps can break Dale's law: call [`obey_laws`](crate::laws::obey_laws) after each one.
///
/// Should be created with [`EiRnnConfig`]. After Song, Yang and Wang, *Training excitatory-inhibitory
/// recurrent neural networks for cognitive tasks* (2016).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::{DaleLinearConfig, EiRnnConfig};
///
/// let device = Device::flex();
/// let rnn = EiRnnConfig::new(2, 50).init(&device);
/// // Only the excitatory neurons are read, so the readout excites.
/// let readout = DaleLinearConfig::reading(rnn.output_signs(), 3).init(&device);
/// let (activity, state) = rnn.forward(Tensor::ones([4, 30, 2], &device), None);
/// assert_eq!(readout.forward(activity).dims(), [4, 30, 3]);
/// assert_eq!(state.soma.dims(), [4, 50]);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct EiRnn {
    /// Vector of size `d_hidden`: `1` for an excitatory neuron, `-1` for an inhibitory one.
    pub signs: Param<Tensor<1, Int>>,
    /// Weights from the input, and the bias.
    pub input: DaleLinear,
    /// Matrix `[d_hidden, d_hidden]`, presynaptic neuron first: recurrent weights without their signs.
    pub recurrent: LawfulParam<2>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    outputs: Outputs,
    /// Part of the way that a step goes, `dt/τ`.
    pub alpha: f64,
    /// Standard deviation of the noise.
    pub noise: f64,
}

/// State of an [`EiRnn`] between two calls.
#[derive(Clone, Debug)]
pub struct EiRnnState {
    /// Somatic state `[batch, d_hidden]`.
    pub soma: Tensor<2>,
}

impl EiRnnState {
    /// A state at `soma`, `[batch, d_hidden]`.
    pub fn new(soma: Tensor<2>) -> Self {
        Self { soma }
    }
}

impl EiRnnConfig {
    /// Initialize a new [`EiRnn`] module.
    ///
    /// # Panics
    ///
    /// If `inhibitory_fraction` is not between 0 and 1, `dt` is not greater than 0 or greater than `tau`,
    /// `noise` or `spectral_radius` is negative, or there are not `d_input` signs.
    pub fn init(&self, device: &Device) -> EiRnn {
        assert!(
            self.dt > 0.0 && self.dt <= self.tau,
            "`dt` is {} and `tau` {}; accepted: 0 < dt <= tau",
            self.dt,
            self.tau
        );
        for (name, value) in [
            ("noise", self.noise),
            ("spectral_radius", self.spectral_radius),
        ] {
            assert!(
                value.is_finite() && value >= 0.0,
                "`{name}` is {value}; accepted: 0 or more"
            );
        }
        let seed = Seed::new(self.seed, device);
        let size = self.d_hidden;
        let signs = Signs::excitatory_first(size, self.inhibitory_fraction);
        let input = DaleLinearConfig::new(self.d_input, size)
            .with_inhibitory_fraction(0.0)
            .with_signs(self.signs.clone())
            .with_bias(self.bias)
            .init_part(seed, 0, device);
        let magnitudes = self.recurrent(&signs, &mut seed.stream(1));
        let recurrent = Tensor::from_data(TensorData::new(magnitudes, [size, size]), device);
        let law = match self.self_connections {
            SelfConnections::Missing => Law::non_negative().without_autapses(size, device),
            SelfConnections::Allowed => Law::non_negative(),
        };
        EiRnn {
            signs: Param::initialized(burn::module::ParamId::new(), signs.tensor(device)),
            input,
            recurrent: LawfulParam::parameter(Param::from_tensor(recurrent), law),
            activation: self.activation,
            outputs: self.outputs,
            alpha: self.dt / self.tau,
            noise: self.noise,
        }
    }

    /// Recurrent magnitudes `[pre, post]` with the spectral radius.
    fn recurrent(&self, signs: &Signs, random: &mut ChaCha8Rng) -> Vec<f32> {
        let size = self.d_hidden;
        let cells: Vec<CellType> = signs.iter().collect();
        let magnitudes = Magnitudes {
            cells: &cells,
            units: size,
            balance: self.balance,
            initializer: None,
        };
        let allowed = self.self_connections == SelfConnections::Allowed;
        let by_unit = magnitudes.draw(|pre, post| allowed || pre != post, random);
        let signed: Vec<f64> = (0..size * size)
            .map(|at| f64::from(by_unit[at % size][at / size]) * cells[at / size].sign())
            .collect();
        let radius = spectral_radius(&signed, size, random);
        let factor = if radius > 0.0 {
            self.spectral_radius / radius
        } else {
            1.0
        };
        signed
            .iter()
            .map(|weight| (weight.abs() * factor) as f32)
            .collect()
    }
}

impl EiRnn {
    /// Applies the forward pass on a sequence, from `state` or from rest, `s = 0`.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, time, d_input]`
    /// - output: `[batch, time, outputs]`; with one step at least
    /// - state: `[batch, d_hidden]`
    ///
    /// # Panics
    ///
    /// If the last axis of `input` is not `d_input` or there is no step.
    pub fn forward(&self, input: Tensor<3>, state: Option<EiRnnState>) -> (Tensor<3>, EiRnnState) {
        let [batch, steps, _] = input.dims();
        assert!(steps > 0, "the sequence has no step");
        let (device, dtype) = (input.device(), input.dtype());
        let [size] = self.signs.dims();
        let mut drive = self.input.forward(input) * self.alpha;
        if self.noise > 0.0 {
            let factor = self.noise * (self.alpha * (2.0 - self.alpha)).sqrt();
            let normal = Distribution::Normal(0.0, factor);
            let noise = Tensor::random([batch, steps, size], normal, (&device, dtype));
            drive = drive + noise;
        }
        let signs = self.signs.val().float().cast(dtype).unsqueeze::<2>();
        // The signs and the step go into the matrix once, not into every step.
        let weight = self.recurrent.val() * signs.transpose() * self.alpha;
        let mut soma = match state {
            Some(state) => state.soma,
            None => Tensor::zeros([batch, size], (&device, dtype)),
        };
        let mut activity = self.activation.forward(soma.clone());
        let mut activities = Vec::with_capacity(steps);
        for step in 0..steps {
            let now = drive
                .clone()
                .slice([0..batch, step..step + 1])
                .squeeze_dim::<2>(1);
            soma = soma * (1.0 - self.alpha) + now + activity.matmul(weight.clone());
            activity = self.activation.forward(soma.clone());
            activities.push(activity.clone());
        }
        let activity = Tensor::stack::<3>(activities, 1);
        let output = match self.range() {
            Some(range) => activity.slice([0..batch, 0..steps, range]),
            None => activity,
        };
        (output, EiRnnState { soma })
    }

    /// The cell types of the outputs, for the layer that reads them.
    pub fn output_signs(&self) -> Signs {
        let signs = self.hidden_signs();
        match self.range() {
            Some(range) => signs.iter().skip(range.start).take(range.len()).collect(),
            None => signs,
        }
    }

    /// The cell types of all neurons.
    pub fn hidden_signs(&self) -> Signs {
        Signs::from_tensor(self.signs.val())
    }

    /// The recurrent weights with their signs.
    ///
    /// # Shapes
    ///
    /// - output: `[d_hidden, d_hidden]`, presynaptic neuron first
    pub fn recurrent_weight(&self) -> Tensor<2> {
        let magnitude = self.recurrent.val();
        let signs = self.signs.val().float().cast(magnitude.dtype());
        magnitude * signs.unsqueeze_dim::<2>(1)
    }

    /// The neurons that are put out, where these are not all.
    fn range(&self) -> Option<std::ops::Range<usize>> {
        let [size] = self.signs.dims();
        let excitatory = || size - self.hidden_signs().num_inhibitory();
        match self.outputs {
            Outputs::Excitatory => Some(0..excitatory()),
            Outputs::Inhibitory => Some(excitatory()..size),
            Outputs::All => None,
        }
    }
}

impl ModuleDisplay for EiRnn {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, d_hidden] = self.input.magnitude.lazy_shape().dims();
        content
            .add("d_input", &d_input)
            .add("d_hidden", &d_hidden)
            .add("inhibitory", &self.hidden_signs().num_inhibitory())
            .add("alpha", &self.alpha)
            .add("noise", &self.noise)
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        laws::{count_violations, obey_laws},
        layers::gradient::{check_gradient, shifted, with_values},
    };
    use burn::tensor::Tolerance;

    fn set(parameter: &mut LawfulParam<2>, values: TensorData) {
        **parameter = with_values(parameter, values);
    }

    /// One input, one excitatory and one inhibitory neuron.
    fn layer(device: &Device) -> EiRnn {
        let config = EiRnnConfig::new(1, 2)
            .with_inhibitory_fraction(0.5)
            .with_dt(50.0)
            .with_outputs(Outputs::All)
            .with_self_connections(SelfConnections::Allowed);
        let mut layer = config.init(device);
        set(
            &mut layer.input.magnitude,
            TensorData::from([[2.0f32, 1.0]]),
        );
        set(
            &mut layer.recurrent,
            TensorData::from([[0.5f32, 1.0], [1.0, 0.0]]),
        );
        layer
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let input = Tensor::<3>::from_floats([[[1.0], [1.0], [0.0]]], &device);
        let (output, state) = layer(&device).forward(input.clone(), None);
        // α = 1/2. Step 1, all silent before: E = 2/2 = 1, I = 1/2.
        // Step 2: E = 0.5 + (2 + 0.5·1 − 1·0.5)/2 = 1.5;    I = 0.25 + (1 + 1·1)/2 = 1.25.
        // Step 3: E = 0.75 + (0.5·1.5 − 1.25)/2 = 0.5;    I = 0.625 + 1.5/2 = 1.375.
        let expected = TensorData::from([[[1.0f32, 0.5], [1.5, 1.25], [0.5, 1.375]]]);
        output
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::strict());
        // In two parts it is the same.
        let layer = layer(&device);
        let part = |range, state| layer.forward(input.clone().slice([0..1, range]), state);
        let (_, half) = part(0..2, None);
        let (_, whole) = part(2..3, Some(half));
        whole
            .soma
            .into_data()
            .assert_eq(&state.soma.into_data(), true);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let device = crate::test_device().autodiff();
        let config = EiRnnConfig::new(2, 5)
            .with_activation(Activation::Softplus)
            .with_inhibitory_fraction(0.4)
            .with_seed(Some(2));
        let layer = config.init(&device);
        let values: Vec<f32> = (0..16).map(|at| (at % 5) as f32 * 0.3).collect();
        let input = Tensor::<3>::from_data(TensorData::new(values, [2, 4, 2]), &device);
        let loss = |layer: &EiRnn| layer.forward(input.clone(), None).0.powi_scalar(2).sum();
        let gradients = loss(&layer).backward();
        let gradient = layer.recurrent.val().grad(&gradients).unwrap();
        check_gradient(&gradient, |at, shift| {
            let mut layer = layer.clone();
            *layer.recurrent = (*layer.recurrent).clone().map(|it| shifted(it, at, shift));
            loss(&layer).into_scalar::<f32>()
        });
    }

    #[test]
    fn the_start_has_its_spectral_radius_and_is_lawful() {
        let config = EiRnnConfig::new(3, 60)
            .with_spectral_radius(1.5)
            .with_seed(Some(3));
        let layer = config.init(&crate::test_device());
        assert_eq!(count_violations(&layer), 0);
        let weight = layer.recurrent_weight().into_data().convert::<f64>();
        let weight: Vec<f64> = weight.iter().collect();
        let radius = spectral_radius(&weight, 60, &mut Seed::of(1).stream(0));
        assert!((radius - 1.5).abs() < 0.03, "{radius}");
    }

    #[test]
    fn noise_has_its_standard_deviation_in_the_long_run() {
        let config = EiRnnConfig::new(1, 40)
            .with_noise(0.5)
            .with_spectral_radius(0.0)
            .with_seed(Some(1));
        let layer = config.init(&crate::test_device());
        let input = Tensor::<3>::zeros([200, 40, 1], &crate::test_device());
        let (_, state) = layer.forward(input, None);
        let deviation = state.soma.powi_scalar(2).mean().sqrt().into_scalar::<f32>();
        // Five standard errors of 8,000 values.
        assert!((deviation - 0.5).abs() < 0.02, "{deviation}");
    }

    #[test]
    fn outputs_are_those_of_the_chosen_cells() {
        let device = crate::test_device();
        let config = EiRnnConfig::new(1, 10).with_seed(Some(1));
        let output = |outputs| {
            let layer = config.clone().with_outputs(outputs).init(&device);
            let (output, _) = layer.forward(Tensor::ones([2, 3, 1], &device), None);
            assert_eq!(output.dims()[2], layer.output_signs().len());
            (output, layer.output_signs())
        };
        let (all, _) = output(Outputs::All);
        let (excitatory, signs) = output(Outputs::Excitatory);
        assert_eq!(signs, Signs::excitatory(8));
        let (inhibitory, signs) = output(Outputs::Inhibitory);
        assert_eq!(signs, Signs::inhibitory(2));
        let both = Tensor::cat(vec![excitatory, inhibitory], 2);
        both.into_data().assert_eq(&all.into_data(), true);
    }

    #[test]
    fn no_neuron_projects_to_itself_after_a_step() {
        let mut layer = EiRnnConfig::new(1, 4).init(&crate::test_device());
        *layer.recurrent = (*layer.recurrent).clone().map(|it| it.ones_like());
        assert_eq!(count_violations(&layer), 4);
        assert_eq!(count_violations(&obey_laws(layer)), 0);
    }

    #[test]
    fn display() {
        assert_eq!(
            EiRnnConfig::new(3, 10)
                .init(&crate::test_device())
                .to_string(),
            "EiRnn {d_input: 3, d_hidden: 10, inhibitory: 2, alpha: 0.2, noise: 0, params: 140}"
        );
    }
}
