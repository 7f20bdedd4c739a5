//! Convolutions under Dale's law.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param, ParamId},
    nn::{
        PaddingConfig1d, PaddingConfig2d,
        conv::{Conv1d, Conv2d},
    },
    tensor::{Device, Int, Tensor, TensorData},
};

use super::start::{Balance, Magnitudes, Seed, input_cells};
use crate::{
    CellType, InitializerSpec, Signs,
    laws::{Law, LawfulParam},
};

/// Magnitudes `[channels_out, channels_in / groups, kernel]`, row by row, and the signs of the inputs.
struct Kernels<'a> {
    channels: [usize; 2],
    groups: usize,
    /// Synapses onto a unit from one channel.
    kernel: usize,
    cells: &'a Signs,
    balance: Balance,
    initializer: Option<&'a InitializerSpec>,
}

impl Kernels<'_> {
    fn draw(&self, seed: Seed) -> Vec<f32> {
        let [inputs, outputs] = self.channels;
        assert!(
            self.groups > 0
                && inputs.is_multiple_of(self.groups)
                && outputs.is_multiple_of(self.groups),
            "{inputs} and {outputs} channels cannot be cut into {} equal groups",
            self.groups
        );
        let [inputs, outputs] = [inputs / self.groups, outputs / self.groups];
        let cells: Vec<CellType> = self.cells.iter().collect();
        let mut random = seed.stream(0);
        let mut values = Vec::new();
        for group in cells.chunks(inputs) {
            // A unit hears each place of its kernel in each channel of its group.
            let heard: Vec<CellType> = group
                .iter()
                .flat_map(|&cell| std::iter::repeat_n(cell, self.kernel))
                .collect();
            let magnitudes = Magnitudes {
                cells: &heard,
                units: outputs,
                balance: self.balance,
                initializer: self.initializer,
            };
            values.extend(magnitudes.draw(|_, _| true, &mut random).concat());
        }
        values
    }
}

