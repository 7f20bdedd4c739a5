//! Backprop in main memory, by the adjoint of the dynamics.

use burn_dendrite_nn::{
    Activation, Adjoint, Compartment, Dynamics, Event, HostNetwork, NetworkState, Observer,
    Parameter, PerPopulation, PopulationId, ProjectionId, ProjectionPlan, Timing, WeightSource,
    numbers::{HostRows, Rows},
};

use super::{Descend, Gradient, Objective, Tracked};
use crate::{Delta, Loss};

impl Descend for HostNetwork {
    fn gradient(
        &self,
        asked: Gradient<'_, HostRows>,
        observer: &mut dyn Observer<HostRows>,
    ) -> Tracked<HostRows> {
        let running = asked.conditions.on(self);
        // States share what does not change, so keeping them costs next to nothing.
        let mut tape = vec![asked.state.clone()];
        let state = running.settle_from(asked.state, asked.steps, &mut |event: Event<'_, _>| {
            let Event::Step { state, .. } = event;
            tape.push(state.clone());
            observer.observe(event);
        });
        let errors = Errors::of(&running, &tape, asked.objective, asked.target);
        let gradients = (asked.learned.iter())
            .map(|parameter| errors.gradient(&running, &tape, *parameter))
            .collect();
        Tracked { state, gradients }
    }
}

/// Something of each population, where the objective depends on it.
type Partial<R> = PerPopulation<Option<R>>;

/// What the objective asks of every drive: `∂L/∂drive` of each tracked step.
struct Errors<R> {
    /// By step, from the first tracked one.
    drives: Vec<Partial<R>>,
    /// Of the dendrite that the objective is about.
    dendrite: Option<(PopulationId, R)>,
}

impl<R: Rows> Errors<R> {
    /// Passes the objective back through the states before the first tracked step and after each.
    fn of<N: Adjoint<Rows = R>>(
        network: &N,
        tape: &[NetworkState<R>],
        objective: Objective,
        target: &R,
    ) -> Self {
        let plan = network.plan();
        let steps = tape.len() - 1;
        let nothing = || -> Partial<R> { plan.populations.iter().map(|_| None).collect() };
        // With respect to the activity after each step; that of the first state is a constant.
        let mut activities: Vec<Partial<R>> = tape.iter().map(|_| nothing()).collect();
        let mut somata = nothing();
        let mut errors = Self {
            drives: (0..steps).map(|_| nothing()).collect(),
            dendrite: None,
        };
        let mean = |error: R| {
            let [batch, size] = error.dims();
            error * (2.0 / (batch * size) as f64)
        };
        let end = &tape[steps];
        match objective {
            Objective::Output(Loss::CrossEntropy) => {
                let error = end.activity[plan.output].clone() - target.clone();
                let batch = error.dims()[0];
                somata[plan.output] = Some(error / batch as f64);
            }
            Objective::Output(Loss::Squared) => {
                let output = end.activity[plan.output].clone();
                activities[steps][plan.output] = Some(mean(output - target.clone()));
            }
            Objective::DendriticState(id) => {
                let state = network.dendritic_state(id, end);
                let error = mean(state.expect("a checked source has a dendrite"));
                for (id, projection) in plan.incoming(id, Compartment::Dendrite) {
                    let lag = lag(network, id, projection, Compartment::Dendrite);
                    pass_back(network, tape, id, steps, lag, &error, &mut activities);
                }
                errors.dendrite = Some((id, error));
            }
        }
        for step in (1..=steps).rev() {
            for (id, population) in plan.populations.iter().rev() {
                let (now, soma) = (activities[step][id].take(), somata[id].take());
                if id == plan.input || (now.is_none() && soma.is_none()) {
                    continue;
                }
                let now =
                    now.map(|now| network.through_response(id, now, &tape[step].activity[id]));
                let total = match (now, soma) {
                    (Some(now), Some(soma)) => now + soma,
                    (one, other) => one.or(other).expect("one of them is there"),
                };
                let rate = 1.0 / population.tau;
                let drive = total.clone() * rate;
                somata[id] = Some(total * (1.0 - rate));
                for (id, projection) in plan.incoming(id, Compartment::Soma) {
                    if projection.active.forward() {
                        let lag = lag(network, id, projection, Compartment::Soma);
                        pass_back(network, tape, id, step, lag, &drive, &mut activities);
                    }
                }
                errors.drives[step - 1][id] = Some(drive);
            }
        }
        errors
    }

