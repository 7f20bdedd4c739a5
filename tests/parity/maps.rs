//! A step of networks of maps on one backend, next to the same step in main memory.

use burn::tensor::{Int, Tensor, TensorData};
use burn_dendrite::{
    nn::{Network, Parameter},
    optim::{AnatomyLearning, EiNetworkConfig, HostTrainer, MapWeights},
};

use crate::{
    backend::Backend,
    compare::{Comparison, values},
};

/// What may be missed, in units of the largest change of a parameter.
const TOLERANCE: f64 = 1e-4;

/// Samples of the step.
const ROWS: usize = 3;

/// Convolution and windows of their own, by dendritic targets and by backprop: what a step changes on the backend is
/// what it changes in memory.
pub(crate) fn check(backend: &Backend) -> Result<String, String> {
    let mut comparison = Comparison::new("one step", TOLERANCE / 2.0);
    for weights in [MapWeights::Shared, MapWeights::Local] {
        for learning in [AnatomyLearning::DendriticTargets, AnatomyLearning::Backprop] {
            let config = EiNetworkConfig::new([2, 12, 12], [6], 4)
                .with_maps([4, 5])
                .with_kernels([5, 3])
                .with_strength(0.1)
                .with_weights(weights)
                .with_learning(learning);
            compare(&config, backend, &mut comparison)?;
        }
    }
    match comparison.failure() {
        Some(failure) => Err(failure),
        None => Ok(comparison.summary()),
    }
}

fn compare(
    config: &EiNetworkConfig,
    backend: &Backend,
    comparison: &mut Comparison,
) -> Result<(), String> {
    let device = &backend.device;
    let (spec, learning) = config.build();
    let start = spec.init(1, device).map_err(|errors| errors.to_string())?;
    let learning = (learning.check(start.plan())).map_err(|errors| errors.to_string())?;
    let memory = learning.memory(&start);
    // The same on every backend and in every run, and without a pattern: of units that a pattern makes equal, roundings
    // would decide which one wins its pool.
    let size = 2 * 12 * 12;
    let pixels: Vec<f32> = (0..ROWS * size)
        .map(|at| (0.37 * (at * at) as f64).sin().abs() as f32)
        .collect();
    let inputs = Tensor::<2>::from_data(TensorData::new(pixels, [ROWS, size]), device);
    let targets = Tensor::<1, Int>::arange(0..ROWS as i64, device)
        .one_hot::<2>(4)
        .float();

    let mut trainer = HostTrainer::new(&start, &memory, &learning);
    let flat = |rows: &Tensor<2>| values(rows.clone()).concat();
    trainer.step(&flat(&inputs), &flat(&targets), 1.0);
    let in_memory = trainer.network(start.clone());
    let outcome = learning.run(&start, &memory, inputs, targets, &mut ());
    let on_tensors = outcome.apply(start.clone(), &memory);
    for parameter in learning.learned() {
        let place = format!("{:?}, {:?}, {parameter:?}", config.weights, config.learning);
        let change = |network: &Network| of(network, parameter) - of(&start, parameter);
        let expected = values(change(&in_memory));
        if expected.iter().flatten().all(|change| *change == 0.0) {
            return Err(format!("{place}: nothing changes"));
        }
        comparison.array(&place, change(&on_tensors), &expected);
    }
    Ok(())
}

fn of(network: &Network, parameter: Parameter) -> Tensor<2> {
    match parameter {
        Parameter::Weight(id) => network.weight(id),
        Parameter::Bias(id) => network.bias(id).expect("it learns").unsqueeze(),
    }
}
