//! When something is saved, and what is kept.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use burn::train::{
    Interrupter,
    checkpoint::{CheckpointingAction, CheckpointingStrategy},
    metric::store::{Aggregate, EventStoreClient, Split},
};

use serde::{Deserialize, Serialize};

use super::{Halt, Keep, Position, complete};
use crate::{
    choice::Choice,
    run::{SegmentRecord, best::Best},
};

/// How much an interruption that leaves no time to save may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interval {
    /// So many segments, at least 1.
    Segments(usize),
    /// So many segments, or this time if that is shorter, and at least a segment.
    SegmentsOrTime(usize, Duration),
    /// Nothing is saved.
    Never,
}

impl Interval {
    /// Whether it is time for a checkpoint after `segment`, when the last one was so long ago.
    fn is_over(self, segment: usize, since: Duration) -> bool {
        match self {
            Self::Segments(segments) => segment.is_multiple_of(segments.max(1)),
            Self::SegmentsOrTime(segments, time) => {
                segment.is_multiple_of(segments.max(1)) || since >= time
            }
            Self::Never => false,
        }
    }
}

/// What is saved after an epoch of burn's learner.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Save {
    /// Where the run stands.
    pub(crate) position: Position,
    /// Whether a checkpoint is made.
    pub(crate) checkpoint: bool,
    /// Whether the model is kept as that of the best validation.
    pub(super) best: bool,
    /// The checkpoints that are needed afterwards.
    kept: Vec<Kept>,
    /// The best validation up to now.
    best_so_far: Option<usize>,
}

/// A checkpoint, and the best validation before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Kept {
    position: Position,
    best: Option<usize>,
}

impl Save {
    pub(super) fn keeps(&self, position: Position) -> bool {
        self.kept.iter().any(|it| it.position == position)
    }

    /// A run that goes on from one of its checkpoints needs the best model before that.
    pub(super) fn keeps_best(&self, segment: usize) -> bool {
        let needed = self.kept.iter().filter_map(|it| it.best);
        needed.chain(self.best_so_far).any(|it| it == segment)
    }
}

/// What is saved after each epoch: decided by the schedule, and carried out by the checkpointers in
/// threads of their own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saves(Arc<Mutex<BTreeMap<usize, Save>>>);

impl Saves {
    /// What is saved after an epoch, if anything is.
    pub(crate) fn of(&self, epoch: usize) -> Option<Save> {
        let saves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        saves.get(&epoch).cloned()
    }

    fn add(&self, epoch: usize, save: Save) {
        let mut saves = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        saves.insert(epoch, save);
        // The threads may be one behind, and no more: they are waited for.
        while saves.len() > 2 {
            saves.pop_first();
        }
    }
}

/// Which checkpoints of a run stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Checkpoints {
    /// The newest two: the older of them is whole whatever happens to the newer.
    #[default]
    Newest,
    /// All of them, so that an analysis can follow the training.
    All,
}

impl Choice for Checkpoints {
    const ALL: &'static [Self] = &[Self::Newest, Self::All];

    fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::All => "all",
        }
    }
}

impl Checkpoints {
    fn count(self) -> usize {
        match self {
            Self::Newest => 2,
            Self::All => usize::MAX,
        }
    }
}

/// Saves in intervals, at the end, and where a run is cut off; keeps the newest two checkpoints, and
/// the model of the best validation where that is asked for.
pub(crate) struct CheckpointSchedule {
    interval: Interval,
    /// Segments of the run.
    segments: usize,
    halt: Arc<Halt>,
    interrupter: Interrupter,
    saves: Saves,
    kept: Vec<Kept>,
    checkpoints: Checkpoints,
    /// Where the run goes on.
    from: Position,
    last: Instant,
    /// Followed where the best model is kept.
    best: Option<Best>,
}

impl CheckpointSchedule {
    /// The schedule of a run that goes on from a position, with what its log holds until there.
    pub(crate) fn new(
        interval: Interval,
        segments: usize,
        keep: Keep,
        from: Position,
        halt: Arc<Halt>,
        interrupter: Interrupter,
    ) -> Self {
        Self {
            interval,
            segments,
            halt,
            interrupter,
            saves: Saves::default(),
            kept: Vec::new(),
            checkpoints: Checkpoints::default(),
            from,
            last: Instant::now(),
            best: (keep == Keep::Best && interval != Interval::Never).then(Best::default),
        }
    }

