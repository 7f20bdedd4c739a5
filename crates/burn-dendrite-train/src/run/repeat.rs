//! The command that makes a run anew.

use clap::ValueEnum;

use super::{LearnerSettings, RunSettings};
use crate::{
    OnDivergence,
    data::{Flip, Normalisation},
    shell,
};

/// The arguments of `dendrite train` that ask for these settings, words of a shell; the specification and
/// the folder of the run are to be named before them.
pub fn arguments(settings: &RunSettings) -> Vec<String> {
    let mut words = Words::default();
    words.add("dataset", &settings.dataset);
    if let Some(folder) = &settings.data.folder {
        words.push("data-dir", shell::path(folder));
    }
    words.add("samples", &settings.samples);
    words.add("epochs", &settings.epochs);
    words.add("batch-size", &settings.batch_size);
    words.add("seed", &settings.seed);
    words.add("validate-every", &settings.validate_every);
    if let Some(patience) = settings.patience {
        words.add("patience", &patience);
    }
    if settings.on_divergence != OnDivergence::default() {
        words.name("on-divergence", settings.on_divergence);
    }
    learner(&settings.learner, &mut words);
    preprocessing(settings, &mut words);
    for perturbation in &settings.perturb {
        words.add("perturb", perturbation);
    }
    for probe in &settings.probe {
        words.add("probe", probe);
    }
    if let Some(start) = &settings.start {
        words.push("from", shell::path(&start.from));
        for pattern in &start.only {
            words.add("from-only", pattern);
        }
    }
    words.0
}

fn learner(learner: &LearnerSettings, words: &mut Words) {
    let usual = LearnerSettings::default();
    if let Some(samples) = learner.checkpoint_every {
        words.add("checkpoint-every", &samples);
    }
    if learner.checkpoints != usual.checkpoints {
        words.name("checkpoints", learner.checkpoints);
    }
    words.name("keep", learner.keep);
    if let Some(samples) = learner.validation_samples {
        words.add("validation-samples", &samples);
    }
    if learner.accumulate != usual.accumulate {
        words.add("accumulate", &learner.accumulate);
    }
    // What it is unless given depends on the batches.
    words.add("vitals-every", &learner.vitals_every);
    if let Some(engine) = learner.engine {
        words.name("engine", engine);
    }
}

fn preprocessing(settings: &RunSettings, words: &mut Words) {
    let preprocessing = &settings.preprocessing;
    if preprocessing.normalisation == Normalisation::PerChannel {
        words.0.push("--normalise".to_owned());
    }
    if preprocessing.flip == Flip::Horizontal {
        words.0.push("--flip".to_owned());
    }
    let affine = preprocessing.affine;
    for (flag, value) in [
        ("crop", preprocessing.crop_padding),
        ("rotate", affine.rotation as usize),
        ("zoom", affine.zoom as usize),
        ("shear", affine.shear as usize),
    ] {
        if value > 0 {
            words.add(flag, &value);
        }
    }
}

#[derive(Default)]
struct Words(Vec<String>);

impl Words {
    fn add(&mut self, flag: &str, value: &impl ToString) {
        self.push(flag, shell::word(&value.to_string()));
    }

    fn name(&mut self, flag: &str, value: impl ValueEnum) {
        if let Some(name) = value.to_possible_value() {
            self.push(flag, name.get_name().to_owned());
        }
    }

    fn push(&mut self, flag: &str, word: String) {
        self.0.extend([format!("--{flag}"), word]);
    }
}
