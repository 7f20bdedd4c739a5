//! From a learning specification to rules in place, or to the list of all its mistakes.

use std::collections::HashSet;

use burn_dendrite_nn::{
    Compartment, Parameter, PerPopulation, Plan, SpecError, SpecErrors, error::unknown_name,
};

use crate::{
    Gate, Learning, LearningSpec, NudgeSpec, Plasticity, RuleSpec, Select, Signal, Target,
    phase::Nudge,
};

pub(crate) fn check(spec: &LearningSpec, plan: &Plan) -> Result<Learning, SpecErrors> {
    let mut errors = Vec::new();
    let nudge = spec
        .nudge
        .as_ref()
        .map(|nudge| nudged(nudge, plan, &mut errors));
    let mut learning = Learning::new(nudge);
    let mut seen = HashSet::new();
    for rule in &spec.rules {
        let path = format!("rule[{}]", rule.on);
        let mut wrong = |key: &str, message: String| {
            errors.push(SpecError::new(format!("{path}{key}"), message));
        };
        if !(rule.learning_rate.is_finite() && rule.learning_rate >= 0.0) {
            let rate = rule.learning_rate;
            wrong(
                ".learning_rate",
                format!("`learning_rate` is {rate}; accepted: 0 or more"),
            );
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
        if let Err(message) = fits(rule, parameter, plan, learning.nudge()) {
            wrong(".rule", message);
        }
        match &rule.rule {
            RuleSpec::Local(local) => learning.add(parameter, rule.learning_rate, local.clone()),
            RuleSpec::Backprop => learning.add_backprop(parameter, rule.learning_rate),
        }
    }
    match (spec.tracked_steps, learning.uses_backprop()) {
        (Some(steps), true) if (1..=plan.steps).contains(&steps) => {
            learning.set_tracked_steps(steps);
        }
        (None, false) => {}
        (Some(_), false) => errors.push(SpecError::new(
            "tracked_steps",
            "no rule is `backprop`, so there are no steps to track",
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

fn nudged(spec: &NudgeSpec, plan: &Plan, errors: &mut Vec<SpecError>) -> Nudge {
    let mut populations: PerPopulation<Option<(Gate, Select)>> =
        plan.populations.iter().map(|_| None).collect();
    let mut valid = |path: String, select: &Select| {
        if let Err(message) = select.check() {
            errors.push(SpecError::new(path, message));
        }
    };
    valid("nudge.select".to_owned(), &spec.select);
    // The output's error reaches all of it, as in the reference: only dendrites are selective.
    let default_select = |is_output| if is_output { Select::All } else { spec.select };
    let Some(named) = &spec.populations else {
        for (id, _) in plan.populations.iter() {
            if id == plan.output || plan.has_dendrite(id) {
                populations[id] = Some((spec.gate, default_select(id == plan.output)));
            }
        }
        return Nudge { populations };
    };
    for population in named {
        let path = format!("nudge.population[{}]", population.name);
        let is_output = plan.populations[plan.output].name == population.name;
        let select = population
            .select
            .unwrap_or_else(|| default_select(is_output));
        if population.select.is_some()
            && let Err(message) = select.check()
        {
            errors.push(SpecError::new(format!("{path}.select"), message));
        }
        match plan.population(&population.name) {
            Err(message) => errors.push(SpecError::new(path, message)),
            Ok(id) if id != plan.output && !plan.has_dendrite(id) => {
                errors.push(SpecError::new(
                    path,
                    "has no dendrite and is not the output, so nothing can nudge it",
                ));
            }
            Ok(id) => {
                populations[id] = Some((population.gate.unwrap_or(spec.gate), select));
            }
        }
    }
    Nudge { populations }
}

fn parameter(target: &Target, plan: &Plan) -> Result<Parameter, String> {
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

/// Whether everything that the rule reads exists where it is used.
fn fits(
    plasticity: &Plasticity,
    parameter: Parameter,
    plan: &Plan,
    nudge: Option<&Nudge>,
) -> Result<(), String> {
    let kind = plasticity.rule.kind();
    let (post, compartment) = match parameter {
        Parameter::Weight(id) => {
            let projection = plan.projection(id);
            (projection.post, projection.compartment)
        }
        Parameter::Bias(id) => (id, Compartment::Soma),
    };
    let name = &plan.populations[post].name;
    let RuleSpec::Local(rule) = &plasticity.rule else {
        let forward = match parameter {
            Parameter::Weight(id) => plan.projection(id).active.forward(),
            Parameter::Bias(_) => true,
        };
        return if compartment == Compartment::Soma && forward {
            Ok(())
        } else {
            Err(
                "`backprop` needs a projection to a soma in the forward phase: no other one \
                 changes the output"
                    .to_owned(),
            )
        };
    };
    rule.needs().iter().try_for_each(|signal| {
        let (exists, reason) = match signal {
            Signal::Dendrite => (
                plan.has_dendrite(post),
                format!("a dendrite, and `{name}` has none"),
            ),
            Signal::Plateau => (
                nudge.is_some_and(|nudge| nudge.populations[post].is_some()),
                format!("a plateau, and `nudge` does not reach `{name}`"),
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
    })
}
