//! Neurons with a soma and an apical dendrite.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay},
    tensor::{Device, Tensor},
};

use super::{
    DaleLinear, DaleLinearConfig,
    start::{Seed, input_cells},
};
use crate::{Activation, laws::Signs};

/// Configuration to create a [`TwoCompartment`] layer using the
/// [init function](TwoCompartmentConfig::init).
#[derive(Config, Debug)]
pub struct TwoCompartmentConfig {
    /// The size of the feed-forward input, which ends at the soma.
    pub d_input: usize,
    /// The size of the top-down input, which ends at the dendrite; all of it is excitatory.
    pub d_top_down: usize,
    /// The number of neurons.
    pub d_output: usize,
    /// The size of the inhibitory input, which ends at the dendrite; 0 means that there is none.
    #[config(default = 0)]
    pub d_inhibitory: usize,
    /// Which part of the feed-forward input, from 0 to 1, is inhibitory, as in [`DaleLinearConfig`].
    #[config(default = 0.2)]
    pub inhibitory_fraction: f64,
    /// The cell type of each feed-forward input: those of the cells that feed this layer; says more
    /// than `inhibitory_fraction` where given.
    pub signs: Option<Signs>,
    /// If the soma has a bias; it starts at zero and is free in sign.
    #[config(default = true)]
    pub bias: bool,
    /// From somatic state to activity.
    #[config(default = "Activation::Relu")]
    pub activation: Activation,
    /// With a seed the start is the same on every device; without one it is drawn from burn's
    /// random numbers and follows `device.seed(..)`, as in burn's own layers. Layers of one shape
    /// need different seeds.
    pub seed: Option<u64>,
}

/// Neurons whose soma hears the layer below and whose apical dendrite hears the layer above.
///
/// ```text
/// s = x·W_soma + b
/// d = clamp(t·W_apical − i·W_inhibitory, −1, 1)
/// r = f(s)             activity
/// n = f(s + d)         activity nudged by the dendrite
/// ```
///
/// `x` feed-forward input; `t` top-down input and `i` inhibition, meant to be rates `≥ 0`; `f`
/// activation; `W_apical, W_inhibitory ≥ 0`; rows of `W_soma` signed by Dale's law. The difference
/// `n − r` is what the layer above wants of each neuron: dendritic target propagation moves `r`
/// towards `n`.
///
/// Gradient steps can break Dale's law: call [`obey_laws`](crate::laws::obey_laws) after each one.
///
/// Should be created with [`TwoCompartmentConfig`]. After Galloni et al. (2025).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::TwoCompartmentConfig;
///
/// let device = Device::flex();
/// let layer = TwoCompartmentConfig::new(10, 4, 6).with_d_inhibitory(3).init(&device);
/// let (input, top_down) = (Tensor::ones([2, 10], &device), Tensor::ones([2, 4], &device));
/// let quiet = layer.forward(input.clone(), top_down.clone(), None);
/// let inhibited = layer.forward(input, top_down, Some(Tensor::ones([2, 3], &device)));
/// assert_eq!(quiet.nudged.dims(), [2, 6]);
/// assert!(inhibited.dendrite.lower_equal(quiet.dendrite).all().into_scalar::<bool>());
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct TwoCompartment {
    /// Feed-forward input to the soma.
    pub soma: DaleLinear,
    /// Excitatory top-down input to the dendrite.
    pub apical: DaleLinear,
    /// Inhibitory input to the dendrite.
    pub inhibitory: Option<DaleLinear>,
    #[module(skip)]
    activation: Activation,
}

/// State of a [`TwoCompartment`] layer; every tensor is `[..., d_output]`.
#[derive(Clone, Debug)]
pub struct TwoCompartmentOutput<const D: usize = 2> {
    /// Somatic state `s`.
    pub soma: Tensor<D>,
    /// Dendritic state `d`, in `[-1, 1]`.
    pub dendrite: Tensor<D>,
    /// Activity `f(s)`.
    pub activity: Tensor<D>,
    /// Activity `f(s + d)` that the dendrite asks for.
    pub nudged: Tensor<D>,
}

impl TwoCompartmentConfig {
    /// Initialize a new [`TwoCompartment`] module.
    ///
    /// # Panics
    ///
    /// If `inhibitory_fraction` is not between 0 and 1, or there are not `d_input` signs.
    pub fn init(&self, device: &Device) -> TwoCompartment {
        let seed = Seed::new(self.seed, device);
        let input = |part: u64, signs: Signs| {
            DaleLinearConfig::reading(signs, self.d_output)
                .with_bias(self.bias && part == 0)
                .init_part(seed, part, device)
        };
        let soma = input_cells(self.signs.as_ref(), self.d_input, self.inhibitory_fraction);
        TwoCompartment {
            soma: input(0, soma),
            apical: input(1, Signs::excitatory(self.d_top_down)),
            inhibitory: (self.d_inhibitory > 0)
                .then(|| input(2, Signs::inhibitory(self.d_inhibitory))),
            activation: self.activation,
        }
    }
}

