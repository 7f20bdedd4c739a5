//! A short training through burn's learner on one backend, next to the same one on flex.

use burn::tensor::Device;
use burn_dendrite::{
    nn::{Network, ProjectionId},
    train::{
        DeviceName, Display, Ending, Experiment, Stop, data::DatasetName, evaluate, load_model,
        presets, run::RunSettings,
    },
};

use crate::{
    backend::Backend,
    compare::{Comparison, values},
};

/// What is trained: by local rules, and by backprop.
pub(crate) const PRESETS: [&str; 2] = ["spirals-dtp", "spirals-backprop-ei"];

/// Steps, and samples of each.
const STEPS: usize = 40;
const BATCH_SIZE: usize = 16;

/// How far weights may be apart after [`STEPS`] steps, in units of the largest of their matrix:
/// rounding errors grow from step to step.
const TOLERANCE: f64 = 1e-3;

/// Trains a network from one seed on the backend. The loss must fall, Dale's law must hold exactly,
/// and weights and biases must be those that flex finds.
pub(crate) fn check(preset: &str, backend: &Backend) -> Result<String, String> {
    let Trained {
        network: trained,
        losses: [before, after],
    } = train(preset, backend)?;
    let learned = format!("loss {before:.4} before training, {after:.4} after");
    if after.is_nan() || after >= before {
        return Err(learned);
    }
    lawful(&trained)?;
    if backend.name == DeviceName::Flex {
        return Ok(learned);
    }
    let flex = Backend {
        name: DeviceName::Flex,
        device: Device::flex(),
    };
    let on_flex = train(preset, &flex)?.network;
    // Half of it, as a value may be missed by this much of itself and of the largest one.
    let mut comparison = Comparison::new("trained on both", TOLERANCE / 2.0);
    let plan = trained.plan();
    for (index, projection) in plan.projections.iter().enumerate() {
        let id = ProjectionId(index);
        let place = format!("weight {}", projection.name);
        comparison.array(&place, trained.weight(id), &values(on_flex.weight(id)));
    }
    for (id, population) in plan.populations.iter() {
        if let (Some(bias), Some(on_flex)) = (trained.bias(id), on_flex.bias(id)) {
            let place = format!("bias of {}", population.name);
            comparison.array(&place, bias.unsqueeze(), &values(on_flex.unsqueeze()));
        }
    }
    match comparison.failure() {
        Some(failure) => Err(failure),
        None => Ok(format!("{learned}\n  {}", comparison.summary())),
    }
}

/// No weight of an excitatory neuron is negative, none of an inhibitory one positive.
fn lawful(network: &Network) -> Result<(), String> {
    for (index, projection) in network.plan().projections.iter().enumerate() {
        let sign = projection.site.cell.sign() as f32;
        let weights = values(network.weight(ProjectionId(index)));
        if !weights.iter().flatten().all(|weight| weight * sign >= 0.0) {
            return Err(format!("{}: a weight breaks Dale's law", projection.name));
        }
    }
    Ok(())
}

/// A network after training, and its mean squared error on the test set before and after.
struct Trained {
    network: Network,
    losses: [f64; 2],
}

fn train(preset: &str, backend: &Backend) -> Result<Trained, String> {
    fn text(error: impl std::fmt::Display) -> String {
        error.to_string()
    }
    let device = &backend.device;
    let spec = presets::load(preset).map_err(text)?;
    let data = DatasetName::Spirals
        .load(&Default::default())
        .map_err(text)?;
    let folder = tempfile::tempdir().map_err(text)?;
    let out = folder.path().join("run");
    let settings = RunSettings {
        preset: preset.to_owned(),
        dataset: DatasetName::Spirals.into(),
        data: Default::default(),
        samples: STEPS * BATCH_SIZE,
        epochs: 1,
        batch_size: BATCH_SIZE,
        seed: 1,
        validate_every: STEPS * BATCH_SIZE,
        patience: None,
        on_divergence: Default::default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        learner: Default::default(),
        preprocessing: Default::default(),
        perturb: Vec::new(),
        probe: Vec::new(),
        start: None,
        lengthened: Vec::new(),
    };
    let start = spec.network.init(settings.network_seed(), device);
    let before = evaluate(&start.map_err(text)?, &data.test, device, |_| ()).loss;
    let experiment = Experiment {
        out: out.clone(),
        settings,
        spec,
        data,
        device: device.clone(),
        more_devices: Vec::new(),
        device_name: backend.name.to_string(),
        display: Display::Quiet,
        stop: Stop::new(),
    };
    let after = match experiment.start().map_err(text)? {
        Ending::Finished(summary) => summary.test_loss,
        Ending::Interrupted { samples } => return Err(format!("stopped after {samples} samples")),
    };
    let (model, ..) = load_model(&out, device).map_err(text)?;
    Ok(Trained {
        network: model.network,
        losses: [before, after],
    })
}
