//! Perturbations resolved for a network.

use std::sync::Arc;

use burn::tensor::{Tensor, TensorData};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    Action, Conditions, DendriticStates, Effects, Occasion, Perturbation, PerturbationError,
    effect::{CellEffect, SynapseEffect},
    found::Found,
};
use crate::{Network, Parameter, Plan, PopulationId, ProjectionId, SampleStream, Timing};

/// Perturbations with every name resolved and every cell chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Perturbations {
    train: Option<Arc<Effects>>,
    test: Option<Arc<Effects>>,
    pruned: Vec<(ProjectionId, f64)>,
    frozen: Vec<Parameter>,
}

impl Perturbations {
    /// Resolves perturbations; `seed` chooses the cells of fractions and the permutations.
    ///
    /// # Errors
    ///
    /// One sentence with the nearest name for a target that the network does not have, or that has
    /// nothing of the kind that is perturbed.
    pub fn resolve(
        perturbations: &[Perturbation],
        plan: &Plan,
        seed: u64,
    ) -> Result<Self, PerturbationError> {
        let mut resolved = Self::default();
        let mut occasions = [Occasion::Train, Occasion::Test].map(|it| (it, nothing(plan)));
        for perturbation in perturbations {
            let wrong = |message: String| PerturbationError::new(perturbation, message);
            perturbation.check().map_err(wrong)?;
            let found = Found::of(&perturbation.target, plan).map_err(wrong)?;
            match perturbation.action {
                Action::Freeze => resolved.frozen.extend(found.parameters(plan)),
                Action::Prune(share) => {
                    let owned = found.owned(plan).map_err(wrong)?;
                    resolved.pruned.extend(owned.iter().map(|id| (*id, share)));
                }
                _ => {
                    for (occasion, effects) in &mut occasions {
                        if perturbation.during.acts(*occasion) {
                            apply(effects, perturbation, &found, plan, seed);
                        }
                    }
                }
            }
        }
        let [train, test] =
            occasions.map(|(_, effects)| (!effects.is_nothing()).then(|| Arc::new(effects)));
        Ok(Self {
            train,
            test,
            ..resolved
        })
    }

    /// Whether nothing is different in the dynamics on an occasion.
    pub fn are_none(&self, occasion: Occasion) -> bool {
        match occasion {
            Occasion::Train => self.train.is_none(),
            Occasion::Test => self.test.is_none() && self.pruned.is_empty(),
        }
    }

    /// The parameters that do not learn.
    pub fn frozen(&self) -> &[Parameter] {
        &self.frozen
    }

    /// What is different in the dynamics on an occasion, if anything.
    pub fn effects(&self, occasion: Occasion) -> Option<&Effects> {
        match occasion {
            Occasion::Train => self.train.as_deref(),
            Occasion::Test => self.test.as_deref(),
        }
    }

    /// The conditions on an occasion, for a batch whose first sample is number `first`.
    pub fn conditions(&self, occasion: Occasion, seed: u64, first: u64) -> Conditions<'_> {
        let random = SampleStream::new(seed, first);
        Conditions {
            effects: self.effects(occasion),
            random: match occasion {
                Occasion::Train => random,
                Occasion::Test => random.part(TEST),
            },
            dendrites: DendriticStates::All,
        }
    }

    /// Whether weights are missing on an occasion.
    pub fn prunes(&self, occasion: Occasion) -> bool {
        occasion == Occasion::Test && !self.pruned.is_empty()
    }

    /// The network with the weights that it has on an occasion: in test, without the pruned ones.
    ///
    /// # Panics
    ///
    /// If the perturbations were resolved for another plan.
    pub fn pruned(&self, network: &Network, occasion: Occasion) -> Network {
        let mut network = network.clone();
        if self.prunes(occasion) {
            for (id, share) in &self.pruned {
                let weight = pruned(network.weight(*id), *share);
                network = network.with_weight(*id, weight);
            }
        }
        network
    }
}

/// The part of the random numbers that tests draw from: another one than training's.
const TEST: u8 = 2;

/// The weights with the smallest of them set to 0: of n weights, `round(share·n)`.
fn pruned(weight: Tensor<2>, share: f64) -> Tensor<2> {
    let weight = weight.without_autodiff();
    let (dims, device) = (weight.dims(), weight.device());
    let mut values: Vec<f32> = weight.into_data().iter::<f32>().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, other| values[*one].abs().total_cmp(&values[*other].abs()));
    for index in order.into_iter().take(count(share, values.len())) {
        values[index] = 0.0;
    }
    Tensor::from_data(TensorData::new(values, dims), &device)
}