/// A layer over one kind of convolution; the two kinds differ in the number of axes alone.
macro_rules! dale_conv {
    (
        $config:ident, $layer:ident, $conv:ident, $padding:ident, $rank:literal, $size:ty,
        $extents:expr, $shape:literal, $example:literal
    ) => {
        #[doc = concat!("Configuration to create a [`", stringify!($layer), "`] layer using the [init function](", stringify!($config), "::init).")]
        #[derive(Config, Debug)]
        pub struct $config {
            /// The number of channels: of the input, of the output.
            pub channels: [usize; 2],
            /// The size of the kernel.
            pub kernel_size: $size,
            /// The stride of the convolution.
            #[config(default = "ONES")]
            pub stride: $size,
            /// Spacing between the elements of the kernel.
            #[config(default = "ONES")]
            pub dilation: $size,
            /// Into how many groups the channels are cut, each of which hears itself alone.
            #[config(default = 1)]
            pub groups: usize,
            /// The padding.
            #[config(default = "PADDING")]
            pub padding: $padding,
            /// Which part of the input channels, from 0 to 1, is inhibitory: the last ones. Says
            /// nothing where `signs` are given.
            #[config(default = 0.2)]
            pub inhibitory_fraction: f64,
            /// The cell type of each input channel.
            pub signs: Option<Signs>,
            /// If a bias should be applied; it starts at zero and is free in sign.
            #[config(default = true)]
            pub bias: bool,
            /// How the magnitudes start, as in [`DaleLinearConfig`](crate::layers::DaleLinearConfig).
            pub initializer: Option<InitializerSpec>,
            /// How strong inhibitory weights start beside excitatory ones.
            #[config(default = "Balance::Balanced")]
            pub balance: Balance,
            /// With a seed the start is the same on every device; without one it is drawn from burn's
            /// random numbers and follows `device.seed(..)`, as in burn's own layers.
            pub seed: Option<u64>,
        }

        #[doc = concat!("Applies burn's `", stringify!($conv), "` with each input channel excitatory or inhibitory: Dale's law.")]
        ///
        /// ```text
        /// y = conv(x, W) + b,    W_oi… = sign_i · m_oi…,    m ≥ 0
        /// ```
        ///
        /// `x` input, meant to be rates `≥ 0`; `sign_i` is `1` for a channel of excitatory cells and `-1` for
        /// one of inhibitory cells; `m` magnitudes, which learn; `b` bias, one for each output channel,
        /// free in sign. The weights onto each unit start as those of a
        /// [`DaleLinear`](crate::layers::DaleLinear).
        ///
        /// Gradient steps can make magnitudes negative: call [`obey_laws`](crate::laws::obey_laws) after
        /// each one.
        ///
        #[doc = concat!("Should be created with [`", stringify!($config), "`].")]
        ///
        /// ```
        #[doc = $example]
        /// ```
        #[derive(Module, Debug)]
        #[module(custom_display)]
        pub struct $layer {
            /// Vector of size `channels_in`: `1` for an excitatory channel, `-1` for an inhibitory one.
            pub signs: Param<Tensor<1, Int>>,
            #[doc = $shape]
            pub magnitude: LawfulParam<$rank>,
            /// Vector of size `channels_out`.
            pub bias: Option<Param<Tensor<1>>>,
            /// The stride of the convolution.
            pub stride: $size,
            /// The size of the kernel.
            pub kernel_size: $size,
            /// Spacing between the elements of the kernel.
            pub dilation: $size,
            /// Into how many groups the channels are cut.
            pub groups: usize,
            #[module(skip)]
            padding: $padding,
        }

        impl $config {
            /// Initialize a new layer.
            ///
            /// # Panics
            ///
            /// If `inhibitory_fraction` is not between 0 and 1, there is not a sign for each input
            /// channel, the channels cannot be cut into equal groups or the initialiser's parameters
            /// are wrong.
            pub fn init(&self, device: &Device) -> $layer {
                let [inputs, outputs] = self.channels;
                let extents: fn($size) -> Vec<usize> = $extents;
                let extents = extents(self.kernel_size);
                let signs = input_cells(self.signs.as_ref(), inputs, self.inhibitory_fraction);
                let kernels = Kernels {
                    channels: self.channels,
                    groups: self.groups,
                    kernel: extents.iter().product(),
                    cells: &signs,
                    balance: self.balance,
                    initializer: self.initializer.as_ref(),
                };
                let mut shape = [outputs; $rank];
                let values = kernels.draw(Seed::new(self.seed, device));
                shape[1] = inputs / self.groups;
                shape[2..].copy_from_slice(&extents);
                let magnitude = Tensor::from_data(TensorData::new(values, shape), device);
                $layer {
                    signs: Param::initialized(ParamId::new(), signs.tensor(device)),
                    magnitude: LawfulParam::parameter(
                        Param::from_tensor(magnitude),
                        Law::non_negative(),
                    ),
                    bias: self.bias.then(|| Param::from_tensor(Tensor::zeros([outputs], device))),
                    stride: self.stride,
                    kernel_size: self.kernel_size,
                    dilation: self.dilation,
                    groups: self.groups,
                    padding: self.padding.clone(),
                }
            }
        }

        impl $layer {
            /// Applies the forward pass on the input tensor.
            ///
            /// # Shapes
            ///
            /// - input: `[batch, channels_in, ...]`
            /// - output: `[batch, channels_out, ...]`
            ///
            /// # Panics
            ///
            /// If the input has another number of channels.
            pub fn forward(&self, input: Tensor<$rank>) -> Tensor<$rank> {
                let conv = $conv {
                    weight: Param::initialized(self.magnitude.id, self.weight()),
                    bias: self.bias.clone(),
                    stride: self.stride,
                    kernel_size: self.kernel_size,
                    dilation: self.dilation,
                    groups: self.groups,
                    padding: self.padding.clone(),
                };
                conv.forward(input)
            }

            /// The weights with their signs.
            ///
            /// # Shapes
            ///
            #[doc = concat!("- output: ", $shape)]
            pub fn weight(&self) -> Tensor<$rank> {
                let magnitude = self.magnitude.val();
                let [outputs, inputs, ..] = magnitude.dims();
                // Of group g the inputs begin at g · channels_in / groups.
                let signs = self.signs.val().float().cast(magnitude.dtype());
                let signs = signs.reshape([self.groups, 1, inputs]);
                let signs = signs.expand([self.groups, outputs / self.groups, inputs]);
                let mut shape = [1; $rank];
                (shape[0], shape[1]) = (outputs, inputs);
                magnitude * signs.reshape(shape)
            }

            /// The cell types of the input channels.
            pub fn input_signs(&self) -> Signs {
                Signs::from_tensor(self.signs.val())
            }
        }

        impl ModuleDisplay for $layer {
            fn custom_settings(&self) -> Option<DisplaySettings> {
                DisplaySettings::new()
                    .with_new_line_after_attribute(false)
                    .optional()
            }

            fn custom_content(&self, content: Content) -> Option<Content> {
                let [outputs, inputs, ..] = self.magnitude.lazy_shape().dims::<$rank>();
                content
                    .add("ch_in", &(inputs * self.groups))
                    .add("ch_out", &outputs)
                    .add("inhibitory", &self.input_signs().num_inhibitory())
                    .add("kernel_size", &format!("{:?}", self.kernel_size))
                    .add("stride", &format!("{:?}", self.stride))
                    .add("groups", &self.groups)
                    .optional()
            }
        }
    };
}

