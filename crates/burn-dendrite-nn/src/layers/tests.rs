//! The layers inside an ordinary burn model.

use burn::{
    module::{Module, Param},
    nn::{Linear, LinearConfig},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    store::ModuleRecord,
    tensor::{Bytes, Device, Tensor, TensorData, activation::relu},
};

use super::*;
use crate::{CellType, Signs, test_device};

#[derive(Module, Debug)]
struct Model {
    first: Linear,
    hidden: Vec<EiLayer>,
    compartments: Option<TwoCompartment>,
    last: DaleLinear,
}

impl Model {
    fn new(device: &Device, seed: u64) -> Self {
        let compartments = TwoCompartmentConfig::new(12, 6, 10).with_d_inhibitory(3);
        // Fixed values: burn's random numbers are those of all tests at once.
        let mut first = LinearConfig::new(4, 6).init(device);
        let values: Vec<f32> = (0..24).map(|at| (at as f32).sin()).collect();
        let values = TensorData::new(values, [4, 6]);
        first.weight = Param::from_tensor(Tensor::from_data(values, device));
        first.bias = Some(Param::from_tensor(Tensor::zeros([6], device)));
        Self {
            first,
            hidden: vec![
                EiLayerConfig::new(6, 12, 4)
                    .with_seed(Some(seed))
                    .init(device),
            ],
            compartments: Some(compartments.with_seed(Some(seed)).init(device)),
            last: DaleLinearConfig::new(10, 2)
                .with_seed(Some(seed))
                .init(device),
        }
    }

    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let first = relu(self.first.forward(input));
        let hidden = self.hidden[0].forward(first.clone());
        let inhibition = hidden.clone().narrow(1, 0, 3);
        let compartments = self.compartments.as_ref().unwrap();
        self.last
            .forward(compartments.forward(hidden, first, Some(inhibition)).nudged)
    }

    /// Every weight under law with its sign, computed without the laws themselves.
    fn wrong_signs(&self) -> usize {
        let wrong = |weight: Tensor<2>, sign: f64| {
            (weight.inner() * sign)
                .lower_elem(0.0)
                .int()
                .sum()
                .into_scalar::<i64>() as usize
        };
        let compartments = self.compartments.as_ref().unwrap();
        let inhibitory = compartments.inhibitory.as_ref().unwrap();
        let dale = [
            &compartments.soma,
            &compartments.apical,
            inhibitory,
            &self.last,
        ]
        .map(|layer| wrong(layer.magnitude.val(), 1.0));
        let network = &self.hidden[0].network;
        let plan = network.plan();
        let settling = network
            .projections
            .iter()
            .zip(&plan.projections)
            .map(|(it, plan)| {
                let inhibitory = plan.site.cell == CellType::Inhibitory;
                let weight = it.weight.as_ref().unwrap().val();
                let autapses = if plan.is_recurrent() {
                    let values: Vec<f32> = weight.to_data().iter().collect();
                    values
                        .iter()
                        .step_by(plan.site.post + 1)
                        .filter(|&&it| it != 0.0)
                        .count()
                } else {
                    0
                };
                wrong(weight, if inhibitory { -1.0 } else { 1.0 }) + autapses
            });
        dale.iter().sum::<usize>() + settling.sum::<usize>()
    }
}

/// Inputs and targets of a toy task: whether the first and second feature agree in size.
fn task(device: &Device) -> (Tensor<2>, Tensor<2>) {
    let inputs: Vec<[f32; 4]> = (0..16)
        .map(|index| [0, 1, 2, 3].map(|bit| if index >> bit & 1 == 1 { 1.0 } else { -0.5 }))
        .collect();
    let targets: Vec<[f32; 2]> = (inputs.iter())
        .map(|input| {
            if input[0] == input[1] {
                [1.0, 0.0]
            } else {
                [0.0, 1.0]
            }
        })
        .collect();
    let stack = |rows: Vec<Tensor<2>>| Tensor::cat(rows, 0);
    (
        stack(
            inputs
                .into_iter()
                .map(|row| Tensor::from_floats([row], device))
                .collect(),
        ),
        stack(
            targets
                .into_iter()
                .map(|row| Tensor::from_floats([row], device))
                .collect(),
        ),
    )
}