/// How many of `all` a share is.
fn count(share: f64, all: usize) -> usize {
    (share * all as f64).round() as usize
}

fn nothing(plan: &Plan) -> Effects {
    Effects {
        populations: (plan.populations.iter())
            .map(|_| CellEffect::default())
            .collect(),
        projections: vec![SynapseEffect::default(); plan.projections.len()],
    }
}

fn apply(
    effects: &mut Effects,
    perturbation: &Perturbation,
    found: &Found,
    plan: &Plan,
    seed: u64,
) {
    let (Found::Population(cells) | Found::Synapses(cells, _)) = found;
    let chosen = chosen(
        plan.populations[*cells].size,
        *cells,
        perturbation.fraction,
        seed,
    );
    let (gain, noise) = match perturbation.action {
        Action::Silence => (Some(0.0), None),
        Action::Scale(factor) => (Some(factor), None),
        Action::Noise(deviation) => (None, Some(deviation)),
        Action::Delay(steps) => {
            let all = plan.projections.iter().zip(&mut effects.projections);
            for (place, (projection, effect)) in all.enumerate() {
                let delayed = match found {
                    Found::Population(pre) => projection.pre == *pre,
                    Found::Synapses(_, ids) => ids.contains(&ProjectionId(place)),
                };
                if !delayed {
                    continue;
                }
                // The input is there when the first step begins, so that its activity of the step
                // before is that of one step earlier.
                let early = projection.pre == plan.input && projection.timing == Timing::Current;
                effect.delay += match effect.delay {
                    0 => steps + usize::from(early),
                    _ => steps,
                };
            }
            return;
        }
        Action::Shuffle => {
            for id in found.inputs(plan) {
                let mut order: Vec<usize> = (0..plan.projection(id).site.pre).collect();
                order.shuffle(&mut stream(seed, PERMUTATIONS + id.0 as u64));
                effects.projections[id.0].order = Some(order);
            }
            return;
        }
        Action::Prune(_) | Action::Freeze => return,
    };
    match found {
        Found::Population(id) => {
            let effect = &mut effects.populations[*id];
            multiply(&mut effect.gain, &chosen, gain);
            add_noise(&mut effect.noise, &chosen, noise);
        }
        Found::Synapses(_, ids) => {
            for id in ids {
                multiply(&mut effects.projections[id.0].gain, &chosen, gain);
            }
            // The inputs of a compartment add up, so its noise can come with any one of them.
            let forward = ids.iter().find(|id| plan.projection(**id).active.forward());
            if let Some(id) = forward.or(ids.first()) {
                add_noise(&mut effects.projections[id.0].noise, &chosen, noise);
            }
        }
    }
}

/// Streams of random numbers above those of the populations.
const PERMUTATIONS: u64 = 1 << 32;

fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(number);
    random
}

/// Which cells of a population are affected: the first of a random order.
fn chosen(size: usize, population: PopulationId, fraction: f64, seed: u64) -> Vec<bool> {
    let mut order: Vec<usize> = (0..size).collect();
    order.shuffle(&mut stream(seed, population.0 as u64));
    let mut chosen = vec![false; size];
    for cell in order.into_iter().take(count(fraction, size)) {
        chosen[cell] = true;
    }
    chosen
}

fn multiply(gains: &mut Option<Vec<f32>>, chosen: &[bool], factor: Option<f64>) {
    let Some(factor) = factor else { return };
    let gains = gains.get_or_insert_with(|| vec![1.0; chosen.len()]);
    for (gain, _) in gains.iter_mut().zip(chosen).filter(|(_, chosen)| **chosen) {
        *gain *= factor as f32;
    }
}

