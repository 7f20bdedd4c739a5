//! What somebody reads who waits for a training without a dashboard.

use std::{sync::Arc, time::Duration};

use super::{Display, Experiment};
use crate::{
    output::report,
    run::{self, Position, SegmentRecord},
    timing::Stopwatch,
};

impl Experiment {
    /// Prints a line a segment where lines are wanted.
    pub(super) fn progress(&self, from: Position, stopwatch: &Stopwatch) -> run::Progress {
        if self.display != Display::Lines {
            return Arc::new(|_| ());
        }
        let segments = self.settings.segments();
        let total = segments.samples_before(segments.segments());
        let before = from.samples_in(&segments);
        if before > 0 {
            report(format!("going on after {before} of {total} samples"));
        }
        let (stopwatch, started) = (stopwatch.clone(), std::time::Instant::now());
        let trained = std::sync::Mutex::new(f64::NAN);
        Arc::new(move |record: &SegmentRecord| {
            let accuracy = record.metrics.get("Accuracy").copied().unwrap_or(f64::NAN);
            let mut trained = match trained.lock() {
                Ok(trained) => trained,
                Err(poisoned) => poisoned.into_inner(),
            };
            if record.split == "train" {
                *trained = accuracy;
                return;
            }
            let done = (record.samples - before).max(1) as f64;
            let left = started
                .elapsed()
                .mul_f64((total - record.samples) as f64 / done);
            report(format!(
                "{:>7} of {total} samples   accuracy: training {:5.1} %, validation {:5.1} %   \
                 {:.0} samples/s   {} left",
                record.samples,
                *trained,
                accuracy,
                stopwatch.samples_per_second(),
                duration(left),
            ));
        })
    }
}

pub fn duration(left: Duration) -> String {
    match left.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}
