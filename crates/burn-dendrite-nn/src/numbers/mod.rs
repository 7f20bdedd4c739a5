//! The numbers that the dynamics and the learning rules are written in.
//!
//! Settling, the nudge, gates, selection, rules and constraints are generic over [`Rows`], a small
//! vocabulary of operations on the values of one population, a row for each sample. Two kinds of
//! numbers know it: burn's tensors, on any device and differentiable, and [`HostRows`], values in
//! main memory that are changed in place. What a rule computes is thereby written once.

mod bounds;
pub(crate) mod gather;
mod host;
pub(crate) mod kernel;
pub(crate) mod lanes;
mod tensor;
#[cfg(test)]
mod tests;

use std::{
    fmt::Debug,
    ops::{Add, Div, Mul, Neg, Sub},
};

pub use bounds::Bounds;
pub use host::HostRows;
pub use kernel::vectorized;
pub(crate) use tensor::{launches_kernels, view_of};

use crate::Activation;

/// Values of one population, `[batch, size]`: a row for each sample.
///
/// Operations take their operands by value, as burn's do, and work in place where nobody else holds
/// the values. Two operands have the same shape, or one of them has a single row or a single column,
/// which then stands beside each of the other's.
pub trait Rows:
    Clone
    + Debug
    + Send
    + Sync
    + Sized
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
    + Div<f64, Output = Self>
{
    /// `[batch, size]`.
    fn dims(&self) -> [usize; 2];

    /// Rows of one value everywhere, of these dimensions, where `self` is.
    fn filled(&self, dims: [usize; 2], value: f64) -> Self;

    /// Rows of these values, in row-major order, where `self` is.
    ///
    /// # Panics
    ///
    /// If there are not as many values as the dimensions say.
    fn with_values(&self, values: Vec<f32>, dims: [usize; 2]) -> Self;

    /// The values in row-major order; waits for the device.
    fn to_values(&self) -> Vec<f32>;

    /// Every value at least `low` and at most `high`.
    fn clamp(self, low: f64, high: f64) -> Self;

    /// Every value at least `low`.
    fn clamp_min(self, low: f64) -> Self;

    /// Every value at most `high`.
    fn clamp_max(self, high: f64) -> Self;

    /// Absolute values.
    fn abs(self) -> Self;

    /// `f` of every value.
    fn respond(self, activation: Activation) -> Self;

    /// `f'` at the states whose activities these are, for activations that work neuron by neuron.
    ///
    /// # Panics
    ///
    /// For [`Activation::Softmax`]: see [`through`](Self::through).
    fn slope(self, activation: Activation) -> Self;

    /// What an error in the activities means for the somata, `Σ_k e_k ∂r_k/∂s_j`, where the activities are
    /// `activity`.
    fn through(self, activity: &Self, activation: Activation) -> Self {
        if activation.is_elementwise() {
            return self * activity.clone().slope(activation);
        }
        // ∂r_k/∂s_j = r_k (δ_kj − r_j)
        let [_, size] = activity.dims();
        let shared = (self.clone() * activity.clone()).mean_of_row() * size as f64;
        (self - shared) * activity.clone()
    }

    /// `s + (drive − s) / τ`: one step of a leaky integration, `self` being the state `s`.
    fn leak(self, drive: Self, tau: f64) -> Self;

    /// `self + factor · other`.
    fn add_scaled(self, other: &Self, factor: f64) -> Self;

    /// 1 where a value is not 0, else 0.
    fn nonzero(self) -> Self;

    /// 1 where a value is more than `threshold`, else 0.
    fn above(self, threshold: f64) -> Self;

    /// Of each row the `limit` largest values, of equal ones the first; the others become 0. No value
    /// may be negative, and `limit` is 1 to the size.
    fn strongest(self, limit: usize) -> Self;

    /// Each row is maps, `[maps, height, width]`: of each square of `side` the largest value, of equal ones the
    /// first; the others become 0. No value may be negative.
    ///
    /// # Panics
    ///
    /// If the squares do not fill the maps.
    fn strongest_of_squares(self, maps: [usize; 3], side: usize) -> Self;

    /// Of each row the first `limit` values that are more than 0; the others become 0. No value may be
    /// negative.
    fn first_positive(self, limit: usize) -> Self;

    /// The columns in reverse order.
    fn reversed(self) -> Self;

    /// The columns `order[0]`, `order[1]`, … of each row.
    fn columns(self, order: &[usize]) -> Self;

    /// `rows` rows from `first` on.
    fn row_range(self, first: usize, rows: usize) -> Self;

    /// The rows of all parts, one under the other.
    ///
    /// # Panics
    ///
    /// If there is no part, or sizes differ.
    fn stacked(parts: Vec<Self>) -> Self;

    /// A single row, as often as said.
    fn repeated(self, rows: usize) -> Self {
        Self::stacked(vec![self; rows])
    }

    /// A running sum that fades, `[batch + 1, size]`: `a_0 = start`, `a_{b+1} = keep · a_b + row_b`.
    ///
    /// # Shapes
    ///
    /// - start: `[1, size]`
    fn running_sum(self, start: Self, keep: f64) -> Self;

    /// The sum of absolute values of each column, `[1, size]`.
    fn absolute_sums(&self) -> Self;

    /// The mean over all columns of each row, `[batch, 1]`.
    fn mean_of_row(self) -> Self;

    /// The mean over all rows, `[1, size]`.
    fn mean_of_column(self) -> Self;

    /// The mean of all values, `[1, 1]`.
    fn mean(self) -> Self {
        self.mean_of_row().mean_of_column()
    }

    /// The square of every value.
    fn squared(self) -> Self {
        self.clone() * self
    }
}
