//! How fast a network trains, and what it cannot be faster than.

use std::{sync::Arc, time::Instant};

use burn::{
    data::dataloader::DataLoader,
    tensor::{Device, Distribution, Tensor},
    train::TrainStep,
};
use burn_dendrite_nn::{Compartment, Network, Parameter, Plan, ProjectionPlan, geometry::Geometry};
use burn_dendrite_train::{
    Engine, ExperimentSpec, Pace, PlasticNetwork, RunSchedule, ScheduleSpec, StepCount, StepsBy,
    data::{DataError, SampleSet, SegmentLoader, SegmentPlan},
};
use serde::Serialize;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThroughputOptions {
    /// Samples of one training step.
    pub batch_size: usize,
    /// Samples of one window, after as many that are not timed.
    pub window: usize,
    /// Windows; the median is reported.
    pub windows: usize,
    /// How training steps are computed.
    pub engine: Engine,
}

/// Samples a second of real training, and of its products of matrices alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Throughput {
    /// Each window's samples a second, in order.
    pub windows: Vec<f64>,
    /// Their median.
    pub median: f64,
    /// Samples a second at which the device computes the products of matrices of a step at this
    /// batch size and does nothing else, in the same minute: a dense step cannot be faster. One
    /// that skips silent units can.
    pub products_alone: f64,
    /// `median / products_alone`.
    pub share_of_products: f64,
}

/// Trains a network on `samples` as burn's learner does, and takes the time.
///
/// # Errors
///
/// If a window is longer than the set.
///
/// # Panics
///
/// If the specification has mistakes, or the engine cannot train it.
pub fn throughput(
    spec: &ExperimentSpec,
    samples: &Arc<SampleSet>,
    device: &Device,
    options: ThroughputOptions,
) -> Result<Throughput, DataError> {
    let ThroughputOptions {
        batch_size,
        window,
        windows,
        engine,
    } = options;
    let (plan, learning) = spec.check().expect("a checked specification");
    let network = Network::new(plan.clone(), 66_049, device);
    let learned: Vec<Parameter> = learning.learned().collect();
    let mut model = PlasticNetwork::new(network, learning);
    let segments = SegmentPlan {
        samples_per_pass: window,
        passes: windows + 1,
        samples_per_segment: window,
        batch_size,
        seed: 257,
    };
    let mut loader = SegmentLoader::new(samples.clone(), segments, 0, device)?;
    if engine == Engine::Memory {
        let constant = ScheduleSpec::default().init(1);
        let schedule = constant.expect("a factor of 1 is in range");
        let schedule = RunSchedule::new(schedule, StepCount::default(), StepsBy::Model);
        let pace = Pace {
            batch_size,
            schedule,
            descent: spec.optimizer.in_memory().unwrap_or_default(),
            clipping: spec.clipping,
        };
        loader = loader.with_steps_together(pace.steps());
        model = model.descending_by(pace.descent).in_memory(pace);
    }
    let mut optimizer = spec.burn_optimizer();
    let mut rates = Vec::new();
    for _ in 0..=windows {
        // Queued work of the window before does not count.
        let _ = device.sync();
        let start = Instant::now();
        for batch in loader.iter() {
            let output = model.step(batch.expect("samples in memory can be read"));
            model = model.optimize(&mut optimizer, 1.0.into(), output.grads);
        }
        let _ = device.sync();
        rates.push(window as f64 / start.elapsed().as_secs_f64());
    }
    // The first window warms up.
    let windows = rates.split_off(1);
    let median = median(&windows);
    let products_alone = products_alone(&plan, &learned, device, batch_size);
    Ok(Throughput {
        share_of_products: median / products_alone,
        windows,
        median,
        products_alone,
    })
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => (sorted[count / 2 - 1] + sorted[count / 2]) / 2.0,
    }
}

/// A product of matrices in a step, `[batch · places, pre]` and `[pre, post]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Rows of the first matrix for each sample: the places of a convolution, else 1.
    pub places: usize,
    /// Inputs of the weights.
    pub pre: usize,
    /// Outputs of the weights.
    pub post: usize,
    /// How often a step computes it.
    pub times: usize,
}

impl Product {
    /// By the weights of a projection; at each of its places, if it has any.
    fn of(projection: &ProjectionPlan, times: usize) -> Self {
        let places = match projection.wiring.geometry {
            // As many multiplications as at each place by weights of its own, and as many weights to read.
            Geometry::Dense | Geometry::Local(_) | Geometry::ReceptiveFields(_) => 1,
            Geometry::Convolution(convolution) => convolution.places(),
        };
        Self {
            places,
            pre: projection.site.pre,
            post: projection.site.post,
            times,
        }
    }

