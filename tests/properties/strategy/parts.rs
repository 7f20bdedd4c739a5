//! From choices to rules, initialisers, projections and nudges.

use serde_json::Value;

use super::*;

impl RuleSketch {
    pub(super) fn plasticity(&self, on: Target, rule: RuleSpec) -> Plasticity {
        Plasticity {
            on,
            learning_rate: self.learning_rate,
            rule,
        }
    }

    /// The rule with one of its fields another one, where that is still the rule.
    pub(super) fn vary(&self, rule: RuleSpec) -> RuleSpec {
        const WORDS: [&str; 6] = [
            "forward",
            "backward",
            "open",
            "relu",
            "bounded",
            "unbounded",
        ];
        let mut value = serde_json::to_value(&rule).unwrap();
        let table = value.as_object_mut().unwrap();
        let fields: Vec<String> = table.keys().filter(|it| *it != "kind").cloned().collect();
        if fields.is_empty() {
            return rule;
        }
        let field = self.field.get(&fields);
        let candidates: Vec<Value> = match &table[field] {
            Value::Number(number) => {
                vec![number.as_f64().map_or(0.0, |it| it * self.factor).into()]
            }
            _ => WORDS.map(Value::from).to_vec(),
        };
        let varied = candidates.into_iter().filter_map(|candidate| {
            value[field] = candidate;
            serde_json::from_value::<RuleSpec>(value.clone()).ok()
        });
        let varied: Vec<RuleSpec> = varied.collect();
        match varied.as_slice() {
            [] => rule,
            varied => self.word.get(varied).clone(),
        }
    }
}

impl InitSketch {
    pub(super) fn build(&self, cell: CellType) -> InitializerSpec {
        let scale = self.scale;
        let sign = cell.sign();
        let kaiming: InitializerSpec = match cell {
            CellType::Unconstrained => ScaledKaiming { scale }.into(),
            _ => HalfKaiming { scale }.into(),
        };
        let all = [
            kaiming,
            ScaledKaiming { scale }.into(),
            Uniform {
                low: -0.5 * scale,
                high: scale,
            }
            .into(),
            Normal {
                mean: 0.1 * sign,
                standard_deviation: scale,
            }
            .into(),
            Constant {
                value: sign * scale,
            }
            .into(),
        ];
        let legal: Vec<_> = all
            .into_iter()
            .filter(|it| it.check(cell).is_ok())
            .collect();
        self.kind.get(&legal).clone()
    }
}

impl ProjectionSketch {
    /// The projection with weights of its own.
    pub(super) fn owning(
        &self,
        name: ProjectionName,
        post: &PopulationSpec,
        pre: &PopulationSpec,
    ) -> ProjectionSpec {
        let within = post.name == pre.name;
        let geometry = *self.geometry.get(&GEOMETRIES);
        let is_dense = geometry == GeometrySpec::Dense;
        let constraints = self.constraints.iter().map(|(choice, value)| {
            let mut all: Vec<ConstraintSpec> = vec![
                UpperBound { magnitude: *value }.into(),
                FanInSum {
                    total: *value,
                    autapses: Autapses::Removed,
                }
                .into(),
                FanInSum {
                    total: *value,
                    autapses: Autapses::Kept,
                }
                .into(),
            ];
            if within && is_dense {
                all.push(NoAutapses {}.into());
            }
            choice.get(&all).clone()
        });
        ProjectionSpec {
            name,
            compartment: *self.compartment.get(&COMPARTMENTS),
            timing: *self.timing.get(&TIMINGS),
            active: *self.active.get(&PHASES),
            geometry,
            hears: Grain::Units,
            reaches: Grain::Units,
            weight: WeightSpec::Own(self.init.build(pre.cell)),
            constraints: constraints.collect(),
        }
    }
}

impl NudgeSketch {
    pub(super) fn build(&self, plan: &Plan, selections: &[Select]) -> NudgeSpec {
        let settling = *self.settling.get(&SETTLINGS);
        let reached: Vec<PopulationName> = (plan.populations.iter())
            .filter(|(id, _)| {
                *id == plan.output || (settling != Settling::OutputOnly && plan.has_dendrite(*id))
            })
            .map(|(_, population)| population.name.clone())
            .collect();
        let named = self.named.as_ref().map(|named| {
            let mut populations: Vec<PopulationNudge> = Vec::new();
            for (choice, gate, negative_above, select) in named {
                let name = choice.get(&reached).clone();
                if populations.iter().all(|it| it.name != name) {
                    populations.push(PopulationNudge {
                        name,
                        gate: Some(*gate.get(&GATES)),
                        negative_above: *negative_above,
                        select: Some(*select.get(selections)),
                    });
                }
            }
            populations
        });
        NudgeSpec {
            settling,
            gate: *self.gate.get(&GATES),
            negative_above: self.negative_above,
            select: *self.select.get(selections),
            populations: named,
            ..NudgeSpec::default()
        }
    }
}
