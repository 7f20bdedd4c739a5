//! What a run was asked to do, apart from its specification.

use std::time::Duration;

use burn_dendrite_nn::{
    Plan, PopulationName,
    perturb::{
        Action, Occasion, Perturbation, PerturbationError, PerturbationTarget, Perturbations,
    },
};
use burn_dendrite_optim::Learning;
use serde::{Deserialize, Serialize};

use super::{Checkpoints, Interval, Keep, Position, Start};
use crate::{
    Engine, OnDivergence,
    compared::difference,
    data::{DataOrigin, Dataset, Preprocessing, SegmentPlan},
    limits::{MOST_BATCHES, MOST_EPOCHS, MOST_SAMPLES, MOST_WORKERS, check_counts, check_seed},
    probe::{Probe, ProbeError, Probes},
};

/// Data, budget and seed of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSettings {
    /// The preset that the specification started from, or the name that its file gives.
    pub preset: String,
    /// The data set: its name, or the path of files.
    pub dataset: Dataset,
    /// Training samples of one epoch, drawn from the training split in a shuffled order.
    pub samples: usize,
    /// Passes over such samples, each in an order of its own.
    pub epochs: usize,
    /// Samples of one training step.
    pub batch_size: usize,
    /// Number of the run, counted from 1 in the published protocol: it decides weights, order and
    /// events.
    pub seed: u64,
    /// Training samples between two validations.
    pub validate_every: usize,
    /// Validations without a lower loss after which the run stops early; never unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// What is done when activity runs away; the run stops unless given.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_divergence: OnDivergence,
    /// Version of this program that started the run.
    pub version: String,
    /// Where the data were, and what they were: the run itself writes down the latter when it
    /// begins.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: DataOrigin,
    /// What burn's learner does beside training.
    #[serde(default, skip_serializing_if = "is_default")]
    pub learner: LearnerSettings,
    /// What is done to the images before a network sees them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub preprocessing: Preprocessing,
    /// What is silenced, scaled, made noisy, delayed or frozen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub perturb: Vec<Perturbation>,
    /// What is recorded while it learns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probe: Vec<Probe>,
    /// What it starts from, instead of the weights that its seed draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Start>,
    /// The epochs that it was to make before it was made longer, each time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lengthened: Vec<usize>,
}

/// What burn's learner does beside training: checkpoints, validation, metrics, the division of a
/// step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LearnerSettings {
    /// Training samples between two checkpoints, which follow validations. Unless given there are
    /// 20 in a run and at least one a minute, as far as there are validations. A run that is stopped
    /// makes one where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint_every: Option<usize>,
    /// Which checkpoints stay.
    #[serde(skip_serializing_if = "is_default")]
    pub checkpoints: Checkpoints,
    /// Which weights the run ends with.
    #[serde(skip_serializing_if = "is_default")]
    pub keep: Keep,
    /// Validation samples that each validation is on, the same ones every time; all unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_samples: Option<usize>,
    /// Batches that one step of the optimizer is made of.
    pub accumulate: usize,
    /// Devices that divide each segment among them.
    pub devices: usize,
    /// Training samples between two steps whose [vital signs](crate::vitals) are taken; none are
    /// if 0.
    pub vitals_every: usize,
    /// On which numbers training steps are computed; in memory where that is possible, unless given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<Engine>,
}

