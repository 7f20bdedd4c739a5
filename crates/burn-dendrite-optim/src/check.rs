//! From a learning specification to rules in place, or to the list of all its mistakes.

use std::{collections::HashSet, sync::Arc};

use burn_dendrite_nn::{
    Activation, Compartment, Parameter, PerPopulation, Plan, PopulationId, PopulationName,
    SpecError, SpecErrors, error::unknown_name,
};

use crate::{
    AnyRule, Learning, LearningRule, LearningSpec, Loss, NudgeSpec, RuleSite, RuleSpec, Select,
    Signal, Target,
    backprop::Objective,
    phase::{Nudge, Plateau, Response, Settling, hears_from_above},
};

impl Learning {
    /// The same with one more rule, which need not be among those that a file can name.
    ///
    /// # Errors
    ///
    /// One sentence if the parameter does not exist, learns already, or lacks what the rule needs.
    pub fn with_rule(
        mut self,
        plan: &Plan,
        on: &Target,
        learning_rate: f64,
        rule: impl LearningRule + 'static,
    ) -> Result<Self, SpecError> {
        let path = || format!("rule[{on}]");
        let wrong = |message: String| SpecError::new(path(), message);
        let parameter = parameter(on, plan).map_err(wrong)?;
        if self.learned().any(|learned| learned == parameter) {
            return Err(wrong("it learns by another rule already".to_owned()));
        }
        self::learning_rate(learning_rate).map_err(wrong)?;
        let felt =
            local_rule_fits("the rule", &rule, parameter, plan, self.nudge()).map_err(wrong)?;
        self.add(parameter, learning_rate, Arc::new(rule), felt);
        Ok(self)
    }
}

impl LearningSpec {
    /// Checks the specification against a network and resolves its names.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its path and what would be accepted.
    pub fn check(&self, plan: &Plan) -> Result<Learning, SpecErrors> {
        let mut errors = Vec::new();
        let nudge = self
            .nudge
            .as_ref()
            .map(|nudge| nudged(nudge, plan, &mut errors));
        let mut learning = Learning::new(nudge);
        let mut seen = HashSet::new();
        for rule in &self.rules {
            let path = format!("rule[{}]", rule.on);
            let mut wrong = |key: &str, message: String| {
                errors.push(SpecError::new(format!("{path}{key}"), message));
            };
            if let Err(message) = learning_rate(rule.learning_rate) {
                wrong(".learning_rate", message);
            }
            if !seen.insert(&rule.on) {
                wrong("", "a rule for this is listed already".to_owned());
            }
            let parameter = match parameter(&rule.on, plan) {
                Ok(parameter) => parameter,
                Err(message) => {
                    wrong("", message);
                    continue;
                }
            };
            let rate = rule.learning_rate;
            let fits = match &rule.rule {
                RuleSpec::Local(local) => {
                    let fits =
                        local_rule_fits(local.kind(), &**local, parameter, plan, learning.nudge());
                    let felt = fits.as_ref().ok().copied().flatten();
                    learning.add(parameter, rate, local.shared(), felt);
                    fits.map(|_| ())
                }
                RuleSpec::Backprop => {
                    learning.add_descent(parameter, rate, Objective::Output(self.loss));
                    reaches_a_soma("backprop", parameter, plan)
                }
                RuleSpec::DendriticBackprop { source } => match dendrite_of(source, plan) {
                    Ok(id) => {
                        learning.add_descent(parameter, rate, Objective::DendriticState(id));
                        reaches_a_soma("dendritic_backprop", parameter, plan)
                    }
                    Err(message) => Err(message),
                },
            };
            if let Err(message) = fits {
                wrong(".rule", message);
            }
        }
        let output = &plan.populations[plan.output];
        if self.loss == Loss::CrossEntropy && output.activation != Activation::Softmax {
            let message = format!(
                "`cross_entropy` needs rates that sum to 1; accepted with it: `activation = \"softmax\"` for `{}`",
                output.name
            );
            errors.push(SpecError::new("loss", message));
        }
        match (self.tracked_steps, learning.uses_backprop()) {
        (Some(steps), true) if (1..=plan.steps).contains(&steps) => {
            learning.set_tracked_steps(steps);
        }
        (None, false) => {}
        (Some(_), false) => errors.push(SpecError::new(
            "tracked_steps",
            "no rule is `backprop` or `dendritic_backprop`, so there are no steps to track",
        )),
        (steps, true) => errors.push(SpecError::new(
            "tracked_steps",
            format!(
                "`tracked_steps` is {}; accepted with `backprop` rules: 1 to {}, the forward steps",
                steps.map_or_else(|| "missing".to_owned(), |steps| steps.to_string()),
                plan.steps
            ),
        )),
    }
        SpecErrors::or(errors, || learning)
    }
}