/// Independent noises add up by their variances.
fn add_noise(deviations: &mut Option<Vec<f32>>, chosen: &[bool], deviation: Option<f64>) {
    let Some(deviation) = deviation else { return };
    let deviations = deviations.get_or_insert_with(|| vec![0.0; chosen.len()]);
    let affected = deviations.iter_mut().zip(chosen);
    for (sum, _) in affected.filter(|(_, chosen)| **chosen) {
        *sum = sum.hypot(deviation as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dynamics, Event, NetworkSpec, perturb::Perturbed};

    /// An excitatory neuron (bias 1, τ = 2) with an inhibitory one that hears it at once and
    /// answers a step later. Without perturbation, E is 4, 4.5, 4.625 and I is 2, 2.25, 2.3125.
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
            { name = "H.I<-H.E", weight = { kind = "constant", value = 0.5 } },
        ]
    "#;

    fn network(spec: &str) -> Network {
        let spec: NetworkSpec = toml::from_str(spec).unwrap();
        spec.init(0, &crate::test_device()).unwrap()
    }

    fn resolved(network: &Network, texts: &[&str]) -> Result<Perturbations, PerturbationError> {
        let list: Vec<Perturbation> = texts.iter().map(|text| text.parse().unwrap()).collect();
        Perturbations::resolve(&list, network.plan(), 1)
    }

    /// Activity of E and I in three steps under the input 3.
    fn activities(texts: &[&str]) -> Vec<[f32; 2]> {
        let network = network(TWO_UNITS);
        let perturbations = resolved(&network, texts).unwrap();
        let nothing = nothing(network.plan());
        let effects = perturbations.effects(Occasion::Test).unwrap_or(&nothing);
        let network = Perturbed::new(&network, effects, SampleStream::new(0, 0));
        let input = Tensor::from_floats([[3.0]], &crate::test_device());
        let mut seen = Vec::new();
        network.settle(input, 3, &mut |event: Event<'_>| {
            let Event::Step { state, .. } = event;
            seen.push([1, 2].map(|id| {
                let activity = state.activity[PopulationId(id)].clone();
                activity.into_scalar::<f32>()
            }));
        });
        seen
    }

    #[test]
    fn a_silent_neuron_is_not_heard() {
        // E: 1 + (7 - 1)/2 = 4, 4 + 3/2 = 5.5, 5.5 + 1.5/2 = 6.25.
        let expected = [[4.0, 0.0], [5.5, 0.0], [6.25, 0.0]];
        assert_eq!(activities(&["H.I: silence"]), expected);
    }

    #[test]
    fn activity_is_scaled() {
        // I is a quarter of E: 1, 1.25; E: 4 + (7 - 1 - 4)/2 = 5, 5 + (7 - 1.25 - 5)/2 = 5.375.
        let expected = [[4.0, 1.0], [5.0, 1.25], [5.375, 1.343_75]];
        assert_eq!(activities(&["H.I: scale 0.5"]), expected);
    }

    #[test]
    fn a_projection_is_scaled() {
        // E: 4 + (7 - 2·2 - 4)/2 = 3.5, 3.5 + (7 - 2·1.75 - 3.5)/2 = 3.5.
        let expected = [[4.0, 2.0], [3.5, 1.75], [3.5, 1.75]];
        assert_eq!(activities(&["H.E<-H.I: scale 2"]), expected);
    }

    #[test]
    fn a_compartment_without_input_leaves_the_bias() {
        assert_eq!(activities(&["H.E.soma: silence"]), [[1.0, 0.5]; 3]);
    }

    #[test]
    fn a_delayed_projection_brings_what_was() {
        // The second step hears I at rest, the third that of the first:
        // E: 4 + (7 - 4)/2 = 5.5, 5.5 + (7 - 2 - 5.5)/2 = 5.25.
        let expected = [[4.0, 2.0], [5.5, 2.75], [5.25, 2.625]];
        assert_eq!(activities(&["H.E<-H.I: delay 1"]), expected);
    }

    #[test]
    fn a_delayed_population_is_heard_later_by_all() {
        // As if I heard E by the activity of the step before.
        let expected = [[4.0, 0.5], [5.25, 2.0], [5.125, 2.625]];
        assert_eq!(activities(&["H.E: delay 1"]), expected);
    }

    #[test]
    fn a_delayed_input_is_not_there_at_first() {
        // E: 1, 1 + (1 - 0.5 - 1)/2 = 0.75, 0.75 + (7 - 0.375 - 0.75)/2 = 3.6875.
        let expected = [[1.0, 0.5], [0.75, 0.375], [3.6875, 1.843_75]];
        assert_eq!(activities(&["Input.E: delay 2"]), expected);
        assert_eq!(
            activities(&["Input.E: delay 1", "Input.E: delay 1"]),
            expected
        );
    }

    #[test]
    fn several_perturbations_act_together_and_only_when_they_are_to() {
        let expected = [[4.0, 0.0], [5.5, 0.0], [6.25, 0.0]];
        let unperturbed = [[4.0, 2.0], [4.5, 2.25], [4.625, 2.3125]];
        assert_eq!(activities(&["H.I: scale 3", "H.I: silence"]), expected);
        assert_eq!(activities(&["H.I: silence during train"]), unperturbed);
        assert_eq!(activities(&[]), unperturbed);
    }

    #[test]
    fn noise_has_the_deviation_that_it_is_given() {
        let network = network(TWO_UNITS);
        let device = crate::test_device();
        let input = Tensor::full([20_000, 1], 3.0, &device);
        let noise = resolved(&network, &["Input.E: noise 0.3", "Input.E: noise 0.4"]).unwrap();
        let effects = noise.effects(Occasion::Train).unwrap();
        let state = Perturbed::new(&network, effects, SampleStream::new(1, 0)).rest(input);
        let activity = state.activity[PopulationId(0)].clone();
        let mean = activity.clone().mean().into_scalar::<f32>();
        let variance = (activity - 3.0).square().mean().into_scalar::<f32>();
        // 0.3² + 0.4² = 0.25; the errors are 0.0035 and 0.0025.
        assert!((mean - 3.0).abs() < 0.018, "{mean}");
        assert!((variance - 0.25).abs() < 0.013, "{variance}");
    }

    #[test]
    fn a_fraction_is_a_part_of_a_larger_one() {
        let cells = |fraction| chosen(10, PopulationId(3), fraction, 7);
        let (few, many) = (cells(0.3), cells(0.6));
        let number = |cells: &[bool]| cells.iter().filter(|chosen| **chosen).count();
        assert_eq!(
            (number(&few), number(&many), number(&cells(1.0))),
            (3, 6, 10)
        );
        assert!(few.iter().zip(&many).all(|(few, many)| !few || *many));
        assert_ne!(few, chosen(10, PopulationId(4), 0.3, 7));
    }

    #[test]
    fn shuffled_cells_are_the_same_cells() {
        let spec = TWO_UNITS.replacen("size = 1", "size = 40", 1);
        let network = network(&spec);
        let resolved = resolved(&network, &["H.E<-Input.E: shuffle"]).unwrap();
        let order = resolved.train.unwrap().projections[0]
            .order
            .clone()
            .unwrap();
        let mut sorted = order.clone();
        sorted.sort_unstable();
        let straight: Vec<usize> = (0..40).collect();
        assert!(sorted == straight && order != straight);
    }

    #[test]
    fn the_smallest_weights_are_pruned() {
        let weight = Tensor::<2>::from_floats([[0.1, -0.4], [0.3, -0.2]], &crate::test_device());
        let left = pruned(weight, 0.5).into_data();
        left.assert_eq(&TensorData::from([[0.0f32, -0.4], [0.3, 0.0]]), true);
    }

    #[test]
    fn what_is_frozen_are_the_inputs_and_the_bias() {
        let network = network(TWO_UNITS);
        let [input, inhibition] = [0, 1].map(|id| Parameter::Weight(ProjectionId(id)));
        let frozen = |text| resolved(&network, &[text]).unwrap().frozen().to_vec();
        let bias = Parameter::Bias(PopulationId(1));
        assert_eq!(frozen("H.E: freeze"), [input, inhibition, bias]);
        assert_eq!(frozen("H.E.soma: freeze"), [input, inhibition]);
        assert_eq!(frozen("H.E<-H.I: freeze during train"), [inhibition]);
        let freeze = resolved(&network, &["H.E: freeze"]).unwrap();
        assert!(freeze.are_none(Occasion::Train) && freeze.are_none(Occasion::Test));
    }

    #[test]
    fn what_a_network_does_not_have_is_refused_with_the_nearest_name() {
        let network = network(TWO_UNITS);
        for (text, part) in [
            ("H.D: silence", "accepted: `Input.E`, `H.E`, `H.I`"),
            ("H.E<-H.J: silence", "did you mean `H.E<-H.I`?"),
            (
                "H.E.dendrite: silence",
                "no projection ends at the dendrite of `H.E`",
            ),
        ] {
            let error = resolved(&network, &[text]).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
