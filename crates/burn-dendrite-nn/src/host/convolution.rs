//! Convolutions in main memory, as products of matrices over patches.
//!
//! A patch is what a kernel sees at one place; those of a sample are a matrix `[synapses, places]` in a buffer
//! that each thread keeps. Samples are divided among the threads, changes of weights by their rows, so that no
//! sum depends on how many threads there are.

use std::{cell::RefCell, ops::Range};

use crate::{
    geometry::Convolution,
    numbers::{
        HostRows, Rows,
        kernel::{self, Operand},
    },
};

/// With so few maps on one side, or so few synapses, lines are added without a matrix of patches.
const FEW: usize = 2;

thread_local! {
    static PATCHES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// A buffer of this thread with `length` values, whatever they are.
pub(super) fn with_buffer<T>(length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    PATCHES.with_borrow_mut(|buffer| {
        if buffer.len() < length {
            buffer.resize(length, 0.0);
        }
        work(&mut buffer[..length])
    })
}

/// Adds the convolution of each row, or, transposed, what comes back through it.
pub(super) fn add_product(
    convolution: &Convolution,
    weights: &HostRows,
    rows: &HostRows,
    transposed: bool,
    scale: f32,
    sum: &mut HostRows,
) {
    let is_small = convolution.output[0] <= FEW || convolution.fan_in() <= FEW;
    sum.each_row_beside(rows, |sum, row| match (is_small, transposed) {
        (true, false) => add_lines(convolution, weights, row, scale, sum),
        (true, true) => add_lines_back(convolution, weights, row, scale, sum),
        (false, false) => add_forward(convolution, weights, row, scale, sum),
        (false, true) => add_back(convolution, weights, row, scale, sum),
    });
}

/// Adds to `sum`, some rows of `[synapses, maps]` with `width` columns, the correlation of patches of `pre` with
/// `post`, over rows and places.
pub(super) fn add_correlation(
    convolution: &Convolution,
    synapses: Range<usize>,
    pre: &HostRows,
    post: &HostRows,
    sum: &mut [f32],
    width: usize,
) {
    let (units, places) = (synapses.len(), convolution.places());
    with_buffer(units * places, |patches| {
        for row in 0..pre.dims()[0] {
            gather(convolution, synapses.clone(), pre.row(row), patches);
            let left = Operand {
                values: patches,
                row_stride: places,
                column_stride: 1,
            };
            let right = Operand {
                values: post.row(row),
                row_stride: 1,
                column_stride: places,
            };
            let shape = [units, places, convolution.output[0]];
            kernel::add_product(sum, width, shape, left, right, 1.0);
        }
    });
}

/// `W ᵀ · patches`, `[maps, places]`.
fn add_forward(
    convolution: &Convolution,
    weights: &HostRows,
    input: &[f32],
    scale: f32,
    sum: &mut [f32],
) {
    let (fan_in, places) = (convolution.fan_in(), convolution.places());
    with_buffer(fan_in * places, |patches| {
        gather(convolution, 0..fan_in, input, patches);
        let left = Operand {
            values: weights.block(),
            row_stride: 1,
            column_stride: weights.width(),
        };
        let right = Operand {
            values: patches,
            row_stride: places,
            column_stride: 1,
        };
        let shape = [convolution.output[0], fan_in, places];
        kernel::add_product(sum, places, shape, left, right, scale);
    });
}

/// `W · e`, `[synapses, places]`, added where each patch was taken from.
fn add_back(
    convolution: &Convolution,
    weights: &HostRows,
    error: &[f32],
    scale: f32,
    sum: &mut [f32],
) {
    let (fan_in, places) = (convolution.fan_in(), convolution.places());
    with_buffer(fan_in * places, |patches| {
        let left = Operand {
            values: weights.block(),
            row_stride: weights.width(),
            column_stride: 1,
        };
        let right = Operand {
            values: error,
            row_stride: places,
            column_stride: 1,
        };
        let shape = [fan_in, convolution.output[0], places];
        kernel::set_product(patches, places, shape, left, right, scale);
        kernel::vectorized(|| {
            for (synapse, patch) in patches.chunks_exact(places).enumerate() {
                Lines::new(convolution, synapse).add_back(patch, 1.0, sum);
            }
        });
    });
}

fn add_lines(
    convolution: &Convolution,
    weights: &HostRows,
    input: &[f32],
    scale: f32,
    sum: &mut [f32],
) {
    kernel::vectorized(|| {
        for synapse in 0..convolution.fan_in() {
            let lines = Lines::new(convolution, synapse);
            let maps = sum.chunks_exact_mut(convolution.places());
            for (weight, map) in weights.row(synapse).iter().zip(maps) {
                lines.add(input, scale * weight, map);
            }
        }
    });
}

fn add_lines_back(
    convolution: &Convolution,
    weights: &HostRows,
    error: &[f32],
    scale: f32,
    sum: &mut [f32],
) {
    kernel::vectorized(|| {
        for synapse in 0..convolution.fan_in() {
            let lines = Lines::new(convolution, synapse);
            let maps = error.chunks_exact(convolution.places());
            for (weight, map) in weights.row(synapse).iter().zip(maps) {
                lines.add_back(map, scale * weight, sum);
            }
        }
    });
}

/// What each synapse of a range sees at every place, `[synapses, places]`.
fn gather(convolution: &Convolution, synapses: Range<usize>, input: &[f32], patches: &mut [f32]) {
    let places = convolution.places();
    for (synapse, patch) in synapses.zip(patches.chunks_exact_mut(places)) {
        Lines::new(convolution, synapse).copy(input, patch);
    }
}

/// What one synapse of a kernel sees: lines of a map, each beside a line of places.
struct Lines {
    /// Where the presynaptic map begins.
    map: usize,
    /// Width of the presynaptic map.
    width: usize,
    stride: usize,
    /// Lines of places at which the synapse is inside the map.
    rows: [usize; 2],
    /// Places of a line at which it is.
    columns: [usize; 2],
    /// Places of a line.
    across: usize,
    /// Row and column of the first of these places, in the presynaptic map.
    start: [usize; 2],
}

impl Lines {
    #[inline(always)]
    fn new(convolution: &Convolution, synapse: usize) -> Self {
        let [map, row, column] = convolution.synapse(synapse);
        let ([_, height, width], [_, down, across]) = (convolution.input, convolution.output);
        let (stride, padding) = (convolution.kernel.stride, convolution.kernel.padding);
        let mut rows = convolution.inside(row, height, down);
        let columns = convolution.inside(column, width, across);
        // Where no column is inside, no line is.
        if columns[0] >= columns[1] {
            rows[1] = rows[0];
        }
        Self {
            map: map * height * width,
            width,
            stride,
            rows,
            columns,
            across,
            start: [
                (rows[0] * stride + row).saturating_sub(padding),
                (columns[0] * stride + column).saturating_sub(padding),
            ],
        }
    }

    /// Where each line of places that has any inside begins, and where the line of the map does.
    #[inline(always)]
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let (first, start) = (self.rows[0], self.start);
        (self.rows[0]..self.rows[1]).map(move |row| {
            let line = start[0] + (row - first) * self.stride;
            let place = row * self.across + self.columns[0];
            (place, self.map + line * self.width + start[1])
        })
    }

    #[inline(always)]
    fn length(&self) -> usize {
        self.columns[1].saturating_sub(self.columns[0])
    }

    fn copy(&self, input: &[f32], patch: &mut [f32]) {
        let length = self.length();
        if [self.rows, self.columns] != [[0, patch.len() / self.across], [0, self.across]] {
            patch.fill(0.0);
        }
        for (place, unit) in self.pairs() {
            let patch = &mut patch[place..place + length];
            if self.stride == 1 {
                patch.copy_from_slice(&input[unit..unit + length]);
            } else {
                let input = input[unit..].iter().step_by(self.stride);
                patch
                    .iter_mut()
                    .zip(input)
                    .for_each(|(it, unit)| *it = *unit);
            }
        }
    }

    #[inline(always)]
    fn add(&self, input: &[f32], weight: f32, map: &mut [f32]) {
        let length = self.length();
        for (place, unit) in self.pairs() {
            let map = &mut map[place..place + length];
            if self.stride == 1 {
                for (sum, unit) in map.iter_mut().zip(&input[unit..unit + length]) {
                    *sum += weight * unit;
                }
            } else {
                let input = input[unit..].iter().step_by(self.stride);
                map.iter_mut()
                    .zip(input)
                    .for_each(|(sum, unit)| *sum += weight * unit);
            }
        }
    }

    #[inline(always)]
    fn add_back(&self, patch: &[f32], weight: f32, sum: &mut [f32]) {
        let length = self.length();
        for (place, unit) in self.pairs() {
            let patch = &patch[place..place + length];
            if self.stride == 1 {
                for (sum, value) in sum[unit..unit + length].iter_mut().zip(patch) {
                    *sum += weight * value;
                }
            } else {
                let sum = sum[unit..].iter_mut().step_by(self.stride);
                sum.zip(patch)
                    .for_each(|(sum, value)| *sum += weight * value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Kernel;

    /// One map of 3 x 3, a kernel of 2 x 2.
    fn small() -> (Convolution, HostRows, HostRows) {
        let kernel = Kernel {
            size: 2,
            stride: 1,
            padding: 0,
        };
        let convolution = Convolution::new(kernel, [1, 3, 3], [1, 2, 2]).unwrap();
        let weights = HostRows::from_values(&[1.0, 2.0, 3.0, 4.0], [4, 1]);
        let input = HostRows::from_values(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], [1, 9]);
        (convolution, weights, input)
    }

    /// A window that reaches beyond the map on all sides sees all of it from everywhere.
    #[test]
    fn a_kernel_may_be_much_larger_than_the_map() {
        let kernel = Kernel {
            size: 7,
            stride: 1,
            padding: 3,
        };
        let convolution = Convolution::new(kernel, [1, 2, 2], [1, 2, 2]).unwrap();
        let weights = HostRows::full([49, 1], 1.0);
        for add in [add_lines, add_forward, add_lines_back, add_back] {
            let mut sum = [0.0; 4];
            add(&convolution, &weights, &[1.0, 2.0, 3.0, 4.0], 1.0, &mut sum);
            assert_eq!(sum, [10.0; 4]);
        }
    }

    #[test]
    fn a_convolution_by_hand() {
        let (convolution, weights, input) = small();
        // 1·1 + 2·2 + 3·4 + 4·5 = 37, and so on; every unit more adds 10.
        let expected = [37.0, 47.0, 67.0, 77.0];
        for add in [add_lines, add_forward] {
            let mut sum = [0.0; 4];
            add(&convolution, &weights, input.row(0), 1.0, &mut sum);
            assert_eq!(sum, expected);
        }
        // An error of 1 at the last place alone goes to the lower right window.
        for add in [add_lines_back, add_back] {
            let mut sum = [0.0; 9];
            add(&convolution, &weights, &[0.0, 0.0, 0.0, 1.0], 2.0, &mut sum);
            assert_eq!(sum, [0.0, 0.0, 0.0, 0.0, 2.0, 4.0, 0.0, 6.0, 8.0]);
        }
        let post = HostRows::from_values(&[1.0, 0.0, 0.0, 10.0], [1, 4]);
        let mut change = vec![0.0; 4 * kernel::LANES];
        add_correlation(
            &convolution,
            0..4,
            &input,
            &post,
            &mut change,
            kernel::LANES,
        );
        // Of the first synapse: 1·1 + 10·5.
        let change: Vec<f32> = change.iter().copied().step_by(kernel::LANES).collect();
        assert_eq!(change, [51.0, 62.0, 84.0, 95.0]);
    }
}