fn nudged(spec: &NudgeSpec, plan: &Plan, errors: &mut Vec<SpecError>) -> Nudge {
    let mut populations: PerPopulation<Option<Response>> =
        plan.populations.iter().map(|_| None).collect();
    let mut valid = |path: String, select: &Select| {
        if let Err(message) = select.check() {
            errors.push(SpecError::new(path, message));
        }
    };
    valid("nudge.select".to_owned(), &spec.select);
    let is_random = (spec.populations.iter().flatten())
        .map(|it| it.select.unwrap_or(spec.select))
        .chain([spec.select])
        .any(|select| matches!(select, Select::Random { .. }));
    if !(spec.bound.is_finite() && spec.bound > 0.0) {
        let message = format!("`bound` is {}; accepted: more than 0", spec.bound);
        errors.push(SpecError::new("nudge.bound", message));
    } else if spec.bound > 1.0 && is_random {
        let message =
            "plateaus that are events with a probability are at most 1; accepted: up to 1";
        errors.push(SpecError::new("nudge.bound", message));
    }
    if !(spec.strength.is_finite() && spec.strength > 0.0) {
        let message = format!("`strength` is {}; accepted: more than 0", spec.strength);
        errors.push(SpecError::new("nudge.strength", message));
    }
    let is_top_down = spec.settling == Settling::TopDown;
    if !is_top_down && (spec.plateau != Plateau::State || spec.strength != 1.0) {
        let message = "a difference, or a strength other than 1, needs `settling = \"top_down\"`";
        errors.push(SpecError::new("nudge.settling", message));
    }
    // The output's error reaches all of it, as in the reference: only dendrites are selective.
    let default = |is_output| {
        if is_output {
            Response {
                gate: spec.gate,
                ..Response::default()
            }
        } else {
            Response {
                gate: spec.gate,
                negative_above: spec.negative_above,
                select: spec.select,
            }
        }
    };
    let settling = spec.settling;
    let reached = |id| match settling {
        Settling::OutputOnly => id == plan.output,
        Settling::Instant | Settling::Equilibrated | Settling::TopDown => {
            id == plan.output || plan.has_dendrite(id)
        }
    };
    let Some(named) = &spec.populations else {
        for (id, _) in plan.populations.iter().filter(|(id, _)| reached(*id)) {
            populations[id] = Some(default(id == plan.output));
        }
        return Nudge {
            settling,
            plateau: spec.plateau,
            strength: spec.strength,
            bound: spec.bound,
            populations,
        };
    };
    for population in named {
        let path = format!("nudge.population[{}]", population.name);
        if let Some(Err(message)) = population.select.map(|select| select.check()) {
            errors.push(SpecError::new(format!("{path}.select"), message));
        }
        match plan.population(&population.name) {
            Err(message) => errors.push(SpecError::new(path, message)),
            Ok(id) if !reached(id) => {
                let message = match settling {
                    Settling::OutputOnly => {
                        "is not the output, and `settling = \"output_only\"` nudges nothing else"
                    }
                    Settling::Instant | Settling::Equilibrated | Settling::TopDown => {
                        "has no dendrite and is not the output, so nothing can nudge it"
                    }
                };
                errors.push(SpecError::new(path, message));
            }
            Ok(id) => {
                let default = default(id == plan.output);
                populations[id] = Some(Response {
                    gate: population.gate.unwrap_or(default.gate),
                    negative_above: population.negative_above.or(default.negative_above),
                    select: population.select.unwrap_or(default.select),
                });
            }
        }
    }
    Nudge {
        settling,
        plateau: spec.plateau,
        strength: spec.strength,
        bound: spec.bound,
        populations,
    }
}

pub(crate) fn learning_rate(rate: f64) -> Result<(), String> {
    if rate.is_finite() && rate >= 0.0 {
        Ok(())
    } else {
        Err(format!("`learning_rate` is {rate}; accepted: 0 or more"))
    }
}

