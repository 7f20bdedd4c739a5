//! A data set from outside the library: points inside and outside a ring, on which a network with
//! excitatory and inhibitory neurons learns by dendritic target propagation.
//!
//! ```sh
//! cargo run --example custom_dataset
//! ```

use std::{error::Error, f64::consts::TAU, sync::Arc};

use burn::tensor::Device;
use burn_dendrite::{
    nn::spec::Format,
    train::{
        ExperimentSpec,
        data::{SampleSet, Splits},
        evaluate,
    },
};

/// `count` points at angles and distances that fill the disc evenly; the class says whether a point
/// lies in the ring between 0.4 and 0.75. A neuron fires or is silent, so each point is given by how
/// near it is to each of 36 places.
fn points(count: usize, offset: f64) -> SampleSet {
    let golden = TAU * 0.381_966;
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for index in 0..count {
        let at = index as f64 + offset;
        let (angle, radius) = (at * golden, (at % count as f64 / count as f64).sqrt());
        let point = (radius * angle.cos(), radius * angle.sin());
        for place in 0..36 {
            let (x, y) = (
                f64::from(place % 6) * 0.4 - 1.0,
                f64::from(place / 6) * 0.4 - 1.0,
            );
            let distance = (point.0 - x).powi(2) + (point.1 - y).powi(2);
            values.push((-distance / 0.08).exp() as f32);
        }
        labels.push(u8::from((0.4..0.75).contains(&radius)));
    }
    SampleSet::vectors(values, labels, 36, 2).expect("36 values and a class for each point")
}

const NETWORK: &str = r#"
    name = "ring"
    [network]
    tau = 2.0
    steps = 8
    population = [
        { name = "Input.E", size = 36, cell = "excitatory" },
        { name = "H1.E", size = 40, cell = "excitatory" },
        { name = "H1.SomaI", size = 10, cell = "inhibitory" },
        { name = "Output.E", size = 2, cell = "excitatory" },
    ]
    projection = [
        { name = "H1.E<-Input.E", weight = { kind = "half_kaiming" } },
        { name = "H1.E<-H1.SomaI", timing = "previous", weight = { kind = "half_kaiming" } },
        { name = "H1.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "tied", of = "Output.E<-H1.E", transpose = true } },
        { name = "H1.SomaI<-H1.E", timing = "previous", weight = { kind = "half_kaiming" } },
        { name = "Output.E<-H1.E", weight = { kind = "half_kaiming" } },
    ]
    [learning]
    nudge = { gate = "relu" }
    rule = [
        { on = "H1.E<-Input.E", learning_rate = 0.1, rule = { kind = "dendritic_target" } },
        { on = "Output.E<-H1.E", learning_rate = 0.1, rule = { kind = "dendritic_target" } },
    ]
"#;

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::default();
    let data = Splits {
        train: Arc::new(points(2000, 0.0)),
        validation: Arc::new(points(500, 0.25)),
        test: Arc::new(points(500, 0.5)),
    };
    let spec = ExperimentSpec::parse(NETWORK, Format::Toml)?;
    let (_, learning) = spec.check()?;
    let mut network = spec.network.init(1, &device)?;
    let memory = learning.memory(&network);
    // Neighbours of a sample come long after it: 1237 and 2000 have no common divisor.
    for sample in (0..4000).map(|step| step * 1237 % 2000) {
        let batch = data.train.batch(&[sample], &device);
        let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
        memory.keep(outcome.remembered);
        network = outcome.updates.apply(network);
    }
    for (name, set) in [("validation", &data.validation), ("test", &data.test)] {
        let accuracy = evaluate(&network, set, &device, |_| ()).accuracy;
        println!("{name}: {:.1} % of {} points", 100.0 * accuracy, set.len());
    }
    Ok(())
}
