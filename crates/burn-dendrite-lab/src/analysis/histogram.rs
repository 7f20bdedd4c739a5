//! How values are distributed.

use serde::{Deserialize, Serialize};

/// Counts of values in bins of equal width.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Limits of the bins, in ascending order: one more than there are bins.
    pub edges: Vec<f64>,
    /// Values in each bin. A value at an inner limit counts in the bin above it; the last bin
    /// holds its upper limit too.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Of these values between `lower` and `upper`, in `bins` bins; values outside count in the
    /// nearest bin, and what is not a number counts nowhere.
    ///
    /// # Panics
    ///
    /// If there are no bins.
    pub fn new(
        values: impl IntoIterator<Item = f64>,
        [lower, upper]: [f64; 2],
        bins: usize,
    ) -> Self {
        assert!(bins > 0, "a histogram needs bins");
        let width = (upper - lower) / bins as f64;
        let mut counts = vec![0; bins];
        for value in values.into_iter().filter(|value| !value.is_nan()) {
            let bin = if width > 0.0 {
                // Saturates, so that infinite values count in the outer bins.
                ((value - lower) / width).floor() as usize
            } else {
                0
            };
            counts[bin.min(bins - 1)] += 1;
        }
        let edges = (0..=bins).map(|bin| lower + width * bin as f64).collect();
        Self { edges, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_their_bins() {
        let values = [0.0, 0.24, 0.25, 0.5, 0.99, 1.0, -3.0, 7.0, f64::NAN];
        let histogram = Histogram::new(values, [0.0, 1.0], 4);
        assert_eq!(histogram.edges, [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(histogram.counts, [3, 1, 1, 3]);
    }

    #[test]
    fn equal_values_share_a_bin() {
        let histogram = Histogram::new([2.0, 2.0], [2.0, 2.0], 3);
        assert_eq!(histogram.counts, [2, 0, 0]);
    }
}
