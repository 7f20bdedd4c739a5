//! A dense layer with feed-forward inhibition.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    tensor::{Device, Tensor, TensorData, activation::relu, assert_shape, module::linear},
};
use rand::RngExt;
use rand_distr::Exp;

use super::start::Seed;
use crate::{
    Activation, Signs,
    laws::{Law, LawfulParam},
};

/// What the interneurons of an [`EiDense`] do.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Inhibition {
    /// They subtract.
    Subtractive,
    /// They subtract and divide.
    Divisive,
}

/// Whether the gradients of an [`EiDense`] are corrected for how much inhibitory weights matter.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum GradientCorrection {
    /// Gradients of inhibitory weights are scaled down, as published: one inhibitory synapse moves the
    /// output as much as many excitatory ones. For plain gradient descent; Adam undoes any scale.
    Corrected,
    /// Gradients are as they are.
    Plain,
}

/// Configuration to create an [`EiDense`] layer using the [init function](EiDenseConfig::init).
#[derive(Config, Debug)]
pub struct EiDenseConfig {
    /// The size of the input features, all of excitatory cells.
    pub d_input: usize,
    /// Number of excitatory neurons: the size of the output features.
    pub d_excitatory: usize,
    /// Number of inhibitory neurons.
    pub d_inhibitory: usize,
    /// What the interneurons do.
    #[config(default = "Inhibition::Subtractive")]
    pub inhibition: Inhibition,
    /// Whether gradients of inhibitory weights are scaled.
    #[config(default = "GradientCorrection::Corrected")]
    pub gradient_correction: GradientCorrection,
    /// From somatic state to activity.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// If each neuron has a bias; it starts at zero and is free in sign.
    #[config(default = true)]
    pub bias: bool,
    /// Added to what is divided by.
    #[config(default = 1e-8)]
    pub epsilon: f64,
    /// With a seed the start is the same on every device; without one it is drawn from burn's
    /// random numbers and follows `device.seed(..)`, as in burn's own layers. Layers of one shape
    /// need different seeds.
    pub seed: Option<u64>,
}

/// Excitatory neurons under feed-forward inhibition, which centres their input as layer normalisation
/// does.
///
/// ```text
/// h = relu(x·W_IE)                                 interneurons
/// z = x·W_EE − h·W_EI                              subtractive
/// z = g ⊙ (x·W_EE − h·W_EI) / ((h ⊙ exp α)·W_EI)   divisive
/// y = f(z + b)                                     all W ≥ 0, g ≥ 0
/// ```
///
/// `x` rates of excitatory cells; `h` activity of the interneurons; `g` gain and `α` of each neuron and
/// interneuron learn; `f` activation; `b` bias.
///
/// The start is the published one: `W_EE` exponential with standard deviation
/// `√(2·n / (d·(n − 1)))` for `d` inputs and `n` neurons; each interneuron hears the inputs by the mean
/// of all neurons' weights, and the weights of interneurons onto each neuron are exponential and sum to 1.
/// So inhibition takes the mean over the neurons away exactly. `g = 1`; `α` starts where what is divided by
/// is the standard deviation that He's start expects.
///
/// With gradient correction, gradients of `W_IE`, `W_EI` and `α` are divided by `√n`, `d` and `d·√n`.
///
/// Gradient steps can make weights negative: call [`obey_laws`](crate::laws::obey_laws) after each one.
///
/// Should be created with [`EiDenseConfig`]. Cornford, Kalajdzievski, Leite, Lamarquette, Kullmann and
/// Richards, *Learning to live with Dale's principle: ANNs with separate excitatory and inhibitory units*
/// (2021).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::EiDenseConfig;
///
/// let device = Device::flex();
/// let layer = EiDenseConfig::new(8, 20, 2).init(&device);
/// assert_eq!(layer.forward(Tensor::<2>::ones([4, 8], &device)).dims(), [4, 20]);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct EiDense {
    /// `W_EE`, `[d_input, d_excitatory]`.
    pub excitatory: LawfulParam<2>,
    /// `W_IE`, `[d_input, d_inhibitory]`.
    pub to_inhibitory: LawfulParam<2>,
    /// `W_EI`, `[d_inhibitory, d_excitatory]`.
    pub inhibitory: LawfulParam<2>,
    /// What divisive inhibition has besides.
    pub division: Option<Division>,
    /// Vector of size `d_excitatory`.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    gradient_correction: GradientCorrection,
    epsilon: f64,
}

