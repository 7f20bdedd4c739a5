//! burn's tensors as numbers.

use burn::tensor::{
    Bool, Device, Int, Tensor, TensorData, module::max_pool2d_with_indices, ops::MaxPoolOptions,
};

use super::Rows;
use crate::Activation;

impl Rows for Tensor<2> {
    fn dims(&self) -> [usize; 2] {
        self.dims()
    }

    fn filled(&self, dims: [usize; 2], value: f64) -> Self {
        let device = self.device().without_autodiff();
        if launches_kernels(&device) {
            view_of(value as f32, dims, self)
        } else {
            Tensor::<2>::full(dims, value, (&device, self.dtype()))
        }
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
            Activation::Relu => ones_where(self.greater_elem(0.0)),
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
        self.ones_like().mask_fill(self.equal_elem(0.0), 0.0)
    }

    fn above(self, threshold: f64) -> Self {
        ones_where(self.greater_elem(threshold))
    }

    fn strongest(self, limit: usize) -> Self {
        let last = self.clone().topk(limit, 1).narrow(1, limit - 1, 1);
        let above = self.clone().greater(last.clone());
        let equal = ones_where(self.clone().equal(last));
        // Equal ones take the places that the stronger ones left, in index order.
        let above = ones_where(above);
        let places = above.clone().sum_dim(1).neg() + limit as f64;
        let order = equal.clone().cumsum(1);
        let chosen = ones_where(order.lower_equal(places)) * equal + above;
        self * chosen
    }

    fn strongest_of_squares(self, maps: [usize; 3], side: usize) -> Self {
        let [maps, height, width] = maps;
        let [batch, size] = self.dims();
        let (high, wide) = (height / side, width / side);
        let plain = self.clone().without_autodiff();
        let plain = plain.reshape([batch, maps, height, width]);
        // Where in its map the first of the largest units of each square is.
        let (_, strongest) = max_pool2d_with_indices(plain, MaxPoolOptions::new([side; 2]));
        let strongest = strongest.reshape([batch * maps, high, 1, wide, 1]);
        let places: Vec<i32> = (0..(height * width) as i32).collect();
        let places = TensorData::new(places, [1, high, side, wide, side]);
        let places = Tensor::<5, Int>::from_data(places, &strongest.device());
        let chosen = ones_where(strongest.equal(places)).reshape([batch, size]);
        if self.is_autodiff() {
            self * Tensor::from_inner(chosen)
        } else {
            self * chosen
        }
    }

    fn first_positive(self, limit: usize) -> Self {
        let order = ones_where(self.clone().greater_elem(0.0)).cumsum(1);
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

    fn repeated(self, rows: usize) -> Self {
        let [_, size] = self.dims();
        self.expand([rows, size])
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
        match self.dims() {
            [_, 1] => self,
            _ => self.mean_dim(1),
        }
    }

    fn mean_of_column(self) -> Self {
        match self.dims() {
            [1, _] => self,
            _ => self.mean_dim(0),
        }
    }

    fn mean(self) -> Self {
        self.mean().reshape([1, 1])
    }

    fn squared(self) -> Self {
        self.square()
    }
}

/// A view of one value, which no kernel has to write, where `like` is.
pub(crate) fn view_of<const D: usize, const E: usize>(
    value: f32,
    dims: [usize; D],
    like: &Tensor<E>,
) -> Tensor<D> {
    let device = like.device().without_autodiff();
    let value = TensorData::new(vec![value], [1; D]);
    Tensor::<D>::from_data(value, (&device, like.dtype())).expand(dims)
}

/// 1 where it is so, else 0: by a mask, which burn makes part of what comes before and after, as it does not with a
/// conversion.
fn ones_where<const D: usize>(so: Tensor<D, Bool>) -> Tensor<D> {
    Tensor::zeros(so.dims(), &so.device()).mask_fill(so, 1.0)
}

/// Whether each operation on a device is a kernel that has to be launched.
#[cfg(feature = "gpu")]
pub(crate) fn launches_kernels(device: &Device) -> bool {
    device.identity().is_some()
}

#[cfg(not(feature = "gpu"))]
pub(crate) fn launches_kernels(_device: &Device) -> bool {
    false
}
