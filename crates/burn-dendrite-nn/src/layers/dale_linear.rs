//! A linear layer under Dale's law.

use burn::{
    config::Config,
    module::{Content, DisplaySettings, Module, ModuleDisplay, Param, ParamId},
    tensor::{Device, Int, Tensor, TensorData, assert_shape, module::linear},
};

use super::{project::under_law, seed_or_draw};
use crate::{
    CellType, InitializerSpec,
    constraint::project_dale,
    init::{HalfKaiming, InitSite, WeightStream},
};

/// How strong inhibitory weights start beside excitatory ones.
#[derive(Config, Debug, Copy, PartialEq, Eq)]
pub enum Balance {
    /// Stronger by the number of excitatory inputs over that of inhibitory ones: for inputs of
    /// equal activity, excitation and inhibition cancel on average.
    Balanced,
    /// Alike.
    Equal,
}

/// Configuration to create a [`DaleLinear`] layer using the [init function](DaleLinearConfig::init).
#[derive(Config, Debug)]
pub struct DaleLinearConfig {
    /// The size of the input features.
    pub d_input: usize,
    /// The size of the output features.
    pub d_output: usize,
    /// Which part of the inputs, from 0 to 1, is inhibitory: the last `d_input` times this,
    /// rounded.
    #[config(default = 0.2)]
    pub inhibitory_fraction: f64,
    /// If a bias should be applied; it starts at zero and is free in sign.
    #[config(default = true)]
    pub bias: bool,
    /// How the magnitudes start: the absolute values of what this draws for excitatory cells.
    #[config(default = "HalfKaiming { scale: 1.0 }.into()")]
    pub initializer: InitializerSpec,
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
/// `x` input, meant to be rates `≥ 0`; `sign_i` is `1` for the excitatory inputs, which come first,
/// and `-1` for the inhibitory ones; `m` magnitudes, which learn; `b` bias, free in sign.
///
/// Gradient steps can make magnitudes negative: call [`obey_laws`](super::obey_laws) after each
/// one. The signs are saved in records and no optimizer touches them.
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
    pub magnitude: Param<Tensor<2>>,
    /// Vector of size `d_output`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl DaleLinearConfig {
    /// Initialize a new [`DaleLinear`] module.
    ///
    /// # Panics
    ///
    /// If `inhibitory_fraction` is not between 0 and 1 or the initialiser's parameters are wrong.
    pub fn init(&self, device: &Device) -> DaleLinear {
        assert!(
            (0.0..=1.0).contains(&self.inhibitory_fraction),
            "`inhibitory_fraction` is {}; accepted: 0 to 1",
            self.inhibitory_fraction
        );
        let inhibitory = (self.d_input as f64 * self.inhibitory_fraction).round() as usize;
        let excitatory = self.d_input - inhibitory;
        let [plus, minus] =
            [CellType::Excitatory, CellType::Inhibitory].map(|cell| cell.sign() as i32);
        let signs = [vec![plus; excitatory], vec![minus; inhibitory]].concat();
        let signs = Tensor::from_data(TensorData::new(signs, [self.d_input]), device);
        let magnitude = Param::from_tensor(self.magnitude(excitatory, device));
        DaleLinear {
            signs: Param::initialized(ParamId::new(), signs),
            // Magnitudes are excitatory weights, whatever the sign that they will get.
            magnitude: under_law(magnitude, |it| project_dale(it, CellType::Excitatory)),
            bias: self
                .bias
                .then(|| Param::from_tensor(Tensor::zeros([self.d_output], device))),
        }
    }

    fn magnitude(&self, excitatory: usize, device: &Device) -> Tensor<2> {
        let cell = CellType::Excitatory;
        self.initializer
            .check(cell)
            .unwrap_or_else(|message| panic!("initializer: {message}"));
        let mut stream = WeightStream::new(seed_or_draw(self.seed, device));
        let mut values = self
            .initializer
            .distribution(&InitSite {
                cell,
                fan_in: self.d_input,
            })
            .sample(self.d_input * self.d_output, &mut stream);
        let inhibitory = self.d_input - excitatory;
        let factor = match self.balance {
            Balance::Balanced if excitatory > 0 && inhibitory > 0 => {
                excitatory as f32 / inhibitory as f32
            }
            Balance::Balanced | Balance::Equal => 1.0,
        };
        let (exciting, inhibiting) = values.split_at_mut(excitatory * self.d_output);
        exciting.iter_mut().for_each(|value| *value = value.abs());
        inhibiting
            .iter_mut()
            .for_each(|value| *value = value.abs() * factor);
        Tensor::from_data(
            TensorData::new(values, [self.d_input, self.d_output]),
            device,
        )
    }
}

impl DaleLinear {
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
        let signed = input * self.signs.val().float().unsqueeze::<D>();
        linear(
            signed,
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
        self.magnitude.val() * self.signs.val().float().unsqueeze_dim::<2>(1)
    }
}

impl ModuleDisplay for DaleLinear {
    fn custom_settings(&self) -> Option<DisplaySettings> {
        DisplaySettings::new()
            .with_new_line_after_attribute(false)
            .optional()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        let [d_input, d_output] = self.magnitude.shape().dims();
        let inhibitory = self
            .signs
            .val()
            .lower_elem(0)
            .int()
            .sum()
            .into_scalar::<i64>();
        content
            .add("d_input", &d_input)
            .add("d_output", &d_output)
            .add("inhibitory", &(inhibitory as usize))
            .add("bias", &self.bias.is_some())
            .optional()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;

    fn layer(device: &Device) -> DaleLinear {
        let mut layer = DaleLinearConfig::new(3, 2)
            .with_inhibitory_fraction(0.34)
            .init(device);
        let magnitude = Tensor::from_floats([[1.0, 2.0], [0.5, 0.0], [3.0, 1.0]], device);
        layer.magnitude = layer.magnitude.map(|_| magnitude);
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
        // 160 excitatory weights of mean 1 / (2 sqrt 200) against 40.
        assert!(sum(Balance::Balanced).into_scalar::<f32>().abs() < 0.2);
        assert!((sum(Balance::Equal).into_scalar::<f32>() - 4.243).abs() < 0.2);
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
    #[should_panic(expected = "`inhibitory_fraction` is 1.5")]
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