/// Parameters of divisive inhibition.
#[derive(Module, Debug)]
pub struct Division {
    /// `g`, a vector of size `d_excitatory`.
    pub gain: LawfulParam<1>,
    /// `α`, a vector of size `d_inhibitory`.
    pub alpha: Param<Tensor<1>>,
}

impl EiDenseConfig {
    /// Initialize a new [`EiDense`] module.
    ///
    /// # Panics
    ///
    /// If a size is 0.
    pub fn init(&self, device: &Device) -> EiDense {
        let [d, n, k] = [self.d_input, self.d_excitatory, self.d_inhibitory];
        assert!(
            d > 0 && n > 0 && k > 0,
            "sizes {d}, {n} and {k}; accepted: greater than 0"
        );
        let seed = Seed::new(self.seed, device);
        let spread = if n > 1 {
            n as f64 / (n - 1) as f64
        } else {
            1.0
        };
        let deviation = (2.0 * spread / d as f64).sqrt();
        let exponential = Exp::new(1.0 / deviation).expect("a positive rate");
        let mut random = seed.stream(0);
        let excitatory: Vec<f64> = (0..d * n).map(|_| random.sample(exponential)).collect();
        let to_inhibitory = excitatory
            .chunks(n)
            .flat_map(|row| std::iter::repeat_n(row.iter().sum::<f64>() / n as f64, k))
            .collect();
        let mut random = seed.stream(1);
        let mut inhibitory: Vec<f64> = (0..k * n).map(|_| random.sample(exponential)).collect();
        for unit in 0..n {
            let sum: f64 = inhibitory.iter().skip(unit).step_by(n).sum();
            inhibitory
                .iter_mut()
                .skip(unit)
                .step_by(n)
                .for_each(|weight| *weight /= sum);
        }
        let matrix = |values: Vec<f64>, shape: [usize; 2]| {
            let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            let values = Tensor::from_data(TensorData::new(values, shape), device);
            LawfulParam::parameter(Param::from_tensor(values), Law::non_negative())
        };
        // With mean weights of `deviation`, interneurons are at d · deviation · ⟨x⟩; a relu's rates of
        // mean square q have ⟨x⟩ = √(q/π) and He's start gives a standard deviation of √(2q).
        let alpha = (2.0 * std::f64::consts::PI).sqrt() / (d as f64 * deviation);
        let division = (self.inhibition == Inhibition::Divisive).then(|| Division {
            gain: LawfulParam::parameter(
                Param::from_tensor(Tensor::ones([n], device)),
                Law::non_negative(),
            ),
            alpha: Param::from_tensor(Tensor::full([k], alpha.ln(), device)),
        });
        EiDense {
            excitatory: matrix(excitatory, [d, n]),
            to_inhibitory: matrix(to_inhibitory, [d, k]),
            inhibitory: matrix(inhibitory, [k, n]),
            division,
            bias: self
                .bias
                .then(|| Param::from_tensor(Tensor::zeros([n], device))),
            activation: self.activation,
            gradient_correction: self.gradient_correction,
            epsilon: self.epsilon,
        }
    }
}

/// `value`, whose gradient is multiplied by `factor`.
fn with_gradient<const D: usize>(value: Tensor<D>, factor: f64) -> Tensor<D> {
    if !value.is_autodiff() {
        return value;
    }
    value.clone().detach() * (1.0 - factor) + value * factor
}

