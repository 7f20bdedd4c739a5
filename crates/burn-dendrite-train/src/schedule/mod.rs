//! The factor on all learning rates, step by step of a run.

mod spec;

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use burn::optim::lr_scheduler::{
    LrScheduler, LrSchedulerRecord, module_lr_scheduler::ModuleLrScheduler,
};

pub use spec::ScheduleSpec;

/// The training steps that a run has made, shared by all who count or ask.
#[derive(Clone, Debug, Default)]
pub struct StepCount(Arc<AtomicUsize>);

impl StepCount {
    /// So many steps.
    pub fn new(steps: usize) -> Self {
        Self(Arc::new(steps.into()))
    }

    /// The steps made.
    pub fn steps(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts so many more; those before them are returned.
    pub(crate) fn count(&self, steps: usize) -> usize {
        self.0.fetch_add(steps, Ordering::Relaxed)
    }

    fn set(&self, steps: usize) {
        self.0.store(steps, Ordering::Relaxed);
    }
}

/// The schedule of a run as burn's learner wants it, which knows at which training step the run is.
///
/// What is saved is the number of steps made, whoever makes them: burn's optimizer one at a time, or
/// the [model](crate::PlasticNetwork) many between two visits of burn's learner. So a run goes on at the
/// right point by either.
#[derive(Clone)]
pub struct RunSchedule {
    rates: Arc<Mutex<Rates>>,
    made: StepCount,
    steps: StepsBy,
}

/// Who makes the training steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepsBy {
    /// burn's optimizer: a step of the schedule is one of the run.
    Optimizer,
    /// The model, which asks for the rates itself.
    Model,
}

impl RunSchedule {
    /// The schedule of a run from its beginning, for one that has made `made` steps.
    pub fn new(schedule: ModuleLrScheduler, made: StepCount, steps: StepsBy) -> Self {
        Self {
            rates: Arc::new(Mutex::new(Rates {
                schedule: schedule.clone(),
                beginning: schedule,
                next: 0,
                warm_up: 0,
            })),
            made,
            steps,
        }
    }

    /// The same, of which the first `steps` factors rise in equal parts: step t, from 1, has the share
    /// `min(1, t / steps)` of its own.
    pub(crate) fn warmed_up_over(self, steps: usize) -> Self {
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.warm_up = steps;
        drop(rates);
        self
    }

    /// The factors of the next `steps` steps, which are counted as made.
    pub(crate) fn next(&self, steps: usize) -> Vec<f64> {
        let first = self.made.count(steps);
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.of(first, steps)
    }
}

impl LrScheduler for RunSchedule {
    fn step(&mut self) -> f64 {
        match self.steps {
            StepsBy::Optimizer => self.next(1)[0],
            StepsBy::Model => 1.0,
        }
    }

    fn to_record(&self) -> LrSchedulerRecord {
        LrSchedulerRecord::new().with_scalar(STEPS, self.made.steps() as u64)
    }

    fn load_record(&mut self, record: LrSchedulerRecord) {
        if let Some(steps) = record.scalar::<u64>(STEPS) {
            self.made.set(steps as usize);
        }
    }
}

const STEPS: &str = "steps";

/// The factors of all steps, each drawn when it is asked for.
struct Rates {
    beginning: ModuleLrScheduler,
    schedule: ModuleLrScheduler,
    /// The step whose factor the schedule gives next.
    next: usize,
    /// Steps in which the factors rise to what they are.
    warm_up: usize,
}

impl Rates {
    /// The factors of so many steps from `first` on.
    fn of(&mut self, first: usize, steps: usize) -> Vec<f64> {
        if first < self.next {
            (self.schedule, self.next) = (self.beginning.clone(), 0);
        }
        while self.next < first {
            self.draw();
        }
        (0..steps).map(|_| self.draw()).collect()
    }

    fn draw(&mut self) -> f64 {
        self.next += 1;
        let factor = self.schedule.step().base();
        if self.next < self.warm_up {
            factor * self.next as f64 / self.warm_up as f64
        } else {
            factor
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(made: &StepCount, steps: StepsBy) -> RunSchedule {
        let line = ScheduleSpec::Linear {
            start: 1.0,
            end: 0.0,
        };
        // A thousandth less with every step.
        RunSchedule::new(line.init(1000).unwrap(), made.clone(), steps)
    }

    fn close(rates: &[f64], first: usize) {
        for (step, rate) in (first..).zip(rates) {
            let expected = 1.0 - step as f64 / 1000.0;
            assert!((rate - expected).abs() < 1e-12, "{step}: {rate}");
        }
    }

    #[test]
    fn steps_have_their_rates_from_wherever_the_run_goes_on() {
        for first in [0, 7, 998] {
            let made = StepCount::new(first);
            let schedule = schedule(&made, StepsBy::Model);
            close(&schedule.next(2), first);
            close(&schedule.next(1), first + 2);
            assert_eq!(made.steps(), first + 3);
        }
    }

    #[test]
    fn what_one_saved_the_other_goes_on_from() {
        let made = StepCount::default();
        let mut blocks = schedule(&made, StepsBy::Model);
        // burn's learner asks once for a block of 32 steps.
        assert_eq!(blocks.step(), 1.0);
        blocks.next(32);
        let later = StepCount::default();
        let mut single = schedule(&later, StepsBy::Optimizer);
        single.load_record(blocks.to_record());
        close(&[single.step(), single.step()], 32);
        assert_eq!(later.steps(), 34);
    }

    #[test]
    fn rates_rise_in_equal_parts_from_wherever_the_run_goes_on() {
        for first in [0, 2] {
            let made = StepCount::new(first);
            let constant = ScheduleSpec::Constant { factor: 0.8 }.init(10).unwrap();
            let schedule = RunSchedule::new(constant, made, StepsBy::Model).warmed_up_over(4);
            let rates = schedule.next(6 - first);
            let expected = [0.2, 0.4, 0.6, 0.8, 0.8, 0.8];
            for (rate, expected) in rates.iter().zip(&expected[first..]) {
                assert!((rate - expected).abs() < 1e-12, "{rates:?}");
            }
        }
    }
}
