//! The nudge: from the output error to plateaus, top to bottom.

use burn::tensor::Tensor;
use burn_dendrite_nn::{
    Compartment, Event, Network, NetworkState, Observer, PerPopulation, Phase, Plan, PopulationId,
    PopulationName,
};
use serde::{Deserialize, Serialize};

use super::{Gate, Select};
use crate::Trace;

/// The backward phase as data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NudgeSpec {
    /// How the network responds to the nudge; instantly unless given.
    #[serde(default)]
    pub settling: Settling,
    /// Gate of every nudged population that names none of its own; open unless given.
    #[serde(default)]
    pub gate: Gate,
    /// Selection in every nudged population below the output that names none of its own; all
    /// unless given.
    #[serde(default)]
    pub select: Select,
    /// The populations that are nudged; the output and every population with a dendrite unless
    /// given.
    #[serde(
        rename = "population",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub populations: Option<Vec<PopulationNudge>>,
}

/// How the network responds to the nudge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settling {
    /// Each nudged soma moves once, from the top down; nothing settles again.
    #[default]
    Instant,
}

/// How one population is nudged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationNudge {
    /// The population.
    pub name: PopulationName,
    /// Its gate; the phase's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Its selection; the phase's unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub select: Option<Select>,
}

/// A backward phase with its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Nudge {
    /// How each nudged population turns its dendritic state into a plateau.
    pub populations: PerPopulation<Option<(Gate, Select)>>,
}

impl Nudge {
    /// Runs the backward phase on a settled network.
    ///
    /// ```text
    /// output:  e = clamp(target − r, -1, 1)
    /// below:   e = clamp(Σ W·r_pre, -1, 1)    over dendritic projections, r of the layer above
    ///                                         after its own move
    /// plateau: p = select(gate(e))
    /// soma:    r_previous ← r,  r ← f(s + p)
    /// ```
    ///
    /// Layers run from the output down to the first after the input. A population moves if it is
    /// the output or has a projection of the backward phase. Ports the backward phase of
    /// `BP_like_2E` in EIANN (Galloni et al. 2025).
    ///
    /// # Shapes
    ///
    /// - target: `[batch, output size]`
    pub fn run(
        &self,
        network: &Network,
        forward: NetworkState,
        dendrite: PerPopulation<Option<Tensor<2>>>,
        target: &Tensor<2>,
        observer: &mut dyn Observer,
    ) -> Trace {
        let plan = network.plan();
        let mut trace = Trace::forward_only(forward, dendrite);
        for (step, layer) in plan.layers[1..].iter().rev().enumerate() {
            for &id in layer {
                trace.nudged_dendrite[id] = request(network, id, &trace, target);
            }
            for &id in layer {
                let forward = &trace.forward.activity[id];
                trace.plateau[id] = match (self.populations[id], &trace.nudged_dendrite[id]) {
                    (Some((gate, select)), Some(request)) => {
                        Some(select.apply(gate.apply(request.clone(), forward)))
                    }
                    _ => None,
                };
                if moves(plan, id) {
                    let soma = trace.forward.soma[id].clone();
                    let nudged = match &trace.plateau[id] {
                        Some(plateau) => soma + plateau.clone(),
                        None => soma,
                    };
                    let state = &mut trace.nudged;
                    state.previous[id] = state.activity[id].clone();
                    state.activity[id] = plan.populations[id].activation.forward(nudged);
                }
            }
            let state = &trace.nudged;
            observer.observe(Event::Step {
                phase: Phase::Backward,
                step,
                state,
            });
        }
        trace
    }
}

/// What the dendrite asks for, in [-1, 1]; the output's is its error.
fn request(
    network: &Network,
    id: PopulationId,
    trace: &Trace,
    target: &Tensor<2>,
) -> Option<Tensor<2>> {
    let plan = network.plan();
    if id == plan.output {
        return Some((target.clone() - trace.forward.activity[id].clone()).clamp(-1.0, 1.0));
    }
    let backward = plan
        .incoming(id, Compartment::Dendrite)
        .any(|(_, it)| it.active.backward());
    if !backward {
        return None;
    }
    network
        .dendritic_state(id, &trace.nudged)
        .map(|state| state.clamp(-1.0, 1.0))
}

fn moves(plan: &Plan, id: PopulationId) -> bool {
    let backward = burn_dendrite_nn::Active::Backward;
    id == plan.output
        || plan.populations[id]
            .incoming
            .iter()
            .any(|&it| plan.projection(it).active == backward)
}
