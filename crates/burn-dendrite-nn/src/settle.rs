//! The forward phase: the only place where the dynamics are integrated.

use burn::tensor::Tensor;

use crate::{
    Activation, Compartment, Event, Network, NetworkState, Observer, PerPopulation, Phase,
    PopulationId, Timing, network::WeightView, perturb::CellTensors, plan::ProjectionPlan,
    spec::CellType,
};

impl Network {
    /// Lets the network settle under a constant input, from rest.
    ///
    /// At rest, `s = b` and `r = f(s)`. In each of `steps` steps, first the activities become the
    /// previous ones; then, population by population in the listed order,
    ///
    /// ```text
    /// s ← s + (b + Σ W·r_pre − s) / τ        over somatic projections of the forward phase
    /// r ← f(s)
    /// ```
    ///
    /// where `r_pre` is the current activity (which populations listed earlier have already
    /// updated) or the one of the previous step, as the projection says. Time and `τ` are counted
    /// in steps. The drive that the constant input gives is computed once.
    ///
    /// `observer` sees every step.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - every tensor of the result: `[batch, size]`
    ///
    /// # Panics
    ///
    /// If the input does not have the width of the input population.
    pub fn settle(
        &self,
        input: Tensor<2>,
        steps: usize,
        observer: &mut dyn Observer,
    ) -> NetworkState {
        self.settle_from(self.rest(input), 0..steps, observer)
    }

    /// Activity of the output population after the forward phase: the network as a function.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - output: `[batch, output size]`
    ///
    /// # Panics
    ///
    /// If the input does not have the width of the input population.
    pub fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let output = self.plan().output;
        self.settle(input, self.plan().steps, &mut ()).activity[output].clone()
    }

    /// The state before the first step: somata at their bias.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    ///
    /// # Panics
    ///
    /// If the input does not have the width of the input population.
    pub fn rest(&self, input: Tensor<2>) -> NetworkState {
        let plan = self.plan();
        let [batch, width] = input.dims();
        let size = plan.populations[plan.input].size;
        assert_eq!(width, size, "width of the input; `{}` has {size} units", {
            &plan.populations[plan.input].name
        });
        let device = input.device();
        let soma: PerPopulation<Tensor<2>> = (plan.populations.iter())
            .map(|(id, population)| match self.bias(id) {
                _ if id == plan.input => input.clone(),
                Some(bias) => bias.unsqueeze::<2>().expand([batch, population.size]),
                None => Tensor::zeros([batch, population.size], &device),
            })
            .collect();
        let activity: PerPopulation<Tensor<2>> = (soma.iter())
            .map(|(id, soma)| match id == plan.input {
                true => self.activity_of_input(&input),
                false => self.respond(id, soma.clone()),
            })
            .collect();
        let previous = activity.clone();
        let past = match self.effects.as_ref().map_or(0, |effects| effects.depth()) {
            0 => Vec::new(),
            depth => {
                let mut before = activity.clone();
                before[plan.input] = input.zeros_like();
                vec![before; depth]
            }
        };
        NetworkState {
            soma,
            activity,
            previous,
            past,
        }
    }

    fn activity_of_input(&self, input: &Tensor<2>) -> Tensor<2> {
        let id = self.plan().input;
        let nonnegative = self.plan().populations[id].cell != CellType::Unconstrained;
        match self.cells(id, &input.device()) {
            None => input.clone(),
            Some(cells) => cells.input(input.clone(), nonnegative),
        }
    }

    /// Continues to settle from `state`; `steps` are the numbers that the observer sees.
    ///
    /// With the parameters and not the state tracked by autodiff, gradients flow through these
    /// steps and no further: backprop through the last steps.
    pub fn settle_from(
        &self,
        mut state: NetworkState,
        steps: std::ops::Range<usize>,
        observer: &mut dyn Observer,
    ) -> NetworkState {
        if steps.is_empty() {
            return state;
        }
        let plan = self.plan();
        let somata: Vec<Soma> = (plan.populations.iter())
            .filter(|(id, _)| *id != plan.input)
            .map(|(id, _)| self.soma(id, Drive::Forward, &state))
            .collect();
        for step in steps {
            state.previous = state.activity.clone();
            state.pass();
            for soma in &somata {
                soma.advance(&mut state, None);
            }
            observer.observe(Event::Step {
                phase: Phase::Forward,
                step,
                state: &state,
            });
        }
        state
    }

    /// Input to the dendrite of a population: the sum over all its dendritic projections, not
    /// clamped.
    ///
    /// ```text
    /// d = Σ W·r_pre
    /// ```
    ///
    /// # Shapes
    ///
    /// - result: `[batch, size]`; `None` where no projection ends at a dendrite
    pub fn dendritic_state(&self, post: PopulationId, state: &NetworkState) -> Option<Tensor<2>> {
        self.plan()
            .incoming(post, Compartment::Dendrite)
            .map(|(id, projection)| {
                let view = self.view(id);
                view.drive(presynaptic(projection, view.delay(), state).clone())
            })
            .reduce(|sum, drive| sum + drive)
    }
}

