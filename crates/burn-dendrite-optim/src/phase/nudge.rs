//! The nudge: from the output error to plateaus, top to bottom.

use burn_dendrite_nn::{
    Activation, Compartment, Drive, Dynamics, Event, NetworkState, Numbers, Observer,
    PerPopulation, Phase, Plan, PopulationId, ProjectionPlan, RandomSite, SampleStream, Soma,
    Timing, numbers::Rows,
};

use super::{Plateau, Response, Settling};
use crate::Trace;

/// A backward phase with its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Nudge {
    /// How the network responds to the nudge.
    pub settling: Settling,
    /// What a dendrite asks for.
    pub plateau: Plateau,
    /// How strongly plateaus move somata.
    pub strength: f64,
    /// The largest plateau below the output, in the formulas 1.
    pub bound: f64,
    /// How each nudged population turns its dendritic state into a plateau.
    pub populations: PerPopulation<Option<Response>>,
}

impl Nudge {
    /// Runs the backward phase on a settled network.
    ///
    /// ```text
    /// output:  e = clamp(target − r, -1, 1)   r of the forward phase
    /// below:   e = clamp(Σ W·r_pre, -1, 1)    over dendritic projections, r of the layer above
    ///                                         after its own move
    /// plateau: p = select(gate(e))
    /// ```
    ///
    /// Layers run from the output down to the first after the input. With [`Settling::Instant`]
    /// each layer is visited once, and the somata that the backward phase reaches move at once:
    ///
    /// ```text
    /// r_previous ← r,  r ← f(s + p)
    /// ```
    ///
    /// With [`Settling::Equilibrated`] the layers are visited in each of as many steps as the
    /// forward phase has. The plateau is that of the first step; the dendritic state that is left is
    /// that of the last; and somata move by
    ///
    /// ```text
    /// s ← s + (b + Σ W·r_pre − s) / τ        over all somatic projections
    /// r ← f(s + p)
    /// ```
    ///
    /// [`Settling::OutputOnly`] does the same to the output layer alone.
    ///
    /// With [`Settling::TopDown`] each layer is visited once. Interneurons that hear other layers in the
    /// backward phase take the state that these drives lead to, once as the layers above are without
    /// a nudge (`r°`) and once as they are with it (`r`). Then, with `β` the strength,
    ///
    /// ```text
    /// below:   e = clamp(Σ W·(r_pre − r°_pre) / β, -1, 1)      a difference
    ///          e = clamp(Σ W·r_pre, -1, 1)                     a state
    /// nudged:  r ← f(s + β p);   a softmax, whose rates are a distribution: r ← r + β p
    /// ```
    ///
    /// A population moves if it is the output or has a projection of the backward phase; if it
    /// settles again, one that acts in both phases will do.
    ///
    /// Ports the backward phases of `BP_like_2E` (instant), `BP_like_2L` (equilibrated) and
    /// `Top_Layer_BP_like_2L` (output only) in EIANN (Galloni et al. 2025).
    ///
    /// Of the forward phase, the trace has the dendritic states of the populations that are `wanted`.
    ///
    /// # Shapes
    ///
    /// - target: `[batch, output size]`
    pub fn run<N: Numbers + ?Sized>(
        &self,
        network: &N,
        random: &SampleStream,
        forward: NetworkState<N::Rows>,
        wanted: &PerPopulation<bool>,
        target: &N::Rows,
        observer: &mut dyn Observer<N::Rows>,
    ) -> Trace<N::Rows> {
        let output = forward.activity[network.plan().output].clone();
        let dendrite = match self.settling {
            // From the top down, dendrites are looked at when their interneurons have answered.
            Settling::TopDown => wanted.iter().map(|_| None).collect(),
            Settling::Instant | Settling::Equilibrated | Settling::OutputOnly => {
                wanted_states(network, &forward, wanted)
            }
        };
        let mut phase = BackwardPhase {
            nudge: self,
            network,
            random,
            error: (target.clone() - output).clamp(-1.0, 1.0),
            trace: Trace::forward_only(forward, dendrite),
        };
        let layers = self.layers(network.plan());
        match self.settling {
            Settling::Instant => phase.at_once(&layers, observer),
            Settling::Equilibrated | Settling::OutputOnly => phase.settle(&layers, observer),
            Settling::TopDown => phase.top_down(&layers, wanted, observer),
        }
        phase.trace
    }

