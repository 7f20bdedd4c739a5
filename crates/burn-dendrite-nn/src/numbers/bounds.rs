//! Bounds of single values.

use super::Rows;

/// The least and the largest value that is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The least; negative infinity where there is none.
    pub lower: f64,
    /// The largest; infinity where there is none.
    pub upper: f64,
}

impl Bounds {
    /// No bounds.
    pub const NONE: Self = Self {
        lower: f64::NEG_INFINITY,
        upper: f64::INFINITY,
    };

    /// What both allow.
    pub fn and(self, other: Self) -> Self {
        Self {
            lower: self.lower.max(other.lower),
            upper: self.upper.min(other.upper),
        }
    }

    /// The bounds of `factor`, 0 or more, times a value; where there is none, there is none.
    pub fn scaled(self, factor: f64) -> Self {
        let scaled = |bound: f64| {
            if bound.is_finite() {
                factor * bound
            } else {
                bound
            }
        };
        Self {
            lower: scaled(self.lower),
            upper: scaled(self.upper),
        }
    }

    /// The nearest values within the bounds.
    pub(crate) fn clamp<R: Rows>(self, values: R) -> R {
        match (self.lower.is_finite(), self.upper.is_finite()) {
            (false, false) => values,
            (true, false) => values.clamp_min(self.lower),
            (false, true) => values.clamp_max(self.upper),
            (true, true) => values.clamp(self.lower, self.upper),
        }
    }
}
