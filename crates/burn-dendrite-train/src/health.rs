//! Whether a training is well: activity that runs away, and populations that fall silent.
//!
//! Nothing is read from the device for it while all is well. The loss of each step is read anyway,
//! for the log, and tells in which step something went wrong; all populations are looked at in the
//! validation after each segment. In which step and population it began is found by repeating the
//! steps since the last checkpoint, this time with a look at every population.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use burn::{
    tensor::Tensor,
    train::{Interrupter, checkpoint::CheckpointerError},
};
use burn_dendrite_nn::{
    NetworkState, Parameter, Plan, PopulationId, PopulationName, numbers::Rows,
};
use burn_dendrite_optim::Outcome;
use serde::{Deserialize, Serialize};

use crate::{choice::Choice, silence::Silence};

/// Activity beyond this has run away. Rates are of order one; while learning begins they rise to
/// hundreds before inhibition contains them.
pub const RUNAWAY: f64 = 1e6;

/// What is done when activity runs away or is no number any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDivergence {
    /// The training stops and says where it happened.
    #[default]
    Stop,
    /// The update is left out. Every step is then looked at before its update is applied, which
    /// takes time.
    Skip,
}

impl Choice for OnDivergence {
    const ALL: &'static [Self] = &[Self::Stop, Self::Skip];

    fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Skip => "skip",
        }
    }
}

/// What was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// A training step.
    Training,
    /// The validation after a training step.
    Validation,
}

/// Where a training left the numbers that make sense.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// The training step, counted from 1.
    pub step: usize,
    /// Whether it was in this step, or in the validation after it.
    pub occasion: Occasion,
    /// The first population in order of update that ran away; none where only the loss is known.
    pub population: Option<PopulationName>,
    /// Its largest absolute activity, or the loss: beyond all bounds, or not a number.
    #[serde(with = "not_a_number")]
    pub value: f64,
}

/// JSON has no word for what is not finite; `null` stands for it.
mod not_a_number {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { step, value, .. } = self;
        match self.occasion {
            Occasion::Training => write!(f, "in step {step}: ")?,
            Occasion::Validation => write!(f, "in the validation after step {step}: ")?,
        }
        match &self.population {
            Some(name) => write!(f, "the activity of `{name}` reached {value:.3e}"),
            None => write!(f, "the loss reached {value:.3e}"),
        }
    }
}

/// What a [`Health`] does about a divergence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Response {
    /// Stops the training once the loss or a validation tells.
    Stop,
    /// Leaves updates out.
    Skip,
    /// Looks at every step up to this one, and stops at the first that is wrong.
    Locate { until: usize },
}

/// Watches one training; shared by the model, which steps, and the log, which reads the loss.
pub(crate) struct Health {
    response: Response,
    interrupter: Interrupter,
    /// Steps that the model has begun, and losses that the log has read: those lag behind.
    steps: AtomicUsize,
    losses: AtomicUsize,
    silence: Mutex<Silence>,
    skipped: AtomicUsize,
    first: Mutex<Option<Divergence>>,
}

impl Health {
    /// Watches a training that goes on after `before` steps.
    pub(crate) fn new(
        on_divergence: OnDivergence,
        before: usize,
        interrupter: &Interrupter,
    ) -> Self {
        let response = match on_divergence {
            OnDivergence::Stop => Response::Stop,
            OnDivergence::Skip => Response::Skip,
        };
        Self::with_response(response, before, interrupter)
    }

    /// Repeats a training that goes on after `before` steps, to find the first population that runs
    /// away in one of the steps up to `until`.
    pub(crate) fn locating(until: usize, before: usize, interrupter: &Interrupter) -> Self {
        Self::with_response(Response::Locate { until }, before, interrupter)
    }

    fn with_response(response: Response, before: usize, interrupter: &Interrupter) -> Self {
        Self {
            response,
            interrupter: interrupter.clone(),
            steps: before.into(),
            losses: before.into(),
            silence: Mutex::default(),
            skipped: 0.into(),
            first: Mutex::new(None),
        }
    }

    /// Says no more of the silence of these populations: it was asked for, or told before.
    pub(crate) fn has_told(&self, names: impl IntoIterator<Item = PopulationName>) {
        locked(&self.silence).has_told(names);
    }