    /// The layers that take part, from the top down.
    pub(crate) fn layers<'a>(&self, plan: &'a Plan) -> Vec<&'a [PopulationId]> {
        let from_the_top = plan.layers[1..].iter().rev().map(Vec::as_slice);
        from_the_top
            .filter(|layer| self.settling != Settling::OutputOnly || layer.contains(&plan.output))
            .collect()
    }

    /// Whether the dendrite of a population is visited, the output's error being its own.
    pub(crate) fn reaches(&self, plan: &Plan, id: PopulationId) -> bool {
        let asks = id == plan.output || hears_from_above(plan, id);
        asks && self.layers(plan).iter().any(|layer| layer.contains(&id))
    }
}

/// A backward phase under way.
struct BackwardPhase<'a, N: Numbers + ?Sized> {
    nudge: &'a Nudge,
    network: &'a N,
    random: &'a SampleStream,
    /// Of the output, in [-1, 1].
    error: N::Rows,
    trace: Trace<N::Rows>,
}

impl<N: Numbers + ?Sized> BackwardPhase<'_, N> {
    fn at_once(&mut self, layers: &[&[PopulationId]], observer: &mut dyn Observer<N::Rows>) {
        self.trace.nudged.pass();
        for (step, &layer) in layers.iter().enumerate() {
            self.update_dendrites(layer);
            for &id in layer {
                self.decide_plateau(id);
                if moves(self.network.plan(), id, Settling::Instant) {
                    let soma = self.trace.forward.soma[id].clone();
                    let nudged = match &self.trace.plateau[id] {
                        Some(plateau) => plateau.clone() + soma,
                        None => soma,
                    };
                    let activity = self.respond(id, nudged);
                    let state = &mut self.trace.nudged;
                    state.previous[id] = state.activity[id].clone();
                    state.activity[id] = activity;
                }
            }
            self.show(step, observer);
        }
    }

    fn top_down(
        &mut self,
        layers: &[&[PopulationId]],
        wanted: &PerPopulation<bool>,
        observer: &mut dyn Observer<N::Rows>,
    ) {
        let (network, plan) = (self.network, self.network.plan());
        // What the interneurons would do without a nudge.
        let mut rest = self.trace.forward.clone();
        for (step, &layer) in layers.iter().enumerate() {
            for &id in layer {
                if is_backward_interneuron(plan, id) {
                    for state in [&mut rest, &mut self.trace.nudged] {
                        let soma = network.soma(id, Drive::Backward, state, |_| false);
                        let soma = soma.equilibrium(state);
                        state.previous[id] = state.activity[id].clone();
                        state.activity[id] = network.respond(id, soma.clone());
                        state.soma[id] = soma;
                    }
                }
            }
            for &id in layer {
                if wanted[id] {
                    self.trace.dendrite[id] = network.dendritic_state(id, &rest);
                }
                if id == plan.output {
                    self.trace.nudged_dendrite[id] = Some(self.error.clone());
                } else if hears_from_above(plan, id) {
                    let nudged = &self.trace.nudged;
                    let request = match self.nudge.plateau {
                        Plateau::State => network.dendritic_state(id, nudged),
                        Plateau::Difference => (network.dendritic_change(id, nudged, &rest))
                            .map(|change| change / self.nudge.strength),
                    };
                    self.trace.nudged_dendrite[id] =
                        request.map(|it| it.clamp(-self.nudge.bound, self.nudge.bound));
                }
                self.decide_plateau(id);
                self.respond_to_plateau(id);
            }
            self.show(step, observer);
        }
    }

    /// The activity of a nudged population at once, from the somatic state of the forward phase.
    fn respond_to_plateau(&mut self, id: PopulationId) {
        let Some(plateau) = &self.trace.plateau[id] else {
            return;
        };
        let nudge = plateau.clone() * self.nudge.strength;
        let forward = &self.trace.forward;
        let is_softmax = self.network.plan().populations[id].activation == Activation::Softmax;
        let activity = if is_softmax {
            nudge + forward.activity[id].clone()
        } else {
            self.respond(id, nudge + forward.soma[id].clone())
        };
        let nudged = &mut self.trace.nudged;
        nudged.previous[id] = std::mem::replace(&mut nudged.activity[id], activity);
    }

    /// The activity of a population at once; in a pool whose units compete, the one that won in the forward phase
    /// remains the one that fires.
    fn respond(&self, id: PopulationId, soma: N::Rows) -> N::Rows {
        let before = &self.trace.forward.activity[id];
        self.network.respond_again(id, soma, before)
    }

    fn settle(&mut self, layers: &[&[PopulationId]], observer: &mut dyn Observer<N::Rows>) {
        let (network, plan) = (self.network, self.network.plan());
        let state = &self.trace.nudged;
        let moves = |id: PopulationId| moves(plan, id, self.nudge.settling);
        let somata: Vec<Vec<(PopulationId, Soma<'_, N>)>> = layers
            .iter()
            .map(|layer| {
                // A previous activity becomes the one of the forward phase when its layer is visited.
                let is_same = |from: &ProjectionPlan| {
                    from.timing == Timing::Current || layer.contains(&from.pre)
                };
                let constant = |from: &ProjectionPlan| {
                    from.pre == plan.input || !moves(from.pre) && is_same(from)
                };
                let soma = |&id| (id, network.soma(id, Drive::All, state, constant));
                let moving = layer.iter().filter(|id| moves(**id));
                moving.map(soma).collect()
            })
            .collect();
        let last = plan.steps.saturating_sub(1);
        for step in 0..plan.steps {
            self.trace.nudged.pass();
            for (&layer, somata) in layers.iter().zip(&somata) {
                // The first states decide the plateaus and the last ones are left behind; nothing hears those
                // between.
                if step == 0 || step == last {
                    self.update_dendrites(layer);
                }
                for &id in layer {
                    if step == 0 {
                        self.decide_plateau(id);
                    }
                    let state = &mut self.trace.nudged;
                    state.previous[id] = state.activity[id].clone();
                }
                for (id, soma) in somata {
                    let Trace {
                        nudged, plateau, ..
                    } = &mut self.trace;
                    soma.advance(nudged, plateau[*id].as_ref());
                }
            }
            self.show(step, observer);
        }
    }

    /// What the dendrites of a layer ask for now, in [-1, 1]; the output's is its error.
    fn update_dendrites(&mut self, layer: &[PopulationId]) {
        let plan = self.network.plan();
        for &id in layer {
            self.trace.nudged_dendrite[id] = if id == plan.output {
                Some(self.error.clone())
            } else if hears_from_above(plan, id) {
                let state = self.network.dendritic_state(id, &self.trace.nudged);
                state.map(|state| state.clamp(-self.nudge.bound, self.nudge.bound))
            } else {
                None
            };
        }
    }

    /// The plateau of a population whose dendritic state is known.
    fn decide_plateau(&mut self, id: PopulationId) {
        let request = self.trace.nudged_dendrite[id].clone();
        self.trace.plateau[id] =
            self.nudge.populations[id]
                .zip(request)
                .map(|(response, request)| {
                    let site = RandomSite::Dendrite(id);
                    let forward = &self.trace.forward.activity[id];
                    response.plateau(request, forward, |like| self.random.uniform(site, 0, like))
                });
    }

    fn show(&self, step: usize, observer: &mut dyn Observer<N::Rows>) {
        observer.observe(Event::Step {
            phase: Phase::Backward,
            step,
            state: &self.trace.nudged,
        });
    }
}

