//! Models of runs in files.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use burn::{
    module::Module,
    store::ModuleRecord,
    tensor::{Bytes, Device},
};
use burn_dendrite_nn::Network;
use burn_dendrite_optim::Descent;
use serde::{Deserialize, Serialize};

use super::ExperimentError;
use crate::{
    choice::Choice,
    model::PlasticNetwork,
    run::{self, Keep, RunError, RunFolder, RunSettings},
    spec::ExperimentSpec,
};

pub(super) fn save(model: PlasticNetwork, folder: &RunFolder) -> Result<(), ExperimentError> {
    let file = run::model_file(folder.path());
    // What an optimizer keeps is of no use any more.
    let bytes = model
        .descending_by(Descent::Plain)
        .into_record()
        .into_bytes()
        .map_err(|error| ExperimentError::Model {
            file: file.clone(),
            message: error.to_string(),
        })?;
    Ok(run::write_atomically(&file, &bytes)?)
}

/// The newest checkpoint of a run, read into `model`.
pub(super) fn load_checkpoint(
    model: PlasticNetwork,
    folder: &Path,
) -> Result<PlasticNetwork, ExperimentError> {
    let latest = run::latest_checkpoint(folder);
    let (file, _) = latest.ok_or_else(|| RunError::NoCheckpoint(folder.to_owned()))?;
    load_file(model, file)
}

pub(super) fn load_file(
    model: PlasticNetwork,
    file: PathBuf,
) -> Result<PlasticNetwork, ExperimentError> {
    // All of it at once: a record that burn reads from a file by itself goes on reading when the
    // values are first used, and by then the file may be gone.
    let bytes = std::fs::read(&file).map_err(|error| RunError::Io {
        file: file.clone(),
        error,
    })?;
    ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))
        .and_then(|record| model.try_load_record(record))
        .map_err(|error| ExperimentError::Model {
            file,
            message: error.to_string(),
        })
}

/// A model of a run, which may hold what an optimizer in main memory keeps.
pub fn load_any(
    model: PlasticNetwork,
    spec: &ExperimentSpec,
    file: PathBuf,
) -> Result<PlasticNetwork, ExperimentError> {
    let descent = spec.optimizer.in_memory().unwrap_or_default();
    load_file(model.clone().descending_by(descent), file.clone())
        .or_else(|_| load_file(model, file))
}

/// Which weights of a run are its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SavedWeights {
    /// Those after its last training step.
    Last,
    /// Those of its best validation.
    Best {
        /// Training samples that they have seen.
        samples: usize,
    },
    /// Those of its newest checkpoint: the run has not come to its end.
    Checkpoint {
        /// Training samples that they have seen.
        samples: usize,
        /// Training samples of the whole run.
        of: usize,
    },
}

impl SavedWeights {
    /// Their name in files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Last => Keep::Last.as_str(),
            Self::Best { .. } => Keep::Best.as_str(),
            Self::Checkpoint { .. } => "checkpoint",
        }
    }
}

impl fmt::Display for SavedWeights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Last => write!(f, "these are the last weights of the run"),
            Self::Best { samples } => write!(
                f,
                "these are the weights of the best validation, after {samples} training samples"
            ),
            Self::Checkpoint { samples, of } => write!(
                f,
                "the run has not come to its end; these are the weights of its newest checkpoint, \
                 after {samples} of {of} training samples"
            ),
        }
    }
}

/// Which weights are the model of a run, and their file.
pub fn saved_weights(
    folder: &Path,
    settings: &RunSettings,
) -> Result<(SavedWeights, PathBuf), RunError> {
    let trained = run::model_file(folder);
    if let Some(summary) = run::summary(folder)? {
        let weights = match (summary.kept, summary.kept_samples) {
            (Keep::Best, Some(samples)) => SavedWeights::Best { samples },
            _ => SavedWeights::Last,
        };
        return Ok((weights, trained));
    }
    let segments = settings.segments();
    match run::latest_checkpoint(folder) {
        Some((file, position)) => {
            let weights = SavedWeights::Checkpoint {
                samples: position.samples_in(&segments),
                of: segments.samples_before(segments.segments()),
            };
            Ok((weights, file))
        }
        // A model without its summary is what somebody has made of a run.
        None if trained.is_file() => Ok((SavedWeights::Last, trained)),
        None => Err(RunError::NoCheckpoint(folder.to_owned())),
    }
}

/// The model of a run with its settings and its specification: the trained one, or that of the
/// newest checkpoint if the run has not come to its end.
///
/// # Errors
///
/// If the folder holds no run, or its model cannot be read.
pub fn load_model(
    folder: &Path,
    device: &Device,
) -> Result<(PlasticNetwork, RunSettings, ExperimentSpec), ExperimentError> {
    let (settings, spec) = run::load(folder)?;
    let (plan, learning) = spec.check()?;
    let perturbations = settings.perturbations(&plan)?;
    let learning = learning.without(perturbations.frozen());
    let network = Network::new(plan, settings.network_seed(), device);
    let model = PlasticNetwork::new(network, learning)
        .perturbed_by(perturbations)
        .valid();
    let (_, file) = saved_weights(folder, &settings)?;
    Ok((load_any(model, &spec, file)?, settings, spec))
}
