//! A linear layer under Dale's law.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param, ParamId},
    tensor::{Bool, Device, Int, Tensor, TensorData, assert_shape, module::linear},
};

use super::{
    mask::Mask,
    start::{Balance, Magnitudes, Seed, input_cells},
};
use crate::{
    CellType, InitializerSpec,
    laws::{Law, LawfulParam, Signs},
};

/// Configuration to create a [`DaleLinear`] layer using the [init function](DaleLinearConfig::init).
#[derive(Config, Debug)]
pub struct DaleLinearConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// The size of the output features.
    pub d_output: usize,
    /// Which part of the inputs, from 0 to 1, is inhibitory: the last `d_input` times this,
    /// rounded. Says nothing where `signs` are given.
    #[config(default = 0.2)]
    pub inhibitory_fraction: f64,
    /// The cell type of each input: those of the cells that feed this layer, so that a cell that
    /// excites elsewhere excites here. See also [`DaleLinearConfig::reading`].
    pub signs: Option<Signs>,
    /// Which synapses exist; all unless given.
    pub mask: Option<Mask>,
    /// If a bias should be applied; it starts at zero and is free in sign.
    #[config(default = true)]
    pub bias: bool,
    /// How the magnitudes start: the absolute values of what this draws for excitatory cells.
    /// Without one, they keep the size of the activity over many layers.
    pub initializer: Option<InitializerSpec>,
    /// How strong inhibitory weights start beside excitatory ones.
    #[config(default = "Balance::Balanced")]
    pub balance: Balance,
    /// With a seed the start is the same on every device; without one it is drawn from burn's
    /// random numbers and follows `device.seed(..)`, as in burn's own layers. Layers of one shape
    /// need different seeds.
    pub seed: Option<u64>,
}

/// Applies a linear transformation in which each input unit is excitatory or inhibitory: Dale's law.
///
/// ```text
/// y = x·W + b,    W_ij = sign_i · m_ij,    m_ij ≥ 0
/// ```
///
/// `x` input, meant to be rates `≥ 0`; `sign_i` is `1` for the excitatory inputs and `-1` for the
/// inhibitory ones; `m` magnitudes, which learn; `b` bias, free in sign. Missing synapses are 0.
///
/// Each output starts with `Σ_i W_ij = 0` and `Σ_i W_ij² = 2π/(π − 1)`, which behind a relu keeps the
/// mean square of the activity over many layers, whatever the width and the inhibitory fraction.
/// Where there are excitatory inputs alone this cannot be: use [`EiLayer`](super::EiLayer) or
/// [`EiDense`](super::EiDense) for depth.
///
/// Gradient steps can make magnitudes negative: call [`obey_laws`](crate::laws::obey_laws) after
/// each one. The signs are saved in records and no optimizer touches them.
///
/// Should be created with [`DaleLinearConfig`].
///
/// Dale's law in artificial networks: Cornford et al., *Learning to live with Dale's principle*
/// (2021); in the model of this crate: Galloni et al. (2025).
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::layers::DaleLinearConfig;
///
/// let device = Device::flex();
/// let layer = DaleLinearConfig::new(10, 3).with_inhibitory_fraction(0.3).init(&device);
/// assert_eq!(layer.forward(Tensor::<2>::ones([4, 10], &device)).dims(), [4, 3]);
/// // The first seven inputs excite, the last three inhibit.
/// assert!(layer.weight().slice([0..7]).min().into_scalar::<f32>() >= 0.0);
/// assert!(layer.weight().slice([7..10]).max().into_scalar::<f32>() <= 0.0);
/// ```
#[derive(Module, Debug)]
#[module(custom_display)]
pub struct DaleLinear {
    /// Vector of size `d_input`: `1` for an excitatory input, `-1` for an inhibitory one.
    pub signs: Param<Tensor<1, Int>>,
    /// Matrix of shape `[d_input, d_output]`: the weights without their signs.
    pub magnitude: LawfulParam<2>,
    /// Vector of size `d_output`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl DaleLinearConfig {
    /// A layer that reads cells of these signs, such as the outputs of another layer.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use burn_dendrite_nn::layers::{DaleLinearConfig, EiLayerConfig};
    ///
    /// let device = Device::flex();
    /// let hidden = EiLayerConfig::new(8, 40, 10).init(&device);
    /// let readout = DaleLinearConfig::reading(hidden.output_signs(), 2).init(&device);
    /// assert_eq!(readout.input_signs().num_inhibitory(), 0);
    /// ```
    pub fn reading(signs: Signs, d_output: usize) -> Self {
        Self::new(signs.len(), d_output).with_signs(Some(signs))
    }

