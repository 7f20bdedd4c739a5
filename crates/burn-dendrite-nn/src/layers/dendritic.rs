//! Neurons with dendrites that see a part of the input each.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param},
    tensor::{
        Bool, Device, Tensor, TensorData, activation::leaky_relu, assert_shape, module::linear,
    },
};
use rand::{RngExt, seq::index::sample};
use rand_chacha::ChaCha8Rng;

use super::start::Seed;
use crate::laws::{Law, LawfulParam};

/// What the dendrites of a [`DendriticLayer`] hear.
#[derive(Config, Debug, PartialEq)]
pub enum ReceptiveFields {
    /// Each dendrite hears inputs from anywhere.
    Random,
    /// All dendrites of a neuron hear inputs from one square window of an image, placed at random for
    /// each neuron; a window spans all channels.
    Local {
        /// Channels, height and width of the input image.
        image: [usize; 3],
        /// Side of the window.
        window: usize,
    },
}

/// Configuration to create a [`DendriticLayer`] using the [init function](DendriticLayerConfig::init).
#[derive(Config, Debug)]
pub struct DendriticLayerConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// Number of neurons: the size of the output features.
    pub d_output: usize,
    /// Dendrites of each neuron.
    pub dendrites: usize,
    /// Synapses of each dendrite.
    #[config(default = 16)]
    pub synapses: usize,
    /// What the dendrites hear.
    #[config(default = "ReceptiveFields::Random")]
    pub receptive_fields: ReceptiveFields,
    /// Slope of the dendrites and somata below zero.
    #[config(default = 0.1)]
    pub negative_slope: f64,
    /// If dendrites and somata have a bias; it starts at zero.
    #[config(default = true)]
    pub bias: bool,
    /// With a seed the start is the same on every device; without one it is drawn from burn's
    /// random numbers and follows `device.seed(..)`, as in burn's own layers. Layers of one shape
    /// need different seeds.
    pub seed: Option<u64>,
}

/// Neurons that sum what their dendrites, each a nonlinear unit over few inputs, make of the input.
///
/// ```text
/// d_jk = f(Σ_i x_i·W_i,jk + b_jk)        over the synapses of dendrite k of neuron j
/// y_j  = f(Σ_k d_jk·c_jk + b_j)          over the dendrites of neuron j
/// f(s) = s where s ≥ 0, else slope · s
/// ```
///
/// `x` input; `W` synaptic weights, zero where there is no synapse; `c` cable weights from dendrite to
/// soma; `b` biases. Weights are free in sign; [`Lawful`](crate::laws::Lawful) puts signs on them.
///
/// Synapses start at `±√(6 / synapses)`, uniform (He), cables at `±√(6 / dendrites)`; where there is no
/// synapse a weight stays zero by [`obey_laws`](crate::laws::obey_laws) after each gradient step, as
/// Dale's law does in other layers.
///
/// Should be created with [`DendriticLayerConfig`]. After Chavlis and Poirazi, *Dendrites endow artificial
/// neural networks with accurate, robust and parameter-efficient learning* (2025).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::{DendriticLayerConfig, ReceptiveFields};
///
/// let device = Device::flex();
/// let fields = ReceptiveFields::Local { image: [1, 28, 28], window: 7 };
/// let config = DendriticLayerConfig::new(784, 64, 4).with_receptive_fields(fields);
/// let layer = config.init(&device);
/// assert_eq!(layer.forward(Tensor::<2>::ones([5, 784], &device)).dims(), [5, 64]);
/// assert_eq!(layer.num_synapses(), 64 * 4 * 16);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct DendriticLayer {
    /// Matrix `[d_input, d_output · dendrites]`, the dendrites of a neuron side by side.
    pub synapses: LawfulParam<2>,
    /// Vector of size `d_output · dendrites`.
    pub dendrite_bias: Option<Param<Tensor<1>>>,
    /// Matrix `[d_output, dendrites]`.
    pub cables: Param<Tensor<2>>,
    /// Vector of size `d_output`.
    pub bias: Option<Param<Tensor<1>>>,
    /// Slope below zero.
    pub negative_slope: f64,
}

