//! The loss around the path that learning took.

use burn::tensor::{Tensor, TensorData};
use burn_dendrite_nn::{Dynamics, Network, Parameter};
use nalgebra::{DMatrix, DVector};
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Measured, Report, Sheet,
    context::{device, loss},
    report::{digits, percent},
    statistics::axis,
};

/// The loss on a plane through the parameters: that of the first two principal components of the
/// history of the learned parameters.
///
/// ```text
/// L(a, b) = mean squared error with the parameters  θ̄ + a·c₁ + b·c₂
/// ```
///
/// `θ̄` is the mean of the history, `c₁` and `c₂` are its principal components, of unit length, so `a` and
/// `b` are distances in parameter space. Constraints are not applied: points off the path may break
/// Dale's law. `None` for a history of fewer than three different points.
///
/// Source: Li et al., *Visualizing the loss landscape of neural nets* (2018), as in Galloni et al.
/// 2025.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LossLandscape {
    /// Coordinates along the first component.
    pub first: Vec<f64>,
    /// Coordinates along the second component.
    pub second: Vec<f64>,
    /// Mean squared error, a row for each coordinate of `second`.
    pub loss: Vec<Vec<f64>>,
    /// The history on the plane.
    pub path: Vec<PathPoint>,
    /// Share of the variance of the history along each of the two components.
    pub explained: [f64; 2],
    /// Number of samples of the loss.
    pub samples: usize,
}

/// One moment of the history, projected onto the plane.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PathPoint {
    /// Training samples seen until then.
    pub samples: usize,
    /// Coordinates on the plane.
    pub at: [f64; 2],
    /// Mean squared error of the network itself, not of its projection.
    pub loss: f64,
}

/// The plane of the first two principal components of some points.
#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalPlane {
    /// Mean of the points.
    pub mean: DVector<f64>,
    /// The two components, of unit length and orthogonal to each other.
    pub components: [DVector<f64>; 2],
    /// Coordinates of each point.
    pub coordinates: Vec<[f64; 2]>,
    /// Share of the variance along each component.
    pub explained: [f64; 2],
}

/// The principal plane of points, one a row.
///
/// ```text
/// G = X Xᵀ = V Λ Vᵀ        X the centred points
/// c_k = Xᵀ v_k / √λ_k      coordinates X c_k = √λ_k v_k
/// ```
///
/// Through the Gram matrix: as large as there are points, however many dimensions they have. `None`
/// where the points do not span a plane. The sign of a component is such that its coordinate of the
/// last point is not negative.
pub fn principal_plane(points: &DMatrix<f64>) -> Option<PrincipalPlane> {
    if points.nrows() < 3 {
        return None;
    }
    let mean = points.row_mean();
    let mut centred = points.clone();
    for mut row in centred.row_iter_mut() {
        row -= &mean;
    }
    let eigen = (&centred * centred.transpose()).symmetric_eigen();
    let mut order: Vec<usize> = (0..points.nrows()).collect();
    order.sort_by(|one, other| eigen.eigenvalues[*other].total_cmp(&eigen.eigenvalues[*one]));
    let total: f64 = eigen.eigenvalues.iter().map(|value| value.max(0.0)).sum();
    // What rounding leaves of a direction that is not there.
    const NOTHING: f64 = 1e-9;
    if eigen.eigenvalues[order[1]] <= NOTHING * total {
        return None;
    }
    let component = |place: usize| {
        let (value, vector) = (
            eigen.eigenvalues[order[place]].sqrt(),
            eigen.eigenvectors.column(order[place]),
        );
        let sign = if vector[vector.len() - 1] < 0.0 {
            -1.0
        } else {
            1.0
        };
        let direction = centred.tr_mul(&vector) * (sign / value);
        (direction, vector * (sign * value))
    };
    let [(first, a), (second, b)] = [component(0), component(1)];
    Some(PrincipalPlane {
        mean: mean.transpose(),
        components: [first, second],
        coordinates: a.iter().zip(b.iter()).map(|(a, b)| [*a, *b]).collect(),
        explained: [0, 1].map(|place| eigen.eigenvalues[order[place]] / total),
    })
}

/// The learned parameters of a network, one after the other.
fn flat(network: &Network, learned: &[Parameter]) -> Vec<f64> {
    let values = learned.iter().flat_map(|parameter| {
        let data = match parameter {
            Parameter::Weight(id) => network.weight(*id).into_data(),
            Parameter::Bias(id) => match network.bias(*id) {
                Some(bias) => bias.into_data(),
                None => return Vec::new(),
            },
        };
        data.iter::<f64>().collect::<Vec<f64>>()
    });
    values.collect()
}

/// The network with other learned parameters, as they are.
fn with_flat(mut network: Network, learned: &[Parameter], values: &DVector<f64>) -> Network {
    let device = device(&network);
    let mut rest = values.as_slice();
    let mut take = |count: usize| -> Vec<f32> {
        let (taken, left) = rest.split_at(count);
        rest = left;
        taken.iter().map(|value| *value as f32).collect()
    };
    for parameter in learned {
        network = match *parameter {
            Parameter::Weight(id) => {
                let site = &network.plan().projection(id).site;
                let shape = [site.pre, site.post];
                let data = TensorData::new(take(shape[0] * shape[1]), shape);
                network.with_weight(id, Tensor::from_data(data, &device))
            }
            Parameter::Bias(id) => {
                let size = network.plan().populations[id].biases();
                let data = TensorData::new(take(size), [size]);
                network.with_bias(id, Tensor::from_data(data, &device))
            }
        };
    }
    network
}

