//! Backprop on burn's tensors, by autodiff.

use burn::{
    module::Param,
    tensor::{Gradients, Tensor, activation::log_softmax},
};
use burn_dendrite_nn::{
    Dynamics, Event, Network, NetworkState, Numbers, Observer, Parameter, PerPopulation,
};

use super::{Descend, Gradient, Objective, Tracked};
use crate::{Delta, Loss};

impl Descend for Network {
    /// Every state that enters the tracked steps is a constant; within them gradients flow through
    /// current and previous activities alike. The tape lives from here to the backward pass below, so
    /// nothing stays behind in burn's graph.
    fn gradient(
        &self,
        asked: Gradient<'_, Tensor<2>>,
        observer: &mut dyn Observer,
    ) -> Tracked<Tensor<2>> {
        let Gradient {
            conditions,
            objective,
            learned,
            state,
            steps,
            target,
        } = asked;
        let tracked = learned.iter().fold(self.clone(), track);
        let running = conditions.on(&tracked);
        let state = running.settle_from(state, steps, &mut |event: Event<'_>| {
            let Event::Step { phase, step, state } = event;
            observer.observe(Event::Step {
                phase,
                step,
                state: &plain(state),
            });
        });
        let loss = loss(objective, &running, &state, target);
        // Where no learned parameter reaches the objective there is no tape.
        let gradients = loss.is_autodiff().then(|| loss.backward());
        let gradients = learned
            .iter()
            .map(|it| Delta::whole(gradient(&tracked, *it, gradients.as_ref())))
            .collect();
        Tracked {
            state: plain(&state),
            gradients,
        }
    }
}

/// The value of an objective for a settled state, `[1]`.
fn loss<N: Numbers<Rows = Tensor<2>>>(
    objective: Objective,
    network: &N,
    state: &NetworkState,
    target: &Tensor<2>,
) -> Tensor<1> {
    let output = network.plan().output;
    match objective {
        Objective::Output(Loss::Squared) => {
            let output = state.activity[output].clone();
            (beside(target, &output) - output).square().mean()
        }
        Objective::Output(Loss::CrossEntropy) => {
            let soma = state.soma[output].clone();
            let target = beside(target, &soma);
            -(target * log_softmax(soma, 1)).sum_dim(1).mean()
        }
        Objective::DendriticState(id) => network
            .dendritic_state(id, state)
            .expect("a checked source has a dendrite")
            .square()
            .mean(),
    }
}

/// A constant in the autodiff context of what it meets.
fn beside(constant: &Tensor<2>, other: &Tensor<2>) -> Tensor<2> {
    if other.is_autodiff() {
        Tensor::from_inner(constant.clone())
    } else {
        constant.clone()
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
    let strip = |tensors: &PerPopulation<Tensor<2>>| {
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
