//! E/I layers inside an ordinary burn model: two interleaved half moons, told apart by neurons that
//! obey Dale's law. Autodiff and Adam train the model as any other; one line, `obey_laws`, is new.
//!
//! ```sh
//! cargo run --example dale_layers
//! ```

use burn::module::Module;
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor, activation::relu};
use burn_dendrite::nn::laws::{count_violations, obey_laws};
use burn_dendrite::nn::layers::{DaleLinear, DaleLinearConfig, EiLayer, EiLayerConfig};

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
    fn forward(&self, points: Tensor<2>) -> Tensor<2> {
        let rates = relu(self.features.forward(points));
        self.readout.forward(self.hidden.forward(rates))
    }
}

/// Points on two half circles, one upside down and shifted into the other, with noise; and which of
/// the two each is on.
fn moons(device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let half_circle = Distribution::Uniform(0.0, std::f64::consts::PI);
    let angle = Tensor::<1>::random([250], half_circle, device);
    let (x, y) = (angle.clone().cos(), angle.sin());
    let upper = Tensor::stack::<2>(vec![x.clone(), y.clone()], 1);
    let lower = Tensor::stack::<2>(vec![1.0 - x, 0.5 - y], 1);
    let points = Tensor::cat(vec![upper, lower], 0);
    let noise = points.random_like(Distribution::Normal(0.0, 0.15));
    let classes = vec![Tensor::zeros([250], device), Tensor::ones([250], device)];
    (points + noise, Tensor::cat(classes, 0))
}

fn main() {
    Device::default().seed(1);
    // Autodiff needs a device that records; the test below runs without.
    let device = Device::default().autodiff();
    let ((points, classes), test) = (moons(&device), moons(&Device::default()));
    let hidden = EiLayerConfig::new(32, 40, 10).init(&device);
    let mut model = Moons {
        features: LinearConfig::new(2, 32).init(&device),
        // A neuron has one sign wherever it projects to: the readout takes those of its cells.
        readout: DaleLinearConfig::reading(hidden.output_signs(), 2).init(&device),
        hidden,
    };
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    println!("{model}");
    for step in 0..=200 {
        let loss = cross_entropy.forward(model.forward(points.clone()), classes.clone());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        // Adam knows nothing of Dale's law: `obey_laws` puts the weights back onto it.
        let stepped = optimizer.step(0.003, model, gradients);
        let broken = count_violations(&stepped);
        model = obey_laws(stepped);
        if step % 25 == 0 {
            let guesses = model.valid().forward(test.0.clone()).argmax(1);
            let right = guesses.squeeze_dim::<1>(1).equal(test.1.clone());
            let accuracy = 100.0 * right.float().mean().into_scalar::<f32>();
            println!("step {step:3}  test accuracy {accuracy:5.1} %, {broken:3} weights put back");
        }
    }
    println!("weights that break the law: {}", count_violations(&model));
}
