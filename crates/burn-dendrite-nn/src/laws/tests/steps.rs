//! What steps, decay, clipping and averages do to laws.

use burn::{
    grad_clipping::GradientClippingConfig,
    module::{ModuleMapper, ModuleVisitor},
    optim::{
        AdamWConfig, GradientsParams, ModuleOptimizer, SgdConfig, decay::WeightDecayConfig,
        momentum::MomentumConfig,
    },
};

use super::*;

/// One law of each kind on a weight of two by two.
fn governed(device: &Device) -> Lawful<Linear, 2> {
    let law = dale(device)
        .with_mask(Tensor::from_data(
            TensorData::from([[true, true], [false, true]]),
            device,
        ))
        .with_bounds(-3.0, 3.0)
        .with_fan_in_sum(2.0, 1);
    obey_laws(Lawful::new(linear(device)).with_law(|it| Some(&it.weight), law))
}

/// A step against the gradient of the sum of all outputs, for which each weight should fall by the
/// same amount.
fn step(optimizer: &mut ModuleOptimizer, model: Lawful<Linear, 2>, rate: f64) -> Lawful<Linear, 2> {
    let device = test_device().autodiff();
    // Tracked, so that there is a backward pass where all weights are frozen.
    let input = Tensor::<2>::ones([1, 2], &device).require_grad();
    let loss = model.forward(input).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    optimizer.step(rate, model, gradients)
}

#[test]
fn decay_and_clipping_break_laws_and_projection_restores_them() {
    let device = test_device().autodiff();
    let decay = WeightDecayConfig::new(0.5);
    for (name, mut optimizer) in [
        (
            "decay",
            SgdConfig::new().with_weight_decay(Some(decay)).init(),
        ),
        (
            "decoupled decay",
            AdamWConfig::new().with_weight_decay(0.5).init(),
        ),
        (
            "momentum, clipped by norm",
            SgdConfig::new()
                .with_momentum(Some(MomentumConfig::new()))
                .with_gradient_clipping(Some(GradientClippingConfig::Norm(0.1)))
                .init(),
        ),
        (
            "clipped by value",
            SgdConfig::new()
                .with_gradient_clipping(Some(GradientClippingConfig::Value(0.1)))
                .init(),
        ),
    ] {
        let mut model = governed(&device);
        for _ in 0..5 {
            model = step(&mut optimizer, model, 0.1);
            assert!(count_violations(&model) > 0, "{name}");
            model = obey_laws(model);
            assert_eq!(check_laws(&model), Ok(()), "{name}");
        }
    }
}

#[test]
fn decay_alone_keeps_signs_and_missing_synapses() {
    // w ← w·(1 − 0.1·0.5), in which nothing crosses zero.
    let device = test_device().autodiff();
    let mut optimizer = SgdConfig::new()
        .with_weight_decay(Some(WeightDecayConfig::new(0.5)))
        .init();
    let model = obey_laws(lawful(&device));
    let loss = (model.weight.val() * 0.0).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let model = optimizer.step(0.1, model, gradients);
    assert_eq!(values(model.weight.val()), [0.95, 0.0, 0.0, -3.8]);
    assert_eq!(count_violations(&model), 0);
}

#[test]
fn frozen_weights_are_under_law_and_no_step_moves_them() {
    let device = test_device().autodiff();
    let model = obey_laws(lawful(&device)).freeze();
    let mut optimizer = SgdConfig::new().init();
    let model = obey_laws(step(&mut optimizer, model, 1.0));
    assert_eq!(values(model.weight.val()), [1.0, 0.0, 0.0, -4.0]);
    assert!(!model.weight.is_require_grad());
    // Frozen before it was lawful, it is judged and made lawful like any other.
    let model = lawful(&device).freeze();
    assert_eq!(count_violations(&model), 2);
    let model = obey_laws(model);
    assert_eq!(values(model.weight.val()), [1.0, 0.0, 0.0, -4.0]);
    assert!(!model.weight.is_require_grad());
}

/// The weights of a model, moved a part of the way to those of another: an average over steps.
struct Towards(Vec<Tensor<2>>, f64);

impl ModuleVisitor for Towards {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.0.push(parameter.val().reshape([2, 2]));
    }
}

impl ModuleMapper for Towards {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let other = self.0.remove(0).reshape(parameter.shape());
        parameter.map(|weight| weight.clone() + (other - weight) * self.1)
    }
}

#[test]
fn averages_of_lawful_models_are_lawful() {
    let device = test_device();
    let other = |weight: [[f32; 2]; 2]| {
        let mut model = governed(&device);
        model.weight = Param::from_tensor(Tensor::from_floats(weight, &device));
        obey_laws(model)
    };
    let mut average = other([[2.0, 1.0], [1.0, -0.5]]);
    for weight in [[[0.1, 0.0], [0.0, -7.0]], [[3.0, 4.0], [5.0, 6.0]]] {
        let mut towards = Towards(Vec::new(), 0.25);
        other(weight).visit(&mut towards);
        average = average.map(&mut towards);
        assert_eq!(check_laws(&average), Ok(()));
    }
}

#[test]
fn a_quantised_model_says_which_laws_rounding_breaks() {
    // Rounding to 127ths of the largest weight keeps signs, zeros and bounds, but no sum.
    let device = test_device();
    let scheme = device
        .settings()
        .quantization
        .scheme
        .with_value(QuantValue::Q8S);
    let quantised = |law: Law<2>| {
        let values: Vec<f32> = (0..1024).map(|at| (at as f32 * 0.37).sin()).collect();
        let values = Tensor::from_data(TensorData::new(values, [32, 32]), &device);
        let layer = Linear {
            weight: Param::from_tensor(values),
            bias: None,
        };
        let layer = obey_laws(Lawful::new(layer).with_law(|it| Some(&it.weight), law));
        let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
        let layer = layer.quantize_weights(&mut quantizer);
        // Nothing is done to it.
        count_violations(&obey_laws(layer))
    };
    let signs = Signs::excitatory_first(32, 0.25);
    let dale = || Law::<2>::new().with_signs(&signs, 0, &device);
    assert_eq!(quantised(dale().without_autapses(32, &device)), 0);
    assert!(quantised(dale().with_fan_in_sum(1.0, 1)) > 0);
}