/// The activity that arrives through a projection, `delay` steps later than its timing says.
fn presynaptic<'a>(
    projection: &ProjectionPlan,
    delay: usize,
    state: &'a NetworkState,
) -> &'a Tensor<2> {
    match (projection.timing, delay) {
        (Timing::Current, 0) => &state.activity[projection.pre],
        (Timing::Previous, 0) => &state.previous[projection.pre],
        (Timing::Current, delay) => &state.past[delay - 1][projection.pre],
        (Timing::Previous, delay) => &state.past[delay][projection.pre],
    }
}

/// Which somatic projections drive a soma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Those that act in the forward phase.
    Forward,
    /// All of them, whatever their phase.
    All,
}

/// The soma of one population while the input is constant: one step of its dynamics at a time.
///
/// Made by [`Network::soma`].
#[derive(Debug)]
pub struct Soma<'a> {
    id: PopulationId,
    tau: f64,
    activation: Activation,
    cells: Option<CellTensors>,
    /// Bias and input, which do not change.
    constant: Tensor<2>,
    varying: Vec<(&'a ProjectionPlan, WeightView)>,
}

impl Network {
    /// The soma of a population under the input of `state`, ready to be integrated; the drive that
    /// the input gives is computed here, once.
    pub fn soma(&self, id: PopulationId, drive: Drive, state: &NetworkState) -> Soma<'_> {
        let plan = self.plan();
        let (fixed, varying): (Vec<_>, Vec<_>) = plan
            .incoming(id, Compartment::Soma)
            .filter(|(_, projection)| drive == Drive::All || projection.active.forward())
            .map(|(id, projection)| (projection, self.view(id)))
            .partition(|(projection, view)| projection.pre == plan.input && view.is_steady());
        let bias = self.bias(id).map(|bias| bias.unsqueeze::<2>());
        let input = fixed
            .iter()
            .map(|(projection, view)| view.drive(state.activity[projection.pre].clone()));
        let constant = bias
            .into_iter()
            .chain(input)
            .reduce(|sum, drive| drive + sum)
            .unwrap_or_else(|| state.soma[id].zeros_like());
        let population = &plan.populations[id];
        Soma {
            id,
            tau: population.tau,
            activation: population.activation,
            cells: self.cells(id, &state.soma[id].device()),
            constant,
            varying,
        }
    }
}

