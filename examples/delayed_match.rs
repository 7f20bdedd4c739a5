//! Was the second stimulus the same as the first? A recurrent network of excitatory and inhibitory neurons
//! learns to hold a stimulus over a delay of 200 ms, next to burn's own RNN.
//!
//! ```sh
//! cargo run --example delayed_match
//! ```

use burn::module::Module;
use burn::nn::{LinearConfig, RnnConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn_dendrite::nn::layers::{DaleLinearConfig, EiRnnConfig, obey_laws};

const TRIALS: usize = 64;
/// Steps of 20 ms.
const CUE: usize = 5;
const DELAY: usize = 10;

fn last(activity: Tensor<3>) -> Tensor<2> {
    let [trials, time, _] = activity.dims();
    activity.slice([0..trials, time - 1..time]).squeeze_dim(1)
}

/// A stimulus, a delay and a stimulus, one of two lines each, with noise, `[trial, time, 2]`; and
/// whether they are the same.
fn trials(device: &Device) -> (Tensor<3>, Tensor<1, Int>) {
    let coin = || Tensor::<2>::random([TRIALS, 1], Distribution::Bernoulli(0.5), device);
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

/// Trains a network that scores "different" and "same", `[trial, 2]`.
fn learn<N: Module>(name: &str, mut network: N, answer: fn(&N, Tensor<3>) -> Tensor<2>) {
    let device = Device::default().autodiff();
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    for step in 0..=200 {
        let (stimuli, same) = trials(&device);
        let scores = answer(&network, stimuli);
        let guesses = scores.clone().argmax(1).squeeze_dim::<1>(1);
        let right = guesses.equal(same.clone()).float().mean();
        let loss = cross_entropy.forward(scores, same);
        if step % 40 == 0 {
            let loss = loss.clone().into_scalar::<f32>();
            let right = 100.0 * right.into_scalar::<f32>();
            println!("{name:10}  step {step:3}  loss {loss:.3}  right {right:3.0} %");
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = obey_laws(optimizer.step(0.003, network, gradients));
    }
}

fn main() {
    Device::default().seed(1);
    let device = Device::default().autodiff();
    let rnn = EiRnnConfig::new(2, 60).with_spectral_radius(1.3);
    let rnn = rnn.init(&device);
    let readout = DaleLinearConfig::reading(rnn.output_signs(), 2).init(&device);
    learn("E/I RNN", (rnn, readout), |(rnn, readout), stimuli| {
        readout.forward(last(rnn.forward(stimuli, None).0))
    });
    let rnn = RnnConfig::new(2, 60, true).init(&device);
    let readout = LinearConfig::new(60, 2).init(&device);
    learn("burn's RNN", (rnn, readout), |(rnn, readout), stimuli| {
        readout.forward(last(rnn.forward(stimuli, None).0))
    });
}
