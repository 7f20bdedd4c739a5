//! What is analysed: a network, how it learns, and how it came to be.

use std::path::Path;

use burn::{module::Module, tensor::Device};
use burn_dendrite_nn::{
    Network,
    perturb::{Conditions, Occasion, Perturbations},
};
use burn_dendrite_optim::{Learning, RuleMemory};
use burn_dendrite_train::{
    ExperimentError, ExperimentSpec, PlasticNetwork, SavedWeights,
    experiment::{first_network, load_any, saved_weights},
    load_model,
    run::{self, RunSettings},
};

/// A network at one moment of its training.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Training samples seen until then.
    pub samples: usize,
    /// The network as it was.
    pub network: Network,
}

/// The network that is analysed, and how it learns.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    /// The network.
    pub network: &'a Network,
    /// How it learns.
    pub learning: &'a Learning,
    /// What its rules remember; what they start with unless given.
    pub memory: Option<&'a RuleMemory>,
    /// Under which conditions it runs; nothing is different unless given.
    pub conditions: Conditions<'a>,
    /// The network at several moments, oldest first and itself last; may be empty.
    pub history: &'a [Moment],
}

impl<'a> Subject<'a> {
    /// A network without a history, whose rules remember nothing yet.
    pub fn new(network: &'a Network, learning: &'a Learning) -> Self {
        Self {
            network,
            learning,
            memory: None,
            conditions: Conditions::default(),
            history: &[],
        }
    }

    /// A memory of its own for a computation, with the values of the subject's: running states are
    /// shared between clones, and an analysis must leave them as they are.
    pub(super) fn own_memory(&self) -> RuleMemory {
        let fresh = self.learning.memory(self.network);
        match self.memory {
            Some(memory) => fresh.load_record(memory.clone().into_record()),
            None => fresh,
        }
    }
}

/// What a run folder gives to analyse.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network and what its rules remember.
    pub model: PlasticNetwork,
    /// How it learns.
    pub learning: Learning,
    /// The network at its start, at every checkpoint that is kept, and now.
    pub history: Vec<Moment>,
    /// What is perturbed.
    pub perturbations: Perturbations,
    /// Which weights of the run the network has.
    pub weights: SavedWeights,
    /// Data, budget and seed.
    pub settings: RunSettings,
    /// Network and learning as data.
    pub spec: ExperimentSpec,
}

impl Trained {
    /// The network with its learning, memory and history.
    pub fn subject(&self) -> Subject<'_> {
        Subject {
            network: &self.model.network,
            learning: &self.learning,
            memory: Some(&self.model.memory),
            conditions: self.perturbations.conditions(
                Occasion::Test,
                self.settings.order_seed(),
                0,
            ),
            history: &self.history,
        }
    }
}

/// The network of a run with its history: the start, drawn once more from the seed of the run, every
/// checkpoint that is kept, and the network that [`load_model`] gives.
///
/// # Errors
///
/// If the folder holds no run, or a model of it cannot be read.
pub fn load_trained(folder: &Path, device: &Device) -> Result<Trained, ExperimentError> {
    let (mut model, settings, spec) = load_model(folder, device)?;
    let (plan, learning) = spec.check()?;
    let perturbations = settings.perturbations(&plan)?;
    let learning = learning.without(perturbations.frozen());
    let start = first_network(&settings, plan, folder, device)?;
    let segments = settings.segments();
    let mut history = vec![Moment {
        samples: 0,
        network: start.clone(),
    }];
    let (weights, _) = saved_weights(folder, &settings)?;
    let trained = run::summary(folder)?.map(|summary| summary.train_samples);
    let reached = match weights {
        SavedWeights::Best { samples } | SavedWeights::Checkpoint { samples, .. } => samples,
        SavedWeights::Last => {
            trained.unwrap_or_else(|| segments.samples_before(segments.segments()))
        }
    };
    for (file, position) in run::checkpoints(folder) {
        let samples = position.samples_in(&segments);
        // The network itself is one of them, and of a run that keeps its best some came later.
        if samples >= reached {
            continue;
        }
        let checkpoint = PlasticNetwork::new(start.clone(), learning.clone()).valid();
        let checkpoint = load_any(checkpoint, &spec, file)?;
        history.push(Moment {
            samples,
            network: checkpoint.network,
        });
    }
    history.push(Moment {
        samples: reached,
        network: model.network.clone(),
    });
    // What is perturbed in test is perturbed in an analysis.
    let networks = history.iter_mut().map(|moment| &mut moment.network);
    for network in networks.chain([&mut model.network]) {
        *network = perturbations.pruned(network, Occasion::Test);
    }
    Ok(Trained {
        model,
        learning,
        history,
        perturbations,
        weights,
        settings,
        spec,
    })
}
