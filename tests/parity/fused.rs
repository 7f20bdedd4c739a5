//! The fused step on the CPU computes what the recordings say, alone and in batches.

use burn::tensor::{Device, Tensor};
use burn_dendrite::{
    nn::{Network, Parameter},
    optim::{
        Learning,
        fused::{FusedTrainer, Unfused},
    },
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
        Start::Recorded => ("fused, every sample afresh", 1.0),
        Start::Previous => ("fused, one after another", 10.0),
    };
    let mut comparison = Comparison::new(pass, fixture.tolerance * allowance);
    let mut biases = fixture.biases.clone();
    let memory = learning.memory(network);
    let mut network = put(device, network.clone(), &fixture.weights, &biases)?;
    let trainer = |network: &Network| -> Result<FusedTrainer, String> {
        FusedTrainer::new(network, &memory, learning).map_err(|error: Unfused| error.to_string())
    };
    let mut fused = trainer(&network)?;
    for (index, sample) in fixture.samples.iter().enumerate() {
        let place = |quantity: &str| format!("sample {index}, {quantity}");
        let loss = fused.step(&fixture.inputs[index], &fixture.targets[index], 1.0);
        let loss = Tensor::from_floats([loss as f32], device);
        quantities::outcome(
            &mut comparison,
            &place,
            &network,
            &fused.trace(),
            loss,
            sample,
        );
        network = fused.network(network);
        biases.extend(sample.biases.clone());
        let (weights, updated) = (&sample.weights, place("updated"));
        quantities::parameters(&mut comparison, &updated, &network, weights, &biases);
        if start == Start::Recorded {
            memory.keep(fused.remembered());
            network = put(device, network, &sample.weights, &biases)?;
            fused = trainer(&network)?;
        }
    }
    Ok(comparison)
}

/// A batch changes the network as the general step does, and leaves the same memory.
pub(crate) fn batch(
    fixture: &Fixture,
    learning: &Learning,
    device: &Device,
    network: &Network,
) -> Result<Comparison, String> {
    let mut comparison = Comparison::new("fused batch", fixture.tolerance);
    let network = put(device, network.clone(), &fixture.weights, &fixture.biases)?;
    for rows in [2, ROWS] {
        let cycle = |samples: &[Vec<f32>]| -> Vec<Vec<f32>> {
            samples.iter().cycle().take(rows).cloned().collect()
        };
        let (inputs, targets) = (cycle(&fixture.inputs), cycle(&fixture.targets));
        let memory = learning.memory(&network);
        let mut fused = FusedTrainer::new(&network, &memory, learning)
            .map_err(|error: Unfused| error.to_string())?;
        fused.step(&inputs.concat(), &targets.concat(), 1.0);
        let [input, target] = [&inputs, &targets].map(|rows| tensor(device, rows));
        let outcome = learning.run(&network, &memory, input, target, &mut ());
        memory.keep(outcome.remembered);
        let general = outcome.updates.apply(network.clone());
        let ours = fused.network(network.clone());
        for parameter in learning.learned() {
            let place = format!("batch of {rows}, {parameter:?}");
            let of = |network: &Network| match parameter {
                Parameter::Weight(id) => network.weight(id),
                Parameter::Bias(id) => network.bias(id).expect("it learns").unsqueeze(),
            };
            comparison.array(&place, of(&ours), &values(of(&general)));
        }
        let learned = learning.memory(&network);
        learned.keep(fused.remembered());
        for (ours, general) in learned.values().into_iter().zip(memory.values()) {
            let place = format!("batch of {rows}, memory of a rule");
            comparison.array(&place, ours.unsqueeze(), &values(general.unsqueeze()));
        }
    }
    Ok(comparison)
}
