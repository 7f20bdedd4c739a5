//! The weights of one projection in main memory; where they apply is [`Wiring`].

use rayon::prelude::*;

use super::{Change, Products, convolution, host_rows, squared_length};
use crate::{
    ConstraintSpec, Network, ProjectionId, constraint,
    geometry::{Geometry, Pool, Wiring},
    numbers::{
        Bounds, HostRows, Rows,
        kernel::{self, Operand, Wanted},
    },
};

/// Up to so many rows, products skip silent presynaptic units row by row; beyond, one product of
/// matrices for all rows is faster.
const ROW_BY_ROW: usize = 8;

/// Up to so many products, weights are updated row by row; beyond, by a product of matrices.
const FEW_PRODUCTS: usize = 8;

/// Fewer rows than this are not worth a second thread.
const ROWS_PER_THREAD: usize = 8;

/// Rows whose changes are computed together where every weight changes.
const ROWS_PER_BLOCK: usize = 32;

/// Some rows of weights, and what an optimizer keeps of them.
type RowBlock<'a, const N: usize> = (&'a mut [f32], [&'a mut [f32]; N]);

/// The weights of one projection, `[pre, post]` or `[synapses of a kernel, maps]`, and what holds of them.
#[derive(Clone, Debug)]
pub(crate) struct DenseWeights {
    values: HostRows,
    wiring: Wiring,
    /// 1 where there is a synapse and 0 where there is none; `None` where all exist.
    connectivity: Option<HostRows>,
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
        Self {
            values: host_rows(network.weight(id)),
            wiring: projection.wiring,
            connectivity: connectivity.map(|exists| host_rows(exists.val().float())),
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
        if let Geometry::Convolution(convolution) = &self.wiring.geometry {
            convolution::add_product(convolution, &self.values, rows, transposed, scale, &mut sum);
            return sum;
        }
        let (matrix, width) = (self.values.block(), self.values.width());
        let [count, inner] = rows.dims();
        let (size, sum_width) = (sum.dims()[1], sum.width());
        if count > ROW_BY_ROW {
            let (row_stride, column_stride) = match transposed {
                false => (width, 1),
                true => (1, width),
            };
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

    /// `w ← constrain(w + Δ)`, for a change without bounds.
    pub(super) fn change(&mut self, change: Change<'_>) {
        let Asked {
            products, weighted, ..
        } = Asked::new(change, &self.wiring);
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
        let asked = Asked::new(change, &self.wiring);
        let (width, bounds) = (self.values.width(), self.bounds);
        let connectivity = self.connectivity.as_ref().map(HostRows::block);
        let length = ROWS_PER_BLOCK * width;
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
            let first = index * ROWS_PER_BLOCK;
            step(weights, asked.of(weights, first, width, scratch), memory);
            keep_within(weights, bounds);
            if let Some(exists) = connectivity {
                let exists = &exists[first * width..][..weights.len()];
                let pairs = weights.iter_mut().zip(exists);
                pairs.for_each(|(weight, exists)| *weight *= exists);
            }
        };
        (blocks.into_par_iter().enumerate()).for_each_init(Default::default, change);
        self.constrain_together();
    }

    /// `Σ Δ²`; the order of the sum does not depend on the number of threads.
    pub(super) fn squared_length(&self, change: Change<'_>) -> f64 {
        let asked = Asked::new(change, &self.wiring);
        let width = self.values.width();
        let of_block = |scratch: &mut Scratch, (index, weights): (usize, &[f32])| {
            squared_length(asked.of(weights, index * ROWS_PER_BLOCK, width, scratch))
        };
        let blocks = self.values.block().par_chunks(ROWS_PER_BLOCK * width);
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
        let connectivity = self.connectivity.clone();
        self.in_place(|values| {
            let values = bounds.clamp(values);
            match connectivity {
                Some(exists) => values * exists,
                None => values,
            }
        });
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
        let bounds = self.bounds;
        let connectivity = self.connectivity.as_ref().map(HostRows::block);
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
            if let Some(exists) = connectivity {
                let exists = &exists[unit * width..][..width];
                for (weight, exists) in row.iter_mut().zip(exists) {
                    *weight *= exists;
                }
            }
        }
    }

    /// By products of matrices, a block of rows for each thread.
    fn change_blocks(&mut self, products: &Stacked, weighted: &Stacked) {
        let [pre, _] = self.values.dims();
        let (width, bounds) = (self.values.width(), self.bounds);
        let block = pre.div_ceil(rayon::current_num_threads().max(1)).max(64);
        let connectivity = self.connectivity.as_ref().map(HostRows::block);
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
            if let Some(exists) = connectivity {
                let exists = &exists[first * width..][..rows.len()];
                for (weight, exists) in rows.iter_mut().zip(exists) {
                    *weight *= exists;
                }
            }
        };
        let blocks = self.values.block_mut().par_chunks_mut(block * width);
        blocks.enumerate().for_each(change);
    }
}