impl EiDense {
    /// Applies the forward pass on the input tensor.
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
        let [d, n] = self.excitatory.dims();
        assert_shape!(input, [.., d]);
        let (d, root) = (d as f64, (n as f64).sqrt());
        let to_inhibitory = self.corrected(self.to_inhibitory.val(), 1.0 / root);
        let inhibitory = self.corrected(self.inhibitory.val(), 1.0 / d);
        let interneurons = relu(linear(input.clone(), to_inhibitory, None));
        let excitation = linear(input, self.excitatory.val(), None);
        let inhibition = linear(interneurons.clone(), inhibitory.clone(), None);
        let mut drive = excitation - inhibition;
        if let Some(Division { gain, alpha }) = &self.division {
            let alpha = self.corrected(alpha.val(), 1.0 / (d * root)).exp();
            let divisor = linear(interneurons * alpha.unsqueeze(), inhibitory, None);
            drive = drive * gain.val().unsqueeze() / (divisor + self.epsilon);
        }
        if let Some(bias) = &self.bias {
            drive = drive + bias.val().unsqueeze();
        }
        self.activation.forward(drive)
    }

    fn corrected<const D: usize>(&self, value: Tensor<D>, factor: f64) -> Tensor<D> {
        match self.gradient_correction {
            GradientCorrection::Corrected => with_gradient(value, factor),
            GradientCorrection::Plain => value,
        }
    }

    /// The cell types of the outputs: all excite. To be given to the layer that reads them.
    pub fn output_signs(&self) -> Signs {
        Signs::excitatory(self.excitatory.dims()[1])
    }
}

