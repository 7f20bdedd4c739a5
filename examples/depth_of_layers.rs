//! Do deep stacks of each layer learn from their default start? Five (or so many as are asked for) hidden
//! layers of one kind, trained by Adam on the embedded digits, next to burn's `Linear`.
//!
//! ```sh
//! cargo run --example depth_of_layers              # depth 5, width 100
//! cargo run --example depth_of_layers -- 10 100 3  # depth, width, seeds
//! ```

use burn::{
    module::Module,
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Tensor, activation::relu},
};
use burn_dendrite::nn::layers::{
    DaleLinear, DaleLinearConfig, DendriticLayer, DendriticLayerConfig, EiDense, EiDenseConfig,
    EiLayer, EiLayerConfig, obey_laws,
};
use burn_dendrite::train::data::DatasetName;

/// A hidden layer of some kind, from rates to rates.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // Five of one kind.
pub enum Layer {
    /// burn's own.
    Linear(Linear),
    /// One sign for each input.
    Dale(DaleLinear),
    /// Settles under its inhibition.
    Settling(EiLayer),
    /// Feed-forward inhibition.
    Dense(EiDense),
    /// Branches with receptive fields.
    Dendritic(DendriticLayer),
}

impl Layer {
    fn new(kind: &str, [inputs, width]: [usize; 2], fraction: f64, device: &Device) -> Self {
        let inhibitory = ((width as f64 * fraction) as usize).max(1);
        match kind {
            "DaleLinear" => Self::Dale(
                DaleLinearConfig::new(inputs, width)
                    .with_inhibitory_fraction(fraction)
                    .init(device),
            ),
            "EiLayer" => Self::Settling(EiLayerConfig::new(inputs, width, inhibitory).init(device)),
            "EiDense" => Self::Dense(EiDenseConfig::new(inputs, width, inhibitory).init(device)),
            "DendriticLayer" => {
                Self::Dendritic(DendriticLayerConfig::new(inputs, width, 4).init(device))
            }
            _ => Self::Linear(LinearConfig::new(inputs, width).init(device)),
        }
    }

    fn forward(&self, rates: Tensor<2>) -> Tensor<2> {
        match self {
            Self::Linear(it) => relu(it.forward(rates)),
            Self::Dale(it) => relu(it.forward(rates)),
            Self::Settling(it) => it.forward(rates),
            Self::Dense(it) => it.forward(rates),
            Self::Dendritic(it) => it.forward(rates),
        }
    }
}

/// Percent of the embedded test digits that a stack gets right after 500 steps of 50 digits.
pub fn accuracy(kind: &str, depth: usize, width: usize, fraction: f64, seed: u64) -> f32 {
    let device = Device::default().autodiff();
    device.clone().without_autodiff().seed(seed);
    let data = DatasetName::MnistMini
        .load(&Default::default())
        .expect("embedded digits");
    let layers = (0..depth).map(|at| [if at == 0 { 784 } else { width }, width]);
    let layers: Vec<Layer> = layers
        .map(|size| Layer::new(kind, size, fraction, &device))
        .collect();
    let mut model = (layers, LinearConfig::new(width, 10).init(&device));
    let forward = |(layers, readout): &(Vec<Layer>, Linear), images| {
        readout.forward(
            layers
                .iter()
                .fold(images, |rates, layer| layer.forward(rates)),
        )
    };
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    for step in 0..500 {
        let digits: Vec<usize> = (0..50)
            .map(|at| (step * 50 + at) * 7 % data.train.len())
            .collect();
        let batch = data.train.batch(&digits, &device);
        let scores = forward(&model, batch.inputs.autodiff());
        let loss = cross_entropy.forward(scores, batch.labels);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = obey_laws(optimizer.step(1e-3, model, gradients));
    }
    let all: Vec<usize> = (0..data.test.len()).collect();
    let test = data.test.batch(&all, &device);
    let guesses = forward(&model.valid(), test.inputs)
        .argmax(1)
        .squeeze_dim::<1>(1);
    100.0
        * guesses
            .equal(test.labels)
            .float()
            .mean()
            .into_scalar::<f32>()
}

#[allow(dead_code)] // The test of this table has its own entry.
fn main() {
    let asked: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|it| it.parse().ok())
        .collect();
    let [depth, width, seeds] = [5, 100, 1].map(|default| default);
    let depth = *asked.first().unwrap_or(&depth);
    let width = *asked.get(1).unwrap_or(&width);
    let seeds = *asked.get(2).unwrap_or(&seeds) as u64;
    println!("depth {depth}, width {width}: accuracy in percent, seeds 1 to {seeds}");
    for kind in [
        "Linear",
        "DaleLinear",
        "EiLayer",
        "EiDense",
        "DendriticLayer",
    ] {
        let fractions: &[f64] = match kind {
            "Linear" | "DendriticLayer" => &[0.0],
            _ => &[0.1, 0.2, 0.5],
        };
        for &fraction in fractions {
            let reached = (1..=seeds).map(|seed| accuracy(kind, depth, width, fraction, seed));
            let reached: Vec<String> = reached.map(|it| format!("{it:.1}")).collect();
            println!("{kind:15} {fraction:.1} inhibitory  {}", reached.join("  "));
        }
    }
}