/// Every value at least the lower and at most the upper bound.
fn keep_within(values: &mut [f32], bounds: Bounds) {
    if bounds != Bounds::NONE {
        let (lower, upper) = (bounds.lower as f32, bounds.upper as f32);
        for value in values {
            *value = value.max(lower).min(upper);
        }
    }
}

/// Buffers of a thread, for a change and what is in proportion to the weights.
type Scratch = (Vec<f32>, Vec<f32>);

/// A [`Change`] with its factors one under the other.
struct Asked {
    products: Stacked,
    weighted: Stacked,
    bounds: Bounds,
}

impl Asked {
    fn new(change: Change<'_>, wiring: &Wiring) -> Self {
        Self {
            products: Stacked::new(change.products, wiring),
            weighted: Stacked::new(change.weighted, wiring),
            bounds: change.bounds,
        }
    }

    /// The change of some rows of weights, of which `first` is the number of the first.
    fn of<'a>(
        &self,
        weights: &[f32],
        first: usize,
        width: usize,
        (change, decay): &'a mut Scratch,
    ) -> &'a [f32] {
        let units = weights.len() / width;
        change.clear();
        change.resize(weights.len(), 0.0);
        self.products.add_to(change, first, units, width);
        if self.weighted.count() > 0 {
            decay.clear();
            decay.resize(weights.len(), 0.0);
            self.weighted.add_to(decay, first, units, width);
            for ((change, decay), weight) in change.iter_mut().zip(decay).zip(weights) {
                *change += *decay * weight;
            }
        }
        keep_within(change, self.bounds);
        change
    }
}

/// All factors of a sum of products, one under the other; `None` where there is no product.
struct Stacked {
    factors: Option<(HostRows, HostRows)>,
    geometry: Geometry,
}

impl Stacked {
    fn new(products: Products<'_>, wiring: &Wiring) -> Self {
        let factors = (!products.is_empty()).then(|| {
            let (pre, post) = products.iter().cloned().unzip();
            let gather = |rows: HostRows, pool: Option<Pool>| match pool {
                Some(pool) => pool.gather(&rows),
                None => rows,
            };
            (
                gather(HostRows::stacked(pre), wiring.hears),
                gather(HostRows::stacked(post), wiring.reaches),
            )
        });
        Self {
            factors,
            geometry: wiring.geometry,
        }
    }

    fn count(&self) -> usize {
        self.factors.as_ref().map_or(0, |(pre, _)| pre.dims()[0])
    }

    /// The padded postsynaptic factors.
    fn post(&self) -> &[f32] {
        self.factors.as_ref().map_or(&[], |(_, post)| post.block())
    }

    /// The presynaptic factors of one unit that are not 0, each with its row.
    #[inline]
    fn of_unit<'a>(
        &self,
        unit: usize,
        found: &'a mut [(f32, usize); FEW_PRODUCTS],
    ) -> &'a [(f32, usize)] {
        let mut count = 0;
        if let Some((pre, _)) = &self.factors {
            let factors = pre.block().iter().skip(unit).step_by(pre.width());
            for (row, factor) in factors.enumerate() {
                if *factor != 0.0 {
                    found[count] = (*factor, row);
                    count += 1;
                }
            }
        }
        &found[..count]
    }

    /// Adds the products for `units` rows of weights from `first` on.
    fn add_to(&self, sum: &mut [f32], first: usize, units: usize, width: usize) {
        if let Some((pre, post)) = &self.factors {
            if let Geometry::Convolution(convolution) = &self.geometry {
                let synapses = first..first + units;
                return convolution::add_correlation(convolution, synapses, pre, post, sum, width);
            }
            let left = Operand {
                values: pre.block().get(first..).unwrap_or_default(),
                row_stride: 1,
                column_stride: pre.width(),
            };
            let right = Operand {
                values: post.block(),
                row_stride: post.width(),
                column_stride: 1,
            };
            let shape = [units, pre.dims()[0], width];
            kernel::add_product(sum, width, shape, left, right, 1.0);
        }
    }
}
