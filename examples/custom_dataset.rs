//! A data set from outside the library: points inside and outside a ring, on which the network that
//! was published for the spirals learns by dendritic target propagation.
//!
//! ```sh
//! cargo run --example custom_dataset
//! ```

use std::{error::Error, f64::consts::TAU, sync::Arc};

use burn::tensor::Device;
use burn_dendrite::train::{
    ExperimentSpec,
    data::{SampleSet, Splits},
    evaluate, presets,
    set::set,
};

/// `count` points that fill the disc evenly; the class says whether a point lies in the ring between
/// the radii 0.4 and 0.8, which has almost half of the area.
fn points(count: usize, offset: f64) -> SampleSet {
    let golden_angle = TAU * 0.381_966;
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for index in 0..count {
        let at = index as f64 + offset;
        let radius = (at / count as f64).sqrt();
        let angle = at * golden_angle;
        values.extend([radius * angle.cos(), radius * angle.sin()].map(|it| it as f32));
        labels.push(u16::from((0.4..0.8).contains(&radius)));
    }
    SampleSet::vectors(values, labels, 2, 2).expect("two numbers and one of two classes each")
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::default();
    let data = Splits {
        train: Arc::new(points(2000, 0.0)),
        validation: Arc::new(points(500, 0.25)),
        test: Arc::new(points(500, 0.5)),
    };

    // The published network, with an output for each of the two classes.
    let mut spec = serde_json::to_value(presets::load("spirals-dtp")?)?;
    set(&mut spec, "network.population[Output.E].size=2")?;
    let spec = ExperimentSpec::from_value(spec)?;
    let (_, learning) = spec.check()?;
    let mut network = spec.network.init(66_049, &device)?;
    let memory = learning.memory(&network);
    let show = |network: &_, samples: usize| {
        for (name, set) in [("validation", &data.validation), ("test", &data.test)] {
            let accuracy = 100.0 * evaluate(network, set, &device, |_| ()).accuracy;
            println!("after {samples:>5} samples, {name:>10}: {accuracy:.1} %");
        }
    };
    show(&network, 0);
    // Neighbours come long after one another: 1237 and 2000 have no common divisor.
    for step in 0..12_000 {
        let batch = data.train.batch(&[step * 1237 % 2000], &device);
        let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
        network = outcome.apply(network, &memory);
        if (step + 1) % 4000 == 0 {
            show(&network, step + 1);
        }
    }
    Ok(())
}