impl DendriticLayerConfig {
    /// Initialize a new [`DendriticLayer`] module.
    ///
    /// # Panics
    ///
    /// If a size is 0, the image is not as large as the input, the window does not fit into it, or a
    /// dendrite has more synapses than there are inputs in its field.
    pub fn init(&self, device: &Device) -> DendriticLayer {
        let [inputs, neurons, dendrites] = [self.d_input, self.d_output, self.dendrites];
        assert!(
            inputs > 0 && neurons > 0 && dendrites > 0 && self.synapses > 0,
            "sizes {inputs}, {neurons}, {dendrites} and {}; accepted: greater than 0",
            self.synapses
        );
        let seed = Seed::new(self.seed, device);
        let units = neurons * dendrites;
        let mut random = seed.stream(0);
        let mut exists = vec![false; inputs * units];
        for neuron in 0..neurons {
            let field = self.field(&mut random);
            assert!(
                self.synapses <= field.len(),
                "`synapses` is {}; accepted: up to the {} inputs of a field",
                self.synapses,
                field.len()
            );
            for dendrite in 0..dendrites {
                for chosen in sample(&mut random, field.len(), self.synapses) {
                    exists[field[chosen] * units + neuron * dendrites + dendrite] = true;
                }
            }
        }
        let uniform = |count: usize, fan_in: usize, random: &mut ChaCha8Rng| -> Vec<f32> {
            let bound = (6.0 / fan_in as f64).sqrt();
            (0..count)
                .map(|_| random.random_range(-bound..bound) as f32)
                .collect()
        };
        let mut random = seed.stream(1);
        let mut weights = uniform(inputs * units, self.synapses, &mut random);
        for (weight, exists) in weights.iter_mut().zip(&exists) {
            if !exists {
                *weight = 0.0;
            }
        }
        let cables = uniform(units, dendrites, &mut seed.stream(2));
        let weights = Tensor::from_data(TensorData::new(weights, [inputs, units]), device);
        let exists: Tensor<2, Bool> =
            Tensor::from_data(TensorData::new(exists, [inputs, units]), device);
        let cables = Tensor::from_data(TensorData::new(cables, [neurons, dendrites]), device);
        let bias = |size: usize| {
            self.bias
                .then(|| Param::from_tensor(Tensor::zeros([size], device)))
        };
        DendriticLayer {
            synapses: LawfulParam::parameter(
                Param::from_tensor(weights),
                Law::new().with_mask(exists),
            ),
            dendrite_bias: bias(units),
            cables: Param::from_tensor(cables),
            bias: bias(neurons),
            negative_slope: self.negative_slope,
        }
    }

    /// The inputs that the dendrites of one neuron may hear.
    fn field(&self, random: &mut ChaCha8Rng) -> Vec<usize> {
        let ReceptiveFields::Local {
            image: [channels, height, width],
            window,
        } = self.receptive_fields
        else {
            return (0..self.d_input).collect();
        };
        assert_eq!(
            channels * height * width,
            self.d_input,
            "channels, height and width of the image make the inputs"
        );
        assert!(
            window > 0 && window <= height.min(width),
            "`window` is {window}; accepted: 1 to {}",
            height.min(width)
        );
        let top = random.random_range(0..=height - window);
        let left = random.random_range(0..=width - window);
        let rows = move |channel: usize| {
            (top..top + window).flat_map(move |row| {
                (left..left + window).map(move |column| (channel * height + row) * width + column)
            })
        };
        (0..channels).flat_map(rows).collect()
    }
}

impl DendriticLayer {
    /// Applies the forward pass on the input tensor.
    ///
    /// # Shapes
    ///
    /// - input: `[..., d_input]`
    /// - output: `[..., d_output]`
    ///
    /// # Panics
    ///
    /// If the last axis of `input` is not `d_input`.
    pub fn forward<const D: usize>(&self, input: Tensor<D>) -> Tensor<D> {
        let [d_input, _] = self.synapses.dims();
        assert_shape!(input, [.., d_input]);
        let mut shape = input.dims();
        let rows = shape[..D - 1].iter().product();
        let [neurons, dendrites] = self.cables.dims();
        let bias = self.dendrite_bias.as_ref().map(Param::val);
        let dendrite = linear(input.reshape([rows, d_input]), self.synapses.val(), bias);
        let dendrite =
            leaky_relu(dendrite, self.negative_slope).reshape([rows, neurons, dendrites]);
        let soma = (dendrite * self.cables.val().unsqueeze::<3>())
            .sum_dim(2)
            .squeeze_dim::<2>(2);
        let soma = match &self.bias {
            Some(bias) => soma + bias.val().unsqueeze::<2>(),
            None => soma,
        };
        shape[D - 1] = neurons;
        leaky_relu(soma, self.negative_slope).reshape(shape)
    }

    /// How many synapses exist.
    pub fn num_synapses(&self) -> usize {
        let exists = self.synapses.law().mask();
        exists.map_or(0, |exists| exists.int().sum().into_scalar::<i64>() as usize)
    }
}

