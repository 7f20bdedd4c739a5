//! A network whose dynamics are perturbed.

use std::cell::RefCell;

use super::{
    Effects,
    effect::{CellEffect, SynapseEffect},
};
use crate::{
    Adjoint, CellType, Numbers, Plan, PopulationId, ProjectionId,
    numbers::Rows,
    random::{RandomSite, SampleStream},
};

/// A network on any kind of numbers with its dynamics changed; the parameters stay as they are.
///
/// ```text
/// activity    r = g·f(s + σξ)             of the input: r = g·(x + σξ)
/// input       I = g·W·P·r_pre + σξ
/// ```
///
/// Made anew for each batch, whose noise it draws.
#[derive(Debug)]
pub struct Perturbed<'a, N: ?Sized> {
    numbers: &'a N,
    effects: &'a Effects,
    random: SampleStream,
    /// How often each population and each projection has drawn noise.
    turns: RefCell<Vec<u64>>,
}

impl<'a, N: Numbers + ?Sized> Perturbed<'a, N> {
    /// The network under these effects, with noise from `random`.
    ///
    /// # Panics
    ///
    /// If the effects are those of another plan.
    pub fn new(numbers: &'a N, effects: &'a Effects, random: SampleStream) -> Self {
        let plan = numbers.plan();
        let sizes = [plan.populations.len(), plan.projections.len()];
        assert_eq!(sizes, effects.sizes(), "populations and projections");
        Self {
            numbers,
            effects,
            random,
            turns: RefCell::new(vec![0; sizes.iter().sum()]),
        }
    }

    fn noisy(
        &self,
        values: N::Rows,
        deviation: Option<&[f32]>,
        site: RandomSite,
        place: usize,
    ) -> N::Rows {
        let Some(deviation) = deviation else {
            return values;
        };
        let turn = &mut self.turns.borrow_mut()[place];
        let noise = self.random.normal(site, *turn, &values);
        *turn += 1;
        let deviation = row(&values, deviation);
        values + noise * deviation
    }
}

/// A row `[1, size]` where `like` is.
fn row<R: Rows>(like: &R, values: &[f32]) -> R {
    like.with_values(values.to_vec(), [1, values.len()])
}

fn scaled<R: Rows>(values: R, gain: Option<&[f32]>) -> R {
    match gain {
        Some(gain) => {
            let gain = row(&values, gain);
            values * gain
        }
        None => values,
    }
}

impl<N: Numbers + ?Sized> Numbers for Perturbed<'_, N> {
    type Rows = N::Rows;

    fn plan(&self) -> &Plan {
        self.numbers.plan()
    }

    fn bias_row(&self, id: PopulationId) -> Option<N::Rows> {
        self.numbers.bias_row(id)
    }

    fn add_drive(&self, id: ProjectionId, arriving: &N::Rows, sum: Option<N::Rows>) -> N::Rows {
        let effect = self.effects.synapses(id);
        let SynapseEffect {
            gain, noise, order, ..
        } = effect;
        if gain.is_none() && noise.is_none() && order.is_none() {
            return self.numbers.add_drive(id, arriving, sum);
        }
        let drive = match order {
            Some(order) => {
                let arriving = arriving.clone().columns(order);
                self.numbers.add_drive(id, &arriving, None)
            }
            None => self.numbers.add_drive(id, arriving, None),
        };
        let place = self.plan().populations.len() + id.0;
        let drive = scaled(drive, gain.as_deref());
        let drive = self.noisy(drive, noise.as_deref(), RandomSite::Input(id), place);
        match sum {
            Some(sum) => sum + drive,
            None => drive,
        }
    }

    fn respond(&self, id: PopulationId, soma: N::Rows) -> N::Rows {
        let CellEffect { gain, noise } = self.effects.cells(id);
        let soma = self.noisy(soma, noise.as_deref(), RandomSite::Soma(id), id.0);
        scaled(self.numbers.respond(id, soma), gain.as_deref())
    }

    fn respond_again(&self, id: PopulationId, soma: N::Rows, before: &N::Rows) -> N::Rows {
        let CellEffect { gain, noise } = self.effects.cells(id);
        let soma = self.noisy(soma, noise.as_deref(), RandomSite::Soma(id), id.0);
        let activity = self.numbers.respond_again(id, soma, before);
        scaled(activity, gain.as_deref())
    }

    /// Noise does not make the activity of cells under Dale's law negative.
    fn respond_to_input(&self, input: N::Rows) -> N::Rows {
        let id = self.plan().input;
        let CellEffect { gain, noise } = self.effects.cells(id);
        let mut activity = self.noisy(input, noise.as_deref(), RandomSite::Soma(id), id.0);
        let lawful = self.plan().populations[id].cell != CellType::Unconstrained;
        if noise.is_some() && lawful {
            activity = activity.clamp_min(0.0);
        }
        scaled(self.numbers.respond_to_input(activity), gain.as_deref())
    }

    fn delay(&self, id: ProjectionId) -> usize {
        self.numbers.delay(id) + self.effects.synapses(id).delay
    }

    fn is_steady(&self, id: ProjectionId) -> bool {
        let effect = self.effects.synapses(id);
        self.numbers.is_steady(id) && effect.noise.is_none() && effect.delay == 0
    }
}

