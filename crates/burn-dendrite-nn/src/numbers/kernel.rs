//! The loops in which the time goes, written for the vector instructions that the machine has.
//!
//! Matrices are rows of `width` values, a multiple of [`LANES`]; the columns beyond the last unit are
//! padding and hold 0, so that no loop needs a remainder.

use std::sync::OnceLock;

use gemm::Parallelism;
use pulp::{Arch, Simd, WithSimd};

use super::Bounds;

/// Rows are padded to a multiple of this many values, the widest vector that is used.
pub(crate) const LANES: usize = 8;

/// The vector instructions of this machine, found once.
pub(super) fn arch() -> Arch {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    *ARCH.get_or_init(Arch::new)
}

/// `size` rounded up to whole vectors.
pub(crate) fn padded(size: usize) -> usize {
    size.next_multiple_of(LANES)
}

/// `sum += scale · Σ_i input_i · row_i`, over the `active` rows alone: those whose input is not zero.
pub(crate) fn add_rows(sum: &mut [f32], input: &[f32], active: &[u32], scale: f32, matrix: &[f32]) {
    arch().dispatch(AddRows {
        sum,
        input,
        active,
        scale,
        matrix,
    });
}

struct AddRows<'a> {
    sum: &'a mut [f32],
    input: &'a [f32],
    active: &'a [u32],
    scale: f32,
    matrix: &'a [f32],
}

impl WithSimd for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (columns, _) = S::as_simd_f32s(self.sum);
        let columns = columns.len();
        // As many columns at a time as there are registers for their sums: the product is complete
        // before it is rounded into what other projections gave.
        let mut from = 0;
        while columns - from >= 8 {
            self.add::<S, 8>(simd, from);
            from += 8;
        }
        if columns - from >= 4 {
            self.add::<S, 4>(simd, from);
            from += 4;
        }
        if columns - from >= 2 {
            self.add::<S, 2>(simd, from);
            from += 2;
        }
        if columns > from {
            self.add::<S, 1>(simd, from);
        }
    }
}

impl AddRows<'_> {
    /// `N` vectors of columns, `from` the first of them.
    #[inline(always)]
    fn add<S: Simd, const N: usize>(&mut self, simd: S, from: usize) {
        let width = self.sum.len();
        let columns = from * S::F32_LANES..(from + N) * S::F32_LANES;
        let mut sums = [simd.splat_f32s(0.0); N];
        for index in self.active {
            let index = *index as usize;
            let row = &self.matrix[index * width..(index + 1) * width][columns.clone()];
            let (row, _) = S::as_simd_f32s(row);
            let factor = simd.splat_f32s(self.input[index]);
            for (sum, weight) in sums.iter_mut().zip(&row[..N]) {
                *sum = simd.mul_add_e_f32s(factor, *weight, *sum);
            }
        }
        let scale = simd.splat_f32s(self.scale);
        let (totals, _) = S::as_mut_simd_f32s(&mut self.sum[columns]);
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total = simd.add_f32s(*total, simd.mul_f32s(scale, sum));
        }
    }
}

/// `sum_i += scale · row_i · input` for the rows `i` that `wanted` names: a product with the
/// transposed matrix.
pub(crate) fn add_dots(
    sum: &mut [f32],
    input: &[f32],
    wanted: Wanted<'_>,
    scale: f32,
    matrix: &[f32],
) {
    arch().dispatch(AddDots {
        sum,
        input,
        wanted,
        scale,
        matrix,
    });
}

/// Which rows of a matrix a product is wanted of.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// So many from the first.
    First(usize),
    /// These.
    Only(&'a [u32]),
}

struct AddDots<'a> {
    sum: &'a mut [f32],
    input: &'a [f32],
    wanted: Wanted<'a>,
    scale: f32,
    matrix: &'a [f32],
}

impl WithSimd for AddDots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        match self.wanted {
            Wanted::First(count) => {
                let whole = count - count % 4;
                for first in (0..whole).step_by(4) {
                    self.add(simd, [first, first + 1, first + 2, first + 3]);
                }
                for index in whole..count {
                    self.add(simd, [index]);
                }
            }
            Wanted::Only(indices) => {
                let (groups, rest) = indices.as_chunks::<4>();
                for [one, two, three, four] in groups {
                    let group = [
                        *one as usize,
                        *two as usize,
                        *three as usize,
                        *four as usize,
                    ];
                    self.add(simd, group);
                }
                for index in rest {
                    self.add(simd, [*index as usize]);
                }
            }
        }
    }
}

// Closures would not inherit the vector instructions that `with_simd` is compiled for.
impl AddDots<'_> {
    /// `N` rows at a time, so that their sums do not wait for one another.
    #[inline(always)]
    fn add<S: Simd, const N: usize>(&mut self, simd: S, indices: [usize; N]) {
        let width = self.input.len();
        let (input, _) = S::as_simd_f32s(self.input);
        let mut rows = [input; N];
        for (row, index) in rows.iter_mut().zip(indices) {
            let values = &self.matrix[index * width..(index + 1) * width];
            *row = &S::as_simd_f32s(values).0[..input.len()];
        }
        let mut sums = [simd.splat_f32s(0.0); N];
        for (column, input) in input.iter().enumerate() {
            for (sum, row) in sums.iter_mut().zip(&rows) {
                *sum = simd.mul_add_e_f32s(row[column], *input, *sum);
            }
        }
        for (sum, index) in sums.into_iter().zip(indices) {
            self.sum[index] += self.scale * simd.reduce_sum_f32s(sum);
        }
    }
}

