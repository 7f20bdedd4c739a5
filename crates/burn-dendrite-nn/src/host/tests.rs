//! A network in main memory, calculated by hand.

use burn::tensor::Tensor;
use serde_json::{Value, json};

use crate::{
    Adjoint, Change, HostNetwork, Network, NetworkSpec, Numbers, Parameter, PopulationId,
    ProjectionId,
    numbers::{Bounds, HostRows, Rows},
};

const FORWARD: ProjectionId = ProjectionId(0);
const BACK: ProjectionId = ProjectionId(1);
const HIDDEN: PopulationId = PopulationId(1);

fn network(populations: Value, projections: Value) -> Network {
    let spec: NetworkSpec = serde_json::from_value(json!({
        "tau": 1.0, "steps": 1, "output": "H1.E",
        "population": populations, "projection": projections,
    }))
    .unwrap();
    spec.init(1, &crate::test_device()).unwrap()
}

/// Two inputs and three units with a bias, which hears the units again, tied times a half.
fn tied() -> Network {
    let free = "unconstrained";
    let network = network(
        json!([
            { "name": "Input.E", "size": 2, "cell": free },
            { "name": "H1.E", "size": 3, "cell": free,
              "bias": { "init": { "kind": "constant", "value": 0.5 }, "lower": -1.0, "upper": 2.0 } },
            { "name": "H2.E", "size": 2, "cell": free }]),
        json!([
            { "name": "H1.E<-Input.E", "weight": { "kind": "scaled_kaiming" } },
            { "name": "H2.E<-H1.E",
              "weight": { "kind": "tied", "of": "H1.E<-Input.E", "transpose": true, "scale": 0.5 } }]),
    );
    let weights = Tensor::from_floats([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &crate::test_device());
    network.with_weight(FORWARD, weights)
}

fn rows<const ROWS: usize, const SIZE: usize>(values: [[f32; SIZE]; ROWS]) -> HostRows {
    HostRows::from_values(values.as_flattened(), [ROWS, SIZE])
}

#[test]
fn a_tie_is_its_source_seen_from_the_other_side() {
    let host = HostNetwork::new(&tied());
    assert_eq!(
        host.parameter(Parameter::Weight(FORWARD)),
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    );
    assert_eq!(
        host.parameter(Parameter::Weight(BACK)),
        [0.5, 2.0, 1.0, 2.5, 1.5, 3.0]
    );
    assert_eq!(host.parameter(Parameter::Bias(HIDDEN)), [0.5; 3]);
    assert!(host.parameter(Parameter::Bias(PopulationId(0))).is_empty());
}

/// The sum of the squares of a change, and the parameter after it.
fn changed_by(network: &Network, parameter: Parameter, change: Change<'_>) -> (f64, Vec<f32>) {
    let mut host = HostNetwork::new(network);
    let squares = host.squared_length(parameter, change);
    host.change(parameter, change);
    (squares, host.parameter(parameter))
}

#[test]
fn a_drive_is_added_to_each_row_of_a_sum_or_to_the_only_one() {
    let host = HostNetwork::new(&tied());
    let arriving = rows([[1.0, 0.0], [2.0, -1.0]]);
    let drive = |sum| host.add_drive(FORWARD, &arriving, sum).to_values();
    assert_eq!(drive(None), [1.0, 2.0, 3.0, -2.0, -1.0, 0.0]);
    assert_eq!(
        drive(Some(rows([[10.0, 20.0, 30.0]]))),
        [11.0, 22.0, 33.0, 8.0, 19.0, 30.0]
    );
    assert_eq!(
        drive(Some(rows([[10.0, 20.0, 30.0], [0.0, 0.0, 1.0]]))),
        [11.0, 22.0, 33.0, -2.0, -1.0, 1.0]
    );
    let back = host.add_drive(BACK, &rows([[2.0, 0.0, -2.0]]), None);
    assert_eq!(back.to_values(), [-2.0, -2.0]);
    // An error at the units, and one at those that hear them.
    let error = rows([[1.0, 0.0, -1.0]]);
    let back = host.add_drive_back(FORWARD, &error, None, Some(rows([[1.0, 1.0]])));
    assert_eq!(back.to_values(), [-1.0, -1.0]);
    let back = host.add_drive_back(BACK, &rows([[2.0, -2.0]]), None, None);
    assert_eq!(back.to_values(), [-3.0, -3.0, -3.0]);
}

/// Σ x·y + b ∘ Σ u·v over two samples, within the bounds of the change and then of the bias.
#[test]
fn a_bias_changes_by_products_like_a_weight() {
    let bias = Parameter::Bias(HIDDEN);
    let change = |bounds| {
        let products = [(
            rows([[1.0], [2.0]]),
            rows([[0.25, 1.0, -0.5], [0.0, 0.5, -1.0]]),
        )];
        let weighted = [(
            rows([[1.0], [-1.0]]),
            rows([[3.0, 0.0, 1.0], [1.0, 0.0, 0.0]]),
        )];
        // 0.25 + 0.5 · 2, 2 + 0, and -2.5 + 0.5
        let change = Change {
            products: &products,
            weighted: &weighted,
            bounds,
        };
        changed_by(&tied(), bias, change)
    };
    let (squares, changed) = change(Bounds::NONE);
    assert_eq!(squares, 1.25 * 1.25 + 4.0 + 4.0);
    assert_eq!(changed, [1.75, 2.0, -1.0]);
    let bounds = Bounds {
        lower: -1.0,
        upper: 1.5,
    };
    let (squares, changed) = change(bounds);
    assert_eq!(squares, 1.25 * 1.25 + 1.5 * 1.5 + 1.0);
    assert_eq!(changed, [1.75, 2.0, -0.5]);
}

#[test]
fn what_the_units_of_a_map_share_changes_by_the_sum_over_their_places() {
    let free = "unconstrained";
    let network = network(
        json!([
            { "name": "Input.E", "size": 1, "cell": free },
            { "name": "H1.E", "size": [2, 1, 3], "cell": free,
              "bias": { "init": { "kind": "constant", "value": 1.0 }, "per": "map" } }]),
        json!([{ "name": "H1.E<-Input.E", "weight": { "kind": "scaled_kaiming" } }]),
    );
    let mut host = HostNetwork::new(&network);
    let products = [(rows([[2.0]]), rows([[1.0, 2.0, 3.0, -1.0, 0.0, 0.5]]))];
    let change = Change {
        products: &products,
        weighted: &[],
        bounds: Bounds::NONE,
    };
    host.change(Parameter::Bias(HIDDEN), change);
    assert_eq!(host.parameter(Parameter::Bias(HIDDEN)), [13.0, 0.0]);
    let row = host.bias_row(HIDDEN).unwrap().to_values();
    assert_eq!(row, [13.0, 13.0, 13.0, 0.0, 0.0, 0.0]);
}

/// Of the two that it follows from, whichever changes.
#[test]
fn a_balance_follows_what_it_is_computed_from() {
    let weight = json!({ "kind": "half_kaiming" });
    let network = network(
        json!([
            { "name": "Input.E", "size": 2, "cell": "excitatory" },
            { "name": "H1.SomaI", "size": 2, "cell": "inhibitory" },
            { "name": "H1.E", "size": 1, "cell": "excitatory" }]),
        json!([
            { "name": "H1.SomaI<-Input.E", "weight": weight },
            { "name": "H1.E<-Input.E", "weight": weight },
            { "name": "H1.E<-H1.SomaI",
              "weight": { "kind": "balance", "of": "H1.E<-Input.E", "through": "H1.SomaI<-Input.E" } }]),
    );
    let [through, of, balance] = [0, 1, 2].map(|at| Parameter::Weight(ProjectionId(at)));
    let mut host = HostNetwork::new(&network);
    // The interneurons hear 2 and 2 on average, 4 together.
    host.replace(through, |_| rows([[1.0, 2.0], [3.0, 2.0]]));
    host.replace(of, |_| rows([[1.0], [3.0]]));
    assert_eq!(host.parameter(balance), [-0.5, -0.5]);
    host.replace(of, |_| rows([[1.0], [7.0]]));
    assert_eq!(host.parameter(balance), [-1.0, -1.0]);
    host.replace(through, |_| rows([[2.0, 5.0], [3.0, 6.0]]));
    assert_eq!(host.parameter(balance), [-0.5, -0.5]);
    let stored = host.store(network, &[through, of]);
    assert_eq!(stored.weight(ProjectionId(2)).to_values(), [-0.5, -0.5]);
}

/// Σ xᵀ·y + w ∘ Σ uᵀ·v, whether few products are asked for or many, and within bounds.
#[test]
fn weights_change_by_products_and_in_proportion_to_themselves() {
    let weights = Parameter::Weight(FORWARD);
    let products = [(
        rows([[1.0, -1.0], [2.0, 0.0]]),
        rows([[1.0, 0.0, 2.0], [0.0, 1.0, -1.0]]),
    )];
    let silent = (rows([[0.0, 0.0]; 12]), rows([[1.0, 1.0, 1.0]; 12]));
    let many = [products[0].clone(), silent];
    let weighted = [(rows([[1.0, 0.5]]), rows([[1.0, 0.0, -1.0]]))];
    for products in [&products[..], &many[..]] {
        let change = |bounds| {
            let change = Change {
                products,
                weighted: &weighted,
                bounds,
            };
            changed_by(&tied(), weights, change)
        };
        // 1 2 0, -1 0 -2 and 1 0 -3, 2 0 -3
        let (squares, changed) = change(Bounds::NONE);
        assert_eq!(squares, 43.0);
        assert_eq!(changed, [3.0, 4.0, 0.0, 5.0, 5.0, 1.0]);
        let (squares, changed) = change(Bounds {
            lower: -2.5,
            upper: 1.5,
        });
        assert_eq!(squares, 18.0);
        assert_eq!(changed, [2.5, 3.5, 0.5, 5.0, 5.0, 3.5]);
    }
}

/// The same summed over three places, at which a kernel of one pixel leads from two maps to two.
#[test]
fn what_places_share_changes_by_the_sum_over_them() {
    let free = "unconstrained";
    let network = network(
        json!([
            { "name": "Input.E", "size": [2, 1, 3], "cell": free },
            { "name": "H1.E", "size": [2, 1, 3], "cell": free }]),
        json!([
            { "name": "H1.E<-Input.E", "weight": { "kind": "scaled_kaiming" },
              "geometry": { "kind": "convolution", "kernel": 1 } }]),
    );
    let start = Tensor::from_floats([[1.0, 2.0], [4.0, 8.0]], &crate::test_device());
    let network = network.with_weight(FORWARD, start);
    let weights = Parameter::Weight(FORWARD);
    let products = [(
        rows([[1.0, 0.0, 2.0, 0.0, 1.0, 0.0]]),
        rows([[1.0, 1.0, 1.0, 0.0, -1.0, 2.0]]),
    )];
    let weighted = [(
        rows([[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]),
        rows([[2.0, 0.0, 0.0, 0.0, 0.0, 0.5]]),
    )];
    let change = |bounds| {
        let change = Change {
            products: &products,
            weighted: &weighted,
            bounds,
        };
        changed_by(&network, weights, change)
    };
    // 3 4, 1 -1 and 2 0, 0 4
    assert_eq!(change(Bounds::NONE), (51.0, vec![6.0, 6.0, 5.0, 11.0]));
    let bounds = Bounds {
        lower: -1.0,
        upper: 3.5,
    };
    assert_eq!(change(bounds), (34.5, vec![4.5, 5.5, 5.0, 11.0]));
}
