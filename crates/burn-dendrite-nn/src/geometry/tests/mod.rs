//! Local windows on both kinds of numbers: by hand, and beside a convolution; and windows at random places.

mod receptive_fields;

use burn::tensor::{Tensor, TensorData};

use crate::{
    Adjoint, Change, HostNetwork, Network, NetworkSpec, Numbers, Parameter, ProjectionId,
    numbers::{Bounds, HostRows, Rows},
};

const FORWARD: ProjectionId = ProjectionId(0);
const BACK: ProjectionId = ProjectionId(1);
const WEIGHTS: Parameter = Parameter::Weight(FORWARD);

/// Windows from one population of maps to another.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// Size, stride and padding.
    kernel: [usize; 3],
    input: [usize; 3],
    output: [usize; 3],
    rows: usize,
}

impl Case {
    /// The windows forward, and back by a tie times a half.
    fn network(&self, kind: &str) -> Network {
        let [kernel, stride, padding] = self.kernel;
        self.network_of(serde_json::json!({
            "kind": kind, "kernel": kernel, "stride": stride, "padding": padding
        }))
    }

    fn network_of(&self, geometry: serde_json::Value) -> Network {
        let free = "unconstrained";
        let spec: NetworkSpec = serde_json::from_value(serde_json::json!({
            "tau": 1.0, "steps": 1, "output": "H2.E",
            "population": [
                { "name": "Input.E", "size": 1, "cell": free },
                { "name": "H1.E", "size": self.input, "cell": free },
                { "name": "H2.E", "size": self.output, "cell": free }],
            "projection": [
                { "name": "H2.E<-H1.E", "weight": { "kind": "scaled_kaiming" },
                  "geometry": geometry },
                { "name": "H1.E<-H2.E", "compartment": "dendrite", "active": "backward",
                  "weight": { "kind": "tied", "of": "H2.E<-H1.E", "transpose": true, "scale": 0.5 } },
                { "name": "H1.E<-Input.E", "weight": { "kind": "scaled_kaiming" } }],
        }))
        .unwrap();
        spec.init(3, &crate::test_device()).unwrap()
    }

    /// Activities of the presynaptic and of the postsynaptic population, a row a sample.
    fn activities(&self) -> [HostRows; 2] {
        let rows = |maps: [usize; 3], seed: usize| {
            let size: usize = maps.iter().product();
            let value = |at: usize| ((at * 7919 + seed * 104_729) % 1009) as f32 / 504.5 - 1.0;
            let values: Vec<f32> = (0..self.rows * size).map(value).collect();
            HostRows::from_values(&values, [self.rows, size])
        };
        [rows(self.input, 1), rows(self.output, 2)]
    }
}

fn tensor(rows: &HostRows) -> Tensor<2> {
    let data = TensorData::new(rows.to_values(), rows.dims());
    Tensor::from_data(data, &crate::test_device())
}

fn with_weights(network: Network, values: Vec<f32>) -> Network {
    let dims = network.weight(FORWARD).dims();
    let weight = Tensor::from_data(TensorData::new(values, dims), &crate::test_device());
    network.with_weight(FORWARD, weight)
}

#[track_caller]
fn close(ours: &[f32], theirs: &[f32], case: impl std::fmt::Debug) {
    assert_eq!(ours.len(), theirs.len(), "{case:?}");
    for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let scale = theirs.abs().max(1.0);
        assert!(
            (ours - theirs).abs() <= 1e-5 * scale,
            "{ours} and {theirs} at {at}: {case:?}"
        );
    }
}

/// The drive forward and the one back; equal in memory and on tensors.
fn drives(network: &Network, [pre, post]: &[HostRows; 2], case: Case) -> [Vec<f32>; 2] {
    let host = HostNetwork::new(network);
    let forward = host.add_drive(FORWARD, pre, None).to_values();
    let back = host.add_drive(BACK, post, None).to_values();
    let on_tensors = network.add_drive(FORWARD, &tensor(pre), None);
    close(&forward, &on_tensors.to_values(), case);
    let on_tensors = network.add_drive(BACK, &tensor(post), None);
    close(&back, &on_tensors.to_values(), case);
    // As a gradient goes, not halved by the tie.
    let adjoint = host.add_drive_back(FORWARD, post, None, None) * 0.5;
    close(&adjoint.to_values(), &back, case);
    [forward, back]
}

