//! The forward phase: the only place where the dynamics are integrated.

use crate::{
    Active, Compartment, Event, NetworkState, Observer, PerPopulation, Phase, Plan, PopulationId,
    ProjectionId, ProjectionPlan, Timing, numbers::Rows,
};

/// The parameters of a network in one kind of numbers: all that the dynamics ask of it.
///
/// [`Network`](crate::Network) is one on burn's tensors and [`HostNetwork`](crate::HostNetwork) one in main memory. What
/// changes the dynamics wraps one: see [`Perturbed`](crate::perturb::Perturbed).
pub trait Numbers {
    /// The values of a population.
    type Rows: Rows;

    /// The plan of the network.
    fn plan(&self) -> &Plan;

    /// The bias of a population, `[1, size]`, if it has one.
    fn bias_row(&self, id: PopulationId) -> Option<Self::Rows>;

    /// What a projection gives to its postsynaptic population, `W·r`, added to what `sum` holds.
    ///
    /// # Shapes
    ///
    /// - arriving: `[batch, pre]`
    /// - sum and result: `[batch, post]`, or `[1, post]` where the sum is of biases alone
    fn add_drive(
        &self,
        id: ProjectionId,
        arriving: &Self::Rows,
        sum: Option<Self::Rows>,
    ) -> Self::Rows;

    /// What several projections give to their postsynaptic population together; `None` of none.
    ///
    /// # Shapes
    ///
    /// - arriving: `[batch, pre]` of each
    /// - result: `[batch, post]`
    fn drive_of_all(&self, arriving: &[(ProjectionId, &Self::Rows)]) -> Option<Self::Rows> {
        added(self, arriving)
    }

    /// The activity that a population answers with when its somata are at `soma`.
    fn respond(&self, id: PopulationId, soma: Self::Rows) -> Self::Rows {
        self.plan().populations[id].respond(soma)
    }

    /// The activity of a population whose somata are at their bias.
    fn respond_at_rest(&self, id: PopulationId, soma: Self::Rows) -> Self::Rows {
        self.respond(id, soma)
    }

    /// The activity that a population answers with a second time: of units that compete, only those answer that fired
    /// `before`.
    ///
    /// # Shapes
    ///
    /// - soma, before and result: `[batch, size]`
    fn respond_again(&self, id: PopulationId, soma: Self::Rows, before: &Self::Rows) -> Self::Rows {
        self.plan().populations[id].respond_again(soma, before)
    }

    /// The activity of the input population when it is shown `input`.
    fn respond_to_input(&self, input: Self::Rows) -> Self::Rows {
        input
    }

    /// Steps by which activity arrives later than the timing of the projection says.
    fn delay(&self, _id: ProjectionId) -> usize {
        0
    }

    /// Whether a constant activity gives a constant drive.
    fn is_steady(&self, _id: ProjectionId) -> bool {
        true
    }

    /// The state after so many steps from rest, that of [`Dynamics::settle`] but for roundings, where these numbers have a
    /// faster way to it than step by step; `None` where they have not.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, input size]`
    /// - all rows of the result: `[batch, size]`
    fn settle_from_rest(
        &self,
        _input: &Self::Rows,
        _steps: usize,
    ) -> Option<NetworkState<Self::Rows>> {
        None
    }
}

