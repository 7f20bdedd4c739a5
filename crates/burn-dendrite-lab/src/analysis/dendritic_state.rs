//! How much input is left at the dendrites.

use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, MeanAndError, Measured, Report, Sheet,
    context::{dendritic_states, mean_absolute},
    report::digits,
    statistics::mean,
};

/// The mean size of the dendritic state at the end of the forward phase.
///
/// ```text
/// d = Σ W·r        over the projections onto the dendrite, not clamped
/// mean |d|         over units and samples
/// ```
///
/// In units of the drive of a soma, `[0, ∞)`. It tends to 0 where dendritic inhibition learns to
/// cancel the top-down input that comes without an error.
///
/// Source: dendritic state of Galloni et al. 2025.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DendriticState {
    /// Samples of one bin.
    pub bin: usize,
    /// Every population with a dendrite.
    pub populations: Vec<PopulationDendrite>,
}

/// The dendritic state of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationDendrite {
    /// The population.
    pub population: String,
    /// Mean |d| over units and samples; the error is that over samples.
    pub mean: MeanAndError,
    /// Mean |d| of each bin of consecutive samples; the last may be a part of one.
    pub bins: Vec<f64>,
    /// Mean |d| on the same samples at each moment of the history, as far as it is known.
    pub course: Vec<DendriteMoment>,
}

/// The dendritic state at one moment of the history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DendriteMoment {
    /// Training samples seen until then.
    pub samples: usize,
    /// Mean |d| over units and samples.
    pub mean: f64,
}

/// Samples of one bin, as in the paper.
const BIN: usize = 100;

/// Means of consecutive values, `bin` at a time; the last may be a part of one.
///
/// # Panics
///
/// If `bin` is 0.
pub fn binned(values: &[f64], bin: usize) -> Vec<f64> {
    values.chunks(bin).filter_map(mean).collect()
}

impl Measured for DendriticState {
    const COST: u64 = 5;

    fn measure(context: &Context<'_>) -> Option<Self> {
        let plan = context.network.plan();
        let mut populations: Vec<(_, PopulationDendrite)> = context
            .populations()
            .filter_map(|(id, name)| {
                let values = mean_absolute(context.recording.dendrite[id].as_ref()?);
                let population = PopulationDendrite {
                    population: name.to_string(),
                    mean: MeanAndError::of(&values)?,
                    bins: binned(&values, BIN),
                    course: Vec::new(),
                };
                Some((id, population))
            })
            .collect();
        if populations.is_empty() {
            return None;
        }
        for moment in context.subject.history {
            debug_assert_eq!(moment.network.plan(), plan, "a history of the same network");
            let states = dendritic_states(
                &moment.network,
                &context.subject.conditions,
                context.samples,
            );
            for ((id, population), (of, values)) in populations.iter_mut().zip(states) {
                debug_assert_eq!(*id, of, "the same populations");
                population
                    .course
                    .extend(mean(&values).map(|mean| DendriteMoment {
                        samples: moment.samples,
                        mean,
                    }));
            }
        }
        Some(Self {
            bin: BIN,
            populations: populations.into_iter().map(|(_, it)| it).collect(),
        })
    }
}

impl Report for DendriticState {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|population| {
            let name = &population.population;
            let start = population
                .course
                .first()
                .filter(|moment| moment.samples == 0);
            let start = start.map(|moment| {
                Figure::population(name, "mean |d| at the start", digits(Some(moment.mean)))
            });
            let now = digits(Some(population.mean.mean));
            [Some(Figure::population(name, "mean |d|", now)), start]
        });
        figures.flatten().collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "moment", "number", "mean_absolute_state"]);
        for population in &self.populations {
            let name = &population.population;
            for moment in &population.course {
                sheet.push([name, &"training samples", &moment.samples, &moment.mean]);
            }
            for (bin, mean) in population.bins.iter().enumerate() {
                sheet.push([name, &"bin", &bin, mean]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn bins_by_hand() {
        assert_eq!(binned(&[1.0, 3.0, 5.0, 7.0, 10.0], 2), [2.0, 6.0, 10.0]);
        let states = rows([[-1.0, 3.0], [0.5, 0.0]]);
        assert_eq!(mean_absolute(&states), [2.0, 0.25]);
    }
}
