//! How a run passes over its training samples, in pieces after which it can be cut off.

use std::ops::Range;

use rand_mt::Mt;

use super::DataError;

/// The order in which a run sees its training samples: a pure function of what is written here.
///
/// A run is a number of passes; a pass visits some samples of the set, each at most once, in an order
/// drawn from the seed and the pass's number alone. Passes are cut into segments, after which a run
/// can be saved (one segment is one "epoch" to burn), and segments into batches. A segment never
/// reaches into the next pass and a batch never into the next segment, so the last ones may be
/// smaller.
///
/// Every number but the seed is counted in samples or passes and has to be at least 1, which
/// [`SegmentPlan::validate`] checks; the other methods take a 0 in `samples_per_segment` for a 1, so
/// that none of them can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPlan {
    /// The samples of one pass: at most as many as the set has.
    pub samples_per_pass: usize,
    /// The passes of the run.
    pub passes: usize,
    /// The samples of a segment; the last segment of a pass may have fewer.
    pub samples_per_segment: usize,
    /// The samples of a batch; the last batch of a segment may have fewer.
    pub batch_size: usize,
    /// What the order is drawn from.
    pub seed: u64,
}

impl SegmentPlan {
    /// Checks the plan against a set of `available` samples.
    ///
    /// # Errors
    ///
    /// If a number is 0, or if a pass asks for more samples than there are.
    pub fn validate(&self, available: usize) -> Result<(), DataError> {
        let numbers = [
            ("at least 1 sample per pass", self.samples_per_pass),
            ("at least 1 pass", self.passes),
            ("at least 1 sample per segment", self.samples_per_segment),
            ("at least 1 sample per batch", self.batch_size),
        ];
        for (what, number) in numbers {
            if number == 0 {
                return Err(DataError::Plan {
                    what: what.to_owned(),
                    found: number,
                });
            }
        }
        if self.samples_per_pass > available {
            let what = format!("at most the {available} samples of the set per pass");
            return Err(DataError::Plan {
                what,
                found: self.samples_per_pass,
            });
        }
        Ok(())
    }

    /// The number of segments that a pass is cut into.
    pub fn segments_per_pass(&self) -> usize {
        self.samples_per_pass
            .div_ceil(self.samples_per_segment.max(1))
    }

    /// The number of segments of the run.
    pub fn segments(&self) -> usize {
        self.segments_per_pass().saturating_mul(self.passes)
    }

    /// The pass that a segment belongs to, and the positions in that pass's order that it visits.
    ///
    /// Segments are counted through the whole run, from 0. One past the end belongs to a pass past
    /// the end, as if the run went on.
    pub fn range(&self, segment: usize) -> (usize, Range<usize>) {
        let segments = self.segments_per_pass().max(1);
        let length = self.samples_per_segment.max(1);
        let start = (segment % segments).saturating_mul(length);
        let end = start.saturating_add(length).min(self.samples_per_pass);
        (segment / segments, start.min(end)..end)
    }

    /// Training steps before a segment begins; the last step of a segment may be on fewer samples.
    pub fn steps_before(&self, segment: usize) -> usize {
        self.parts_before(segment, self.batch_size)
    }

    /// Parts of `size` samples before a segment begins; the last part of a segment may be smaller.
    pub(crate) fn parts_before(&self, segment: usize, size: usize) -> usize {
        let parts = |segment| self.range(segment).1.len().div_ceil(size.max(1));
        // All segments of a pass are equally long but the last one.
        let segments = self.segments_per_pass().max(1);
        let last = segments - 1;
        let pass = last.saturating_mul(parts(0)).saturating_add(parts(last));
        let passes = (segment / segments).saturating_mul(pass);
        passes.saturating_add((segment % segments).saturating_mul(parts(0)))
    }

    /// The number of samples that the run has seen when `segment` begins.
    pub fn samples_before(&self, segment: usize) -> usize {
        let (pass, range) = self.range(segment);
        pass.saturating_mul(self.samples_per_pass)
            .saturating_add(range.start)
    }

    /// The order of a pass: the indices of its samples in a set of `available` samples.
    ///
    /// These are the first `samples_per_pass` entries (all, if there are fewer) of a shuffled list of
    /// all indices: the list that a shuffling `DataLoader` of PyTorch draws from a Mersenne Twister
    /// with this seed, so that a run sees the samples of the reference's run in the same order. Each
    /// pass goes on in the generator where the one before ended. The shuffle is written out here, as
    /// no library has it, and no update can change the order of a saved run.
    pub fn order(&self, pass: usize, available: usize) -> Vec<usize> {
        Orders::new(*self, available).of(pass).to_vec()
    }
}

/// The [orders](SegmentPlan::order) of the passes of a run: the one after that which was asked for
/// last is drawn without drawing those before it again, so that no pass takes longer than the first.
#[derive(Clone, Debug)]
pub(super) struct Orders {
    plan: SegmentPlan,
    available: usize,
    generator: Mt,
    /// Passes that are drawn.
    drawn: usize,
    /// The order of the last one.
    order: Vec<usize>,
}

impl Orders {
    /// The orders of a plan for a set of `available` samples.
    pub(super) fn new(plan: SegmentPlan, available: usize) -> Self {
        Self {
            plan,
            available,
            generator: Mt::new(plan.seed as u32),
            drawn: 0,
            order: Vec::new(),
        }
    }

    /// The order of a pass.
    pub(super) fn of(&mut self, pass: usize) -> &[usize] {
        if pass + 1 < self.drawn {
            *self = Self::new(self.plan, self.available);
        }
        while self.drawn < pass {
            skip(
                &mut self.generator,
                WORKER_SEED + self.available.saturating_sub(1),
            );
            self.drawn += 1;
        }
        if self.drawn == pass {
            skip(&mut self.generator, WORKER_SEED);
            self.order = permutation(&mut self.generator, self.available);
            self.order.truncate(self.plan.samples_per_pass);
            self.drawn += 1;
        }
        &self.order
    }
}

