//! Changes that are asked for, with their factors ready to be multiplied out.

use super::{Change, Products, convolution, dense::FEW_PRODUCTS, local};
use crate::{
    geometry::{Geometry, Pool, Wiring},
    numbers::{
        Bounds, HostRows, Rows,
        kernel::{self, Operand},
    },
};

/// Every value at least the lower and at most the upper bound.
pub(super) fn keep_within(values: &mut [f32], bounds: Bounds) {
    if bounds != Bounds::NONE {
        let (lower, upper) = (bounds.lower as f32, bounds.upper as f32);
        for value in values {
            *value = value.max(lower).min(upper);
        }
    }
}

/// Buffers of a thread, for a change and what is in proportion to the weights.
pub(super) type Scratch = (Vec<f32>, Vec<f32>);

/// A [`Change`] with its factors one under the other.
pub(super) struct Asked {
    pub(super) products: Stacked,
    pub(super) weighted: Stacked,
    bounds: Bounds,
}

impl Asked {
    pub(super) fn new(change: Change<'_>, wiring: &Wiring) -> Self {
        Self {
            products: Stacked::new(change.products, wiring),
            weighted: Stacked::new(change.weighted, wiring),
            bounds: change.bounds,
        }
    }

    /// The change of some rows of weights, of which `first` is the number of the first.
    pub(super) fn of<'a>(
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
pub(super) struct Stacked {
    factors: Option<(HostRows, HostRows)>,
    geometry: Geometry,
    /// The postsynaptic factors once more, in the order of local windows; empty in other geometries.
    tiles: Vec<f32>,
}

impl Stacked {
    pub(super) fn new(products: Products<'_>, wiring: &Wiring) -> Self {
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
        let tiles = match (&wiring.geometry, &factors) {
            (Geometry::Local(windows), Some((_, post))) => local::in_tiles(windows, post),
            _ => Vec::new(),
        };
        Self {
            factors,
            geometry: wiring.geometry,
            tiles,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.factors.as_ref().map_or(0, |(pre, _)| pre.dims()[0])
    }

    /// The padded postsynaptic factors.
    pub(super) fn post(&self) -> &[f32] {
        self.factors.as_ref().map_or(&[], |(_, post)| post.block())
    }

    /// The presynaptic factors of one unit that are not 0, each with its row.
    #[inline]
    pub(super) fn of_unit<'a>(
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
    pub(super) fn add_to(&self, sum: &mut [f32], first: usize, units: usize, width: usize) {
        if let Some((pre, post)) = &self.factors {
            let synapses = first..first + units;
            match &self.geometry {
                Geometry::Dense => {}
                Geometry::Convolution(windows) => {
                    return convolution::add_correlation(windows, synapses, pre, post, sum, width);
                }
                Geometry::Local(windows) => {
                    let (factors, tiles) = ([pre, post], &self.tiles);
                    return local::add_correlation(windows, synapses, factors, tiles, sum, width);
                }
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