/// Trains for 20 steps; returns the model and the losses.
fn train(
    mut optimizer: ModuleOptimizer,
    rate: f64,
    after_step: impl Fn(Model) -> Model,
) -> (Model, Vec<f32>) {
    let device = test_device().autodiff();
    let mut model = Model::new(&device, 7);
    let (inputs, targets) = task(&device);
    let mut losses = Vec::new();
    for _ in 0..20 {
        let loss = (model.forward(inputs.clone()) - targets.clone())
            .powi_scalar(2)
            .mean();
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = after_step(optimizer.step(rate, model, gradients));
    }
    (model, losses)
}

fn adam() -> ModuleOptimizer {
    AdamConfig::new().init()
}

fn momentum() -> ModuleOptimizer {
    SgdConfig::new()
        .with_momentum(Some(MomentumConfig::new()))
        .init()
}

#[test]
fn the_laws_hold_after_every_optimizer_with_the_mapper_and_not_without() {
    for (name, optimizer, rate) in [
        ("adam", adam as fn() -> ModuleOptimizer, 0.05),
        ("momentum", momentum, 0.3),
    ] {
        let (model, _) = train(optimizer(), rate, |model| model);
        let wrong = model.wrong_signs();
        assert!(
            wrong > 10,
            "{name} alone should break the law; {wrong} weights"
        );
        assert!(count_violations(&model) > 10, "{name}");

        let lawful = |model| {
            let model = obey_laws(model);
            assert_eq!(Model::wrong_signs(&model), 0);
            model
        };
        let (model, _) = train(optimizer(), rate, lawful);
        assert_eq!(count_violations(&model), 0, "{name}");
    }
}

#[test]
fn training_under_the_laws_lowers_the_loss() {
    for (name, optimizer, rate) in [("adam", adam(), 0.02), ("momentum", momentum(), 0.05)] {
        let (_, losses) = train(optimizer, rate, obey_laws);
        let (first, last) = (losses[0], losses[losses.len() - 1]);
        assert!(last < 0.7 * first, "{name}: {losses:?}");
    }
}

#[test]
fn parameters_keep_their_identity_and_their_gradients() {
    let model = Model::new(&test_device().autodiff(), 1);
    let weight = |model: &Model| {
        model.hidden[0].network.projections[1]
            .weight
            .clone()
            .unwrap()
    };
    let (weight_before, magnitude_before) = (weight(&model), (*model.last.magnitude).clone());
    let first_before = model.first.weight.val().into_data();
    let model = obey_laws(obey_laws(model));
    assert_eq!(weight(&model).id, weight_before.id);
    assert_eq!(model.last.magnitude.id, magnitude_before.id);
    assert!(weight(&model).is_require_grad() && model.last.magnitude.is_require_grad());
    assert!(model.last.bias.as_ref().unwrap().is_require_grad());
    // What is not under law is not touched.
    assert_eq!(model.first.weight.val().into_data(), first_before);

    let loss = model.forward(task(&test_device().autodiff()).0).sum();
    let gradients = GradientsParams::from_grads(loss.backward(), &model);
    let trained = 2 + 7 + 4 + 2;
    assert_eq!(gradients.len(), trained);

    // A frozen layer stays frozen, and a plain one plain.
    let frozen = obey_laws(model.clone().no_grad());
    assert!(!weight(&frozen).is_require_grad());
    let plain = obey_laws(model.valid());
    assert!(!weight(&plain).is_autodiff());
    assert!(weight(&plain.train()).is_require_grad());
}