/// The population whose dendritic state a rule descends on.
fn dendrite_of(source: &PopulationName, plan: &Plan) -> Result<PopulationId, String> {
    let id = plan.population(source)?;
    if plan.has_dendrite(id) {
        Ok(id)
    } else {
        Err(format!(
            "`dendritic_backprop` needs a `source` with a dendrite, and `{source}` has none"
        ))
    }
}

pub(crate) fn parameter(target: &Target, plan: &Plan) -> Result<Parameter, String> {
    match target {
        Target::Weight(name) => {
            let id = plan.projection_named(name)?;
            if plan.projection(id).is_owned() {
                Ok(Parameter::Weight(id))
            } else {
                Err("its weights are tied to another projection's and learn only there".to_owned())
            }
        }
        Target::Bias(name) => {
            let id = plan.population(name)?;
            if plan.populations[id].bias.is_some() {
                return Ok(Parameter::Bias(id));
            }
            let with: Vec<String> = (plan.populations.iter())
                .filter(|(_, population)| population.bias.is_some())
                .map(|(_, population)| population.name.to_string())
                .collect();
            match with.as_slice() {
                [] => Err(format!(
                    "`{name}` has no bias; give the population one first"
                )),
                with => Err(unknown_name(
                    "population with a bias",
                    &name.to_string(),
                    with,
                )),
            }
        }
    }
}

/// Whether gradients through the forward phase reach a parameter.
fn reaches_a_soma(kind: &str, parameter: Parameter, plan: &Plan) -> Result<(), String> {
    let reaches = match parameter {
        Parameter::Weight(id) => {
            let projection = plan.projection(id);
            projection.compartment == Compartment::Soma && projection.active.forward()
        }
        Parameter::Bias(_) => true,
    };
    if reaches {
        Ok(())
    } else {
        Err(format!(
            "`{kind}` needs a projection to a soma in the forward phase: gradients flow through no \
             other one"
        ))
    }
}