    /// `∂L/∂w` of a parameter, wherever it is used.
    fn gradient<N: Adjoint<Rows = R>>(
        &self,
        network: &N,
        tape: &[NetworkState<R>],
        parameter: Parameter,
    ) -> Delta<R> {
        let plan = network.plan();
        match parameter {
            Parameter::Bias(id) => {
                let drives = self.drives.iter().filter_map(|drives| drives[id].clone());
                drives.fold(Delta::none(), |sum, drive| {
                    let ones = drive.filled([drive.dims()[0], 1], 1.0);
                    sum.and(Delta::outer(ones, drive))
                })
            }
            Parameter::Weight(owner) => {
                let uses = plan.projections.iter().enumerate();
                let uses = uses.filter_map(|(index, projection)| {
                    let id = ProjectionId(index);
                    match projection.source {
                        WeightSource::Own(_) => (id == owner).then_some((id, false, 1.0)),
                        // Nothing descends through a balance: it is restored after each step.
                        WeightSource::Balance { .. } => None,
                        WeightSource::Tied {
                            of,
                            transpose,
                            scale,
                        } => (of == owner).then_some((id, transpose, scale)),
                    }
                });
                uses.fold(Delta::none(), |sum, (id, transpose, scale)| {
                    let pairs = self.uses_of(network, tape, id);
                    pairs.into_iter().fold(sum, |sum, (arriving, error)| {
                        let (pre, post) = network.weight_factors(id, arriving, error);
                        let post = if scale == 1.0 { post } else { post * scale };
                        sum.and(if transpose {
                            Delta::outer(post, pre)
                        } else {
                            Delta::outer(pre, post)
                        })
                    })
                })
            }
        }
    }

    /// What arrived through a projection, and the error at its receiving end, wherever it was used.
    fn uses_of<N: Adjoint<Rows = R>>(
        &self,
        network: &N,
        tape: &[NetworkState<R>],
        id: ProjectionId,
    ) -> Vec<(R, R)> {
        let plan = network.plan();
        let projection = plan.projection(id);
        let compartment = projection.compartment;
        let lag = lag(network, id, projection, compartment);
        match compartment {
            Compartment::Dendrite => match &self.dendrite {
                Some((post, error)) if *post == projection.post => {
                    let end = &tape[tape.len() - 1];
                    vec![(arrived(network, id, end, lag), error.clone())]
                }
                _ => Vec::new(),
            },
            Compartment::Soma if !projection.active.forward() => Vec::new(),
            Compartment::Soma => {
                let drives = self
                    .drives
                    .iter()
                    .zip(&tape[1..])
                    .filter_map(|(drives, state)| {
                        drives[projection.post].clone().map(|drive| (drive, state))
                    });
                if projection.pre == plan.input && network.is_steady(id) {
                    // It does not change from step to step, so one product does for all.
                    let sum = drives
                        .map(|(drive, _)| drive)
                        .reduce(|sum, drive| sum + drive);
                    let input = tape[0].activity[plan.input].clone();
                    return sum.map(|sum| (input, sum)).into_iter().collect();
                }
                drives
                    .map(|(drive, state)| (arrived(network, id, state, lag), drive))
                    .collect()
            }
        }
    }
}

/// How many steps before the one in which it is heard an activity is from.
fn lag<N: Adjoint>(
    network: &N,
    id: ProjectionId,
    projection: &ProjectionPlan,
    compartment: Compartment,
) -> usize {
    // A population that is listed later has not moved yet when a soma hears it; a dendrite hears the
    // settled state.
    let moved = compartment == Compartment::Dendrite || projection.pre < projection.post;
    match (projection.timing, network.delay(id)) {
        (Timing::Current, 0) => usize::from(!moved),
        (Timing::Current, delay) => delay,
        (Timing::Previous, delay) => delay + 1,
    }
}

/// The activity that arrived through a projection, from the state after the step in which it did.
fn arrived<N: Adjoint>(
    network: &N,
    id: ProjectionId,
    state: &NetworkState<N::Rows>,
    lag: usize,
) -> N::Rows {
    let pre = network.plan().projection(id).pre;
    match (lag, network.delay(id)) {
        (0, _) => state.activity[pre].clone(),
        (1, 0) => state.previous[pre].clone(),
        (lag, _) => state.past[lag - 1][pre].clone(),
    }
}