    /// Random matrices of these sizes for so many samples.
    pub fn operands(&self, batch_size: usize, device: &Device) -> [Tensor<2>; 2] {
        let random = |shape| Tensor::random(shape, Distribution::Default, device);
        [
            random([batch_size * self.places, self.pre]),
            random([self.pre, self.post]),
        ]
    }
}

/// The products of matrices in a step.
///
/// The drive by the input is computed once, the drive of a dendrite at the end of either phase, and
/// a learned projection's change is one product more.
pub fn products(plan: &Plan, learned: &[Parameter]) -> Vec<Product> {
    let drives = plan.projections.iter().map(|projection| {
        let times = match projection.compartment {
            _ if projection.pre == plan.input => 1,
            Compartment::Dendrite => 2,
            Compartment::Soma => plan.steps,
        };
        Product::of(projection, times)
    });
    let changes = learned.iter().filter_map(|parameter| match parameter {
        Parameter::Weight(id) => Some(Product::of(plan.projection(*id), 1)),
        Parameter::Bias(_) => None,
    });
    drives.chain(changes).collect()
}

/// Samples a second at which a device computes the products of a step and nothing else; the best of
/// several tries.
fn products_alone(plan: &Plan, learned: &[Parameter], device: &Device, batch_size: usize) -> f64 {
    const TRIES: usize = 7;
    let products = products(plan, learned);
    let operands: Vec<_> = (products.iter())
        .map(|product| (product.operands(batch_size, device), product.times))
        .collect();
    let once = || {
        let start = Instant::now();
        for ([activity, weights], times) in &operands {
            for _ in 0..*times {
                std::hint::black_box(activity.clone().matmul(weights.clone()));
            }
        }
        let _ = device.sync();
        batch_size as f64 / start.elapsed().as_secs_f64()
    };
    (0..TRIES).map(|_| once()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::presets;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn the_products_of_the_published_network_are_counted_by_hand() {
        let spec = presets::load("mnist-dtp").unwrap();
        let (plan, learning) = spec.check().unwrap();
        let learned: Vec<Parameter> = learning.learned().collect();
        let products = products(&plan, &learned);
        // 23 projections and 9 learned ones.
        assert_eq!(products.len(), 32);
        let multiplications: usize = products
            .iter()
            .map(|it| it.places * it.pre * it.post * it.times)
            .sum();
        // Input 784·550 once. Each of 15 steps: from H1.E 500·50 (SomaI), 500·50 (DendI), 500·500 and
        // 500·50 (H2), from H1.SomaI 50·500 and 50·50, from DendI 50·50; H2 the same within, and
        // 500·10 twice onto the output; within the output 10·10 three times. Dendrites, twice: 50·500
        // and 500·500 onto H1, 50·500 and 10·500 onto H2. Changes: 784·500, 500·500, 500·10, and in
        // each hidden layer 50·500, 500·50, 50·50.
        let input = 784 * 550;
        let within = 500 * 50 * 2 + 50 * 500 + 2 * 50 * 50;
        let settling = 15 * (2 * within + 500 * 500 + 500 * 50 + 2 * 5000 + 300);
        let dendrites = 2 * (25_000 + 250_000 + 25_000 + 5_000);
        let changes = 784 * 500 + 250_000 + 5_000 + 2 * (25_000 + 25_000 + 2_500);
        assert_eq!(multiplications, input + settling + dendrites + changes);
    }

    #[test]
    fn a_convolution_is_a_product_at_every_place() {
        let spec = presets::load("cifar10-conv-dtp").unwrap();
        let (plan, learning) = spec.check().unwrap();
        let learned: Vec<Parameter> = learning.learned().collect();
        let products = products(&plan, &learned);
        // 5 · 5 on 6 maps of 32 · 32; 3 · 3 on 32 maps of 16 · 16: forward, as feedback at rest and nudged,
        // and for the change.
        let first = Product {
            places: 1024,
            pre: 150,
            post: 32,
            times: 1,
        };
        assert_eq!(products.iter().filter(|it| **it == first).count(), 2);
        let second: Vec<_> = (products.iter())
            .filter(|it| it.places == 256 && it.pre * it.post == 288 * 64)
            .map(|it| it.times)
            .collect();
        assert_eq!(second, [1, 2, 1]);
    }
}