/// What products of factors mean for the weights; equal in memory, by either way of a step, and on tensors.
fn change(network: &Network, [pre, post]: &[HostRows; 2], case: Case) -> Vec<f32> {
    let change = Change {
        products: &[(pre.clone(), post.clone())],
        weighted: &[],
        bounds: Bounds::NONE,
    };
    let on_tensors = network
        .outer(WEIGHTS, tensor(pre), tensor(post))
        .to_values();
    let mut host = HostNetwork::new(network);
    host.replace(WEIGHTS, |weights| HostRows::full(weights.dims(), 0.0));
    let length = host.squared_length(WEIGHTS, change);
    host.change(WEIGHTS, change);
    close(&host.parameter(WEIGHTS), &on_tensors, case);
    let squares: f64 = on_tensors.iter().map(|it| f64::from(*it).powi(2)).sum();
    assert!((length / squares - 1.0).abs() < 1e-5, "{case:?}");
    host.change_by(WEIGHTS, change, &mut [], |weights, change, []| {
        weights.copy_from_slice(change);
    });
    close(&host.parameter(WEIGHTS), &on_tensors, case);
    on_tensors
}

/// Windows of 3 x 3 on one map of 3 x 3; the weights of each unit are its number, from 1 to 9.
fn small() -> (Network, Case) {
    let case = Case {
        kernel: [3, 1, 1],
        input: [1, 3, 3],
        output: [1, 3, 3],
        rows: 1,
    };
    let weights = (0..81).map(|at| (at % 9 + 1) as f32).collect();
    (with_weights(case.network("local"), weights), case)
}

