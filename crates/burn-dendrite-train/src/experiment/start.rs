//! The network that a run starts with.

use std::path::Path;

use burn::tensor::Device;
use burn_dendrite_nn::{Network, Plan};

use super::{ExperimentError, load_model};
use crate::{
    run::{RunSettings, Start, kept_start},
    weights::{self, NamedArray, WeightsFormat},
};

/// The network at the start of the run in a folder, which may not have begun: drawn from the seed, with
/// the weights of another run or of a file where that was asked for.
///
/// # Errors
///
/// If these weights cannot be read, or are not those of such a network.
pub fn first_network(
    settings: &RunSettings,
    plan: Plan,
    folder: &Path,
    device: &Device,
) -> Result<Network, ExperimentError> {
    let network = Network::new(plan, settings.network_seed(), device);
    match &settings.start {
        None => Ok(network),
        Some(start) => {
            let arrays = arrays(start, folder, device)?;
            Ok(weights::begin_with(network, start, &arrays, device)?)
        }
    }
}

/// Keeps the weights that a run starts from in its folder.
///
/// # Errors
///
/// If the file cannot be written.
pub(super) fn keep(
    settings: &RunSettings,
    network: &Network,
    folder: &Path,
) -> Result<(), ExperimentError> {
    let file = kept_start(folder);
    if settings.start.is_none() || file.is_file() {
        return Ok(());
    }
    let format = WeightsFormat::Safetensors;
    let arrays = weights::arrays(network);
    Ok(weights::write(&file, format, &arrays, Default::default())?)
}

/// The arrays that a run starts from: those that it kept, or those of a run or a file.
fn arrays(
    start: &Start,
    folder: &Path,
    device: &Device,
) -> Result<Vec<NamedArray>, ExperimentError> {
    let kept = kept_start(folder);
    // Without a folder the run has not begun.
    if !folder.as_os_str().is_empty() && kept.is_file() {
        return Ok(weights::read(&kept)?);
    }
    if start.from.is_dir() {
        let (model, ..) = load_model(&start.from, device)?;
        Ok(weights::arrays(&model.network))
    } else {
        Ok(weights::read(&start.from)?)
    }
}