/// `weight_j = clamp(weight_j · (1 + Σ_l b_l · decay_lj) + Σ_k a_k · change_kj)`: one row of weights
/// after its update, read and written once.
pub(crate) fn update_row(
    weights: &mut [f32],
    products: impl Iterator<Item = (f32, usize)> + Clone,
    changes: &[f32],
    weighted: impl Iterator<Item = (f32, usize)> + Clone,
    decays: &[f32],
    bounds: Bounds,
) {
    arch().dispatch(UpdateRow {
        weights,
        products,
        changes,
        weighted,
        decays,
        bounds,
    });
}

struct UpdateRow<'a, P, W> {
    weights: &'a mut [f32],
    /// Presynaptic factors that are not zero, and the row of `changes` that each multiplies.
    products: P,
    changes: &'a [f32],
    weighted: W,
    decays: &'a [f32],
    bounds: Bounds,
}

impl<P, W> WithSimd for UpdateRow<'_, P, W>
where
    P: Iterator<Item = (f32, usize)> + Clone,
    W: Iterator<Item = (f32, usize)> + Clone,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let width = self.weights.len();
        let (weights, _) = S::as_mut_simd_f32s(self.weights);
        let lower = simd.splat_f32s(self.bounds.lower as f32);
        let upper = simd.splat_f32s(self.bounds.upper as f32);
        if self.weighted.clone().next().is_none() {
            // A pass for each product, over a row that stays in the cache; the last one clamps.
            let mut products = self.products.peekable();
            while let Some((factor, index)) = products.next() {
                let change = &self.changes[index * width..(index + 1) * width];
                let (change, _) = S::as_simd_f32s(change);
                let factor = simd.splat_f32s(factor);
                if products.peek().is_some() {
                    for (weight, change) in weights.iter_mut().zip(change) {
                        *weight = simd.mul_add_e_f32s(factor, *change, *weight);
                    }
                } else {
                    for (weight, change) in weights.iter_mut().zip(change) {
                        let changed = simd.mul_add_e_f32s(factor, *change, *weight);
                        *weight = simd.min_f32s(simd.max_f32s(changed, lower), upper);
                    }
                }
            }
            return;
        }
        for (column, weight) in weights.iter_mut().enumerate() {
            let mut changed = *weight;
            for (factor, index) in self.weighted.clone() {
                let (decay, _) = S::as_simd_f32s(&self.decays[index * width..(index + 1) * width]);
                let factor = simd.mul_f32s(simd.splat_f32s(factor), *weight);
                changed = simd.mul_add_e_f32s(factor, decay[column], changed);
            }
            for (factor, index) in self.products.clone() {
                let (change, _) =
                    S::as_simd_f32s(&self.changes[index * width..(index + 1) * width]);
                changed = simd.mul_add_e_f32s(simd.splat_f32s(factor), change[column], changed);
            }
            *weight = simd.min_f32s(simd.max_f32s(changed, lower), upper);
        }
    }
}

/// Runs a closure with the widest vector instructions that the compiler may use on this machine.
#[inline(always)]
pub fn vectorized<R>(run: impl FnOnce() -> R) -> R {
    arch().dispatch(run)
}

/// How one operand of [`add_product`] lies in its slice.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    pub(crate) values: &'a [f32],
    /// From a row of the product's view to the next one.
    pub(crate) row_stride: usize,
    /// From a column of the product's view to the next one.
    pub(crate) column_stride: usize,
}

/// `sum += scale · left · right`, a product of `[rows, inner]` and `[inner, columns]`; `sum` has rows
/// of `width` values.
///
/// # Panics
///
/// If a slice is shorter than its shape.
pub(crate) fn add_product(
    sum: &mut [f32],
    width: usize,
    shape: [usize; 3],
    left: Operand<'_>,
    right: Operand<'_>,
    scale: f32,
) {
    product(Onto::Sum, sum, width, shape, [left, right], scale);
}

/// `result = scale · left · right`, whatever `result` held; else as [`add_product`].
///
/// # Panics
///
/// If a slice is shorter than its shape.
pub(crate) fn set_product(
    result: &mut [f32],
    width: usize,
    shape: [usize; 3],
    left: Operand<'_>,
    right: Operand<'_>,
    scale: f32,
) {
    product(Onto::Nothing, result, width, shape, [left, right], scale);
}

/// What a product is added to.
#[derive(Clone, Copy)]
enum Onto {
    /// What is there.
    Sum,
    /// Nothing: what is there may be anything.
    Nothing,
}

