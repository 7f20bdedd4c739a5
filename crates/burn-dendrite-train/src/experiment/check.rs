//! Whether a training can run, before any file is written.

use burn_dendrite_nn::{CellType, Plan};
use burn_dendrite_optim::Learning;

use super::{Experiment, ExperimentError, first_network};
use crate::{
    Engine,
    data::{Dataset, LearnFrom, Normalisation, Splits},
    run::Keep,
    words::counted,
};

impl Experiment {
    /// Whether everything fits, before any file is written.
    ///
    /// # Errors
    ///
    /// Mistakes of the specification, sizes that do not fit the data, or a budget beyond it.
    pub fn check(&self) -> Result<(Plan, Learning), ExperimentError> {
        let (plan, learning) = self.spec.check()?;
        let settings = &self.settings;
        let learning = learning.without(settings.perturbations(&plan)?.frozen());
        settings.probes(&plan, &learning)?;
        fits(&plan, &self.data, &settings.dataset)?;
        settings.check().map_err(ExperimentError::Mismatch)?;
        settings.segments().validate(self.data.train.len())?;
        if let Some(samples) = settings.learner.validation_samples
            && samples > self.data.validation.len()
        {
            return Err(ExperimentError::Mismatch(format!(
                "`validation_samples` is {samples}; accepted: 1 to {}, the validation samples of \
                 `{}`",
                self.data.validation.len(),
                settings.dataset
            )));
        }
        let chooses = settings.patience.is_some() || settings.learner.keep == Keep::Best;
        if chooses && self.spec.data.learn_from == LearnFrom::TrainAndValidation {
            return Err(ExperimentError::Mismatch(
                "the samples to validate on are learned from, and nothing can be chosen by them; accepted: \
                 no `--patience` and `--keep last`, or `data.learn_from = \"train\"`"
                    .to_owned(),
            ));
        }
        let input = &plan.populations[plan.input];
        if settings.preprocessing.normalisation == Normalisation::PerChannel
            && input.cell != CellType::Unconstrained
        {
            return Err(ExperimentError::Mismatch(format!(
                "normalised pixels are negative in part, which the rates of `{}` cannot be under \
                 Dale's law; accepted: no `--normalise`, or an unconstrained input",
                input.name
            )));
        }
        if settings.start.is_some() {
            first_network(settings, plan.clone(), &self.out, &self.device)?;
        }
        self.check_devices(&learning)?;
        self.engine()?;
        Ok((plan, learning))
    }

    /// How the training steps of this run are computed.
    pub(super) fn engine(&self) -> Result<Engine, ExperimentError> {
        let (optimizer, settings) = (self.spec.optimizer, &self.settings);
        Engine::choose(optimizer, settings, &self.device).map_err(ExperimentError::Mismatch)
    }

    /// Whether burn's learner can divide the steps of this way of learning among the devices.
    fn check_devices(&self, learning: &Learning) -> Result<(), ExperimentError> {
        let devices = self.settings.learner.devices;
        let given = 1 + self.more_devices.len();
        let refuse = |message: String| Err(ExperimentError::Mismatch(message));
        if given != devices {
            return refuse(format!(
                "the run is divided among {}, and the number given is {given}; accepted: the same \
                 number as when it was started (`--devices`), because the weights depend on it",
                counted(devices, "device")
            ));
        }
        if devices == 1 {
            return Ok(());
        }
        if !self.settings.probe.is_empty() {
            return refuse(
                "several devices cannot be recorded: each of them sees a part of the samples, and \
                 all at the same time, so that there is no order of records; accepted: one device, \
                 or no `--probe`"
                    .to_owned(),
            );
        }
        if let Some((_, remembered)) = learning.memory_names().first() {
            return refuse(format!(
                "several devices cannot learn by a rule that remembers: its `{remembered}` goes from \
                 each sample to the next, and the devices see theirs at the same time; accepted: \
                 one device"
            ));
        }
        Ok(())
    }
}

/// Whether the network's input and output have the sizes of the data.
pub fn fits(plan: &Plan, data: &Splits, dataset: &Dataset) -> Result<(), ExperimentError> {
    let ends = [
        (plan.input, data.train.features(), "values"),
        (plan.output, data.train.classes(), "classes"),
    ];
    for (id, wanted, what) in ends {
        let population = &plan.populations[id];
        if population.size != wanted {
            return Err(ExperimentError::Mismatch(format!(
                "network.population[{}].size: {} does not fit the data set `{dataset}`; accepted: \
                 {wanted}, its {what}, or \"data\"",
                population.name, population.size
            )));
        }
    }
    Ok(())
}
