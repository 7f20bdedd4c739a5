//! The kernels of a convolution as images.

use burn_dendrite_nn::{Network, ProjectionId, geometry::Geometry};

use crate::plot::{ImageGrid, Tile};

/// The kernels of a projection as images: a row for each postsynaptic map, a column for each presynaptic one. Of
/// at most `maps` postsynaptic maps; `None` where the projection is no convolution with weights of its own.
///
/// From each kernel its mean is taken off, which is what a balanced inhibition leaves of it.
pub fn kernels(network: &Network, projection: ProjectionId, maps: usize) -> Option<ImageGrid> {
    let plan = network.plan().projection(projection);
    let Geometry::Convolution(convolution) = plan.wiring.geometry else {
        return None;
    };
    if !plan.is_owned() {
        return None;
    }
    let side = convolution.kernel.size;
    let by_map = network.weight(projection).transpose().into_data();
    let values: Vec<f64> = by_map.iter::<f64>().collect();
    let fan_in = convolution.fan_in();
    let shown = values.chunks_exact(fan_in).take(maps);
    let tiles = shown.flat_map(|kernel| {
        let mean = kernel.iter().sum::<f64>() / fan_in as f64;
        kernel.chunks_exact(side * side).map(move |plane| Tile {
            width: side,
            height: side,
            values: plane.iter().map(|weight| weight - mean).collect(),
        })
    });
    Some(ImageGrid {
        title: format!("Kernels of {}", plan.name),
        subtitle:
            "a row for each map, a column for each map that it hears; less the mean of the kernel"
                .to_owned(),
        columns: convolution.input[0],
        tiles: tiles.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor};
    use burn_dendrite_nn::NetworkSpec;

    #[test]
    fn a_kernel_is_an_image_of_its_weights_for_each_map_that_it_hears() {
        let spec: NetworkSpec = serde_json::from_value(serde_json::json!({
            "tau": 1.0, "steps": 1,
            "population": [
                { "name": "Input.E", "size": [2, 3, 3], "cell": "excitatory" },
                { "name": "H1.E", "size": [2, 3, 2], "cell": "excitatory" }],
            "projection": [
                { "name": "H1.E<-Input.E", "weight": { "kind": "constant", "value": 1.0 },
                  "geometry": { "kind": "convolution", "kernel": 2, "padding": 0 } }],
        }))
        .unwrap();
        // The kernel gives 2 x 2.
        let error = spec.check().unwrap_err().to_string();
        assert!(error.contains("gives maps of 2 x 2"), "{error}");
        let mut spec = spec;
        spec.populations[1].size = [2, 2, 2].into();
        let device = Device::flex();
        let network = spec.init(0, &device).unwrap();
        let values: Vec<f32> = (0..16).map(|at| at as f32).collect();
        let weight = Tensor::<1>::from_floats(&values[..], &device).reshape([8, 2]);
        let network = network.with_weight(ProjectionId(0), weight);
        let grid = kernels(&network, ProjectionId(0), 1).unwrap();
        assert_eq!((grid.columns, grid.tiles.len()), (2, 2));
        // The first map has the even numbers from 0 to 14, of mean 7.
        assert_eq!(grid.tiles[0].values, [-7.0, -5.0, -3.0, -1.0]);
        assert_eq!(grid.tiles[1].values, [1.0, 3.0, 5.0, 7.0]);
    }
}
