//! Exponentiated gradient: multiplicative steps that never change a sign.

use burn::{
    config::Config,
    grad_clipping::GradientClippingConfig,
    optim::{
        LearningRate, ModuleOptimizer, Optimizer, SgdState,
        momentum::{Momentum, MomentumConfig},
    },
    tensor::{Device, Tensor},
};

/// Configuration to create an [`ExponentiatedGradient`] optimizer.
#[derive(Config, Debug)]
pub struct ExponentiatedGradientConfig {
    /// Momentum of the gradient; none unless given.
    pub momentum: Option<MomentumConfig>,
    /// Clipping of the gradient; none unless given.
    pub gradient_clipping: Option<GradientClippingConfig>,
}

/// Gradient descent on the logarithm of each weight's size.
///
/// ```text
/// w ← w · exp(−η · sign(w) · g)
/// ```
///
/// `g` gradient, with its momentum if there is one; `η` learning rate. A step is as large as the weight
/// is, so signs never change and Dale's law holds without a projection; a weight of zero stays zero.
/// Sizes that start log-normal stay so, and strong synapses decide what is learned.
///
/// Silent synapses cannot come back, so layers should start without any (as with
/// `HalfKaiming`), and parameters that start at zero, such as biases, need an optimizer of their own:
///
/// ```
/// use burn::{
///     module::ParamGroup,
///     optim::{ModuleOptimizer, SgdConfig},
/// };
/// use burn_dendrite_optim::ExponentiatedGradientConfig;
///
/// let optimizer: ModuleOptimizer = ExponentiatedGradientConfig::new().init();
/// let optimizer = optimizer.with_group(
///     ParamGroup::from_predicate("bias"),
///     SgdConfig::new().build(),
///     None,
/// );
/// ```
///
/// Kivinen and Warmuth, *Exponentiated gradient versus gradient descent for linear predictors* (1997);
/// for networks with the signs of Dale's law: Cornford, Pogodin, Ghosh, Sheng, Bicknell, Codol, Clark,
/// Lajoie and Richards, *Brain-like learning with exponentiated gradients* (2024).
#[derive(Clone)]
pub struct ExponentiatedGradient {
    momentum: Option<Momentum>,
}

impl std::fmt::Debug for ExponentiatedGradient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExponentiatedGradient")
            .field("momentum", &self.momentum.is_some())
            .finish()
    }
}

impl ExponentiatedGradientConfig {
    /// The bare optimizer, for one group of parameters of a [`ModuleOptimizer`].
    pub fn build(&self) -> ExponentiatedGradient {
        ExponentiatedGradient {
            momentum: self.momentum.as_ref().map(Momentum::new),
        }
    }

    /// The optimizer of a whole model, with the clipping that is configured.
    pub fn init(&self) -> ModuleOptimizer {
        let optimizer = ModuleOptimizer::from(self.build());
        match &self.gradient_clipping {
            Some(clipping) => optimizer.with_grad_clipping(clipping.init()),
            None => optimizer,
        }
    }
}

impl Optimizer for ExponentiatedGradient {
    /// That of burn's gradient descent: the momentum so far.
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        weight: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let before = state.and_then(|state| state.momentum);
        let (gradient, momentum) = match &self.momentum {
            Some(momentum) => {
                let (gradient, state) = momentum.transform(gradient, before);
                (gradient, Some(state))
            }
            None => (gradient, None),
        };
        let exponent = gradient * weight.clone().sign() * -rate;
        (weight * exponent.exp(), Some(SgdState { momentum }))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        SgdState {
            momentum: state.momentum.map(|momentum| momentum.to_device(device)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::{
        module::{Module, Param},
        optim::GradientsParams,
        tensor::{Distribution, TensorData, Tolerance},
    };
    use burn_dendrite_nn::{
        init::HalfKaiming,
        laws::count_violations,
        layers::{DaleLinear, DaleLinearConfig},
    };

    #[derive(Module, Debug)]
    struct Weights {
        weight: Param<Tensor<1>>,
    }

    fn weights() -> Weights {
        let device = crate::test_device().autodiff();
        Weights {
            weight: Param::from_tensor(Tensor::from_floats([2.0, -1.0, 0.0], &device)),
        }
    }

    fn step(optimizer: &mut ModuleOptimizer, model: Weights, rate: f64) -> Weights {
        // dL/dw = (1, 1, 1)
        let gradients = model.weight.val().sum().backward();
        let gradients = GradientsParams::from_grads(gradients, &model);
        optimizer.step(rate, model, gradients)
    }

    fn assert_weights(model: &Weights, expected: [f32; 3]) {
        let tolerance = Tolerance::<f32>::rel_abs(1e-6, 1e-6);
        let values = model.weight.val().into_data();
        values.assert_approx_eq::<f32>(&TensorData::from(expected), tolerance);
    }

    #[test]
    fn a_step_multiplies_and_zero_stays_zero() {
        let mut optimizer = ExponentiatedGradientConfig::new().init();
        let model = step(&mut optimizer, weights(), 0.5);
        // 2 · exp(−0.5), −1 · exp(0.5)
        assert_weights(&model, [1.213_061_3, -1.648_721_3, 0.0]);
    }

    #[test]
    fn momentum_accumulates_the_gradient_and_is_recorded() {
        let momentum = MomentumConfig::new().with_momentum(0.5).with_dampening(0.0);
        let config = ExponentiatedGradientConfig::new().with_momentum(Some(momentum));
        let mut optimizer = config.init();
        let model = step(&mut optimizer, weights(), 0.1);
        let mut resumed = config.init().load_record(optimizer.to_record());
        // Steps of 0.1 · 1 and 0.1 · 1.5 of the logarithm.
        let expected = [2.0 * (-0.25f32).exp(), -(0.25f32).exp(), 0.0];
        assert_weights(&step(&mut optimizer, model.clone(), 0.1), expected);
        assert_weights(&step(&mut resumed, model, 0.1), expected);
    }

    #[test]
    fn dales_law_holds_without_a_projection_while_a_layer_learns() {
        let device = crate::test_device().autodiff();
        let config = DaleLinearConfig::new(6, 3)
            .with_seed(Some(4))
            .with_bias(false);
        let initializer = Some(HalfKaiming { scale: 1.0 }.into());
        let mut layer: DaleLinear = config.with_initializer(initializer).init(&device);
        let mut optimizer = ExponentiatedGradientConfig::new().init();
        let input = Tensor::<2>::random([32, 6], Distribution::Uniform(0.0, 1.0), &device);
        let mut losses = Vec::new();
        for _ in 0..200 {
            let loss = (layer.forward(input.clone()) - 0.5).powi_scalar(2).mean();
            losses.push(loss.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(loss.backward(), &layer);
            layer = optimizer.step(0.5, layer, gradients);
            assert_eq!(count_violations(&layer), 0);
        }
        assert!(
            losses[199] < 0.2 * losses[0],
            "{} to {}",
            losses[0],
            losses[199]
        );
    }
}
