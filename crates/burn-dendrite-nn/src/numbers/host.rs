//! Rows in main memory as numbers.

use std::{
    fmt,
    ops::{Add, Div, Mul, Neg, Sub},
    sync::{Arc, OnceLock},
};

use rayon::prelude::*;

use super::{Rows, kernel};
use crate::Activation;

/// Values in main memory, `[batch, size]`, in single precision.
///
/// A clone shares the values; an operation changes them in place where nobody else holds them. Which
/// units are not silent is found once, when somebody first asks. Operations on many values are divided
/// among the threads.
#[derive(Clone)]
pub struct HostRows(Arc<Block>);

/// Rows are padded to whole vectors; what is beyond the last column is 0.
#[derive(Clone, Default)]
struct Block {
    rows: usize,
    size: usize,
    width: usize,
    values: Vec<f32>,
    active: OnceLock<Active>,
}

/// The columns of each row that are not 0.
#[derive(Clone, Default)]
struct Active {
    columns: Vec<u32>,
    /// Where each row's columns end.
    ends: Vec<usize>,
}

/// From so many values on, an operation is worth a second thread.
const VALUES_PER_THREAD: usize = 1 << 14;

impl HostRows {
    /// Rows of one value everywhere.
    pub fn full([rows, size]: [usize; 2], value: f32) -> Self {
        let width = kernel::padded(size);
        let mut values = vec![value; rows * width];
        if value != 0.0 {
            clear_padding(&mut values, size, width);
        }
        Self::of_block(rows, size, values)
    }

    /// Rows of these values, in row-major order.
    ///
    /// # Panics
    ///
    /// If there are not as many values as the dimensions say.
    pub fn from_values(values: &[f32], [rows, size]: [usize; 2]) -> Self {
        assert_eq!(values.len(), rows * size, "values of {rows} x {size}");
        let width = kernel::padded(size);
        if width == size {
            return Self::of_block(rows, size, values.to_vec());
        }
        let mut padded = vec![0.0; rows * width];
        if size > 0 {
            for (padded, values) in padded.chunks_exact_mut(width).zip(values.chunks(size)) {
                padded[..size].copy_from_slice(values);
            }
        }
        Self::of_block(rows, size, padded)
    }

    /// Rows that are padded already.
    pub(crate) fn of_block(rows: usize, size: usize, values: Vec<f32>) -> Self {
        let width = kernel::padded(size);
        debug_assert_eq!(values.len(), rows * width);
        Self(Arc::new(Block {
            rows,
            size,
            width,
            values,
            active: OnceLock::new(),
        }))
    }

    /// The padded values.
    pub(crate) fn block(&self) -> &[f32] {
        &self.0.values
    }

    /// The padded values, to change them.
    pub(crate) fn block_mut(&mut self) -> &mut [f32] {
        let block = Arc::make_mut(&mut self.0);
        block.active.take();
        &mut block.values
    }

    /// Values from one row to the next.
    pub(crate) fn width(&self) -> usize {
        self.0.width
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        &self.0.values[row * self.0.width..][..self.0.size]
    }

    /// The columns of a row that are not 0.
    pub(crate) fn active(&self, row: usize) -> &[u32] {
        let Active { columns, ends } = self.0.active.get_or_init(|| self.0.find_active());
        let start = if row == 0 { 0 } else { ends[row - 1] };
        &columns[start..ends[row]]
    }

    /// `f` of every value.
    fn map(mut self, function: impl Fn(f32) -> f32 + Send + Sync) -> Self {
        let zero_stays = function(0.0) == 0.0;
        match Arc::get_mut(&mut self.0) {
            Some(block) => {
                block.active.take();
                in_parts(&mut block.values, |values| {
                    kernel::vectorized(|| {
                        for value in values {
                            *value = function(*value);
                        }
                    });
                });
            }
            None => {
                let block = &self.0;
                let mut values = vec![0.0; block.values.len()];
                in_parts_with(&mut values, &block.values, |values, own| {
                    kernel::vectorized(|| {
                        for (value, own) in values.iter_mut().zip(own) {
                            *value = function(*own);
                        }
                    });
                });
                self = Self::of_block(block.rows, block.size, values);
            }
        }
        if !zero_stays {
            self.clear_padding();
        }
        self
    }

    /// `f` of the values of two operands; a single row or column of one stands beside each of the
    /// other's. `f` of two zeros may be anything: padding is cleared where it matters.
    fn zip(self, other: &Self, function: impl Fn(f32, f32) -> f32 + Send + Sync + Copy) -> Self {
        let ([rows, size], [other_rows, other_size]) = (self.dims(), other.dims());
        if size == other_size && rows == other_rows {
            return self.zip_alike(other, function);
        }
        let fits = |one: usize, other: usize| one == other || one == 1 || other == 1;
        assert!(
            fits(rows, other_rows) && fits(size, other_size),
            "rows of {rows} x {size} and {other_rows} x {other_size} do not go together"
        );
        let dims = [rows.max(other_rows), size.max(other_size)];
        self.expanded(dims).zip_broadcast(other, function)
    }

