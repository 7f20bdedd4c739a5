//! What is measured: a published network on the embedded digits, after some training; and where.

use std::fmt;

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite::{
    nn::{Network, ProjectionId},
    optim::{HostTrainer, Learning, RuleMemory},
    train::{DeviceName, ExperimentSpec, data::DatasetName, presets},
};

/// Samples that a network has learned from before it is measured: the wild start is over, and a
/// part of the hidden units is silent, as it is for most of a run.
const LEARNED: usize = 500;

/// A backend that is compiled in and has hardware, and a size of batch.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    backend: DeviceName,
    pub(crate) device: Device,
    pub(crate) batch: usize,
}

impl Case {
    /// Every one of these batches on every backend that can run here.
    pub(crate) fn all(batches: &[usize]) -> Vec<Self> {
        let backends = DeviceName::compiled().into_iter();
        let open = backends.filter_map(|it| Some((it, it.open().ok()?)));
        open.flat_map(|(backend, device)| {
            batches.iter().map(move |&batch| Self {
                backend,
                device: device.clone(),
                batch,
            })
        })
        .collect()
    }

    /// Waits until the device has done what it was asked: kernels are launched ahead of their
    /// results.
    pub(crate) fn wait(&self) {
        self.device.sync().expect("the device works");
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.backend, self.batch)
    }
}

/// A network, how it learns, and digits to show it.
pub(crate) struct Subject {
    pub(crate) network: Network,
    pub(crate) learning: Learning,
    pub(crate) memory: RuleMemory,
    inputs: Vec<Vec<f32>>,
    targets: Vec<Vec<f32>>,
}

/// The network with its weights on another device. burn cannot move the mask of a projection there:
/// backends differ in how they hold truth values.
fn on(device: &Device, spec: &ExperimentSpec, network: &Network) -> Network {
    let mut moved = (spec.network.init(66049, device)).expect("presets are correct");
    let plan = network.plan();
    for (index, projection) in plan.projections.iter().enumerate() {
        let id = ProjectionId(index);
        if projection.is_owned() {
            let weight = Tensor::from_data(network.weight(id).into_data(), device);
            moved = moved.with_weight(id, weight);
        }
    }
    for (id, _) in plan.populations.iter() {
        if let Some(bias) = network.bias(id) {
            moved = moved.with_bias(id, Tensor::from_data(bias.into_data(), device));
        }
    }
    moved
}

impl Subject {
    /// A preset after some training on the CPU, then moved to `device`.
    pub(crate) fn new(preset: &str, device: &Device) -> Self {
        let spec: ExperimentSpec = presets::load(preset).expect("a preset");
        let (_, learning) = spec.check().expect("presets are correct");
        let digits = (DatasetName::MnistMini.load(&Default::default()))
            .expect("it is embedded")
            .train;
        let target = |label: u16| {
            (0..10)
                .map(|class| f32::from(u8::from(class == label)))
                .collect()
        };
        let inputs: Vec<Vec<f32>> = (0..digits.len()).map(|it| digits.sample(it)).collect();
        let targets: Vec<Vec<f32>> = digits.labels().iter().map(|it| target(*it)).collect();
        let network = spec
            .network
            .init(66049, &Device::flex())
            .expect("presets are correct");
        let memory = learning.memory(&network);
        let mut trainer = HostTrainer::new(&network, &memory, &learning);
        for sample in 0..LEARNED {
            trainer.step(&inputs[sample], &targets[sample], 1.0);
        }
        let network = on(device, &spec, &trainer.network(network));
        Self {
            memory: learning.memory(&network),
            network,
            learning,
            inputs,
            targets,
        }
    }

    /// A batch from number `at` on, as rows.
    pub(crate) fn rows(&self, at: usize, batch: usize) -> (Vec<f32>, Vec<f32>) {
        let take = |rows: &[Vec<f32>]| -> Vec<f32> {
            let rows = rows.iter().cycle().skip(at % rows.len());
            rows.take(batch).flatten().copied().collect()
        };
        (take(&self.inputs), take(&self.targets))
    }

    /// The same as tensors.
    pub(crate) fn tensors(&self, batch: usize, device: &Device) -> (Tensor<2>, Tensor<2>) {
        let (inputs, targets) = self.rows(0, batch);
        let tensor = |values: Vec<f32>| {
            let width = values.len() / batch;
            Tensor::from_data(TensorData::new(values, [batch, width]), device)
        };
        (tensor(inputs), tensor(targets))
    }

    /// A trainer that goes on from here.
    pub(crate) fn trainer(&self) -> HostTrainer {
        HostTrainer::new(&self.network, &self.memory, &self.learning)
    }
}
