//! burn's tensors as numbers.

use burn::tensor::{Bool, Tensor, TensorData};

use super::Rows;
use crate::Activation;

impl Rows for Tensor<2> {
    fn dims(&self) -> [usize; 2] {
        self.dims()
    }

    fn filled(&self, dims: [usize; 2], value: f64) -> Self {
        let device = self.device().without_autodiff();
        Tensor::<2>::full(dims, value, (&device, self.dtype()))
    }

    fn with_values(&self, values: Vec<f32>, dims: [usize; 2]) -> Self {
        let device = self.device().without_autodiff();
        Tensor::<2>::from_data(TensorData::new(values, dims), (&device, self.dtype()))
    }

    fn to_values(&self) -> Vec<f32> {
        let data = self.clone().without_autodiff().into_data();
        let data = data.convert::<f32>();
        data.try_into_vec().expect("converted to f32")
    }

    fn clamp(self, low: f64, high: f64) -> Self {
        self.clamp(low, high)
    }

    fn clamp_min(self, low: f64) -> Self {
        self.clamp_min(low)
    }

    fn clamp_max(self, high: f64) -> Self {
        self.clamp_max(high)
    }

    fn abs(self) -> Self {
        self.abs()
    }

    fn respond(self, activation: Activation) -> Self {
        activation.forward(self)
    }

    fn slope(self, activation: Activation) -> Self {
        match activation {
            Activation::Relu => self.greater_elem(0.0).float(),
            Activation::Softplus => -(-self).exp() + 1.0,
            Activation::Sigmoid => self.clone() * (-self + 1.0),
            Activation::Tanh => -self.square() + 1.0,
            Activation::Linear => self.ones_like(),
            Activation::Softmax => panic!("a softmax has no slope of one neuron"),
        }
    }

    fn leak(self, drive: Self, tau: f64) -> Self {
        (drive - self.clone()) / tau + self
    }

    fn add_scaled(self, other: &Self, factor: f64) -> Self {
        match factor {
            1.0 => self + other.clone(),
            _ => self + other.clone() * factor,
        }
    }

    fn nonzero(self) -> Self {
        self.not_equal_elem(0.0).float()
    }

    fn above(self, threshold: f64) -> Self {
        self.greater_elem(threshold).float()
    }

    fn strongest(self, limit: usize) -> Self {
        let last = self.clone().topk(limit, 1).narrow(1, limit - 1, 1);
        let above = self.clone().greater(last.clone());
        let equal = self.clone().equal(last).float();
        // Equal ones take the places that the stronger ones left, in index order.
        let places = above.clone().float().sum_dim(1).neg() + limit as f64;
        let order = equal.clone().cumsum(1);
        let chosen = order.lower_equal(places).float() * equal + above.float();
        self * chosen
    }

    fn strongest_of_squares(self, maps: [usize; 3], side: usize) -> Self {
        let [maps, height, width] = maps;
        let [batch, size] = self.dims();
        let (high, wide) = (height / side, width / side);
        let squares = self.clone().without_autodiff();
        let squares = squares.reshape([batch * maps * high, side, wide, side]);
        let squares = squares.swap_dims(1, 2);
        let squares = squares.reshape([batch * maps * high * wide, side * side]);
        let largest = squares.clone().max_dim(1);
        let equal = squares.equal(largest).float();
        let first = equal.clone().cumsum(1).lower_equal_elem(1.0).float() * equal;
        let chosen = first.reshape([batch * maps * high, wide, side, side]);
        let chosen = chosen.swap_dims(1, 2).reshape([batch, size]);
        if self.is_autodiff() {
            self * Tensor::from_inner(chosen)
        } else {
            self * chosen
        }
    }

    fn first_positive(self, limit: usize) -> Self {
        let order = self.clone().greater_elem(0.0).float().cumsum(1);
        let late: Tensor<2, Bool> = order.greater_elem(limit as f64);
        self.mask_fill(late, 0.0)
    }

    fn reversed(self) -> Self {
        self.flip([1])
    }

    fn columns(self, order: &[usize]) -> Self {
        let order: Vec<i64> = order.iter().map(|column| *column as i64).collect();
        let data = TensorData::new(order.clone(), [order.len()]);
        let order = Tensor::from_data(data, &self.device().without_autodiff());
        self.select(1, order)
    }

    fn row_range(self, first: usize, rows: usize) -> Self {
        self.narrow(0, first, rows)
    }

    fn stacked(mut parts: Vec<Self>) -> Self {
        match parts.len() {
            1 => parts.remove(0),
            _ => Tensor::cat(parts, 0),
        }
    }

    /// The recurrence is linear, so it is one product with a small triangular matrix.
    fn running_sum(self, start: Self, keep: f64) -> Self {
        let rows = self.dims()[0] + 1;
        let mut matrix = vec![0f32; rows * rows];
        for (row, factors) in matrix.chunks_exact_mut(rows).enumerate() {
            for (column, factor) in factors[..=row].iter_mut().enumerate() {
                *factor = keep.powi((row - column) as i32) as f32;
            }
        }
        let matrix = self.with_values(matrix, [rows, rows]);
        matrix.matmul(Tensor::cat(vec![start, self], 0))
    }

    fn absolute_sums(&self) -> Self {
        self.clone().abs().sum_dim(0)
    }

    fn mean_of_row(self) -> Self {
        self.mean_dim(1)
    }

    fn mean_of_column(self) -> Self {
        self.mean_dim(0)
    }

    fn squared(self) -> Self {
        self.square()
    }
}
