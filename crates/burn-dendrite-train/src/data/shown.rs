//! From stored values to what a network sees of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a network sees of each byte.
pub(super) type Scale = [f32; 256];

/// What a network sees of the stored values of a sample.
///
/// Values stand in groups of equal length: the channels of an image, or the numbers of a vector, each
/// its own group. Group `k` of what is shown is made of group `k mod n` of the `n` that are stored, so
/// that there may be more of what is shown than of what is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Shown {
    /// A 255th of each byte; numbers as they are.
    #[default]
    Plain,
    /// Bytes through a table for each group, each of which is a line.
    Tables(Arc<[Scale]>, Arc<[Line]>),
    /// Numbers through a line for each group.
    Lines(Arc<[Line]>),
}

/// How the values of samples become what a network sees: what the training samples of a run were like, by
/// which it sees all others too.
///
/// Values stand in groups, the channels of an image (from 0 to 1) or the numbers of a vector. There is a line for each
/// group, or first one for each group and then another one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputScale {
    /// The lines in the order of what is seen.
    pub line: Vec<Line>,
}

/// `(x − centre) / unit`, and nothing below 0 where it is rectified.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What is taken off.
    pub centre: f64,
    /// What the rest is divided by.
    pub unit: f64,
    /// Whether what is below 0 is seen as 0.
    #[serde(rename = "rectified")]
    pub is_rectified: bool,
}

impl Line {
    /// What is seen of a value.
    pub(super) fn at(&self, value: f64) -> f32 {
        let seen = (value - self.centre) / self.unit;
        if self.is_rectified {
            seen.max(0.0) as f32
        } else {
            seen as f32
        }
    }

    /// What is seen of each byte, which stands for a 255th of it.
    pub(super) fn table(&self) -> Scale {
        std::array::from_fn(|byte| self.at(byte as f64 / 255.0))
    }
}

impl Shown {
    /// The lines; none where values are seen as they are.
    pub(super) fn scale(&self) -> Option<InputScale> {
        match self {
            Self::Plain => None,
            Self::Tables(_, lines) | Self::Lines(lines) => Some(InputScale {
                line: lines.to_vec(),
            }),
        }
    }

    /// How many groups are shown of so many that are stored.
    pub(super) fn groups(&self, stored: usize) -> usize {
        match self {
            Self::Plain => stored,
            Self::Tables(tables, _) => tables.len(),
            Self::Lines(lines) => lines.len(),
        }
    }

    /// Appends what is seen of bytes that stand in groups of `group`.
    pub(super) fn bytes(&self, bytes: &[u8], group: usize, inputs: &mut Vec<f32>) {
        match self {
            Self::Tables(tables, _) => {
                shown(bytes, group, tables, inputs, |table: &Scale, byte| {
                    table[usize::from(byte)]
                })
            }
            Self::Plain | Self::Lines(_) => {
                inputs.extend(bytes.iter().map(|&byte| f32::from(byte) / 255.0));
            }
        }
    }

    /// Appends what is seen of numbers that stand in groups of `group`.
    pub(super) fn reals(&self, numbers: &[f32], group: usize, inputs: &mut Vec<f32>) {
        match self {
            Self::Lines(lines) => shown(numbers, group, lines, inputs, |line: &Line, number| {
                line.at(f64::from(number))
            }),
            Self::Plain | Self::Tables(..) => inputs.extend_from_slice(numbers),
        }
    }
}

/// Appends the groups of `values` by these rules, each of one group.
fn shown<T: Copy, Rule>(
    values: &[T],
    group: usize,
    rules: &[Rule],
    inputs: &mut Vec<f32>,
    see: impl Fn(&Rule, T) -> f32,
) {
    let stored = (values.len() / group).max(1);
    for (index, rule) in rules.iter().enumerate() {
        let start = index % stored * group;
        let values = &values[start..start + group];
        inputs.extend(values.iter().map(|value| see(rule, *value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Line = Line {
        centre: 0.5,
        unit: 0.5,
        is_rectified: true,
    };
    const OFF: Line = Line { unit: -0.5, ..ON };

    #[test]
    fn more_can_be_shown_than_is_stored() {
        let shown = Shown::Lines([ON, ON, OFF, OFF].into());
        let mut inputs = Vec::new();
        shown.reals(&[0.0, 0.5, 1.0, 0.75], 2, &mut inputs);
        assert_eq!(inputs, [0.0, 0.0, 1.0, 0.5, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!((shown.groups(2), Shown::Plain.groups(2)), (4, 2));
    }

    #[test]
    fn bytes_are_seen_through_tables_as_their_255ths_through_lines() {
        let shown = Shown::Tables([ON.table(), OFF.table()].into(), [ON, OFF].into());
        let mut inputs = Vec::new();
        shown.bytes(&[0, 255, 51], 3, &mut inputs);
        let expected = [0.0, 1.0, 0.0, 1.0, 0.0, 0.6];
        let far = |(one, other): (&f32, f32)| (one - other).abs() > 1e-6;
        assert!(!inputs.iter().zip(expected).any(far), "{inputs:?}");
    }
}
