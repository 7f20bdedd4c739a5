//! The reference's learning rules in our terms.

use burn_dendrite_nn::{CellType, PopulationName, ProjectionName, SpecError};
use burn_dendrite_optim::{
    ActivityPhase, Gate, LearningSpec, Loss, NudgeSpec, Plasticity, RuleSpec, Select, Settling,
    Target,
    phase::PopulationNudge,
    rule::{
        BehavioralTimescale, BienenstockCooperMunro, DendriticLoss, DendriticTarget, Hebbian, Oja,
        Rates, TemporalContrast, TopDownContrast,
    },
};

use super::keys::Keys;

/// Collects rules, and the backward phase that they imply.
pub(super) struct Rules {
    learning_rate: f64,
    rules: Vec<Plasticity>,
    nudged: Vec<PopulationNudge>,
    /// The backward phase that the rules imply.
    settling: Option<Settling>,
}

const ACCEPTED: &str = "`BP_like_2E`, `BP_like_2L`, `Top_Layer_BP_like_2L`, `BTSP_19`, \
                        `Supervised_BCM_4`, `Hebbian_Temporal_Contrast`, \
                        `Top_Down_Hebbian_Temporal_Contrast_1`, \
                        `Top_Down_Hebbian_Temporal_Contrast_3`, `DendriticLoss_6`, \
                        `Hebb_WeightNorm`, `Hebb_WeightNorm_4`, `Ojas_rule`, \
                        `Backprop_DendriticLoss`, `Backprop`, null";

/// What a rule's backward phase assumes where the configuration says nothing.
#[derive(Clone, Copy)]
struct Defaults {
    gate: Gate,
    fraction: f64,
}

impl Defaults {
    const OPEN: Self = Self {
        gate: Gate::Open,
        fraction: 1.0,
    };
    const GATED: Self = Self {
        gate: Gate::Relu,
        fraction: 1.0,
    };
    const SPARSE: Self = Self {
        gate: Gate::Open,
        fraction: 0.025,
    };
}

