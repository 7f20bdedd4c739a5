//! Rows in main memory as numbers.

mod buffer;
mod rows;
mod select;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use rayon::prelude::*;

use self::buffer::Buffer;
use super::{Rows, kernel};

/// Values in main memory, `[batch, size]`, in single precision.
///
/// A clone shares the values; an operation changes them in place where nobody else holds them. Which
/// units are not silent is found once, when somebody first asks. Operations on many values are divided
/// among the threads.
#[derive(Clone)]
pub struct HostRows(Arc<Block>);

/// Rows are padded to whole vectors; what is beyond the last column is 0.
#[derive(Clone)]
struct Block {
    rows: usize,
    size: usize,
    width: usize,
    values: Buffer<f32>,
    active: OnceLock<Active>,
}

/// The columns of each row that are not 0.
#[derive(Clone)]
struct Active {
    /// Behind the end of the last row, whatever.
    columns: Buffer<u32>,
    /// Where each row's columns end.
    ends: Buffer<u32>,
}

/// From so many values on, an operation is worth a second thread.
const VALUES_PER_THREAD: usize = 1 << 14;

impl HostRows {
    /// Rows of one value everywhere.
    pub fn full([rows, size]: [usize; 2], value: f32) -> Self {
        let width = kernel::padded(size);
        let mut values = Buffer::filled(rows * width, value);
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
            return Self::of_block(rows, size, values);
        }
        let mut padded = Buffer::filled(rows * width, 0.0);
        if size > 0 {
            for (padded, values) in padded.chunks_exact_mut(width).zip(values.chunks(size)) {
                padded[..size].copy_from_slice(values);
            }
        }
        Self::of_block(rows, size, padded)
    }

    /// Rows that are padded already.
    #[inline]
    fn of_block(rows: usize, size: usize, values: impl Into<Buffer<f32>>) -> Self {
        let (width, values) = (kernel::padded(size), values.into());
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
    #[inline]
    pub(crate) fn block(&self) -> &[f32] {
        &self.0.values
    }

    /// The padded values, to change them.
    #[inline]
    pub(crate) fn block_mut(&mut self) -> &mut [f32] {
        let block = Arc::make_mut(&mut self.0);
        block.active.take();
        &mut block.values
    }

    /// Values from one row to the next.
    #[inline]
    pub(crate) fn width(&self) -> usize {
        self.0.width
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// If there is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> &[f32] {
        &self.0.values[row * self.0.width..][..self.0.size]
    }

    /// The columns of a row that are not 0.
    #[inline]
    pub(crate) fn active(&self, row: usize) -> &[u32] {
        let Active { columns, ends } = self.0.active.get_or_init(|| self.0.find_active());
        let start = if row == 0 { 0 } else { ends[row - 1] };
        &columns[start as usize..ends[row] as usize]
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
                let mut values = Buffer::of_any(block.values.len());
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
            columns: Buffer::of_any(self.rows * self.size + 1),
            ends: Buffer::filled(self.rows, 0),
        };
        let mut count = 0;
        let rows = self.values.chunks_exact(self.width.max(1));
        for (row, end) in rows.zip(active.ends.iter_mut()) {
            // Without a branch on the value, which no processor could foresee.
            let found = &mut active.columns[count..];
            let mut here = 0;
            for (column, value) in row[..self.size].iter().enumerate() {
                found[here] = column as u32;
                here += usize::from(*value != 0.0);
            }
            count += here;
            *end = count as u32;
        }
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

impl fmt::Debug for HostRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rows, size] = self.dims();
        write!(f, "HostRows [{rows}, {size}]")
    }
}
