//! Products of matrices whose elements are vectors: as many products side by side as a vector has lanes.

use pulp::{Simd, WithSimd};

use super::kernel::{LANES, arch};

/// Values of a vector: a line of the cache.
pub(crate) const VECTOR: usize = 16;

/// `sum_ij ← sum_ij + Σ_k left_ki ∘ right_kj`, where every element is a [`VECTOR`].
pub(crate) struct LaneProducts<'a> {
    /// `[rows, columns]`.
    pub(crate) sum: &'a mut [f32],
    /// `[inner, rows or more]`: a line of elements for each term of the sums.
    pub(crate) left: &'a [f32],
    /// `[inner, columns or more]`.
    pub(crate) right: &'a [f32],
    /// Elements of a line of `left`, and of `right`.
    pub(crate) lines: [usize; 2],
    /// `[rows, inner, columns]`.
    pub(crate) shape: [usize; 3],
    /// Values of each vector that are multiplied, a multiple of [`LANES`].
    pub(crate) lanes: usize,
}

impl LaneProducts<'_> {
    /// Adds the products.
    ///
    /// # Panics
    ///
    /// If a slice is shorter than its shape.
    pub(crate) fn add(self) {
        debug_assert!(self.lanes <= VECTOR && self.lanes.is_multiple_of(LANES));
        arch().dispatch(self);
    }
}

impl WithSimd for LaneProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let [rows, _, _] = self.shape;
        let whole = rows - rows % 4;
        for row in (0..whole).step_by(4) {
            self.add_rows::<S, 4>(simd, row);
        }
        for row in whole..rows {
            self.add_rows::<S, 1>(simd, row);
        }
    }
}

// Closures would not inherit the vector instructions that `with_simd` is compiled for.
impl LaneProducts<'_> {
    #[inline(always)]
    fn add_rows<S: Simd, const ROWS: usize>(&mut self, simd: S, row: usize) {
        let [_, _, columns] = self.shape;
        let whole = columns - columns % 3;
        for column in (0..whole).step_by(3) {
            self.add_columns::<S, ROWS, 3>(simd, [row, column]);
        }
        match columns - whole {
            2 => self.add_columns::<S, ROWS, 2>(simd, [row, whole]),
            1 => self.add_columns::<S, ROWS, 1>(simd, [row, whole]),
            _ => {}
        }
    }

    /// All lanes of some elements while they are in the nearest cache.
    #[inline(always)]
    fn add_columns<S: Simd, const ROWS: usize, const COLUMNS: usize>(
        &mut self,
        simd: S,
        at: [usize; 2],
    ) {
        for lane in (0..self.lanes).step_by(S::F32_LANES) {
            self.add_block::<S, ROWS, COLUMNS>(simd, at, lane);
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
        let vector = VECTOR / S::F32_LANES;
        let lane = lane / S::F32_LANES;
        assert!(lane < vector);
        let (left, _) = S::as_simd_f32s(self.left);
        let (right, _) = S::as_simd_f32s(self.right);
        let [lines_left, lines_right] = self.lines.map(|elements| elements * vector);
        let mut sums = [[simd.splat_f32s(0.0); COLUMNS]; ROWS];
        let mut at = [row * vector, column * vector];
        for _ in 0..inner {
            // Of one length, so that what follows needs no look at it.
            let left = &left[at[0]..][..ROWS * vector];
            let right = &right[at[1]..][..COLUMNS * vector];
            let mut factors = [simd.splat_f32s(0.0); COLUMNS];
            for (at, factor) in factors.iter_mut().enumerate() {
                *factor = right[at * vector + lane];
            }
            for (at, sums) in sums.iter_mut().enumerate() {
                let left = left[at * vector + lane];
                for (sum, factor) in sums.iter_mut().zip(&factors) {
                    *sum = simd.mul_add_e_f32s(left, *factor, *sum);
                }
            }
            at = [at[0] + lines_left, at[1] + lines_right];
        }
        let (totals, _) = S::as_mut_simd_f32s(self.sum);
        for (at, sums) in sums.into_iter().enumerate() {
            let first = ((row + at) * columns + column) * vector + lane;
            for (at, sum) in sums.into_iter().enumerate() {
                let total = &mut totals[first + at * vector];
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
        // 5 x 2 times 2 x 4, in 8 lanes: left_ki = i + k + lane, right_kj = 10 k + j, in lines of 6 and 5.
        let [rows, inner, columns] = [5, 2, 4];
        let lines = [6, 5];
        let values = |line: usize, value: fn(usize, usize, usize) -> usize| -> Vec<f32> {
            let all = 0..inner * line * VECTOR;
            all.map(|at| value(at / VECTOR / line, at / VECTOR % line, at % VECTOR) as f32)
                .collect()
        };
        let left = values(lines[0], |k, i, lane| i + k + lane);
        let right = values(lines[1], |k, j, _| 10 * k + j);
        let mut sum = vec![1.0; rows * columns * VECTOR];
        LaneProducts {
            sum: &mut sum,
            left: &left,
            right: &right,
            lines,
            shape: [rows, inner, columns],
            lanes: 8,
        }
        .add();
        for (at, sum) in sum.into_iter().enumerate() {
            let (element, lane) = (at / VECTOR, at % VECTOR);
            let (i, j) = (element / columns, element % columns);
            let product = (i + lane) * j + (i + 1 + lane) * (10 + j);
            let expected = if lane < 8 { 1 + product } else { 1 };
            assert_eq!(sum, expected as f32, "{i}, {j}, lane {lane}");
        }
    }
}
