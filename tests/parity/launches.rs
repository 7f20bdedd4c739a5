//! How many kernels a training step launches on a GPU backend.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use burn::{
    tensor::{Distribution, Int, Tensor},
    train::TrainStep,
};
use burn_dendrite::{
    nn::{Network, spec::Format},
    train::{ExperimentSpec, PlasticNetwork, data::SampleBatch, presets},
};
use cubecl_runtime::logging::{LaunchObservation, LaunchObserver};

use crate::backend::{Backend, alone};

/// A network whose launches are counted.
#[derive(Clone, Copy)]
pub(crate) struct Counted {
    pub(crate) name: &'static str,
    load: fn() -> Result<ExperimentSpec, String>,
    /// What a step may launch, whatever the batch.
    most: usize,
}

/// One that is recurrent and settles, and the circuit of `cifar10-conv-dtp` on small images: launches do not depend on sizes.
pub(crate) const NETWORKS: [Counted; 2] = [
    Counted {
        name: "mnist-dtp",
        load: || presets::load("mnist-dtp").map_err(|error| error.to_string()),
        most: 200,
    },
    Counted {
        name: "maps",
        load: || ExperimentSpec::parse(MAPS, Format::Toml).map_err(|errors| errors.to_string()),
        most: 200,
    },
];

const MAPS: &str = r#"
    name = "maps"
    anatomy = { kind = "mirrored", inputs = [6, 8, 8], maps = [4, 4, 4], outputs = 10, strength = 0.1 }
    optimizer = { kind = "adam", epsilon = 1e-8 }
"#;

/// Samples of one step, in turn.
const BATCH_SIZES: [usize; 2] = [8, 16];

/// Steps after which burn has settled on how it fuses operations, and has chosen its kernels.
const WARM_UP: usize = 20;

/// Steps that are counted at a time, and how often.
const STEPS: usize = 10;
const TIMES: usize = 2;

/// Every step launches as many kernels as the others, no more than it may, and more of them for no larger batch.
pub(crate) fn check(network: Counted, backend: &Backend) -> Result<String, String> {
    let _alone = alone();
    let mut counts = Vec::new();
    for batch_size in BATCH_SIZES {
        counts.extend(count(network, backend, batch_size)?);
    }
    let first = &counts[0];
    if let Some(other) = counts.iter().find(|count| *count != first) {
        return Err(format!(
            "{} and {} launches in {STEPS} steps, batches of {BATCH_SIZES:?} {TIMES} times each: {}",
            total(first),
            total(other),
            difference(first, other),
        ));
    }
    let launches = total(first) / STEPS;
    let mut kernels: Vec<_> = first.iter().collect();
    kernels.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    let kernels = kernels.into_iter();
    let table: String = kernels
        .map(|(name, times)| format!("\n  {:.1} × {name}", *times as f64 / STEPS as f64))
        .collect();
    let summary = format!("{launches} launches a step{table}");
    if launches > network.most {
        return Err(format!("{summary}\nmore than {}", network.most));
    }
    Ok(summary)
}

/// Launches by kernel.
type Launches = BTreeMap<&'static str, usize>;

/// Launches in each [`STEPS`] steps.
fn count(network: Counted, backend: &Backend, batch_size: usize) -> Result<Vec<Launches>, String> {
    let device = &backend.device;
    let spec = (network.load)()?;
    let (plan, learning) = spec.check().map_err(|errors| errors.to_string())?;
    let [inputs, classes] = [plan.input, plan.output].map(|id| plan.populations[id].size);
    let network = Network::new(plan, 66_049, device);
    let mut model = PlasticNetwork::new(network, learning);
    let mut optimizer = spec.optimizer.init();

    let shown = Tensor::random([batch_size, inputs], Distribution::Default, device);
    let labels = Tensor::<1, Int>::arange(0..batch_size as i64, device) % classes as i64;
    let targets = labels.clone().one_hot::<2>(classes).float();
    let batch = SampleBatch::new(shown, targets, labels);
    let mut train = |steps: usize| -> Result<(), String> {
        for _ in 0..steps {
            let output = TrainStep::step(&model, batch.clone());
            model = (model.clone()).optimize(&mut optimizer, 1.0.into(), output.grads);
        }
        device.sync().map_err(|error| error.to_string())
    };

    train(WARM_UP)?;
    (0..TIMES)
        .map(|_| {
            let counter = Arc::new(Counter::default());
            let observation = LaunchObservation::new(counter.clone());
            let trained = train(STEPS);
            drop(observation);
            trained.map(|()| counter.taken())
        })
        .collect()
}

fn total(launches: &Launches) -> usize {
    launches.values().sum()
}

/// The kernels that were launched more often in one than in the other.
fn difference(one: &Launches, other: &Launches) -> String {
    let times = |launches: &Launches, name| launches.get(name).copied().unwrap_or(0);
    let names = one
        .keys()
        .chain(other.keys().filter(|it| !one.contains_key(*it)));
    names
        .map(|name| (name, times(one, name), times(other, name)))
        .filter(|(_, one, other)| one != other)
        .map(|(name, one, other)| format!("\n  {one} and {other} × {name}"))
        .collect()
}

#[derive(Default)]
struct Counter(Mutex<Launches>);

impl Counter {
    fn taken(&self) -> Launches {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl LaunchObserver for Counter {
    fn launched(&self, kernel: &'static str) {
        let mut launches = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *launches.entry(kernel).or_default() += 1;
    }
}