    /// The same with the checkpoints and the log of the part of the run before.
    pub(crate) fn after(mut self, folder: &Path, records: &[SegmentRecord]) -> Self {
        let best_at = |position: Position| {
            let before = records.iter().filter(|it| it.segment <= position.segments);
            self.best.as_ref().and(Best::of(before).segment())
        };
        let before = complete(folder).into_iter().filter(|it| *it <= self.from);
        let kept = before.map(|position| Kept {
            position,
            best: best_at(position),
        });
        self.kept = kept.collect();
        let best = Best::of(records.iter().filter(|it| it.segment <= self.from.segments));
        self.best = self.best.map(|_| best);
        self
    }

    /// The same, where these checkpoints stay.
    pub(crate) fn keeping(mut self, checkpoints: Checkpoints) -> Self {
        self.checkpoints = checkpoints;
        self
    }

    /// What is to be saved after each epoch.
    pub(crate) fn saves(&self) -> &Saves {
        &self.saves
    }

    /// What is saved after an epoch that ended at a position, in whose validation the loss was this.
    fn save(&mut self, position: Position, loss: Option<f64>, since: Duration) -> Option<Save> {
        let is_whole = position.samples == 0 && position > self.from;
        let best =
            is_whole && (self.best.as_mut()).is_some_and(|best| best.add(position.segments, loss));
        let is_new =
            position > self.from && self.kept.last().is_none_or(|it| it.position < position);
        let is_last = position.segments == self.segments;
        let cut = self.halt.cut().is_some() && self.interval != Interval::Never;
        let due = cut || is_last && self.interval != Interval::Never;
        let checkpoint =
            is_new && (due || is_whole && self.interval.is_over(position.segments, since));
        if !checkpoint && !best {
            return None;
        }
        let best_so_far = self.best.as_ref().and_then(Best::segment);
        if checkpoint {
            self.kept.push(Kept {
                position,
                best: best_so_far,
            });
            let outdated = self.kept.len().saturating_sub(self.checkpoints.count());
            self.kept.drain(..outdated);
        }
        Some(Save {
            position,
            checkpoint,
            best,
            kept: self.kept.clone(),
            best_so_far,
        })
    }
}

