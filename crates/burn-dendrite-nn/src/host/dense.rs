//! The weights of one projection in main memory; where they apply is [`Wiring`].

use std::sync::Arc;

use rayon::prelude::*;

use super::{
    Change,
    asked::{Asked, Scratch, Stacked, keep_within},
    convolution, host_rows, local,
    receptive_fields::{self, Windows},
    squared_length,
};
use crate::{
    ConstraintSpec, Network, ProjectionId, constraint,
    geometry::{Geometry, Wiring},
    numbers::{
        Bounds, HostRows, Rows,
        kernel::{self, Operand, Wanted},
    },
};

/// Up to so many rows, products skip silent presynaptic units row by row; beyond, one product of
/// matrices for all rows is faster.
const ROW_BY_ROW: usize = 8;

/// Up to so many products, weights are updated row by row; beyond, by a product of matrices.
pub(super) const FEW_PRODUCTS: usize = 8;

/// Fewer rows than this are not worth a second thread.
const ROWS_PER_THREAD: usize = 8;

/// Rows whose changes are computed together where every weight changes.
const ROWS_PER_BLOCK: usize = 32;

/// Some rows of weights, and what an optimizer keeps of them.
type RowBlock<'a, const N: usize> = (&'a mut [f32], [&'a mut [f32]; N]);

/// The weights of one projection, `[pre, post]`, `[synapses of a kernel, maps]` or `[synapses of a window, post]`,
/// and what holds of them.
#[derive(Clone, Debug)]
pub(crate) struct DenseWeights {
    values: HostRows,
    wiring: Wiring,
    /// The presynaptic unit that each synapse comes from, in rows as wide as those of the weights; empty but for
    /// windows at random places.
    heard: Arc<[u32]>,
    existing: Existing,
    /// What each weight must keep to by itself.
    bounds: Bounds,
    /// What follows once all weights have changed, in order.
    afterwards: Vec<ConstraintSpec>,
}

impl DenseWeights {
    pub(super) fn load(network: &Network, id: ProjectionId) -> Self {
        let projection = network.plan().projection(id);
        let (bounds, afterwards) =
            constraint::bounds_first(projection.site.cell, &projection.constraints);
        let connectivity = network.projections[id.0].connectivity.as_ref();
        let values = host_rows(network.weight(id));
        Self {
            heard: heard(network, id, values.width()),
            values,
            wiring: projection.wiring,
            existing: Existing {
                geometry: projection.wiring.geometry,
                drawn: connectivity.map(|exists| host_rows(exists.val().float())),
            },
            bounds,
            afterwards: afterwards.to_vec(),
        }
    }

    pub(super) fn dims(&self) -> [usize; 2] {
        self.values.dims()
    }

    /// The weights, `[pre, post]`.
    pub(super) fn rows(&self) -> &HostRows {
        &self.values
    }

    /// Takes weights as they are.
    pub(super) fn set(&mut self, weights: HostRows) {
        self.values = weights;
    }

    pub(super) fn to_values(&self) -> Vec<f32> {
        self.values.to_values()
    }

    /// `sum + scale · rows · W`, or `Wᵀ`; where `wanted` is given, only of its units that are not 0.
    pub(super) fn add_product(
        &self,
        rows: &HostRows,
        transposed: bool,
        scale: f32,
        wanted: Option<&HostRows>,
        sum: HostRows,
    ) -> HostRows {
        let Wiring { hears, reaches, .. } = &self.wiring;
        let (from, to) = if transposed {
            (reaches, hears)
        } else {
            (hears, reaches)
        };
        let gathered = from.map(|pool| pool.gather(rows));
        let rows = gathered.as_ref().unwrap_or(rows);
        match to {
            None => self.add_unpooled(rows, transposed, scale, wanted, sum),
            Some(pool) => {
                let pools = [rows.dims()[0], pool.pooled().iter().product()];
                let pools = HostRows::full(pools, 0.0);
                pool.spread(
                    &self.add_unpooled(rows, transposed, scale, None, pools),
                    sum,
                )
            }
        }
    }

    fn add_unpooled(
        &self,
        rows: &HostRows,
        transposed: bool,
        scale: f32,
        wanted: Option<&HostRows>,
        mut sum: HostRows,
    ) -> HostRows {
        match &self.wiring.geometry {
            Geometry::Dense => {}
            Geometry::Convolution(convolution) => {
                convolution::add_product(
                    convolution,
                    &self.values,
                    rows,
                    transposed,
                    scale,
                    &mut sum,
                );
                return sum;
            }
            Geometry::Local(windows) => {
                local::add_product(windows, &self.values, rows, transposed, scale, &mut sum);
                return sum;
            }
            Geometry::ReceptiveFields(_) => {
                let windows = Windows {
                    weights: &self.values,
                    heard: &self.heard,
                };
                windows.add_product(rows, transposed, scale, &mut sum);
                return sum;
            }
        }
        let (matrix, width) = (self.values.block(), self.values.width());
        let [count, inner] = rows.dims();
        let (size, sum_width) = (sum.dims()[1], sum.width());
        if count > ROW_BY_ROW {
            let (row_stride, column_stride) = if !transposed { (width, 1) } else { (1, width) };
            let part = count
                .div_ceil(rayon::current_num_threads().max(1))
                .max(ROWS_PER_THREAD);
            let product = |(index, sum): (usize, &mut [f32])| {
                let left = Operand {
                    values: &rows.block()[index * part * rows.width()..],
                    row_stride: rows.width(),
                    column_stride: 1,
                };
                let right = Operand {
                    values: matrix,
                    row_stride,
                    column_stride,
                };
                let shape = [sum.len() / sum_width, inner, size];
                kernel::add_product(sum, sum_width, shape, left, right, scale);
            };
            if part >= count {
                product((0, sum.block_mut()));
            } else {
                (sum.block_mut().par_chunks_mut(part * sum_width))
                    .enumerate()
                    .for_each(product);
            }
            return sum;
        }
        for (row, sum) in sum
            .block_mut()
            .chunks_exact_mut(sum_width.max(1))
            .enumerate()
        {
            let input = &rows.block()[row * rows.width()..][..rows.width()];
            match (transposed, wanted) {
                (false, _) => kernel::add_rows(sum, input, rows.active(row), scale, matrix),
                (true, None) => kernel::add_dots(sum, input, Wanted::First(size), scale, matrix),
                (true, Some(wanted)) => {
                    let wanted = Wanted::Only(wanted.active(row));
                    kernel::add_dots(sum, input, wanted, scale, matrix);
                }
            }
        }
        sum
    }

    fn asked(&self, change: Change<'_>) -> Asked {
        Asked::new(change, &self.wiring, &self.heard)
    }

    /// `w ← constrain(w + Δ)`, for a change without bounds.
    pub(super) fn change(&mut self, change: Change<'_>) {
        let Asked {
            products, weighted, ..
        } = self.asked(change);
        let is_matrix = self.wiring.geometry == Geometry::Dense;
        if is_matrix && products.count() + weighted.count() <= FEW_PRODUCTS {
            self.change_rows(&products, &weighted);
        } else {
            self.change_blocks(&products, &weighted);
        }
        self.constrain_together();
    }

    /// Every weight by a step that knows its change and what it keeps in `memory`; a block of rows at a time,
    /// which stays in the cache until it is lawful.
    pub(super) fn change_by<const N: usize>(
        &mut self,
        change: Change<'_>,
        memory: &mut [HostRows; N],
        step: impl Fn(&mut [f32], &[f32], [&mut [f32]; N]) + Send + Sync,
    ) {
        let asked = self.asked(change);
        let (width, bounds) = (self.values.width(), self.bounds);
        let (rows_per_block, existing) = (self.rows_per_block(), &self.existing);
        let length = rows_per_block * width;
        let mut memory = memory
            .each_mut()
            .map(|memory| memory.block_mut().chunks_mut(length));
        let mut blocks: Vec<RowBlock<'_, N>> = Vec::new();
        for weights in self.values.block_mut().chunks_mut(length) {
            let memory = memory
                .each_mut()
                .map(|memory| memory.next().expect("equal sizes"));
            blocks.push((weights, memory));
        }
        let change = |scratch: &mut Scratch, (index, block): (usize, RowBlock<'_, N>)| {
            let (weights, memory) = block;
            let first = index * rows_per_block;
            step(weights, asked.of(weights, first, width, scratch), memory);
            keep_within(weights, bounds);
            existing.keep(first, weights, width);
        };
        (blocks.into_par_iter().enumerate()).for_each_init(Default::default, change);
        self.constrain_together();
    }

    /// `Σ Δ²`; the order of the sum does not depend on the number of threads.
    pub(super) fn squared_length(&self, change: Change<'_>) -> f64 {
        let asked = self.asked(change);
        let (rows_per_block, width) = (self.rows_per_block(), self.values.width());
        let of_block = |scratch: &mut Scratch, (index, weights): (usize, &[f32])| {
            squared_length(asked.of(weights, index * rows_per_block, width, scratch))
        };
        let blocks = self.values.block().par_chunks(rows_per_block * width);
        let lengths: Vec<f64> = blocks
            .enumerate()
            .map_init(Default::default, of_block)
            .collect();
        lengths.iter().sum()
    }

    pub(super) fn replace(&mut self, change: impl FnOnce(HostRows) -> HostRows) {
        self.in_place(change);
        self.constrain_each();
        self.constrain_together();
    }

    fn in_place(&mut self, change: impl FnOnce(HostRows) -> HostRows) {
        let values = std::mem::replace(&mut self.values, HostRows::full([0, 0], 0.0));
        self.values = change(values);
    }

    /// Everything that must hold of single weights, for all of them.
    pub(super) fn constrain_each(&mut self) {
        let bounds = self.bounds;
        self.in_place(|values| bounds.clamp(values));
        if self.existing.is_some() {
            let width = self.values.width();
            self.existing.keep(0, self.values.block_mut(), width);
        }
    }

    /// Rows whose changes are computed together where every weight changes.
    fn rows_per_block(&self) -> usize {
        match self.wiring.geometry {
            Geometry::Dense | Geometry::Convolution(_) => ROWS_PER_BLOCK,
            Geometry::Local(_) => local::ROWS_PER_BLOCK,
            Geometry::ReceptiveFields(_) => receptive_fields::ROWS_PER_BLOCK,
        }
    }

    /// What must hold of the weights together.
    fn constrain_together(&mut self) {
        let afterwards = std::mem::take(&mut self.afterwards);
        if !afterwards.is_empty() {
            self.in_place(|values| constraint::project_all(&afterwards, values));
        }
        self.afterwards = afterwards;
    }

    /// Row by row, without those that do not change.
    fn change_rows(&mut self, products: &Stacked, weighted: &Stacked) {
        let width = self.values.width();
        let (bounds, existing) = (self.bounds, &self.existing);
        let (change, decay) = (products.post(), weighted.post());
        let [mut changes, mut decays] = [[(0.0, 0); FEW_PRODUCTS]; 2];
        let rows = self.values.block_mut().chunks_exact_mut(width.max(1));
        for (unit, row) in rows.enumerate() {
            let changes = products.of_unit(unit, &mut changes);
            let decays = weighted.of_unit(unit, &mut decays);
            if changes.is_empty() && decays.is_empty() {
                continue;
            }
            let [changes, decays] = [changes, decays].map(|it| it.iter().copied());
            kernel::update_row(row, changes, change, decays, decay, bounds);
            existing.keep(unit, row, width);
        }
    }

    /// By products of matrices, a block of rows for each thread.
    fn change_blocks(&mut self, products: &Stacked, weighted: &Stacked) {
        let [pre, _] = self.values.dims();
        let (width, bounds, existing) = (self.values.width(), self.bounds, &self.existing);
        let block = match self.wiring.geometry {
            Geometry::Dense | Geometry::Convolution(_) => {
                pre.div_ceil(rayon::current_num_threads().max(1)).max(64)
            }
            Geometry::Local(_) => local::ROWS_PER_BLOCK,
            Geometry::ReceptiveFields(_) => receptive_fields::ROWS_PER_BLOCK,
        };
        let change = |(index, rows): (usize, &mut [f32])| {
            let first = index * block;
            let units = rows.len() / width;
            if weighted.count() > 0 {
                let mut decay = vec![0.0; rows.len()];
                weighted.add_to(&mut decay, first, units, width);
                for (weight, decay) in rows.iter_mut().zip(&decay) {
                    *weight += *weight * decay;
                }
            }
            products.add_to(rows, first, units, width);
            keep_within(rows, bounds);
            existing.keep(first, rows, width);
        };
        let blocks = self.values.block_mut().par_chunks_mut(block * width);
        blocks.enumerate().for_each(change);
    }
}

/// [`Network::heard`] in rows of `width`; the padding hears the first unit, by weights of 0.
fn heard(network: &Network, id: ProjectionId, width: usize) -> Arc<[u32]> {
    let Some(heard) = network.heard(id) else {
        return Arc::default();
    };
    let [rows, columns] = heard.dims();
    let mut padded = vec![0; rows * width];
    let units: Vec<u32> = heard.into_data().iter::<u32>().collect();
    let lines = padded.chunks_exact_mut(width.max(1));
    for (line, units) in lines.zip(units.chunks_exact(columns.max(1))) {
        line[..columns].copy_from_slice(units);
    }
    padded.into()
}

/// Which synapses exist.
#[derive(Clone, Debug)]
struct Existing {
    geometry: Geometry,
    /// 1 where there is a synapse and 0 where there is none; `None` where the geometry alone decides.
    drawn: Option<HostRows>,
}

impl Existing {
    fn is_some(&self) -> bool {
        self.drawn.is_some() || matches!(self.geometry, Geometry::Local(_))
    }

    /// Sets the weights of missing synapses to 0, in some rows of `width` weights from `first` on.
    fn keep(&self, first: usize, rows: &mut [f32], width: usize) {
        if let Geometry::Local(windows) = &self.geometry {
            local::clear_missing(windows, first, rows, width);
        }
        if let Some(exists) = &self.drawn {
            let exists = &exists.block()[first * width..][..rows.len()];
            for (weight, exists) in rows.iter_mut().zip(exists) {
                *weight *= exists;
            }
        }
    }
}
