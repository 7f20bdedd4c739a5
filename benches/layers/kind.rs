//! The layers that are measured, each as a map from rates to rates.

use burn::{
    module::Module,
    nn::{
        Linear, LinearConfig, PaddingConfig2d, Rnn, RnnConfig,
        conv::{Conv2d, Conv2dConfig},
    },
    tensor::{Device, Tensor, activation::relu},
};
use burn_dendrite::nn::Signs;
use burn_dendrite::nn::laws::{Law, Lawful};
use burn_dendrite::nn::layers::{
    DaleConv2d, DaleConv2dConfig, DaleLinear, DaleLinearConfig, DendriticLayer,
    DendriticLayerConfig, EiDense, EiDenseConfig, EiLayer, EiLayerConfig, EiRnn, EiRnnConfig,
};

/// What a stack is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// burn's own.
    Linear,
    /// burn's own under the same law, from its own start.
    LawfulLinear,
    /// One sign for each input.
    DaleLinear,
    /// Settles under its inhibition.
    EiLayer,
    /// Feed-forward inhibition.
    EiDense,
    /// Dendrites that hear sixteen inputs each, four a neuron.
    DendriticLayer,
    /// burn's own, with kernels of three by three.
    Conv2d,
    /// One sign for each input channel.
    DaleConv2d,
    /// burn's own, over the rows of the image.
    Rnn,
    /// Excitatory and inhibitory neurons in time.
    EiRnn,
}

impl Kind {
    /// All kinds, each of burn's own before those that are held against it.
    pub(crate) const ALL: [Self; 9] = [
        Self::Linear,
        Self::DaleLinear,
        Self::EiLayer,
        Self::EiDense,
        Self::DendriticLayer,
        Self::Conv2d,
        Self::DaleConv2d,
        Self::Rnn,
        Self::EiRnn,
    ];

    /// True where some of the cells inhibit.
    pub(crate) fn has_inhibition(self) -> bool {
        matches!(
            self,
            Self::DaleLinear | Self::EiLayer | Self::EiDense | Self::DaleConv2d | Self::EiRnn
        )
    }

    /// Maps or neurons of a layer that is as wide as a dense one of `width` neurons is asked to be.
    fn units(self, width: usize) -> usize {
        match self {
            Self::Conv2d | Self::DaleConv2d => (2 * width / 25).max(2),
            _ => width,
        }
    }
}

/// A hidden layer.
#[derive(Module, Debug)]
#[allow(missing_docs, clippy::large_enum_variant)] // One of each kind.
pub(crate) enum Layer {
    Linear(Linear),
    LawfulLinear(Lawful<Linear, 2>),
    DaleLinear(DaleLinear),
    EiLayer(EiLayer),
    EiDense(EiDense),
    DendriticLayer(DendriticLayer),
    Conv2d(Conv2d),
    DaleConv2d(DaleConv2d),
    Rnn(Rnn),
    EiRnn(EiRnn),
}

/// Steps of a recurrent layer: one for each row of an image.
const ROWS: usize = 28;

impl Layer {
    /// A layer over images of 28 by 28 pixels.
    pub(crate) fn first(kind: Kind, width: usize, fraction: f64, device: &Device) -> Self {
        let inputs = match kind {
            Kind::Conv2d | Kind::DaleConv2d => 1,
            Kind::Rnn | Kind::EiRnn => 28,
            _ => 784,
        };
        Self::new(kind, [inputs, kind.units(width)], fraction, 2, device)
    }

    /// A layer over a layer like itself.
    pub(crate) fn next(&self, kind: Kind, width: usize, fraction: f64, device: &Device) -> Self {
        let inputs = match self {
            // What leaves it is the activity of its excitatory neurons.
            Self::EiRnn(rnn) => rnn.output_signs().len(),
            _ => kind.units(width),
        };
        Self::new(kind, [inputs, kind.units(width)], fraction, 1, device)
    }

    fn new(kind: Kind, size: [usize; 2], fraction: f64, stride: usize, device: &Device) -> Self {
        let [inputs, units] = size;
        let inhibitory = ((units as f64 * fraction) as usize).max(1);
        let padding = PaddingConfig2d::Explicit(1, 1, 1, 1);
        let dale = DaleLinearConfig::new(inputs, units).with_inhibitory_fraction(fraction);
        let settling = EiLayerConfig::new(inputs, units, inhibitory);
        let dense = EiDenseConfig::new(inputs, units, inhibitory);
        let conv = Conv2dConfig::new(size, [3, 3]).with_stride([stride; 2]);
        let dale_conv = DaleConv2dConfig::new(size, [3, 3])
            .with_stride([stride; 2])
            .with_inhibitory_fraction(fraction);
        let rnn = EiRnnConfig::new(inputs, units).with_inhibitory_fraction(fraction);
        // Each line of the image lasts a time constant, so that ten layers lag by less than an image.
        let tau = rnn.tau;
        let rnn = rnn.with_dt(tau);
        match kind {
            Kind::Linear => Self::Linear(LinearConfig::new(inputs, units).init(device)),
            Kind::LawfulLinear => {
                let signs = Signs::excitatory_first(inputs, fraction);
                let law = Law::new().with_signs(&signs, 0, device);
                let linear = Lawful::new(LinearConfig::new(inputs, units).init(device));
                Self::LawfulLinear(linear.with_law(|it| Some(&it.weight), law))
            }
            Kind::DaleLinear => Self::DaleLinear(dale.init(device)),
            Kind::EiLayer => Self::EiLayer(settling.init(device)),
            Kind::EiDense => Self::EiDense(dense.init(device)),
            Kind::DendriticLayer => {
                Self::DendriticLayer(DendriticLayerConfig::new(inputs, units, 4).init(device))
            }
            Kind::Conv2d => Self::Conv2d(conv.with_padding(padding).init(device)),
            Kind::DaleConv2d => Self::DaleConv2d(dale_conv.with_padding(padding).init(device)),
            Kind::Rnn => Self::Rnn(RnnConfig::new(inputs, units, true).init(device)),
            Kind::EiRnn => Self::EiRnn(rnn.init(device)),
        }
    }

    /// Rates to rates, `[batch, features]` both; maps and time are folded into the features.
    pub(crate) fn forward(&self, rates: Tensor<2>) -> Tensor<2> {
        let [batch, features] = rates.dims();
        let maps = |rates: Tensor<2>, channels: usize| {
            let side = (features / channels).isqrt();
            rates.reshape([batch, channels, side, side])
        };
        let rows = |rates: Tensor<2>| rates.reshape([batch, ROWS, features / ROWS]);
        match self {
            Self::Linear(it) => relu(it.forward(rates)),
            Self::LawfulLinear(it) => relu(it.forward(rates)),
            Self::DaleLinear(it) => relu(it.forward(rates)),
            Self::EiLayer(it) => it.forward(rates),
            Self::EiDense(it) => it.forward(rates),
            Self::DendriticLayer(it) => it.forward(rates),
            Self::Conv2d(it) => relu(it.forward(maps(rates, it.weight.dims()[1]))).flatten(1, 3),
            Self::DaleConv2d(it) => {
                relu(it.forward(maps(rates, it.magnitude.dims()[1]))).flatten(1, 3)
            }
            Self::Rnn(it) => it.forward(rows(rates), None).0.flatten(1, 2),
            Self::EiRnn(it) => it.forward(rows(rates), None).0.flatten(1, 2),
        }
    }
}