impl CheckpointingStrategy for CheckpointSchedule {
    fn checkpointing(
        &mut self,
        epoch: usize,
        store: &EventStoreClient,
    ) -> Vec<CheckpointingAction> {
        let position = self.halt.position_after(epoch);
        // The log is written in a thread of its own, which has come to this epoch once it answers: a
        // checkpoint must not be there before its lines.
        let loss = store.find_metric("Loss", epoch, Aggregate::Mean, &Split::Valid);
        if self.interrupter.should_stop() {
            // A line could not be written, or says that activity ran away.
            return Vec::new();
        }
        let loss = loss.filter(|_| position == Position::after(epoch));
        let Some(save) = self.save(position, loss, self.last.elapsed()) else {
            return Vec::new();
        };
        if save.checkpoint {
            self.last = Instant::now();
        }
        self.saves.add(epoch, save);
        // burn counts in epochs; the checkpointers know what is meant.
        vec![
            CheckpointingAction::Save,
            CheckpointingAction::Delete(epoch),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stop, data::SegmentPlan};

    const PLAN: SegmentPlan = SegmentPlan {
        samples_per_pass: 10,
        passes: 1,
        samples_per_segment: 1,
        batch_size: 1,
        seed: 0,
    };

    fn schedule(interval: Interval, keep: Keep) -> (CheckpointSchedule, Stop) {
        let stop = Stop::new();
        let halt = Arc::new(Halt::new(stop.clone(), PLAN, 1));
        let interrupter = Interrupter::new();
        let schedule =
            CheckpointSchedule::new(interval, 10, keep, Position::START, halt, interrupter);
        (schedule, stop)
    }

    fn kept(save: Option<Save>) -> Vec<usize> {
        let kept = save.filter(|it| it.checkpoint).map(|it| it.kept);
        kept.into_iter()
            .flatten()
            .map(|it| it.position.segments)
            .collect()
    }

    #[test]
    fn every_so_many_segments_and_the_last_are_saved_and_two_are_kept() {
        let (mut schedule, _) = schedule(Interval::Segments(3), Keep::Last);
        let history: Vec<Vec<usize>> = (1..=10)
            .map(|segment| kept(schedule.save(Position::after(segment), None, Duration::MAX)))
            .collect();
        let none = Vec::new;
        assert_eq!(
            history,
            [
                none(),
                none(),
                vec![3],
                none(),
                none(),
                vec![3, 6],
                none(),
                none(),
                vec![6, 9],
                vec![9, 10]
            ]
        );
    }

    #[test]
    fn all_of_them_stay_where_that_is_asked_for() {
        let (schedule, _) = schedule(Interval::Segments(3), Keep::Last);
        let mut schedule = schedule.keeping(Checkpoints::All);
        let mut last = Vec::new();
        for segment in 1..=10 {
            let save = schedule.save(Position::after(segment), None, Duration::MAX);
            last = if save.is_some() { kept(save) } else { last };
        }
        assert_eq!(last, [3, 6, 9, 10]);
    }

    #[test]
    fn a_long_segment_is_saved_when_its_time_has_come() {
        let minute = Duration::from_secs(60);
        let (mut schedule, _) = schedule(Interval::SegmentsOrTime(5, minute), Keep::Last);
        let mut after = |segment, seconds| {
            let since = Duration::from_secs(seconds);
            kept(schedule.save(Position::after(segment), None, since))
        };
        assert_eq!(after(1, 59), [0; 0]);
        assert_eq!(after(2, 60), [2]);
        assert_eq!(after(3, 1), [0; 0]);
        assert_eq!(after(5, 1), [2, 5]);
    }

    #[test]
    fn a_run_that_is_cut_off_is_saved_where_it_is_if_it_came_any_further() {
        let cut_after = |samples: usize| {
            let (mut schedule, stop) = schedule(Interval::Segments(5), Keep::Last);
            schedule.save(Position::after(5), None, Duration::ZERO);
            stop.request();
            assert!(schedule.halt.ends_training(crate::data::Place {
                segment: 5,
                position: samples,
                leads: true
            }));
            let position = schedule.halt.position_after(6);
            schedule.save(position, None, Duration::ZERO)
        };
        let save = cut_after(3).unwrap();
        assert_eq!(save.position.to_string(), "5+3");
        assert!(save.checkpoint && save.keeps(Position::after(5)) && !save.best);
        assert_eq!(cut_after(0), None);
    }

    #[test]
    fn nothing_is_saved_where_that_is_said() {
        let (mut schedule, stop) = schedule(Interval::Never, Keep::Best);
        stop.request();
        for segment in 1..=10 {
            let save = schedule.save(Position::after(segment), Some(0.1), Duration::MAX);
            assert_eq!(save, None);
        }
    }

    #[test]
    fn the_best_model_is_kept_for_each_checkpoint_that_is() {
        let (mut schedule, _) = schedule(Interval::Segments(4), Keep::Best);
        let losses = [0.5, 0.3, 0.4, 0.2, f64::NAN, 0.1, 0.05, 0.3, 0.04, 0.2];
        let mut files: Vec<usize> = Vec::new();
        let mut history = Vec::new();
        for (index, loss) in losses.into_iter().enumerate() {
            let segment = index + 1;
            let loss = Some(loss).filter(|it| it.is_finite());
            if let Some(save) = schedule.save(Position::after(segment), loss, Duration::ZERO) {
                files.extend(save.best.then_some(segment));
                files.retain(|segment| save.keeps_best(*segment));
            }
            history.push(files.clone());
        }
        // 4 is the best before the checkpoint after 4 segments, 7 that before the one after 8.
        assert_eq!(history[..4], [vec![1], vec![2], vec![2], vec![4]]);
        assert_eq!(history[5..8], [vec![4, 6], vec![4, 7], vec![4, 7]]);
        assert_eq!(history[8..], [vec![4, 7, 9], vec![7, 9]]);
    }
}
