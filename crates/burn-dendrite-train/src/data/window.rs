//! Parts of segments, for devices that share them.

use std::ops::Range;

/// A part of every segment, as a fraction of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    start: usize,
    end: usize,
    /// The length of the segment that `start` and `end` are positions in: at least 1.
    whole: usize,
}

impl Window {
    /// All of every segment.
    pub(super) const WHOLE: Self = Self {
        start: 0,
        end: 1,
        whole: 1,
    };

    /// The part of a segment of `length` samples.
    pub(super) fn of(&self, length: usize) -> Range<usize> {
        let scale =
            |position: usize| (position as u128 * length as u128 / self.whole as u128) as usize;
        scale(self.start)..scale(self.end)
    }

    /// The part `start..end` of this part, both counted in a segment of `whole` samples.
    pub(super) fn narrow(&self, start: usize, end: usize, whole: usize) -> Self {
        let part = self.of(whole);
        let end = part.start.saturating_add(end).min(part.end);
        let start = part.start.saturating_add(start).min(end);
        Self {
            start,
            end,
            whole: whole.max(1),
        }
    }
}