mod one {
    use super::*;

    const ONES: usize = 1;
    const PADDING: PaddingConfig1d = PaddingConfig1d::Valid;

    dale_conv!(
        DaleConv1dConfig,
        DaleConv1d,
        Conv1d,
        PaddingConfig1d,
        3,
        usize,
        |size| vec![size],
        "`[channels_out, channels_in / groups, kernel_size]`",
        "use burn::tensor::{Device, Tensor};
use burn_dendrite_nn::layers::DaleConv1dConfig;

let device = Device::flex();
let layer = DaleConv1dConfig::new([5, 8], 3).init(&device);
assert_eq!(layer.forward(Tensor::ones([2, 5, 12], &device)).dims(), [2, 8, 10]);"
    );
}

mod two {
    use super::*;

    const ONES: [usize; 2] = [1, 1];
    const PADDING: PaddingConfig2d = PaddingConfig2d::Valid;

    dale_conv!(
        DaleConv2dConfig,
        DaleConv2d,
        Conv2d,
        PaddingConfig2d,
        4,
        [usize; 2],
        |size| size.to_vec(),
        "`[channels_out, channels_in / groups, kernel_size_1, kernel_size_2]`",
        "use burn::{nn::PaddingConfig2d, tensor::{Device, Tensor}};
use burn_dendrite_nn::layers::DaleConv2dConfig;

let device = Device::flex();
let layer = DaleConv2dConfig::new([5, 8], [3, 3])
    .with_padding(PaddingConfig2d::Same)
    .init(&device);
assert_eq!(layer.forward(Tensor::ones([2, 5, 12, 12], &device)).dims(), [2, 8, 12, 12]);"
    );
}

