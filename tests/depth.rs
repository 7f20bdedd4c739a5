//! Deep stacks of the layers learn from their default starts.

#[allow(missing_docs, unreachable_pub)]
#[path = "../examples/depth_of_layers.rs"]
mod depth_of_layers;

use depth_of_layers::accuracy;

#[test]
fn five_layers_of_each_kind_learn_like_burns_linear() {
    let linear = accuracy("Linear", 5, 100, 0.0, 1);
    assert!(linear > 80.0, "{linear}");
    // Each branch of a dendritic layer hears a part of its input, which has its price.
    for (kind, points) in [
        ("DaleLinear", 5.0),
        ("EiLayer", 5.0),
        ("EiDense", 5.0),
        ("DendriticLayer", 8.0),
    ] {
        let reached = accuracy(kind, 5, 100, 0.2, 1);
        assert!(
            reached > linear - points,
            "{kind}: {reached}, burn's Linear: {linear}"
        );
    }
}
