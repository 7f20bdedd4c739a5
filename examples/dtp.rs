//! Dendritic target propagation as a loop of one's own: sample by sample, without autodiff.
//!
//! ```sh
//! cargo run --example dtp
//! ```

use std::error::Error;

use burn::tensor::Device;
use burn_dendrite::nn::Network;
use burn_dendrite::train::{data::DatasetName, evaluate, presets};

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::default();
    let digits = DatasetName::MnistMini.load(&Default::default())?;
    // The published network, and the rules by which its synapses learn.
    let (plan, learning) = presets::load("mnist-dtp")?.check()?;
    let mut network = Network::new(plan, 66_049, &device);
    let memory = learning.memory(&network);
    for sample in 0..=4000 {
        if sample % 1000 == 0 {
            let accuracy = 100.0 * evaluate(&network, &digits.test, &device, |_| ()).accuracy;
            println!("{accuracy:4.1} % of the test digits after {sample:4} samples");
        }
        let batch = digits.train.batch(&[sample], &device);
        // Forward phase, backward phase with the target, and a change for every synapse that learns.
        let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
        network = outcome.apply(network, &memory);
    }
    Ok(())
}
