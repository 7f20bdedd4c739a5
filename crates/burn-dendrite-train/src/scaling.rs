//! How learning rates grow with the batch.

use burn::lr_scheduler::{
    LrScheduler, LrSchedulerRecord, linear::LinearLrSchedulerConfig,
    module_lr_scheduler::ModuleLrScheduler,
};

use serde::{Deserialize, Serialize};

/// The factor on all learning rates for batches of `n` samples.
///
/// The published rates are those of one sample a step. A step on a batch changes the weights by
/// the *mean* over its samples, so a pass makes `n` times fewer changes of the same size. For one
/// sample every factor is 1.
///
/// The factor is meant for gradient descent; Adam and its like set the size of a step themselves,
/// and are left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchScaling {
    /// 1: the rates as they are.
    None,
    /// `√n`: the changes of one pass keep the size of their random part.
    SquareRoot,
    /// `n`: the changes of one pass keep their sum.
    Linear,
    /// Up to a peak `p = min(n, 14)`, gradually. Of `S` steps, the first 50 have the published
    /// rates; the factor then grows in equal ratios to `p` at `S/2`, stays there, and over the last
    /// 15 % falls evenly to `p/20`.
    ///
    /// ```text
    /// factor(s) = p ^ clamp((s − 50) / (S/2 − 50), 0, 1) · (1 − 0.95 · clamp((s − 0.85 S) / 0.15 S, 0, 1))
    /// ```
    ///
    /// Why not `n` from the start: the samples of a batch share most of their presynaptic activity
    /// (all digits light the middle of the image), so their mean is as steep as a single one, and
    /// the published rates are near the limit of stability where learning begins: in the first
    /// steps the loss rises by orders of magnitude before inhibition has learned to contain it. An
    /// output neuron that such a step silences is lost, because its gate stays closed. Once errors
    /// are small and differ between samples, their mean is small too, and larger factors are safe, up
    /// to a limit that for the same reason hardly depends on `n`. The constants were chosen on MNIST
    /// with batches of 32.
    #[default]
    Gradual,
}

/// Steps with the published rates, in which the network leaves its wild start.
const START: f64 = 50.0;

/// The largest factor: a little more, and some networks lose an output neuron.
const PEAK: f64 = 14.0;

/// The share of a run over which the factor falls at the end.
const DECAY: f64 = 0.15;

/// What is left of the factor at the very end.
const END: f64 = 0.05;

impl BatchScaling {
    /// The factor for a batch of `batch_size` samples in step `step`, from 0, of `steps`.
    pub fn factor(self, batch_size: usize, step: usize, steps: usize) -> f64 {
        let size = batch_size as f64;
        match self {
            Self::None => 1.0,
            Self::SquareRoot => size.sqrt(),
            Self::Linear => size,
            Self::Gradual if batch_size <= 1 => 1.0,
            Self::Gradual => {
                let peak = size.min(PEAK);
                let (step, steps) = (step as f64, steps.max(1) as f64);
                let start = START.min(steps / 4.0);
                let rise = ((step - start) / (steps / 2.0 - start)).clamp(0.0, 1.0);
                let fall = ((step - (1.0 - DECAY) * steps) / (DECAY * steps)).clamp(0.0, 1.0);
                peak.powf(rise) * (1.0 - (1.0 - END) * fall)
            }
        }
    }

    /// What is done to the rates, in a few words; nothing for one sample.
    pub fn describe(self, batch_size: usize) -> Option<String> {
        let factor = self.factor(batch_size, 1, 2);
        match self {
            _ if batch_size <= 1 => None,
            Self::None => Some("as published, though meant for batches of 1".to_owned()),
            Self::SquareRoot | Self::Linear => Some(format!("times {factor:.3}")),
            Self::Gradual => Some(format!(
                "gradually up to {factor:.3} times the published ones"
            )),
        }
    }

