//! The metrics on maps whose units compete, calculated by hand.

use burn::tensor::{Device, Tensor};
use burn_dendrite_nn::{Network, NetworkSpec, ProjectionId};
use burn_dendrite_optim::{Learning, LearningSpec};
use burn_dendrite_train::data::SampleSet;

use super::{Analysis, AnalysisOptions, Metric, Subject, analyze};

/// A pool of four units of one map, the output's two units above it, and feedback to the dendrites of the pool.
///
/// Each unit doubles its pixel (with `MAPS` = 1), and the output hears the winner by 3 and 0.5.
const NETWORK: &str = r#"
    tau = 1.0
    steps = 1
    population = [
        { name = "Input.E", size = [MAPS, 2, 2], cell = "excitatory" },
        { name = "H.E", size = [1, 2, 2], cell = "excitatory", pool = { kind = "max", size = 2 } },
        { name = "Output.E", size = 2, cell = "unconstrained" },
    ]
    projection = [
        { name = "H.E<-Input.E", geometry = { kind = "convolution", kernel = 1 }, weight = { kind = "constant", value = 2.0 } },
        { name = "Output.E<-H.E", hears = "pools", weight = { kind = "constant", value = 3.0 } },
        { name = "H.E<-Output.E", compartment = "dendrite", active = "backward", reaches = "pools", weight = { kind = "constant", value = 1.0 } },
    ]
"#;

const LEARNING: &str = r#"
    nudge = { settling = "top_down", plateau = "difference", strength = 0.01, bound = 10.0, gate = "relu" }
    rule = [{ on = "H.E<-Input.E", learning_rate = 1.0, rule = { kind = "dendritic_target", phase = "forward", rates = "unbounded" } }]
"#;

fn network(maps: usize, upward: [f32; 2], feedback: [f32; 2]) -> (Network, Learning) {
    let device = Device::flex();
    let spec: NetworkSpec = toml::from_str(&NETWORK.replace("MAPS", &maps.to_string())).unwrap();
    let network = spec.init(0, &device).unwrap();
    let weights = |values: [f32; 2]| Tensor::<1>::from_floats(values, &device);
    let network = network
        .with_weight(ProjectionId(1), weights(upward).reshape([1, 2]))
        .with_weight(ProjectionId(2), weights(feedback).reshape([2, 1]));
    let learning: LearningSpec = toml::from_str(LEARNING).unwrap();
    let learning = learning.check(network.plan()).unwrap();
    (network, learning)
}

fn measured(network: &(Network, Learning), samples: &SampleSet, metric: Metric) -> Analysis {
    let (network, learning) = network;
    let options = AnalysisOptions {
        metrics: vec![metric],
        samples: samples.len(),
        ..AnalysisOptions::default()
    };
    analyze(
        &Subject::new(network, learning),
        samples,
        &options,
        &mut |_| (),
    )
    .unwrap()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
    }
}

/// Winners and what they answer: the second unit with 0.8, the first with 1.2, the second with 1.
fn images() -> SampleSet {
    let pixels = [
        [0.1, 0.4, 0.2, 0.3],
        [0.6, 0.1, 0.0, 0.2],
        [0.0, 0.5, 0.1, 0.1],
    ];
    SampleSet::vectors(pixels.concat(), vec![0, 1, 1], 4, 2).unwrap()
}

fn pooled() -> (Network, Learning) {
    network(1, [3.0, 0.5], [3.0, 0.5])
}

#[test]
fn the_dendrites_of_a_pool_hear_alike() {
    // 3 · 3 r + 0.5 · 0.5 r = 9.25 r in all four units, r the activity of the winner.
    let analysis = measured(&pooled(), &images(), Metric::DendriticState);
    let populations = analysis.dendritic_state.unwrap().populations;
    assert_eq!(populations.len(), 1);
    close(
        &[populations[0].mean.mean],
        &[9.25 * (0.8 + 1.2 + 1.0) / 3.0],
    );
}

