//! What holds of the anatomies.

use burn::tensor::{Distribution, Int, Tensor};
use burn_dendrite_nn::{Network, Parameter, numbers::Rows};

use super::*;
use crate::{HostTrainer, Updates};

/// Some random samples and their targets.
fn samples(config: &EiNetworkConfig) -> (Tensor<2>, Tensor<2>) {
    let device = crate::test_device();
    device.seed(3);
    let input = Tensor::random(
        [20, config.inputs.neurons()],
        Distribution::Uniform(0.0, 1.0),
        &device,
    );
    let classes: Vec<i32> = (0..20)
        .map(|row| row % config.outputs.neurons() as i32)
        .collect();
    let target = Tensor::<1, Int>::from_ints(&classes[..], &device);
    (input, target.one_hot::<2>(config.outputs.neurons()).float())
}

/// The changes that a way of learning asks for on these samples.
fn updates(config: &EiNetworkConfig, network: &Network, learning: &LearningSpec) -> Updates {
    let learning = learning.check(network.plan()).unwrap();
    let memory = learning.memory(network);
    let (input, target) = samples(config);
    let outcome = learning.run(network, &memory, input, target, &mut ());
    outcome.into_updates(&memory)
}

/// Two layers of maps, and a dense one.
fn convolutional(pooling: PoolKind) -> EiNetworkConfig {
    EiNetworkConfig::new([2, 8, 8], [20], 5)
        .with_maps([8, 4])
        .with_kernels([3])
        .with_pooling(pooling)
        .with_interneurons(3)
}

/// The same with weights of its own for each unit.
fn local(pooling: PoolKind) -> EiNetworkConfig {
    convolutional(pooling).with_weights(MapWeights::Local)
}

/// Angles in degrees between dendritic targets and backprop, of each layer's excitation.
fn angles(config: &EiNetworkConfig, seed: u64) -> Vec<f64> {
    let (spec, mut learning) = config.build();
    // The gradient has no bound either.
    learning.nudge.as_mut().unwrap().bound = 1e3;
    let network = spec.init(seed, &crate::test_device()).unwrap();
    let twin = config.clone().with_learning(AnatomyLearning::Backprop);
    let targets = updates(config, &network, &learning);
    let gradient = updates(config, &network, &twin.learning());
    (config.pairs())
        .map(|(before, layer)| {
            let name = projection_name(&format!("{layer}.E<-{before}.E"));
            let id = network.plan().projection_named(&name).unwrap();
            let parameter = [Parameter::Weight(id)];
            targets.angle_to(&gradient, &parameter).unwrap()
        })
        .collect()
}

#[test]
fn dendritic_targets_follow_the_gradient_as_the_nudge_vanishes() {
    let dense = EiNetworkConfig::new(30, [24, 18, 20], 5).with_interneurons(3);
    let [largest, average] = [PoolKind::Max, PoolKind::Average].map(convolutional);
    let own = local(PoolKind::Max);
    // What is left are cells whose sign the nudge changes, of which maps have more, and rounding.
    for (config, strength) in [
        (dense, 0.01),
        (largest, 0.001),
        (average, 0.001),
        (own, 0.001),
    ] {
        for seed in 1..4 {
            let mirrored = angles(&config.clone().with_strength(strength), seed);
            let is_near = mirrored.iter().all(|angle| *angle < 2.0);
            assert!(is_near, "{mirrored:?}, {config:?}");
            // Without the mirror the top-down excitation is one-sided.
            let without = config
                .clone()
                .with_dendritic_inhibition(DendriticInhibition::None);
            let without = angles(&without.with_strength(strength), seed);
            assert!(without[0] > 45.0, "{without:?}, {config:?}");
        }
    }
}

