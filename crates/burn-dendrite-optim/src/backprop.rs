//! The baseline: backprop through the last settling steps.

use burn::{
    module::Param,
    tensor::{Gradients, Tensor},
};
use burn_dendrite_nn::{Event, Network, NetworkState, Observer, Parameter};

/// A settled state, and the gradients of the output loss.
pub(crate) struct Tracked {
    /// State at the end of the forward phase, plain.
    pub(crate) state: NetworkState,
    /// ∂L/∂w of each learned parameter, in their order, `[pre, post]`; a bias is a row.
    pub(crate) gradients: Vec<Tensor<2>>,
}

/// The forward phase, with the last `steps` of it tracked for the `learned` parameters.
///
/// Every state that enters these steps is a constant; within them gradients flow through current
/// and previous activities alike. The tape lives from here to the backward pass below, so nothing
/// stays behind in burn's graph.
pub(crate) fn settle_tracked(
    network: &Network,
    learned: &[Parameter],
    steps: usize,
    input: Tensor<2>,
    target: &Tensor<2>,
    observer: &mut dyn Observer,
) -> Tracked {
    let plan = network.plan();
    let untracked = plan.steps - steps;
    let state = network.settle(input, untracked, observer);
    if learned.is_empty() {
        return Tracked {
            state,
            gradients: Vec::new(),
        };
    }
    let tracked = learned.iter().fold(network.clone(), track);
    let state = tracked.settle_from(state, untracked..plan.steps, &mut |event: Event<'_>| {
        let Event::Step { phase, step, state } = event;
        observer.observe(Event::Step {
            phase,
            step,
            state: &plain(state),
        });
    });
    let output = state.activity[plan.output].clone();
    let gradients = (Tensor::from_inner(target.clone()) - output)
        .square()
        .mean()
        .backward();
    let gradients = learned
        .iter()
        .map(|it| gradient(&tracked, *it, &gradients))
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

fn gradient(network: &Network, parameter: Parameter, gradients: &Gradients) -> Tensor<2> {
    /// A parameter that the loss does not reach has no entry: its gradient is zero.
    fn of<const D: usize>(
        parameter: &Option<Param<Tensor<D>>>,
        gradients: &Gradients,
    ) -> Tensor<D> {
        let value = parameter
            .as_ref()
            .expect("a checked parameter exists")
            .val();
        value
            .grad(gradients)
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
    }
}
