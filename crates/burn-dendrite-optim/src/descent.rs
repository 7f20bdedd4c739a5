//! How changes become steps of the weights in main memory.

use burn::{
    module::{Module, RunningState},
    tensor::{Device, Tensor, TensorData},
};
use burn_dendrite_nn::{
    HostNetwork, Parameter, Plan,
    numbers::{HostRows, Rows, vectorized},
};

use crate::Delta;

/// An optimizer in main memory; the changes `Δ` that rules ask for take the place of `−∂L/∂w`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Descent {
    /// Each change as it is: `w ← w + η Δ`.
    #[default]
    Plain,
    /// `v ← μ v + Δ,  w ← w + η v`.
    Momentum {
        /// `μ`, in [0, 1).
        momentum: f64,
    },
    /// Adam (Kingma and Ba 2015), with the decay of AdamW (Loshchilov and Hutter 2019).
    ///
    /// ```text
    /// m ← β₁ m + (1 − β₁) Δ        v ← β₂ v + (1 − β₂) Δ²
    /// w ← (1 − η λ) w + η · m / (1 − β₁ᵗ) / ( √(v / (1 − β₂ᵗ)) + ε )
    /// ```
    Adam {
        /// `β₁`.
        beta_1: f64,
        /// `β₂`.
        beta_2: f64,
        /// `ε`.
        epsilon: f64,
        /// `λ`.
        weight_decay: f64,
    },
}

/// What an optimizer in main memory keeps from step to step: a burn module beside the network, saved with
/// it, so that a run goes on to the same bits.
#[derive(Module, Debug)]
pub struct DescentMemory {
    /// For each learned parameter, one or two values a weight, `[pre, post]`.
    moments: Vec<RunningState<Tensor<2>>>,
    /// Steps made, as a number of single precision in two parts, `[2]`.
    steps: RunningState<Tensor<1>>,
}

/// Steps are counted in two parts, each exact in single precision.
const PART: u64 = 1 << 20;

impl Descent {
    fn kept(self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Momentum { .. } => 1,
            Self::Adam { .. } => 2,
        }
    }

    /// The memory before the first step.
    pub fn memory(self, plan: &Plan, learned: &[Parameter], device: &Device) -> DescentMemory {
        let zeros = |parameter: &Parameter| {
            let shape = match *parameter {
                Parameter::Weight(id) => {
                    let site = &plan.projection(id).site;
                    [site.pre, site.post]
                }
                Parameter::Bias(id) => [1, plan.populations[id].biases()],
            };
            (0..self.kept()).map(move |_| RunningState::new(Tensor::zeros(shape, device)))
        };
        DescentMemory {
            moments: learned.iter().flat_map(zeros).collect(),
            steps: RunningState::new(Tensor::zeros([2], device)),
        }
    }
}

/// A [`Descent`] under way.
#[derive(Clone, Debug)]
pub(crate) struct Descending {
    descent: Descent,
    moments: Vec<(Parameter, Vec<HostRows>)>,
    steps: u64,
}

impl Descending {
    /// Goes on from what was kept.
    ///
    /// # Panics
    ///
    /// If the memory is that of another descent.
    pub(crate) fn new(descent: Descent, learned: &[Parameter], memory: &DescentMemory) -> Self {
        let kept = descent.kept();
        assert_eq!(
            memory.moments.len(),
            kept * learned.len(),
            "the memory of this descent"
        );
        let mut values = memory.moments.iter().map(|state| {
            let value = state.value_sync().without_autodiff();
            HostRows::from_values(&value.to_values(), value.dims())
        });
        let moments = learned
            .iter()
            .map(|parameter| (*parameter, values.by_ref().take(kept).collect()))
            .collect();
        let steps: Vec<f32> = memory.steps.value_sync().into_data().iter().collect();
        Self {
            descent,
            moments,
            steps: steps[0] as u64 * PART + steps[1] as u64,
        }
    }