    /// The schedule whose factors are those of `schedule` times this scaling's.
    pub(crate) fn apply(
        self,
        schedule: ModuleLrScheduler,
        batch_size: usize,
        steps: usize,
    ) -> ModuleLrScheduler {
        if batch_size <= 1 || self == Self::None {
            return schedule;
        }
        let clock = LinearLrSchedulerConfig::new(1.0, 0.0, steps.max(1));
        let Ok(clock) = clock.init() else {
            unreachable!("from 1 to 0 in at least one step is in range");
        };
        ModuleLrScheduler::new(Scaled {
            scaling: self,
            batch_size,
            steps,
            clock,
            schedule,
        })
    }
}

/// A schedule times the factors of a scaling.
#[derive(Clone)]
struct Scaled {
    scaling: BatchScaling,
    batch_size: usize,
    steps: usize,
    /// What is left of the run, from 1 to 0: a schedule of burn's, which knows how to be saved.
    clock: ModuleLrScheduler,
    schedule: ModuleLrScheduler,
}

impl LrScheduler for Scaled {
    fn step(&mut self) -> f64 {
        let done = 1.0 - self.clock.step().base();
        let step = (done * self.steps as f64).round() as usize;
        let factor = self.scaling.factor(self.batch_size, step, self.steps);
        self.schedule.step().base() * factor
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new()
            .with_record("clock", self.clock.to_record())
            .with_record("schedule", self.schedule.to_record())
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        let load =
            |schedule: &ModuleLrScheduler, name| schedule.clone().load_record(record.record(name));
        self.clock = load(&self.clock, "clock");
        self.schedule = load(&self.schedule, "schedule");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ScheduleSpec;

    const ALL: [BatchScaling; 4] = [
        BatchScaling::None,
        BatchScaling::SquareRoot,
        BatchScaling::Linear,
        BatchScaling::Gradual,
    ];

    #[test]
    fn one_sample_is_the_reference_whatever_the_scaling() {
        for scaling in ALL {
            for step in [0, 100, 999] {
                assert_eq!(scaling.factor(1, step, 1000), 1.0);
            }
        }
        assert_eq!(BatchScaling::SquareRoot.factor(64, 0, 10), 8.0);
        assert_eq!(BatchScaling::Linear.factor(64, 0, 10), 64.0);
    }

    #[test]
    fn the_gradual_factor_rises_in_equal_ratios_and_falls_evenly() {
        // Of 1,000 steps, 50 to 500 rise: 275 is half of it.
        let factor = |step| BatchScaling::Gradual.factor(64, step, 1000);
        let close = |measured: f64, expected: f64| {
            assert!((measured / expected - 1.0).abs() < 1e-9, "{measured}");
        };
        assert_eq!((factor(0), factor(50)), (1.0, 1.0));
        close(factor(275), 14f64.sqrt());
        assert_eq!((factor(500), factor(850)), (14.0, 14.0));
        close(factor(925), 14.0 * 0.525);
        close(factor(1000), 0.7);
        // Small batches are not scaled beyond their size.
        assert_eq!(BatchScaling::Gradual.factor(4, 600, 1000), 4.0);
    }

    #[test]
    fn short_runs_have_their_course_too() {
        for steps in 0..4 {
            for step in 0..=steps {
                assert!(BatchScaling::Gradual.factor(32, step, steps).is_finite());
            }
        }
    }

    #[test]
    fn a_scaled_schedule_goes_on_where_it_was_saved() {
        let linear = ScheduleSpec::Linear {
            start: 1.0,
            end: 0.1,
        };
        let new = || {
            let schedule = linear.init(20).unwrap();
            BatchScaling::Gradual.apply(schedule, 32, 20)
        };
        let mut whole = new();
        let rates: Vec<f64> = (0..20).map(|_| whole.step().base()).collect();
        let mut first = new();
        for rate in &rates[..7] {
            assert_eq!(first.step().base(), *rate);
        }
        let bytes = first.to_record().into_bytes().unwrap();
        let mut rest = new().load_record(LrSchedulerRecord::from_bytes(bytes).unwrap());
        for rate in &rates[7..] {
            assert_eq!(rest.step().base(), *rate);
        }
        // The tenth of twenty steps is at the peak, 14, and the line at 1 - 0.9 * 10 / 20.
        assert!((rates[10] - 0.55 * 14.0).abs() < 1e-9);
    }
}
