//! The values of all samples of a set, one sample after the other.

use std::ops::Range;

/// What samples are made of.
#[derive(Clone, PartialEq)]
pub(super) enum Values {
    /// Pixels; a network sees `pixel / 255`.
    Bytes(Vec<u8>),
    /// Numbers, seen as they are.
    Reals(Vec<f32>),
}

impl Values {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Reals(values) => values.len(),
        }
    }

    pub(super) fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Bytes(values) => {
                let rest = values.split_off(at);
                values.shrink_to_fit();
                Self::Bytes(rest)
            }
            Self::Reals(values) => {
                let rest = values.split_off(at);
                values.shrink_to_fit();
                Self::Reals(rest)
            }
        }
    }

    /// The values in these ranges, one after the other.
    pub(super) fn select(&self, ranges: impl Iterator<Item = Range<usize>>) -> Self {
        match self {
            Self::Bytes(values) => {
                Self::Bytes(ranges.flat_map(|it| &values[it]).copied().collect())
            }
            Self::Reals(values) => {
                Self::Reals(ranges.flat_map(|it| &values[it]).copied().collect())
            }
        }
    }
}
