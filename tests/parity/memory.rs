//! Steps in main memory compute what the recordings say, alone and in batches.

use burn::tensor::{Device, Tensor};
use burn_dendrite::{
    nn::{Network, Parameter},
    optim::{HostTrainer, Learning},
};

use crate::{
    check::{Start, put, tensor},
    compare::{Comparison, values},
    fixture::Fixture,
    quantities,
};

/// Rows of the larger batch: enough for products of matrices and for two threads.
const ROWS: usize = 20;

/// All training steps of a fixture, in order.
pub(crate) fn train(
    fixture: &Fixture,
    learning: &Learning,
    start: Start,
    device: &Device,
    network: &Network,
) -> Result<Comparison, String> {
    let (pass, allowance) = match start {
        Start::Recorded => ("in memory, every sample afresh", 1.0),
        Start::Previous => ("in memory, one after another", 10.0),
    };
    let mut comparison = Comparison::new(pass, fixture.tolerance * allowance);
    let mut biases = fixture.biases.clone();
    let memory = learning.memory(network);
    let mut network = put(device, network.clone(), &fixture.weights, &biases)?;
    let trainer = |network: &Network| HostTrainer::new(network, &memory, learning);
    let mut host = trainer(&network);
    for (index, sample) in fixture.samples.iter().enumerate() {
        let place = |quantity: &str| format!("sample {index}, {quantity}");
        let loss = host.step(&fixture.inputs[index], &fixture.targets[index], 1.0);
        let loss = Tensor::from_floats([loss as f32], device);
        quantities::outcome(
            &mut comparison,
            &place,
            &network,
            &host.trace().expect("a step was made"),
            loss,
            sample,
        );
        network = host.network(network);
        biases.extend(sample.biases.clone());
        let (weights, updated) = (&sample.weights, place("updated"));
        quantities::parameters(&mut comparison, &updated, &network, weights, &biases);
        if start == Start::Recorded {
            host.remember_in(&memory);
            network = put(device, network, &sample.weights, &biases)?;
            host = trainer(&network);
        }
    }
    Ok(comparison)
}

/// A batch changes the network as a step on tensors does, and leaves the same memory.
pub(crate) fn batch(
    fixture: &Fixture,
    learning: &Learning,
    device: &Device,
    network: &Network,
) -> Result<Comparison, String> {
    let mut comparison = Comparison::new("batch in memory", fixture.tolerance);
    let network = put(device, network.clone(), &fixture.weights, &fixture.biases)?;
    for rows in [2, ROWS] {
        let cycle = |samples: &[Vec<f32>]| -> Vec<Vec<f32>> {
            samples.iter().cycle().take(rows).cloned().collect()
        };
        let (inputs, targets) = (cycle(&fixture.inputs), cycle(&fixture.targets));
        let memory = learning.memory(&network);
        let mut host = HostTrainer::new(&network, &memory, learning);
        host.step(&inputs.concat(), &targets.concat(), 1.0);
        let [input, target] = [&inputs, &targets].map(|rows| tensor(device, rows));
        let outcome = learning.run(&network, &memory, input, target, &mut ());
        let tensors = outcome.apply(network.clone(), &memory);
        let ours = host.network(network.clone());
        for parameter in learning.learned() {
            let place = format!("batch of {rows}, {parameter:?}");
            let of = |network: &Network| match parameter {
                Parameter::Weight(id) => network.weight(id),
                Parameter::Bias(id) => network.bias(id).expect("it learns").unsqueeze(),
            };
            comparison.array(&place, of(&ours), &values(of(&tensors)));
        }
        let learned = learning.memory(&network);
        host.remember_in(&learned);
        for (ours, tensors) in learned.values().into_iter().zip(memory.values()) {
            let place = format!("batch of {rows}, memory of a rule");
            comparison.array(&place, ours.unsqueeze(), &values(tensors.unsqueeze()));
        }
    }
    Ok(comparison)
}