impl Default for LearnerSettings {
    fn default() -> Self {
        Self {
            checkpoint_every: None,
            checkpoints: Checkpoints::Newest,
            keep: Keep::Last,
            validation_samples: None,
            accumulate: 1,
            devices: 1,
            vitals_every: 10,
            engine: None,
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Checkpoints of a short run, unless their number is asked for.
const CHECKPOINTS: usize = 20;
/// What an interruption of a long one may cost.
const MINUTE: Duration = Duration::from_secs(60);

/// The published protocol numbers its networks from 66049 and its orders of samples from 257.
const NETWORK_SEED: u64 = 66_048;
const ORDER_SEED: u64 = 256;

impl RunSettings {
    /// Seed of the weights. Run 1 starts with the weights of the first network of the paper, which
    /// the reference calls seed 66049, and so on.
    pub fn network_seed(&self) -> u64 {
        self.seed.wrapping_add(NETWORK_SEED)
    }

    /// Seed of the order of samples and of random events.
    pub fn order_seed(&self) -> u64 {
        self.seed.wrapping_add(ORDER_SEED)
    }

    /// The perturbations of the run, resolved for its network.
    ///
    /// # Errors
    ///
    /// One sentence for a target that the network does not have.
    pub fn perturbations(&self, plan: &Plan) -> Result<Perturbations, PerturbationError> {
        Perturbations::resolve(&self.perturb, plan, self.network_seed())
    }

    /// The probes of the run, resolved for its network.
    ///
    /// # Errors
    ///
    /// One sentence for what the network does not have, or what is recorded twice.
    pub fn probes(&self, plan: &Plan, learning: &Learning) -> Result<Probes, ProbeError> {
        Probes::resolve(&self.probe, plan, learning)
    }

    /// True where the dynamics of training steps are perturbed; what is frozen only learns less.
    pub fn perturbs_training(&self) -> bool {
        (self.perturb.iter())
            .any(|it| it.action != Action::Freeze && it.during.acts(Occasion::Train))
    }

    /// The populations that are silent in every validation because that is what was asked for.
    pub(crate) fn silenced_in_test(&self) -> impl Iterator<Item = PopulationName> {
        let silenced = self.perturb.iter().filter(|it| {
            let nothing = matches!(it.action, Action::Silence | Action::Scale(0.0));
            nothing && it.fraction == 1.0 && it.during.acts(Occasion::Test)
        });
        silenced.filter_map(|it| match &it.target {
            PerturbationTarget::Population(name) => Some(name.clone()),
            PerturbationTarget::Projection(_) | PerturbationTarget::Compartment(..) => None,
        })
    }

    /// The cut of the run into segments: what burn's learner calls an epoch is one of them.
    pub fn segments(&self) -> SegmentPlan {
        SegmentPlan {
            samples_per_pass: self.samples,
            passes: self.epochs,
            samples_per_segment: self.validate_every,
            batch_size: self.batch_size,
            seed: self.order_seed(),
        }
    }

    /// Samples that one step of the optimizer is made on.
    pub fn samples_per_step(&self) -> usize {
        let batches = self.learner.accumulate.saturating_mul(self.learner.devices);
        self.batch_size.saturating_mul(batches)
    }

    /// Steps of the optimizer in the whole run.
    pub fn steps(&self) -> usize {
        let plan = self.segments();
        plan.parts_before(plan.segments(), self.samples_per_step())
    }

    /// Batches before a position.
    pub(crate) fn batches_before(&self, position: Position) -> usize {
        let whole = self.segments().steps_before(position.segments);
        whole.saturating_add(position.samples.div_ceil(self.batch_size.max(1)))
    }

    /// When checkpoints are made.
    pub(crate) fn interval(&self) -> Interval {
        match self.learner.checkpoint_every {
            Some(samples) => {
                Interval::Segments(samples.div_ceil(self.validate_every.max(1)).max(1))
            }
            None => {
                let segments = self.segments().segments().div_ceil(CHECKPOINTS);
                Interval::SegmentsOrTime(segments.max(1), MINUTE)
            }
        }
    }

    /// The first setting in which this differs from `other`, if any does: its name, its value here
    /// and that of the other. The version, and where the data are, make no difference.
    pub(crate) fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        difference(self, other, &["version", "data"])
    }

    /// What is wrong with the numbers, as far as the data do not matter.
    ///
    /// # Errors
    ///
    /// One sentence with the accepted values.
    pub fn check(&self) -> Result<(), String> {
        let learner = &self.learner;
        let vitals_every = Some(learner.vitals_every).filter(|every| *every > 0);
        check_counts([
            // More than there are get an answer of their own.
            ("samples", Some(self.samples), usize::MAX),
            ("validation_samples", learner.validation_samples, usize::MAX),
            ("epochs", Some(self.epochs), MOST_EPOCHS),
            ("batch_size", Some(self.batch_size), MOST_SAMPLES),
            ("validate_every", Some(self.validate_every), MOST_SAMPLES),
            ("patience", self.patience, MOST_SAMPLES),
            ("checkpoint_every", learner.checkpoint_every, MOST_SAMPLES),
            ("accumulate", Some(learner.accumulate), MOST_BATCHES),
            ("devices", Some(learner.devices), MOST_WORKERS),
            ("vitals_every", vitals_every, MOST_SAMPLES),
        ])?;
        check_seed("seed", self.seed)?;
        let devices = learner.devices;
        let plan = self.segments();
        // All segments of a pass are equally long but the last one.
        let uneven = [0, plan.segments_per_pass() - 1]
            .map(|segment| plan.range(segment).1.len())
            .into_iter()
            .find(|samples| !samples.is_multiple_of(devices));
        match uneven {
            Some(samples) => Err(format!(
                "{samples} samples between two validations cannot be divided evenly among \
                 {devices} devices; accepted: `--samples` and `--validate-every` in multiples of \
                 {devices}"
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DatasetName;

    fn settings() -> RunSettings {
        RunSettings {
            preset: "mnist-dtp".to_owned(),
            dataset: DatasetName::MnistMini.into(),
            data: DataOrigin::default(),
            samples: 100,
            epochs: 2,
            batch_size: 4,
            seed: 1,
            validate_every: 30,
            patience: None,
            on_divergence: OnDivergence::Stop,
            version: "0.1.0".to_owned(),
            learner: LearnerSettings::default(),
            preprocessing: Preprocessing::default(),
            perturb: Vec::new(),
            probe: Vec::new(),
            start: None,
            lengthened: Vec::new(),
        }
    }

    #[test]
    fn settings_of_an_older_version_are_read_and_defaults_not_written() {
        let text = toml::to_string(&settings()).unwrap();
        assert!(!text.contains('['), "{text}");
        assert_eq!(toml::from_str::<RunSettings>(&text).unwrap(), settings());
        let mut changed = settings();
        changed.learner.accumulate = 3;
        let data = DatasetName::MnistMini.load(&Default::default()).unwrap();
        changed.data = DataOrigin::of(Some("/digits".into()), &data);
        changed.preprocessing.crop_padding = 4;
        changed.perturb = vec!["H1.DendI: silence during train".parse().unwrap()];
        changed.probe = vec!["H1.E: dendrite every 10".parse().unwrap()];
        let text = toml::to_string(&changed).unwrap();
        assert_eq!(toml::from_str::<RunSettings>(&text).unwrap(), changed);
    }

    #[test]
    fn steps_are_counted_segment_by_segment() {
        // Segments of 30, 30, 30 and 10 samples: 8 + 8 + 8 + 3 batches, twice.
        assert_eq!(settings().steps(), 54);
        let mut settings = settings();
        settings.learner.accumulate = 2;
        // 4 + 4 + 4 + 2 steps on up to 8 samples, twice.
        assert_eq!((settings.steps(), settings.samples_per_step()), (28, 8));
    }

    #[test]
    fn numbers_beyond_all_bounds_are_refused() {
        let refused = |change: fn(&mut RunSettings), part: &str| {
            let mut settings = settings();
            change(&mut settings);
            let message = settings.check().unwrap_err();
            assert!(message.contains(part), "{message}");
        };
        refused(
            |it| it.epochs = 1_000_001,
            "`epochs` is 1000001; accepted: 1 to 1000000",
        );
        refused(|it| it.samples = 0, "`samples` is 0");
        refused(|it| it.batch_size = usize::MAX, "1 to 1000000000");
        refused(|it| it.learner.accumulate = usize::MAX, "1 to 1000000");
        refused(|it| it.learner.vitals_every = usize::MAX, "`vitals_every`");
        refused(|it| it.seed = 1 << 32, "0 to 4294901247");
    }

    #[test]
    fn the_longest_run_is_counted_at_once() {
        let settings = RunSettings {
            epochs: 1_000_000,
            validate_every: 1,
            ..settings()
        };
        settings.check().unwrap();
        assert_eq!(settings.steps(), 100_000_000);
        let end = Position::after(settings.segments().segments());
        assert_eq!(settings.batches_before(end), 100_000_000);
    }

    #[test]
    fn a_short_run_has_twenty_checkpoints_and_a_long_one_more_unless_their_number_is_given() {
        let mut settings = settings();
        assert_eq!(settings.interval(), Interval::SegmentsOrTime(1, MINUTE));
        settings.validate_every = 1;
        assert_eq!(settings.interval(), Interval::SegmentsOrTime(10, MINUTE));
        settings.learner.checkpoint_every = Some(3);
        assert_eq!(settings.interval(), Interval::Segments(3));
        settings.validate_every = 2;
        assert_eq!(settings.interval(), Interval::Segments(2));
    }

    #[test]
    fn batches_are_counted_up_to_a_position() {
        let position = |segments, samples| Position { segments, samples };
        let before = |at| settings().batches_before(at);
        // 8, 8, 8 and 3 batches in each pass.
        assert_eq!(before(position(4, 0)), 27);
        assert_eq!(before(position(5, 12)), 27 + 8 + 3);
    }

    #[test]
    fn segments_that_cannot_be_divided_evenly_are_refused() {
        let mut settings = settings();
        settings.learner.devices = 2;
        settings.check().unwrap();
        settings.learner.devices = 3;
        let message = settings.check().unwrap_err();
        assert!(message.contains("10 samples") && message.contains("multiples of 3"));
        settings.learner.devices = 0;
        assert!(settings.check().unwrap_err().contains("`devices` is 0"));
    }
}
