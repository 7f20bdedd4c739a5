//! Changes that are asked for, with their factors ready to be multiplied out.

use std::sync::Arc;

use super::{Change, Products, convolution, dense::FEW_PRODUCTS, local, receptive_fields::Factors};
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
    /// `heard` is the unit that each synapse comes from, where only a draw says so.
    pub(super) fn new(change: Change<'_>, wiring: &Wiring, heard: &Arc<[u32]>) -> Self {
        Self {
            products: Stacked::new(change.products, wiring, heard),
            weighted: Stacked::new(change.weighted, wiring, heard),
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

/// Factors once more, as a geometry goes through them.
enum Prepared {
    Nothing,
    /// The postsynaptic ones in the order of local windows.
    Tiles(Vec<f32>),
    /// All of them unit by unit, with the unit that each synapse comes from.
    ByUnit {
        factors: Factors,
        heard: Arc<[u32]>,
    },
}

/// All factors of a sum of products, one under the other; `None` where there is no product.
pub(super) struct Stacked {
    factors: Option<(HostRows, HostRows)>,
    geometry: Geometry,
    prepared: Prepared,
}

impl Stacked {
    fn new(products: Products<'_>, wiring: &Wiring, heard: &Arc<[u32]>) -> Self {
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
        let prepared = match (&wiring.geometry, &factors) {
            (Geometry::Local(windows), Some((_, post))) => {
                Prepared::Tiles(local::in_tiles(windows, post))
            }
            (Geometry::ReceptiveFields(_), Some((pre, post))) => Prepared::ByUnit {
                factors: Factors::new(pre, post),
                heard: heard.clone(),
            },
            _ => Prepared::Nothing,
        };
        Self {
            factors,
            geometry: wiring.geometry,
            prepared,
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
            match (&self.geometry, &self.prepared) {
                (Geometry::Convolution(windows), _) => {
                    return convolution::add_correlation(windows, synapses, pre, post, sum, width);
                }
                (Geometry::Local(windows), Prepared::Tiles(tiles)) => {
                    let factors = [pre, post];
                    return local::add_correlation(windows, synapses, factors, tiles, sum, width);
                }
                (_, Prepared::ByUnit { factors, heard }) => {
                    return factors.add_correlation(heard, synapses, [pre, post], sum, width);
                }
                _ => {}
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
