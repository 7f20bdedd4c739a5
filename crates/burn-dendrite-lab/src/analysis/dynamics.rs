//! The course of the activity while the network settles.

use serde::{Deserialize, Serialize};

use super::{Context, Figure, Measured, Report, Sheet, report::digits};

/// Mean activity over units and samples in each step of the forward phase.
///
/// ```text
/// m_t = ⟨ r_t ⟩
/// ```
///
/// Source: activity dynamics of Galloni et al. 2025.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dynamics {
    /// Every population but the input.
    pub populations: Vec<PopulationDynamics>,
}

/// The course of one population's activity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationDynamics {
    /// The population.
    pub population: String,
    /// Mean activity after each step, from the first.
    pub activity: Vec<f64>,
}

impl Measured for Dynamics {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let populations = context.populations().map(|(id, name)| PopulationDynamics {
            population: name.to_string(),
            activity: context.recording.dynamics[id].clone(),
        });
        Some(Self {
            populations: populations.collect(),
        })
    }
}

impl Report for Dynamics {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().map(|it| {
            let last = digits(it.activity.last().copied());
            Figure::population(&it.population, "mean activity", last)
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "step", "mean_activity"]);
        for population in &self.populations {
            for (step, activity) in population.activity.iter().enumerate() {
                sheet.push([&population.population, &(step + 1), activity]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn_dendrite_nn::{NetworkSpec, PopulationId, perturb::Conditions};

    use super::super::Recording;
    use burn_dendrite_train::data::SampleSet;

    #[test]
    fn a_hand_calculated_course() {
        let network = r#"
            tau = 2.0
            steps = 3
            population = [
                { name = "Input.E", size = 1, cell = "excitatory" },
                { name = "H.E", size = 1, cell = "excitatory" },
                { name = "H.I", size = 1, cell = "inhibitory", tau = 1.0 },
            ]
            projection = [
                { name = "H.E<-Input.E", weight = { kind = "constant", value = 2.0 } },
                { name = "H.E<-H.I", timing = "previous", weight = { kind = "constant", value = -1.0 } },
                { name = "H.I<-H.E", weight = { kind = "constant", value = 0.5 } },
            ]
        "#;
        let spec: NetworkSpec = toml::from_str(network).unwrap();
        let network = spec.init(0, &Device::flex()).unwrap();
        // Input 3: drive 6 - I; s1 = 3, I1 = 1.5; s2 = 3.75, I2 = 1.875; s3 = 3.9375, I3 = 1.96875.
        // Input 1 is a third of it, as nothing is below threshold: the mean is two thirds.
        let samples = SampleSet::vectors(vec![3.0, 1.0], vec![0, 0], 1, 1).unwrap();
        let recording = Recording::new(&network, &Conditions::default(), &samples);
        let close = |found: &[f64], expected: [f64; 3]| {
            for (found, expected) in found.iter().zip(expected) {
                assert!(
                    (found - expected * 2.0 / 3.0).abs() < 1e-6,
                    "{found}, {expected}"
                );
            }
        };
        close(&recording.dynamics[PopulationId(1)], [3.0, 3.75, 3.9375]);
        close(&recording.dynamics[PopulationId(2)], [1.5, 1.875, 1.96875]);
        assert!((recording.activity[PopulationId(1)][(1, 0)] - 1.3125).abs() < 1e-6);
    }
}
