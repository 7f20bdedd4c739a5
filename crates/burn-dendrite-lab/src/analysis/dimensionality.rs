//! How many dimensions the answers of a population fill.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Measured, Report, Sheet,
    report::{cell, digits},
};

/// Dimensionality of each population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dimensionality {
    /// Every population but the input.
    pub populations: Vec<PopulationDimensionality>,
}

/// Dimensionality of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationDimensionality {
    /// The population.
    pub population: String,
    /// Number of units: the most that the ratio can be.
    pub units: usize,
    /// Participation ratio; `None` where every pattern is answered alike.
    pub participation_ratio: Option<f64>,
}

/// Participation ratio of the covariance of the columns; rows are patterns, columns units.
///
/// ```text
/// PR = (Σ λ)² / Σ λ² = (tr C)² / tr(C²)        λ eigenvalues of C = Xᵀ X, X with centred columns
/// ```
///
/// From 1, where all answers lie on a line, to the number of units, where they spread alike into all
/// directions; never more than the number of patterns less 1. `None` where nothing varies. No
/// eigenvalue is computed: both traces are sums over elements.
///
/// Source: Gao et al., *A theory of multineuronal dimensionality, dynamics and measurement* (2017);
/// `compute_dimensionality_from_activity` of EIANN (Galloni et al. 2025).
pub fn participation_ratio(activity: &DMatrix<f64>) -> Option<f64> {
    if activity.nrows() == 0 {
        return None;
    }
    let mut centred = activity.clone();
    for mut column in centred.column_iter_mut() {
        let mean = column.mean();
        column.add_scalar_mut(-mean);
    }
    // XᵀX and XXᵀ have the same eigenvalues but for zeros: the smaller one is enough.
    let covariance = if centred.nrows() < centred.ncols() {
        &centred * centred.transpose()
    } else {
        centred.transpose() * &centred
    };
    let squares = covariance.norm_squared();
    (squares > 0.0).then(|| covariance.trace().powi(2) / squares)
}

impl Measured for Dimensionality {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let populations = context.populations().map(|(id, name)| {
            let activity = &context.recording.activity[id];
            PopulationDimensionality {
                population: name.to_string(),
                units: activity.ncols(),
                participation_ratio: participation_ratio(activity),
            }
        });
        Some(Self {
            populations: populations.collect(),
        })
    }
}

impl Report for Dimensionality {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|it| {
            let ratio = digits(it.participation_ratio);
            [
                Figure::population(&it.population, "units", it.units.to_string()),
                Figure::population(&it.population, "participation ratio", ratio),
            ]
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "units", "participation_ratio"]);
        for it in &self.populations {
            sheet.push([&it.population, &it.units, &cell(it.participation_ratio)]);
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    fn close(activity: &DMatrix<f64>, expected: f64) {
        let found = participation_ratio(activity).unwrap();
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }

    #[test]
    fn ratios_of_known_spectra() {
        // On a line; alike in two directions; eigenvalues 8 and 2: 100 / 68.
        close(&rows([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]), 1.0);
        close(
            &rows([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]),
            2.0,
        );
        close(
            &rows([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]]),
            100.0 / 68.0,
        );
    }

    #[test]
    fn a_shift_of_all_answers_changes_nothing() {
        close(
            &rows([[7.0, 5.0], [3.0, 5.0], [5.0, 6.0], [5.0, 4.0]]),
            100.0 / 68.0,
        );
    }

    #[test]
    fn fewer_patterns_than_units() {
        // Three patterns, each in a direction of its own: centred, two equal eigenvalues are left.
        close(&DMatrix::identity(3, 5), 2.0);
    }

    #[test]
    fn nothing_that_varies_has_no_dimensionality() {
        assert_eq!(participation_ratio(&rows([[1.0, 2.0], [1.0, 2.0]])), None);
    }
}