    /// Initialize a new [`DaleLinear`] module.
    ///
    /// # Panics
    ///
    /// If `inhibitory_fraction` is not between 0 and 1, there are not `d_input` signs or some are
    /// unconstrained, the mask does not fit or the initialiser's parameters are wrong.
    pub fn init(&self, device: &Device) -> DaleLinear {
        self.init_part(Seed::new(self.seed, device), 0, device)
    }

    /// [`init`](Self::init) as one part of a layer that has several.
    pub(super) fn init_part(&self, seed: Seed, part: u64, device: &Device) -> DaleLinear {
        let [d_input, d_output] = [self.d_input, self.d_output];
        let signs = input_cells(self.signs.as_ref(), d_input, self.inhibitory_fraction);
        let mut random = seed.stream(part);
        let mask = self
            .mask
            .as_ref()
            .map(|mask| mask.draw([d_input, d_output], &mut random));
        let exists = |input: usize, unit: usize| {
            mask.as_ref()
                .is_none_or(|mask| mask[input * d_output + unit])
        };
        let cells: Vec<CellType> = signs.iter().collect();
        let magnitudes = Magnitudes {
            cells: &cells,
            units: d_output,
            balance: self.balance,
            initializer: self.initializer.as_ref(),
        };
        let by_unit = magnitudes.draw(exists, &mut random);
        let values: Vec<f32> = (0..d_input * d_output)
            .map(|at| by_unit[at % d_output][at / d_output])
            .collect();
        let values = Tensor::from_data(TensorData::new(values, [d_input, d_output]), device);
        let mask =
            mask.map(|mask| Tensor::from_data(TensorData::new(mask, [d_input, d_output]), device));
        let bias = self.bias.then(|| Tensor::zeros([d_output], device));
        DaleLinear::from_parts(&signs, values, mask, bias)
    }
}

impl DaleLinear {
    /// The layer of these magnitudes.
    pub(super) fn from_parts(
        signs: &Signs,
        magnitude: Tensor<2>,
        mask: Option<Tensor<2, Bool>>,
        bias: Option<Tensor<1>>,
    ) -> Self {
        let law = Law::non_negative();
        let law = match mask {
            Some(mask) => law.with_mask(mask),
            None => law,
        };
        let signs = signs.tensor(&magnitude.device());
        Self {
            signs: Param::initialized(ParamId::new(), signs),
            magnitude: LawfulParam::parameter(Param::from_tensor(magnitude.detach()), law),
            bias: bias.map(|bias| Param::from_tensor(bias.detach())),
        }
    }

    /// The cell types of the inputs.
    pub fn input_signs(&self) -> Signs {
        Signs::from_tensor(self.signs.val())
    }

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
        let [d_input, _] = self.magnitude.dims();
        assert_shape!(input, [.., d_input]);
        // The signs go to the thin input, not to the matrix.
        let signs = self.signs.val().float().cast(input.dtype());
        linear(
            input * signs.unsqueeze::<D>(),
            self.magnitude.val(),
            self.bias.as_ref().map(|bias| bias.val()),
        )
    }

    /// The weights with their signs.
    ///
    /// # Shapes
    ///
    /// - output: `[d_input, d_output]`
    pub fn weight(&self) -> Tensor<2> {
        let magnitude = self.magnitude.val();
        let signs = self.signs.val().float().cast(magnitude.dtype());
        magnitude * signs.unsqueeze_dim::<2>(1)
    }
}

