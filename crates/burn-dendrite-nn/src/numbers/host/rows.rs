//! What numbers can do, on rows in main memory.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{
    Block, Buffer, HostRows, kernel,
    select::{keep_largest, keep_largest_of_four, keep_strongest, softmax},
};
use crate::{Activation, numbers::Rows};

impl Rows for HostRows {
    #[inline]
    fn dims(&self) -> [usize; 2] {
        [self.0.rows, self.0.size]
    }

    fn filled(&self, dims: [usize; 2], value: f64) -> Self {
        Self::full(dims, value as f32)
    }

    fn with_values(&self, values: Vec<f32>, dims: [usize; 2]) -> Self {
        Self::from_values(&values, dims)
    }

    fn to_values(&self) -> Vec<f32> {
        if self.0.size == self.0.width {
            return self.0.values.to_vec();
        }
        let mut values = Vec::with_capacity(self.0.rows * self.0.size);
        (0..self.0.rows).for_each(|row| values.extend_from_slice(self.row(row)));
        values
    }

    fn clamp(self, low: f64, high: f64) -> Self {
        let (low, high) = (low as f32, high as f32);
        self.map(|value| value.clamp(low, high))
    }

    fn clamp_min(self, low: f64) -> Self {
        let low = low as f32;
        self.map(|value| if value < low { low } else { value })
    }

    fn clamp_max(self, high: f64) -> Self {
        let high = high as f32;
        self.map(|value| if value > high { high } else { value })
    }

    fn abs(self) -> Self {
        self.map(f32::abs)
    }

    fn respond(self, activation: Activation) -> Self {
        match activation {
            Activation::Relu => self.map(|soma| if soma < 0.0 { 0.0 } else { soma }),
            Activation::Softplus => self.map(|soma| soma.max(0.0) + (-soma.abs()).exp().ln_1p()),
            Activation::Sigmoid => self.map(|soma| 1.0 / (1.0 + (-soma).exp())),
            Activation::Tanh => self.map(f32::tanh),
            Activation::Linear => self,
            Activation::Softmax => self.each_row(softmax),
        }
    }

    fn slope(self, activation: Activation) -> Self {
        match activation {
            Activation::Relu => self.map(|rate| f32::from(u8::from(rate > 0.0))),
            // f = ln(1 + e^s), so f' = 1 − e^(−f).
            Activation::Softplus => self.map(|rate| -(-rate).exp_m1()),
            Activation::Sigmoid => self.map(|rate| rate * (1.0 - rate)),
            Activation::Tanh => self.map(|rate| 1.0 - rate * rate),
            Activation::Linear => self.map(|_| 1.0),
            Activation::Softmax => panic!("a softmax has no slope of one neuron"),
        }
    }

    fn leak(self, drive: Self, tau: f64) -> Self {
        let tau = tau as f32;
        // The drive is nobody else's, as a rule, and the state is still needed.
        drive.zip(&self, move |drive, soma| (drive - soma) / tau + soma)
    }

    fn add_scaled(self, other: &Self, factor: f64) -> Self {
        let factor = factor as f32;
        self.zip(other, move |value, other| value + factor * other)
    }

    fn nonzero(self) -> Self {
        self.map(|value| f32::from(u8::from(value != 0.0)))
    }

    fn above(self, threshold: f64) -> Self {
        let threshold = threshold as f32;
        self.map(|value| f32::from(u8::from(value > threshold)))
    }

    fn strongest(self, limit: usize) -> Self {
        self.each_row(|row| keep_strongest(row, limit))
    }

    fn strongest_of_squares(self, [_, _, width]: [usize; 3], side: usize) -> Self {
        self.each_row(|row| {
            for lines in row.chunks_exact_mut(side * width) {
                if side == 2 {
                    keep_largest_of_four(lines, width);
                } else {
                    for column in (0..width).step_by(side) {
                        keep_largest(lines, width, column, side);
                    }
                }
            }
        })
    }

    fn first_positive(self, limit: usize) -> Self {
        self.each_row(|row| {
            let positive = row.iter_mut().filter(|value| **value > 0.0);
            positive.skip(limit).for_each(|value| *value = 0.0);
        })
    }

    fn reversed(self) -> Self {
        self.each_row(<[f32]>::reverse)
    }

    fn columns(self, order: &[usize]) -> Self {
        let rows = self.0.rows;
        let values: Vec<f32> = (0..rows)
            .flat_map(|row| order.iter().map(move |column| (row, *column)))
            .map(|(row, column)| self.row(row)[column])
            .collect();
        Self::from_values(&values, [rows, order.len()])
    }

    fn row_range(self, first: usize, rows: usize) -> Self {
        let Block { size, width, .. } = *self.0;
        Self::of_block(rows, size, &self.0.values[first * width..][..rows * width])
    }

    fn stacked(mut parts: Vec<Self>) -> Self {
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let size = parts[0].0.size;
        assert!(parts.iter().all(|part| part.0.size == size), "equal sizes");
        let rows = parts.iter().map(|part| part.0.rows).sum();
        let mut values = Vec::with_capacity(rows * parts[0].0.width);
        for part in &parts {
            values.extend_from_slice(&part.0.values);
        }
        Self::of_block(rows, size, values)
    }

    fn running_sum(self, start: Self, keep: f64) -> Self {
        let (keep, width, rows) = (keep as f32, self.0.width, self.0.rows + 1);
        let mut values = Vec::with_capacity(rows * width);
        values.extend_from_slice(&start.0.values);
        for (row, added) in self.0.values.chunks_exact(width.max(1)).enumerate() {
            for (column, added) in added.iter().enumerate() {
                values.push(values[row * width + column] * keep + added);
            }
        }
        Self::of_block(rows, self.0.size, values)
    }

    fn absolute_sums(&self) -> Self {
        let mut sums = Buffer::filled(self.0.width, 0.0);
        for row in self.0.values.chunks_exact(self.0.width.max(1)) {
            kernel::vectorized(|| {
                for (sum, value) in sums.iter_mut().zip(row) {
                    *sum += value.abs();
                }
            });
        }
        Self::of_block(1, self.0.size, sums)
    }

    fn mean_of_row(self) -> Self {
        let size = self.0.size.max(1) as f32;
        let means: Vec<f32> = (0..self.0.rows)
            .map(|row| self.row(row).iter().sum::<f32>() / size)
            .collect();
        Self::from_values(&means, [self.0.rows, 1])
    }

    fn mean_of_column(self) -> Self {
        let mut sums = Buffer::filled(self.0.width, 0.0);
        for row in self.0.values.chunks_exact(self.0.width.max(1)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        Self::of_block(1, self.0.size, sums) / self.0.rows.max(1) as f64
    }
}

macro_rules! operators {
    ($($operator:ident::$method:ident: $function:expr;)*) => {$(
        impl $operator for HostRows {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                self.zip(&other, $function)
            }
        }

        impl $operator<f64> for HostRows {
            type Output = Self;

            fn $method(self, other: f64) -> Self {
                let other = other as f32;
                self.map(move |value| ($function)(value, other))
            }
        }
    )*};
}

operators! {
    Add::add: |one: f32, other: f32| one + other;
    Sub::sub: |one: f32, other: f32| one - other;
    Mul::mul: |one: f32, other: f32| one * other;
    Div::div: |one: f32, other: f32| one / other;
}

impl Neg for HostRows {
    type Output = Self;

    fn neg(self) -> Self {
        self.map(|value| -value)
    }
}
