//! How weights are distributed.

use std::collections::BTreeMap;

use burn_dendrite_nn::{Network, ProjectionId};
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Histogram, Measured, Report, Sheet,
    context::owned_projections,
    report::{digits, percent},
    statistics::mean,
};

/// Distributions of the weights, projection by projection and by the types of the two cells.
///
/// Synapses that do not exist, because of a receptive field or beyond the border of a map, are left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weights {
    /// Every projection that owns its weights, in the listed order; named `post<-pre`.
    pub projections: Vec<WeightDistribution>,
    /// All projections between the same types of cells together; named `post<-pre` by the
    /// population's part of the name, such as `E<-SomaI`.
    pub cell_types: Vec<WeightDistribution>,
}

/// The distribution of some weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightDistribution {
    /// What they belong to.
    pub name: String,
    /// Number of weights.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n in the denominator.
    pub standard_deviation: f64,
    /// The lowest.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
    /// The share that is exactly 0.
    pub zero: f64,
    /// All of them, between the lowest and the highest.
    pub histogram: Histogram,
}

/// Describes some weights; `None` where there are none.
///
/// ```text
/// mean = (1/n) Σ w        standard deviation = sqrt( (1/n) Σ (w − mean)² )
/// ```
///
/// # Panics
///
/// If there are no bins.
pub fn distribution(name: &str, weights: &[f64], bins: usize) -> Option<WeightDistribution> {
    let average = mean(weights)?;
    let count = weights.len();
    let squares: f64 = weights
        .iter()
        .map(|weight| (weight - average).powi(2))
        .sum();
    let zeros = weights.iter().filter(|weight| **weight == 0.0).count();
    let lowest = weights.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Some(WeightDistribution {
        name: name.to_owned(),
        count,
        mean: average,
        standard_deviation: (squares / count as f64).sqrt(),
        lowest,
        highest,
        zero: zeros as f64 / count as f64,
        histogram: Histogram::new(weights.iter().copied(), [lowest, highest], bins),
    })
}

/// The weights of the synapses that exist.
fn existing(network: &Network, id: ProjectionId) -> Vec<f64> {
    let weights = network.weight(id).into_data();
    let weights = weights.iter::<f64>();
    match network.existing(id) {
        None => weights.collect(),
        Some(exists) => weights
            .zip(exists)
            .filter_map(|(weight, exists)| exists.then_some(weight))
            .collect(),
    }
}

impl Weights {
    /// Describes the weights of a network.
    pub fn of(network: &Network) -> Self {
        const BINS: usize = 40;
        let mut by_type: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        let mut projections = Vec::new();
        for id in owned_projections(network) {
            let name = &network.plan().projection(id).name;
            let weights = existing(network, id);
            projections.extend(distribution(&name.to_string(), &weights, BINS));
            let types = format!("{}<-{}", name.post.population(), name.pre.population());
            by_type.entry(types).or_default().extend(weights);
        }
        let cell_types = by_type.iter();
        Self {
            projections,
            cell_types: cell_types
                .filter_map(|(name, weights)| distribution(name, weights, BINS))
                .collect(),
        }
    }
}

impl Measured for Weights {
    const COST: u64 = 3;

    fn measure(context: &Context<'_>) -> Option<Self> {
        Some(Self::of(context.network))
    }
}

impl Report for Weights {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.cell_types.iter().flat_map(|it| {
            let deviation = digits(Some(it.standard_deviation));
            [
                Figure::cell_types(&it.name, "mean weight", digits(Some(it.mean))),
                Figure::cell_types(&it.name, "standard deviation", deviation),
                Figure::cell_types(&it.name, "exactly 0", percent(Some(it.zero))),
            ]
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["of", "from", "to", "weights"]);
        for distribution in self.cell_types.iter().chain(&self.projections) {
            let Histogram { edges, counts } = &distribution.histogram;
            for (limits, count) in edges.windows(2).zip(counts) {
                sheet.push([&distribution.name, &limits[0], &limits[1], count]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_by_hand() {
        let found = distribution("some", &[0.0, -1.0, 0.0, -3.0], 3).unwrap();
        assert_eq!((found.count, found.mean), (4, -1.0));
        // Deviations 1, 0, 1, -2: sqrt(6 / 4).
        assert!((found.standard_deviation - 1.5_f64.sqrt()).abs() < 1e-12);
        assert_eq!((found.lowest, found.highest, found.zero), (-3.0, 0.0, 0.5));
        assert_eq!(found.histogram.counts, [1, 0, 3]);
        assert_eq!(distribution("none", &[], 3), None);
    }
}
