//! Laws over parameters of any module.

use std::{
    panic::AssertUnwindSafe,
    sync::{Mutex, OnceLock},
};

use burn::{
    module::{Lora, Module, Param, Quantizer},
    nn::{Linear, LinearConfig, LinearLayout},
    tensor::{
        DType, Device, Tensor, TensorData,
        quantization::{Calibration, QuantValue},
    },
};

use super::{law::unlawful, *};
use crate::{NetworkSpec, ProjectionId, layers::DaleLinearConfig, test_device};

mod steps;

fn linear(device: &Device) -> Linear {
    let weight = Tensor::from_floats([[1.0, -2.0], [3.0, -4.0]], device);
    Linear {
        weight: Param::from_tensor(weight),
        bias: None,
    }
}

fn dale(device: &Device) -> Law<2> {
    Law::new().with_signs(&Signs::excitatory_first(2, 0.5), 0, device)
}

fn lawful(device: &Device) -> Lawful<Linear, 2> {
    Lawful::new(linear(device)).with_law(|it| Some(&it.weight), dale(device))
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

#[test]
fn each_part_of_a_law_does_what_its_equation_says() {
    let device = test_device();
    let project = |law: Law<2>| {
        let weight = Tensor::from_floats([[1.0, -2.0], [3.0, -4.0]], &device);
        values(law.project(weight))
    };
    assert_eq!(project(Law::new()), [1.0, -2.0, 3.0, -4.0]);
    assert_eq!(project(dale(&device)), [1.0, 0.0, 0.0, -4.0]);
    let by_column = Law::new().with_signs(&Signs::excitatory_first(2, 0.5), 1, &device);
    assert_eq!(project(by_column), [1.0, -2.0, 3.0, -4.0]);
    let free = [crate::CellType::Unconstrained, crate::CellType::Inhibitory];
    let free = Law::new().with_signs(&free.into_iter().collect(), 0, &device);
    assert_eq!(project(free), [1.0, -2.0, 0.0, -4.0]);
    assert_eq!(
        project(Law::new().with_bounds(-2.5, 2.0)),
        [1.0, -2.0, 2.0, -2.5]
    );
    assert_eq!(
        project(Law::new().without_autapses(2, &device)),
        [0.0, -2.0, 3.0, 0.0]
    );
    assert_eq!(
        project(Law::new().with_fan_in_sum(2.0, 1)),
        [0.5, -2.0 / 3.0, 1.5, -4.0 / 3.0]
    );
    let all = dale(&device)
        .without_autapses(2, &device)
        .with_fan_in_sum(1.0, 1);
    assert_eq!(project(all), [0.0, 0.0, 0.0, 0.0]);
    assert_eq!(
        project(Law::new().with_projection(|it| it.clamp_min(-1.0))),
        [1.0, -1.0, 3.0, -1.0]
    );
}

#[test]
fn a_parameter_of_a_burn_layer_obeys() {
    let layer = lawful(&test_device());
    assert_eq!(count_violations(&layer), 2);
    let error = check_laws(&layer).unwrap_err().to_string();
    assert_eq!(error, "weights break their laws: 2 of 4 in `weight`");
    let layer = obey_laws(layer);
    assert_eq!(values(layer.weight.val()), [1.0, 0.0, 0.0, -4.0]);
    assert_eq!(check_laws(&layer), Ok(()));
}

#[test]
fn a_replaced_parameter_is_still_under_law() {
    let device = test_device();
    let mut layer = obey_laws(lawful(&device));
    layer.weight = Param::from_tensor(Tensor::from_floats([[-1.0, 1.0], [1.0, 1.0]], &device));
    assert_eq!(count_violations(&layer), 3);
    assert_eq!(count_violations(&obey_laws(layer)), 0);

    let mut layer = DaleLinearConfig::new(3, 2).init(&device);
    *layer.magnitude = Param::from_tensor(-Tensor::ones([3, 2], &device));
    assert_eq!(check_laws(&layer).unwrap_err().0[0].path, "magnitude");
    assert_eq!(count_violations(&obey_laws(layer)), 0);
}

#[test]
fn layers_that_are_called_like_ours_are_left_alone() {
    #[derive(Module, Debug)]
    struct DaleLinear {
        inner: Linear,
    }
    #[derive(Module, Debug)]
    struct Lawful {
        magnitude: Linear,
    }
    // Such a layer stores its weights transposed and has a load mapper, which is not ours to call.
    let config = LinearConfig::new(3, 2).with_layout(LinearLayout::Col);
    let inner = config.init(&test_device());
    let before = inner.weight.val().into_data();
    let model = DaleLinear {
        inner: inner.clone(),
    };
    let model = obey_laws((model, Lawful { magnitude: inner }));
    assert_eq!(model.0.inner.weight.val().into_data(), before);
    assert_eq!(model.1.magnitude.weight.val().into_data(), before);
    assert_eq!(count_violations(&model), 0);
}

#[test]
fn a_bare_network_is_covered() {
    let spec: NetworkSpec = toml::from_str(
        r#"
        tau = 3.0
        steps = 2
        population = [
            { name = "Input.E", size = 3, cell = "excitatory" },
            { name = "H.E", size = 2, cell = "excitatory", bias = { init = { kind = "constant", value = 0.0 }, lower = 0.0 } },
            { name = "H.I", size = 2, cell = "inhibitory" },
        ]
        projection = [
            { name = "H.E<-Input.E", weight = { kind = "half_kaiming" } },
            { name = "H.E<-H.I", timing = "previous", weight = { kind = "half_kaiming" } },
            { name = "H.I<-H.E", weight = { kind = "half_kaiming" }, constraints = [{ kind = "fan_in_sum", total = 2.0 }] },
            { name = "H.I<-H.I", timing = "previous", weight = { kind = "half_kaiming" }, constraints = [{ kind = "no_autapses" }] },
        ]
        "#,
    )
    .unwrap();
    let device = test_device();
    let network = spec.init(1, &device).unwrap();
    assert_eq!(check_laws(&network), Ok(()), "sums are met up to rounding");
    let network = network
        .with_weight(ProjectionId(1), Tensor::ones([2, 2], &device))
        .with_weight(ProjectionId(3), -Tensor::ones([2, 2], &device))
        .with_bias(crate::PopulationId(1), -Tensor::ones([2], &device));
    let violations = check_laws(&network).unwrap_err().0;
    let found: Vec<(&str, usize)> = violations
        .iter()
        .map(|it| (it.path.as_str(), it.count))
        .collect();
    assert_eq!(
        found,
        [
            ("populations.1.bias", 2),
            ("projections.1.weight", 4),
            ("projections.3.weight", 2)
        ]
    );
    let (by_walk, by_network) = (obey_laws(network.clone()), network.constrained());
    for id in (0..4).map(ProjectionId) {
        let expected = by_network.weight(id).into_data();
        by_walk.weight(id).into_data().assert_eq(&expected, true);
    }
}

#[test]
fn low_rank_adapters_are_judged_by_what_the_layer_uses_and_not_projected() {
    let device = test_device();
    let layer = obey_laws(DaleLinearConfig::new(4, 3).init(&device));
    let mut adapted = layer.apply_lora(Lora::new(2, 4.0));
    assert_eq!(count_violations(&adapted), 0, "adapters start at zero");
    let adapter = adapted.magnitude.adapter().unwrap().clone();
    adapted = adapted.map(&mut Set {
        a: adapter.a.id,
        b: adapter.b.id,
    });
    assert_eq!(count_violations(&adapted), 12);
    let refused = std::panic::catch_unwind(AssertUnwindSafe(|| obey_laws(adapted.clone())));
    let message = *refused.unwrap_err().downcast::<String>().unwrap();
    assert!(
        message.contains("`magnitude` is under law and carries"),
        "{message}"
    );
    // What was said to one walk is forgotten by the next, also after a panic.
    let plain = linear(&device);
    assert_eq!(count_violations(&plain), 0);
    let merged = adapted.materialize();
    assert_eq!(count_violations(&obey_laws(merged)), 0);
}

/// Sets both factors of an adapter so that their product is far below zero.
struct Set {
    a: burn::module::ParamId,
    b: burn::module::ParamId,
}

impl burn::module::ModuleMapper for Set {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = match parameter.id {
            id if id == self.a => 10.0,
            id if id == self.b => -10.0,
            _ => return parameter,
        };
        parameter.map(|it| it.zeros_like() + value)
    }
}

