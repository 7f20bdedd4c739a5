//! Local windows in main memory: every place has weights of its own.
//!
//! Neighbouring places lie side by side in vector registers, a tile of them at a time, so that a product over a
//! window is as many products as a vector has lanes. Weights are read once for a block of samples, which is what
//! takes time where no two places share them. Samples are divided among the threads, changes of weights by their
//! rows, so that no sum depends on how many threads there are.

mod change;
mod window;

use std::ops::Range;

use rayon::prelude::*;

pub(super) use change::{ROWS_PER_BLOCK, add_correlation, clear_missing, in_tiles};
use window::{Samples, TILE, Tile, copy, cut, gather, scatter};

use super::convolution::with_buffer;
use crate::{
    geometry::Local,
    numbers::{HostRows, Rows, kernel, lanes::LaneProducts},
};

/// Up to so many samples, weights are used as they stream by; beyond, a tile of them is kept for all samples.
const FEW: usize = 3;

/// Samples for which weights are read once.
const SAMPLES: usize = 64;

/// Fewer samples than this are not worth a second thread.
const SAMPLES_PER_THREAD: usize = 8;

/// Terms of a sum whose factors are kept at hand.
const TERMS: usize = 64;

/// Sums whose weights are kept at hand.
const SUMS: usize = 4;

/// Adds the drives by each row, or, transposed, what comes back through the same windows.
pub(super) fn add_product(
    local: &Local,
    weights: &HostRows,
    rows: &HostRows,
    transposed: bool,
    scale: f32,
    sum: &mut HostRows,
) {
    let (count, width) = (rows.dims()[0], sum.width().max(1));
    let threads = rayon::current_num_threads().min(count / SAMPLES_PER_THREAD);
    let part = count.div_ceil(threads.max(count.div_ceil(SAMPLES)).max(1));
    let windows = Windows {
        local,
        weights,
        scale,
    };
    let work = |(index, sum): (usize, &mut [f32])| {
        let samples = Samples {
            rows,
            first: index * part,
            count: sum.len() / width,
        };
        match (count <= FEW, transposed) {
            (true, false) => windows.stream(samples, sum, width),
            (true, true) => windows.stream_back(samples, sum, width),
            (false, false) => windows.add(samples, sum, width),
            (false, true) => windows.add_back(samples, sum, width),
        }
    };
    if part >= count {
        work((0, sum.block_mut()));
    } else {
        let parts = sum.block_mut().par_chunks_mut(part * width);
        parts.enumerate().for_each(work);
    }
}

/// Windows with their weights.
#[derive(Clone, Copy)]
struct Windows<'a> {
    local: &'a Local,
    weights: &'a HostRows,
    scale: f32,
}