/// The dendritic states of those populations, of them that have a dendrite, which somebody wants to see.
pub(crate) fn wanted_states<N: Numbers + ?Sized>(
    network: &N,
    state: &NetworkState<N::Rows>,
    wanted: &PerPopulation<bool>,
) -> PerPopulation<Option<N::Rows>> {
    (wanted.iter())
        .map(|(id, is_wanted)| is_wanted.then(|| network.dendritic_state(id, state))?)
        .collect()
}

/// True where the backward phase drives the soma of a population that has no dendrite of its own.
fn is_backward_interneuron(plan: &Plan, id: PopulationId) -> bool {
    let mut somatic = plan.incoming(id, Compartment::Soma);
    id != plan.output && !plan.has_dendrite(id) && somatic.any(|(_, it)| it.active.backward())
}

/// True where the dendrite has an input in the backward phase.
pub(crate) fn hears_from_above(plan: &Plan, id: PopulationId) -> bool {
    plan.incoming(id, Compartment::Dendrite)
        .any(|(_, it)| it.active.backward())
}

/// True where the backward phase changes the activity of a population.
pub(crate) fn moves(plan: &Plan, id: PopulationId, settling: Settling) -> bool {
    let backward = |active: burn_dendrite_nn::Active| match settling {
        Settling::Instant => active == burn_dendrite_nn::Active::Backward,
        Settling::Equilibrated | Settling::OutputOnly | Settling::TopDown => active.backward(),
    };
    id == plan.output
        || (plan.populations[id].incoming.iter()).any(|&it| backward(plan.projection(it).active))
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tensor;
    use burn_dendrite_nn::{
        NetworkSpec,
        perturb::{Conditions, Occasion, Perturbations},
    };

    /// Three neurons in a row; the output reaches the dendrite of the hidden one.
    const CHAIN: &str = r#"
        tau = 2.0
        steps = 2
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "H.E", size = 1, cell = "excitatory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [
            { name = "H.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 0.5 } },
            { name = "Output.E<-H.E", weight = { kind = "constant", value = 1.0 } },
        ]
    "#;

    fn trace(settling: Settling) -> [f32; 4] {
        perturbed_trace(settling, None)
    }

    fn perturbed_trace(settling: Settling, perturbation: Option<&str>) -> [f32; 4] {
        let device = crate::test_device();
        let spec: NetworkSpec = toml::from_str(CHAIN).unwrap();
        let network = spec.init(0, &device).unwrap();
        let perturbations: Vec<_> = perturbation.iter().map(|it| it.parse().unwrap()).collect();
        let perturbations = Perturbations::resolve(&perturbations, network.plan(), 0).unwrap();
        let conditions = Conditions {
            effects: perturbations.effects(Occasion::Train),
            ..Conditions::default()
        };
        let network = conditions.on(&network);
        let forward = network.settle(Tensor::from_floats([[0.8]], &device), 2, &mut ());
        let response = Some(Response::default());
        let nudge = Nudge {
            settling,
            plateau: Plateau::State,
            strength: 1.0,
            bound: 1.0,
            populations: [None, response, response].into_iter().collect(),
        };
        let wanted = [false; 3].into_iter().collect();
        let target = Tensor::from_floats([[1.0]], &device);
        let random = &conditions.random;
        let trace = nudge.run(&network, random, forward, &wanted, &target, &mut ());
        let value = |tensor: Option<&Tensor<2>>| {
            tensor.map_or(f32::NAN, |tensor| tensor.clone().into_scalar::<f32>())
        };
        let [hidden, output] = [PopulationId(1), PopulationId(2)];
        [
            value(trace.plateau[output].as_ref()),
            value(Some(&trace.nudged.activity[output])),
            value(trace.plateau[hidden].as_ref()),
            value(Some(&trace.nudged.activity[hidden])),
        ]
    }

    fn close(measured: [f32; 4], expected: [f32; 4]) {
        for (measured, expected) in measured.iter().zip(expected) {
            let both_missing = measured.is_nan() && expected.is_nan();
            assert!(
                both_missing || (measured - expected).abs() < 1e-6,
                "{measured} instead of {expected}"
            );
        }
    }

    // The forward phase by hand: H.E 0.4, 0.6; Output.E 0.2, 0.4. The error is 0.6.

    #[test]
    fn an_instant_nudge_moves_each_soma_once() {
        // Output 0.4 + 0.6 = 1; dendrite 0.5 * 1; H.E 0.6 + 0.5.
        close(trace(Settling::Instant), [0.6, 1.0, 0.5, 1.1]);
    }

    #[test]
    fn perturbed_feedback_asks_for_less() {
        let trace = |text| perturbed_trace(Settling::Instant, Some(text));
        close(trace("H.E.dendrite: silence"), [0.6, 1.0, 0.0, 0.6]);
        // 0.5 · 0.5 · 1.
        close(trace("H.E<-Output.E: scale 0.5"), [0.6, 1.0, 0.25, 0.85]);
        // The output before its nudge: 0.5 · 0.4.
        close(trace("H.E<-Output.E: delay 1"), [0.6, 1.0, 0.2, 0.8]);
        // The output answers to 0.5 · (0.4 + 0.6), and in the forward phase gave 0.5 · 0.4.
        close(trace("Output.E: scale 0.5"), [0.8, 0.6, 0.3, 0.9]);
    }

    #[test]
    fn an_equilibrated_nudge_is_held_while_somata_settle() {
        // Output: s = (0.4 + 0.6)/2 = 0.5, r = 1.1; the dendrite's first state, 0.55, is held.
        // H.E: s = (0.6 + 0.8)/2 = 0.7, r = 1.25. Second step: output s = (0.5 + 1.25)/2 = 0.875,
        // r = 1.475; H.E: s = (0.7 + 0.8)/2 = 0.75, r = 1.3.
        close(trace(Settling::Equilibrated), [0.6, 1.475, 0.55, 1.3]);
    }

    #[test]
    fn below_the_output_nothing_moves_where_only_the_output_settles() {
        // Output: s = 0.5, then (0.5 + 0.6)/2 = 0.55, r = 1.15.
        close(trace(Settling::OutputOnly), [0.6, 1.15, f32::NAN, 0.6]);
    }

    /// A chain with an interneuron at the hidden dendrite.
    const TOP_DOWN: &str = r#"
        tau = 1.0
        steps = 1
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "H.E", size = 1, cell = "excitatory" },
            { name = "H.DendI", size = 1, cell = "inhibitory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [
            { name = "H.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
            { name = "Output.E<-H.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H.DendI<-Output.E", active = "backward", weight = { kind = "constant", value = 0.4 } },
            { name = "H.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 0.5 } },
            { name = "H.E<-H.DendI", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = -0.5 } },
        ]
    "#;

    #[test]
    fn a_plateau_is_what_the_nudge_changes_in_the_dendrite() {
        let device = crate::test_device();
        let spec: NetworkSpec = toml::from_str(TOP_DOWN).unwrap();
        let network = spec.init(0, &device).unwrap();
        let forward = network.settle(Tensor::from_floats([[0.8]], &device), 1, &mut ());
        let [hidden, interneuron, output] = [1, 2, 3].map(PopulationId);
        let trace = |plateau, bound| {
            let nudge = Nudge {
                settling: Settling::TopDown,
                plateau,
                strength: 0.5,
                bound,
                populations: (0..4)
                    .map(|at| [hidden.0, output.0].contains(&at).then(Response::default))
                    .collect(),
            };
            let wanted = (0..4).map(|id| id == hidden.0).collect();
            let target = Tensor::from_floats([[1.0]], &device);
            let random = SampleStream::new(0, 0);
            nudge.run(
                &network,
                &random,
                forward.clone(),
                &wanted,
                &target,
                &mut (),
            )
        };
        let value = |tensor: &Tensor<2>| tensor.clone().into_scalar::<f32>();
        let close = |tensor: &Tensor<2>, expected: f32| {
            let found = value(tensor);
            assert!(
                (found - expected).abs() < 1e-6,
                "{found} instead of {expected}"
            );
        };
        // The output is 0.8, its error 0.2, nudged 0.8 + 0.5 · 0.2 = 0.9. The interneuron goes from 0.32 to
        // 0.36, the dendrite from 0.4 − 0.16 to 0.45 − 0.18: by 0.03, or 0.06 per strength.
        let difference = trace(Plateau::Difference, 1.0);
        close(&difference.nudged.activity[output], 0.9);
        close(&difference.nudged.activity[interneuron], 0.36);
        close(difference.dendrite[hidden].as_ref().unwrap(), 0.24);
        close(difference.plateau[hidden].as_ref().unwrap(), 0.06);
        close(&difference.nudged.activity[hidden], 0.83);
        let state = trace(Plateau::State, 1.0);
        close(state.plateau[hidden].as_ref().unwrap(), 0.27);
        close(&state.nudged.activity[hidden], 0.935);
        // No plateau is larger than its bound, and the output's error is not one of them.
        let bounded = trace(Plateau::Difference, 0.05);
        close(bounded.plateau[hidden].as_ref().unwrap(), 0.05);
        close(bounded.plateau[output].as_ref().unwrap(), 0.2);
    }

    #[test]
    fn negative_requests_need_activity() {
        let device = crate::test_device();
        let response = Response {
            negative_above: Some(0.2),
            ..Response::default()
        };
        let request = Tensor::from_floats([[-0.5, -0.5, 0.5, -0.5]], &device);
        let activity = Tensor::from_floats([[0.1, 0.2, 0.0, 0.3]], &device);
        let plateau: Vec<f32> = (response
            .plateau(request, &activity, Tensor::zeros_like)
            .into_data())
        .iter()
        .collect();
        assert_eq!(plateau, [0.0, 0.0, 0.5, -0.5]);
    }
}