#[test]
fn a_record_keeps_signs_and_outputs() {
    let device = test_device();
    let saved = Model::new(&device, 1);
    let input = task(&device).0;
    let expected = saved.forward(input.clone()).into_data();
    let bytes: Bytes = saved.clone().into_record().into_bytes().unwrap();
    let record = || ModuleRecord::from_bytes(bytes.clone()).unwrap();

    let mut other = Model::new(&device, 2);
    // The record decides which inputs inhibit, not the layer that it is loaded into.
    other.last = DaleLinearConfig::new(10, 2)
        .with_inhibitory_fraction(0.9)
        .init(&device);
    let loaded = other.load_record(record());
    assert_eq!(loaded.forward(input.clone()).into_data(), expected);
    assert_eq!(
        loaded.last.signs.val().into_data(),
        saved.last.signs.val().into_data()
    );
    assert_eq!(
        loaded.last.weight().into_data(),
        saved.last.weight().into_data()
    );

    // On an autodiff device the loaded weights still want gradients, and still know their law.
    let mut training = Model::new(&device.autodiff(), 3).load_record(record());
    assert!(training.last.magnitude.is_require_grad());
    assert_eq!(training.valid().forward(input).into_data(), expected);
    *training.last.magnitude = (*training.last.magnitude).clone().map(unlawful);
    assert_eq!(count_violations(&training), 20);
    assert_eq!(count_violations(&obey_laws(training)), 0);
}

fn unlawful(weight: Tensor<2>) -> Tensor<2> {
    crate::on_inner(weight, |weight| weight.abs() * -1.0 - 1.0)
}

/// Five layers of one kind, one behind the other, over rates of mean square 1/2.
mod depth {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::StdRng};
    use rand_distr::StandardNormal;

    const NETWORKS: u64 = 8;

    fn input(width: usize, device: &Device) -> Tensor<2> {
        let mut random = StdRng::seed_from_u64(width as u64);
        let rates: Vec<f32> = (0..64 * width)
            .map(|_| random.sample::<f32, _>(StandardNormal).max(0.0))
            .collect();
        Tensor::from_data(TensorData::new(rates, [64, width]), device)
    }

    /// After each layer, over [`NETWORKS`] draws of the weights: the geometric mean of the mean
    /// square of the activity over that of the input, and how alike the activities of different
    /// inputs are (the mean cosine).
    fn pass(layer: impl Fn(u64, Tensor<2>) -> Tensor<2>, width: usize) -> Vec<(f64, f64)> {
        let device = test_device();
        let mean_square =
            |rates: &Tensor<2>| rates.clone().powi_scalar(2).mean().into_scalar::<f32>() as f64;
        let mut depths = vec![(0.0, 0.0); 5];
        for network in 0..NETWORKS {
            let mut rates = input(width, &device);
            let start = mean_square(&rates);
            for (depth, (square, cosine)) in depths.iter_mut().enumerate() {
                rates = layer(5 * network + depth as u64, rates);
                *square += (mean_square(&rates) / start).ln();
                let norm = rates.clone().powi_scalar(2).sum_dim(1).sqrt();
                let unit = rates.clone() / norm.clamp_min(1e-6);
                *cosine += unit
                    .clone()
                    .matmul(unit.transpose())
                    .mean()
                    .into_scalar::<f32>() as f64;
            }
        }
        (depths.into_iter())
            .map(|(square, cosine)| ((square / NETWORKS as f64).exp(), cosine / NETWORKS as f64))
            .collect()
    }

    fn check(name: &str, measured: &[(f64, f64)]) {
        for (square, cosine) in measured {
            assert!((0.1..10.0).contains(square), "{name}: {measured:?}");
            assert!(*cosine < 0.95, "{name}: {measured:?}");
        }
    }

    #[test]
    fn the_activity_keeps_its_size_and_its_differences_at_any_width_and_fraction() {
        let device = test_device();
        for width in [100, 500] {
            for fraction in [0.1, 0.2, 0.5] {
                let dale = |seed, rates| {
                    let config = DaleLinearConfig::new(width, width).with_seed(Some(seed));
                    let layer = config.with_inhibitory_fraction(fraction).init(&device);
                    relu(layer.forward(rates))
                };
                check(
                    &format!("DaleLinear {width} {fraction}"),
                    &pass(dale, width),
                );
                let cells = (width as f64 * fraction) as usize;
                let ei = |seed, rates| {
                    let config = EiLayerConfig::new(width, width, cells).with_seed(Some(seed));
                    config.init(&device).forward(rates)
                };
                check(&format!("EiLayer {width} {cells}"), &pass(ei, width));
            }
        }
    }
}

