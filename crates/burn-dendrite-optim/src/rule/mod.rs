//! Learning rules: from the signals at one synapse to its change.

use std::fmt::Debug;

use burn::tensor::Tensor;
use burn_dendrite_nn::{
    CellType, PopulationName,
    numbers::{HostRows, Rows},
    registry,
    spec::unknown_kind,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{ActivityPhase, Delta, Slot, Synapse};

registry! {
    /// A rule that is local to its synapses, as a file names it.
    pub enum LocalRule: AnyRule {
        dendritic_target::DendriticTarget,
        dendritic_loss::DendriticLoss,
        kolen_pollack::KolenPollack,
        dendritic_homeostasis::DendriticHomeostasis,
        inhibitory_plasticity::InhibitoryPlasticity,
        hebbian::Hebbian,
        oja::Oja,
        bienenstock_cooper_munro::BienenstockCooperMunro,
        behavioral_timescale::BehavioralTimescale,
        temporal_contrast::TemporalContrast,
        top_down_contrast::TopDownContrast,
    }
}

mod normalised;
mod rates;
pub use rates::Rates;

impl ActivityPhase {
    /// What a rule that sees this phase needs.
    fn needs(self) -> &'static [Signal] {
        match self {
            Self::Forward => &[],
            Self::Backward => &[Signal::Nudged],
        }
    }
}

/// Where a rule is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSite {
    /// Cell type of the presynaptic population; none for a bias.
    pub pre: Option<CellType>,
}

/// Something at the postsynaptic neuron that a rule needs and not every population has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A dendritic state: projections end at the dendrite.
    Dendrite,
    /// A plateau potential: the population is nudged in the backward phase.
    Plateau,
    /// A plateau potential of the presynaptic neuron.
    PresynapticPlateau,
    /// Activity of the backward phase.
    Nudged,
}

/// What happens to a synapse whose presynaptic neuron is and was silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Nothing.
    Unchanged,
    /// It changes nevertheless: it decays, say.
    Changed,
}

/// What a batch is to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMeaning {
    /// Its samples one after another, with the weights held still: the change is the mean of theirs.
    Samples,
    /// One whole: statistics over the batch enter the change.
    Whole,
}

/// Who decides how large a step of the weights is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepSize {
    /// The optimizer and its schedule.
    Optimizer,
    /// The rule: its change is in the units of the weights, and added times the learning rate of the
    /// specification alone.
    Rule,
}

/// A local learning rule.
///
/// What every rule must keep to is written down, and can be tested, in [`contract`](crate::contract).
///
/// # Example
///
/// ```
/// use burn_dendrite_nn::numbers::Rows;
/// use burn_dendrite_optim::{Delta, LearningRule, Synapse};
///
/// /// Strengthens synapses between neurons that are active together.
/// #[derive(Debug)]
/// struct Together;
///
/// impl LearningRule for Together {
///     fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
///         synapse.outer(synapse.pre.forward(), synapse.post.forward())
///     }
/// }
/// ```
pub trait LearningRule: Debug + Send + Sync {
    /// Whether the rule's parameters are in range and it can work at this place.
    ///
    /// # Errors
    ///
    /// One sentence with what is accepted.
    fn check(&self, _site: &RuleSite) -> Result<(), String> {
        Ok(())
    }

    /// What the rule needs of the postsynaptic neuron; checked before anything runs.
    fn needs(&self) -> &'static [Signal] {
        &[]
    }

    /// What the rule remembers from one sample to the next; nothing unless it says so.
    fn memory(&self) -> Vec<Slot> {
        Vec::new()
    }

    /// Neurons beside those on both sides of a synapse whose dendrites the rule knows: those that the
    /// postsynaptic neurons end on, say. They need a dendrite and a plateau.
    fn feels(&self) -> Option<&PopulationName> {
        None
    }

    /// What a batch is to the rule; its samples one after another unless the rule says so.
    fn batch(&self) -> BatchMeaning {
        BatchMeaning::Samples
    }

    /// Who decides how large a step of the weights is; the optimizer unless the rule says so.
    fn step_size(&self) -> StepSize {
        StepSize::Optimizer
    }

    /// The change of the weights, averaged over the batch, before the learning rate.
    ///
    /// # Shapes
    ///
    /// - result: `[pre, post]`; of a bias, `[1, post]`
    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R>;

    /// What happens to synapses whose presynaptic neuron is and was silent; nothing unless it says
    /// so.
    fn idle(&self) -> Idle {
        Idle::Unchanged
    }

    /// What the rule remembers after the last sample of the batch: a row for each of its
    /// [`memory`](Self::memory) slots, in their order.
    ///
    /// # Shapes
    ///
    /// - each row: `[1, size]` of the slot's side
    fn remember<R: Rows>(&self, _synapse: &Synapse<'_, R>) -> Vec<R> {
        Vec::new()
    }
}