impl Soma<'_> {
    /// One step of the dynamics, with a nudge that reaches the activity but not the soma itself.
    ///
    /// ```text
    /// s ← s + (drive − s) / τ
    /// r ← f(s + nudge)
    /// ```
    ///
    /// # Shapes
    ///
    /// - nudge: `[batch, size]`
    pub fn advance(&self, state: &mut NetworkState, nudge: Option<&Tensor<2>>) {
        let drive = self.drive(state);
        let before = state.soma[self.id].clone();
        let after = (drive - before.clone()) / self.tau + before;
        let nudged = match nudge {
            Some(nudge) => after.clone() + nudge.clone(),
            None => after.clone(),
        };
        state.activity[self.id] = match &self.cells {
            None => self.activation.forward(nudged),
            Some(cells) => cells.respond(self.activation, nudged),
        };
        state.soma[self.id] = after;
    }

    fn drive(&self, state: &NetworkState) -> Tensor<2> {
        self.varying
            .iter()
            .fold(self.constant.clone(), |sum, (projection, view)| {
                view.drive(presynaptic(projection, view.delay(), state).clone()) + sum
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkSpec;
    use burn::tensor::{TensorData, Tolerance};

    const TWO_UNITS: &str = r#"
        tau = 2.0
        steps = 3
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "H.E", size = 1, cell = "excitatory", bias = { init = { kind = "constant", value = 1.0 } } },
            { name = "H.I", size = 1, cell = "inhibitory", tau = 1.0 },
        ]
        projection = [
            { name = "H.E<-Input.E", weight = { kind = "constant", value = 2.0 } },
            { name = "H.E<-H.I", timing = "previous", weight = { kind = "constant", value = -1.0 } },
            { name = "H.I<-H.E", TIMING, weight = { kind = "constant", value = 0.5 } },
        ]
    "#;

    fn activities(timing: &str) -> Vec<[f32; 2]> {
        let spec = TWO_UNITS.replace("TIMING", &format!("timing = \"{timing}\""));
        let spec: NetworkSpec = toml::from_str(&spec).unwrap();
        let network = spec.init(0, &crate::test_device()).unwrap();
        let input = Tensor::from_floats([[3.0]], &crate::test_device());
        let mut seen = Vec::new();
        network.settle(input, 3, &mut |event: Event<'_>| {
            let Event::Step { state, .. } = event;
            let value = |id| {
                state.activity[PopulationId(id)]
                    .clone()
                    .into_scalar::<f32>()
            };
            seen.push([value(1), value(2)]);
        });
        seen
    }

    #[test]
    fn a_hand_calculated_trajectory_with_current_activity() {
        // E: s=1; drive 1+6-I. s1 = 1+(7-0-1)/2 = 4, I1 = 2; s2 = 4+(7-2-4)/2 = 4.5, I2 = 2.25;
        // s3 = 4.5+(7-2.25-4.5)/2 = 4.625, I3 = 2.3125.
        assert_eq!(
            activities("current"),
            [[4.0, 2.0], [4.5, 2.25], [4.625, 2.3125]]
        );
    }

    #[test]
    fn a_hand_calculated_trajectory_with_previous_activity() {
        // I lags one step: I1 = 0.5, I2 = 2, I3 = 0.5*s2; s2 = 4+(7-0.5-4)/2 = 5.25,
        // s3 = 5.25+(7-2-5.25)/2 = 5.125, I3 = 2.625.
        assert_eq!(
            activities("previous"),
            [[4.0, 0.5], [5.25, 2.0], [5.125, 2.625]]
        );
    }

    #[test]
    fn a_batch_settles_like_its_samples() {
        let spec: NetworkSpec =
            toml::from_str(&TWO_UNITS.replace("TIMING", "timing = \"current\"")).unwrap();
        let network = spec.init(0, &crate::test_device()).unwrap();
        let inputs = [[3.0f32], [-1.0], [0.25]];
        let batch = Tensor::<2>::from_data(inputs, &crate::test_device());
        let together = network.settle(batch, 3, &mut ()).activity[PopulationId(1)].clone();
        let alone: Vec<f32> = inputs
            .iter()
            .map(|row| {
                let input = Tensor::from_data([*row], &crate::test_device());
                network.settle(input, 3, &mut ()).activity[PopulationId(1)]
                    .clone()
                    .into_scalar()
            })
            .collect();
        let alone = TensorData::new(alone, [3, 1]);
        together
            .into_data()
            .assert_approx_eq::<f32>(&alone, Tolerance::strict());
    }
}
