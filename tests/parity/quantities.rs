//! The recorded quantities of a training step, each next to where the network has it.

use std::collections::BTreeMap;

use burn::{module::Module, tensor::Tensor};
use burn_dendrite::{
    nn::{Network, NetworkState, PopulationId, ProjectionId, ProjectionName},
    optim::Trace,
};

use crate::{
    compare::Comparison,
    fixture::{Matrix, Rows, Sample},
};

/// Compares the activities of every step of the forward phase.
pub(crate) fn dynamics(
    comparison: &mut Comparison,
    network: &Network,
    measured: &[NetworkState],
    sample: &Sample,
) {
    for (id, population) in network.plan().populations.iter() {
        let place = format!("sample 0, forward dynamics of {}", population.name);
        let steps = measured
            .iter()
            .map(|state| state.activity[id].clone())
            .collect();
        match sample.forward_dynamics.get(&population.name) {
            Some(recorded) => comparison.array(&place, Tensor::cat(steps, 0), recorded),
            None => comparison.fault(&place, "none is recorded"),
        }
    }
}

/// Compares the states of both phases, and the loss.
pub(crate) fn outcome(
    comparison: &mut Comparison,
    place: &impl Fn(&str) -> String,
    network: &Network,
    trace: &Trace,
    loss: Tensor<1>,
    sample: &Sample,
) {
    comparison.array(&place("loss"), loss.unsqueeze(), &[vec![sample.loss]]);
    let plan = network.plan();
    let mut rows = |quantity, recorded, measured: &dyn Fn(PopulationId) -> Option<Tensor<2>>| {
        comparison.rows(&place(quantity), plan, measured, recorded);
    };
    rows("forward activity", &sample.forward_activity, &|id| {
        Some(trace.forward.activity[id].clone())
    });
    rows(
        "forward previous activity",
        &sample.forward_prev_activity,
        &|id| Some(trace.forward.previous[id].clone()),
    );
    rows(
        "forward dendritic state",
        &sample.forward_dendritic_state,
        &|id| trace.dendrite[id].clone(),
    );
    rows("backward activity", &sample.backward_activity, &|id| {
        Some(trace.nudged.activity[id].clone())
    });
    rows("plateau", &sample.plateau, &|id| trace.plateau[id].clone());
    rows(
        "backward dendritic state",
        &sample.backward_dendritic_state,
        &|id| trace.nudged_dendrite[id].clone(),
    );
}

/// Compares every weight, tied ones too, and every bias.
pub(crate) fn parameters(
    comparison: &mut Comparison,
    place: &str,
    network: &Network,
    weights: &BTreeMap<ProjectionName, Matrix>,
    biases: &Rows,
) {
    // Reading a tied weight is an operation, which must leave nothing in burn's graph.
    let network = network.valid();
    let plan = network.plan();
    for (index, projection) in plan.projections.iter().enumerate() {
        let place = format!("{place} weight {}", projection.name);
        match weights.get(&projection.name) {
            Some(recorded) => {
                comparison.array(&place, network.weight(ProjectionId(index)), recorded);
            }
            None => comparison.fault(&place, "none is recorded"),
        }
    }
    let bias = |id| network.bias(id).map(|bias| bias.unsqueeze());
    comparison.rows(&format!("{place} bias"), plan, bias, biases);
}