impl<N: Adjoint + ?Sized> Adjoint for Perturbed<'_, N> {
    fn add_drive_back(
        &self,
        id: ProjectionId,
        error: &N::Rows,
        wanted: Option<&N::Rows>,
        sum: Option<N::Rows>,
    ) -> N::Rows {
        let SynapseEffect { gain, order, .. } = self.effects.synapses(id);
        if gain.is_none() && order.is_none() {
            return self.numbers.add_drive_back(id, error, wanted, sum);
        }
        let error = scaled(error.clone(), gain.as_deref());
        let heard = self.numbers.add_drive_back(id, &error, None, None);
        let passed = match order {
            // The cell that is heard in the place of each gets that place's share.
            Some(order) => heard.columns(&inverse(order)),
            None => heard,
        };
        match sum {
            Some(sum) => sum + passed,
            None => passed,
        }
    }

    fn through_response(&self, id: PopulationId, error: N::Rows, activity: &N::Rows) -> N::Rows {
        let Some(gain) = &self.effects.cells(id).gain else {
            return self.numbers.through_response(id, error, activity);
        };
        // Of a silenced cell the response is not known, nor needed.
        let divisors: Vec<f32> = (gain.iter())
            .map(|gain| if *gain == 0.0 { 1.0 } else { *gain })
            .collect();
        let unscaled = activity.clone() / row(activity, &divisors);
        let error = scaled(error, Some(gain));
        self.numbers.through_response(id, error, &unscaled)
    }

    fn weight_factors(
        &self,
        id: ProjectionId,
        arriving: N::Rows,
        error: N::Rows,
    ) -> (N::Rows, N::Rows) {
        let SynapseEffect { gain, order, .. } = self.effects.synapses(id);
        let arriving = match order {
            Some(order) => arriving.columns(order),
            None => arriving,
        };
        let error = scaled(error, gain.as_deref());
        self.numbers.weight_factors(id, arriving, error)
    }
}

/// Where each number stands in a permutation.
fn inverse(order: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; order.len()];
    for (place, number) in order.iter().enumerate() {
        inverse[*number] = place;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::{HostNetwork, NetworkSpec, numbers::HostRows};

    const FORWARD: ProjectionId = ProjectionId(0);

    fn host() -> HostNetwork {
        let spec: NetworkSpec = toml::from_str(
            r#"
            tau = 1.0
            steps = 1
            population = [
                { name = "Input.E", size = 3, cell = "excitatory" },
                { name = "H.E", size = 2, cell = "excitatory", activation = "sigmoid" },
            ]
            projection = [{ name = "H.E<-Input.E", weight = { kind = "half_kaiming" } }]
            "#,
        )
        .unwrap();
        let device = crate::test_device();
        let weights = Tensor::from_floats([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], &device);
        let network = spec.init(0, &device).unwrap();
        HostNetwork::new(&network.with_weight(FORWARD, weights))
    }

    fn row<const SIZE: usize>(values: [f32; SIZE]) -> HostRows {
        HostRows::from_values(&values, [1, SIZE])
    }

    /// Inputs that are heard in another order, by units that are scaled by 2 and 1/2.
    #[test]
    fn forward_and_back_through_a_scaled_and_shuffled_projection() {
        let effects = Effects {
            populations: [CellEffect::default(), CellEffect::default()]
                .into_iter()
                .collect(),
            projections: vec![SynapseEffect {
                gain: Some(vec![2.0, 0.5]),
                order: Some(vec![1, 2, 0]),
                ..SynapseEffect::default()
            }],
        };
        let host = host();
        let perturbed = Perturbed::new(&host, &effects, SampleStream::new(0, 0));
        // 10, 100 and 1 are heard: 315 and 426.
        let input = row([1.0, 10.0, 100.0]);
        let drive = |sum| perturbed.add_drive(FORWARD, &input, sum).to_values();
        assert_eq!(drive(None), [630.0, 213.0]);
        assert_eq!(drive(Some(row([1.0, 2.0]))), [631.0, 215.0]);
        // 2 and 1 after the gain: 4, 10 and 16 for those that are heard first, second and third.
        let error = row([1.0, 2.0]);
        let back = |sum| {
            perturbed
                .add_drive_back(FORWARD, &error, None, sum)
                .to_values()
        };
        assert_eq!(back(None), [16.0, 4.0, 10.0]);
        assert_eq!(back(Some(row([1.0, 1.0, 2.0]))), [17.0, 5.0, 12.0]);
        let (arriving, error) = perturbed.weight_factors(FORWARD, input, error);
        assert_eq!(arriving.to_values(), [10.0, 100.0, 1.0]);
        assert_eq!(error.to_values(), [2.0, 1.0]);
    }

    /// `g·σ'(s)`, with the slope of a sigmoid `σ(1 − σ)`.
    #[test]
    fn an_error_passes_a_scaled_response() {
        let effects = Effects {
            populations: [
                CellEffect::default(),
                CellEffect {
                    gain: Some(vec![2.0, 0.0]),
                    noise: None,
                },
            ]
            .into_iter()
            .collect(),
            projections: vec![SynapseEffect::default()],
        };
        let host = host();
        let perturbed = Perturbed::new(&host, &effects, SampleStream::new(0, 0));
        // Twice 0.75, and a silenced one.
        let activity = row([1.5, 0.0]);
        let through = perturbed.through_response(PopulationId(1), row([4.0, 4.0]), &activity);
        assert_eq!(through.to_values(), [1.5, 0.0]);
    }
}
