//! Learning rules: from the signals at one synapse to its change.

use std::fmt::Debug;

use burn_dendrite_nn::{registry, spec::unknown_kind};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{Delta, Synapse};

registry! {
    /// A rule that is local to its synapses, as a file names it.
    pub enum LocalRule: LearningRule {
        dendritic_target::DendriticTarget,
        dendritic_loss::DendriticLoss,
        hebbian::Hebbian,
    }
}

pub use hebbian::{HebbianPhase, Rates};

/// Something at the postsynaptic neuron that a rule needs and not every population has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A dendritic state: projections end at the dendrite.
    Dendrite,
    /// A plateau potential: the population is nudged in the backward phase.
    Plateau,
    /// Activity of the backward phase.
    Nudged,
}

/// A local learning rule.
///
/// # Example
///
/// ```
/// use burn_dendrite_optim::{Delta, LearningRule, Signal, Synapse};
///
/// /// Weakens every synapse in proportion to its weight.
/// #[derive(Debug)]
/// struct Decay;
///
/// impl LearningRule for Decay {
///     fn update(&self, synapse: &Synapse<'_>) -> Delta {
///         (synapse.weight() * -1.0).into()
///     }
/// }
/// ```
pub trait LearningRule: Debug + Send + Sync {
    /// What the rule needs of the postsynaptic neuron; checked before anything runs.
    fn needs(&self) -> &'static [Signal] {
        &[]
    }

    /// The change of the weights, averaged over the batch, before the learning rate.
    ///
    /// # Shapes
    ///
    /// - result: `[pre, post]`; of a bias, `[1, post]`
    fn update(&self, synapse: &Synapse<'_>) -> Delta;
}

/// How one parameter learns: by a local rule, or by backprop of the output loss.
///
/// In a file a table with the key `kind`: a local rule's name, or `backprop`.
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
}

const BACKPROP: &str = "backprop";

impl RuleSpec {
    /// The names that a file may give as `kind`.
    pub fn kinds() -> Vec<&'static str> {
        LocalRule::KINDS.iter().copied().chain([BACKPROP]).collect()
    }

    /// The name that a file gives as `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Local(rule) => rule.kind(),
            Self::Backprop => BACKPROP,
        }
    }
}

impl<R: Into<LocalRule>> From<R> for RuleSpec {
    fn from(rule: R) -> Self {
        Self::Local(rule.into())
    }
}

impl Serialize for RuleSpec {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Local(rule) => rule.serialize(serializer),
            Self::Backprop => serde_json::json!({ "kind": BACKPROP }).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for RuleSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        if let Some(error) = unknown_kind(&value, &Self::kinds()) {
            return Err(D::Error::custom(error));
        }
        if value["kind"] != BACKPROP {
            return serde_json::from_value(value)
                .map(Self::Local)
                .map_err(D::Error::custom);
        }
        match value
            .as_object()
            .and_then(|table| table.keys().find(|key| *key != "kind"))
        {
            Some(key) => Err(D::Error::custom(format!(
                "unknown field `{key}`, there are no fields"
            ))),
            None => Ok(Self::Backprop),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_read_and_written_alike_under_its_module_name() {
        let all: Vec<RuleSpec> = vec![
            DendriticTarget {}.into(),
            DendriticLoss {}.into(),
            Hebbian::default().into(),
            RuleSpec::Backprop,
        ];
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
    }
}
