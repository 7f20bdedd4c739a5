//! What the windows see, a tile of places at a time.

use std::ops::Range;

use crate::{
    geometry::Local,
    numbers::{
        HostRows,
        kernel::{LANES, vectorized},
        lanes::VECTOR,
    },
};

/// Places of a tile.
pub(super) const TILE: usize = VECTOR;

/// Some samples.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    pub(super) rows: &'a HostRows,
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Places next to one another.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub(super) first: usize,
    pub(super) places: usize,
}

impl Tile {
    /// All tiles of a map, of `size` places each but for the last one.
    pub(super) fn all(places: usize, size: usize) -> impl Iterator<Item = Self> {
        (0..places).step_by(size).map(move |first| Self {
            first,
            places: size.min(places - first),
        })
    }

    pub(super) fn lanes(self) -> usize {
        self.places.next_multiple_of(LANES)
    }
}

/// What one synapse of the windows sees.
pub(super) struct Window {
    /// Lines of places at which the synapse is inside the map.
    pub(super) rows: Range<usize>,
    /// Places of a line at which it is.
    pub(super) columns: Range<usize>,
    /// The unit that it sees at the first of these.
    unit: usize,
    /// Width of the presynaptic map.
    width: usize,
    /// Places of a line.
    across: usize,
    stride: usize,
}

impl Window {
    pub(super) fn new(local: &Local, synapse: usize) -> Self {
        let windows = &local.windows;
        let [map, row, column] = windows.synapse(synapse);
        let ([_, height, width], [_, down, across]) = (windows.input, windows.output);
        let (stride, padding) = (windows.kernel.stride, windows.kernel.padding);
        let [rows, columns] = [
            windows.inside(row, height, down),
            windows.inside(column, width, across),
        ];
        let line = (rows[0] * stride + row).saturating_sub(padding);
        let place = (columns[0] * stride + column).saturating_sub(padding);
        Self {
            rows: rows[0]..rows[1].max(rows[0]),
            columns: columns[0]..columns[1].max(columns[0]),
            unit: (map * height + line) * width + place,
            width,
            across,
            stride,
        }
    }

    /// For each line of a tile: the first place at which the synapse is inside, counted from the beginning of
    /// the tile, the unit that it sees there, and at how many places it is.
    fn lines(&self, tile: Tile) -> impl Iterator<Item = [usize; 3]> {
        let end = tile.first + tile.places;
        let lines = tile.first / self.across..end.div_ceil(self.across);
        let lines = lines.start.max(self.rows.start)..lines.end.min(self.rows.end);
        lines.filter_map(move |row| {
            let line = row * self.across;
            let from = (line + self.columns.start).max(tile.first);
            let to = (line + self.columns.end).min(end);
            let length = to.checked_sub(from).filter(|length| *length > 0)?;
            let column = from - line - self.columns.start;
            let unit = (row - self.rows.start) * self.width + column;
            Some([from - tile.first, self.unit + unit * self.stride, length])
        })
    }
}

/// What a synapse sees at a tile in each sample, `spacing` values from one sample to the next.
pub(super) fn gather(
    local: &Local,
    synapse: usize,
    tile: Tile,
    samples: Samples<'_>,
    spacing: usize,
    seen: &mut [f32],
) {
    let window = Window::new(local, synapse);
    let (values, width) = (samples.rows.block(), samples.rows.width());
    let inside: usize = window.lines(tile).map(|[.., length]| length).sum();
    if inside < tile.places {
        let all = (0..samples.count).map(|sample| sample * spacing);
        all.for_each(|at| seen[at..][..tile.places].fill(0.0));
    }
    for [at, unit, length] in window.lines(tile) {
        for sample in 0..samples.count {
            let values = &values[(samples.first + sample) * width + unit..];
            let seen = &mut seen[sample * spacing + at..][..length];
            if window.stride == 1 {
                copy(&values[..length], seen);
            } else {
                let values = values.iter().step_by(window.stride);
                seen.iter_mut()
                    .zip(values)
                    .for_each(|(seen, value)| *seen = *value);
            }
        }
    }
}

/// Adds what each sample sends back through a synapse at a tile, `[samples, spacing]`, times `scale` to the units
/// that it sees, `[samples, width]`.
pub(super) fn scatter(
    local: &Local,
    synapse: usize,
    tile: Tile,
    (sent, spacing): (&[f32], usize),
    scale: f32,
    (sum, width): (&mut [f32], usize),
) {
    let window = Window::new(local, synapse);
    vectorized(|| {
        for [at, unit, length] in window.lines(tile) {
            for (sample, sent) in sent.chunks_exact(spacing).enumerate() {
                let sum = &mut sum[sample * width + unit..];
                let sent = &sent[at..][..length];
                if window.stride == 1 {
                    for (sum, sent) in sum[..length].iter_mut().zip(sent) {
                        *sum += scale * sent;
                    }
                } else {
                    let sum = sum.iter_mut().step_by(window.stride);
                    sum.zip(sent).for_each(|(sum, sent)| *sum += scale * sent);
                }
            }
        }
    });
}

/// A tile of the map that begins at `map`, in each sample, `spacing` values from one to the next.
pub(super) fn cut(
    samples: Samples<'_>,
    map: usize,
    tile: Tile,
    spacing: usize,
    values: &mut [f32],
) {
    for sample in 0..samples.count {
        let row = samples.rows.row(samples.first + sample);
        let row = &row[map + tile.first..][..tile.places];
        copy(row, &mut values[sample * spacing..][..tile.places]);
    }
}

/// Copies values, of whole tiles without a call.
#[inline(always)]
pub(super) fn copy(values: &[f32], to: &mut [f32]) {
    match (
        <&[f32; TILE]>::try_from(values),
        <&mut [f32; TILE]>::try_from(&mut *to),
    ) {
        (Ok(values), Ok(to)) => *to = *values,
        _ => to.copy_from_slice(values),
    }
}