/// The numbers below `count` in random order, as `torch.randperm` draws them.
fn permutation(generator: &mut Mt, count: usize) -> Vec<usize> {
    let mut indices: Vec<usize> = (0..count).collect();
    for position in 0..count.saturating_sub(1) {
        let choice = generator.next_u32() as usize % (count - position);
        indices.swap(position, position + choice);
    }
    indices
}

fn skip(generator: &mut Mt, draws: usize) {
    for _ in 0..draws {
        generator.next_u32();
    }
}

/// Draws of 32 bits that PyTorch spends on a seed for its workers before it shuffles.
const WORKER_SEED: usize = 2;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const PLAN: SegmentPlan = SegmentPlan {
        samples_per_pass: 10,
        passes: 3,
        samples_per_segment: 4,
        batch_size: 3,
        seed: 7,
    };

    #[test]
    fn segments_tile_each_pass_and_stay_within_it() {
        assert_eq!((PLAN.segments_per_pass(), PLAN.segments()), (3, 9));
        assert_eq!(PLAN.range(0), (0, 0..4));
        assert_eq!(PLAN.range(2), (0, 8..10));
        assert_eq!(PLAN.range(3), (1, 0..4));
        let mut seen = 0;
        for segment in 0..PLAN.segments() {
            assert_eq!(PLAN.samples_before(segment), seen);
            seen += PLAN.range(segment).1.len();
        }
        assert_eq!((seen, PLAN.samples_before(PLAN.segments())), (30, 30));
    }

    #[test]
    fn parts_are_counted_as_they_are_cut() {
        // Segments of 4, 4 and 2 samples, in parts of up to 3: 2 + 2 + 1 a pass.
        let counts: Vec<usize> = (0..8).map(|segment| PLAN.steps_before(segment)).collect();
        assert_eq!(counts, [0, 2, 4, 5, 7, 9, 10, 12]);
        let whole = SegmentPlan {
            samples_per_segment: 100,
            ..PLAN
        };
        assert_eq!((whole.steps_before(1), whole.steps_before(3)), (4, 12));
        // As many passes as nobody can count one by one.
        let passes = usize::MAX / 100;
        let endless = SegmentPlan { passes, ..PLAN };
        assert_eq!(endless.segments(), 3 * passes);
        assert_eq!(endless.steps_before(endless.segments()), 5 * passes);
    }

    #[test]
    fn orders_are_the_same_whichever_was_asked_for_before() {
        let mut orders = Orders::new(PLAN, 12);
        for pass in [0, 0, 1, 3, 3, 2, 0, 5] {
            assert_eq!(orders.of(pass), PLAN.order(pass, 12), "{pass}");
        }
    }

    #[test]
    fn a_pass_visits_no_sample_twice_and_passes_differ() {
        let orders: Vec<_> = (0..3).map(|pass| PLAN.order(pass, 12)).collect();
        for order in &orders {
            assert_eq!(order.len(), 10);
            assert_eq!(order.iter().collect::<HashSet<_>>().len(), 10);
            assert!(order.iter().all(|&index| index < 12));
        }
        assert!(orders[0] != orders[1] && orders[1] != orders[2] && orders[0] != orders[2]);
        assert_ne!(orders[0], SegmentPlan { seed: 8, ..PLAN }.order(0, 12));
    }

    #[test]
    fn a_shorter_pass_is_the_start_of_a_longer_one() {
        let shorter = SegmentPlan {
            samples_per_pass: 5,
            ..PLAN
        };
        assert_eq!(shorter.order(1, 12), PLAN.order(1, 12)[..5]);
    }

    /// Every place is as likely as any other: over many passes, each of the samples comes first about
    /// equally often (the bound is five standard deviations).
    #[test]
    fn the_shuffle_is_fair() {
        let mut counts = [0_i32; 12];
        for pass in 0..12_000 {
            counts[PLAN.order(pass, 12)[0]] += 1;
        }
        assert!(
            counts.iter().all(|count| (count - 1000).abs() < 155),
            "{counts:?}"
        );
    }

    #[test]
    fn the_permutation_is_the_one_of_pytorch() {
        // torch.manual_seed(0); torch.randperm(10)
        let order = permutation(&mut Mt::new(0), 10);
        assert_eq!(order, [4, 1, 7, 5, 3, 9, 0, 8, 6, 2]);
    }

    #[test]
    fn impossible_plans_are_refused_but_never_panic() {
        PLAN.validate(10).unwrap();
        let message = PLAN.validate(9).unwrap_err().to_string();
        assert_eq!(
            message,
            "a run needs at most the 9 samples of the set per pass, not 10"
        );
        for plan in [
            SegmentPlan {
                samples_per_pass: 0,
                ..PLAN
            },
            SegmentPlan { passes: 0, ..PLAN },
            SegmentPlan {
                samples_per_segment: 0,
                ..PLAN
            },
            SegmentPlan {
                batch_size: 0,
                ..PLAN
            },
            SegmentPlan {
                samples_per_pass: usize::MAX,
                passes: usize::MAX,
                ..PLAN
            },
        ] {
            plan.validate(10).unwrap_err();
            for segment in [0, 1, usize::MAX] {
                let _ = (
                    plan.segments(),
                    plan.range(segment),
                    plan.samples_before(segment),
                );
            }
            assert!(plan.order(0, 3).len() <= 3);
        }
    }
}
