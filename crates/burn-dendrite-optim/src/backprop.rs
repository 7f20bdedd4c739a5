//! Backprop through the last settling steps: the baseline, and the local one of dendritic inhibition.

use std::ops::Range;

use burn::{
    module::Param,
    tensor::{Gradients, Tensor},
};
use burn_dendrite_nn::{Event, Network, NetworkState, Observer, Parameter, PopulationId};

/// What the gradient descends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objective {
    /// Mean squared error over batch and output units.
    OutputLoss,
    /// Mean over batch and neurons of the squared dendritic state of a population, not clamped.
    DendriticState(PopulationId),
}

impl Objective {
    /// Its value for a settled state, `[1]`.
    fn loss(self, network: &Network, state: &NetworkState, target: &Tensor<2>) -> Tensor<1> {
        let error = match self {
            Self::OutputLoss => {
                let output = state.activity[network.plan().output].clone();
                match output.is_autodiff() {
                    true => Tensor::from_inner(target.clone()) - output,
                    false => target.clone() - output,
                }
            }
            Self::DendriticState(id) => network
                .dendritic_state(id, state)
                .expect("a checked source has a dendrite"),
        };
        error.square().mean()
    }
}

/// A settled state, and the gradients of an objective.
pub(crate) struct Tracked {
    /// State at the end of the forward phase, plain.
    pub(crate) state: NetworkState,
    /// ∂L/∂w of each learned parameter, in their order, `[pre, post]`; a bias is a row.
    pub(crate) gradients: Vec<Tensor<2>>,
}

/// The last `steps` of the forward phase, tracked for the `learned` parameters.
///
/// Every state that enters these steps is a constant; within them gradients flow through current
/// and previous activities alike. The tape lives from here to the backward pass below, so nothing
/// stays behind in burn's graph.
pub(crate) fn settle_tracked(
    network: &Network,
    learned: &[Parameter],
    objective: Objective,
    state: NetworkState,
    steps: Range<usize>,
    target: &Tensor<2>,
    observer: &mut dyn Observer,
) -> Tracked {
    let tracked = learned.iter().fold(network.clone(), track);
    let state = tracked.settle_from(state, steps, &mut |event: Event<'_>| {
        let Event::Step { phase, step, state } = event;
        observer.observe(Event::Step {
            phase,
            step,
            state: &plain(state),
        });
    });
    let loss = objective.loss(&tracked, &state, target);
    // Where no learned parameter reaches the objective there is no tape.
    let gradients = loss.is_autodiff().then(|| loss.backward());
    let gradients = learned
        .iter()
        .map(|it| gradient(&tracked, *it, gradients.as_ref()))
        .collect();
    Tracked {
        state: plain(&state),
        gradients,
    }
}

fn track(mut network: Network, parameter: &Parameter) -> Network {
    match parameter {
        Parameter::Weight(id) => lift(&mut network.projections[id.0].weight),
        Parameter::Bias(id) => lift(&mut network.populations[id.0].bias),
    }
    network
}

fn lift<const D: usize>(parameter: &mut Option<Param<Tensor<D>>>) {
    *parameter = parameter
        .take()
        .map(|it| Param::initialized(it.id, Tensor::from_inner(it.val()).require_grad()));
}

fn gradient(network: &Network, parameter: Parameter, gradients: Option<&Gradients>) -> Tensor<2> {
    /// A parameter that the loss does not reach has no entry: its gradient is zero.
    fn of<const D: usize>(
        parameter: &Option<Param<Tensor<D>>>,
        gradients: Option<&Gradients>,
    ) -> Tensor<D> {
        let value = parameter
            .as_ref()
            .expect("a checked parameter exists")
            .val();
        gradients
            .and_then(|gradients| value.grad(gradients))
            .unwrap_or_else(|| value.inner().zeros_like())
    }
    match parameter {
        Parameter::Weight(id) => of(&network.projections[id.0].weight, gradients),
        Parameter::Bias(id) => of(&network.populations[id.0].bias, gradients).unsqueeze(),
    }
}

fn plain(state: &NetworkState) -> NetworkState {
    let strip = |tensors: &burn_dendrite_nn::PerPopulation<Tensor<2>>| {
        tensors
            .iter()
            .map(|(_, tensor)| tensor.clone().without_autodiff())
            .collect()
    };
    NetworkState {
        soma: strip(&state.soma),
        activity: strip(&state.activity),
        previous: strip(&state.previous),
        past: state.past.iter().map(strip).collect(),
    }
}
