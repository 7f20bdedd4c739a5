//! Accuracy and loss of a network on a data set.

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite_nn::{
    Dynamics, Network, Plan,
    numbers::{HostRows, Rows},
    perturb::Conditions,
};

use crate::{
    Confusion,
    data::SampleSet,
    model::{in_memory, values},
};

/// How well a network does on a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Share of samples whose largest output is that of their class.
    pub accuracy: f64,
    /// Mean squared error over samples and output units.
    pub loss: f64,
    /// Number of samples.
    pub samples: usize,
    /// Which class was taken for which.
    pub confusion: Confusion,
    /// The class that each sample was taken for, in their order.
    pub taken_for: Vec<usize>,
}

/// Samples that settle together: enough to use all cores, few enough that the activities of the largest population
/// stay in the cache.
pub fn evaluation_batch(plan: &Plan) -> usize {
    const MOST_SAMPLES: usize = 250;
    const MOST_VALUES: usize = 1 << 21;
    let sizes = plan
        .populations
        .iter()
        .map(|(_, population)| population.size);
    let largest = sizes.max().unwrap_or(1).max(1);
    (MOST_VALUES / largest).clamp(1, MOST_SAMPLES)
}

/// Lets the network settle on every sample; `done` hears how many are through.
///
/// # Panics
///
/// If the sizes of the network and of the data differ.
pub fn evaluate(
    network: &Network,
    set: &SampleSet,
    device: &Device,
    done: impl Fn(usize),
) -> Evaluation {
    evaluate_under(|_| Conditions::default(), network, set, device, done)
}

/// [`evaluate`] under the conditions that hold for a batch, by the number of its first sample.
///
/// # Panics
///
/// If the sizes of the network and of the data differ, or the effects are those of another plan.
pub fn evaluate_under<'a>(
    conditions: impl Fn(usize) -> Conditions<'a>,
    network: &Network,
    set: &SampleSet,
    device: &Device,
    done: impl Fn(usize),
) -> Evaluation {
    let evaluation = evaluate_while(conditions, network, set, device, |seen| {
        done(seen);
        true
    });
    evaluation.expect("nobody ends it")
}

/// The same as long as `goes_on`, which hears how many samples are through; none if it was ended.
pub(crate) fn evaluate_while<'a>(
    conditions: impl Fn(usize) -> Conditions<'a>,
    network: &Network,
    set: &SampleSet,
    device: &Device,
    goes_on: impl Fn(usize) -> bool,
) -> Option<Evaluation> {
    let mut confusion = Confusion::new(set.classes());
    let mut taken_for = Vec::with_capacity(set.len());
    let mut loss = 0.0;
    let all: Vec<usize> = (0..set.len()).collect();
    let mut seen = 0;
    let plan = network.plan();
    let host = in_memory(network);
    for indices in all.chunks(evaluation_batch(plan)) {
        let batch = set.batch(indices, device);
        let conditions = conditions(seen);
        let output = match &host {
            Some(host) => {
                let rows = HostRows::from_values(&values(&batch.inputs), batch.inputs.dims());
                let state = conditions.on(host).settle(rows, plan.steps, &mut ());
                let output = &state.activity[plan.output];
                Tensor::from_data(TensorData::new(output.to_values(), output.dims()), device)
            }
            None => {
                let running = conditions.on(network);
                let state = running.settle(batch.inputs, plan.steps, &mut ());
                state.activity[plan.output].clone()
            }
        };
        let predicted = output.clone().argmax(1).into_data().convert::<i64>();
        let predicted = predicted.try_to_vec::<i64>().expect("whole numbers");
        for (index, class) in indices.iter().zip(predicted) {
            confusion.add(set.label(*index).into(), class as usize);
            taken_for.push(class as usize);
        }
        let mean = (batch.targets - output).square().mean();
        loss += mean.into_scalar::<f64>() * indices.len() as f64;
        seen += indices.len();
        if !goes_on(seen) {
            return None;
        }
    }
    let samples = set.len();
    let count = samples.max(1) as f64;
    Some(Evaluation {
        accuracy: confusion.accuracy(),
        loss: loss / count,
        samples,
        confusion,
        taken_for,
    })
}