#[test]
fn every_variant_is_a_lawful_network() {
    use AnatomyLearning::{Backprop, DendriticTargets};
    for learning in [DendriticTargets, Backprop] {
        for feedback in [Feedback::Symmetric, Feedback::Learned] {
            for inhibition in [
                DendriticInhibition::Mirror,
                DendriticInhibition::Learned,
                DendriticInhibition::None,
            ] {
                for somatic in [
                    SomaticInhibition::Balanced,
                    SomaticInhibition::Learned,
                    SomaticInhibition::Fixed,
                ] {
                    let dense = EiNetworkConfig::new(7, [5, 6], 3);
                    let maps = [convolutional(PoolKind::Max), local(PoolKind::Max)];
                    for config in [dense].into_iter().chain(maps) {
                        let config = config
                            .with_learning(learning)
                            .with_feedback(feedback)
                            .with_dendritic_inhibition(inhibition)
                            .with_somatic_inhibition(somatic);
                        let (network, learning) = config.build();
                        let plan = network.check().unwrap();
                        learning.check(&plan).unwrap();
                    }
                }
            }
        }
    }
}

/// Balance takes the mean rate out of what a layer hears, and He's variance makes up for the half that
/// relu cuts off: of normally distributed somata, `⟨r²⟩` is left times 1 − 1/π per layer.
#[test]
fn activity_changes_from_layer_to_layer_as_calculated() {
    let device = crate::test_device();
    let (spec, _) = EiNetworkConfig::new(300, vec![300; 6], 10).build();
    let network = spec.init(5, &device).unwrap();
    let values: Vec<f32> = (0..50 * 300)
        .map(|at| (at * 7919 % 1000) as f32 / 1000.0)
        .collect();
    let input = Tensor::from_data(burn::tensor::TensorData::new(values, [50, 300]), &device);
    let state = network.settle(input, 1, &mut ());
    let square = |layer: &str| -> f64 {
        let population = name(&format!("{layer}.E"));
        let id = network.plan().population(&population).unwrap();
        f64::from(
            state.activity[id]
                .clone()
                .square()
                .mean()
                .into_scalar::<f32>(),
        )
    };
    let ratio = square("H6") / square("H1");
    let expected = (1.0 - 1.0 / std::f64::consts::PI).powi(5);
    assert!(
        ratio > 0.6 * expected && ratio < 1.7 * expected,
        "{ratio}, {expected}"
    );
}

/// Weights and biases that learn, after two steps in memory and on tensors.
fn after_two_steps(config: &EiNetworkConfig, rows: usize) -> [Vec<f32>; 2] {
    let device = crate::test_device();
    let (spec, learning) = config.build();
    let network = spec.init(7, &device).unwrap();
    let learning = learning.check(network.plan()).unwrap().scaled(0.05);
    let memory = learning.memory(&network);
    device.seed(5);
    let size = [rows, config.inputs.neurons()];
    let input = Tensor::<2>::random(size, Distribution::Uniform(0.0, 1.0), &device);
    let classes: Vec<i32> = (0..rows as i32).map(|row| row % 5).collect();
    let target = Tensor::<1, Int>::from_ints(&classes[..], &device);
    let target = target.one_hot::<2>(5).float();
    let mut trainer = HostTrainer::new(&network, &memory, &learning);
    let mut tensors = network.clone();
    for _ in 0..2 {
        trainer.step(&input.to_values(), &target.to_values(), 1.0);
        let outcome = learning.run(&tensors, &memory, input.clone(), target.clone(), &mut ());
        tensors = outcome.apply(tensors, &memory);
    }
    [trainer.network(network), tensors].map(|network| {
        let values = learning.learned().flat_map(|parameter| match parameter {
            Parameter::Weight(id) => network.weight(id).to_values(),
            Parameter::Bias(id) => network.bias(id).unwrap().unsqueeze::<2>().to_values(),
        });
        values.collect()
    })
}

#[test]
fn maps_learn_alike_in_memory_and_on_tensors() {
    for maps in [
        convolutional(PoolKind::Max),
        convolutional(PoolKind::Average),
        local(PoolKind::Max),
    ] {
        let tied = maps.with_strength(0.1);
        let backprop = tied.clone().with_learning(AnatomyLearning::Backprop);
        let learned = tied.clone().with_feedback(Feedback::Learned);
        for config in [tied, backprop, learned] {
            // One row, some, and more than are worked on one by one.
            for rows in [1, 3, 11] {
                let [ours, theirs] = after_two_steps(&config, rows);
                assert_eq!(ours.len(), theirs.len());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    assert!(
                        (ours - theirs).abs() <= 1e-5,
                        "{ours} and {theirs}: {config:?}"
                    );
                }
            }
        }
    }
}