impl Windows<'_> {
    /// Adds the drives by a few samples, a row of weights at a time.
    fn stream(self, samples: Samples<'_>, sum: &mut [f32], width: usize) {
        let places = self.local.windows.places();
        let all = Tile { first: 0, places };
        with_buffer(samples.count * places, |seen| {
            for synapse in 0..self.local.windows.fan_in() {
                gather(self.local, synapse, all, samples, places, seen);
                let maps = self.weights.row(synapse).chunks_exact(places);
                for (map, weights) in maps.enumerate() {
                    for (sample, seen) in seen.chunks_exact(places).enumerate() {
                        let sum = &mut sum[sample * width + map * places..][..places];
                        kernel::vectorized(|| {
                            for ((sum, weight), seen) in sum.iter_mut().zip(weights).zip(seen) {
                                *sum += self.scale * weight * seen;
                            }
                        });
                    }
                }
            }
        });
    }

    /// Adds what comes back of a few samples, a row of weights at a time.
    fn stream_back(self, samples: Samples<'_>, sum: &mut [f32], width: usize) {
        let places = self.local.windows.places();
        let all = Tile { first: 0, places };
        with_buffer(samples.count * places, |sent| {
            for synapse in 0..self.local.windows.fan_in() {
                sent.fill(0.0);
                let maps = self.weights.row(synapse).chunks_exact(places);
                for (map, weights) in maps.enumerate() {
                    for (sample, sent) in sent.chunks_exact_mut(places).enumerate() {
                        let errors = samples.rows.row(samples.first + sample);
                        let errors = &errors[map * places..][..places];
                        kernel::vectorized(|| {
                            for ((sent, weight), error) in sent.iter_mut().zip(weights).zip(errors)
                            {
                                *sent += weight * error;
                            }
                        });
                    }
                }
                let sent = (&*sent, places);
                scatter(self.local, synapse, all, sent, self.scale, (sum, width));
            }
        });
    }

    fn add(self, samples: Samples<'_>, sum: &mut [f32], width: usize) {
        let ([maps, ..], places) = (self.local.windows.output, self.local.windows.places());
        let sizes = [TERMS * samples.count, SUMS * TERMS, SUMS * samples.count];
        with_tiles(sizes, |[seen, kept, sums]| {
            for tile in Tile::all(places, TILE) {
                for synapses in parts(0..self.local.windows.fan_in(), TERMS) {
                    for (synapse, seen) in
                        (synapses.clone()).zip(seen.chunks_exact_mut(samples.count * TILE))
                    {
                        gather(self.local, synapse, tile, samples, TILE, seen);
                    }
                    for maps in parts(0..maps, SUMS) {
                        let pairs = (synapses.clone())
                            .flat_map(|synapse| maps.clone().map(move |map| [synapse, map]));
                        self.keep(pairs, tile, kept);
                        let shape = [maps.len(), synapses.len(), samples.count];
                        multiply(kept, seen, sums, shape, tile);
                        let each = maps.flat_map(|map| (0..samples.count).map(move |it| (map, it)));
                        kernel::vectorized(|| {
                            for ((map, sample), sums) in each.zip(sums.chunks_exact(TILE)) {
                                let at = sample * width + map * places + tile.first;
                                let sum = &mut sum[at..][..tile.places];
                                for (sum, product) in sum.iter_mut().zip(sums) {
                                    *sum += self.scale * product;
                                }
                            }
                        });
                    }
                }
            }
        });
    }

    fn add_back(self, samples: Samples<'_>, sum: &mut [f32], width: usize) {
        let ([maps, ..], places) = (self.local.windows.output, self.local.windows.places());
        let sizes = [TERMS * samples.count, SUMS * TERMS, SUMS * samples.count];
        with_tiles(sizes, |[errors, kept, sent]| {
            for tile in Tile::all(places, TILE) {
                for maps in parts(0..maps, TERMS) {
                    for (map, errors) in
                        (maps.clone()).zip(errors.chunks_exact_mut(samples.count * TILE))
                    {
                        cut(samples, map * places, tile, TILE, errors);
                    }
                    for synapses in parts(0..self.local.windows.fan_in(), SUMS) {
                        let pairs = (maps.clone())
                            .flat_map(|map| synapses.clone().map(move |synapse| [synapse, map]));
                        self.keep(pairs, tile, kept);
                        let shape = [synapses.len(), maps.len(), samples.count];
                        multiply(kept, errors, sent, shape, tile);
                        for (synapse, sent) in synapses.zip(sent.chunks_exact(samples.count * TILE))
                        {
                            let sent = (sent, TILE);
                            scatter(self.local, synapse, tile, sent, self.scale, (sum, width));
                        }
                    }
                }
            }
        });
    }

    /// The weights at a tile for each pair of a synapse and a map, close together: in their rows they lie as
    /// far apart as the cache's own places, which they would drive one another out of.
    fn keep(self, pairs: impl Iterator<Item = [usize; 2]>, tile: Tile, kept: &mut [f32]) {
        let (weights, width) = (self.weights.block(), self.weights.width());
        let places = self.local.windows.places();
        for ([synapse, map], kept) in pairs.zip(kept.chunks_exact_mut(TILE)) {
            let first = synapse * width + map * places + tile.first;
            copy(&weights[first..][..tile.places], &mut kept[..tile.places]);
        }
    }
}

/// `leftᵀ · right` at each place of a tile.
fn multiply(left: &[f32], right: &[f32], sums: &mut [f32], shape: [usize; 3], tile: Tile) {
    let [rows, _, columns] = shape;
    let sums = &mut sums[..rows * columns * TILE];
    sums.fill(0.0);
    LaneProducts {
        sum: sums,
        left,
        right,
        lines: [rows, columns],
        shape,
        lanes: tile.lanes(),
    }
    .add();
}

/// Consecutive parts of `size` but for the last one.
fn parts(all: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    let end = all.end;
    all.step_by(size)
        .map(move |first| first..end.min(first + size))
}

/// Buffers of this thread with so many tiles, whatever they hold.
fn with_tiles<const N: usize>(sizes: [usize; N], work: impl FnOnce([&mut [f32]; N])) {
    let sizes = sizes.map(|tiles| tiles * TILE);
    with_buffer(sizes.iter().sum(), |mut buffer| {
        let buffers = sizes.map(|size| {
            let (first, rest) = std::mem::take(&mut buffer).split_at_mut(size);
            buffer = rest;
            first
        });
        work(buffers);
    });
}
