//! How large a network is.

use burn_dendrite_nn::{Parameter, Plan, PopulationId, ProjectionId};
use burn_dendrite_optim::{Learning, Target};
use serde::{Deserialize, Serialize};

use super::{Context, Figure, Measured, Report, Sheet};

/// Numbers of weights and biases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterCount {
    /// All that the network owns; weights that are tied to others count once, at their owner.
    pub total: usize,
    /// Those that learn.
    pub learned: usize,
    /// Those that stay as they were drawn.
    pub fixed: usize,
    /// Projection by projection, then bias by bias.
    pub parts: Vec<ParameterPart>,
}

/// Weights of one projection, or the bias of one population.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParameterPart {
    /// `post<-pre`, or `post<-bias`.
    pub name: String,
    /// Number of parameters.
    pub count: usize,
    /// Whether they learn.
    pub learned: bool,
}

/// Counts the weights and biases of a network.
pub fn parameter_count(learning: &Learning, plan: &Plan) -> ParameterCount {
    let learned: Vec<Parameter> = learning.learned().collect();
    let weights = (plan.projections.iter().enumerate())
        .filter(|(_, projection)| projection.is_owned())
        .map(|(index, projection)| ParameterPart {
            name: projection.name.to_string(),
            count: projection.weights(),
            learned: learned.contains(&Parameter::Weight(ProjectionId(index))),
        });
    let biases = (plan.populations.iter())
        .filter(|(_, population)| population.bias.is_some())
        .map(|(PopulationId(index), population)| ParameterPart {
            name: Target::Bias(population.name.clone()).to_string(),
            count: population.biases(),
            learned: learned.contains(&Parameter::Bias(PopulationId(index))),
        });
    let parts: Vec<ParameterPart> = weights.chain(biases).collect();
    let sum = |learned: bool| {
        let parts = parts.iter().filter(|part| part.learned == learned);
        parts.map(|part| part.count).sum::<usize>()
    };
    let (learned, fixed) = (sum(true), sum(false));
    ParameterCount {
        total: learned + fixed,
        learned,
        fixed,
        parts,
    }
}

impl Measured for ParameterCount {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let plan = context.network.plan();
        Some(parameter_count(context.subject.learning, plan))
    }
}

impl Report for ParameterCount {
    fn figures(&self) -> Vec<Figure> {
        let figure = |quantity, count: usize| Figure::network(quantity, count.to_string());
        vec![
            figure("parameters", self.total),
            figure("learned parameters", self.learned),
        ]
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["parameter", "count", "learned"]);
        for part in &self.parts {
            sheet.push([&part.name, &part.count, &part.learned]);
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::presets;

    #[test]
    fn the_spirals_network_by_hand() {
        // Feed-forward 2-128-32-4: 256 + 4,096 + 128 learned, biases 128 + 32 + 4 learned.
        let (plan, learning) = presets::load("spirals-dtp").unwrap().check().unwrap();
        let counted = parameter_count(&learning, &plan);
        assert_eq!(counted.total, plan.parameters());
        assert_eq!(counted.total, counted.learned + counted.fixed);
        let dend_i = [128 * 54, 54 * 128, 54 * 54, 32 * 13, 13 * 32, 13 * 13];
        let learned = 256 + 4096 + 128 + 164 + dend_i.iter().sum::<usize>();
        assert_eq!(counted.learned, learned);
        let part = |name: &str| counted.parts.iter().find(|part| part.name == name);
        assert!(part("H1.E<-bias").unwrap().learned);
        assert!(!part("H1.SomaI<-Input.E").unwrap().learned);
        assert_eq!(part("H1.E<-H2.E"), None);
    }
}