/// `−mean_b Σ_i t_bi ln r_bi`.
fn cross_entropy(network: &Network, input: &Tensor<2>, target: &Tensor<2>) -> f64 {
    let rates = network.forward(input.clone());
    let [rows, _] = rates.dims();
    let sum = (rates.log() * target.clone()).sum().into_scalar::<f32>();
    -f64::from(sum) / rows as f64
}

/// Along what backprop asks for, the loss falls by the square of its length: by differences, for each parameter
/// alone. Steps are short, since each winner of a pool that changes bends the loss.
#[test]
fn what_backprop_asks_for_is_the_slope_of_the_loss() {
    const STEP: f64 = 0.0005;
    let dense = EiNetworkConfig::new(30, [24, 18], 5).with_interneurons(3);
    let [largest, average] = [PoolKind::Max, PoolKind::Average].map(convolutional);
    for config in [dense, largest, average] {
        // Balance would follow a weight, and nobody learns through it.
        let config = config
            .with_learning(AnatomyLearning::Backprop)
            .with_somatic_inhibition(SomaticInhibition::Fixed);
        let (spec, learning) = config.build();
        let network = spec.init(9, &crate::test_device()).unwrap();
        let asked = updates(&config, &network, &learning);
        let (input, target) = samples(&config);
        for parameter in asked.parameters() {
            let change = asked.get(parameter).unwrap();
            let squared = f64::from(change.clone().square().sum().into_scalar::<f32>());
            let length = squared.sqrt();
            let moved = |by: f64| {
                let change = change.clone() * (by / length);
                let network = network.clone();
                match parameter {
                    Parameter::Weight(id) => {
                        let weight = network.weight(id) + change;
                        network.with_weight(id, weight)
                    }
                    Parameter::Bias(id) => {
                        let bias = network.bias(id).unwrap() + change.squeeze_dim(0);
                        network.with_bias(id, bias)
                    }
                }
            };
            let [after, before] =
                [STEP, -STEP].map(|by| cross_entropy(&moved(by), &input, &target));
            let slope = (before - after) / (2.0 * STEP);
            assert!(
                (slope - length).abs() <= 0.02 * length + 5e-4,
                "{parameter:?}: {slope} by differences, {length}: {config:?}"
            );
        }
    }
}

/// Every one changes what it is called after, and nothing else.
#[test]
fn settings_are_changed_one_by_one() {
    let plain = || EiNetworkConfig::new(7, [5, 6], 3);
    let table = |config: EiNetworkConfig| match serde_json::to_value(config).unwrap() {
        serde_json::Value::Object(table) => table,
        other => panic!("{other}"),
    };
    let before = table(plain());
    let check = |config: EiNetworkConfig, key: &str, value: serde_json::Value| {
        let mut expected = before.clone();
        expected.insert(key.to_owned(), value);
        assert_eq!(table(config), expected, "{key}");
    };
    check(plain().with_maps([8]), "maps", [8].into());
    check(plain().with_kernels([7]), "kernels", [7].into());
    check(plain().with_pools([1]), "pools", [1].into());
    check(
        plain().with_pooling(PoolKind::Average),
        "pooling",
        "average".into(),
    );
    check(
        plain().with_weights(MapWeights::Local),
        "weights",
        "local".into(),
    );
    let backprop = AnatomyLearning::Backprop;
    check(
        plain().with_learning(backprop),
        "learning",
        "backprop".into(),
    );
    check(
        plain().with_feedback(Feedback::Learned),
        "feedback",
        "learned".into(),
    );
    let none = DendriticInhibition::None;
    check(
        plain().with_dendritic_inhibition(none),
        "dendritic_inhibition",
        "none".into(),
    );
    let fixed = SomaticInhibition::Fixed;
    check(
        plain().with_somatic_inhibition(fixed),
        "somatic_inhibition",
        "fixed".into(),
    );
    check(plain().with_interneurons(4), "interneurons", 4.into());
    check(plain().with_strength(0.5), "strength", 0.5.into());
    check(plain().with_bound(3.0), "bound", 3.0.into());
}
