//! Steps in main memory next to those on tensors: the same numbers after many steps, nothing allocated
//! that grows with the weights, and memory that is parameters and the activities of one batch.

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite::{
    nn::{Network, Parameter},
    optim::{HostTrainer, Learning},
    train::{ExperimentSpec, data::DatasetName, presets},
};

/// A preset's network after some training, and the digits that follow.
struct Subject {
    network: Network,
    learning: Learning,
    inputs: Vec<Vec<f32>>,
    targets: Vec<Vec<f32>>,
}

impl Subject {
    /// Training passes a wild start first, in which any two orders of a sum part.
    fn new(spec: &ExperimentSpec, learned: usize, then: usize) -> Self {
        let (_, learning) = spec.check().unwrap();
        let digits = DatasetName::MnistMini
            .load(&Default::default())
            .unwrap()
            .train;
        let target = |label: u16| {
            (0..10)
                .map(|class| f32::from(u8::from(class == label)))
                .collect()
        };
        let all = 0..learned + then;
        let inputs: Vec<Vec<f32>> = all.clone().map(|at| digits.sample(at)).collect();
        let targets: Vec<Vec<f32>> = all.map(|at| target(digits.label(at))).collect();
        let network = spec.network.init(66049, &Device::flex()).unwrap();
        let mut trainer = HostTrainer::new(&network, &learning.memory(&network), &learning);
        for (input, target) in inputs.iter().zip(&targets).take(learned) {
            trainer.step(input, target, 1.0);
        }
        Self {
            network: trainer.network(network),
            learning,
            inputs: inputs[learned..].to_vec(),
            targets: targets[learned..].to_vec(),
        }
    }

    fn trainer(&self) -> HostTrainer {
        let memory = self.learning.memory(&self.network);
        HostTrainer::new(&self.network, &memory, &self.learning)
    }

    fn samples(&self) -> impl Iterator<Item = (&[f32], &[f32])> {
        let samples = self.inputs.iter().zip(&self.targets);
        samples.map(|(input, target)| (&input[..], &target[..]))
    }
}

#[test]
fn a_hundred_steps_agree_on_both_kinds_of_numbers() {
    const STEPS: usize = 100;
    let device = Device::flex();
    for preset in ["mnist-dtp", "mnist-backprop-ei", "mnist-backprop-ann"] {
        let subject = Subject::new(&presets::load(preset).unwrap(), 500, STEPS);
        let mut trainer = subject.trainer();
        let mut tensors = subject.network.clone();
        let memory = subject.learning.memory(&tensors);
        for (input, target) in subject.samples() {
            trainer.step(input, target, 1.0);
            let row = |values: &[f32]| -> Tensor<2> {
                let shape = [1, values.len()];
                Tensor::from_data(TensorData::new(values.to_vec(), shape), &device)
            };
            let outcome = subject
                .learning
                .run(&tensors, &memory, row(input), row(target), &mut ());
            tensors = outcome.apply(tensors, &memory);
        }
        let ours = trainer.network(subject.network.clone());
        for parameter in subject.learning.learned() {
            let values = |network: &Network| -> Vec<f32> {
                let values = match parameter {
                    Parameter::Weight(id) => network.weight(id),
                    Parameter::Bias(id) => network.bias(id).unwrap().unsqueeze(),
                };
                values.into_data().iter().collect()
            };
            let (ours, tensors) = (values(&ours), values(&tensors));
            let off =
                (ours.iter().zip(&tensors)).fold(0.0f32, |off, (a, b)| off.max((a - b).abs()));
            println!("{preset}, {parameter:?}: differs by {off:.1e}");
            // Weights are of order one.
            assert!(off <= 1e-6, "{preset}, {parameter:?}: {off}");
        }
    }
}