impl ModuleDisplay for DaleLinear {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, d_output] = self.magnitude.lazy_shape().dims();
        content
            .add("d_input", &d_input)
            .add("d_output", &d_output)
            .add("inhibitory", &self.input_signs().num_inhibitory())
            .add("bias", &self.bias.is_some())
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        init::HalfKaiming,
        laws::obey_laws,
        layers::gradient::{check_gradient, shifted, with_values},
    };
    use burn::tensor::Tolerance;

    fn layer(device: &Device) -> DaleLinear {
        let mut layer = DaleLinearConfig::new(3, 2)
            .with_inhibitory_fraction(0.34)
            .init(device);
        let magnitude = TensorData::from([[1.0f32, 2.0], [0.5, 0.0], [3.0, 1.0]]);
        *layer.magnitude = with_values(&layer.magnitude, magnitude);
        layer.bias = layer
            .bias
            .map(|bias| bias.map(|_| Tensor::from_floats([0.5, -1.0], device)));
        layer
    }

    #[test]
    fn hand_calculated_output() {
        let device = crate::test_device();
        let input = Tensor::<2>::from_floats([[1.0, 2.0, 1.0], [0.0, 4.0, 2.0]], &device);
        // 1 + 1 - 3 + 0.5, 2 + 0 - 1 - 1; 0 + 2 - 6 + 0.5, 0 + 0 - 2 - 1
        let expected = TensorData::from([[-0.5f32, 0.0], [-3.5, -3.0]]);
        let output = layer(&device).forward(input.clone());
        output
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::strict());
        let output = layer(&device)
            .forward(input.unsqueeze::<3>())
            .squeeze_dim::<2>(0);
        output
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::strict());
    }

    #[test]
    fn weights_are_signed_by_row() {
        let expected = TensorData::from([[1.0f32, 2.0], [0.5, 0.0], [-3.0, -1.0]]);
        layer(&crate::test_device())
            .weight()
            .into_data()
            .assert_eq(&expected, true);
    }

    #[test]
    fn balanced_weights_cancel_on_average_and_equal_ones_do_not() {
        let config = DaleLinearConfig::new(200, 50).with_seed(Some(1));
        let sum = |balance| {
            let layer = config
                .clone()
                .with_balance(balance)
                .init(&crate::test_device());
            layer
                .forward(Tensor::<2>::ones([1, 200], &crate::test_device()))
                .mean()
        };
        // Each output's weights cancel; alike, 160 excitatory ones outweigh 40 inhibitory ones.
        assert!(sum(Balance::Balanced).into_scalar::<f32>().abs() < 1e-4);
        assert!(sum(Balance::Equal).into_scalar::<f32>() > 1.0);
    }

    #[test]
    fn an_initializer_decides_the_magnitudes() {
        let config = DaleLinearConfig::new(200, 50)
            .with_seed(Some(1))
            .with_initializer(Some(HalfKaiming { scale: 1.0 }.into()));
        let layer = config.clone().init(&crate::test_device());
        let mean = |rows| layer.weight().slice([rows]).mean().into_scalar::<f32>();
        // U(0, 1/√200), and for the 40 inhibitory inputs four times as much.
        assert!((mean(0..160) - 0.035_36).abs() < 1e-3);
        assert!((mean(160..200) + 0.141_4).abs() < 4e-3);
        let alike = config
            .with_balance(Balance::Equal)
            .init(&crate::test_device());
        let mean = alike
            .weight()
            .narrow(0, 160, 40)
            .mean()
            .into_scalar::<f32>();
        assert!((mean + 0.035_36).abs() < 1e-3);
    }

    #[test]
    fn missing_synapses_stay_missing() {
        let config = DaleLinearConfig::new(6, 4).with_mask(Some(Mask::Blocks { count: 2 }));
        let device = crate::test_device();
        let mut layer = config.init(&device);
        let zeros = |layer: &DaleLinear| {
            let zeros = layer.weight().equal_elem(0.0).int().sum();
            zeros.into_scalar::<i64>()
        };
        assert!(zeros(&layer) >= 12);
        *layer.magnitude = (*layer.magnitude).clone().map(|it| it.ones_like());
        let layer = obey_laws(layer);
        assert_eq!(zeros(&layer), 12);
        // The mask is saved: a record of another mask decides.
        let other = DaleLinearConfig::new(6, 4)
            .with_mask(Some(Mask::Given(vec![vec![true; 4]; 6])))
            .init(&device);
        let loaded = other.load_record(layer.into_record());
        assert_eq!(zeros(&obey_laws(loaded)), 12);
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let device = crate::test_device().autodiff();
        let layer = layer(&device);
        let input = Tensor::<2>::from_floats([[1.0, 2.0, 1.0], [0.0, 4.0, 2.0]], &device);
        let factors = Tensor::<2>::from_floats([[1.0, -2.0], [0.5, 3.0]], &device);
        let loss = |layer: &DaleLinear| (layer.forward(input.clone()) * factors.clone()).sum();
        let gradients = loss(&layer).backward();
        let gradient = layer.magnitude.val().grad(&gradients).unwrap();
        check_gradient(&gradient, |at, shift| {
            let mut layer = layer.clone();
            *layer.magnitude = (*layer.magnitude).clone().map(|it| shifted(it, at, shift));
            loss(&layer).into_scalar::<f32>()
        });
    }

    #[test]
    fn a_seed_fixes_the_start_and_none_means_a_new_one() {
        let start = |seed| {
            let config = DaleLinearConfig::new(5, 4).with_seed(seed);
            config.init(&crate::test_device()).weight().into_data()
        };
        assert_eq!(start(Some(3)), start(Some(3)));
        assert_ne!(start(Some(3)), start(Some(4)));
        assert_ne!(start(None), start(None));
    }

    #[test]
    #[should_panic(expected = "the inhibitory fraction is 1.5")]
    fn a_fraction_above_one_is_refused() {
        DaleLinearConfig::new(5, 4)
            .with_inhibitory_fraction(1.5)
            .init(&crate::test_device());
    }

    #[test]
    fn display() {
        let layer = DaleLinearConfig::new(10, 3).init(&crate::test_device());
        assert_eq!(
            layer.to_string(),
            "DaleLinear {d_input: 10, d_output: 3, inhibitory: 2, bias: true, params: 33}"
        );
    }
}