impl ModuleDisplay for DendriticLayer {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_output, dendrites] = self.cables.lazy_shape().dims();
        let [d_input, _] = self.synapses.lazy_shape().dims();
        content
            .add("d_input", &d_input)
            .add("d_output", &d_output)
            .add("dendrites", &dendrites)
            .add("synapses", &self.num_synapses())
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        laws::{count_violations, obey_laws},
        layers::gradient::{check_gradient, shifted},
    };
    use burn::tensor::Tolerance;

    /// Two inputs, two neurons of two dendrites.
    fn layer(device: &Device) -> DendriticLayer {
        let mut layer = DendriticLayerConfig::new(2, 2, 2)
            .with_synapses(2)
            .init(device);
        let plain = device.clone().without_autodiff();
        let synapses = Tensor::from_floats([[1.0, -1.0, 0.5, 0.0], [2.0, 0.5, -3.0, 1.0]], &plain);
        *layer.synapses = (*layer.synapses).clone().map(|old| like(&old, synapses));
        let cables = Tensor::from_floats([[1.0, 2.0], [-1.0, 0.5]], &plain);
        layer.cables = layer.cables.map(|old| like(&old, cables));
        layer
    }

    fn like(old: &Tensor<2>, values: Tensor<2>) -> Tensor<2> {
        crate::on_inner(old.clone(), |_| values)
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let input = Tensor::<2>::from_floats([[1.0, 1.0]], &device);
        // Dendrites 3, −0.05; −0.25, 1. Somata 3 − 0.1 and 0.25 + 0.5.
        let expected = TensorData::from([[2.9f32, 0.75]]);
        let output = layer(&device).forward(input.clone()).into_data();
        output.assert_approx_eq::<f32>(&expected, Tolerance::strict());
        let output = layer(&device)
            .forward(input.unsqueeze::<3>())
            .squeeze_dim::<2>(0);
        output
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::strict());
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let device = crate::test_device().autodiff();
        let layer = layer(&device);
        let input = Tensor::<2>::from_floats([[1.0, 1.0], [0.3, 0.8]], &device);
        let loss = |layer: &DendriticLayer| layer.forward(input.clone()).powi_scalar(2).sum();
        let gradients = loss(&layer).backward();
        check_gradient(
            &layer.synapses.val().grad(&gradients).unwrap(),
            |at, shift| {
                let mut layer = layer.clone();
                *layer.synapses = (*layer.synapses).clone().map(|it| shifted(it, at, shift));
                loss(&layer).into_scalar::<f32>()
            },
        );
        check_gradient(
            &layer.cables.val().grad(&gradients).unwrap(),
            |at, shift| {
                let mut layer = layer.clone();
                layer.cables = layer.cables.map(|it| shifted(it, at, shift));
                loss(&layer).into_scalar::<f32>()
            },
        );
    }

    #[test]
    fn every_dendrite_has_its_synapses_in_the_window_of_its_neuron() {
        let fields = ReceptiveFields::Local {
            image: [2, 8, 6],
            window: 3,
        };
        let config = DendriticLayerConfig::new(96, 5, 3).with_synapses(7);
        let layer = config
            .with_receptive_fields(fields)
            .init(&crate::test_device());
        let mask: Vec<bool> = layer
            .synapses
            .law()
            .mask()
            .unwrap()
            .into_data()
            .iter()
            .collect();
        for neuron in 0..5 {
            let mut pixels = Vec::new();
            for unit in neuron * 3..neuron * 3 + 3 {
                let heard: Vec<usize> = (0..96).filter(|input| mask[input * 15 + unit]).collect();
                assert_eq!(heard.len(), 7);
                pixels.extend(heard.iter().map(|input| input % 48));
            }
            let span =
                |values: Vec<usize>| values.iter().max().unwrap() - values.iter().min().unwrap();
            assert!(span(pixels.iter().map(|it| it / 6).collect()) < 3);
            assert!(span(pixels.iter().map(|it| it % 6).collect()) < 3);
        }
    }

    #[test]
    fn a_field_is_any_window_that_lies_in_the_image() {
        let config =
            DendriticLayerConfig::new(30, 1, 1).with_receptive_fields(ReceptiveFields::Local {
                image: [2, 3, 5],
                window: 2,
            });
        // Two rows of two pixels, in either channel, at two heights and four widths.
        let windows = (0..2).flat_map(|top| (0..4).map(move |left| top * 5 + left));
        let mut expected: Vec<Vec<usize>> = windows
            .map(|corner| {
                [0, 1, 5, 6, 15, 16, 20, 21]
                    .map(|pixel| corner + pixel)
                    .into()
            })
            .collect();
        let mut random = Seed::new(Some(1), &crate::test_device()).stream(0);
        let mut found: Vec<Vec<usize>> = (0..200).map(|_| config.field(&mut random)).collect();
        found.sort();
        found.dedup();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn missing_synapses_stay_missing() {
        let mut layer = DendriticLayerConfig::new(20, 3, 2)
            .with_synapses(4)
            .init(&crate::test_device());
        *layer.synapses = (*layer.synapses).clone().map(|it| it + 1.0);
        assert_eq!(count_violations(&layer), 20 * 6 - 6 * 4);
        assert_eq!(count_violations(&obey_laws(layer)), 0);
    }

    #[test]
    fn display() {
        let layer = DendriticLayerConfig::new(20, 3, 2)
            .with_synapses(4)
            .init(&crate::test_device());
        assert_eq!(
            layer.to_string(),
            "DendriticLayer {d_input: 20, d_output: 3, dendrites: 2, synapses: 24, params: 135}"
        );
    }
}
