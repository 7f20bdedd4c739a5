//! The command that makes a run anew.

use std::path::Path;

use super::{LearnerSettings, RunSettings, kept_start};
use crate::{
    OnDivergence,
    choice::Choice,
    data::{Flip, Normalisation},
    shell,
};

/// The commands that make the run in a folder anew: one, and another for each time that it was made longer.
pub fn commands(settings: &RunSettings, folder: &Path) -> Vec<String> {
    let program = shell::program();
    let spec = shell::path(&folder.join("spec.toml"));
    let mut words = arguments(settings, folder).join(" ");
    let mut commands = Vec::new();
    let lengths = settings.lengthened.iter().skip(1).chain([&settings.epochs]);
    if !settings.lengthened.is_empty() {
        let mut name = folder.file_name().unwrap_or_default().to_owned();
        name.push("-again");
        let again = shell::path(&folder.with_file_name(name));
        words.push_str(&format!(" --out {again}"));
        let longer = |epochs| format!("{program} train --resume {again} --epochs {epochs}");
        commands.extend(lengths.map(longer));
    }
    commands.insert(0, format!("{program} train --spec {spec} {words}"));
    commands
}

/// The arguments of `dendrite train` that ask for the settings with which the run in a folder began.
fn arguments(settings: &RunSettings, folder: &Path) -> Vec<String> {
    let mut words = Words::default();
    let epochs = settings.lengthened.first().unwrap_or(&settings.epochs);
    words.add("dataset", &settings.dataset);
    if let Some(folder) = &settings.data.folder {
        words.push("data-dir", shell::path(folder));
    }
    words.add("samples", &settings.samples);
    words.add("epochs", epochs);
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
        let kept = kept_start(folder);
        words.push(
            "from",
            shell::path(if kept.is_file() { &kept } else { &start.from }),
        );
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

    fn name(&mut self, flag: &str, value: impl Choice) {
        self.push(flag, value.as_str().to_owned());
    }

    fn push(&mut self, flag: &str, word: String) {
        self.0.extend([format!("--{flag}"), word]);
    }
}