#[test]
fn by_construction_the_weight_that_is_used_is_lawful() {
    let device = test_device().autodiff();
    let layer = lawful(&device).apply_reparameterization(ByConstruction::default());
    assert_eq!(values(layer.weight.base()), [1.0, -2.0, 3.0, -4.0]);
    assert_eq!(values(layer.weight.val()), [1.0, 0.0, 0.0, -4.0]);
    assert_eq!(count_violations(&layer), 0);
    // x = (1, 1): dL/dW is 1 everywhere, and passes where the projection changed nothing.
    let output = layer.forward(Tensor::<2>::ones([1, 2], &device));
    assert_eq!(values(output.clone()), [1.0, -4.0]);
    let gradients = output.sum().backward();
    let gradient = layer.weight.base().grad(&gradients).unwrap();
    assert_eq!(values(gradient), [1.0, 0.0, 0.0, 1.0]);
    // It survives validation and training, `obey_laws` leaves what is stored, and it can be made final.
    let layer = obey_laws(layer.valid().train());
    assert_eq!(values(layer.weight.val()), [1.0, 0.0, 0.0, -4.0]);
    assert_eq!(values(layer.weight.base()), [1.0, -2.0, 3.0, -4.0]);
    let merged = layer.valid().materialize();
    assert_eq!(values(merged.weight.val()), [1.0, 0.0, 0.0, -4.0]);
}

