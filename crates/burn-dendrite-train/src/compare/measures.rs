//! The metrics of trained networks, averaged over seeds.

use serde::{Deserialize, Serialize};

use crate::{analysis::Analysis, study::Estimate};

/// A quantity of the analysis that is a single number for each run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Angle between the changes of weights by the rule and by backprop, one sample at a time,
    /// in degrees.
    BackpropAngle,
    /// The same for the mean changes over many samples.
    AveragedBackpropAngle,
    /// Angle between forward weights and the feedback between the same populations, in degrees.
    FeedbackAngle,
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

/// A quantity of one network, over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What is measured.
    pub quantity: Quantity,
    /// The population or projection; empty for the whole network.
    pub of: String,
    /// Mean and standard error over the seeds where it is defined.
    pub value: Estimate,
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
    }
    if let Some(it) = &analysis.feedback_alignment {
        list.add(Quantity::FeedbackAngle, "", it.concatenated);
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

/// Means over runs, in the order in which the first run has them.
pub fn measures<'a>(runs: impl IntoIterator<Item = &'a [Measurement]>) -> Vec<Measure> {
    let mut groups: Vec<(Quantity, &str, Vec<f64>)> = Vec::new();
    for it in runs.into_iter().flatten() {
        let same = |(quantity, of, _): &&mut (Quantity, &str, Vec<f64>)| {
            (*quantity, *of) == (it.quantity, it.of.as_str())
        };
        match groups.iter_mut().find(same) {
            Some((.., values)) => values.push(it.value),
            None => groups.push((it.quantity, &it.of, vec![it.value])),
        }
    }
    let measure = |(quantity, of, values): (Quantity, &str, Vec<f64>)| {
        Estimate::of(&values).map(|value| Measure {
            quantity,
            of: of.to_owned(),
            value,
        })
    };
    groups.into_iter().filter_map(measure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_quantity_of_the_same_population_is_averaged() {
        let one = |of: &str, value| Measurement {
            quantity: Quantity::Sparsity,
            of: of.to_owned(),
            value,
        };
        let first = [one("H1.E", 0.2), one("H2.E", 0.5)];
        let second = [one("H2.E", 0.7), one("H1.E", 0.4)];
        let third = [one("H1.E", 0.6)];
        let means = measures([&first[..], &second[..], &third[..]]);
        let [h1, h2] = &means[..] else {
            panic!("{means:?}")
        };
        assert_eq!((h1.of.as_str(), h1.value.count), ("H1.E", 3));
        // Deviations 0.2, 0, 0.2: variance 0.04, SEM 0.2 / sqrt(3).
        assert!((h1.value.mean - 0.4).abs() < 1e-12);
        assert!((h1.value.sem.unwrap() - 0.2 / 3.0_f64.sqrt()).abs() < 1e-12);
        assert!((h2.value.mean - 0.6).abs() < 1e-12);
    }
}