    fn zip_alike(
        mut self,
        other: &Self,
        function: impl Fn(f32, f32) -> f32 + Send + Sync + Copy,
    ) -> Self {
        match Arc::get_mut(&mut self.0) {
            Some(block) => {
                block.active.take();
                in_parts_with(&mut block.values, &other.0.values, |values, others| {
                    kernel::vectorized(|| {
                        for (value, other) in values.iter_mut().zip(others) {
                            *value = function(*value, *other);
                        }
                    });
                });
            }
            None => {
                let block = &self.0;
                let mut values = block.values.clone();
                in_parts_with(&mut values, &other.0.values, |values, others| {
                    kernel::vectorized(|| {
                        for (value, other) in values.iter_mut().zip(others) {
                            *value = function(*value, *other);
                        }
                    });
                });
                self = Self::of_block(block.rows, block.size, values);
            }
        }
        // Division leaves no number in the padding.
        if function(0.0, 0.0) != 0.0 {
            self.clear_padding();
        }
        self
    }

    /// With `other` of a single row or column.
    fn zip_broadcast(mut self, other: &Self, function: impl Fn(f32, f32) -> f32 + Copy) -> Self {
        let [other_rows, other_size] = other.dims();
        let (size, width) = (self.0.size, self.0.width);
        for (row, values) in self.block_mut().chunks_exact_mut(width.max(1)).enumerate() {
            let others = other.row(if other_rows == 1 { 0 } else { row });
            let values = &mut values[..size];
            kernel::vectorized(|| {
                if other_size == size {
                    for (value, other) in values.iter_mut().zip(others) {
                        *value = function(*value, *other);
                    }
                } else {
                    for value in values.iter_mut() {
                        *value = function(*value, others[0]);
                    }
                }
            });
        }
        self
    }

    /// The same with a single row or column repeated.
    fn expanded(self, dims: [usize; 2]) -> Self {
        let [rows, size] = self.dims();
        if dims == [rows, size] {
            return self;
        }
        let mut expanded = Self::full(dims, 0.0);
        let width = expanded.width();
        for (row, values) in expanded.block_mut().chunks_exact_mut(width).enumerate() {
            let own = self.row(if rows == 1 { 0 } else { row });
            if size == dims[1] {
                values[..size].copy_from_slice(own)
            } else {
                values[..dims[1]].fill(own[0])
            }
        }
        expanded
    }

    fn clear_padding(&mut self) {
        let (size, width) = (self.0.size, self.0.width);
        clear_padding(self.block_mut(), size, width);
    }

    /// Changes each row by what the row of that number holds in `other`, side by side where there are many.
    ///
    /// # Panics
    ///
    /// If there are not as many rows.
    pub(crate) fn each_row_beside(
        &mut self,
        other: &Self,
        change: impl Fn(&mut [f32], &[f32]) + Send + Sync,
    ) {
        assert_eq!(self.0.rows, other.0.rows, "a row for each row");
        let (size, width) = (self.0.size, self.0.width.max(1));
        let rows = self.block_mut();
        let one = |(row, values): (usize, &mut [f32])| change(&mut values[..size], other.row(row));
        if rows.len() < 2 * VALUES_PER_THREAD {
            rows.chunks_exact_mut(width).enumerate().for_each(one);
        } else {
            rows.par_chunks_exact_mut(width).enumerate().for_each(one);
        }
    }

    /// Changes each row by itself, side by side where there are many.
    fn each_row(mut self, change: impl Fn(&mut [f32]) + Send + Sync) -> Self {
        let (size, width) = (self.0.size, self.0.width.max(1));
        let rows = self.block_mut();
        let one = |row: &mut [f32]| change(&mut row[..size]);
        if rows.len() < 2 * VALUES_PER_THREAD {
            rows.chunks_exact_mut(width).for_each(one);
        } else {
            rows.par_chunks_exact_mut(width).for_each(one);
        }
        self
    }
}

impl Block {
    fn find_active(&self) -> Active {
        let mut active = Active {
            // One more than there can be: each column is written before it is known to count.
            columns: vec![0; self.rows * self.size + 1],
            ends: Vec::with_capacity(self.rows),
        };
        let mut count = 0;
        for row in self.values.chunks_exact(self.width.max(1)) {
            // Without a branch on the value, which no processor could foresee.
            let found = &mut active.columns[count..];
            let mut here = 0;
            for (column, value) in row[..self.size].iter().enumerate() {
                found[here] = column as u32;
                here += usize::from(*value != 0.0);
            }
            count += here;
            active.ends.push(count);
        }
        active.columns.truncate(count);
        active
    }
}

