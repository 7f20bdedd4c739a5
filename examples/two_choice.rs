//! Which of two noisy signals is stronger? A recurrent network of excitatory and inhibitory neurons learns
//! to integrate evidence over 600 ms, next to burn's own RNN, and its psychometric curve is drawn.
//!
//! ```sh
//! cargo run --example two_choice        # writes psychometric-curve.svg
//! ```

use burn::module::Module;
use burn::nn::{LinearConfig, RnnConfig, loss::CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Int, Tensor};
use burn_dendrite::lab::plot::{Axis, LineChart, Point, Series};
use burn_dendrite::nn::layers::{DaleLinearConfig, EiRnnConfig, obey_laws};

/// Two rates of mean 1 ± coherence, with noise as strong as they are: `[trial, time, 2]`.
fn evidence(coherence: Tensor<1>) -> Tensor<3> {
    let means = Tensor::stack::<2>(vec![1.0 + coherence.clone(), 1.0 - coherence], 1);
    let means = means.unsqueeze_dim::<3>(1).repeat_dim(1, 30);
    let noise = means.random_like(Distribution::Normal(0.0, 1.0));
    (means + noise).clamp_min(0.0)
}

/// Scores of the two choices, `[trial, time, 2]`.
type Scores<N> = fn(&N, Tensor<3>) -> Tensor<3>;

/// Trains a network, and then draws how often it chooses the first.
fn learn<N: Module>(number: usize, mut network: N, scores: Scores<N>) -> Series {
    let last = |it: &N, coherence| scores(it, evidence(coherence)).slice([0..64, 29..30]);
    let name = ["E/I RNN", "burn's RNN"][number];
    let device = Device::default().autodiff();
    let mut optimizer = AdamConfig::new().init();
    let cross_entropy = CrossEntropyLossConfig::new().init(&device);
    for step in 0..=300 {
        let coherence = Tensor::random([64], Distribution::Uniform(-0.5, 0.5), &device);
        let second: Tensor<1, Int> = coherence.clone().lower_elem(0.0).int();
        let loss = cross_entropy.forward(last(&network, coherence).flatten(0, 1), second);
        if step % 100 == 0 {
            let loss = loss.clone().into_scalar::<f32>();
            println!("{name:10}  step {step:3}  loss {loss:.3}");
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = obey_laws(optimizer.step(0.003, network, gradients));
    }
    let network = network.valid();
    let chosen = (-10..=10).map(|at| {
        let coherence = f64::from(at) / 20.0;
        let trials = Tensor::full([64], coherence, &Device::default());
        let second = last(&network, trials).argmax(2).float().mean();
        Point::new(coherence, 1.0 - second.into_scalar::<f64>())
    });
    Series::new(name, number, chosen.collect())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    Device::default().seed(1);
    let device = Device::default().autodiff();
    let rnn = EiRnnConfig::new(2, 60).with_noise(0.1).init(&device);
    let readout = DaleLinearConfig::reading(rnn.output_signs(), 2).init(&device);
    let ours = learn(0, (rnn, readout), |(rnn, readout), evidence| {
        readout.forward(rnn.forward(evidence, None).0)
    });
    let rnn = RnnConfig::new(2, 60, true).init(&device);
    let readout = LinearConfig::new(60, 2).init(&device);
    let burns = learn(1, (rnn, readout), |(rnn, readout), evidence| {
        readout.forward(rnn.forward(evidence, None).0)
    });
    let chart = LineChart {
        title: "Psychometric curve".to_owned(),
        x: Axis::new("coherence"),
        y: Axis::from_zero("first signal chosen"),
        series: vec![ours, burns],
    };
    std::fs::write("psychometric-curve.svg", chart.draw()?)?;
    println!("the curves are in psychometric-curve.svg");
    Ok(())
}
