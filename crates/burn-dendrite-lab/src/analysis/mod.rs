//! What a trained network has become: the metrics of the paper.
//!
//! [`analyze`] measures a network on some samples and returns an [`Analysis`], which serde writes
//! and reads. Behind each metric stands a pure function, from matrices or weights to numbers, in
//! the module of that name; its documentation has the formula.
//!
//! ```
//! use burn::tensor::Device;
//! use burn_dendrite_lab::analysis::{AnalysisOptions, Metric, Subject, analyze};
//! use burn_dendrite_train::{
//!     data::{DataOptions, DatasetName},
//!     presets,
//! };
//!
//! let spec = presets::load("spirals-dtp")?;
//! let (_, learning) = spec.check()?;
//! let network = spec.network.init(66049, &Device::flex())?;
//! let data = DatasetName::Spirals.load(&DataOptions::default())?;
//!
//! let options = AnalysisOptions {
//!     samples: 50,
//!     metrics: vec![Metric::Sparsity, Metric::Dimensionality],
//!     ..AnalysisOptions::default()
//! };
//! let subject = Subject::new(&network, &learning);
//! let analysis = analyze(&subject, &data.test, &options, &mut |_| ())?;
//! assert_eq!(analysis.sparsity.unwrap().populations[0].patterns.len(), 50);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In all matrices a row is a pattern (a sample) and a column a unit, as in burn's `[batch, size]`.
//! Angles are in degrees, activities in the unit of the network's firing rates, time in steps.
//!
//! # Adding a metric
//!
//! Write one file beside this one with a result that implements [`Measured`] and [`Report`], and
//! add one line to the call of `metrics!` below.

mod angle;
mod context;
mod histogram;
mod kernels;
#[cfg(test)]
mod maps_by_hand;
mod name;
mod over_training;
mod quantity;
mod registry;
mod report;
mod statistics;
mod subject;
mod twin;

use burn::module::Module;
use burn_dendrite_train::data::SampleSet;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use registry::metrics;

pub use angle::{angle_between, concatenated_angle};
pub use context::{Context, Measured, Recording};
pub use histogram::Histogram;
pub use kernels::kernels;
pub use over_training::{MeasuredMoment, charts_of, over_training, table_of};
pub use quantity::{Measurement, Quantity, measurements};
pub use report::{Figure, Of, Report, Sheet};
pub use statistics::MeanAndError;
pub use subject::{Moment, Subject, Trained, load_trained};
pub use twin::{TRACKED_STEPS, backprop_twin, compared_projections};

metrics! {
    /// How many weights and biases there are, learned and fixed.
    parameter_count::ParameterCount as ParameterCount = "parameter-count",
    /// The angle between the learning rule's changes and those of backprop.
    backprop_angle::BackpropAngle as BackpropAngle = "backprop-angle",
    /// The angle between forward weights and feedback weights.
    feedback_alignment::FeedbackAlignment as FeedbackAlignment = "feedback-alignment",
    /// How much input is left at the dendrites once inhibition has acted.
    dendritic_state::DendriticState as DendriticState = "dendritic-state",
    /// How few units answer to a pattern.
    sparsity::Sparsity as Sparsity = "sparsity",
    /// To how few patterns a unit answers.
    selectivity::Selectivity as Selectivity = "selectivity",
    /// How differently a population answers to different patterns.
    discriminability::Discriminability as Discriminability = "discriminability",
    /// Which inputs drive a unit, and how much spatial structure they have.
    receptive_fields::ReceptiveFields as ReceptiveFields = "receptive-fields",
    /// How alike the answers to patterns, and the units, are within and between classes.
    similarity::Similarity as Similarity = "similarity",
    /// How many dimensions the answers of a population fill.
    dimensionality::Dimensionality as Dimensionality = "dimensionality",
    /// Whether the activity has come to rest at the end of the forward phase.
    equilibration::Equilibration as Equilibration = "equilibration",
    /// The mean activity in each step of the forward phase.
    dynamics::Dynamics as Dynamics = "dynamics",
    /// The loss around the path that learning took.
    loss_landscape::LossLandscape as LossLandscape = "loss-landscape",
    /// The class that the network sees at each point of a two-dimensional input.
    decision_map::DecisionMap as DecisionMap = "decision-map",
    /// How evenly the weights use their dimensions.
    singular_values::SingularValues as SingularValues = "singular-values",
    /// How the weights are distributed.
    weights::Weights as Weights = "weights",
}

/// What is measured, and on how much.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisOptions {
    /// The metrics.
    pub metrics: Vec<Metric>,
    /// Samples that the network is shown, drawn from the set with a fixed seed; all of them if it
    /// has fewer.
    pub samples: usize,
    /// Of these, how many are also learned from one at a time, for the angle of single samples.
    pub single_samples: usize,
    /// Of these, how many the receptive fields are means over.
    pub field_samples: usize,
    /// Units of each population whose receptive field is measured.
    pub field_units: usize,
    /// Of the samples, how many each point of the loss landscape is a mean over.
    pub landscape_samples: usize,
    /// Points of the loss landscape along each axis.
    pub landscape_points: usize,
    /// Points of the decision map along each axis.
    pub map_points: usize,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self {
            metrics: Metric::ALL.to_vec(),
            samples: 300,
            single_samples: 100,
            field_samples: 50,
            field_units: 24,
            landscape_samples: 100,
            landscape_points: 11,
            map_points: 100,
        }
    }
}

