//! E/I layers inside an ordinary burn model: two interleaved half moons, told apart by neurons that
//! obey Dale's law. Autodiff and Adam train the model as any other; one line, `obey_laws`, is new.
//!
//! ```sh
//! cargo run --example dale_layers
//! ```

use std::f32::consts::PI;

use burn::{
    module::Module,
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Int, Tensor, activation::relu},
};
use burn_dendrite::nn::{
    laws::{count_violations, obey_laws},
    layers::{DaleLinear, DaleLinearConfig, EiLayer, EiLayerConfig},
};

const SAMPLES: usize = 500;
const STEPS: usize = 200;
const LEARNING_RATE: f64 = 0.003;

/// A layer of burn, then two of ours.
#[derive(Module, Debug)]
struct Moons {
    /// Turns coordinates into rates, which are never negative: what E/I layers expect.
    features: Linear,
    /// Excitatory neurons that settle under the inhibition of interneurons.
    hidden: EiLayer,
    /// Reads excitatory neurons, so it excites: each class by its own weights.
    readout: DaleLinear,
}

impl Moons {
    fn new(device: &Device) -> Self {
        let hidden = EiLayerConfig::new(32, 40, 10).init(device);
        Self {
            features: LinearConfig::new(2, 32).init(device),
            // A neuron has one sign wherever it projects to: the readout takes those of its cells.
            readout: DaleLinearConfig::reading(hidden.output_signs(), 2).init(device),
            hidden,
        }
    }

    fn forward(&self, points: Tensor<2>) -> Tensor<2> {
        let rates = relu(self.features.forward(points));
        self.readout.forward(self.hidden.forward(rates))
    }
}

fn main() {
    let device = Device::default();
    device.seed(1);
    let (train, test) = (moons(&device), moons(&device));

    // Autodiff needs a device that records; the test below runs without.
    let recording = device.autodiff();
    let mut model = Moons::new(&recording);
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&recording);
    println!("{model}");

    for step in 0..=STEPS {
        let (points, classes) = (train.0.clone().autodiff(), train.1.clone());
        let loss = cross_entropy.forward(model.forward(points), classes);
        if step % 25 == 0 {
            println!(
                "step {step:3}  loss {:.4}  test accuracy {:5.1} %",
                loss.clone().into_scalar::<f32>(),
                accuracy(&model, &test),
            );
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let stepped = optimizer.step(LEARNING_RATE, model, gradients);
        if step == 0 {
            println!(
                "Dale violations after Adam alone: {}",
                count_violations(&stepped)
            );
        }
        // Adam knows nothing of Dale's law: this puts the weights back onto it.
        model = obey_laws(stepped);
    }
    println!("Dale violations: {}", count_violations(&model));
}

/// Points on two half circles, one upside down and shifted into the other, with noise; and which of
/// the two each is on.
fn moons(device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let half = SAMPLES / 2;
    let angle = Tensor::<1>::random([half], Distribution::Uniform(0.0, f64::from(PI)), device);
    let (x, y) = (angle.clone().cos(), angle.sin());
    let upper = Tensor::stack::<2>(vec![x.clone(), y.clone()], 1);
    let lower = Tensor::stack::<2>(vec![1.0 - x, 0.5 - y], 1);
    let noise = Tensor::random([2 * half, 2], Distribution::Normal(0.0, 0.15), device);
    let classes = Tensor::cat(
        vec![Tensor::zeros([half], device), Tensor::ones([half], device)],
        0,
    );
    (Tensor::cat(vec![upper, lower], 0) + noise, classes)
}

/// Percentage of points that the model puts on the right moon.
fn accuracy(model: &Moons, (points, classes): &(Tensor<2>, Tensor<1, Int>)) -> f32 {
    let guesses = model
        .valid()
        .forward(points.clone())
        .argmax(1)
        .squeeze_dim::<1>(1);
    100.0
        * guesses
            .equal(classes.clone())
            .float()
            .mean()
            .into_scalar::<f32>()
}