fn clear_padding(values: &mut [f32], size: usize, width: usize) {
    if size < width {
        for row in values.chunks_exact_mut(width) {
            row[size..].fill(0.0);
        }
    }
}

/// Works on parts of the values, side by side where there are many.
fn in_parts(values: &mut [f32], work: impl Fn(&mut [f32]) + Send + Sync) {
    if values.len() < 2 * VALUES_PER_THREAD {
        work(values);
    } else {
        values.par_chunks_mut(VALUES_PER_THREAD).for_each(work);
    }
}

fn in_parts_with(
    values: &mut [f32],
    others: &[f32],
    work: impl Fn(&mut [f32], &[f32]) + Send + Sync,
) {
    if values.len() < 2 * VALUES_PER_THREAD {
        work(values, others);
    } else {
        (values.par_chunks_mut(VALUES_PER_THREAD))
            .zip(others.par_chunks(VALUES_PER_THREAD))
            .for_each(|(values, others)| work(values, others));
    }
}

impl Rows for HostRows {
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
            return self.0.values.clone();
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
        let values = self.0.values[first * width..][..rows * width].to_vec();
        Self::of_block(rows, size, values)
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
        let mut sums = vec![0.0; self.0.width];
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
        let mut sums = vec![0.0; self.0.width];
        for row in self.0.values.chunks_exact(self.0.width.max(1)) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        Self::of_block(1, self.0.size, sums) / self.0.rows.max(1) as f64
    }
}

/// `exp(s_j) / Σ_k exp(s_k)`, without overflow.
fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in values {
        *value /= sum;
    }
}

/// Of each square of two by two in two lines what [`keep_largest`] keeps, all of them side by side.
fn keep_largest_of_four(lines: &mut [f32], width: usize) {
    let (upper, lower) = lines.split_at_mut(width);
    let (upper, lower) = (upper.as_chunks_mut::<2>().0, lower.as_chunks_mut::<2>().0);
    kernel::vectorized(|| {
        for ([one, two], [three, four]) in upper.iter_mut().zip(lower) {
            let largest = one.max(*two).max(three.max(*four));
            let is_one = *one == largest;
            let is_two = !is_one & (*two == largest);
            let is_three = !(is_one | is_two) & (*three == largest);
            let is_four = !(is_one | is_two | is_three);
            *one = if is_one { largest } else { 0.0 };
            *two = if is_two { largest } else { 0.0 };
            *three = if is_three { largest } else { 0.0 };
            *four = if is_four { largest } else { 0.0 };
        }
    });
}

/// Of the square at `column` the largest value, of equal ones the first; the others become 0.
#[inline(always)]
fn keep_largest(lines: &mut [f32], width: usize, column: usize, side: usize) {
    let (mut largest, mut at) = (f32::NEG_INFINITY, column);
    for line in 0..side {
        let first = line * width + column;
        for (place, value) in lines[first..][..side].iter().enumerate() {
            if *value > largest {
                (largest, at) = (*value, first + place);
            }
        }
    }
    for line in 0..side {
        lines[line * width + column..][..side].fill(0.0);
    }
    lines[at] = largest;
}

/// The `limit` largest of the values, of equal ones the first; the others become 0.
fn keep_strongest(values: &mut [f32], limit: usize) {
    let mut positive: Vec<f32> = values.iter().copied().filter(|it| *it > 0.0).collect();
    if positive.len() <= limit {
        return;
    }
    let (stronger, last, _) =
        positive.select_nth_unstable_by(limit - 1, |one, other| other.total_cmp(one));
    let last = *last;
    let mut places = limit - stronger.iter().filter(|value| **value > last).count();
    for value in values {
        if *value == last && places > 0 {
            places -= 1;
        } else if *value <= last {
            *value = 0.0;
        }
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

impl fmt::Debug for HostRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rows, size] = self.dims();
        write!(f, "HostRows [{rows}, {size}]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of each square the first of the largest stays, whichever loop finds it.
    #[test]
    fn the_strongest_of_squares_by_hand() {
        let values = [
            [1.0, 2.0, 0.0, 0.0, 5.0, 5.0],
            [3.0, 0.5, 0.0, 0.0, 5.0, 5.0],
        ];
        let expected = [
            [0.0, 0.0, 0.0, 0.0, 5.0, 0.0],
            [3.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ];
        let rows = HostRows::from_values(values.as_flattened(), [1, 12]);
        let kept = rows.strongest_of_squares([1, 2, 6], 2);
        assert_eq!(kept.to_values(), expected.as_flattened());
        let mut lines = values.as_flattened().to_vec();
        (0..6)
            .step_by(2)
            .for_each(|column| keep_largest(&mut lines, 6, column, 2));
        assert_eq!(lines, expected.as_flattened());
    }
}
