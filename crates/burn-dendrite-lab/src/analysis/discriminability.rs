//! How differently a population answers to different patterns.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Histogram, Measured, Report, Sheet, report::digits,
    similarity::cosine_similarity, statistics::mean,
};

/// Discriminability of each population: over pairs of patterns, how far its answers point in
/// different directions.
///
/// A pattern to which nobody answers cannot be told from any other: its pairs have 0, as in the
/// reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Discriminability {
    /// Every population but the input.
    pub populations: Vec<PopulationDiscriminability>,
}

/// Discriminability of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationDiscriminability {
    /// The population.
    pub population: String,
    /// Mean over all pairs.
    pub mean: f64,
    /// Mean over pairs of the same class.
    pub within: Option<f64>,
    /// Mean over pairs of different classes.
    pub between: Option<f64>,
    /// All pairs.
    pub histogram: Histogram,
}

/// Discriminability of each pair of patterns `(i, j)` with `j < i`, in the order of `i`, then `j`; rows
/// are patterns, columns units.
///
/// ```text
/// D_ij = 1 − x_i·x_j / (|x_i| |x_j|)
/// ```
///
/// In [0, 1] for activities that are not negative; 0 where one of the two patterns is silent.
///
/// Source: `compute_discriminability` of EIANN (Galloni et al. 2025).
pub fn discriminability(activity: &DMatrix<f64>) -> Vec<f64> {
    let similarity = cosine_similarity(activity);
    let silent: Vec<bool> = (activity.row_iter())
        .map(|row| row.iter().all(|value| *value == 0.0))
        .collect();
    pairs(activity.nrows())
        .map(|(i, j)| {
            if silent[i] || silent[j] {
                0.0
            } else {
                1.0 - similarity[(i, j)]
            }
        })
        .collect()
}

/// The pairs `(i, j)` with `j < i < count`.
fn pairs(count: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..count).flat_map(|i| (0..i).map(move |j| (i, j)))
}

impl Measured for Discriminability {
    const COST: u64 = 2;

    fn measure(context: &Context<'_>) -> Option<Self> {
        const BINS: usize = 20;
        let labels = &context.recording.labels;
        let populations = context.populations().filter_map(|(id, name)| {
            let values = discriminability(&context.recording.activity[id]);
            let of = |same: bool| {
                let pairs = pairs(labels.len()).zip(&values);
                let kept: Vec<f64> = pairs
                    .filter(|((i, j), _)| (labels[*i] == labels[*j]) == same)
                    .map(|(_, value)| *value)
                    .collect();
                mean(&kept)
            };
            Some(PopulationDiscriminability {
                population: name.to_string(),
                mean: mean(&values)?,
                within: of(true),
                between: of(false),
                histogram: Histogram::new(values.iter().copied(), [0.0, 1.0], BINS),
            })
        });
        Some(Self {
            populations: populations.collect(),
        })
    }
}

impl Report for Discriminability {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|it| {
            [
                ("discriminability", Some(it.mean)),
                ("within classes", it.within),
                ("between classes", it.between),
            ]
            .map(|(quantity, value)| Figure::population(&it.population, quantity, digits(value)))
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "from", "to", "pairs"]);
        for population in &self.populations {
            let Histogram { edges, counts } = &population.histogram;
            for (limits, count) in edges.windows(2).zip(counts) {
                sheet.push([&population.population, &limits[0], &limits[1], count]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn pairs_by_hand() {
        // (1, 0), (1, 1), (0, 2), silent: pairs in the order 10, 20, 21, 30, 31, 32.
        let activity = rows([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0], [0.0, 0.0]]);
        let diagonal = 1.0 - 0.5_f64.sqrt();
        let expected = [diagonal, 1.0, diagonal, 0.0, 0.0, 0.0];
        let found = discriminability(&activity);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
    }
}