/// Whether a rule's parameters are in range and everything that it reads exists where it is used; the
/// population that it feels.
pub(crate) fn local_rule_fits(
    kind: &str,
    rule: &dyn AnyRule,
    parameter: Parameter,
    plan: &Plan,
    nudge: Option<&Nudge>,
) -> Result<Option<PopulationId>, String> {
    let (sender, post, site) = match parameter {
        Parameter::Weight(id) => {
            let projection = plan.projection(id);
            let pre = Some(projection.site.cell);
            (Some(projection.pre), projection.post, RuleSite { pre })
        }
        Parameter::Bias(id) => (None, id, RuleSite { pre: None }),
    };
    let is_nudged = |id: PopulationId| {
        nudge.is_some_and(|it| it.populations[id].is_some())
            && (id == plan.output || hears_from_above(plan, id))
    };
    rule.check(&site)?;
    let name = &plan.populations[post].name;
    rule.needs().iter().try_for_each(|signal| {
        let (exists, reason) = match signal {
            Signal::Dendrite => (
                plan.has_dendrite(post),
                format!("a dendrite, and `{name}` has none"),
            ),
            Signal::Plateau if nudge.is_some_and(|it| it.populations[post].is_some()) => (
                post == plan.output || hears_from_above(plan, post),
                format!("a plateau, and `{name}` has no dendritic input in the backward phase"),
            ),
            Signal::Plateau => (
                false,
                format!("a plateau, and `nudge` does not reach `{name}`"),
            ),
            Signal::PresynapticPlateau => (
                sender.is_some_and(is_nudged),
                "a presynaptic population that is nudged".to_owned(),
            ),
            Signal::Nudged => (
                nudge.is_some(),
                "a backward phase, and there is no `nudge`".to_owned(),
            ),
        };
        if exists {
            Ok(())
        } else {
            Err(format!("`{kind}` needs {reason}"))
        }
    })?;
    let Some(name) = rule.feels() else {
        return Ok(None);
    };
    let felt = plan.population(name)?;
    let is_top_down = nudge.is_some_and(|it| it.settling == Settling::TopDown);
    if is_top_down && hears_from_above(plan, felt) {
        Ok(Some(felt))
    } else {
        Err(format!(
            "`{kind}` feels `{name}`, which needs a dendrite with an input in the backward phase, and \
             `settling = \"top_down\"`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use burn_dendrite_nn::NetworkSpec;
    use serde_json::json;

    use super::*;
    use crate::Gate;

    #[test]
    fn a_dendrite_without_backward_input_gives_no_plateau() {
        let network = |active: &str| -> NetworkSpec {
            let excitatory = |name: &str| json!({"name": name, "size": 1, "cell": "excitatory"});
            let weight = json!({"kind": "half_kaiming"});
            serde_json::from_value(json!({
                "tau": 1.0,
                "steps": 1,
                "population": [excitatory("Input.E"), excitatory("H1.E"), excitatory("Output.E")],
                "projection": [
                    {"name": "H1.E<-Input.E", "weight": weight},
                    {"name": "H1.E<-Output.E", "compartment": "dendrite", "active": active,
                     "weight": weight},
                    {"name": "Output.E<-H1.E", "weight": weight},
                ],
            }))
            .unwrap()
        };
        let learning: LearningSpec = serde_json::from_value(json!({
            "nudge": {},
            "rule": [{"on": "H1.E<-Input.E", "learning_rate": 0.1,
                      "rule": {"kind": "dendritic_target"}}],
        }))
        .unwrap();
        let plan = |active| network(active).check().unwrap();
        assert!(learning.check(&plan("backward")).is_ok());
        let message = learning.check(&plan("forward")).unwrap_err().to_string();
        assert!(
            message.contains("`H1.E` has no dendritic input in the backward phase"),
            "{message}"
        );
    }

    /// An input, a hidden population with a dendrite, and an output.
    fn chain() -> Plan {
        let excitatory = |name: &str| json!({"name": name, "size": 1, "cell": "excitatory"});
        let weight = json!({"kind": "half_kaiming"});
        let network: NetworkSpec = serde_json::from_value(json!({
            "tau": 1.0,
            "steps": 1,
            "population": [excitatory("Input.E"), excitatory("H1.E"), excitatory("Output.E")],
            "projection": [
                {"name": "H1.E<-Input.E", "weight": weight},
                {"name": "H1.E<-Output.E", "compartment": "dendrite", "active": "backward",
                 "weight": weight},
                {"name": "Output.E<-H1.E", "weight": weight},
            ],
        }))
        .unwrap();
        network.check().unwrap()
    }

    fn checked(nudge: serde_json::Value) -> Result<Learning, SpecErrors> {
        let learning: LearningSpec = serde_json::from_value(json!({
            "nudge": nudge,
            "rule": [{"on": "H1.E<-Input.E", "learning_rate": 0.1,
                      "rule": {"kind": "hebbian"}}],
        }))
        .unwrap();
        learning.check(&chain())
    }

    #[test]
    fn only_events_with_a_probability_are_at_most_1() {
        let random = json!({"kind": "random", "fraction": 0.5});
        assert!(checked(json!({"bound": 2.0})).is_ok());
        assert!(checked(json!({"bound": 1.0, "select": random})).is_ok());
        assert!(checked(json!({"bound": 0.5, "select": random})).is_ok());
        for nudge in [
            json!({"bound": 2.0, "select": random}),
            json!({"bound": 2.0, "population": [{"name": "H1.E", "select": random}]}),
        ] {
            let message = checked(nudge).unwrap_err().to_string();
            assert!(
                message.contains("nudge.bound: plateaus that are events"),
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_named_is_nudged_as_it_says_and_nothing_else() {
        let named = json!({
            "gate": "relu",
            "negative_above": 0.25,
            "population": [{"name": "H1.E", "select": {"kind": "strongest", "fraction": 0.5}}],
        });
        let learning = checked(named).unwrap();
        let nudge = learning.nudge().unwrap();
        let responses: Vec<_> = nudge
            .populations
            .iter()
            .map(|(_, it)| it.as_ref())
            .collect();
        assert!(responses[0].is_none() && responses[2].is_none());
        let response = responses[1].unwrap();
        assert_eq!(response.gate, Gate::Relu);
        assert_eq!(response.negative_above, Some(0.25));
        assert_eq!(response.select, Select::Strongest { fraction: 0.5 });
        let message = checked(json!({"population": [{"name": "Input.E"}]})).unwrap_err();
        assert!(
            message
                .to_string()
                .contains("has no dendrite and is not the output"),
            "{message}"
        );
        let message = checked(json!({"settling": "output_only", "population": [{"name": "H1.E"}]}));
        let message = message.unwrap_err().to_string();
        assert!(message.contains("is not the output"), "{message}");
    }
}
