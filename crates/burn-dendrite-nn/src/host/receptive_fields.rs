//! Windows at random places in main memory: only the synapses that exist are stored and computed.
//!
//! Many samples lie side by side in vector registers, so that each synapse is one product for all of them; of a
//! few samples each synapse picks its own value. Samples are divided among the threads in blocks of one size, and
//! changes of weights by their rows, so that no sum depends on how many threads there are.

use std::ops::Range;

use rayon::prelude::*;

use super::convolution::with_buffer;
use crate::numbers::{
    HostRows, Rows,
    gather::{GatheredChanges, GatheredDrives},
    kernel::vectorized,
    lanes::VECTOR,
};

/// Up to so many samples, each synapse picks its values one by one.
const FEW: usize = 3;

/// Rows of weights whose changes are computed together: as many lines of windows as are close in memory.
pub(super) const ROWS_PER_BLOCK: usize = 16;

/// Values of some samples side by side, a [`VECTOR`] for each unit.
type Lanes = [[f32; VECTOR]];

/// Weights with the unit that each synapse comes from, in rows of the same width.
#[derive(Clone, Copy)]
pub(super) struct Windows<'a> {
    pub(super) weights: &'a HostRows,
    pub(super) heard: &'a [u32],
}

impl<'a> Windows<'a> {
    /// The weights of one synapse of all windows, and the units that they come from.
    fn rows(self) -> impl Iterator<Item = (&'a [f32], &'a [u32])> {
        let [synapses, units] = self.weights.dims();
        let width = self.weights.width();
        let weights = (0..synapses).map(move |synapse| self.weights.row(synapse));
        let heard = self.heard.chunks_exact(width.max(1));
        weights.zip(heard.map(move |heard| &heard[..units]))
    }

    /// Adds the drives by each row, or, transposed, what comes back through the same windows.
    pub(super) fn add_product(
        self,
        rows: &HostRows,
        transposed: bool,
        scale: f32,
        sum: &mut HostRows,
    ) {
        let width = sum.width().max(1);
        let [count, size] = sum.dims();
        if count <= FEW {
            for (sample, sum) in sum.block_mut().chunks_exact_mut(width).enumerate() {
                if transposed {
                    self.add_sample_back(rows.row(sample), scale, sum);
                } else {
                    self.add_sample(rows.row(sample), scale, sum);
                }
            }
            return;
        }
        let blocks = sum.block_mut().par_chunks_mut(VECTOR * width);
        blocks.enumerate().for_each(|(block, sum)| {
            let samples = block * VECTOR..count.min((block + 1) * VECTOR);
            let given = rows.dims()[1];
            with_buffer((given + size) * VECTOR, |buffer| {
                let (lanes, _) = buffer.as_chunks_mut::<VECTOR>();
                let (given, sums) = lanes.split_at_mut(given);
                each_unit(rows, samples, |unit, lanes| given[unit] = lanes);
                sums.fill([0.0; VECTOR]);
                if transposed {
                    self.add_lanes_back(given, sums);
                } else {
                    GatheredDrives {
                        sum: sums.as_flattened_mut(),
                        given: given.as_flattened(),
                        weights: self.weights.block(),
                        heard: self.heard,
                        width: self.weights.width(),
                    }
                    .add();
                }
                for (sample, sum) in sum.chunks_exact_mut(width).enumerate() {
                    for (sum, lanes) in sum.iter_mut().zip(&*sums) {
                        *sum += scale * lanes[sample];
                    }
                }
            });
        });
    }

    fn add_sample(self, row: &[f32], scale: f32, sum: &mut [f32]) {
        for (weights, heard) in self.rows() {
            for ((sum, weight), unit) in sum.iter_mut().zip(weights).zip(heard) {
                *sum += scale * weight * row[*unit as usize];
            }
        }
    }

    fn add_sample_back(self, row: &[f32], scale: f32, sum: &mut [f32]) {
        for (weights, heard) in self.rows() {
            for ((error, weight), unit) in row.iter().zip(weights).zip(heard) {
                sum[*unit as usize] += scale * weight * error;
            }
        }
    }

    fn add_lanes_back(self, given: &Lanes, sums: &mut Lanes) {
        vectorized(|| {
            for (weights, heard) in self.rows() {
                for ((weight, unit), errors) in weights.iter().zip(heard).zip(given) {
                    let sum = &mut sums[*unit as usize];
                    for (sum, error) in sum.iter_mut().zip(errors) {
                        *sum += weight * error;
                    }
                }
            }
        });
    }
}

/// The values of some samples side by side, unit by unit; 0 for samples that are missing to a vector.
fn each_unit(rows: &HostRows, samples: Range<usize>, mut put: impl FnMut(usize, [f32; VECTOR])) {
    let [_, units] = rows.dims();
    let nothing = vec![0.0; units];
    let mut lines = [&nothing[..]; VECTOR];
    for (line, sample) in lines.iter_mut().zip(samples) {
        *line = &rows.row(sample)[..units];
    }
    for unit in 0..units {
        put(unit, lines.map(|line| line[unit]));
    }
}

/// Factors of a change, ready for every row of weights.
pub(super) struct Factors {
    /// Of each unit the factors of all samples, `[units, blocks of samples, lanes]`; empty for a few samples, which
    /// are taken as they are.
    pre: Vec<f32>,
    post: Vec<f32>,
}

impl Factors {
    pub(super) fn new(pre: &HostRows, post: &HostRows) -> Self {
        let by_unit = |rows: &HostRows| {
            let [count, units] = rows.dims();
            if count <= FEW {
                return Vec::new();
            }
            let blocks = count.div_ceil(VECTOR);
            let mut values = vec![0.0; units * blocks * VECTOR];
            let (lanes, _) = values.as_chunks_mut::<VECTOR>();
            for block in 0..blocks {
                let samples = block * VECTOR..count.min((block + 1) * VECTOR);
                each_unit(rows, samples, |unit, values| {
                    lanes[unit * blocks + block] = values;
                });
            }
            values
        };
        Self {
            pre: by_unit(pre),
            post: by_unit(post),
        }
    }

    /// Adds to `sum`, some rows of `[synapses, units]` with `width` columns, the products of what each synapse
    /// hears with the postsynaptic factor, summed over samples.
    pub(super) fn add_correlation(
        &self,
        heard: &[u32],
        synapses: Range<usize>,
        [pre, post]: [&HostRows; 2],
        sum: &mut [f32],
        width: usize,
    ) {
        let [count, _] = post.dims();
        let heard = &heard[synapses.start * width..synapses.end * width];
        if count <= FEW {
            for sample in 0..count {
                let (pre, post) = (pre.row(sample), post.row(sample));
                let rows = sum.chunks_exact_mut(width).zip(heard.chunks_exact(width));
                for (sum, heard) in rows {
                    for ((sum, unit), post) in sum.iter_mut().zip(heard).zip(post) {
                        *sum += pre[*unit as usize] * post;
                    }
                }
            }
            return;
        }
        GatheredChanges {
            sum,
            given: &self.pre,
            post: &self.post,
            heard,
            width,
            length: count.next_multiple_of(VECTOR),
        }
        .add();
    }
}
