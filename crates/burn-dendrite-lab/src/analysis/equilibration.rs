//! Whether the activity has come to rest.

use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Measured, Report, Sheet,
    report::{cell, percent},
};

/// How far each population is from rest at the end of the forward phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equilibration {
    /// Every population but the input.
    pub populations: Vec<PopulationEquilibration>,
}

/// How far one population is from rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationEquilibration {
    /// The population.
    pub population: String,
    /// Relative change of its mean activity in the last step; `None` where it is silent, or where
    /// there is one step only.
    pub change: Option<f64>,
}

/// The relative change of a mean activity over the last two steps.
///
/// ```text
/// change = |m_T − m_(T−1)| / ((m_T + m_(T−1)) / 2)
/// ```
///
/// `None` where there are fewer than two steps, or the mean of the two is not positive.
///
/// Source: `check_equilibration_dynamics` of EIANN (Galloni et al. 2025).
pub fn relative_change(dynamics: &[f64]) -> Option<f64> {
    let [.., before, last] = dynamics else {
        return None;
    };
    let mean = (before + last) / 2.0;
    (mean > 0.0).then(|| (last - before).abs() / mean)
}

impl Measured for Equilibration {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let populations = context
            .populations()
            .map(|(id, name)| PopulationEquilibration {
                population: name.to_string(),
                change: relative_change(&context.recording.dynamics[id]),
            });
        Some(Self {
            populations: populations.collect(),
        })
    }
}

impl Report for Equilibration {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter();
        figures
            .map(|it| Figure::population(&it.population, "last step changes", percent(it.change)))
            .collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "relative_change"]);
        for population in &self.populations {
            sheet.push([&population.population, &cell(population.change)]);
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_by_hand() {
        assert_eq!(relative_change(&[9.0, 3.0, 1.0]), Some(1.0));
        assert_eq!(relative_change(&[1.0, 3.0]), Some(1.0));
        assert_eq!(relative_change(&[5.0, 2.0, 2.0]), Some(0.0));
        assert_eq!(relative_change(&[0.0, 0.0]), None);
        assert_eq!(relative_change(&[1.0]), None);
    }
}