/// Why a network cannot be analysed.
#[derive(Debug, thiserror::Error)]
pub enum AnalysisError {
    /// Too few samples.
    #[error("{found} samples; accepted: 2 or more")]
    Samples {
        /// The samples that there would be.
        found: usize,
    },
    /// The samples do not fit the network.
    #[error(
        "the network takes {inputs} values and tells {outputs} classes apart, the data have \
         {features} and {classes}"
    )]
    Sizes {
        /// Size of the network's input.
        inputs: usize,
        /// Size of the network's output.
        outputs: usize,
        /// Values of a sample.
        features: usize,
        /// Classes of the data.
        classes: usize,
    },
}

/// How far an analysis is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AnalysisProgress {
    /// The metric that is being measured.
    pub metric: Metric,
    /// The share of the whole that is done, in [0, 1].
    pub done: f64,
}

/// Measures a network on samples of a set; `progress` hears how far it is.
///
/// The result depends on the arguments alone: which samples are drawn is fixed, and random events
/// of rules have a fixed seed.
///
/// # Errors
///
/// If there are fewer than two samples, or they do not fit the network.
pub fn analyze(
    subject: &Subject<'_>,
    data: &SampleSet,
    options: &AnalysisOptions,
    progress: &mut dyn FnMut(AnalysisProgress),
) -> Result<Analysis, AnalysisError> {
    let samples = drawn(data, options.samples);
    if samples.len() < 2 {
        let found = samples.len();
        return Err(AnalysisError::Samples { found });
    }
    let plan = subject.network.plan();
    let [inputs, outputs] = [plan.input, plan.output].map(|id| plan.populations[id].size);
    let (features, classes) = (data.features(), data.classes());
    if (inputs, outputs) != (features, classes) {
        return Err(AnalysisError::Sizes {
            inputs,
            outputs,
            features,
            classes,
        });
    }
    // The dynamics never run on autodiff tensors: each operation would leave an entry in burn's graph.
    let network = subject.network.valid();
    let recording = Recording::new(&network, &subject.conditions, &samples);
    let mut analysis = Analysis {
        samples: samples.len(),
        classes,
        ..Analysis::default()
    };
    let total: u64 = options.metrics.iter().map(|metric| metric.cost()).sum();
    let mut before = 0;
    let progress = std::cell::RefCell::new(progress);
    for &metric in &options.metrics {
        let tick = |share: f64| {
            let done = (before as f64 + share * metric.cost() as f64) / total as f64;
            progress.borrow_mut()(AnalysisProgress { metric, done });
        };
        tick(0.0);
        let context = Context {
            network: &network,
            subject,
            samples: &samples,
            recording: &recording,
            options,
            progress: &tick,
        };
        analysis.measure(metric, &context);
        before += metric.cost();
    }
    Ok(analysis)
}

/// Samples drawn without replacement, always the same ones of the same set.
fn drawn(data: &SampleSet, samples: usize) -> SampleSet {
    const SEED: u64 = 0;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let amount = samples.min(data.len());
    let indices = rand::seq::index::sample(&mut random, data.len(), amount);
    data.select(&indices.into_vec())
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use burn_dendrite_train::{
        data::{DataOptions, DatasetName},
        presets,
    };

    fn attempt(data: &SampleSet, samples: usize) -> Result<Analysis, AnalysisError> {
        let spec = presets::load("spirals-dtp").unwrap();
        let (_, learning) = spec.check().unwrap();
        let network = spec.network.init(1, &Device::flex()).unwrap();
        let options = AnalysisOptions {
            metrics: vec![Metric::Dynamics, Metric::LossLandscape],
            samples,
            ..AnalysisOptions::default()
        };
        let mut done = Vec::new();
        let mut watch = |progress: AnalysisProgress| done.push(progress.done);
        let analysis = analyze(
            &Subject::new(&network, &learning),
            data,
            &options,
            &mut watch,
        );
        assert!(done.is_sorted() && done.iter().all(|done| (0.0..=1.0).contains(done)));
        analysis
    }

    #[test]
    fn an_analysis_survives_a_file() {
        let data = DatasetName::Spirals.load(&DataOptions::default()).unwrap();
        let analysis = attempt(&data.test, 20).unwrap();
        assert_eq!((analysis.samples, analysis.classes), (20, 4));
        let text = serde_json::to_string(&analysis).unwrap();
        assert_eq!(serde_json::from_str::<Analysis>(&text).unwrap(), analysis);
        // Without a history there is no plane to draw.
        assert!(analysis.loss_landscape.is_none() && analysis.dynamics.is_some());
    }

    #[test]
    fn data_that_do_not_fit_are_refused() {
        let data = DatasetName::Spirals.load(&DataOptions::default()).unwrap();
        let error = attempt(&data.test, 1).unwrap_err();
        assert!(matches!(error, AnalysisError::Samples { found: 1 }));
        let three = SampleSet::vectors(vec![0.0; 9], vec![0; 3], 3, 4).unwrap();
        assert!(matches!(
            attempt(&three, 3).unwrap_err(),
            AnalysisError::Sizes {
                inputs: 2,
                features: 3,
                ..
            }
        ));
    }
}
