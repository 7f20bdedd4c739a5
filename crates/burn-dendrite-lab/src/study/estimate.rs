//! A mean with its standard error.

use serde::{Deserialize, Serialize};

/// The mean of one quantity over seeds.
///
/// ```text
/// mean = Σ x / n      SEM = sqrt( Σ (x − mean)² / (n − 1) ) / sqrt(n)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The standard error of the mean; none for a single value, which says nothing on its spread.
    pub sem: Option<f64>,
    /// How many values there are.
    pub count: usize,
}

impl Estimate {
    /// The estimate from some values; none if there is no value.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let n = count as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            sem: (count > 1).then(|| (squares / (n - 1.0) / n).sqrt()),
            count,
        })
    }

    /// The same quantity in other units.
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            mean: self.mean * factor,
            sem: self.sem.map(|sem| sem * factor.abs()),
            count: self.count,
        }
    }

    /// `mean ± SEM` with so many decimals, or the mean alone.
    pub fn show(&self, decimals: usize) -> String {
        match self.sem {
            Some(sem) => format!("{:.decimals$} ± {sem:.decimals$}", self.mean),
            None => format!("{:.decimals$}", self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_standard_error_are_those_computed_by_hand() {
        // Deviations -2, -1, 0, 3: squares 14, variance 14 / 3, SEM = sqrt(14 / 12).
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 6.0]).unwrap();
        assert_eq!(estimate.mean, 3.0);
        assert!((estimate.sem.unwrap() - 1.080_123_449_734_643_5).abs() < 1e-15);
        assert_eq!(estimate.count, 4);
        assert_eq!(estimate.show(2), "3.00 ± 1.08");
        assert_eq!(estimate.scaled(-100.0).show(0), "-300 ± 108");
    }

    #[test]
    fn one_value_has_no_spread_and_none_no_mean() {
        let estimate = Estimate::of(&[0.5]).unwrap();
        assert_eq!((estimate.mean, estimate.sem), (0.5, None));
        assert_eq!(estimate.show(1), "0.5");
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[7.0, 7.0]).unwrap().sem, Some(0.0));
    }
}