#[test]
fn one_of_a_pool_fires() {
    let analysis = measured(&pooled(), &images(), Metric::Sparsity);
    close(
        &analysis.sparsity.unwrap().populations[0].patterns,
        &[1.0; 3],
    );
}

#[test]
fn units_are_selective_by_what_they_win() {
    let analysis = measured(&pooled(), &images(), Metric::Selectivity);
    let map = &analysis.selectivity.unwrap().populations[0];
    // The first wins once. The second answers by 0.8, 0 and 1: mean 0.6, mean square 1.64 / 3, and
    // (1 − 1.08 / 1.64) / (2 / 3) = 21 / 41. The others never win.
    close(&map.units, &[1.0, 21.0 / 41.0, 0.0, 0.0]);
    assert_eq!(map.silent, 2);
}

#[test]
fn patterns_are_alike_where_the_same_unit_wins() {
    let analysis = measured(&pooled(), &images(), Metric::Similarity);
    let map = &analysis.similarity.unwrap().populations[0];
    // Of class 1 two winners differ; the first image has the third's winner and not the second's.
    assert_eq!(map.patterns.within, Some(0.0));
    close(&[map.patterns.between.unwrap()], &[0.5]);
    // The first unit prefers class 1 and the second class 0, and they never fire together.
    assert_eq!((map.units.within, map.units.between), (None, Some(0.0)));
}

#[test]
fn receptive_fields_are_those_of_the_winners() {
    let analysis = measured(&pooled(), &images(), Metric::ReceptiveFields);
    let populations = analysis.receptive_fields.unwrap().populations;
    let fields = |name: &str| -> Vec<Vec<f64>> {
        let population = populations.iter().find(|it| it.population == name);
        let fields = population.unwrap().units.iter().map(|it| &it.field);
        fields
            .map(|field| field.iter().copied().map(f64::from).collect())
            .collect()
    };
    // The first pixel counts in one image of three, the second in two, twice each.
    let map = fields("H.E");
    close(
        &map.concat(),
        &[2.0 / 3.0, 0.0, 0.0, 0.0, 0.0, 4.0 / 3.0, 0.0, 0.0],
    );
    // The output hears the winner, whichever it is: by 3 and by 0.5.
    let output = fields("Output.E");
    close(&output[0], &[2.0, 4.0, 0.0, 0.0]);
    close(&output[1], &[1.0 / 3.0, 2.0 / 3.0, 0.0, 0.0]);
}

#[test]
fn the_angle_to_backprop_is_that_of_what_winners_learn() {
    // Two maps of input, the kernel (2, 2). The second unit wins the first image by the input (0.15, 0.1), the
    // third unit the other one by (0, 0.25): both answer by 0.5, and the output by (0.5, 0.25). Errors of
    // (0.5, −0.25) and (−0.5, 0.75) reach the winners by feedback of (1, 1) as 0.25 and 0.25, and by the weights
    // (1, 0.5) as the gradient 0.375 and −0.125.
    let inputs = [
        [0.0, 0.15, 0.0, 0.0, 0.0, 0.1, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.25, 0.0],
    ];
    let samples = SampleSet::vectors(inputs.concat(), vec![0, 1], 8, 2).unwrap();
    let network = network(2, [1.0, 0.5], [1.0, 1.0]);
    let angle = measured(&network, &samples, Metric::BackpropAngle);
    let angle = angle.backprop_angle.unwrap();
    // Each image alone is learned along its own input, one up and the other down.
    let single: Vec<f64> = angle.samples.into_iter().flatten().collect();
    assert!(single[0] < 0.1 && single[1] > 179.9, "{single:?}");
    // Together 0.25 · (0.15, 0.35) against (0.375 · 0.15, 0.375 · 0.1 − 0.125 · 0.25) = (0.05625, 0.00625).
    let (own, other) = ([0.0375, 0.0875f64], [0.05625, 0.00625f64]);
    let product = own[0] * other[0] + own[1] * other[1];
    let expected = (product / (own[0].hypot(own[1]) * other[0].hypot(other[1]))).acos();
    let found = angle.averaged.unwrap();
    assert!((found - expected.to_degrees()).abs() < 0.01, "{found}");
}
