//! Squares of a map that are heard as one unit.

use crate::{
    numbers::{HostRows, Rows, kernel},
    spec::{PoolKind, PoolSpec},
};

/// Pools of the maps of a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What a pool passes on.
    pub kind: PoolKind,
    /// Side of a pool.
    pub size: usize,
    /// `[maps, height, width]` of the population.
    pub shape: [usize; 3],
}

impl Pool {
    /// The pools of a population of this shape.
    ///
    /// # Errors
    ///
    /// One sentence if the maps cannot be divided so.
    pub fn new(spec: PoolSpec, shape: [usize; 3]) -> Result<Self, String> {
        let [_, height, width] = shape;
        let size = spec.size;
        if size == 0 || !height.is_multiple_of(size) || !width.is_multiple_of(size) {
            return Err(format!(
                "`size` is {size}; accepted: a divisor of {height} and {width}, the sides of the maps"
            ));
        }
        Ok(Self {
            kind: spec.kind,
            size,
            shape,
        })
    }

    /// `[maps, height, width]` of the pools.
    pub fn pooled(&self) -> [usize; 3] {
        let [maps, height, width] = self.shape;
        [maps, height / self.size, width / self.size]
    }

    /// Factor on the sum over a pool. Of competing units all but one are silent, so that their sum is the
    /// largest.
    pub fn factor(&self) -> f32 {
        match self.kind {
            PoolKind::Max => 1.0,
            PoolKind::Average => 1.0 / (self.size * self.size) as f32,
        }
    }

    /// 1 for the first unit of each pool, else 0.
    pub(crate) fn first_units(&self) -> Vec<f32> {
        let [maps, height, width] = self.shape;
        let is_first = |at: usize| at.is_multiple_of(self.size);
        (0..maps * height * width)
            .map(|unit| is_first(unit / width % height) && is_first(unit % width))
            .map(|is_first| f32::from(u8::from(is_first)))
            .collect()
    }

    /// What is heard of the units, `[batch, units]` to `[batch, pools]`.
    pub(crate) fn gather(&self, rows: &HostRows) -> HostRows {
        let [batch, _] = rows.dims();
        let [maps, height, width] = self.shape;
        let [_, _, across] = self.pooled();
        let (size, factor) = (self.size, self.factor());
        let pools = self.pooled().iter().product();
        let mut pooled = HostRows::full([batch, pools], 0.0);
        pooled.each_row_beside(rows, |pooled, units| {
            let lines = units.chunks_exact(width).take(maps * height);
            for (line, units) in lines.enumerate() {
                // A line of a map belongs to a line of pools: maps follow one another in both.
                let sums = &mut pooled[line / size * across..][..across];
                add_line(sums, units, size, factor);
            }
        });
        pooled
    }

    /// Adds to every unit what comes back to its pool, `[batch, pools]` onto `[batch, units]`.
    pub(crate) fn spread(&self, pooled: &HostRows, mut sum: HostRows) -> HostRows {
        let [_, _, width] = self.shape;
        let [_, _, across] = self.pooled();
        let (size, factor) = (self.size, self.factor());
        sum.each_row_beside(pooled, |units, pooled| {
            for (line, units) in units.chunks_exact_mut(width).enumerate() {
                let pooled = &pooled[line / size * across..][..across];
                spread_line(units, pooled, size, factor);
            }
        });
        sum
    }
}

/// Adds the sums over the pools of one line of a map.
fn add_line(sums: &mut [f32], units: &[f32], size: usize, factor: f32) {
    #[inline(always)]
    fn add(sums: &mut [f32], units: &[f32], size: usize, factor: f32) {
        for (sum, units) in sums.iter_mut().zip(units.chunks_exact(size)) {
            *sum += factor * units.iter().sum::<f32>();
        }
    }
    // With a size that the compiler knows, pools are worked on side by side.
    kernel::vectorized(|| match size {
        2 => add(sums, units, 2, factor),
        _ => add(sums, units, size, factor),
    });
}

/// Adds to each unit of one line of a map what comes back to its pool.
fn spread_line(units: &mut [f32], pooled: &[f32], size: usize, factor: f32) {
    #[inline(always)]
    fn spread(units: &mut [f32], pooled: &[f32], size: usize, factor: f32) {
        for (units, pooled) in units.chunks_exact_mut(size).zip(pooled) {
            for unit in units {
                *unit += factor * pooled;
            }
        }
    }
    kernel::vectorized(|| match size {
        2 => spread(units, pooled, 2, factor),
        _ => spread(units, pooled, size, factor),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(kind: PoolKind) -> Pool {
        Pool::new(PoolSpec { kind, size: 2 }, [2, 2, 4]).unwrap()
    }

    #[test]
    fn pools_are_summed_and_what_comes_back_goes_to_all_their_units() {
        let values: Vec<f32> = (0..16).map(|it| it as f32).collect();
        let rows = HostRows::from_values(&values, [1, 16]);
        // 0 + 1 + 4 + 5, 2 + 3 + 6 + 7, and 32 more in the second map.
        let sums = pool(PoolKind::Max).gather(&rows);
        assert_eq!(sums.to_values(), [10.0, 18.0, 42.0, 50.0]);
        let means = pool(PoolKind::Average).gather(&rows);
        assert_eq!(means.to_values(), [2.5, 4.5, 10.5, 12.5]);
        let back = pool(PoolKind::Max).spread(&sums, HostRows::full([1, 16], 1.0));
        assert_eq!(back.row(0)[..6], [11.0, 11.0, 19.0, 19.0, 11.0, 11.0]);
    }

    #[test]
    fn the_first_unit_of_each_pool() {
        let of_a_map = [1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(pool(PoolKind::Max).first_units(), [of_a_map; 2].concat());
    }

    #[test]
    fn maps_that_cannot_be_divided_are_refused() {
        let spec = PoolSpec {
            kind: PoolKind::Max,
            size: 3,
        };
        let message = Pool::new(spec, [2, 6, 8]).unwrap_err();
        assert!(message.contains("a divisor of 6 and 8"), "{message}");
    }
}