/// How a network runs, whatever its numbers.
pub trait Dynamics: Numbers {
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
    /// - all rows of the result: `[batch, size]`
    ///
    /// # Panics
    ///
    /// If the input does not have the width of the input population.
    fn settle(
        &self,
        input: Self::Rows,
        steps: usize,
        observer: &mut dyn Observer<Self::Rows>,
    ) -> NetworkState<Self::Rows> {
        let unseen = (!observer.watches()).then(|| self.settle_from_rest(&input, steps));
        match unseen.flatten() {
            Some(state) => state,
            None => self.settle_from(self.rest(input), 0..steps, observer),
        }
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
    fn rest(&self, input: Self::Rows) -> NetworkState<Self::Rows> {
        let plan = self.plan();
        let [batch, width] = input.dims();
        let size = plan.populations[plan.input].size;
        assert_eq!(width, size, "width of the input; `{}` has {size} units", {
            &plan.populations[plan.input].name
        });
        let soma: PerPopulation<Self::Rows> = (plan.populations.iter())
            .map(|(id, population)| match self.bias_row(id) {
                _ if id == plan.input => input.clone(),
                Some(bias) => bias.repeated(batch),
                None => input.filled([batch, population.size], 0.0),
            })
            .collect();
        let activity: PerPopulation<Self::Rows> = (soma.iter())
            .map(|(id, soma)| {
                if id == plan.input {
                    self.respond_to_input(input.clone())
                } else {
                    self.respond_at_rest(id, soma.clone())
                }
            })
            .collect();
        let previous = activity.clone();
        let delays = (plan.projections.iter().enumerate()).map(|(index, projection)| {
            match (self.delay(ProjectionId(index)), projection.timing) {
                (0, _) => 0,
                (delay, Timing::Current) => delay,
                (delay, Timing::Previous) => delay + 1,
            }
        });
        let past = match delays.max().unwrap_or(0) {
            0 => Vec::new(),
            depth => {
                let mut before = activity.clone();
                before[plan.input] = input.filled([batch, size], 0.0);
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

    /// Continues to settle from `state`; `steps` are the numbers that the observer sees.
    ///
    /// With the parameters and not the state tracked by autodiff, gradients flow through these
    /// steps and no further: backprop through the last steps.
    fn settle_from(
        &self,
        mut state: NetworkState<Self::Rows>,
        steps: std::ops::Range<usize>,
        observer: &mut dyn Observer<Self::Rows>,
    ) -> NetworkState<Self::Rows> {
        if steps.is_empty() {
            return state;
        }
        let plan = self.plan();
        let somata: Vec<_> = (plan.populations.iter())
            .filter(|(id, _)| *id != plan.input)
            .map(|(id, _)| self.soma(id, Drive::Forward, &state, |from| from.pre == plan.input))
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
    fn dendritic_state(
        &self,
        post: PopulationId,
        state: &NetworkState<Self::Rows>,
    ) -> Option<Self::Rows> {
        let incoming = self.plan().incoming(post, Compartment::Dendrite);
        let arriving: Vec<_> = incoming
            .map(|(id, _)| (id, arriving(self, id, state)))
            .collect();
        self.drive_of_all(&arriving)
    }

    /// How much the dendritic state of a population differs between two states: the sum over its
    /// dendritic projections of what the difference of their activities brings.
    ///
    /// ```text
    /// Δd = Σ W·(r_pre − r°_pre)
    /// ```
    ///
    /// # Shapes
    ///
    /// - result: `[batch, size]`; `None` where no projection ends at a dendrite
    fn dendritic_change(
        &self,
        post: PopulationId,
        state: &NetworkState<Self::Rows>,
        before: &NetworkState<Self::Rows>,
    ) -> Option<Self::Rows> {
        let incoming = self.plan().incoming(post, Compartment::Dendrite);
        let changes: Vec<_> = incoming
            .map(|(id, _)| {
                let before = arriving(self, id, before).clone();
                (id, arriving(self, id, state).clone() - before)
            })
            .collect();
        let arriving: Vec<_> = changes.iter().map(|(id, change)| (*id, change)).collect();
        self.drive_of_all(&arriving)
    }

    /// The dendritic states of all populations.
    fn dendritic_states(
        &self,
        state: &NetworkState<Self::Rows>,
    ) -> PerPopulation<Option<Self::Rows>> {
        let populations = self.plan().populations.iter();
        populations
            .map(|(id, _)| self.dendritic_state(id, state))
            .collect()
    }

    /// The soma of a population in `state`, ready to be integrated; what comes through projections
    /// that are `constant` is computed here, once.
    ///
    /// Through a constant projection the activity of `state` arrives in every step.
    fn soma(
        &self,
        id: PopulationId,
        drive: Drive,
        state: &NetworkState<Self::Rows>,
        constant: impl Fn(&ProjectionPlan) -> bool,
    ) -> Soma<'_, Self> {
        let plan = self.plan();
        let (fixed, varying): (Vec<_>, Vec<_>) = drives(plan, id, drive)
            .map(|(id, _)| id)
            .partition(|id| constant(plan.projection(*id)) && self.is_steady(*id));
        let constant = fixed.iter().fold(self.bias_row(id), |sum, id| {
            let pre = plan.projection(*id).pre;
            Some(self.add_drive(*id, &state.activity[pre], sum))
        });
        let constant = constant.unwrap_or_else(|| {
            let soma = &state.soma[id];
            soma.filled(soma.dims(), 0.0)
        });
        Soma {
            id,
            tau: plan.populations[id].tau,
            numbers: self,
            constant,
            varying,
        }
    }
}

impl<N: Numbers + ?Sized> Dynamics for N {}

/// What projections give, one added after the other.
pub(crate) fn added<N: Numbers + ?Sized>(
    numbers: &N,
    arriving: &[(ProjectionId, &N::Rows)],
) -> Option<N::Rows> {
    arriving.iter().fold(None, |sum, (id, arriving)| {
        Some(numbers.add_drive(*id, arriving, sum))
    })
}

/// The activity that arrives through a projection, later than its timing says where there is a
/// [delay](Numbers::delay).
fn arriving<'a, N: Numbers + ?Sized>(
    numbers: &N,
    id: ProjectionId,
    state: &'a NetworkState<N::Rows>,
) -> &'a N::Rows {
    let projection = numbers.plan().projection(id);
    match (projection.timing, numbers.delay(id)) {
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
    /// Those that act in the backward phase.
    Backward,
    /// All of them, whatever their phase.
    All,
}

impl Drive {
    fn includes(self, active: Active) -> bool {
        match self {
            Self::Forward => active.forward(),
            Self::Backward => active.backward(),
            Self::All => true,
        }
    }
}

/// The projections that drive the soma of a population.
pub(crate) fn drives(
    plan: &Plan,
    post: PopulationId,
    drive: Drive,
) -> impl Iterator<Item = (ProjectionId, &ProjectionPlan)> {
    plan.incoming(post, Compartment::Soma)
        .filter(move |(_, projection)| drive.includes(projection.active))
}

/// The soma of one population while the input is constant: one step of its dynamics at a time.
///
/// Made by [`Dynamics::soma`].
#[derive(Debug)]
pub struct Soma<'a, N: Numbers + ?Sized> {
    id: PopulationId,
    tau: f64,
    numbers: &'a N,
    /// Bias and what arrives without change.
    constant: N::Rows,
    varying: Vec<ProjectionId>,
}

impl<N: Numbers + ?Sized> Soma<'_, N> {
    /// The somatic state that the drive leads to, as if the time constant were one step.
    pub fn equilibrium(&self, state: &NetworkState<N::Rows>) -> N::Rows {
        (self.varying.iter()).fold(self.constant.clone(), |sum, id| {
            let arriving = arriving(self.numbers, *id, state);
            self.numbers.add_drive(*id, arriving, Some(sum))
        })
    }

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
    pub fn advance(&self, state: &mut NetworkState<N::Rows>, nudge: Option<&N::Rows>) {
        let drive = self.equilibrium(state);
        let after = state.soma[self.id].clone().leak(drive, self.tau);
        let nudged = match nudge {
            Some(nudge) => nudge.clone() + after.clone(),
            None => after.clone(),
        };
        state.activity[self.id] = self.numbers.respond(self.id, nudged);
        state.soma[self.id] = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NetworkSpec;
    use burn::tensor::{Tensor, TensorData, Tolerance};

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