impl ModuleDisplay for EiDense {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, d_excitatory] = self.excitatory.lazy_shape().dims();
        let [d_inhibitory, _] = self.inhibitory.lazy_shape().dims();
        content
            .add("d_input", &d_input)
            .add("d_excitatory", &d_excitatory)
            .add("d_inhibitory", &d_inhibitory)
            .add("divisive", &self.division.is_some())
            .add("bias", &self.bias.is_some())
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
    use burn::tensor::{Distribution, Tolerance};

    fn set(parameter: &mut LawfulParam<2>, values: TensorData) {
        **parameter = with_values(parameter, values);
    }

    /// Two inputs, two excitatory neurons, one interneuron.
    fn layer(inhibition: Inhibition, device: &Device) -> EiDense {
        let config = EiDenseConfig::new(2, 2, 1)
            .with_inhibition(inhibition)
            .with_epsilon(0.0);
        let mut layer = config.init(device);
        set(
            &mut layer.excitatory,
            TensorData::from([[1.0f32, 2.0], [3.0, 0.0]]),
        );
        set(
            &mut layer.to_inhibitory,
            TensorData::from([[1.0f32], [0.5]]),
        );
        set(&mut layer.inhibitory, TensorData::from([[0.5f32, 2.0]]));
        if let Some(division) = &mut layer.division {
            division.alpha = division.alpha.clone().map(|old| old.zeros_like());
        }
        layer
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let input = || Tensor::<2>::from_floats([[2.0, 2.0]], &device);
        let check = |inhibition, expected: [f32; 2]| {
            let output = layer(inhibition, &device).forward(input()).into_data();
            let expected = TensorData::from([expected]);
            output.assert_approx_eq::<f32>(&expected, Tolerance::strict());
        };
        // h = 3; 2 + 6 − 1.5, 4 − 6
        check(Inhibition::Subtractive, [6.5, 0.0]);
        // 6.5 / 1.5
        check(Inhibition::Divisive, [4.333_333_5, 0.0]);
    }

    #[test]
    fn epsilon_is_added_to_what_divides() {
        let device = crate::test_device();
        let mut layer = layer(Inhibition::Divisive, &device);
        layer.epsilon = 0.5;
        let input = Tensor::<2>::from_floats([[2.0, 2.0]], &device);
        // 6.5 / (1.5 + 0.5)
        let expected = TensorData::from([[3.25f32, 0.0]]);
        let output = layer.forward(input).into_data();
        output.assert_approx_eq::<f32>(&expected, Tolerance::strict());
    }

    #[test]
    fn the_start_takes_the_mean_over_the_neurons_away() {
        let device = crate::test_device();
        let config = EiDenseConfig::new(50, 200, 4).with_activation(Activation::Linear);
        let rates = relu(Tensor::<2>::random(
            [30, 50],
            Distribution::Normal(0.0, 1.0),
            &device,
        ));
        let square = |it: Tensor<2>| it.powi_scalar(2).mean().into_scalar::<f32>();
        let output = config
            .clone()
            .with_seed(Some(1))
            .init(&device)
            .forward(rates.clone());
        let means = output.clone().mean_dim(1).abs().max().into_scalar::<f32>();
        assert!(means < 1e-4, "{means}");
        // He: twice the mean square of the input.
        let ratio = square(output) / square(rates.clone());
        assert!((1.5..2.5).contains(&ratio), "{ratio}");
        // Divided by a standard deviation, the drive is of size one.
        let divisive = config
            .with_inhibition(Inhibition::Divisive)
            .with_seed(Some(1));
        let drive = square(divisive.init(&device).forward(rates));
        assert!((0.5..2.0).contains(&drive), "{drive}");
    }

    #[test]
    fn gradients_are_those_of_finite_differences_and_corrected_as_published() {
        let device = crate::test_device().autodiff();
        for inhibition in [Inhibition::Subtractive, Inhibition::Divisive] {
            let mut config = EiDenseConfig::new(3, 4, 2)
                .with_inhibition(inhibition)
                .with_activation(Activation::Softplus)
                .with_seed(Some(3));
            config.gradient_correction = GradientCorrection::Plain;
            let plain = config.init(&device);
            let input = Tensor::<2>::from_floats([[1.0, 0.5, 2.0], [0.3, 1.0, 0.6]], &device);
            let loss = |layer: &EiDense| layer.forward(input.clone()).powi_scalar(2).sum();
            let gradients = loss(&plain).backward();
            let of = |it: &LawfulParam<2>| it.val().grad(&gradients).unwrap();
            check_gradient(&of(&plain.to_inhibitory), |at, shift| {
                let mut layer = plain.clone();
                *layer.to_inhibitory = (*layer.to_inhibitory)
                    .clone()
                    .map(|it| shifted(it, at, shift));
                loss(&layer).into_scalar::<f32>()
            });
            check_gradient(&of(&plain.inhibitory), |at, shift| {
                let mut layer = plain.clone();
                *layer.inhibitory = (*layer.inhibitory).clone().map(|it| shifted(it, at, shift));
                loss(&layer).into_scalar::<f32>()
            });
            let mut corrected = plain.clone();
            corrected.gradient_correction = GradientCorrection::Corrected;
            let scaled = loss(&corrected).backward();
            let same = |one: Tensor<2>, other: &LawfulParam<2>| {
                let other = other.val().grad(&scaled).unwrap().into_data();
                let tolerance = Tolerance::<f32>::rel_abs(1e-4, 1e-5);
                one.into_data().assert_approx_eq::<f32>(&other, tolerance);
            };
            same(of(&plain.excitatory), &corrected.excitatory);
            same(of(&plain.to_inhibitory) / 2.0, &corrected.to_inhibitory);
            same(of(&plain.inhibitory) / 3.0, &corrected.inhibitory);
        }
    }

    #[test]
    fn all_weights_and_the_gain_are_under_law() {
        let config = EiDenseConfig::new(3, 4, 2).with_inhibition(Inhibition::Divisive);
        let mut layer = config.init(&crate::test_device());
        for weight in [
            &mut layer.excitatory,
            &mut layer.to_inhibitory,
            &mut layer.inhibitory,
        ] {
            **weight = (**weight).clone().map(|it| it - 100.0);
        }
        let gain = &mut layer.division.as_mut().unwrap().gain;
        **gain = (**gain).clone().map(|it| -it);
        assert_eq!(count_violations(&layer), 12 + 6 + 8 + 4);
        assert_eq!(count_violations(&obey_laws(layer)), 0);
    }

    #[test]
    fn display() {
        let layer = EiDenseConfig::new(8, 20, 2).init(&crate::test_device());
        assert_eq!(
            layer.to_string(),
            "EiDense {d_input: 8, d_excitatory: 20, d_inhibitory: 2, divisive: false, bias: true, \
             params: 236}"
        );
    }
}
