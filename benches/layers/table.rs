//! Parameters, time and accuracy of each layer beside burn's counterpart.

use std::{hint::black_box, time::Instant};

use burn::{
    module::Module,
    nn::{
        Linear, LinearConfig, PaddingConfig1d, PaddingConfig2d, RnnConfig,
        conv::{Conv1dConfig, Conv2dConfig},
    },
    tensor::{Device, Distribution, Tensor},
};
use burn_dendrite::nn::layers::{
    DaleConv1dConfig, DaleConv2dConfig, DaleLinearConfig, DendriticLayerConfig, EiDenseConfig,
    EiLayerConfig, EiRnnConfig, Inhibition, TwoCompartmentConfig,
};
use burn_dendrite::train::data::DatasetName;

use crate::{
    kind::{Kind, Layer},
    stack::{Budget, Laws, Outcome, Stack},
};

const PASSES: usize = 41;

/// Milliseconds of a forward and a backward pass.
fn pass<const D: usize, const E: usize>(
    input: &Tensor<D>,
    forward: impl Fn(Tensor<D>) -> Tensor<E>,
) -> f64 {
    let start = Instant::now();
    let input = input.clone().autodiff().require_grad();
    black_box(forward(input).sum().backward());
    1000.0 * start.elapsed().as_secs_f64()
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Times both in turn and prints a line.
fn compare<const D: usize, const E: usize, A: Module, B: Module>(
    name: &str,
    input: [usize; D],
    ours: (A, impl Fn(&A, Tensor<D>) -> Tensor<E>),
    burns: (B, impl Fn(&B, Tensor<D>) -> Tensor<E>),
) {
    let device = Device::default();
    let input = Tensor::random(input, Distribution::Uniform(0.0, 1.0), &device);
    let [mut of_ours, mut of_burns] = [Vec::new(), Vec::new()];
    for _ in 0..PASSES {
        of_ours.push(pass(&input, |input| ours.1(&ours.0, input)));
        of_burns.push(pass(&input, |input| burns.1(&burns.0, input)));
    }
    let (of_ours, of_burns) = (median(of_ours), median(of_burns));
    println!(
        "{name:42} parameters {:7} {:7}   ms {of_ours:7.2} {of_burns:7.2}   ratio {:.2}",
        ours.0.num_params(),
        burns.0.num_params(),
        of_ours / of_burns
    );
}

/// Accuracy of one hidden layer of 100 neurons on the embedded digits.
fn accuracies() {
    let data = DatasetName::MnistMini.load(&Default::default());
    let data = data.expect("embedded digits");
    let (steps, batch) = (500, 50);
    let budget = Budget { steps, batch };
    println!(
        "one hidden layer of 100 on the embedded digits, {steps} steps of {batch}, three seeds"
    );
    for kind in Kind::ALL {
        let (depth, width, fraction) = (1, 100, 0.2);
        let stack = Stack {
            kind,
            depth,
            width,
            fraction,
        };
        let reached: Vec<Outcome> = (1..=3)
            .map(|seed| stack.train(&data, Laws::AfterEachStep, budget, seed))
            .collect();
        let percent: Vec<String> = (reached.iter())
            .map(|it| format!("{:.1}", it.accuracy))
            .collect();
        let (parameters, percent) = (reached[0].parameters, percent.join("  "));
        println!(
            "{:15} parameters {parameters:7}   {percent} %",
            format!("{kind:?}")
        );
    }
}

/// Parameters, time and accuracy.
pub(crate) fn print() {
    println!("layer beside burn's counterpart: forward and backward, medians of {PASSES} in turn");
    let device = &Device::default().autodiff();
    dense(device);
    compartments(device);
    convolutions(device);
    recurrent(device);
    accuracies();
}

fn dense(device: &Device) {
    let against = |name: &str, linear: Linear, ours: Layer| {
        let ours = (ours, Layer::forward as fn(&_, _) -> _);
        let burns = (Layer::Linear(linear), Layer::forward as fn(&_, _) -> _);
        compare(name, [100, 784], ours, burns);
    };
    let linear = || LinearConfig::new(784, 500).init(device);
    let dale = DaleLinearConfig::new(784, 500).init(device);
    against(
        "DaleLinear 784-500 | Linear",
        linear(),
        Layer::DaleLinear(dale),
    );
    let dense = EiDenseConfig::new(784, 500, 50);
    let divisive = dense.clone().with_inhibition(Inhibition::Divisive);
    let (dense, divisive) = (dense.init(device), divisive.init(device));
    against(
        "EiDense 784-500, 50 | Linear",
        linear(),
        Layer::EiDense(dense),
    );
    against(
        "EiDense 784-500, 50, divisive | Linear",
        linear(),
        Layer::EiDense(divisive),
    );
    let settling = EiLayerConfig::new(784, 500, 50).init(device);
    against(
        "EiLayer 784-500, 50 | Linear",
        linear(),
        Layer::EiLayer(settling),
    );
    let dendritic = DendriticLayerConfig::new(784, 500, 4).init(device);
    let name = "DendriticLayer 784-500, 4 x 16 | Linear";
    against(name, linear(), Layer::DendriticLayer(dendritic));
}

fn compartments(device: &Device) {
    let top_down = |x: &Tensor<2>| Tensor::ones([x.dims()[0], 10], &x.device());
    compare(
        "TwoCompartment 784 and 10-500 | two Linear",
        [100, 784],
        (
            TwoCompartmentConfig::new(784, 10, 500).init(device),
            move |it, x| {
                let above = top_down(&x);
                it.forward(x, above, None).nudged
            },
        ),
        (
            (
                LinearConfig::new(784, 500).init(device),
                LinearConfig::new(10, 500).init(device),
            ),
            move |it, x| {
                let above = top_down(&x);
                it.0.forward(x) + it.1.forward(above)
            },
        ),
    );
}

fn convolutions(device: &Device) {
    let (padding, same) = (
        PaddingConfig2d::Explicit(1, 1, 1, 1),
        PaddingConfig1d::Explicit(1, 1),
    );
    for [channels, maps, side, batch] in [[16, 32, 14, 32], [64, 64, 14, 16], [16, 16, 28, 1]] {
        compare(
            &format!("DaleConv2d {channels}-{maps} at {side}x{side}, batch {batch} | Conv2d"),
            [batch, channels, side, side],
            (
                DaleConv2dConfig::new([channels, maps], [3, 3])
                    .with_padding(padding.clone())
                    .init(device),
                |it, x| it.forward(x),
            ),
            (
                Conv2dConfig::new([channels, maps], [3, 3])
                    .with_padding(padding.clone())
                    .init(device),
                |it, x| it.forward(x),
            ),
        );
    }
    compare(
        "DaleConv1d 16-32 at 200 | Conv1d",
        [32, 16, 200],
        (
            DaleConv1dConfig::new([16, 32], 3)
                .with_padding(same.clone())
                .init(device),
            |it, x| it.forward(x),
        ),
        (
            Conv1dConfig::new(16, 32, 3).with_padding(same).init(device),
            |it, x| it.forward(x),
        ),
    );
}

fn recurrent(device: &Device) {
    compare(
        "EiRnn 28-100, 28 steps | Rnn",
        [50, 28, 28],
        (EiRnnConfig::new(28, 100).init(device), |it, x| {
            it.forward(x, None).0
        }),
        (RnnConfig::new(28, 100, true).init(device), |it, x| {
            it.forward(x, None).0
        }),
    );
}
