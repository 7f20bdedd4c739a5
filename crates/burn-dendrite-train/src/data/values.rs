//! The values of all samples of a set, one sample after the other.

use std::ops::Range;

/// What samples are made of.
#[derive(Clone, Debug, PartialEq)]
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

    /// Hands over the bytes of all values; those of numbers with the least significant one first,
    /// whatever machine this is.
    pub(super) fn feed(&self, mut take: impl FnMut(&[u8])) {
        /// Numbers that are handed over together.
        const PART: usize = 4096;
        match self {
            Self::Bytes(values) => take(values),
            Self::Reals(values) => {
                let mut bytes = Vec::with_capacity(PART * size_of::<f32>());
                for part in values.chunks(PART) {
                    bytes.clear();
                    bytes.extend(part.iter().flat_map(|value| value.to_le_bytes()));
                    take(&bytes);
                }
            }
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

    /// All values, one after the other; those of one kind.
    pub(super) fn concat(all: impl Iterator<Item = Self>) -> Self {
        let (mut bytes, mut numbers) = (Vec::new(), Vec::new());
        for values in all {
            match values {
                Self::Bytes(values) => bytes.extend(values),
                Self::Reals(values) => numbers.extend(values),
            }
        }
        if numbers.is_empty() {
            Self::Bytes(bytes)
        } else {
            Self::Reals(numbers)
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
