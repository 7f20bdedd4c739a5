//! What `dendrite train` says to burn's learner and to the loader.

use burn_dendrite_train::{
    Choice, DeviceAddress, Engine,
    data::{Affine, Flip, Normalisation, Preprocessing},
    limits::{MOST_BATCHES, MOST_SAMPLES, check_counts},
    run::{Checkpoints, Keep, LearnerSettings},
};
use clap::Args;

use super::{Mistake, choice::choice};

/// Looking at a step of a large batch costs as much as the step.
const STEPS_BETWEEN_VITALS: usize = 20;

/// How burn's learner works beside training.
#[derive(Args, Debug)]
pub(super) struct LearnerArguments {
    /// Training samples between two checkpoints, from which `--resume` goes on. Unless given there
    /// are 20 in a run and at least one a minute, as far as there are validations. A run that is
    /// stopped makes one where it is.
    #[arg(long, value_name = "SAMPLES", conflicts_with = "resume")]
    checkpoint_every: Option<usize>,
    /// Which checkpoints stay: those that `--resume` needs, or all, for `analyze --over-training`.
    #[arg(
        long,
        value_parser = choice::<Checkpoints>(),
        default_value = Checkpoints::default().as_str(),
        conflicts_with = "resume"
    )]
    checkpoints: Checkpoints,
    /// Validation samples that each validation is on, the same ones every time; all unless given.
    /// The summary is on all of them.
    #[arg(long, value_name = "SAMPLES", conflicts_with = "resume")]
    validation_samples: Option<usize>,
    /// Batches whose changes are averaged for one step of the optimizer.
    #[arg(
        long,
        value_name = "BATCHES",
        default_value_t = 1,
        conflicts_with = "resume"
    )]
    accumulate: usize,
    /// Training samples between two steps whose vital signs (dendritic state, updated units,
    /// settling residual, sparsity) are taken; 10, or 20 steps of larger batches, unless given; 0
    /// takes none.
    #[arg(long, value_name = "SAMPLES", conflicts_with = "resume")]
    vitals_every: Option<usize>,
    /// How training steps are computed: in loops made for the CPU, or by burn's tensors, which any
    /// device and any optimizer can do; `memory` where that is possible, unless given.
    #[arg(long, value_parser = choice::<Engine>(), conflicts_with = "resume")]
    engine: Option<Engine>,
    /// Several devices that learn together, each on its part of the samples and the first of them
    /// with the optimizer, e.g. `cuda:0,cuda:1`; instead of `--device`.
    #[arg(long, value_name = "DEVICES", value_delimiter = ',')]
    pub(super) devices: Vec<DeviceAddress>,
}

impl LearnerArguments {
    /// The settings of a run in batches of this size.
    pub(super) fn settings(&self, batch_size: usize) -> anyhow::Result<LearnerSettings> {
        let vitals_every = self.vitals_every.filter(|every| *every > 0);
        check_counts([
            ("--checkpoint-every", self.checkpoint_every, MOST_SAMPLES),
            // More than there are get an answer of their own.
            ("--validation-samples", self.validation_samples, usize::MAX),
            ("--accumulate", Some(self.accumulate), MOST_BATCHES),
            ("--vitals-every", vitals_every, MOST_SAMPLES),
        ])
        .map_err(Mistake)?;
        Ok(LearnerSettings {
            checkpoint_every: self.checkpoint_every,
            checkpoints: self.checkpoints,
            keep: Keep::Last,
            validation_samples: self.validation_samples,
            accumulate: self.accumulate,
            devices: self.devices.len().max(1),
            vitals_every: self.vitals_every.unwrap_or(match batch_size {
                1 => LearnerSettings::default().vitals_every,
                size => STEPS_BETWEEN_VITALS * size,
            }),
            engine: self.engine,
        })
    }
}

/// What is done to images before a network sees them.
#[derive(Args, Debug)]
pub(super) struct PreprocessingArguments {
    /// Show pixels with mean 0 and variance 1, channel by channel, instead of from 0 to 1; for
    /// networks with an unconstrained input.
    #[arg(long, conflicts_with = "resume")]
    normalise: bool,
    /// Cut each training image anew, out of one whose border goes on for so many pixels.
    #[arg(
        long,
        value_name = "PIXELS",
        default_value_t = 0,
        conflicts_with = "resume"
    )]
    crop: usize,
    /// Flip each training image, left to right, in one of two times.
    #[arg(long, conflicts_with = "resume")]
    flip: bool,
    /// Turn each training image by at most so many degrees to either side.
    #[arg(
        long,
        value_name = "DEGREES",
        default_value_t = 0,
        conflicts_with = "resume"
    )]
    rotate: u32,
    /// Make each training image larger or smaller by at most so many percent.
    #[arg(
        long,
        value_name = "PERCENT",
        default_value_t = 0,
        conflicts_with = "resume"
    )]
    zoom: u32,
    /// Let the columns of each training image lean by at most so many degrees to either side.
    #[arg(
        long,
        value_name = "DEGREES",
        default_value_t = 0,
        conflicts_with = "resume"
    )]
    shear: u32,
}

impl PreprocessingArguments {
    pub(super) fn settings(&self) -> Preprocessing {
        Preprocessing {
            normalisation: if self.normalise {
                Normalisation::PerChannel
            } else {
                Normalisation::Unit
            },
            crop_padding: self.crop,
            flip: if self.flip {
                Flip::Horizontal
            } else {
                Flip::Never
            },
            affine: Affine {
                rotation: self.rotate,
                zoom: self.zoom,
                shear: self.shear,
            },
        }
    }
}
