//! Models of runs in files.

use std::path::PathBuf;

use burn::{
    module::Module,
    store::ModuleRecord,
    tensor::{Bytes, Device},
};
use burn_dendrite_nn::Network;

use super::ExperimentError;
use crate::{
    model::PlasticNetwork,
    run::{self, RunError, RunFolder, RunSettings},
    spec::ExperimentSpec,
};

pub(super) fn save(model: PlasticNetwork, folder: &RunFolder) -> Result<(), ExperimentError> {
    let file = run::model_file(folder.path());
    let bytes = model
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
    folder: &std::path::Path,
) -> Result<PlasticNetwork, ExperimentError> {
    let missing = || RunError::NotARun {
        folder: folder.to_owned(),
        missing: "checkpoint/model-1.bpk",
    };
    let (file, _) = run::latest_checkpoint(folder).ok_or_else(missing)?;
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

/// The model of a run with its settings and its specification: the trained one, or that of the
/// newest checkpoint if the run has not come to its end.
///
/// # Errors
///
/// If the folder holds no run, or its model cannot be read.
pub fn load_model(
    folder: &std::path::Path,
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
    let file = run::model_file(folder);
    let model = if file.is_file() {
        load_file(model, file)?
    } else {
        load_checkpoint(model, folder)?
    };
    Ok((model, settings, spec))
}
