//! The report on a single run.

use std::path::{Path, PathBuf};

use burn_dendrite_train::{
    Confusion, Divergence, Evaluation, ExperimentSpec, SavedWeights,
    data::SampleSet,
    run::{self, RunError, RunSettings, SegmentRecord, Summary, write_atomically},
};

use super::{
    ReportError,
    mistakes::{Mistake, mistakes},
    run_figures, run_page,
};
use crate::analysis::Analysis;

/// What is known of a run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Its folder.
    pub folder: PathBuf,
    /// What it was asked to do.
    pub settings: RunSettings,
    /// The network and how it learns.
    pub spec: ExperimentSpec,
    /// Which of its weights everything is about.
    pub weights: SavedWeights,
    /// Its result, if it came to its end.
    pub summary: Option<Summary>,
    /// Where its activity ran away, if it did.
    pub divergence: Option<Divergence>,
    /// Its metrics over training.
    pub records: Vec<SegmentRecord>,
    /// How well each class is recognised, as far as that is known.
    pub tested: Option<Tested>,
    /// What the network has become, if that was measured.
    pub analyzed: Option<Analyzed>,
    /// What is missing and why, a sentence each.
    pub notes: Vec<String>,
    /// Layers and populations, which the names of metrics end in.
    pub(super) places: Vec<String>,
}

/// How well each class is recognised.
#[derive(Clone, Debug)]
pub struct Tested {
    /// On what it was measured, e.g. `10000 test samples of mnist`.
    pub(super) on: String,
    pub(super) confusion: Confusion,
    pub(super) names: Vec<String>,
    /// Images that were taken for another class; nothing where the images were not at hand.
    pub(super) mistakes: Option<Vec<Mistake>>,
}

/// What a network has become.
#[derive(Clone, Debug)]
pub struct Analyzed {
    /// On what it was measured, e.g. `300 test samples of mnist`.
    pub on: String,
    /// What was found.
    pub analysis: Analysis,
}

/// Misclassified images that are shown.
const MISTAKES: usize = 40;

impl Tested {
    /// What an evaluation on a set found.
    ///
    /// # Errors
    ///
    /// If an image cannot be encoded.
    pub fn new(on: String, evaluation: &Evaluation, set: &SampleSet) -> Result<Self, ReportError> {
        Ok(Self {
            on,
            confusion: evaluation.confusion.clone(),
            names: (0..set.classes()).map(|it| set.class_name(it)).collect(),
            mistakes: Some(mistakes(set, &evaluation.taken_for, MISTAKES)?),
        })
    }

    /// What a run itself found at its end.
    pub fn kept(summary: &Summary) -> Option<Self> {
        let confusion = summary.test_confusion.clone()?;
        let classes = summary.test_classes.iter();
        Some(Self {
            on: format!("the test samples of {}", summary.dataset),
            names: classes.map(|it| it.class.clone()).collect(),
            confusion,
            mistakes: None,
        })
    }
}

impl RunReport {
    /// What a run folder tells without its data.
    ///
    /// # Errors
    ///
    /// If the folder holds no run, or a file of it cannot be understood.
    pub fn open(folder: &Path, weights: SavedWeights) -> Result<Self, RunError> {
        let (settings, spec) = run::load(folder)?;
        let (plan, _) = spec.check()?;
        let names = plan
            .populations
            .iter()
            .map(|(_, population)| &population.name);
        let places = names.flat_map(|name| [name.layer().to_string(), name.to_string()]);
        let summary = run::summary(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            settings,
            spec,
            weights,
            divergence: run::divergence(folder)?,
            records: run::records(folder)?,
            tested: summary.as_ref().and_then(Tested::kept),
            summary,
            analyzed: None,
            notes: Vec::new(),
            places: places.collect(),
        })
    }

    /// Writes the page.
    ///
    /// # Errors
    ///
    /// If a figure cannot be drawn or the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<(), ReportError> {
        let sections = run_figures::sections(self)?;
        let page = run_page::page(self, &sections)?;
        Ok(write_atomically(file, page.into_string().as_bytes())?)
    }
}