impl Measured for LossLandscape {
    const COST: u64 = 60;

    fn measure(context: &Context<'_>) -> Option<Self> {
        /// How far the plane goes beyond the path, on each side.
        const MARGIN: f64 = 0.25;
        let (history, options) = (context.subject.history, context.options);
        let mut learned: Vec<Parameter> = context.subject.learning.learned().collect();
        learned.sort_unstable();
        let points: Vec<Vec<f64>> = (history.iter())
            .map(|moment| flat(&moment.network, &learned))
            .collect();
        let width = points.first()?.len();
        let points = DMatrix::from_row_iterator(history.len(), width, points.into_iter().flatten());
        let plane = principal_plane(&points)?;

        let (inputs, targets) = context.first(options.landscape_samples);
        let samples = inputs.dims()[0];
        let of = |network: &Network| {
            let running = context.subject.conditions.on(network);
            let state = running.settle(inputs.clone(), network.plan().steps, &mut ());
            loss(network, &state, &targets)
        };
        let count = options.landscape_points;
        let first = axis(plane.coordinates.iter().map(|at| at[0]), MARGIN, count);
        let second = axis(plane.coordinates.iter().map(|at| at[1]), MARGIN, count);
        let [one, other] = &plane.components;
        let mut rows = Vec::with_capacity(count);
        for (done, b) in second.iter().enumerate() {
            let start = &plane.mean + other * *b;
            let at = |a: &f64| {
                let values = &start + one * *a;
                of(&with_flat(context.network.clone(), &learned, &values))
            };
            rows.push(first.iter().map(at).collect());
            (context.progress)((done + 1) as f64 / count as f64);
        }
        let path = history.iter().zip(&plane.coordinates);
        Some(Self {
            loss: rows,
            path: path
                .map(|(moment, at)| PathPoint {
                    samples: moment.samples,
                    at: *at,
                    loss: of(&moment.network),
                })
                .collect(),
            explained: plane.explained,
            first,
            second,
            samples,
        })
    }
}

impl Report for LossLandscape {
    fn figures(&self) -> Vec<Figure> {
        let lowest = self.loss.iter().flatten().copied().reduce(f64::min);
        let end = self.path.last().map(|point| point.loss);
        let explained = self.explained.iter().sum();
        vec![
            Figure::network("loss at the end of the path", digits(end)),
            Figure::network("lowest loss on the plane", digits(lowest)),
            Figure::network(
                "variance of the path on the plane",
                percent(Some(explained)),
            ),
        ]
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["what", "first", "second", "loss", "samples"]);
        for (row, second) in self.loss.iter().zip(&self.second) {
            for (loss, first) in row.iter().zip(&self.first) {
                sheet.push([&"plane", first, second, loss, &""]);
            }
        }
        for point in &self.path {
            let [first, second] = point.at;
            sheet.push([&"path", &first, &second, &point.loss, &point.samples]);
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn the_plane_of_known_points() {
        // On a cross in a plane of three dimensions: variances 8 and 2, along the first two axes.
        let points = rows([
            [-2.0, 0.0, 5.0],
            [0.0, 1.0, 5.0],
            [0.0, -1.0, 5.0],
            [2.0, 0.0, 5.0],
        ]);
        let plane = principal_plane(&points).unwrap();
        assert!((plane.mean - DVector::from_vec(vec![0.0, 0.0, 5.0])).norm() < 1e-12);
        let [first, second] = &plane.components;
        assert!((first - DVector::from_vec(vec![1.0, 0.0, 0.0])).norm() < 1e-12);
        assert!((second[1].abs() - 1.0).abs() < 1e-12);
        assert!((plane.explained[0] - 0.8).abs() < 1e-12);
        assert!((plane.explained[1] - 0.2).abs() < 1e-12);
        assert!((plane.coordinates[0][0] + 2.0).abs() < 1e-12);
        assert!((plane.coordinates[1][1].abs() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn points_are_where_their_coordinates_say() {
        // Three points always lie in their plane.
        let points = rows([
            [1.0, 2.0, 3.0, 4.0],
            [0.0, -1.0, 3.0, 1.0],
            [5.0, 2.0, 0.0, 1.0],
        ]);
        let plane = principal_plane(&points).unwrap();
        for (point, [a, b]) in points.row_iter().zip(&plane.coordinates) {
            let there = &plane.mean + &plane.components[0] * *a + &plane.components[1] * *b;
            assert!((point.transpose() - there).norm() < 1e-12);
        }
    }

    #[test]
    fn points_on_a_line_span_no_plane() {
        assert_eq!(
            principal_plane(&rows([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]])),
            None
        );
        assert_eq!(principal_plane(&rows([[0.0, 0.0], [1.0, 2.0]])), None);
        assert_eq!(principal_plane(&DMatrix::from_element(4, 2, 1.0)), None);
    }
}
