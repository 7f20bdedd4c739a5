//! The layers inside an ordinary burn model.

use burn::{
    module::{Module, Param},
    nn::{Linear, LinearConfig},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig},
    store::ModuleRecord,
    tensor::{Bytes, Device, Tensor, activation::relu},
};

use super::*;
use crate::{CellType, PopulationId, test_device};

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
        Self {
            first: LinearConfig::new(4, 6).init(device),
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
                let autapses = match plan.is_recurrent() {
                    true => {
                        let values: Vec<f32> = weight.to_data().iter().collect();
                        values
                            .iter()
                            .step_by(plan.site.post + 1)
                            .filter(|&&it| it != 0.0)
                            .count()
                    }
                    false => 0,
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
    let (weight_before, magnitude_before) = (weight(&model), model.last.magnitude.clone());
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
fn a_load_mapper_of_somebody_else_is_left_alone() {
    #[derive(Module, Debug)]
    struct Other {
        weight: Param<Tensor<1>>,
    }
    let weight = Param::from_tensor(Tensor::ones([2], &test_device()));
    let model = obey_laws((
        Other {
            weight: weight.load_mapper(|it| it * 2.0),
        },
        1,
    ));
    assert_eq!(model.0.weight.val().sum().into_scalar::<f32>(), 2.0);
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
    training.last.magnitude = training.last.magnitude.map(unlawful);
    assert_eq!(count_violations(&training), 20);
    assert_eq!(count_violations(&obey_laws(training)), 0);
}

fn unlawful(weight: Tensor<2>) -> Tensor<2> {
    crate::on_inner(weight, |weight| weight.abs() * -1.0 - 1.0)
}

#[test]
fn an_unlawful_record_is_mended() {
    let device = test_device();
    let mut model = Model::new(&device, 1);
    model.last.magnitude = model.last.magnitude.map(unlawful);
    let network = model.hidden[0].network.clone();
    let inhibitory = crate::ProjectionId(4);
    let ones = network.weight(inhibitory).ones_like();
    model.hidden[0].network = network.with_weight(inhibitory, -ones);
    assert_eq!(count_violations(&model), 20 + 4, "magnitudes and autapses");
    let loaded = Model::new(&device, 2).load_record(model.into_record());
    assert_eq!(count_violations(&loaded), 0);
    let size = loaded.hidden[0].network.plan().populations[PopulationId(2)].size;
    let sum = loaded.hidden[0]
        .network
        .weight(inhibitory)
        .sum()
        .into_scalar::<f32>();
    assert_eq!(sum, -((size * (size - 1)) as f32));
}
