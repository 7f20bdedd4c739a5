//! The kernels of a convolution, or windows with weights of their own, as images.

use burn_dendrite_nn::{Network, ProjectionId, geometry::Geometry};

use crate::plot::{ImageGrid, Tile};

/// The kernels of a projection as images: a row for each postsynaptic map, a column for each presynaptic one; of
/// local windows, which differ from place to place, that of the unit in the middle of each map; of windows at
/// random places a row for each unit. At most `rows` of them; `None` where the projection has no windows, or no
/// weights of its own.
///
/// From each kernel its mean is taken off, which is what a balanced inhibition leaves of it.
pub fn kernels(network: &Network, projection: ProjectionId, rows: usize) -> Option<ImageGrid> {
    let plan = network.plan().projection(projection);
    // The column of the first kernel, and how much further that of each next one is.
    let (side, heard, first, step, of) = match plan.wiring.geometry {
        Geometry::Dense => return None,
        Geometry::Convolution(windows) => (windows.kernel.size, windows.input[0], 0, 1, "map"),
        Geometry::ReceptiveFields(fields) => (fields.size, fields.image[0], 0, 1, "unit"),
        Geometry::Local(local) => {
            let [_, down, across] = local.windows.output;
            let middle = down / 2 * across + across / 2;
            (
                local.windows.kernel.size,
                local.windows.input[0],
                middle,
                down * across,
                "unit in the middle of a map",
            )
        }
    };
    if !plan.is_owned() {
        return None;
    }
    let (fan_in, columns) = (plan.site.pre, plan.site.post);
    let weights = network.weight(projection).into_data();
    let weights: Vec<f64> = weights.iter::<f64>().collect();
    let shown = (first..columns).step_by(step).take(rows);
    let tiles = shown.flat_map(|unit| {
        let kernel: Vec<f64> = (0..fan_in).map(|at| weights[at * columns + unit]).collect();
        let mean = kernel.iter().sum::<f64>() / fan_in as f64;
        let planes = kernel.chunks_exact(side * side).map(|plane| Tile {
            width: side,
            height: side,
            values: plane.iter().map(|weight| weight - mean).collect(),
        });
        planes.collect::<Vec<Tile>>()
    });
    Some(ImageGrid {
        title: format!("Kernels of {}", plan.name),
        subtitle: format!(
            "a row for each {of}, a column for each map that it hears; less the mean of the kernel"
        ),
        columns: heard,
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
    #[test]
    fn of_local_windows_that_of_the_middle_is_shown() {
        let spec: NetworkSpec = serde_json::from_value(serde_json::json!({
            "tau": 1.0, "steps": 1,
            "population": [
                { "name": "Input.E", "size": [1, 3, 3], "cell": "excitatory" },
                { "name": "H1.E", "size": [2, 3, 3], "cell": "excitatory" }],
            "projection": [
                { "name": "H1.E<-Input.E", "weight": { "kind": "constant", "value": 1.0 },
                  "geometry": { "kind": "local", "kernel": 3, "padding": 1 } }],
        }))
        .unwrap();
        let device = Device::flex();
        let network = spec.init(0, &device).unwrap();
        // The weights of a unit are its number times that of the synapse, from 0 on.
        let values: Vec<f32> = (0..9 * 18).map(|at| (at / 18 * (at % 18)) as f32).collect();
        let weight = Tensor::<1>::from_floats(&values[..], &device).reshape([9, 18]);
        let network = network.with_weight(ProjectionId(0), weight);
        let grid = kernels(&network, ProjectionId(0), 8).unwrap();
        assert_eq!((grid.columns, grid.tiles.len()), (1, 2));
        // Unit 4 of the first map, and 9 + 4 of the second; the mean synapse is 4.
        for (tile, unit) in grid.tiles.iter().zip([4.0, 13.0]) {
            let expected: Vec<f64> = (0..9).map(|at| (f64::from(at) - 4.0) * unit).collect();
            assert_eq!(tile.values, expected);
        }
    }
}