/// Adds what an error at the receiving end of a projection in `step` means for its presynaptic
/// activity. What enters the first tracked step is a constant.
fn pass_back<N: Adjoint>(
    network: &N,
    tape: &[NetworkState<N::Rows>],
    id: ProjectionId,
    step: usize,
    lag: usize,
    error: &N::Rows,
    activities: &mut [Partial<N::Rows>],
) {
    let plan = network.plan();
    let pre = plan.projection(id).pre;
    let is_inside = lag == 0 || step > lag;
    if pre == plan.input || !is_inside {
        return;
    }
    let from = step - lag;
    // A silent relu passes nothing on, so its gradient need not be known.
    let wanted = match plan.populations[pre].activation {
        Activation::Relu => Some(&tape[from].activity[pre]),
        _ => None,
    };
    let sum = activities[from][pre].take();
    activities[from][pre] = Some(network.add_drive_back(id, error, wanted, sum));
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;
    use burn_dendrite_nn::{Network, NetworkSpec, ProjectionId};

    use crate::{HostTrainer, LearningSpec};

    const INPUT: [[f32; 2]; 2] = [[0.5, -1.0], [1.5, 0.25]];
    const TARGET: [[f32; 2]; 2] = [[0.5, 0.0], [-0.5, 1.0]];

    /// Recurrent, with a time constant, and with feedback that comes a step later.
    fn network() -> Network {
        let spec: NetworkSpec = toml::from_str(
            r#"
            tau = 2.0
            steps = 4
            population = [
                { name = "Input.E", size = 2, cell = "unconstrained" },
                { name = "H1.E", size = 3, cell = "unconstrained", activation = "tanh" },
                { name = "Output.E", size = 2, cell = "unconstrained", activation = "linear", tau = 1.5 },
            ]
            projection = [
                { name = "H1.E<-Input.E", weight = { kind = "scaled_kaiming" } },
                { name = "H1.E<-H1.E", timing = "previous", weight = { kind = "scaled_kaiming" } },
                { name = "Output.E<-H1.E", weight = { kind = "scaled_kaiming" } },
                { name = "H1.E<-Output.E", timing = "previous", weight = { kind = "scaled_kaiming" } },
            ]
            "#,
        )
        .unwrap();
        spec.init(3, &crate::test_device()).unwrap()
    }

    fn loss(network: &Network) -> f32 {
        let device = crate::test_device();
        let output = network.forward(Tensor::from_floats(INPUT, &device));
        let difference = output - Tensor::from_floats(TARGET, &device);
        difference.square().mean().into_scalar::<f32>()
    }

    #[test]
    fn what_is_asked_for_is_the_slope_of_the_squared_error() {
        let network = network();
        let names: Vec<String> = (network.plan().projections.iter())
            .map(|projection| projection.name.to_string())
            .collect();
        let rules = names.iter().map(|name| {
            serde_json::json!({ "on": name, "learning_rate": 1.0, "rule": { "kind": "backprop" } })
        });
        let learning: LearningSpec = serde_json::from_value(serde_json::json!({
            "tracked_steps": 4, "rule": rules.collect::<Vec<_>>(),
        }))
        .unwrap();
        let learning = learning.check(network.plan()).unwrap();
        let memory = learning.memory(&network);
        let mut trainer = HostTrainer::new(&network, &memory, &learning);
        let error = trainer.step(INPUT.as_flattened(), TARGET.as_flattened(), 1.0);
        assert!((error - f64::from(loss(&network))).abs() < 1e-6);
        let learned = trainer.network(network.clone());
        for (at, name) in names.iter().enumerate() {
            let id = ProjectionId(at);
            let change = (learned.weight(id) - network.weight(id)).into_data();
            let [pre, post] = network.weight(id).dims();
            for (weight, change) in change.iter::<f32>().enumerate() {
                let shifted = |shift: f32| {
                    let mut shifts = vec![0.0; pre * post];
                    shifts[weight] = shift;
                    let shifts = burn::tensor::TensorData::new(shifts, [pre, post]);
                    let shifts = Tensor::from_data(shifts, &crate::test_device());
                    loss(&network.clone().with_weight(id, network.weight(id) + shifts))
                };
                // The error of a central difference is of the order of the shift's square.
                let slope = (shifted(0.01) - shifted(-0.01)) / 0.02;
                assert!(
                    (change + slope).abs() < 1e-3,
                    "{name} {weight}: {change} for {slope}"
                );
            }
        }
    }
}
