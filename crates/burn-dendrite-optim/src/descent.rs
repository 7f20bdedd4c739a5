//! How changes become steps of the weights in main memory.

use burn::{
    module::{Module, RunningState},
    tensor::{Device, Tensor, TensorData},
};
use burn_dendrite_nn::{
    HostNetwork, Parameter, Plan,
    numbers::{Bounds, HostRows, Rows, vectorized},
};

use crate::{Clipping, Delta, RmsProp, StochasticGradient, delta::shape};

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
    /// Stochastic gradient descent with all its options.
    StochasticGradient(StochasticGradient),
    /// RMSprop.
    RmsProp(RmsProp),
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
            Self::Momentum { .. } | Self::StochasticGradient(_) => 1,
            Self::Adam { .. } => 2,
            Self::RmsProp(descent) => descent.kept(),
        }
    }

    /// The memory before the first step.
    pub fn memory(self, plan: &Plan, learned: &[Parameter], device: &Device) -> DescentMemory {
        let zeros = |parameter: &Parameter| {
            let shape = shape(plan, *parameter);
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
    clipping: Option<Clipping>,
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
            clipping: None,
            moments,
            steps: steps[0] as u64 * PART + steps[1] as u64,
        }
    }

    /// Plain steps, which keep nothing.
    pub(crate) fn plain() -> Self {
        Self {
            descent: Descent::Plain,
            clipping: None,
            moments: Vec::new(),
            steps: 0,
        }
    }

    /// The same, with changes that are clipped first.
    pub(crate) fn clipping_by(self, clipping: Option<Clipping>) -> Self {
        Self { clipping, ..self }
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
        let (delta, bounds) = match self.clipping {
            None => (delta, Bounds::NONE),
            Some(clipping) => {
                let whole = || network.squared_length(parameter, delta.within(Bounds::NONE));
                let factor = clipping.factor(|| whole().sqrt());
                (scaled(delta, factor), clipping.bounds())
            }
        };
        let moments = self.moments.iter_mut().find(|(of, _)| *of == parameter);
        let Some((_, moments)) = moments.filter(|(_, moments)| !moments.is_empty()) else {
            let delta = scaled(delta, rate);
            network.change(parameter, delta.within(bounds.scaled(rate)));
            return;
        };
        let change = delta.within(bounds);
        match self.descent {
            Descent::StochasticGradient(descent) => {
                let memory = moments.as_mut_slice().try_into().expect("one");
                return descent.change(network, parameter, change, memory, rate, self.steps);
            }
            Descent::RmsProp(descent) => {
                return descent.change(network, parameter, change, moments, rate);
            }
            Descent::Plain | Descent::Momentum { .. } | Descent::Adam { .. } => {}
        }
        match self.descent {
            Descent::Plain | Descent::StochasticGradient(_) | Descent::RmsProp(_) => {}
            Descent::Momentum { momentum } => {
                let (momentum, rate) = (momentum as f32, rate as f32);
                let memory: &mut [HostRows; 1] = moments.as_mut_slice().try_into().expect("one");
                network.change_by(parameter, change, memory, |weights, change, [kept]| {
                    vectorized(|| {
                        for ((weight, change), kept) in weights.iter_mut().zip(change).zip(kept) {
                            *kept = momentum * *kept + change;
                            *weight += rate * *kept;
                        }
                    });
                });
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
                    change,
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

/// The change times `factor`.
fn scaled(delta: Delta<HostRows>, factor: f64) -> Delta<HostRows> {
    if factor == 1.0 {
        delta
    } else {
        delta.scale(factor)
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
        optim::{
            AdamWConfig, ModuleOptimizer, RmsPropConfig, SgdConfig, decay::WeightDecayConfig,
            momentum::MomentumConfig,
        },
        tensor::Int,
    };
    use burn_dendrite_nn::{Network, NetworkSpec};

    use super::*;
    use crate::{
        DendriticInhibition, Divisor, EiNetworkConfig, HostTrainer, Learning, Lookahead,
        MapWeights, SomaticInhibition,
    };

    const STEPS: usize = 6;
    const RATE: f64 = 0.01;

    /// Ways of learning whose steps are the optimizer's alone, and those where some are the rules' own; maps
    /// that share their weights and maps that do not.
    fn configs() -> [EiNetworkConfig; 4] {
        let config = EiNetworkConfig::new(12, [9, 7], 3).with_interneurons(2);
        let local = config
            .clone()
            .with_somatic_inhibition(SomaticInhibition::Learned)
            .with_dendritic_inhibition(DendriticInhibition::Learned);
        let maps = EiNetworkConfig::new([1, 3, 4], [5], 3)
            .with_maps([2])
            .with_kernels([3])
            .with_pools([1])
            .with_interneurons(2);
        let windows = maps.clone().with_weights(MapWeights::Local);
        [config, local, maps, windows]
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

    /// The same by the call that ends a step with an optimizer.
    fn in_one_call(config: &EiNetworkConfig, mut optimizer: ModuleOptimizer) -> Vec<f32> {
        let (mut network, learning, input, target) = subject(config);
        let memory = learning.memory(&network);
        for _ in 0..STEPS {
            let outcome = learning.run(&network, &memory, input.clone(), target.clone(), &mut ());
            network = outcome.optimize(&mut optimizer, RATE, network, &memory);
        }
        values(&network, &learning)
    }

    fn in_memory(config: &EiNetworkConfig, descent: Descent) -> Vec<f32> {
        clipped(config, descent, None)
    }

    fn clipped(config: &EiNetworkConfig, descent: Descent, clipping: Option<Clipping>) -> Vec<f32> {
        let (network, learning, input, target) = subject(config);
        let memory = learning.memory(&network);
        let learned: Vec<Parameter> = learning.learned().collect();
        let kept = descent.memory(network.plan(), &learned, &crate::test_device());
        let mut network = network;
        for _ in 0..STEPS {
            // A trainer for each step: what it keeps is handed on.
            let mut trainer = HostTrainer::new(&network, &memory, &learning)
                .descending_by(descent, &kept)
                .clipping_by(clipping);
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
            epsilon: 1e-3,
            weight_decay: 0.3,
        };
        let theirs = AdamWConfig::new()
            .with_beta_2(0.99)
            .with_epsilon(1e-3)
            .with_weight_decay(0.3);
        for config in configs() {
            let expected = by_burn(&config, theirs.init());
            close(&in_memory(&config, ours), &expected);
            close(&in_one_call(&config, theirs.init()), &expected);
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

    const NESTEROV: StochasticGradient = StochasticGradient {
        momentum: 0.9,
        dampening: 0.5,
        lookahead: Lookahead::Nesterov,
        weight_decay: 0.2,
    };

    const RMS_PROP: RmsProp = RmsProp {
        alpha: 0.5,
        momentum: 0.9,
        epsilon: 0.1,
        divisor: Divisor::RootMeanSquare,
        weight_decay: 0.0,
    };

    #[test]
    fn stochastic_gradient_descent_is_burns() {
        for (momentum, dampening, lookahead, weight_decay) in [
            (0.9, 0.5, Lookahead::Nesterov, 0.2),
            (0.5, 0.1, Lookahead::None, 0.0),
            (0.0, 0.0, Lookahead::None, 3.0),
        ] {
            let ours = Descent::StochasticGradient(StochasticGradient {
                momentum,
                dampening,
                lookahead,
                weight_decay,
            });
            let momentum = MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(dampening)
                .with_nesterov(lookahead == Lookahead::Nesterov);
            let theirs = SgdConfig::new()
                .with_momentum(Some(momentum))
                .with_weight_decay(Some(WeightDecayConfig::new(weight_decay as f32)));
            for config in configs() {
                close(&in_memory(&config, ours), &by_burn(&config, theirs.init()));
            }
        }
    }

    #[test]
    fn rms_prop_is_burns() {
        for (momentum, divisor, weight_decay) in [
            (0.9, Divisor::RootMeanSquare, 0.1),
            (0.0, Divisor::RootMeanSquare, 0.0),
            (0.5, Divisor::Deviation, 0.0),
        ] {
            let ours = Descent::RmsProp(RmsProp {
                alpha: 0.9,
                epsilon: 0.01,
                momentum,
                divisor,
                weight_decay,
            });
            let theirs = RmsPropConfig::new()
                .with_alpha(0.9)
                .with_epsilon(0.01)
                .with_momentum(momentum as f32)
                .with_centered(divisor == Divisor::Deviation)
                .with_weight_decay(Some(WeightDecayConfig::new(weight_decay as f32)));
            for config in configs() {
                close(&in_memory(&config, ours), &by_burn(&config, theirs.init()));
            }
        }
    }

    #[test]
    fn clipped_changes_are_burns() {
        for clipping in [
            Clipping::Value { largest: 0.001 },
            Clipping::Norm { largest: 0.01 },
        ] {
            let theirs = || SgdConfig::new().with_gradient_clipping(Some(clipping.for_burn()));
            for config in configs() {
                let ours = clipped(&config, Descent::Plain, Some(clipping));
                close(&ours, &by_burn(&config, theirs().init()));
                assert_ne!(ours, in_memory(&config, Descent::Plain), "it clips");
            }
        }
    }

    #[test]
    fn decay_beyond_zero_leaves_every_sign_as_it_is() {
        for config in configs() {
            // A step takes twice of each weight away.
            let descent = StochasticGradient {
                weight_decay: 2.0 / RATE,
                ..StochasticGradient::default()
            };
            let (network, ..) = subject(&config);
            let values = in_memory(&config, Descent::StochasticGradient(descent));
            assert!(
                values.contains(&0.0),
                "some weights would have changed their sign"
            );
            // No inhibitory cell has learned weights that are negative in memory: signs are kept apart.
            let signs = self::values(&network, &subject(&config).1);
            let crossed = |(before, after): (&f32, &f32)| before * after < 0.0;
            assert!(!signs.iter().zip(&values).any(crossed));
        }
    }

    /// The only weight of a network, 0.5 at first, after each of these changes at a rate of 0.1.
    fn course(descent: Descent, changes: &[f32]) -> Vec<f32> {
        let spec: NetworkSpec = serde_json::from_value(serde_json::json!({
            "tau": 2.0, "steps": 3,
            "population": [
                { "name": "Input.E", "size": 1, "cell": "excitatory" },
                { "name": "Output.E", "size": 1, "cell": "excitatory" }],
            "projection": [
                { "name": "Output.E<-Input.E", "weight": { "kind": "constant", "value": 0.5 } }],
        }))
        .unwrap();
        let device = crate::test_device();
        let network = spec.init(1, &device).unwrap();
        let weight = Parameter::Weight(burn_dendrite_nn::ProjectionId(0));
        let memory = descent.memory(network.plan(), &[weight], &device);
        let mut descending = Descending::new(descent, &[weight], &memory);
        let mut host = HostNetwork::new(&network);
        let row = |value: f32| HostRows::from_values(&[value], [1, 1]);
        changes
            .iter()
            .map(|change| {
                descending.begin();
                let delta = Delta::outer(row(1.0), row(*change));
                descending.change(&mut host, weight, delta, 0.1);
                host.parameter(weight)[0]
            })
            .collect()
    }

    #[test]
    fn three_steps_by_hand() {
        // g = 0.2, 0.1924, −0.2164196; v = 0.2, 0.2762, 0.1403702; steps 0.38, 0.44098, −0.0900864.
        let nesterov = course(Descent::StochasticGradient(NESTEROV), &[0.3, 0.3, -0.1]);
        close(&nesterov, &[0.538, 0.582_098, 0.573_089_4]);
        // s = 0.02, 0.09, 0.065; b = 0.8284271, 1.7455844, 1.0075679.
        let rms_prop = course(Descent::RmsProp(RMS_PROP), &[0.2, 0.4, -0.2]);
        close(&rms_prop, &[0.582_842_7, 0.757_401_2, 0.858_157_9]);
        // s − m² = 0.02 − 0.01, 0.09 − 0.0625; b = 1, 1.5047140.
        let centred = RmsProp {
            divisor: Divisor::Deviation,
            momentum: 0.0,
            ..RMS_PROP
        };
        close(
            &course(Descent::RmsProp(centred), &[0.2, 0.4]),
            &[0.6, 0.750_471_4],
        );
        // Equal changes: each step adds η whatever their size, after a twentieth has decayed.
        let adam = Descent::Adam {
            beta_1: 0.9,
            beta_2: 0.99,
            epsilon: 1e-8,
            weight_decay: 0.5,
        };
        close(&course(adam, &[0.2; 3]), &[0.575, 0.646_25, 0.713_937_5]);
    }

    #[test]
    fn changes_are_clipped_by_hand() {
        let clip = |clipping: Clipping, change: f32| {
            let (network, ..) = subject(&configs()[0]);
            let mut host = HostNetwork::new(&network);
            let weight = Parameter::Weight(burn_dendrite_nn::ProjectionId(0));
            let [rows, columns] = shape(network.plan(), weight);
            // Weights of 1, of which two change, by `change` and −4.
            host.replace(weight, |weights| HostRows::full(weights.dims(), 1.0));
            let mut pre = vec![0.0; 2 * rows];
            (pre[0], pre[rows + 1]) = (1.0, 1.0);
            let mut post = vec![0.0; 2 * columns];
            (post[0], post[columns + 1]) = (change, -4.0);
            let delta = Delta::outer(
                HostRows::from_values(&pre, [2, rows]),
                HostRows::from_values(&post, [2, columns]),
            );
            let mut descending = Descending::plain().clipping_by(Some(clipping));
            descending.change(&mut host, weight, delta, 0.1);
            let values = host.parameter(weight);
            [values[0], values[columns + 1], values[1]]
        };
        let largest = 1.0;
        close(&clip(Clipping::Value { largest }, 0.5), &[1.05, 0.9, 1.0]);
        // |(3, −4)| = 5.
        let largest = 2.5;
        close(&clip(Clipping::Norm { largest }, 3.0), &[1.15, 0.8, 1.0]);
        let largest = 5.5;
        close(&clip(Clipping::Norm { largest }, 3.0), &[1.3, 0.6, 1.0]);
    }
}