    /// Whether steps are repeated to find where a divergence began.
    pub(crate) fn is_repeating(&self) -> bool {
        matches!(self.response, Response::Locate { .. })
    }

    /// The first divergence that was noticed.
    pub(crate) fn divergence(&self) -> Option<Divergence> {
        self.first().clone()
    }

    fn first(&self) -> MutexGuard<'_, Option<Divergence>> {
        locked(&self.first)
    }

    fn note(&self, divergence: Divergence) {
        self.first().get_or_insert(divergence);
        if self.response != Response::Skip {
            self.interrupter.stop(Some("divergence"));
        }
    }

    /// Stops the training on something that has nothing to do with its numbers.
    pub(crate) fn fail(&self, error: String) {
        self.interrupter.fail(CheckpointerError::Unknown(error));
    }

    /// Whether the update of a step may be applied; asked once a step, by the model.
    fn admits(&self, plan: &Plan, outcome: &Outcome) -> bool {
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        let found = match self.response {
            Response::Stop => return true,
            Response::Locate { until } if step > until => {
                self.interrupter.stop(Some("nothing was found"));
                return true;
            }
            Response::Locate { .. } => runaway(plan, &outcome.trace.forward),
            Response::Skip => runaway(plan, &outcome.trace.forward)
                .or_else(|| runaway(plan, &outcome.trace.nudged))
                .or_else(|| runaway_update(plan, outcome)),
        };
        let Some((population, value)) = found else {
            return true;
        };
        self.skipped.fetch_add(1, Ordering::Relaxed);
        self.note(Divergence {
            step,
            occasion: Occasion::Training,
            population: Some(population),
            value,
        });
        false
    }

    /// Whether training may go on after a step whose update is applied already; asked once a step of
    /// a block, where the loss is at hand.
    fn passes(&self, plan: &Plan, loss: f64, state: impl FnOnce() -> NetworkState) -> bool {
        let step = self.steps.fetch_add(1, Ordering::Relaxed) + 1;
        let contained = contained(loss, RUNAWAY * RUNAWAY);
        match self.response {
            Response::Locate { until } if step > until => {
                self.interrupter.stop(Some("nothing was found"));
                return false;
            }
            Response::Locate { .. } => {}
            Response::Stop | Response::Skip if contained => return true,
            Response::Stop | Response::Skip => {}
        }
        let (population, value) = match runaway(plan, &state()) {
            Some((population, value)) => (Some(population), value),
            None if contained => return true,
            None => (None, loss),
        };
        self.note(Divergence {
            step,
            occasion: Occasion::Training,
            population,
            value,
        });
        false
    }

    /// Hears the loss of the next training step, in their order.
    pub(crate) fn loss(&self, loss: f64) {
        let step = self.losses.fetch_add(1, Ordering::Relaxed) + 1;
        if self.response == Response::Stop && !contained(loss, RUNAWAY * RUNAWAY) {
            self.note(Divergence {
                step,
                occasion: Occasion::Training,
                population: None,
                value: loss,
            });
        }
    }

    /// Looks at the state of a network that has settled on samples of the validation.
    fn validated(&self, plan: &Plan, state: &NetworkState) {
        let largest = largest_of_each(plan, state);
        locked(&self.silence).listen(plan, &largest);
        if self.response == Response::Stop
            && let Some((population, value)) = first_runaway(plan, largest)
        {
            self.note(Divergence {
                step: self.steps.load(Ordering::Relaxed),
                occasion: Occasion::Validation,
                population: Some(population),
                value,
            });
        }
    }

    /// The populations of which no unit was active in the validation that has ended.
    pub(crate) fn silent(&self) -> Vec<PopulationName> {
        locked(&self.silence).silent()
    }

    /// What there is to say at the end of a segment, after its validation: a sentence each.
    pub(crate) fn end_of_segment(&self, segment: usize) -> Vec<String> {
        let mut warnings = locked(&self.silence).end_of_validation(segment);
        let skipped = self.skipped.swap(0, Ordering::Relaxed);
        if skipped > 0
            && let Some(Divergence {
                step, population, ..
            }) = self.first().take()
        {
            let name = population.map_or_else(String::new, |name| format!(", by `{name}`"));
            warnings.push(format!(
                "segment {segment}: {skipped} updates were left out, the first in step {step}{name}"
            ));
        }
        warnings
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Who looks whether all is well, if anybody does: what a model carries with it.
#[derive(Clone, Default)]
pub(crate) struct Guard(Option<Arc<Health>>);

impl Guard {
    /// Whether the update of a step may be applied; asked once a step.
    pub(crate) fn admits(&self, plan: &Plan, outcome: &Outcome) -> bool {
        (self.0.as_ref()).is_none_or(|health| health.admits(plan, outcome))
    }

    /// Whether training may go on after a step of a block; asked once a step.
    pub(crate) fn passes(
        &self,
        plan: &Plan,
        loss: f64,
        state: impl FnOnce() -> NetworkState,
    ) -> bool {
        (self.0.as_ref()).is_none_or(|health| health.passes(plan, loss, state))
    }

    /// Shows the state of a network that has settled on samples of the validation.
    pub(crate) fn validated(&self, plan: &Plan, state: &NetworkState) {
        if let Some(health) = &self.0 {
            health.validated(plan, state);
        }
    }
}

impl From<Arc<Health>> for Guard {
    fn from(health: Arc<Health>) -> Self {
        Self(Some(health))
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "guarded"
        } else {
            "not guarded"
        })
    }
}

