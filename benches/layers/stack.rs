//! Stacks of one kind of layer, trained as anybody would: Adam, cross entropy, a readout by burn's `Linear`.

use std::{sync::Arc, time::Instant};

use burn::{
    module::Module,
    nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig},
    optim::{AdamConfig, GradientsParams},
    tensor::{Device, Tensor},
};
use burn_dendrite::{
    nn::laws::{ByConstruction, count_violations, obey_laws},
    train::data::{SampleSet, Splits},
};

use crate::kind::{Kind, Layer};

/// What is trained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stack {
    /// Of which layers.
    pub(crate) kind: Kind,
    /// How many there are.
    pub(crate) depth: usize,
    /// Neurons of each.
    pub(crate) width: usize,
    /// Which part of them inhibits.
    pub(crate) fraction: f64,
}

/// How the laws are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Laws {
    /// `obey_laws` after each step.
    AfterEachStep,
    /// The projection is a part of the forward pass.
    ByConstruction(ByConstruction),
}

/// For how long a stack is trained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Steps of Adam, with a learning rate of 0.1 over the width: 0.001 at 100. A step of Adam moves all weights of a
    /// unit by as much, and its drive by that times their number (Yang and Hu 2021, arXiv 2011.14522).
    pub(crate) steps: usize,
    /// Samples of each.
    pub(crate) batch: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Percent of the test samples.
    pub(crate) accuracy: f32,
    /// Seconds of the steps.
    pub(crate) seconds: f64,
    /// Trainable numbers of the stack, without the readout.
    pub(crate) parameters: usize,
}

#[derive(Module, Debug)]
struct Model {
    layers: Vec<Layer>,
    readout: Linear,
}

impl Model {
    fn new(stack: &Stack, classes: usize, device: &Device) -> Self {
        let Stack {
            kind,
            depth,
            width,
            fraction,
        } = *stack;
        let mut layers = vec![Layer::first(kind, width, fraction, device)];
        for at in 1..depth {
            layers.push(layers[at - 1].next(kind, width, fraction, device));
        }
        let plain = device.clone().without_autodiff();
        let image = Tensor::zeros([1, 784], &plain);
        let reached = layers
            .iter()
            .fold(image, |rates, it| it.valid().forward(rates));
        let readout = LinearConfig::new(reached.dims()[1], classes).init(device);
        Self { layers, readout }
    }

    fn forward(&self, images: Tensor<2>) -> Tensor<2> {
        let rates = self
            .layers
            .iter()
            .fold(images, |rates, it| it.forward(rates));
        self.readout.forward(rates)
    }

    /// Percent of the samples that are told right.
    fn accuracy(&self, samples: &SampleSet, device: &Device) -> f32 {
        let model = self.valid();
        let all: Vec<usize> = (0..samples.len()).collect();
        let right = all.chunks(500).map(|indices| {
            let batch = samples.batch(indices, device);
            let guesses = model.forward(batch.inputs).argmax(1).squeeze_dim::<1>(1);
            guesses.equal(batch.labels).int().sum().into_scalar::<i64>()
        });
        100.0 * right.sum::<i64>() as f32 / samples.len() as f32
    }
}

impl Stack {
    /// Trains on images of 28 by 28 pixels.
    pub(crate) fn train(&self, data: &Splits, laws: Laws, budget: Budget, seed: u64) -> Outcome {
        let device = Device::default().autodiff();
        device.clone().without_autodiff().seed(seed);
        let train: &Arc<SampleSet> = &data.train;
        let mut model = Model::new(self, 10, &device);
        model = match laws {
            Laws::AfterEachStep => obey_laws(model),
            Laws::ByConstruction(way) => model.apply_reparameterization(way),
        };
        let parameters = model.layers.num_params();
        let mut optimizer = AdamConfig::new().init();
        let cross_entropy = CrossEntropyLossConfig::new().init(&device);
        let rate = 0.1 / self.width as f64;
        let start = Instant::now();
        for step in 0..budget.steps {
            let images: Vec<usize> = (0..budget.batch)
                .map(|at| (step * budget.batch + at) * 7 % train.len())
                .collect();
            let batch = train.batch(&images, &device);
            let loss = cross_entropy.forward(model.forward(batch.inputs.autodiff()), batch.labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            model = optimizer.step(rate, model, gradients);
            if let Laws::AfterEachStep = laws {
                model = obey_laws(model);
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(count_violations(&model), 0);
        Outcome {
            accuracy: model.accuracy(&data.test, &device),
            seconds,
            parameters,
        }
    }
}