pub use one::{DaleConv1d, DaleConv1dConfig};
pub use two::{DaleConv2d, DaleConv2dConfig};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        laws::{count_violations, obey_laws},
        layers::gradient::{check_gradient, shifted, with_values},
    };
    use burn::{
        nn::conv::Conv2dConfig,
        tensor::{Distribution, Tolerance},
    };

    fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    /// Two channels, of which the second inhibits, and a kernel of two.
    fn layer(device: &Device) -> DaleConv1d {
        let config = DaleConv1dConfig::new([2, 1], 2).with_inhibitory_fraction(0.5);
        let mut layer = config.init(device);
        let magnitude = TensorData::from([[[1.0f32, 2.0], [3.0, 0.5]]]);
        *layer.magnitude = with_values(&layer.magnitude, magnitude);
        layer
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let input = Tensor::<3>::from_floats([[[1.0, 0.0, 2.0], [1.0, 1.0, 0.0]]], &device);
        let output = layer(&device).forward(input);
        // 1·1 + 2·0 − 3·1 − 0.5·1, 1·0 + 2·2 − 3·1 − 0.5·0
        assert_eq!(values(output), [-2.5, 1.0]);
    }

    #[test]
    fn channels_have_their_signs_in_every_group() {
        let device = crate::test_device();
        let signs = [
            CellType::Excitatory,
            CellType::Inhibitory,
            CellType::Inhibitory,
            CellType::Inhibitory,
        ];
        let mut layer = DaleConv2dConfig::new([4, 4], [1, 1])
            .with_groups(2)
            .with_signs(Some(signs.into_iter().collect()))
            .init(&device);
        *layer.magnitude = (*layer.magnitude).clone().map(|it| it.ones_like());
        // Outputs 0 and 1 hear inputs 0 and 1, outputs 2 and 3 inputs 2 and 3.
        assert_eq!(
            values(layer.weight()),
            [1.0, -1.0, 1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
        );
    }

    #[test]
    fn it_is_the_convolution_of_burn_with_the_signed_weights() {
        let device = crate::test_device();
        let mut burns = Conv2dConfig::new([4, 6], [3, 3])
            .with_stride([2, 1])
            .with_dilation([1, 2])
            .with_groups(2)
            .with_padding(PaddingConfig2d::Explicit(1, 2, 0, 1))
            .init(&device);
        let layer = DaleConv2dConfig::new([4, 6], [3, 3])
            .with_stride([2, 1])
            .with_dilation([1, 2])
            .with_groups(2)
            .with_padding(PaddingConfig2d::Explicit(1, 2, 0, 1))
            .init(&device);
        burns.weight = Param::from_tensor(layer.weight());
        burns.bias = layer.bias.clone();
        let input = Tensor::random([2, 4, 9, 8], Distribution::Default, &device);
        let expected = burns.forward(input.clone()).into_data();
        let tolerance = Tolerance::<f32>::strict();
        layer
            .forward(input)
            .into_data()
            .assert_approx_eq::<f32>(&expected, tolerance);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences_and_the_law_is_obeyed() {
        let device = crate::test_device().autodiff();
        let layer = layer(&device);
        let input = Tensor::<3>::from_floats([[[1.0, 0.5, 2.0], [1.0, 1.0, 0.3]]], &device);
        let loss = |layer: &DaleConv1d| layer.forward(input.clone()).powi_scalar(2).sum();
        let gradients = loss(&layer).backward();
        let gradient = layer.magnitude.val().grad(&gradients).unwrap();
        check_gradient(&gradient, |at, shift| {
            let mut layer = layer.clone();
            *layer.magnitude = (*layer.magnitude).clone().map(|it| shifted(it, at, shift));
            loss(&layer).into_scalar::<f32>()
        });
        let mut layer = layer;
        *layer.magnitude = (*layer.magnitude).clone().map(|it| shifted(it, 3, -2.0));
        assert_eq!(count_violations(&layer), 1);
        assert_eq!(
            values(obey_laws(layer).weight().inner()),
            [1.0, 2.0, -3.0, 0.0]
        );
    }

    #[test]
    fn display() {
        let layer = DaleConv2dConfig::new([5, 3], [3, 3]).init(&crate::test_device());
        assert_eq!(
            layer.to_string(),
            "DaleConv2d {ch_in: 5, ch_out: 3, inhibitory: 1, kernel_size: [3, 3], stride: [1, 1], \
             groups: 1, params: 138}"
        );
    }
}