/// True for numbers within `bound`; false for what is no number.
fn contained(value: f64, bound: f64) -> bool {
    value.abs() <= bound
}

/// The largest absolute value; NaN where any is.
fn largest(tensor: &Tensor<2>) -> f64 {
    let values = tensor.to_values();
    // A comparison would drop what is no number.
    if values.iter().any(|value| value.is_nan()) {
        return f64::NAN;
    }
    let larger = |largest: f32, value: &f32| largest.max(value.abs());
    f64::from(values.iter().fold(0.0, larger))
}

/// The first population in order of update whose activity has run away.
fn runaway(plan: &Plan, state: &NetworkState) -> Option<(PopulationName, f64)> {
    first_runaway(plan, largest_of_each(plan, state))
}

fn first_runaway(
    plan: &Plan,
    largest: impl IntoIterator<Item = (PopulationId, f64)>,
) -> Option<(PopulationName, f64)> {
    let mut largest = largest.into_iter();
    largest
        .find(|(_, largest)| !contained(*largest, RUNAWAY))
        .map(|(id, largest)| (plan.populations[id].name.clone(), largest))
}

/// The largest absolute activity of every population but the input, in order of update.
fn largest_of_each(plan: &Plan, state: &NetworkState) -> Vec<(PopulationId, f64)> {
    let populations = plan.populations.iter().filter(|(id, _)| *id != plan.input);
    populations
        .map(|(id, _)| (id, largest(&state.activity[id])))
        .collect()
}

/// The population onto which a change has run away.
fn runaway_update(plan: &Plan, outcome: &Outcome) -> Option<(PopulationName, f64)> {
    outcome.updates.parameters().find_map(|parameter| {
        let change = largest(&outcome.updates.get(parameter)?);
        let post = match parameter {
            Parameter::Weight(id) => plan.projection(id).post,
            Parameter::Bias(id) => id,
        };
        (!contained(change, RUNAWAY)).then(|| (plan.populations[post].name.clone(), change))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn what_is_no_number_is_the_largest() {
        let device = Device::flex();
        let of = |values: [f32; 3]| largest(&Tensor::<2>::from_floats([values], &device));
        assert_eq!(of([1.0, -3.0, 2.0]), 3.0);
        assert_eq!(of([1.0, f32::NEG_INFINITY, 2.0]), f64::INFINITY);
        assert!(of([f32::NAN, 1.0, 2.0]).is_nan());
        assert!(!contained(f64::NAN, RUNAWAY) && !contained(f64::INFINITY, RUNAWAY));
        assert!(contained(-1e6, RUNAWAY) && !contained(1.1e6, RUNAWAY));
    }

    #[test]
    fn the_first_loss_beyond_all_bounds_stops_the_training() {
        let interrupter = Interrupter::new();
        let health = Health::new(OnDivergence::Stop, 40, &interrupter);
        // The loss of outputs of a thousand, which a beginning network may have.
        health.loss(1e6);
        assert!(!interrupter.should_stop());
        health.loss(f64::NAN);
        health.loss(f64::INFINITY);
        assert!(interrupter.should_stop());
        let found = health.divergence().unwrap();
        assert_eq!((found.step, found.population), (42, None));
    }
}