/// What a hundred online steps of the preset allocate with hidden layers of this many units: in all,
/// and at most at a time, in bytes.
fn allocated(preset: &str, units: usize) -> (u64, u64) {
    let mut spec = presets::load(preset).unwrap();
    for population in &mut spec.network.populations {
        if population.size == 500 {
            population.size = units.into();
        }
    }
    let subject = Subject::new(&spec, 20, 100);
    let mut trainer = subject.trainer();
    // The first step makes the buffers that all further ones use.
    for (input, target) in subject.samples().take(5) {
        trainer.step(input, target, 1.0);
    }
    let counted = allocation_counter::measure(|| {
        for (input, target) in subject.samples() {
            trainer.step(input, target, 1.0);
        }
    });
    (counted.bytes_total / 100, counted.bytes_max)
}

#[test]
fn online_steps_allocate_nothing_that_grows_with_the_weights() {
    for preset in ["mnist-dtp", "mnist-backprop-ei"] {
        let (small, _) = allocated(preset, 250);
        let (large, at_a_time) = allocated(preset, 1000);
        println!("{preset}: {small} and {large} bytes a step, {at_a_time} at a time");
        // Four times the units, sixteen times the weights between them: what is left is a few rows.
        assert!(
            large <= 5 * small.max(1024),
            "{preset}: {small}, then {large} bytes a step"
        );
        assert!(
            at_a_time < 64 * 1000 * 4,
            "{preset}: {at_a_time} bytes at a time"
        );
    }
}

#[test]
fn memory_does_not_grow_with_time() {
    for preset in ["mnist-dtp", "mnist-backprop-ei"] {
        let subject = Subject::new(&presets::load(preset).unwrap(), 20, 1000);
        let mut trainer = subject.trainer();
        let mut samples = subject.samples();
        for (input, target) in samples.by_ref().take(500) {
            trainer.step(input, target, 1.0);
        }
        let counted = allocation_counter::measure(|| {
            for (input, target) in samples {
                trainer.step(input, target, 1.0);
            }
        });
        // A list may still become as long as its population; nothing else is kept.
        let kept = counted.bytes_current;
        println!("{preset}: {kept} bytes more after 500 further steps");
        assert!(kept < 16 * 1024, "{preset}: {kept} bytes");
    }
}

/// Bytes that a trainer holds after one step on a batch of this size, on a thread that held nothing before.
fn held(subject: &Subject, batch: usize) -> i64 {
    let rows = |rows: &[Vec<f32>]| rows[..batch].concat();
    let (inputs, targets) = (rows(&subject.inputs), rows(&subject.targets));
    let step = || {
        let mut trainer = subject.trainer();
        trainer.step(&inputs, &targets, 1.0);
        trainer
    };
    // What is allocated is counted for one thread alone, so there must be no other.
    let measure = || {
        let alone = rayon::ThreadPoolBuilder::new().num_threads(1);
        let alone = alone.use_current_thread().build().unwrap();
        let mut trainer = None;
        let counted = allocation_counter::measure(|| trainer = Some(alone.install(step)));
        counted.bytes_current
    };
    std::thread::scope(|scope| scope.spawn(measure).join().unwrap())
}

#[test]
fn memory_is_the_parameters_and_the_activities_of_one_batch() {
    let spec = presets::load("mnist-dtp").unwrap();
    let subject = Subject::new(&spec, 20, 256);
    let parameters = spec.network.check().unwrap().parameters() as i64 * 4;
    let [small, middle, large] = [64, 128, 256].map(|batch| held(&subject, batch));
    println!("{parameters} bytes of parameters; held: {small}, {middle}, {large}");
    let row = (middle - small) / 64;
    let further = (large - middle) / 128;
    // Linear in the batch, but for buffers that grow by doubling.
    assert!(
        row > 0 && further < 2 * row && row < 2 * further,
        "{row}, then {further} a row"
    );
    let fixed = small - 64 * row;
    assert!(fixed < 3 * parameters, "{fixed} bytes besides the batch");
}