#[test]
fn straight_through_a_silent_weight_feels_its_gradient() {
    let device = test_device().autodiff();
    let way = ByConstruction {
        gradient: LawGradient::StraightThrough,
    };
    let mut layer = lawful(&device).apply_reparameterization(way);
    assert_eq!(values(layer.weight.val()), [1.0, 0.0, 0.0, -4.0]);
    // x = (1, 2), L = Σ y: dL/dW is 1 in the first row and 2 in the second.
    let input = || Tensor::<2>::from_floats([[1.0, 2.0]], &device);
    let gradients = layer.forward(input()).sum().backward();
    let gradient = layer.weight.base().grad(&gradients).unwrap();
    assert_eq!(values(gradient), [1.0, 1.0, 2.0, 2.0]);
    // Two steps of 1 against it: the weight of 3 that has to be negative comes back as −1.
    let mut optimizer = burn::optim::SgdConfig::new().init();
    for expected in [[0.0, 0.0, 0.0, -6.0], [0.0, 0.0, -1.0, -8.0]] {
        let gradients = layer.forward(input()).sum().backward();
        let gradients = burn::optim::GradientsParams::from_grads(gradients, &layer);
        layer = optimizer.step(1.0, layer, gradients);
        assert_eq!(values(layer.weight.val()), expected);
        assert_eq!(count_violations(&layer), 0);
    }
}

#[test]
fn by_construction_the_laws_of_a_record_hold() {
    let device = test_device();
    let with = |signs: Signs, upper: f64| {
        let law = Law::new().with_signs(&signs, 0, &device);
        let inner = Lawful::new(linear(&device)).with_law(|it| Some(&it.weight), law);
        // A second law on the same weight, outside of the first.
        let law = Law::new().with_bounds(-3.0, upper);
        Lawful::new(inner).with_law(|it| Some(&it.weight), law)
    };
    let saved = with(Signs::inhibitory(2), 0.5);
    // One model of another law is loaded by a copy of which the other knows nothing.
    let model = with(Signs::excitatory(2), 2.0).apply_reparameterization(ByConstruction::default());
    assert_eq!(values(model.weight.val()), [1.0, 0.0, 2.0, 0.0]);
    let loaded = model.clone().load_record(saved.clone().into_record());
    assert_eq!(values(loaded.weight.val()), [0.0, -2.0, 0.0, -3.0]);
    assert_eq!(count_violations(&loaded), 0);
    assert_eq!(values(model.weight.val()), [1.0, 0.0, 2.0, 0.0]);
    // What is stored goes back to a model without, as it is.
    let plain = saved.load_record(loaded.into_record());
    assert_eq!(values(plain.weight.val()), [1.0, -2.0, 3.0, -4.0]);
    assert_eq!(count_violations(&plain), 3);
}

