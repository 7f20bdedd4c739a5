//! `dendrite study collect`, and the end of the commands that run a study themselves.

use std::process::ExitCode;

use burn_dendrite_lab::study::{Purpose, Study};
use burn_dendrite_train::DeviceName;

use super::{
    DataArguments, Mistake, compare, failed,
    perturb::{self, Measuring},
    signals::stop_on_request,
    study::load_same,
    sweep,
};

/// Reports on the runs of a study that have come to their end.
pub(super) fn collect(
    mut study: Study,
    data: &DataArguments,
    device: Option<DeviceName>,
    quiet: bool,
) -> anyhow::Result<ExitCode> {
    match study.plan.purpose {
        Purpose::Comparison => compare::conclude(&study, quiet),
        Purpose::Sweep => sweep::conclude(&study, quiet),
        Purpose::Perturbation => {
            let name = device.unwrap_or_else(DeviceName::preferred);
            let device = name.open().map_err(|error| Mistake(error.to_string()))?;
            let data = load_same(data, &mut study, quiet)?;
            study.check(&data.splits).map_err(failed)?;
            study.plan.dataset = data.dataset.clone();
            let measuring = Measuring {
                device,
                stop: stop_on_request()?,
                quiet,
            };
            perturb::conclude(&study, &data, &measuring)
        }
    }
}