/// A [`LearningRule`] of any type, on either kind of numbers; every rule is one.
pub trait AnyRule: Debug + Send + Sync {
    /// [`LearningRule::check`].
    ///
    /// # Errors
    ///
    /// One sentence with what is accepted.
    fn check(&self, site: &RuleSite) -> Result<(), String>;

    /// [`LearningRule::needs`].
    fn needs(&self) -> &'static [Signal];

    /// [`LearningRule::memory`].
    fn memory(&self) -> Vec<Slot>;

    /// [`LearningRule::feels`].
    fn feels(&self) -> Option<&PopulationName>;

    /// [`LearningRule::step_size`].
    fn step_size(&self) -> StepSize;

    /// [`LearningRule::batch`].
    fn batch(&self) -> BatchMeaning;

    /// [`LearningRule::idle`].
    fn idle(&self) -> Idle;

    /// What the rule does on tensors.
    fn on_tensors(&self, synapse: &Synapse<'_>) -> RuleStep<Tensor<2>>;

    /// What the rule does in main memory.
    fn in_memory(&self, synapse: &Synapse<'_, HostRows>) -> RuleStep<HostRows>;
}

/// What a rule does in one step.
#[derive(Clone, Debug)]
pub struct RuleStep<R> {
    /// [`LearningRule::update`].
    pub delta: Delta<R>,
    /// [`LearningRule::remember`].
    pub remembered: Vec<R>,
}

impl<R: Rows> RuleStep<R> {
    fn of<L: LearningRule>(rule: &L, synapse: &Synapse<'_, R>) -> Self {
        Self {
            delta: rule.update(synapse),
            remembered: rule.remember(synapse),
        }
    }
}

impl<L: LearningRule> AnyRule for L {
    fn check(&self, site: &RuleSite) -> Result<(), String> {
        self.check(site)
    }

    fn needs(&self) -> &'static [Signal] {
        self.needs()
    }

    fn memory(&self) -> Vec<Slot> {
        self.memory()
    }

    fn feels(&self) -> Option<&PopulationName> {
        self.feels()
    }

    fn step_size(&self) -> StepSize {
        self.step_size()
    }

    fn batch(&self) -> BatchMeaning {
        self.batch()
    }

    fn idle(&self) -> Idle {
        self.idle()
    }

    fn on_tensors(&self, synapse: &Synapse<'_>) -> RuleStep<Tensor<2>> {
        RuleStep::of(self, synapse)
    }

    fn in_memory(&self, synapse: &Synapse<'_, HostRows>) -> RuleStep<HostRows> {
        RuleStep::of(self, synapse)
    }
}

/// Numbers that a rule of any type can work on.
pub(crate) trait Plastic: Rows {
    /// What the rule does on these numbers.
    fn step(rule: &dyn AnyRule, synapse: &Synapse<'_, Self>) -> RuleStep<Self>;
}

impl Plastic for Tensor<2> {
    fn step(rule: &dyn AnyRule, synapse: &Synapse<'_>) -> RuleStep<Self> {
        rule.on_tensors(synapse)
    }
}

impl Plastic for HostRows {
    fn step(rule: &dyn AnyRule, synapse: &Synapse<'_, Self>) -> RuleStep<Self> {
        rule.in_memory(synapse)
    }
}

/// How one parameter learns: by a local rule, or by backprop.
///
/// In a file a table with the key `kind`: a local rule's name, `backprop` or `dendritic_backprop`.
#[derive(Clone, Debug, PartialEq)]
pub enum RuleSpec {
    /// A rule that is local to its synapses.
    Local(LocalRule),
    /// Descent on the output loss, through the last settling steps.
    ///
    /// ```text
    /// Δw = −∂L/∂w,   L = mean over batch and output units of (target − r)²
    /// ```
    Backprop,
    /// Descent on the dendritic state of one population, through the last settling steps: how
    /// dendritic inhibition learns to cancel top-down input by a gradient of its own.
    ///
    /// ```text
    /// Δw = −∂D/∂w,   D = mean over batch and neurons of d²
    /// ```
    ///
    /// `d` is the dendritic state of `source` at the end of the forward phase, not clamped. Ports
    /// `Backprop_DendriticLoss` of EIANN (Galloni et al. 2025).
    DendriticBackprop {
        /// The population whose dendritic state is to vanish.
        source: PopulationName,
    },
}

const BACKPROP: &str = "backprop";
const DENDRITIC_BACKPROP: &str = "dendritic_backprop";

impl RuleSpec {
    /// The names that a file may give as `kind`.
    pub fn kinds() -> Vec<&'static str> {
        let mut kinds = LocalRule::kinds();
        kinds.extend([BACKPROP, DENDRITIC_BACKPROP]);
        kinds
    }