    /// Plain steps, which keep nothing.
    pub(crate) fn plain() -> Self {
        Self {
            descent: Descent::Plain,
            moments: Vec::new(),
            steps: 0,
        }
    }

    /// Puts what is kept into `memory`.
    pub(crate) fn keep_in(&self, memory: &DescentMemory) {
        let values = self.moments.iter().flat_map(|(_, values)| values);
        for (state, rows) in memory.moments.iter().zip(values) {
            put(state, TensorData::new(rows.to_values(), rows.dims()));
        }
        let steps = [self.steps / PART, self.steps % PART].map(|part| part as f32);
        put(&memory.steps, TensorData::from(steps));
    }

    /// A step begins.
    pub(crate) fn begin(&mut self) {
        self.steps += 1;
    }

    /// Changes one parameter, with the rate `η`.
    pub(crate) fn change(
        &mut self,
        network: &mut HostNetwork,
        parameter: Parameter,
        delta: Delta<HostRows>,
        rate: f64,
    ) {
        let moments = self.moments.iter_mut().find(|(of, _)| *of == parameter);
        let Some((_, moments)) = moments.filter(|(_, moments)| !moments.is_empty()) else {
            let delta = if rate == 1.0 {
                delta
            } else {
                delta.scale(rate)
            };
            network.change(parameter, &delta.products, &delta.weighted);
            return;
        };
        let Delta {
            products, weighted, ..
        } = delta;
        match self.descent {
            Descent::Plain => {}
            Descent::Momentum { momentum } => {
                let (momentum, rate) = (momentum as f32, rate as f32);
                let memory: &mut [HostRows; 1] = moments.as_mut_slice().try_into().expect("one");
                network.change_by(
                    parameter,
                    &products,
                    &weighted,
                    memory,
                    |weights, change, [kept]| {
                        vectorized(|| {
                            for ((weight, change), kept) in weights.iter_mut().zip(change).zip(kept)
                            {
                                *kept = momentum * *kept + change;
                                *weight += rate * *kept;
                            }
                        });
                    },
                );
            }
            Descent::Adam {
                beta_1,
                beta_2,
                epsilon,
                weight_decay,
            } => {
                let time = self.steps.min(i32::MAX as u64) as i32;
                let [corrected_1, corrected_2] = [beta_1, beta_2].map(|beta| 1.0 - beta.powi(time));
                let step = (rate * corrected_2.sqrt() / corrected_1) as f32;
                let epsilon = (epsilon * corrected_2.sqrt()) as f32;
                let left = (1.0 - rate * weight_decay) as f32;
                let [beta_1, beta_2] = [beta_1, beta_2].map(|beta| beta as f32);
                let memory: &mut [HostRows; 2] = moments.as_mut_slice().try_into().expect("two");
                network.change_by(
                    parameter,
                    &products,
                    &weighted,
                    memory,
                    |weights, change, [first, second]| {
                        vectorized(|| {
                            let kept = first.iter_mut().zip(second);
                            for ((weight, change), (first, second)) in
                                weights.iter_mut().zip(change).zip(kept)
                            {
                                *first = beta_1 * *first + (1.0 - beta_1) * change;
                                *second = beta_2 * *second + (1.0 - beta_2) * (change * change);
                                *weight =
                                    left * *weight + step * *first / (second.sqrt() + epsilon);
                            }
                        });
                    },
                );
            }
        }
    }
}

fn put<const D: usize>(state: &RunningState<Tensor<D>>, data: TensorData) {
    let device = state.value_sync().device();
    state.update(Tensor::from_data(data, &device));
    // A running state holds an update back until the next one; what is saved must be new.
    state.value_sync();
}