impl Rules {
    pub(super) fn new(learning_rate: f64) -> Self {
        Self {
            learning_rate,
            rules: Vec::new(),
            nudged: Vec::new(),
            settling: None,
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
        let gate = backward_phase(&kind).map(|(settling, defaults)| {
            self.nudge(&name.post, settling, defaults, keys, &mut arguments, errors)
        });
        let rule: RuleSpec = match kind.as_str() {
            "Backprop" => RuleSpec::Backprop,
            "BP_like_2E" => DendriticTarget::default().into(),
            "BP_like_2L" => DendriticTarget {
                phase: phase(&mut arguments, errors),
                ..DendriticTarget::default()
            }
            .into(),
            "Top_Layer_BP_like_2L" => DendriticTarget {
                phase: ActivityPhase::Backward,
                ..DendriticTarget::default()
            }
            .into(),
            "BTSP_19" => behavioral_timescale(keys, &mut arguments, errors).into(),
            "Supervised_BCM_4" => {
                same_sign(sign, &mut arguments, errors);
                bienenstock_cooper_munro(&mut arguments, errors).into()
            }
            "Hebbian_Temporal_Contrast" => TemporalContrast {
                gate: gate.unwrap_or_default(),
            }
            .into(),
            "Top_Down_Hebbian_Temporal_Contrast_1" => {
                match arguments.flag("forward_only", errors) {
                    Some(true) => TopDownContrast {
                        phase: ActivityPhase::Forward,
                    }
                    .into(),
                    _ => TemporalContrast { gate: Gate::Open }.into(),
                }
            }
            "Top_Down_Hebbian_Temporal_Contrast_3" => TopDownContrast {
                phase: ActivityPhase::Backward,
            }
            .into(),
            "Ojas_rule" => Oja {
                phase: phase(&mut arguments, errors),
            }
            .into(),
            "Backprop_DendriticLoss" => match source(&mut arguments, errors) {
                Some(source) => RuleSpec::DendriticBackprop { source },
                None => return,
            },
            "DendriticLoss_6" => {
                same_sign(sign, &mut arguments, errors);
                DendriticLoss {}.into()
            }
            "Hebb_WeightNorm" | "Hebb_WeightNorm_4" => {
                same_sign(sign, &mut arguments, errors);
                let phase = phase(&mut arguments, errors);
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
            "DendriticLossBias" => DendriticTarget::default().into(),
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
            nudge.negative_above = None;
        }
        let backprop = (self.rules.iter()).any(|rule| !matches!(rule.rule, RuleSpec::Local(_)));
        if backprop && tracked_steps == 0 {
            let message = "is missing or 0 while projections learn by backprop";
            errors.push(SpecError::new("training_kwargs.backward_steps", message));
        }
        let nudge = self.settling.map(|settling| NudgeSpec {
            settling,
            populations: Some(self.nudged),
            ..NudgeSpec::default()
        });
        LearningSpec {
            nudge,
            tracked_steps: backprop.then_some(tracked_steps),
            loss: Loss::default(),
            rules: self.rules,
        }
    }
}

impl Rules {
    /// Reads what a rule says of the backward phase; its gate is returned.
    fn nudge(
        &mut self,
        name: &PopulationName,
        settling: Settling,
        defaults: Defaults,
        keys: &Keys<'_>,
        arguments: &mut Keys<'_>,
        errors: &mut Vec<SpecError>,
    ) -> Gate {
        if *self.settling.get_or_insert(settling) != settling {
            errors.push(SpecError::new(
                keys.path("learning_rule"),
                "its backward phase is another one than that of the rules before it; a network has \
                 one backward phase",
            ));
        }
        let fraction = arguments
            .number("max_pop_fraction", errors)
            .unwrap_or(defaults.fraction);
        let select = match arguments.flag("stochastic", errors) {
            Some(true) => Select::Random { fraction },
            _ if fraction >= 1.0 => Select::All,
            _ => Select::Strongest { fraction },
        };
        let gate = match arguments.flag("relu_gate", errors) {
            Some(true) => Gate::Relu,
            Some(false) => Gate::Open,
            None => defaults.gate,
        };
        let negative_above = arguments.number("neg_rate_th", errors);
        // The first incoming projection's parameters count for the population.
        if !self.nudged.iter().any(|known| known.name == *name) {
            self.nudged.push(PopulationNudge {
                name: name.clone(),
                gate: Some(gate),
                negative_above,
                select: Some(select),
            });
        }
        gate
    }
}

/// The backward phase that a rule of this name carries, and what it assumes of it.
fn backward_phase(kind: &str) -> Option<(Settling, Defaults)> {
    match kind {
        "BP_like_2E" => Some((Settling::Instant, Defaults::OPEN)),
        "BP_like_2L" => Some((Settling::Equilibrated, Defaults::OPEN)),
        "Supervised_BCM_4" => Some((Settling::Equilibrated, Defaults::SPARSE)),
        "BTSP_19" | "Hebbian_Temporal_Contrast" => Some((Settling::Equilibrated, Defaults::GATED)),
        "Top_Layer_BP_like_2L" => Some((Settling::OutputOnly, Defaults::GATED)),
        _ => None,
    }
}

/// The phase whose activity a rule sees.
fn phase(arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> ActivityPhase {
    match arguments.flag("forward_only", errors) {
        Some(true) => ActivityPhase::Forward,
        _ => ActivityPhase::Backward,
    }
}

fn behavioral_timescale(
    keys: &mut Keys<'_>,
    arguments: &mut Keys<'_>,
    errors: &mut Vec<SpecError>,
) -> BehavioralTimescale {
    let bounds = keys.take("weight_bounds").unwrap_or_default();
    let defaults = BehavioralTimescale::default();
    BehavioralTimescale {
        saturation: (bounds.get(1).and_then(serde_json::Value::as_f64))
            .unwrap_or(defaults.saturation),
        depression: (arguments.number("dep_ratio", errors)).unwrap_or(defaults.depression),
        depression_threshold: (arguments.number("dep_th", errors))
            .unwrap_or(defaults.depression_threshold),
        depression_width: (arguments.number("dep_width", errors))
            .unwrap_or(defaults.depression_width),
        discount: (arguments.number("temporal_discount", errors)).unwrap_or(defaults.discount),
    }
}

fn bienenstock_cooper_munro(
    arguments: &mut Keys<'_>,
    errors: &mut Vec<SpecError>,
) -> BienenstockCooperMunro {
    let mut required = |key: &str| {
        arguments.number(key, errors).unwrap_or_else(|| {
            errors.push(SpecError::new(
                arguments.path(key),
                "is missing; accepted: a number",
            ));
            1.0
        })
    };
    BienenstockCooperMunro {
        set_point: required("k"),
        threshold_tau: required("theta_tau"),
    }
}

/// The population on whose dendritic state a projection descends, written `H1.E`.
fn source(arguments: &mut Keys<'_>, errors: &mut Vec<SpecError>) -> Option<PopulationName> {
    let Some(source) = arguments.text("source", errors) else {
        errors.push(SpecError::new(
            arguments.path("source"),
            "is missing; accepted: a population, such as `H1.E`",
        ));
        return None;
    };
    match source.parse() {
        Ok(name) => Some(name),
        Err(message) => {
            errors.push(SpecError::new(arguments.path("source"), message));
            None
        }
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