#[test]
fn windows_of_a_small_map_by_hand() {
    let (network, case) = small();
    let row = |values: [f32; 9]| HostRows::from_values(&values, [1, 9]);
    let pre = row([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let post = row([1.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 100.0]);
    let activities = [pre, post];
    let [forward, back] = drives(&network, &activities, case);
    // 1 + 2 + 4 + 5 at the first corner, all but the last column at an edge, all 45 in the middle.
    let sums = [12.0, 21.0, 16.0, 27.0, 45.0, 33.0, 24.0, 39.0, 28.0];
    let expected: Vec<f32> = sums
        .iter()
        .zip(1..)
        .map(|(sum, unit)| sum * unit as f32)
        .collect();
    assert_eq!(forward, expected);
    // Half of the first unit's 1 to its window, of the middle one's 5 · 10 to all, of the last one's 9 · 100.
    let [one, all, last] = [0.5, 25.0, 450.0];
    let both = [all + one, all + one + last, all + last];
    let expected = [
        both[0], both[0], all, both[0], both[1], both[2], all, both[2], both[2],
    ];
    assert_eq!(back, expected);
    let changed = change(&network, &activities, case);
    // Of the synapse at the middle of each window: what the unit's own place sees times its factor.
    assert_eq!(
        changed[4 * 9..5 * 9],
        [1.0, 0.0, 0.0, 0.0, 50.0, 0.0, 0.0, 0.0, 900.0]
    );
    // Of the first synapse, which sees the place above and to the left: there is none of the first unit.
    assert_eq!(
        changed[..9],
        [0.0, 0.0, 0.0, 0.0, 10.0, 0.0, 0.0, 0.0, 500.0]
    );
}

#[test]
fn weights_of_synapses_that_do_not_exist_are_none() {
    let (network, case) = small();
    assert_eq!(network.plan().projection(FORWARD).weights(), 49);
    let exists = network.existing(FORWARD).unwrap();
    assert_eq!(exists.iter().filter(|it| **it).count(), 49);
    // Of what is drawn, and of what is set and then constrained, in either kind of numbers.
    let mut host = HostNetwork::new(&network);
    host.constrain_each(WEIGHTS);
    let drawn = case.network("local").weight(FORWARD).to_values();
    let constrained = network.constrained().weight(FORWARD).to_values();
    for values in [&drawn, &constrained, &host.parameter(WEIGHTS)] {
        for (value, exists) in values.iter().zip(&exists) {
            assert_eq!(*value != 0.0, *exists);
        }
    }
    // Nor does a step give them one that adds to every weight.
    let none = Change {
        products: &[],
        weighted: &[],
        bounds: Bounds::NONE,
    };
    host.change_by(WEIGHTS, none, &mut [], |weights, _, []| {
        weights.iter_mut().for_each(|it| *it += 1.0);
    });
    let values = host.parameter(WEIGHTS);
    assert_eq!(values.iter().filter(|it| **it != 0.0).count(), 49);
}

/// Where every place has the same kernel, local windows are a convolution, and their changes its change place by
/// place.
#[test]
fn windows_with_equal_weights_are_a_convolution() {
    let case = |kernel, input, output, rows| Case {
        kernel,
        input,
        output,
        rows,
    };
    for case in [
        case([3, 1, 1], [2, 5, 6], [3, 5, 6], 1),
        case([3, 1, 1], [2, 5, 6], [3, 5, 6], 4),
        // More maps and places than are taken at a time, and lines that a tile ends in.
        case([3, 1, 1], [8, 7, 9], [6, 7, 9], 5),
        case([1, 1, 0], [3, 6, 8], [66, 6, 8], 9),
        // More samples than are taken at a time.
        case([2, 1, 0], [1, 5, 6], [5, 4, 5], 40),
        case([3, 2, 1], [2, 7, 8], [3, 4, 4], 3),
        case([3, 2, 1], [2, 7, 8], [3, 4, 4], 11),
        case([3, 1, 2], [2, 4, 5], [2, 6, 7], 6),
        case([5, 3, 2], [1, 8, 40], [2, 3, 14], 6),
    ] {
        let convolution = case.network("convolution");
        let kernels = convolution.weight(FORWARD).to_values();
        let places = case.output[1] * case.output[2];
        let repeated = kernels
            .iter()
            .flat_map(|it| std::iter::repeat_n(*it, places));
        // Those beyond the border, too: they must not matter.
        let local = with_weights(case.network("local"), repeated.collect());
        let activities = case.activities();
        let [ours, theirs] = [&local, &convolution].map(|it| drives(it, &activities, case));
        close(&ours[0], &theirs[0], case);
        close(&ours[1], &theirs[1], case);
        let by_place = change(&local, &activities, case);
        let sums: Vec<f32> = by_place
            .chunks_exact(places)
            .map(|it| it.iter().sum())
            .collect();
        let [pre, post] = activities.each_ref().map(tensor);
        close(
            &sums,
            &convolution.outer(WEIGHTS, pre, post).to_values(),
            case,
        );
    }
}

/// What depends on the weights is theirs alone, in memory and on tensors.
#[test]
fn what_is_in_proportion_to_a_weight_stays_at_its_place() {
    let (network, _) = small();
    let network = network.constrained();
    let before = network.weight(FORWARD).to_values();
    let ones = |value: f32| HostRows::full([1, 9], value);
    let change = Change {
        products: &[],
        weighted: &[(ones(1.0), ones(-0.5))],
        bounds: Bounds::NONE,
    };
    let mut host = HostNetwork::new(&network);
    host.change(WEIGHTS, change);
    let halves: Vec<f32> = before.iter().map(|it| it / 2.0).collect();
    assert_eq!(host.parameter(WEIGHTS), halves);
    // On tensors it is the same product of factors, times the weights.
    let factors = network.outer(WEIGHTS, tensor(&ones(1.0)), tensor(&ones(-0.5)));
    let decayed = factors * network.weight(FORWARD) + network.weight(FORWARD);
    assert_eq!(decayed.to_values(), halves);
}