#[cfg(test)]
mod tests {
    use burn::{
        module::Module,
        optim::{AdamWConfig, ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
        tensor::Int,
    };
    use burn_dendrite_nn::Network;

    use super::*;
    use crate::{DendriticInhibition, EiNetworkConfig, HostTrainer, Learning, SomaticInhibition};

    const STEPS: usize = 6;
    const RATE: f64 = 0.01;

    /// Ways of learning whose steps are the optimizer's alone, and those where some are the rules' own.
    fn configs() -> [EiNetworkConfig; 2] {
        let config = EiNetworkConfig::new(12, [9, 7], 3).with_interneurons(2);
        let local = config
            .clone()
            .with_somatic_inhibition(SomaticInhibition::Learned)
            .with_dendritic_inhibition(DendriticInhibition::Learned);
        [config, local]
    }

    fn subject(config: &EiNetworkConfig) -> (Network, Learning, Tensor<2>, Tensor<2>) {
        let device = crate::test_device();
        let (spec, learning) = config.build();
        let network = spec.init(2, &device).unwrap();
        let learning = learning.check(network.plan()).unwrap();
        device.seed(1);
        let input = Tensor::random([12, 12], burn::tensor::Distribution::Default, &device);
        let classes: Vec<i32> = (0..12).map(|row| row % 3).collect();
        let target = Tensor::<1, Int>::from_ints(&classes[..], &device);
        (network, learning, input, target.one_hot::<2>(3).float())
    }

    /// The learned values after some steps by one of burn's optimizers.
    fn by_burn(config: &EiNetworkConfig, mut optimizer: ModuleOptimizer) -> Vec<f32> {
        let (network, learning, input, target) = subject(config);
        let memory = learning.memory(&network);
        let on_autodiff = network
            .plan()
            .spec
            .init(2, &crate::test_device().autodiff());
        let mut network = on_autodiff.unwrap().no_grad();
        for _ in 0..STEPS {
            let outcome = learning.run(&network, &memory, input.clone(), target.clone(), &mut ());
            let mut grads = outcome.into_grads(&network, &memory);
            network = learning.take_own_steps(network, &mut grads);
            network = optimizer.step(RATE, network, grads).constrained();
        }
        values(&network.valid(), &learning)
    }

    fn in_memory(config: &EiNetworkConfig, descent: Descent) -> Vec<f32> {
        let (network, learning, input, target) = subject(config);
        let memory = learning.memory(&network);
        let learned: Vec<Parameter> = learning.learned().collect();
        let kept = descent.memory(network.plan(), &learned, &crate::test_device());
        let mut network = network;
        for _ in 0..STEPS {
            // A trainer for each step: what it keeps is handed on.
            let mut trainer =
                HostTrainer::new(&network, &memory, &learning).descending_by(descent, &kept);
            trainer.step(&input.to_values(), &target.to_values(), RATE);
            trainer.keep_in(&kept);
            network = trainer.network(network);
        }
        values(&network, &learning)
    }

    fn values(network: &Network, learning: &Learning) -> Vec<f32> {
        let values = learning.learned().flat_map(|parameter| match parameter {
            Parameter::Weight(id) => network.weight(id).to_values(),
            Parameter::Bias(id) => {
                let bias = network.bias(id).unwrap();
                bias.unsqueeze::<2>().to_values()
            }
        });
        values.collect()
    }

    fn close(ours: &[f32], theirs: &[f32]) {
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() < 2e-5, "{ours} instead of {theirs}");
        }
    }

    #[test]
    fn adam_is_burns() {
        let ours = Descent::Adam {
            beta_1: 0.9,
            beta_2: 0.99,
            epsilon: 1e-6,
            weight_decay: 0.3,
        };
        let theirs = AdamWConfig::new()
            .with_beta_2(0.99)
            .with_epsilon(1e-6)
            .with_weight_decay(0.3);
        for config in configs() {
            close(&in_memory(&config, ours), &by_burn(&config, theirs.init()));
        }
    }

    #[test]
    fn momentum_is_burns() {
        let ours = Descent::Momentum { momentum: 0.9 };
        let momentum = MomentumConfig::new().with_momentum(0.9).with_dampening(0.0);
        let theirs = SgdConfig::new().with_momentum(Some(momentum));
        for config in configs() {
            close(&in_memory(&config, ours), &by_burn(&config, theirs.init()));
        }
    }
}
