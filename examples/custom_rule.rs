//! A learning rule from outside the library: the covariance rule, with a memory of its own, in the
//! place of the Hebbian rule by which dendritic interneurons of a published network learn.
//!
//! ```sh
//! cargo run --example custom_rule
//! ```

use std::{error::Error, sync::Arc};

use burn::tensor::Device;
use burn_dendrite::nn::{Network, numbers::Rows};
use burn_dendrite::optim::{AnyRule, Delta, LearningRule, Side, Slot, Synapse, Target, contract};
use burn_dendrite::train::{data::DatasetName, evaluate, presets};

/// Learns what the rates of two neurons do together beyond their averages, so that a neuron that is
/// always active drives nobody.
///
/// ```text
/// Δw_ij = σ · (y_j − ȳ_j) · x_i
/// ȳ_j   ← ȳ_j + (y_j − ȳ_j) / τ      after each sample
/// ```
///
/// `x` and `y` are rates at the end of the forward phase, `σ` the sign of the presynaptic cell. After
/// Sejnowski, *Storing covariance with nonlinearly interacting neurons* (1977), with a running average.
#[derive(Debug)]
struct Covariance {
    tau: f64, // Time constant of the average, in samples.
}

impl Covariance {
    /// The average that each sample of the batch finds, and the one that is left, `[batch + 1, post]`.
    fn averages<R: Rows>(&self, synapse: &Synapse<'_, R>) -> R {
        (synapse.post.forward() / self.tau).running_sum(synapse.memory(0), 1.0 - 1.0 / self.tau)
    }
}

impl LearningRule for Covariance {
    fn memory(&self) -> Vec<Slot> {
        let (name, side, start) = ("average", Side::Postsynaptic, 0.0);
        vec![Slot { name, side, start }]
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let rates = synapse.post.forward();
        let found = self.averages(synapse).row_range(0, rates.dims()[0]);
        let beyond = (rates - found) * synapse.pre.sign();
        synapse.outer(synapse.pre.forward(), beyond)
    }

    fn remember<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Vec<R> {
        let samples = synapse.post.forward().dims()[0];
        vec![self.averages(synapse).row_range(samples, 1)]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let device = Device::default();
    let rule: Arc<dyn AnyRule> = Arc::new(Covariance { tau: 50.0 });
    contract::check(&rule, &device)?;
    println!("the covariance rule keeps the contract of learning rules");

    // The published network without its rule on H1.DendI<-H1.E, then ours in that place.
    let mut spec = presets::load("mnist-dtp")?;
    let on: Target = "H1.DendI<-H1.E".parse()?;
    spec.learning.rules.retain(|plasticity| plasticity.on != on);
    let (plan, learning) = spec.check()?;
    let learning = learning.with_rule(&plan, &on, 0.01, Covariance { tau: 50.0 })?;
    let digits = DatasetName::MnistMini.load(&Default::default())?;
    let mut network = Network::new(plan, 66_049, &device);
    let memory = learning.memory(&network);
    for sample in 0..2000 {
        let batch = digits.train.batch(&[sample], &device);
        let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
        network = outcome.apply(network, &memory);
    }
    let accuracy = 100.0 * evaluate(&network, &digits.test, &device, |_| ()).accuracy;
    println!("{accuracy:.1} % of the test digits after 2000 samples");
    Ok(())
}