#[test]
fn layers_follow_the_type_of_their_input() {
    use burn::tensor::DType;
    struct Cast(DType);
    impl burn::module::ModuleMapper for Cast {
        fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
            parameter.map(|it| it.cast(self.0))
        }
    }
    let device = test_device();
    let expected = Model::new(&device, 3);
    let input = task(&device).0;
    let exact: Vec<f32> = expected.forward(input.clone()).into_data().iter().collect();
    for (dtype, tolerance) in [(DType::F64, 1e-5), (DType::F16, 2e-2), (DType::BF16, 1e-1)] {
        let model = expected.clone().map(&mut Cast(dtype));
        let output = model.forward(input.clone().cast(dtype));
        assert_eq!(output.dtype(), dtype);
        let output: Vec<f64> = output.into_data().convert::<f64>().iter().collect();
        for (output, exact) in output.iter().zip(&exact) {
            let exact = f64::from(*exact);
            assert!(
                (output - exact).abs() < tolerance * (1.0 + exact.abs()),
                "{dtype:?}"
            );
        }
        assert_eq!(count_violations(&obey_laws(model)), 0, "{dtype:?}");
    }
}

#[test]
fn the_parts_of_a_layer_start_from_different_numbers() {
    let device = test_device();
    let config = TwoCompartmentConfig::new(6, 6, 5)
        .with_d_inhibitory(6)
        .with_inhibitory_fraction(0.0);
    let start = |seed: u64| {
        let layer = config.clone().with_seed(Some(seed)).init(&device);
        let values = |layer: &DaleLinear| layer.magnitude.val().into_data();
        [
            values(&layer.soma),
            values(&layer.apical),
            values(layer.inhibitory.as_ref().unwrap()),
        ]
    };
    for seeds in [[5, 5], [5, 5 + (1 << 32)], [5, 5 + (1 << 62)]] {
        let [one, other] = seeds.map(start);
        assert_ne!(one[0], one[1]);
        assert_ne!(one[0], one[2]);
        assert_ne!(one[1], one[2]);
        assert_eq!(one == other, seeds[0] == seeds[1]);
    }
}

#[test]
fn a_stack_hands_on_the_signs_of_its_cells() {
    let device = test_device();
    let hidden = EiLayerConfig::new(4, 40, 10).init(&device);
    let readout = DaleLinearConfig::reading(hidden.output_signs(), 2).init(&device);
    assert_eq!(readout.input_signs(), Signs::excitatory(40));
    assert!(readout.weight().min().into_scalar::<f32>() >= 0.0);
    let mixed = Signs::inhibitory(1).then(Signs::excitatory(3));
    let hidden = EiLayerConfig::new(4, 3, 2)
        .with_signs(Some(mixed.clone()))
        .init(&device);
    assert_eq!(hidden.input_signs(), mixed);
    // Only the first input, which inhibits, is active: nobody is excited.
    let output = hidden.forward(Tensor::<2>::from_floats([[1.0, 0.0, 0.0, 0.0]], &device));
    assert_eq!(output.sum().into_scalar::<f32>(), 0.0);
}