impl TwoCompartment {
    /// Applies the forward pass.
    ///
    /// # Arguments
    ///
    /// - `inhibition` - Activity of the dendrite-targeting interneurons; `None` where they are
    ///   silent.
    ///
    /// # Shapes
    ///
    /// - input: `[..., d_input]`
    /// - top_down: `[..., d_top_down]`
    /// - inhibition: `[..., d_inhibitory]`
    /// - every tensor of the result: `[..., d_output]`
    ///
    /// # Panics
    ///
    /// If the last axis of a tensor is another one, or if there is inhibition for a layer with
    /// `d_inhibitory = 0`.
    pub fn forward<const D: usize>(
        &self,
        input: Tensor<D>,
        top_down: Tensor<D>,
        inhibition: Option<Tensor<D>>,
    ) -> TwoCompartmentOutput<D> {
        let soma = self.soma.forward(input);
        let excitation = self.apical.forward(top_down);
        let dendrite = match inhibition {
            Some(inhibition) => {
                let inhibitory = self.inhibitory.as_ref();
                let inhibitory = inhibitory.expect("inhibition needs `d_inhibitory` above 0");
                // The inhibitory layer's weights are negative already.
                excitation + inhibitory.forward(inhibition)
            }
            None => excitation,
        }
        .clamp(-1.0, 1.0);
        TwoCompartmentOutput::<D> {
            activity: self.activation.forward(soma.clone()),
            nudged: self.activation.forward(soma.clone() + dendrite.clone()),
            soma,
            dendrite,
        }
    }
}

impl ModuleDisplay for TwoCompartment {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, d_output] = self.soma.magnitude.lazy_shape().dims();
        let d_inhibitory = self
            .inhibitory
            .as_ref()
            .map_or(0, |it| it.magnitude.dims()[0]);
        content
            .add("d_input", &d_input)
            .add("d_top_down", &self.apical.magnitude.dims()[0])
            .add("d_inhibitory", &d_inhibitory)
            .add("d_output", &d_output)
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        laws::LawfulParam,
        layers::gradient::{check_gradient, shifted, with_values},
    };
    use burn::tensor::{TensorData, Tolerance};

    fn set(parameter: &mut LawfulParam<2>, values: TensorData) {
        **parameter = with_values(parameter, values);
    }

    /// Two inputs (the second inhibitory), one top-down and one inhibitory unit, two neurons.
    fn layer(device: &Device) -> TwoCompartment {
        let config = TwoCompartmentConfig::new(2, 1, 2).with_d_inhibitory(1);
        let mut layer = config.with_inhibitory_fraction(0.5).init(device);
        set(
            &mut layer.soma.magnitude,
            TensorData::from([[1.0f32, 2.0], [0.5, 3.0]]),
        );
        set(
            &mut layer.apical.magnitude,
            TensorData::from([[0.25f32, 0.75]]),
        );
        set(
            &mut layer.inhibitory.as_mut().unwrap().magnitude,
            TensorData::from([[0.5f32, 0.0]]),
        );
        layer
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let input = Tensor::<2>::from_floats([[1.0, 1.0]], &device);
        let top_down = Tensor::from_floats([[2.0]], &device);
        let inhibition = Tensor::from_floats([[1.5]], &device);
        let output = layer(&device).forward(input, top_down, Some(inhibition));
        let check = |tensor: Tensor<2>, expected: [f32; 2]| {
            let expected = TensorData::from([expected]);
            tensor
                .into_data()
                .assert_approx_eq::<f32>(&expected, Tolerance::strict());
        };
        check(output.soma, [0.5, -1.0]);
        // 2*0.25 - 1.5*0.5 and 2*0.75, clamped
        check(output.dendrite, [-0.25, 1.0]);
        check(output.activity, [0.5, 0.0]);
        check(output.nudged, [0.25, 0.0]);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let device = crate::test_device().autodiff();
        let layer = layer(&device);
        let loss = |layer: &TwoCompartment| {
            let input = Tensor::<2>::from_floats([[1.0, 1.0]], &device);
            let top_down = Tensor::from_floats([[1.0]], &device);
            let inhibition = Tensor::from_floats([[0.5]], &device);
            let output = layer.forward(input, top_down, Some(inhibition));
            // s = (0.5, −1), d = (0, 0.75) and s + d = (0.5, −0.25): away from every kink.
            (output.nudged.powi_scalar(2) + output.dendrite.powi_scalar(2)).sum()
        };
        let gradients = loss(&layer).backward();
        type Part = fn(&mut TwoCompartment) -> &mut LawfulParam<2>;
        let parts: [Part; 3] = [
            |it| &mut it.soma.magnitude,
            |it| &mut it.apical.magnitude,
            |it| &mut it.inhibitory.as_mut().unwrap().magnitude,
        ];
        for part in parts {
            let gradient = part(&mut layer.clone()).val().grad(&gradients).unwrap();
            check_gradient(&gradient, |at, shift| {
                let mut layer = layer.clone();
                let weight = part(&mut layer);
                **weight = (**weight).clone().map(|it| shifted(it, at, shift));
                loss(&layer).into_scalar::<f32>()
            });
        }
    }

    #[test]
    #[should_panic(expected = "inhibition needs `d_inhibitory` above 0")]
    fn inhibition_without_inhibitory_input_is_refused() {
        let device = crate::test_device();
        let layer = TwoCompartmentConfig::new(2, 1, 2).init(&device);
        let ones = |size| Tensor::<2>::ones([1, size], &device);
        layer.forward(ones(2), ones(1), Some(ones(1)));
    }

    #[test]
    fn display() {
        let config = TwoCompartmentConfig::new(10, 4, 6).with_d_inhibitory(3);
        assert_eq!(
            config.init(&crate::test_device()).to_string(),
            "TwoCompartment {d_input: 10, d_top_down: 4, d_inhibitory: 3, d_output: 6, params: 108}"
        );
    }
}
