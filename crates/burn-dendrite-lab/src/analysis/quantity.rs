//! The numbers of an analysis that can be compared between runs and followed over training.

use serde::{Deserialize, Serialize};

use super::Analysis;

/// A quantity of the analysis that is a single number for each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Angle between the changes of weights by the rule and by backprop, one sample at a time,
    /// in degrees.
    BackpropAngle,
    /// The same for the mean changes over many samples.
    AveragedBackpropAngle,
    /// The same of one projection.
    ProjectionBackpropAngle,
    /// Angle between forward weights and the feedback between the same populations, in degrees.
    FeedbackAngle,
    /// The same of one forward projection.
    ProjectionFeedbackAngle,
    /// Mean |d| of the dendrites of a population.
    DendriticState,
    /// Sparsity of a population, over units.
    Sparsity,
    /// Selectivity of a population, over patterns.
    Selectivity,
    /// Discriminability of the patterns by a population.
    Discriminability,
    /// |Moran's I| of the receptive fields of a population.
    FieldStructure,
    /// Participation ratio of a population.
    ParticipationRatio,
    /// Similarity of the answers of a population to patterns of the same class.
    SimilarityWithin,
    /// The same for patterns of different classes.
    SimilarityBetween,
    /// Relative change of the mean activity of a population in the last step.
    Equilibration,
    /// Normalised entropy of the singular values of a projection.
    SingularValueEntropy,
    /// Mean weight of a projection.
    MeanWeight,
}

/// A quantity of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What is measured.
    pub quantity: Quantity,
    /// The population or projection; empty for the whole network.
    pub of: String,
    /// The value.
    pub value: f64,
}

impl Quantity {
    /// Its name in files, as serde writes it.
    pub fn name(self) -> String {
        let name = serde_json::to_value(self).ok();
        let name = name.as_ref().and_then(|name| name.as_str());
        name.unwrap_or_default().to_owned()
    }

    /// What an axis says, with the unit.
    pub fn label(self) -> &'static str {
        match self {
            Self::BackpropAngle => "angle to backprop, single samples (degrees)",
            Self::AveragedBackpropAngle => "angle to backprop, mean change (degrees)",
            Self::ProjectionBackpropAngle => "angle to backprop (degrees)",
            Self::FeedbackAngle => "angle of W to feedback (degrees)",
            Self::ProjectionFeedbackAngle => "angle of W to feedback (degrees)",
            Self::DendriticState => "mean |d|",
            Self::Sparsity => "sparsity",
            Self::Selectivity => "selectivity",
            Self::Discriminability => "discriminability",
            Self::FieldStructure => "|Moran's I| of receptive fields",
            Self::ParticipationRatio => "participation ratio",
            Self::SimilarityWithin => "similarity within a class",
            Self::SimilarityBetween => "similarity between classes",
            Self::Equilibration => "relative change in the last step",
            Self::SingularValueEntropy => "entropy of singular values",
            Self::MeanWeight => "mean weight",
        }
    }

    /// Whether it is an angle, in degrees.
    pub fn is_angle(self) -> bool {
        matches!(
            self,
            Self::BackpropAngle
                | Self::AveragedBackpropAngle
                | Self::ProjectionBackpropAngle
                | Self::FeedbackAngle
                | Self::ProjectionFeedbackAngle
        )
    }
}

/// The quantities of one run, as far as they are defined.
pub fn measurements(analysis: &Analysis) -> Vec<Measurement> {
    let mut list = List::default();
    if let Some(it) = &analysis.backprop_angle {
        list.add(
            Quantity::BackpropAngle,
            "",
            it.stochastic.map(|angle| angle.mean),
        );
        list.add(Quantity::AveragedBackpropAngle, "", it.averaged);
        for it in &it.projections {
            let quantity = Quantity::ProjectionBackpropAngle;
            list.add(quantity, &it.projection, it.averaged);
        }
    }
    if let Some(it) = &analysis.feedback_alignment {
        list.add(Quantity::FeedbackAngle, "", it.concatenated);
        for it in &it.pairs {
            list.add(Quantity::ProjectionFeedbackAngle, &it.forward, it.degrees);
        }
    }
    for it in analysis
        .dendritic_state
        .iter()
        .flat_map(|it| &it.populations)
    {
        list.add(Quantity::DendriticState, &it.population, Some(it.mean.mean));
    }
    for it in analysis.sparsity.iter().flat_map(|it| &it.populations) {
        list.add(Quantity::Sparsity, &it.population, Some(it.mean.mean));
    }
    for it in analysis.selectivity.iter().flat_map(|it| &it.populations) {
        list.add(Quantity::Selectivity, &it.population, Some(it.mean.mean));
    }
    for it in analysis
        .discriminability
        .iter()
        .flat_map(|it| &it.populations)
    {
        list.add(Quantity::Discriminability, &it.population, Some(it.mean));
    }
    for it in analysis
        .receptive_fields
        .iter()
        .flat_map(|it| &it.populations)
    {
        let structure = it.structure.map(|structure| structure.mean);
        list.add(Quantity::FieldStructure, &it.population, structure);
    }
    for it in analysis
        .dimensionality
        .iter()
        .flat_map(|it| &it.populations)
    {
        list.add(
            Quantity::ParticipationRatio,
            &it.population,
            it.participation_ratio,
        );
    }
    for it in analysis.similarity.iter().flat_map(|it| &it.populations) {
        list.add(
            Quantity::SimilarityWithin,
            &it.population,
            it.patterns.within,
        );
        list.add(
            Quantity::SimilarityBetween,
            &it.population,
            it.patterns.between,
        );
    }
    for it in analysis.equilibration.iter().flat_map(|it| &it.populations) {
        list.add(Quantity::Equilibration, &it.population, it.change);
    }
    for it in analysis
        .singular_values
        .iter()
        .flat_map(|it| &it.projections)
    {
        list.add(Quantity::SingularValueEntropy, &it.projection, it.entropy);
    }
    for it in analysis.weights.iter().flat_map(|it| &it.projections) {
        list.add(Quantity::MeanWeight, &it.name, Some(it.mean));
    }
    list.0
}

#[derive(Default)]
struct List(Vec<Measurement>);

impl List {
    fn add(&mut self, quantity: Quantity, of: &str, value: Option<f64>) {
        let value = value.filter(|value| value.is_finite());
        self.0.extend(value.map(|value| Measurement {
            quantity,
            of: of.to_owned(),
            value,
        }));
    }
}
