//! Means, their errors, and the way from tensors to matrices.

use burn::tensor::Tensor;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

/// The mean of some values and how well it is known.
///
/// ```text
/// mean = (1/n) Σ x        standard error = sqrt( Σ (x − mean)² / (n − 1) ) / sqrt(n)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeanAndError {
    /// The mean.
    pub mean: f64,
    /// Standard error of the mean; 0 for a single value.
    pub standard_error: f64,
    /// Number of values.
    pub count: usize,
}

impl MeanAndError {
    /// Of these values; `None` where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let mean = mean(values)?;
        let count = values.len();
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        let standard_error = match count {
            1 => 0.0,
            _ => (squares / (count as f64 - 1.0) / count as f64).sqrt(),
        };
        Some(Self {
            mean,
            standard_error,
            count,
        })
    }
}

/// The mean of these values; `None` where there are none.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().sum();
    (!values.is_empty()).then(|| sum / values.len() as f64)
}

/// `count` coordinates at equal distances over the extent of some values and, on each side, `margin`
/// times that extent beyond it.
pub(super) fn axis(
    values: impl Iterator<Item = f64> + Clone,
    margin: f64,
    count: usize,
) -> Vec<f64> {
    let lowest = values.clone().fold(f64::INFINITY, f64::min);
    let highest = values.fold(f64::NEG_INFINITY, f64::max);
    let extent = highest - lowest;
    let step = extent * (1.0 + 2.0 * margin) / (count.max(2) - 1) as f64;
    (0..count)
        .map(|place| lowest - margin * extent + step * place as f64)
        .collect()
}

/// A tensor as a matrix of the same rows and columns.
pub(super) fn matrix(tensor: Tensor<2>) -> DMatrix<f64> {
    let [rows, columns] = tensor.dims();
    let data = tensor.into_data();
    DMatrix::from_row_iterator(rows, columns, data.iter::<f64>())
}

/// A matrix of these rows, for tests.
#[cfg(test)]
pub(super) fn rows<const R: usize, const C: usize>(rows: [[f64; C]; R]) -> DMatrix<f64> {
    DMatrix::from_row_iterator(R, C, rows.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_error_by_hand() {
        // 1, 2, 3, 6: mean 3, squares 4 + 1 + 0 + 9 = 14, error sqrt(14 / 3 / 4).
        let of = MeanAndError::of(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert_eq!((of.mean, of.count), (3.0, 4));
        assert!((of.standard_error - 1.080_123_449_734_643_4).abs() < 1e-12);
        assert_eq!(MeanAndError::of(&[2.0]).unwrap().standard_error, 0.0);
        assert_eq!(MeanAndError::of(&[]), None);
    }

    #[test]
    fn an_axis_goes_beyond_the_values() {
        let values = [0.0, 4.0, 2.0].into_iter();
        assert_eq!(axis(values.clone(), 0.25, 4), [-1.0, 1.0, 3.0, 5.0]);
        assert_eq!(axis(values, 0.0, 3), [0.0, 2.0, 4.0]);
    }

    #[test]
    fn a_matrix_has_the_rows_of_its_tensor() {
        let tensor = Tensor::from_floats([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], &Default::default());
        let matrix = matrix(tensor);
        assert_eq!(matrix.shape(), (2, 3));
        assert_eq!((matrix[(0, 2)], matrix[(1, 0)]), (3.0, 4.0));
    }
}
