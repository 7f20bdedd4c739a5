//! How few units answer to a pattern.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{Context, Figure, MeanAndError, Measured, Report, Sheet, report::digits};

/// Sparsity of each population.
///
/// A pattern to which one unit answers and no other has 1, one to which all answer alike has 0. A
/// pattern to which nobody answers has no sparsity of its own; it counts as 0, as in the reference,
/// and how many there are is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sparsity {
    /// Every population but the input, if it has more than one unit.
    pub populations: Vec<PopulationSparsity>,
}

/// Sparsity of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationSparsity {
    /// The population.
    pub population: String,
    /// Mean over patterns.
    pub mean: MeanAndError,
    /// Patterns to which no unit answers.
    pub silent: usize,
    /// Sparsity of each pattern.
    pub patterns: Vec<f64>,
}

/// Sparsity of the answers to each pattern; rows are patterns, columns units.
///
/// ```text
/// S = (1 − ⟨r⟩² / ⟨r²⟩) / (1 − 1/n)        ⟨·⟩ mean over the n units
/// ```
///
/// In [0, 1] for activities that are not negative; 0 where no unit answers.
///
/// Source: Vinje and Gallant, *Sparse coding and decorrelation in primary visual cortex during
/// natural vision*, Science 287 (2000); `compute_sparsity` of EIANN (Galloni et al. 2025).
pub fn sparsity(activity: &DMatrix<f64>) -> Vec<f64> {
    let rows = activity.row_iter();
    rows.map(|row| vinje_gallant(row.iter().copied())).collect()
}

/// How unevenly values are spread: 0 where all are equal or all are zero, 1 where one alone is not
/// zero.
pub(super) fn vinje_gallant(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), value| {
        (sum + value, squares + value * value)
    });
    if squares == 0.0 || count < 2.0 {
        return 0.0;
    }
    let evenness = (sum / count).powi(2) / (squares / count);
    (1.0 - evenness) / (1.0 - 1.0 / count)
}

/// How many rows are zero throughout.
pub(super) fn silent_rows(matrix: &DMatrix<f64>) -> usize {
    let rows = matrix.row_iter();
    rows.filter(|row| row.iter().all(|value| *value == 0.0))
        .count()
}

impl Measured for Sparsity {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let populations: Vec<PopulationSparsity> = context
            .populations()
            .filter_map(|(id, name)| {
                let activity = &context.recording.activity[id];
                if activity.ncols() < 2 {
                    return None;
                }
                let patterns = sparsity(activity);
                Some(PopulationSparsity {
                    population: name.to_string(),
                    mean: MeanAndError::of(&patterns)?,
                    silent: silent_rows(activity),
                    patterns,
                })
            })
            .collect();
        (!populations.is_empty()).then_some(Self { populations })
    }
}

impl Report for Sparsity {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|it| {
            let mean = digits(Some(it.mean.mean));
            [
                Figure::population(&it.population, "sparsity", mean),
                Figure::population(&it.population, "silent patterns", it.silent.to_string()),
            ]
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "pattern", "sparsity"]);
        for population in &self.populations {
            for (pattern, value) in population.patterns.iter().enumerate() {
                sheet.push([&population.population, &pattern, value]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn sparsity_by_hand() {
        // (1, 2, 3, 0): mean 1.5, mean square 3.5: (1 - 2.25 / 3.5) / (3 / 4) = 10 / 21.
        let activity = rows([
            [0.0, 0.0, 5.0, 0.0],
            [2.0, 2.0, 2.0, 2.0],
            [1.0, 2.0, 3.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]);
        let found = sparsity(&activity);
        for (found, expected) in found.iter().zip([1.0, 0.0, 10.0 / 21.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
        assert_eq!(silent_rows(&activity), 1);
    }

    #[test]
    fn k_of_n_equal_units() {
        // k of n units with the same activity: (1 - k/n) / (1 - 1/n).
        let mut activity = DMatrix::zeros(1, 50);
        activity.view_mut((0, 0), (1, 10)).fill(0.3);
        let expected = (1.0 - 0.2) / (1.0 - 0.02);
        assert!((sparsity(&activity)[0] - expected).abs() < 1e-12);
    }
}
