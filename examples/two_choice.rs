//! Which of two noisy signals is stronger? A recurrent network of excitatory and inhibitory neurons learns
//! to integrate evidence over 600 ms, next to burn's own RNN, and its psychometric curve is drawn.
//!
//! ```sh
//! cargo run --example two_choice        # writes psychometric-curve.svg
//! ```

use burn::{
    module::Module,
    nn::{Linear, LinearConfig, Rnn, RnnConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Distribution, Int, Tensor},
};
use burn_dendrite::nn::layers::{DaleLinear, DaleLinearConfig, EiRnn, EiRnnConfig, obey_laws};
use burn_dendrite::train::plot::{Axis, LineChart, Point, Series};

const TRIALS: usize = 64;
const TIME: usize = 30;
const UNITS: usize = 60;

trait Decides: Module {
    /// The two choices' scores, `[trial, 2]`, after the last step of `[trial, time, 2]`.
    fn decide(&self, evidence: Tensor<3>) -> Tensor<2>;
}

fn last(activity: Tensor<3>) -> Tensor<2> {
    activity.slice([0..TRIALS, TIME - 1..TIME]).squeeze_dim(1)
}

impl Decides for (EiRnn, DaleLinear) {
    fn decide(&self, evidence: Tensor<3>) -> Tensor<2> {
        self.1.forward(last(self.0.forward(evidence, None).0))
    }
}

impl Decides for (Rnn, Linear) {
    fn decide(&self, evidence: Tensor<3>) -> Tensor<2> {
        self.1.forward(last(self.0.forward(evidence, None).0))
    }
}

/// Two rates of mean 1 ± coherence, with noise as strong as they are.
fn evidence(coherence: Tensor<1>) -> Tensor<3> {
    let means = Tensor::stack::<2>(vec![1.0 + coherence.clone(), 1.0 - coherence.clone()], 1);
    let noise = Distribution::Normal(0.0, 1.0);
    let noise = Tensor::random([TRIALS, TIME, 2], noise, &coherence.device());
    (means.unsqueeze_dim::<3>(1) + noise).clamp_min(0.0)
}

fn train<N: Decides>(name: &str, mut network: N, device: &Device) -> N {
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(device);
    for step in 0..=300 {
        let coherence = Tensor::random([TRIALS], Distribution::Uniform(-0.5, 0.5), device);
        let second: Tensor<1, Int> = coherence.clone().lower_elem(0.0).int();
        let scores = network.decide(evidence(coherence));
        let right = scores
            .clone()
            .argmax(1)
            .squeeze_dim::<1>(1)
            .equal(second.clone());
        let loss = cross_entropy.forward(scores, second);
        if step % 100 == 0 {
            let part = right.float().mean().into_scalar::<f32>();
            println!(
                "{name}  step {step:3}  loss {:.3}  right {part:.2}",
                loss.clone().into_scalar::<f32>()
            );
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = obey_laws(optimizer.step(0.003, network, gradients));
    }
    network.valid()
}

/// How often the first signal is chosen, by coherence.
fn curve<N: Decides>(name: &str, number: usize, network: &N, device: &Device) -> Series {
    let points = (-10..=10).map(|at| {
        let coherence = f64::from(at) / 20.0;
        let scores = network.decide(evidence(Tensor::full([TRIALS], coherence, device)));
        let first = 1.0 - scores.argmax(1).float().mean().into_scalar::<f32>();
        Point {
            x: coherence,
            y: f64::from(first),
            sem: None,
        }
    });
    Series {
        name: name.to_owned(),
        number,
        points: points.collect(),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (device, plain) = (Device::default().autodiff(), Device::default());
    plain.seed(1);
    let rnn = EiRnnConfig::new(2, UNITS).with_noise(0.1).init(&device);
    let readout = DaleLinearConfig::reading(rnn.output_signs(), 2).init(&device);
    let ours = train("E/I RNN", (rnn, readout), &device);
    let burns = (
        RnnConfig::new(2, UNITS, true).init(&device),
        LinearConfig::new(UNITS, 2).init(&device),
    );
    let burns = train("burn's RNN", burns, &device);
    let chart = LineChart {
        title: "Psychometric curve".to_owned(),
        x: Axis::new("coherence"),
        y: Axis {
            high: Some(1.0),
            ..Axis::from_zero("first signal chosen")
        },
        series: vec![
            curve("E/I RNN", 0, &ours, &plain),
            curve("burn's RNN", 1, &burns, &plain),
        ],
    };
    std::fs::write("psychometric-curve.svg", chart.draw()?)?;
    Ok(())
}
