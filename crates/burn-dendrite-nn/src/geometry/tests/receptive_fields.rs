//! Windows at random places: by hand, and beside a matrix of all pairs of units.

use burn::tensor::Int;

use super::*;

/// Windows of `size`, which leave no place between them to strides and padding.
fn case(size: usize, input: [usize; 3], output: [usize; 3], rows: usize) -> Case {
    Case {
        kernel: [size, 1, 0],
        input,
        output,
        rows,
    }
}

impl Case {
    fn fields(&self) -> Network {
        let [size, ..] = self.kernel;
        self.network_of(serde_json::json!({ "kind": "receptive_fields", "size": size }))
    }
}

#[test]
fn windows_by_hand() {
    let case = case(2, [1, 2, 3], [2, 1, 1], 1);
    let device = crate::test_device();
    // The first unit sees the left square, 0 1 3 4, and the second one the right square, 1 2 4 5.
    let heard = Tensor::<2, Int>::from_data([[0, 1], [1, 2], [3, 4], [4, 5]], &device);
    let network = with_weights(
        case.fields().with_heard(FORWARD, heard),
        vec![1.0, 5.0, 2.0, 6.0, 3.0, 7.0, 4.0, 8.0],
    );
    assert_eq!(network.plan().projection(FORWARD).weights(), 8);
    let row = |values: &[f32]| HostRows::from_values(values, [1, values.len()]);
    let activities = [row(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), row(&[10.0, 100.0])];
    let [forward, back] = drives(&network, &activities, case);
    assert_eq!(
        forward,
        [1.0 + 4.0 + 12.0 + 20.0, 10.0 + 18.0 + 35.0 + 48.0]
    );
    let both = [10.0, 20.0 + 500.0, 600.0, 30.0, 40.0 + 700.0, 800.0];
    assert_eq!(back, both.map(|it| it / 2.0));
    let changed = change(&network, &activities, case);
    let expected = [10.0, 200.0, 20.0, 300.0, 40.0, 500.0, 50.0, 600.0];
    assert_eq!(changed, expected);
    let pairs = network.weight_of_pairs(FORWARD).to_values();
    let expected = [1.0, 0.0, 2.0, 5.0, 0.0, 6.0, 3.0, 0.0, 4.0, 7.0, 0.0, 8.0];
    assert_eq!(pairs, expected);
    let back = network.weight_of_pairs(BACK).transpose().to_values();
    assert_eq!(back, expected.map(|it| it / 2.0));
}

/// The same synapses in a matrix of all pairs give the same drives, and the same changes where there is one.
#[test]
fn windows_are_a_matrix_with_zeros() {
    for case in [
        case(2, [1, 4, 5], [7, 1, 1], 1),
        case(3, [2, 4, 5], [9, 1, 1], 3),
        // Beyond what is taken one by one, and more units and samples than are taken at a time.
        case(3, [2, 6, 5], [17, 1, 1], 4),
        case(1, [3, 2, 2], [5, 1, 1], 16),
        case(4, [1, 4, 4], [2, 3, 3], 37),
        case(5, [3, 9, 8], [40, 1, 1], 21),
    ] {
        let fields = case.fields();
        let dense = case.network_of(serde_json::json!({ "kind": "dense" }));
        let dense = dense.with_weight(FORWARD, fields.weight_of_pairs(FORWARD));
        let activities = case.activities();
        let [ours, theirs] = [&fields, &dense].map(|it| drives(it, &activities, case));
        close(&ours[0], &theirs[0], case);
        close(&ours[1], &theirs[1], case);
        let of_synapses = change(&fields, &activities, case);
        let of_pairs = change(&dense, &activities, case);
        let [_, units] = fields.weight(FORWARD).dims();
        let heard = fields.heard(FORWARD).unwrap().into_data();
        let expected: Vec<f32> = (heard.iter::<u32>().enumerate())
            .map(|(at, unit)| of_pairs[unit as usize * units + at % units])
            .collect();
        close(&of_synapses, &expected, case);
    }
}

#[test]
fn a_seed_draws_the_weights_of_the_reference_and_another_one_other_windows() {
    let case = case(2, [1, 5, 6], [8, 1, 1], 1);
    let geometry = serde_json::json!({ "kind": "receptive_fields", "size": 2 });
    let spec = |geometry: &serde_json::Value, scale: f64| -> NetworkSpec {
        serde_json::from_value(serde_json::json!({
            "tau": 1.0, "steps": 1,
            "population": [
                { "name": "Input.E", "size": case.input, "cell": "unconstrained" },
                { "name": "H1.E", "size": 8, "cell": "unconstrained" }],
            "projection": [
                { "name": "H1.E<-Input.E", "geometry": geometry,
                  "weight": { "kind": "uniform", "low": 0.0, "high": scale } }],
        }))
        .unwrap()
    };
    let device = crate::test_device();
    let fields = spec(&geometry, 1.0).init(5, &device).unwrap();
    let dense = spec(&serde_json::json!({ "kind": "dense" }), 1.0);
    let dense = dense.init(5, &device).unwrap().weight(FORWARD).to_values();
    let all = fields.weight_of_pairs(FORWARD).to_values();
    let existing = all.iter().zip(&dense).filter(|(weight, _)| **weight != 0.0);
    let existing: Vec<_> = existing.collect();
    assert_eq!(existing.len(), 4 * 8);
    assert!(existing.iter().all(|(ours, theirs)| ours == theirs));
    let heard = |seed| {
        let network = spec(&geometry, 1.0).init(seed, &device).unwrap();
        network.heard(FORWARD).unwrap().into_data()
    };
    assert_eq!(heard(5), heard(5));
    assert_ne!(heard(5), heard(6));
}
