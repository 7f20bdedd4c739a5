//! Products of matrices whose elements are vectors: as many products side by side as a vector has lanes.

use pulp::{Simd, WithSimd};

use super::kernel::{LANES, arch};

/// `sum_ij ← sum_ij + Σ_k left_ik ∘ right_kj`, where every element is a vector.
///
/// Elements lie one after the other, `spacing` values apart, the first `lanes` of which are multiplied: `left`
/// and `sum` row by row, `right` with strides, counted in elements.
pub(crate) struct LaneProducts<'a> {
    /// `[rows, columns]`.
    pub(crate) sum: &'a mut [f32],
    /// `[rows, inner]`.
    pub(crate) left: &'a [f32],
    /// `[inner, columns]`.
    pub(crate) right: &'a [f32],
    /// From one inner element of `right` to the next, and from one column to the next.
    pub(crate) strides: [usize; 2],
    /// `[rows, inner, columns]`.
    pub(crate) shape: [usize; 3],
    /// Values from one element to the next, a multiple of [`LANES`].
    pub(crate) spacing: usize,
    /// Values of an element that are multiplied, a multiple of [`LANES`].
    pub(crate) lanes: usize,
}

impl LaneProducts<'_> {
    /// Adds the products.
    ///
    /// # Panics
    ///
    /// If a slice is shorter than its shape.
    pub(crate) fn add(self) {
        debug_assert!(self.lanes <= self.spacing && self.spacing.is_multiple_of(LANES));
        arch().dispatch(self);
    }
}

impl WithSimd for LaneProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [rows, _, _] = self.shape;
        for lane in (0..self.lanes).step_by(S::F32_LANES) {
            let whole = rows - rows % 4;
            for row in (0..whole).step_by(4) {
                self.add_rows::<S, 4>(simd, row, lane);
            }
            for row in whole..rows {
                self.add_rows::<S, 1>(simd, row, lane);
            }
        }
    }
}

// Closures would not inherit the vector instructions that `with_simd` is compiled for.
impl LaneProducts<'_> {
    #[inline(always)]
    fn add_rows<S: Simd, const ROWS: usize>(&mut self, simd: S, row: usize, lane: usize) {
        let [_, _, columns] = self.shape;
        let whole = columns - columns % 3;
        for column in (0..whole).step_by(3) {
            self.add_block::<S, ROWS, 3>(simd, [row, column], lane);
        }
        match columns - whole {
            2 => self.add_block::<S, ROWS, 2>(simd, [row, whole], lane),
            1 => self.add_block::<S, ROWS, 1>(simd, [row, whole], lane),
            _ => {}
        }
    }

    /// As many sums as there are registers for them.
    #[inline(always)]
    fn add_block<S: Simd, const ROWS: usize, const COLUMNS: usize>(
        &mut self,
        simd: S,
        [row, column]: [usize; 2],
        lane: usize,
    ) {
        let [_, inner, columns] = self.shape;
        let (spacing, lane) = (self.spacing / S::F32_LANES, lane / S::F32_LANES);
        let (left, _) = S::as_simd_f32s(self.left);
        let (right, _) = S::as_simd_f32s(self.right);
        let left: [&[S::f32s]; ROWS] =
            std::array::from_fn(|at| &left[(row + at) * inner * spacing + lane..]);
        let [along, across] = self.strides.map(|stride| stride * spacing);
        let right: [&[S::f32s]; COLUMNS] =
            std::array::from_fn(|at| &right[(column + at) * across + lane..]);
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
        for at in 0..inner {
            let mut factors = [simd.splat_f32s(0.0); COLUMNS];
            for (factor, right) in factors.iter_mut().zip(&right) {
                *factor = right[at * along];
            }
            for (sums, left) in sums.iter_mut().zip(&left) {
                let left = left[at * spacing];
                for (sum, factor) in sums.iter_mut().zip(&factors) {
                    *sum = simd.mul_add_e_f32s(left, *factor, *sum);
                }
            }
        }
        let (totals, _) = S::as_mut_simd_f32s(self.sum);
        for (at, sums) in sums.into_iter().enumerate() {
            let first = ((row + at) * columns + column) * spacing + lane;
            for (at, sum) in sums.into_iter().enumerate() {
                let total = &mut totals[first + at * spacing];
                *total = simd.add_f32s(*total, sum);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lane_is_a_product_of_its_own() {
        // 5 x 2 times 2 x 4, in 8 of 16 lanes: left_ik = i + k + lane, right_kj = 10 k + j.
        let [rows, inner, columns, spacing] = [5, 2, 4, 16];
        let mut left = vec![0.0; rows * inner * spacing];
        for (at, value) in left.iter_mut().enumerate() {
            let (element, lane) = (at / spacing, at % spacing);
            *value = (element / inner + element % inner + lane) as f32;
        }
        let mut right = vec![0.0; inner * columns * spacing];
        for (at, value) in right.iter_mut().enumerate() {
            // Column by column.
            let element = at / spacing;
            *value = (10 * (element % inner) + element / inner) as f32;
        }
        let mut sum = vec![1.0; rows * columns * spacing];
        LaneProducts {
            sum: &mut sum,
            left: &left,
            right: &right,
            strides: [1, inner],
            shape: [rows, inner, columns],
            spacing,
            lanes: 8,
        }
        .add();
        for (at, sum) in sum.into_iter().enumerate() {
            let (element, lane) = (at / spacing, at % spacing);
            let (i, j) = (element / columns, element % columns);
            // (i + lane) · j + (i + 1 + lane) · (10 + j).
            let product = (i + lane) * j + (i + 1 + lane) * (10 + j);
            let expected = if lane < 8 { 1 + product } else { 1 };
            assert_eq!(sum, expected as f32, "{i}, {j}, lane {lane}");
        }
    }
}