fn product(
    onto: Onto,
    sum: &mut [f32],
    width: usize,
    [rows, inner, columns]: [usize; 3],
    [left, right]: [Operand<'_>; 2],
    scale: f32,
) {
    let (is_read, kept) = match onto {
        Onto::Sum => (true, 1.0),
        Onto::Nothing => (false, 0.0),
    };
    let Some((last_row, last_inner, last_column)) = rows
        .checked_sub(1)
        .zip(inner.checked_sub(1))
        .zip(columns.checked_sub(1))
        .map(|((row, inner), column)| (row, inner, column))
    else {
        return;
    };
    assert!(columns <= width && last_row * width + last_column < sum.len());
    assert!(last_row * left.row_stride + last_inner * left.column_stride < left.values.len());
    assert!(last_inner * right.row_stride + last_column * right.column_stride < right.values.len());
    let stride = |stride: usize| stride as isize;
    // SAFETY: the asserts above keep every element that the strides reach within its slice; `sum` is
    // borrowed mutably and so overlaps neither operand.
    #[allow(unsafe_code)]
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            sum.as_mut_ptr(),
            1,
            stride(width),
            is_read,
            left.values.as_ptr(),
            stride(left.column_stride),
            stride(left.row_stride),
            right.values.as_ptr(),
            stride(right.column_stride),
            stride(right.row_stride),
            kept,
            scale,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three rows of two weights, padded.
    fn matrix() -> Vec<f32> {
        let mut matrix = vec![0.0; 3 * LANES];
        for (row, weights) in [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]].iter().enumerate() {
            matrix[row * LANES..][..2].copy_from_slice(weights);
        }
        matrix
    }

    #[test]
    fn rows_are_added_with_their_factors() {
        let mut sum = vec![0.0; LANES];
        sum[0] = 10.0;
        add_rows(&mut sum, &[1.0, 9.0, 2.0], &[0, 2], 0.5, &matrix());
        // 10 + (1·1 + 2·5)/2 and (1·2 + 2·6)/2.
        assert_eq!(sum[..3], [15.5, 7.0, 0.0]);
    }

    #[test]
    fn dots_are_those_of_the_transposed_matrix() {
        let mut input = vec![0.0; LANES];
        input[..2].copy_from_slice(&[1.0, -1.0]);
        let mut sum = vec![0.0; 3];
        add_dots(&mut sum, &input, Wanted::First(3), 2.0, &matrix());
        assert_eq!(sum, [-2.0, -2.0, -2.0]);
        let mut sum = vec![0.0; 3];
        add_dots(&mut sum, &input, Wanted::Only(&[1]), 1.0, &matrix());
        assert_eq!(sum, [0.0, -1.0, 0.0]);
    }

    #[test]
    fn a_row_is_updated_and_clamped_in_one_pass() {
        let positive = Bounds {
            lower: 0.0,
            ..Bounds::NONE
        };
        let mut changes = vec![0.0; 2 * LANES];
        changes[..2].copy_from_slice(&[1.0, -4.0]);
        changes[LANES..][..2].copy_from_slice(&[0.5, 0.0]);
        let mut weights = vec![0.0; LANES];
        weights[..2].copy_from_slice(&[1.0, 2.0]);
        let (one, none) = ([(2.0, 0)], [(0.0, 0); 0]);
        update_row(
            &mut weights,
            one.into_iter(),
            &changes,
            none.into_iter(),
            &[],
            positive,
        );
        assert_eq!(weights[..2], [3.0, 0.0]);
        // 3 + 3·(2·1) + 1·1 + 2·0.5: the weight multiplies its decay.
        let (two, decay) = ([(1.0, 0), (2.0, 1)], [(2.0, 0)]);
        let decays = changes.clone();
        update_row(
            &mut weights,
            two.into_iter(),
            &changes,
            decay.into_iter(),
            &decays,
            Bounds::NONE,
        );
        assert_eq!(weights[..2], [11.0, -4.0]);
    }

    #[test]
    fn a_product_is_added_to_padded_rows() {
        // [2, 3] · [3, 2], scaled by 2, onto ones.
        let left = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let mut sum = vec![1.0; 2 * LANES];
        add_product(
            &mut sum,
            LANES,
            [2, 3, 2],
            Operand {
                values: &left,
                row_stride: 3,
                column_stride: 1,
            },
            Operand {
                values: &matrix(),
                row_stride: LANES,
                column_stride: 1,
            },
            2.0,
        );
        assert_eq!(sum[..3], [45.0, 57.0, 1.0]);
        assert_eq!(sum[LANES..][..3], [99.0, 129.0, 1.0]);
    }

    #[test]
    fn a_product_takes_the_place_of_what_is_no_number() {
        let operand = |values| Operand {
            values,
            row_stride: 1,
            column_stride: 1,
        };
        let mut result = [f32::NAN, 7.0];
        set_product(
            &mut result,
            2,
            [1, 1, 1],
            operand(&[3.0]),
            operand(&[2.0]),
            0.5,
        );
        assert_eq!(result, [3.0, 7.0]);
    }
}
