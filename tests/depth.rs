//! Deep stacks of the layers learn from their default starts.

#[allow(missing_docs, unreachable_pub)]
#[path = "../examples/depth_of_layers.rs"]
mod depth_of_layers;

use depth_of_layers::accuracy;

#[test]
fn five_layers_of_each_kind_learn_within_five_points_of_burns_linear() {
    let linear = accuracy("Linear", 5, 100, 0.0, 1);
    assert!(linear > 80.0, "{linear}");
    for kind in ["DaleLinear", "EiLayer", "EiDense", "DendriticLayer"] {
        let reached = accuracy(kind, 5, 100, 0.2, 1);
        assert!(
            reached > linear - 5.0,
            "{kind}: {reached}, burn's Linear: {linear}"
        );
    }
}
