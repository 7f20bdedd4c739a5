//! The class that a network sees at each point of a plane.

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite_nn::{Dynamics, Numbers};
use burn_dendrite_train::evaluation_batch;
use serde::{Deserialize, Serialize};

use super::{Context, Figure, Measured, Report, Sheet, context::device, statistics::axis};

/// Decisions over the plane of a two-dimensional input, such as that of the spirals.
///
/// Source: decision map of the spirals in Galloni et al. 2025.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionMap {
    /// Coordinates of the first input, ascending.
    pub x: Vec<f64>,
    /// Coordinates of the second input, ascending.
    pub y: Vec<f64>,
    /// The class of the largest output, a row for each coordinate of `y`.
    pub classes: Vec<Vec<usize>>,
    /// The samples that the map is drawn around, with their classes.
    pub points: Vec<MapPoint>,
}

/// A sample on the map.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapPoint {
    /// The two inputs.
    pub at: [f64; 2],
    /// Its class.
    pub class: usize,
}

/// The class of the largest output at each point of a grid; a row for each coordinate of `y`.
///
/// ```text
/// class(x, y) = argmax_k r_k(x, y)        r output at the end of the forward phase
/// ```
///
/// # Panics
///
/// If the network does not have two inputs.
pub fn decision_map<N: Numbers<Rows = Tensor<2>>>(
    network: &N,
    device: &Device,
    x: &[f64],
    y: &[f64],
) -> Vec<Vec<usize>> {
    let plan = network.plan();
    let points: Vec<[f32; 2]> = (y.iter())
        .flat_map(|y| x.iter().map(|x| [*x as f32, *y as f32]))
        .collect();
    let mut classes = Vec::with_capacity(points.len());
    for chunk in points.chunks(evaluation_batch(plan)) {
        let data = TensorData::new(chunk.as_flattened().to_vec(), [chunk.len(), 2]);
        let state = network.settle(Tensor::from_data(data, device), plan.steps, &mut ());
        let largest = state.activity[plan.output].clone().argmax(1).into_data();
        classes.extend(largest.iter::<i64>().map(|class| class as usize));
    }
    classes
        .chunks(x.len().max(1))
        .map(<[usize]>::to_vec)
        .collect()
}

impl Measured for DecisionMap {
    const COST: u64 = 5;

    fn measure(context: &Context<'_>) -> Option<Self> {
        /// How far the map goes beyond the samples, on each side.
        const MARGIN: f64 = 0.1;
        let (samples, count) = (context.samples, context.options.map_points);
        if samples.features() != 2 || count == 0 {
            return None;
        }
        let points: Vec<MapPoint> = (0..samples.len())
            .map(|index| {
                let values = samples.sample(index);
                MapPoint {
                    at: [f64::from(values[0]), f64::from(values[1])],
                    class: usize::from(samples.label(index)),
                }
            })
            .collect();
        let x = axis(points.iter().map(|point| point.at[0]), MARGIN, count);
        let y = axis(points.iter().map(|point| point.at[1]), MARGIN, count);
        let classes = decision_map(
            &context.subject.conditions.on(context.network),
            &device(context.network),
            &x,
            &y,
        );
        Some(Self {
            x,
            y,
            classes,
            points,
        })
    }
}

impl Report for DecisionMap {
    fn figures(&self) -> Vec<Figure> {
        let cells = || self.classes.iter().flatten();
        let classes: std::collections::BTreeSet<&usize> = cells().collect();
        let count = classes.len().to_string();
        vec![Figure::network("classes on the decision map", count)]
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["x", "y", "class"]);
        for (row, y) in self.classes.iter().zip(&self.y) {
            for (class, x) in row.iter().zip(&self.x) {
                sheet.push([x, y, class]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use burn_dendrite_nn::{NetworkSpec, ProjectionId};

    use super::*;

    #[test]
    fn two_outputs_divide_the_plane_at_its_diagonal() {
        let network = r#"
            tau = 2.0
            steps = 2
            population = [
                { name = "Input.E", size = 2, cell = "unconstrained" },
                { name = "Output.E", size = 2, cell = "excitatory", activation = "linear" },
            ]
            projection = [{ name = "Output.E<-Input.E", weight = { kind = "constant", value = 0.0 } }]
        "#;
        let spec: NetworkSpec = toml::from_str(network).unwrap();
        let device = Device::flex();
        let network = spec.init(0, &device).unwrap();
        let network = network.with_weight(ProjectionId(0), Tensor::eye(2, &device));
        let map = decision_map(&network, &device, &[-1.0, 0.5, 2.0], &[-2.0, 1.0]);
        assert_eq!(map, [[0, 0, 0], [1, 1, 0]]);
    }
}
