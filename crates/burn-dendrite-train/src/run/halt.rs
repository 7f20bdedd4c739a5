//! Where a training ends before its time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Position, means::Means};
use crate::{
    Stop,
    data::{Place, SegmentPlan},
};

/// Decides where a training ends that is asked to, once for everybody who takes part in it.
///
/// The loader of training samples asks before each step of the optimizer, that of validation samples
/// before each batch. The first of them to hear of the wish has the training cut off there: both
/// hand out nothing more, so that burn's learner comes to the end of its epoch, where its log,
/// checkpoints and early stopping see that it was cut off, and where.
#[derive(Debug)]
pub(crate) struct Halt {
    stop: Stop,
    plan: SegmentPlan,
    /// Devices that divide each segment among them.
    devices: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The index of the segment that was begun last.
    segment: usize,
    cut: Option<Cut>,
    means: Means,
}

#[derive(Clone, Copy, Debug)]
struct Cut {
    segment: usize,
    /// Samples of the segment that each device has trained on.
    position: usize,
}

impl Halt {
    /// For a run of so many devices that ends where `stop` says, or at its end.
    pub(crate) fn new(stop: Stop, plan: SegmentPlan, devices: usize) -> Self {
        Self {
            stop,
            plan,
            devices: devices.max(1),
            state: Mutex::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether training ends at this place.
    ///
    /// Of several devices, which all stand at the same place in their parts of a segment before each
    /// step, the first one is asked first, and its answer holds for all.
    pub(crate) fn ends_training(&self, place: Place) -> bool {
        let mut state = self.state();
        state.segment = place.segment;
        if place.leads && state.cut.is_none() && self.stop.is_requested() {
            state.cut = Some(Cut {
                segment: place.segment,
                position: place.position,
            });
        }
        (state.cut)
            .is_some_and(|cut| cut.segment == place.segment && place.position >= cut.position)
    }

    /// Whether the validation under way, or about to begin, ends here. The training before it is
    /// kept.
    pub(crate) fn ends_validation(&self) -> bool {
        let mut state = self.state();
        if state.cut.is_none() && self.stop.is_requested() {
            let segment = state.segment;
            state.cut = Some(Cut {
                segment,
                position: self.plan.range(segment).1.len() / self.devices,
            });
        }
        state.cut.is_some()
    }

    /// Where training was cut off, if it was.
    pub(crate) fn cut(&self) -> Option<Position> {
        self.state().cut.map(|cut| Position {
            segments: cut.segment,
            samples: cut.position * self.devices,
        })
    }

    /// Where training stands once burn's learner has come to the end of an epoch, counted from 1.
    pub(crate) fn position_after(&self, epoch: usize) -> Position {
        match self.cut() {
            Some(cut) if cut.segments + 1 == epoch => cut,
            _ => Position::after(epoch),
        }
    }

    /// Keeps what was measured in the part of a segment before the cut.
    pub(crate) fn keep_means(&self, means: Means) {
        self.state().means = means;
    }

    /// What was kept.
    pub(crate) fn means(&self) -> Means {
        self.state().means.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halt(devices: usize) -> (Halt, Stop) {
        let plan = SegmentPlan {
            samples_per_pass: 20,
            passes: 1,
            samples_per_segment: 8,
            batch_size: 2,
            seed: 0,
        };
        let stop = Stop::new();
        (Halt::new(stop.clone(), plan, devices), stop)
    }

    fn place(segment: usize, position: usize, leads: bool) -> Place {
        Place {
            segment,
            position,
            leads,
        }
    }

    #[test]
    fn training_ends_before_the_next_step() {
        let (halt, stop) = halt(1);
        assert!(!halt.ends_training(place(1, 2, true)));
        stop.request();
        assert_eq!(halt.cut(), None);
        assert!(halt.ends_training(place(1, 4, true)) && halt.ends_validation());
        let cut = Position {
            segments: 1,
            samples: 4,
        };
        assert_eq!((halt.cut(), halt.position_after(2)), (Some(cut), cut));
        // A checkpoint of the segment before may still be under way.
        assert_eq!(halt.position_after(1), Position::after(1));
    }

    #[test]
    fn a_validation_is_left_out_and_the_training_before_it_kept() {
        let (halt, stop) = halt(2);
        // The last segment has four samples.
        assert!(!halt.ends_training(place(2, 2, true)) && !halt.ends_validation());
        stop.request();
        assert!(halt.ends_validation());
        let cut = Position {
            segments: 2,
            samples: 4,
        };
        assert_eq!(halt.cut(), Some(cut));
    }

    #[test]
    fn all_devices_end_at_the_same_step() {
        let (halt, stop) = halt(2);
        assert!(!halt.ends_training(place(0, 0, true)));
        stop.request();
        // The first one has its batch of this step already.
        assert!(!halt.ends_training(place(0, 0, false)));
        assert!(halt.ends_training(place(0, 2, true)) && halt.ends_training(place(0, 2, false)));
        assert_eq!(halt.cut().unwrap().samples, 4);
    }
}