#[test]
fn quantised_weights_are_judged_and_left() {
    let device = test_device();
    let scheme = device
        .settings()
        .quantization
        .scheme
        .with_value(QuantValue::Q8S);
    let mut quantizer = Quantizer::new(Calibration::MinMax, scheme);
    let layer = obey_laws(DaleLinearConfig::new(32, 32).init(&device));
    let layer = layer.quantize_weights(&mut quantizer);
    assert_eq!(
        count_violations(&layer),
        0,
        "a symmetric scheme keeps signs and zeros"
    );
    let layer = obey_laws(layer);
    assert_eq!(count_violations(&layer), 0);
}

#[test]
fn what_is_not_a_number_breaks_every_law() {
    let device = test_device();
    let mut layer = obey_laws(lawful(&device));
    layer.weight = Param::from_tensor(Tensor::from_floats([[f32::NAN, 1.0], [0.0, 0.0]], &device));
    assert_eq!(count_violations(&layer), 1);
}

#[test]
fn signs_and_masks_are_in_records_and_decide_after_loading() {
    let device = test_device();
    let with = |signs: Signs| {
        let law = Law::new()
            .with_signs(&signs, 0, &device)
            .without_autapses(2, &device);
        Lawful::new(linear(&device)).with_law(|it| Some(&it.weight), law)
    };
    let record = obey_laws(with(Signs::inhibitory(2))).into_record();
    let loaded = with(Signs::excitatory(2)).load_record(record);
    assert_eq!(count_violations(&loaded), 0);
    assert_eq!(values(loaded.weight.val()), [0.0, -2.0, 0.0, 0.0]);
}

static WARNINGS: OnceLock<Mutex<Vec<String>>> = OnceLock::new();

struct Keep;

impl log::Log for Keep {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("burn_dendrite")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let warnings = WARNINGS.get_or_init(Mutex::default);
            warnings.lock().unwrap().push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

#[test]
fn an_unlawful_record_is_loaded_as_saved_and_warned_of() {
    static KEEP: Keep = Keep;
    log::set_logger(&KEEP).unwrap();
    log::set_max_level(log::LevelFilter::Warn);
    let device = test_device();
    let mut saved = DaleLinearConfig::new(3, 7).init(&device);
    *saved.magnitude = Param::from_tensor(-Tensor::ones([3, 7], &device));
    let input = Tensor::<2>::from_data(TensorData::from([[1.0f32, 2.0, 3.0]]), &device);
    let expected = values(saved.forward(input.clone()));
    let loaded = DaleLinearConfig::new(3, 7)
        .init(&device)
        .load_record(saved.into_record());
    assert_eq!(values(loaded.forward(input)), expected);
    assert_eq!(count_violations(&loaded), 21);
    let warnings = WARNINGS.get_or_init(Mutex::default).lock().unwrap();
    assert!(
        warnings
            .iter()
            .any(|it| it.starts_with("21 of 21 values in a record")),
        "{warnings:?}"
    );
}

/// Rounding moves what is lawful by half a unit in the last place of its type, and nothing else is let through.
#[test]
fn a_fixed_sum_is_met_as_closely_as_the_type_of_number_allows() {
    let device = test_device();
    let law = Law::<2>::new().with_fan_in_sum(1.0, 1);
    for dtype in [DType::F64, DType::F32, DType::F16, DType::BF16] {
        let weight =
            Tensor::<2>::from_data([[1.0f64, 0.1], [0.7, 0.3], [0.3, 0.7]], (&device, dtype));
        let broken = |weight: Tensor<2>| values(unlawful(weight, &law).int().float().sum());
        let lawful = law.project(weight.clone());
        assert_eq!(lawful.dtype(), dtype);
        assert_eq!(broken(lawful.clone()), [0.0], "{dtype:?}");
        assert_eq!(broken(lawful * 1.1), [6.0], "{dtype:?}");
    }
}

#[test]
fn a_module_under_law_is_displayed_as_itself() {
    let device = test_device();
    assert_eq!(lawful(&device).to_string(), linear(&device).to_string());
}