    /// The name that a file gives as `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local(rule) => rule.kind(),
            Self::Backprop => BACKPROP,
            Self::DendriticBackprop { .. } => DENDRITIC_BACKPROP,
        }
    }
}

impl<R: Into<LocalRule>> From<R> for RuleSpec {
    fn from(rule: R) -> Self {
        Self::Local(rule.into())
    }
}

/// The rules that are no [`LocalRule`], as a file writes them.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Descending {
    Backprop {},
    DendriticBackprop { source: PopulationName },
}

impl Serialize for RuleSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Local(rule) => rule.serialize(serializer),
            Self::Backprop => Descending::Backprop {}.serialize(serializer),
            Self::DendriticBackprop { source } => Descending::DendriticBackprop {
                source: source.clone(),
            }
            .serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RuleSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if let Some(error) = unknown_kind(&value, &Self::kinds()) {
            return Err(D::Error::custom(error));
        }
        let local = LocalRule::kinds();
        if local.iter().any(|kind| value["kind"] == *kind) {
            return serde_json::from_value(value)
                .map(Self::Local)
                .map_err(D::Error::custom);
        }
        match serde_json::from_value(value).map_err(D::Error::custom)? {
            Descending::Backprop {} => Ok(Self::Backprop),
            Descending::DendriticBackprop { source } => Ok(Self::DendriticBackprop { source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_and_written_alike_under_its_module_name() {
        let local = LocalRule::KINDS
            .iter()
            .map(|kind| serde_json::from_value(serde_json::json!({ "kind": kind })).unwrap());
        let mut all: Vec<RuleSpec> = local.collect();
        all.push(RuleSpec::Backprop);
        all.push(RuleSpec::DendriticBackprop {
            source: "H1.E".parse().unwrap(),
        });
        assert_eq!(all.len(), RuleSpec::kinds().len());
        for rule in all {
            let json = serde_json::to_value(&rule).unwrap();
            assert_eq!(json["kind"], rule.kind());
            assert_eq!(serde_json::from_value::<RuleSpec>(json).unwrap(), rule);
        }
    }

    #[test]
    fn unknown_rules_and_keys_are_refused() {
        let error = |text| {
            serde_json::from_str::<RuleSpec>(text)
                .unwrap_err()
                .to_string()
        };
        assert!(error(r#"{"kind":"backprob"}"#).contains("`backprop`"));
        assert!(error(r#"{"kind":"backprop","rate":1}"#).contains("`rate`"));
        assert!(error(r#"{"kind":"dendritic_target","gate":1}"#).contains("`gate`"));
        assert!(error(r#"{"kind":"dendritic_backprop"}"#).contains("`source`"));
    }
}
