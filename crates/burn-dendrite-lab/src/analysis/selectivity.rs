//! To how few patterns a unit answers.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, MeanAndError, Measured, Report, Sheet,
    report::digits,
    sparsity::{silent_rows, vinje_gallant},
};

/// Selectivity of each population's units.
///
/// A unit that answers to one pattern and no other has 1, one that answers to all alike has 0. A unit
/// that never answers has no selectivity of its own; it counts as 0, as in the reference, and the
/// mean over the others is given too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Selectivity {
    /// Every population but the input.
    pub populations: Vec<PopulationSelectivity>,
}

/// Selectivity of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationSelectivity {
    /// The population.
    pub population: String,
    /// Mean over all units.
    pub mean: MeanAndError,
    /// Mean over the units that answer to some pattern.
    pub active: Option<MeanAndError>,
    /// Units that answer to no pattern.
    pub silent: usize,
    /// Selectivity of each unit.
    pub units: Vec<f64>,
}

/// Selectivity of each unit; rows are patterns, columns units.
///
/// ```text
/// S = (1 − ⟨r⟩² / ⟨r²⟩) / (1 − 1/n)        ⟨·⟩ mean over the n patterns
/// ```
///
/// In [0, 1] for activities that are not negative; 0 where the unit never answers. It depends on how
/// many patterns there are: compare at equal numbers only.
///
/// Source: Vinje and Gallant 2000, over patterns instead of units; `compute_selectivity` of EIANN
/// (Galloni et al. 2025).
pub fn selectivity(activity: &DMatrix<f64>) -> Vec<f64> {
    let columns = activity.column_iter();
    columns
        .map(|column| vinje_gallant(column.iter().copied()))
        .collect()
}

impl Measured for Selectivity {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let populations = context.populations().filter_map(|(id, name)| {
            let activity = &context.recording.activity[id];
            let units = selectivity(activity);
            let active: Vec<f64> = (units.iter().enumerate())
                .filter(|(unit, _)| activity.column(*unit).iter().any(|value| *value != 0.0))
                .map(|(_, value)| *value)
                .collect();
            Some(PopulationSelectivity {
                population: name.to_string(),
                mean: MeanAndError::of(&units)?,
                active: MeanAndError::of(&active),
                silent: silent_rows(&activity.transpose()),
                units,
            })
        });
        Some(Self {
            populations: populations.collect(),
        })
    }
}

impl Report for Selectivity {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|it| {
            let active = digits(it.active.map(|active| active.mean));
            [
                Figure::population(&it.population, "selectivity", digits(Some(it.mean.mean))),
                Figure::population(&it.population, "of active units", active),
                Figure::population(&it.population, "silent units", it.silent.to_string()),
            ]
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "unit", "selectivity"]);
        for population in &self.populations {
            for (unit, value) in population.units.iter().enumerate() {
                sheet.push([&population.population, &unit, value]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn selectivity_by_hand() {
        // Columns: one pattern of three; all alike; (1, 2, 0): mean 1, mean square 5/3,
        // (1 - 3/5) / (2/3) = 3/5; never.
        let activity = rows([
            [0.0, 2.0, 1.0, 0.0],
            [4.0, 2.0, 2.0, 0.0],
            [0.0, 2.0, 0.0, 0.0],
        ]);
        for (found, expected) in selectivity(&activity).iter().zip([1.0, 0.0, 0.6, 0.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
        }
    }
}
