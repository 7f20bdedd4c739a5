//! How far a run has come.

use std::{fmt, str::FromStr};

use crate::data::SegmentPlan;

/// A place in a run, between two steps of the optimizer, from which it can go on.
///
/// As text, and in the names of files, it is `4` after four segments and `4+120` after 120 samples
/// more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Segments that are finished, each with its validation.
    pub segments: usize,
    /// Samples that were trained on in the segment after them; all of them where its validation is
    /// still to come.
    pub samples: usize,
}

impl Position {
    /// Before the first step.
    pub const START: Self = Self::after(0);

    /// After so many segments.
    pub const fn after(segments: usize) -> Self {
        Self {
            segments,
            samples: 0,
        }
    }

    /// Training samples from the start of the run to here.
    pub fn samples_in(self, plan: &SegmentPlan) -> usize {
        plan.samples_before(self.segments)
            .saturating_add(self.samples)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.samples {
            0 => write!(f, "{}", self.segments),
            samples => write!(f, "{}+{samples}", self.segments),
        }
    }
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (segments, samples) = text.split_once('+').unwrap_or((text, "0"));
        Ok(Self {
            segments: segments.parse()?,
            samples: samples.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_they_are_written_and_ordered_as_they_come() {
        let texts = ["0", "0+7", "3", "3+20", "3+100", "12"];
        let positions = texts.map(|text| text.parse::<Position>().unwrap());
        assert_eq!(positions.map(|it| it.to_string()), texts);
        assert!(positions.is_sorted());
        assert!("3+".parse::<Position>().is_err() && "x".parse::<Position>().is_err());
    }

    #[test]
    fn samples_are_counted_from_the_start_of_the_run() {
        // Segments of 30, 30, 30 and 10 samples, twice.
        let plan = SegmentPlan {
            samples_per_pass: 100,
            passes: 2,
            samples_per_segment: 30,
            batch_size: 4,
            seed: 0,
        };
        let samples = |text: &str| text.parse::<Position>().unwrap().samples_in(&plan);
        assert_eq!(["0", "2+4", "5+8"].map(samples), [0, 64, 138]);
    }
}
