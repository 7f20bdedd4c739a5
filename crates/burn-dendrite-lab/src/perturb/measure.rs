//! What is measured of perturbed networks.

use std::path::Path;

use burn::tensor::Device;
use burn_dendrite_nn::perturb::{Occasion, Perturbation, Perturbations};
use burn_dendrite_train::{
    ExperimentError, data::SampleSet, evaluate_under, load_model, run::RunSettings,
};
use serde::{Deserialize, Serialize};

use super::{Condition, UNPERTURBED};
use crate::{
    analysis::{AnalysisOptions, Metric, Subject, analyze},
    study::{DivergedRun, Estimate, StudyPlan},
};

/// What perturbations did to a network: what `perturbations.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// The network that was perturbed.
    pub network: String,
    /// Data, budget and seeds.
    pub plan: StudyPlan,
    /// The conditions, the unperturbed one first.
    pub effects: Vec<Effect>,
    /// The trainings that diverged, each under the name of the condition that it was made for.
    #[serde(default)]
    pub diverged: Vec<DivergedRun>,
}

/// One condition over all seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// The condition.
    pub condition: String,
    /// What is perturbed in the run.
    pub run: Vec<Perturbation>,
    /// What is perturbed in the test alone.
    pub test: Vec<Perturbation>,
    /// Share of test samples classified rightly; none where every training diverged.
    pub accuracy: Option<Estimate>,
    /// The same less that of the unperturbed network, seed by seed.
    pub difference: Option<Estimate>,
    /// Mean |d| of all dendrites in the test; none in a network without dendrites.
    pub dendritic_state: Option<Estimate>,
    /// Angle to backprop of single samples in degrees, perturbed as in training; none where nothing
    /// feed-forward is learned.
    pub backprop_angle: Option<Estimate>,
    /// The values of each seed; none where its training diverged.
    pub seeds: Vec<Option<SeedValues>>,
}

/// What is measured of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeedValues {
    /// Share of test samples classified rightly.
    pub accuracy: f64,
    /// Mean |d| over the populations with a dendrite.
    pub dendritic_state: Option<f64>,
    /// Angle to backprop in degrees.
    pub backprop_angle: Option<f64>,
}

/// Samples that each angle is a mean over.
const ANGLES: usize = 30;

/// Measures one trained network in one condition, `samples` of the test set for the dendritic
/// state.
///
/// # Errors
///
/// If the folder holds no run, or the condition is that of another network.
pub fn measure(
    folder: &Path,
    condition: &Condition,
    test: &SampleSet,
    samples: usize,
    device: &Device,
) -> Result<SeedValues, ExperimentError> {
    let (model, settings, _) = load_model(folder, device)?;
    let perturb = [settings.perturb.as_slice(), &condition.test].concat();
    let settings = RunSettings {
        perturb,
        ..settings
    };
    let perturbations: Perturbations = settings.perturbations(model.network.plan())?;
    let tested = perturbations.pruned(&model.network, Occasion::Test);
    let conditions =
        |occasion, first| perturbations.conditions(occasion, settings.order_seed(), first as u64);
    let accuracy = evaluate_under(
        |first| conditions(Occasion::Test, first),
        &tested,
        test,
        device,
        |_| (),
    )
    .accuracy;
    let analysis = |network, occasion, metric, samples| {
        let subject = Subject {
            memory: Some(&model.memory),
            conditions: conditions(occasion, 0),
            ..Subject::new(network, model.learning())
        };
        let options = AnalysisOptions {
            metrics: vec![metric],
            samples,
            single_samples: ANGLES,
            ..AnalysisOptions::default()
        };
        analyze(&subject, test, &options, &mut |_| ())
            .map_err(|error| ExperimentError::Mismatch(error.to_string()))
    };
    let dendrites = analysis(&tested, Occasion::Test, Metric::DendriticState, samples)?;
    let dendrites = dendrites.dendritic_state;
    let angle = analysis(
        &model.network,
        Occasion::Train,
        Metric::BackpropAngle,
        ANGLES,
    )?;
    let angle = angle.backprop_angle;
    let mean = |values: Vec<f64>| Estimate::of(&values).map(|it| it.mean);
    Ok(SeedValues {
        accuracy,
        dendritic_state: dendrites
            .and_then(|it| mean(it.populations.iter().map(|it| it.mean.mean).collect())),
        backprop_angle: angle.and_then(|it| it.stochastic).map(|angle| angle.mean),
    })
}

impl Predictions {
    /// Gathers what was measured, `values[condition][seed]`, with nothing where the training
    /// diverged; the first condition is the unperturbed one.
    pub fn new(
        network: String,
        plan: StudyPlan,
        conditions: &[Condition],
        values: &[Vec<Option<SeedValues>>],
    ) -> Self {
        let accuracies = |of: &[Option<SeedValues>]| -> Vec<Option<f64>> {
            of.iter()
                .map(|values| values.map(|it| it.accuracy))
                .collect()
        };
        let unperturbed = values.first().map(|it| accuracies(it)).unwrap_or_default();
        let effects = conditions.iter().zip(values).map(|(condition, seeds)| {
            let accuracy = accuracies(seeds);
            let difference: Vec<f64> = (accuracy.iter().zip(&unperturbed))
                .filter_map(|(here, there)| Some((*here)? - (*there)?))
                .collect();
            let defined = |value: fn(&SeedValues) -> Option<f64>| {
                let values: Vec<f64> = seeds.iter().flatten().filter_map(value).collect();
                Estimate::of(&values)
            };
            Effect {
                condition: condition.name.clone(),
                run: condition.run.clone(),
                test: condition.test.clone(),
                accuracy: defined(|it| Some(it.accuracy)),
                difference: Estimate::of(&difference),
                dendritic_state: defined(|it| it.dendritic_state),
                backprop_angle: defined(|it| it.backprop_angle),
                seeds: seeds.clone(),
            }
        });
        Self {
            network,
            plan,
            effects: effects.collect(),
            diverged: Vec::new(),
        }
    }

    /// The same with the trainings that diverged.
    pub fn with_diverged(self, diverged: Vec<DivergedRun>) -> Self {
        Self { diverged, ..self }
    }

    /// The effects of perturbations, without the unperturbed condition.
    pub fn perturbed(&self) -> impl Iterator<Item = &Effect> {
        (self.effects.iter()).filter(|effect| effect.condition != UNPERTURBED)
    }
}
