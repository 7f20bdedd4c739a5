//! Which validation of a run was the best.

use serde::{Deserialize, Serialize};

use super::SegmentRecord;
use crate::choice::Choice;

/// Which weights a run ends with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// Those after its last training step.
    #[default]
    Last,
    /// Those with the lowest loss in a validation.
    Best,
}

impl Choice for Keep {
    const ALL: &'static [Self] = &[Self::Last, Self::Best];

    fn as_str(self) -> &'static str {
        match self {
            Self::Last => "last",
            Self::Best => "best",
        }
    }
}

/// The validation with the lowest loss so far; of equal ones, the first.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Best(Option<(usize, f64)>);

impl Best {
    /// The best of the validations among these records.
    pub(crate) fn of<'a>(records: impl Iterator<Item = &'a SegmentRecord>) -> Self {
        let mut best = Self::default();
        for record in records.filter(|record| record.split == "valid") {
            best.add(record.segment, record.metrics.get("Loss").copied());
        }
        best
    }

    /// Adds the loss of the validation after a segment, if there was one; true if it is the best.
    pub(crate) fn add(&mut self, segment: usize, loss: Option<f64>) -> bool {
        let is_better = loss.filter(|loss| self.0.is_none_or(|(_, lowest)| *loss < lowest));
        if let Some(loss) = is_better {
            self.0 = Some((segment, loss));
        }
        is_better.is_some()
    }

    /// The segment after which it was, counted from 1.
    pub(crate) fn segment(&self) -> Option<usize> {
        self.0.map(|(segment, _)| segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_lowest_losses_is_the_best() {
        let mut best = Best::default();
        let losses = [None, Some(0.5), Some(0.2), Some(0.2), Some(0.3)];
        let better: Vec<bool> = (losses.into_iter().enumerate())
            .map(|(index, loss)| best.add(index + 1, loss))
            .collect();
        assert_eq!(better, [false, true, true, false, false]);
        assert_eq!(best.segment(), Some(3));
    }
}
