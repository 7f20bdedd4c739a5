//! The reference's learning rules in our terms.

use burn_dendrite_nn::{CellType, PopulationName, ProjectionName, SpecError};
use burn_dendrite_optim::{
    Gate, LearningSpec, NudgeSpec, Plasticity, RuleSpec, Select, Target,
    phase::PopulationNudge,
    rule::{DendriticLoss, DendriticTarget, Hebbian, HebbianPhase, Rates},
};

use super::keys::Keys;

/// Collects rules, and the backward phase that they imply.
pub(super) struct Rules {
    learning_rate: f64,
    rules: Vec<Plasticity>,
    nudged: Vec<PopulationNudge>,
}

const ACCEPTED: &str = "`BP_like_2E`, `DendriticLoss_6`, `Hebb_WeightNorm`, \
                        `Hebb_WeightNorm_4`, `Backprop`, null";

impl Rules {
    pub(super) fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            rules: Vec::new(),
            nudged: Vec::new(),
        }
    }

    /// Reads the rule of a projection; a missing key means backprop, an explicit null none.
    pub(super) fn on_projection(
        &mut self,
        name: &ProjectionName,
        cell: Option<CellType>,
        keys: &mut Keys<'_>,
        errors: &mut Vec<SpecError>,
    ) {
        let arguments = keys.take("learning_rule_kwargs").unwrap_or_default();
        let mut arguments = Keys::new(&keys.path("learning_rule_kwargs"), &arguments);
        let learning_rate = arguments
            .number("learning_rate", errors)
            .unwrap_or(self.learning_rate);
        let missing = !keys.has("learning_rule");
        let kind = match keys.text("learning_rule", errors) {
            Some(kind) => kind,
            None if missing => "Backprop".to_owned(),
            None => return,
        };
        let sign = cell.map_or(1.0, CellType::sign);
        let rule: RuleSpec = match kind.as_str() {
            "Backprop" => RuleSpec::Backprop,
            "BP_like_2E" => {
                let nudge = nudge(&name.post, &mut arguments, errors);
                // The first incoming projection's parameters count for the population.
                if !self.nudged.iter().any(|known| known.name == name.post) {
                    self.nudged.push(nudge);
                }
                DendriticTarget {}.into()
            }
            "DendriticLoss_6" => {
                same_sign(sign, &mut arguments, errors);
                DendriticLoss {}.into()
            }
            "Hebb_WeightNorm" | "Hebb_WeightNorm_4" => {
                same_sign(sign, &mut arguments, errors);
                let phase = match arguments.flag("forward_only", errors) {
                    Some(true) => HebbianPhase::Forward,
                    _ => HebbianPhase::Backward,
                };
                let bounded = kind.ends_with("_4");
                let rates = if bounded {
                    Rates::Bounded
                } else {
                    Rates::Unbounded
                };
                Hebbian { phase, rates }.into()
            }
            other => return keys.refuse("learning_rule", other, ACCEPTED, errors),
        };
        arguments.finish(errors);
        self.rules.push(Plasticity {
            on: Target::Weight(name.clone()),
            learning_rate,
            rule,
        });
    }

    /// Reads the rule of a bias; true where it learns.
    pub(super) fn on_bias(
        &mut self,
        name: &PopulationName,
        keys: &mut Keys<'_>,
        errors: &mut Vec<SpecError>,
    ) -> bool {
        let arguments = keys.take("bias_learning_rule_kwargs").unwrap_or_default();
        let mut arguments = Keys::new(&keys.path("bias_learning_rule_kwargs"), &arguments);
        let learning_rate = arguments
            .number("learning_rate", errors)
            .unwrap_or(self.learning_rate);
        let Some(kind) = keys.text("bias_learning_rule", errors) else {
            return false;
        };
        let rule: RuleSpec = match kind.as_str() {
            "Backprop" | "BackpropBias" => RuleSpec::Backprop,
            "DendriticLossBias" => DendriticTarget {}.into(),
            other => {
                let accepted = "`DendriticLossBias`, `Backprop`, `BackpropBias`, null";
                keys.refuse("bias_learning_rule", other, accepted, errors);
                return false;
            }
        };
        arguments.finish(errors);
        self.rules.push(Plasticity {
            on: Target::Bias(name.clone()),
            learning_rate,
            rule,
        });
        true
    }

    pub(super) fn into_learning(
        mut self,
        tracked_steps: usize,
        output: Option<&PopulationName>,
        errors: &mut Vec<SpecError>,
    ) -> LearningSpec {
        // The reference reads the output's selection and then nudges all of its units.
        for nudge in self
            .nudged
            .iter_mut()
            .filter(|nudge| Some(&nudge.name) == output)
        {
            nudge.select = Some(Select::All);
        }
        let backprop = self
            .rules
            .iter()
            .any(|rule| rule.rule == RuleSpec::Backprop);
        if backprop && tracked_steps == 0 {
            let message = "is missing or 0 while projections learn by backprop";
            errors.push(SpecError::new("training_kwargs.backward_steps", message));
        }
        let nudge = (!self.nudged.is_empty()).then(|| NudgeSpec {
            populations: Some(self.nudged),
            ..NudgeSpec::default()
        });
        LearningSpec {
            nudge,
            tracked_steps: backprop.then_some(tracked_steps),
            rules: self.rules,
        }
    }
}

fn nudge(
    name: &PopulationName,
    arguments: &mut Keys<'_>,
    errors: &mut Vec<SpecError>,
) -> PopulationNudge {
    let fraction = arguments.number("max_pop_fraction", errors).unwrap_or(1.0);
    let select = match arguments.flag("stochastic", errors) {
        Some(true) => Select::Random { fraction },
        _ if fraction >= 1.0 => Select::All,
        _ => Select::Strongest { fraction },
    };
    let gate = match arguments.flag("relu_gate", errors) {
        Some(true) => Gate::Relu,
        _ => Gate::Open,
    };
    PopulationNudge {
        name: name.clone(),
        gate: Some(gate),
        select: Some(select),
    }
}

/// The sign of a rule follows from the presynaptic cell here, so any other one is refused.
fn same_sign(cell: f64, arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) {
    let sign = arguments.number("sign", errors).unwrap_or(1.0);
    if sign != cell {
        let accepted = format!("{cell}, the sign of the presynaptic cell");
        arguments.refuse("sign", &sign.to_string(), &accepted, errors);
    }
}
