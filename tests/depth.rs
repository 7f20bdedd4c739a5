//! Deep stacks of the layers learn from their default starts.

#[allow(dead_code)] // Written for the tables of the book.
#[path = "../benches/layers/kind.rs"]
mod kind;
#[allow(dead_code)]
#[path = "../benches/layers/stack.rs"]
mod stack;

use burn_dendrite::train::data::DatasetName;
use kind::Kind;
use stack::{Budget, Laws, Stack};

/// Percent of the embedded test digits after 500 steps of 50 digits.
fn accuracy(kind: Kind, fraction: f64) -> f32 {
    let data = DatasetName::MnistMini.load(&Default::default()).unwrap();
    let (depth, width) = (5, 100);
    let stack = Stack {
        kind,
        depth,
        width,
        fraction,
    };
    let (steps, batch) = (500, 50);
    let budget = Budget { steps, batch };
    stack.train(&data, Laws::AfterEachStep, budget, 1).accuracy
}

#[test]
fn five_layers_of_each_kind_learn_like_burns_linear() {
    let linear = accuracy(Kind::Linear, 0.0);
    assert!(linear > 80.0, "{linear}");
    // Each branch of a dendritic layer hears a part of its input, which has its price.
    for (kind, points) in [
        (Kind::DaleLinear, 5.0),
        (Kind::EiLayer, 5.0),
        (Kind::EiDense, 5.0),
        (Kind::DendriticLayer, 8.0),
    ] {
        let reached = accuracy(kind, 0.2);
        assert!(
            reached > linear - points,
            "{kind:?}: {reached}, burn's Linear: {linear}"
        );
    }
}
