//! Was the second stimulus the same as the first? A recurrent network of excitatory and inhibitory neurons
//! learns to hold a stimulus over a delay, next to burn's own RNN.
//!
//! ```sh
//! cargo run --example delayed_match
//! ```

use burn::{
    module::Module,
    nn::{Linear, LinearConfig, Rnn, RnnConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Int, Tensor},
};
use burn_dendrite::nn::layers::{DaleLinear, DaleLinearConfig, EiRnn, EiRnnConfig, obey_laws};

const TRIALS: usize = 64;
const CUE: usize = 5;
const DELAY: usize = 10;
const UNITS: usize = 60;

trait Remembers: Module {
    /// Scores of "different" and "same", `[trial, 2]`, after `[trial, time, 2]`.
    fn answer(&self, stimuli: Tensor<3>) -> Tensor<2>;
}

fn last(activity: Tensor<3>) -> Tensor<2> {
    let [trials, time, _] = activity.dims();
    activity.slice([0..trials, time - 1..time]).squeeze_dim(1)
}

impl Remembers for (EiRnn, DaleLinear) {
    fn answer(&self, stimuli: Tensor<3>) -> Tensor<2> {
        self.1.forward(last(self.0.forward(stimuli, None).0))
    }
}

impl Remembers for (Rnn, Linear) {
    fn answer(&self, stimuli: Tensor<3>) -> Tensor<2> {
        self.1.forward(last(self.0.forward(stimuli, None).0))
    }
}

/// A stimulus, a delay and a stimulus, one of two lines each, with noise; and whether they are the same.
fn trials(device: &Device) -> (Tensor<3>, Tensor<1, Int>) {
    let coin =
        || -> Tensor<2> { Tensor::random([TRIALS, 1], Distribution::Bernoulli(0.5), device) };
    let (first, second) = (coin(), coin());
    let shown = |which: &Tensor<2>| {
        let lines = Tensor::cat(vec![which.clone(), 1.0 - which.clone()], 1);
        lines.unsqueeze_dim::<3>(1).repeat_dim(1, CUE)
    };
    let delay = Tensor::zeros([TRIALS, DELAY, 2], device);
    let stimuli = Tensor::cat(vec![shown(&first), delay, shown(&second)], 1);
    let noise = stimuli.random_like(Distribution::Normal(0.0, 0.1));
    let same = first.equal(second).int().squeeze_dim::<1>(1);
    ((stimuli + noise).clamp_min(0.0), same)
}

fn train<N: Remembers>(name: &str, mut network: N, device: &Device) {
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(device);
    for step in 0..=1000 {
        let (stimuli, same) = trials(device);
        let scores = network.answer(stimuli);
        let right = scores
            .clone()
            .argmax(1)
            .squeeze_dim::<1>(1)
            .equal(same.clone());
        let loss = cross_entropy.forward(scores, same);
        if step % 200 == 0 {
            let part = right.float().mean().into_scalar::<f32>();
            let loss = loss.clone().into_scalar::<f32>();
            println!("{name}  step {step:4}  loss {loss:.3}  right {part:.2}");
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = obey_laws(optimizer.step(0.003, network, gradients));
    }
}

fn main() {
    let device = Device::default().autodiff();
    device.clone().without_autodiff().seed(1);
    let rnn = EiRnnConfig::new(2, UNITS)
        .with_spectral_radius(1.3)
        .init(&device);
    let readout = DaleLinearConfig::reading(rnn.output_signs(), 2).init(&device);
    train("E/I RNN", (rnn, readout), &device);
    let rnn = RnnConfig::new(2, UNITS, true).init(&device);
    train(
        "burn's RNN",
        (rnn, LinearConfig::new(UNITS, 2).init(&device)),
        &device,
    );
}
