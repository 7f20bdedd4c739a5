//! The same network learning by backprop.

use burn_dendrite_nn::{
    Activation, CellType, Compartment, Parameter, Plan, PopulationId, ProjectionId,
};
use burn_dendrite_optim::{Learning, LearningSpec, Loss, Plasticity, RuleSpec, Target};

/// Steps that backprop goes through: as many as in the published networks that learn by it.
pub const TRACKED_STEPS: usize = 3;

/// Learning by backprop on the projections of [`compared_projections`], and on nothing else.
///
/// Backprop goes through the last [`TRACKED_STEPS`] steps of the forward phase (all of them, if
/// there are fewer), and every learning rate is 1: a direction does not depend on it.
///
/// `None` where no such projection is learned.
///
/// Source: the angle to backprop of Galloni et al. 2025, where a network of the kind
/// `mnist-backprop-ei` stands in for the network that is compared.
pub fn backprop_twin(learning: &Learning, plan: &Plan) -> Option<Learning> {
    let rules: Vec<Plasticity> = compared_projections(learning, plan)
        .into_iter()
        .map(|id| Plasticity {
            on: Target::Weight(plan.projection(id).name.clone()),
            learning_rate: 1.0,
            rule: RuleSpec::Backprop,
        })
        .collect();
    if rules.is_empty() {
        return None;
    }
    let twin = LearningSpec {
        nudge: None,
        tracked_steps: Some(TRACKED_STEPS.min(plan.steps)),
        loss: match plan.populations[plan.output].activation {
            Activation::Softmax => Loss::CrossEntropy,
            _ => Loss::Squared,
        },
        rules,
    };
    // Somatic projections of a checked network are all that backprop asks for.
    twin.check(plan).ok()
}

/// The projections whose changes are compared with those of backprop, in the listed order: learned,
/// feed-forward, from excitatory onto the soma of excitatory cells.
///
/// The cells of a network without cell types count as excitatory.
pub fn compared_projections(learning: &Learning, plan: &Plan) -> Vec<ProjectionId> {
    let mut compared: Vec<ProjectionId> = learning
        .learned()
        .filter_map(|parameter| match parameter {
            Parameter::Weight(id) => Some(id),
            Parameter::Bias(_) => None,
        })
        .filter(|&id| is_feed_forward(plan, id))
        .collect();
    compared.sort_unstable();
    compared
}

fn is_feed_forward(plan: &Plan, id: ProjectionId) -> bool {
    let projection = plan.projection(id);
    projection.compartment == Compartment::Soma
        && projection.active.forward()
        && is_excitatory(plan, projection.pre)
        && is_excitatory(plan, projection.post)
        && layer(plan, projection.pre) < layer(plan, projection.post)
}

/// True where the cells do not inhibit.
pub(super) fn is_excitatory(plan: &Plan, population: PopulationId) -> bool {
    plan.populations[population].cell != CellType::Inhibitory
}

/// The place of a population's layer in the order of layers.
pub(super) fn layer(plan: &Plan, population: PopulationId) -> Option<usize> {
    plan.layers
        .iter()
        .position(|layer| layer.contains(&population))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::presets;

    fn compared(preset: &str) -> Vec<String> {
        let (plan, learning) = presets::load(preset).unwrap().check().unwrap();
        compared_projections(&learning, &plan)
            .into_iter()
            .map(|id| plan.projection(id).name.to_string())
            .collect()
    }

    #[test]
    fn learned_feed_forward_excitation_counts_and_nothing_else() {
        let all = ["H1.E<-Input.E", "H2.E<-H1.E", "Output.E<-H2.E"];
        assert_eq!(compared("mnist-dtp"), all);
        assert_eq!(compared("mnist-dtp-learned-feedback"), all);
        assert_eq!(compared("mnist-backprop-ei-learned-somai"), all);
        assert_eq!(compared("mnist-backprop-ann").len(), 3);
    }

    #[test]
    fn the_twin_learns_these_by_backprop() {
        let (plan, learning) = presets::load("spirals-dtp").unwrap().check().unwrap();
        let twin = backprop_twin(&learning, &plan).unwrap();
        assert!(twin.uses_backprop() && twin.nudge().is_none());
        assert_eq!(twin.learned().count(), 3);
    }

    #[test]
    fn a_network_that_learns_nothing_has_no_twin() {
        let (plan, _) = presets::load("spirals-dtp").unwrap().check().unwrap();
        let fixed = LearningSpec::default().check(&plan).unwrap();
        assert!(backprop_twin(&fixed, &plan).is_none());
    }
}
