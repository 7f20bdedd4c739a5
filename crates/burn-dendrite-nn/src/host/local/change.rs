//! Changes of weights that no two places share.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    FEW, parts,
    window::{Samples, TILE, Tile, Window, cut, gather},
    with_buffer, with_tiles,
};
use crate::{
    geometry::Local,
    numbers::{HostRows, Rows, kernel, lanes::LaneProducts},
};

/// Rows of weights whose changes are computed together.
pub(in crate::host) const ROWS_PER_BLOCK: usize = 16;

/// Postsynaptic factors tile by tile: `[tiles, rows, maps, places of a tile]`; nothing of a few rows, which are taken
/// as they are.
pub(in crate::host) fn in_tiles(local: &Local, post: &HostRows) -> Vec<f32> {
    let ([maps, ..], places) = (local.windows.output, local.windows.places());
    let samples = Samples {
        rows: post,
        first: 0,
        count: post.dims()[0],
    };
    if samples.count <= FEW {
        return Vec::new();
    }
    let size = samples.count * TILE;
    let mut tiles = vec![0.0; places.div_ceil(TILE) * maps * size];
    let tile = |(tile, values): (Tile, &mut [f32])| {
        for map in 0..maps {
            cut(
                samples,
                map * places,
                tile,
                maps * TILE,
                &mut values[map * TILE..],
            );
        }
    };
    let all: Vec<Tile> = Tile::all(places, TILE).collect();
    let values = tiles.par_chunks_mut(maps * size);
    all.into_par_iter().zip(values).for_each(tile);
    tiles
}

/// Adds to `sum`, some rows of `[synapses, units]` with `width` columns, the products of what each window sees of
/// `pre` with `post`, summed over rows; `tiles` is `post` [tile by tile](in_tiles).
pub(in crate::host) fn add_correlation(
    local: &Local,
    synapses: Range<usize>,
    [pre, post]: [&HostRows; 2],
    tiles: &[f32],
    sum: &mut [f32],
    width: usize,
) {
    let ([maps, ..], places) = (local.windows.output, local.windows.places());
    let samples = Samples {
        rows: pre,
        first: 0,
        count: pre.dims()[0],
    };
    if samples.count == 0 {
        return;
    }
    if samples.count <= FEW {
        return stream_correlation(local, synapses, samples, post, sum, width);
    }
    let first = synapses.start;
    let size = samples.count * TILE;
    let sizes = [
        ROWS_PER_BLOCK * samples.count,
        ROWS_PER_BLOCK * ROWS_PER_BLOCK,
    ];
    with_tiles(sizes, |[seen, sums]| {
        for synapses in parts(synapses, ROWS_PER_BLOCK) {
            for (tile, errors) in Tile::all(places, TILE).zip(tiles.chunks_exact(maps * size)) {
                for (at, synapse) in synapses.clone().enumerate() {
                    let spacing = synapses.len() * TILE;
                    gather(
                        local,
                        synapse,
                        tile,
                        samples,
                        spacing,
                        &mut seen[at * TILE..],
                    );
                }
                for maps in parts(0..maps, ROWS_PER_BLOCK) {
                    let shape = [synapses.len(), samples.count, maps.len()];
                    let sums = &mut sums[..synapses.len() * maps.len() * TILE];
                    sums.fill(0.0);
                    LaneProducts {
                        sum: sums,
                        left: seen,
                        right: &errors[maps.start * TILE..],
                        lines: [synapses.len(), local.windows.output[0]],
                        shape,
                        lanes: tile.lanes(),
                    }
                    .add();
                    let pairs = (synapses.clone())
                        .flat_map(|synapse| maps.clone().map(move |map| [synapse, map]));
                    kernel::vectorized(|| {
                        for ([synapse, map], sums) in pairs.zip(sums.chunks_exact(TILE)) {
                            let at = (synapse - first) * width + map * places + tile.first;
                            let sum = &mut sum[at..][..tile.places];
                            for (sum, product) in sum.iter_mut().zip(sums) {
                                *sum += product;
                            }
                        }
                    });
                }
            }
        }
    });
}

/// The same for a few samples, a row of weights at a time.
fn stream_correlation(
    local: &Local,
    synapses: Range<usize>,
    samples: Samples<'_>,
    post: &HostRows,
    sum: &mut [f32],
    width: usize,
) {
    let places = local.windows.places();
    let all = Tile { first: 0, places };
    with_buffer(samples.count * places, |seen| {
        for (synapse, sum) in synapses.zip(sum.chunks_exact_mut(width)) {
            gather(local, synapse, all, samples, places, seen);
            for (sample, seen) in seen.chunks_exact(places).enumerate() {
                let maps = sum.chunks_exact_mut(places);
                for (sum, errors) in maps.zip(post.row(sample).chunks_exact(places)) {
                    kernel::vectorized(|| {
                        for ((sum, seen), error) in sum.iter_mut().zip(seen).zip(errors) {
                            *sum += seen * error;
                        }
                    });
                }
            }
        }
    });
}

/// Weights of synapses that do not exist become 0, in some rows of weights from `first` on.
pub(in crate::host) fn clear_missing(local: &Local, first: usize, rows: &mut [f32], width: usize) {
    if local.windows.kernel.padding == 0 || width == 0 {
        return;
    }
    let (across, places) = (local.windows.output[2], local.windows.places());
    for (synapse, row) in (first..).zip(rows.chunks_exact_mut(width)) {
        let Window { rows, columns, .. } = Window::new(local, synapse);
        let maps = row.chunks_exact_mut(places).take(local.windows.output[0]);
        for (y, line) in maps.flat_map(|map| map.chunks_exact_mut(across).enumerate()) {
            if rows.contains(&y) {
                line[..columns.start].fill(0.0);
                line[columns.end..].fill(0.0);
            } else {
                line.fill(0.0);
            }
        }
    }
}
