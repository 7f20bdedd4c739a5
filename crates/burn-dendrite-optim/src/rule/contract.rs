//! What every learning rule must keep to, and a test of it for any rule.

use std::{fmt, sync::Arc};

use burn::tensor::{Device, Distribution, Tensor};
use burn_dendrite_nn::{Network, NetworkSpec, Parameter, Plan, ProjectionId};
use serde_json::json;

use super::{Idle, LearningRule};
use crate::{
    Learning, NudgeSpec, RuleMemory, Settling, check::local_rule_fits, fused::FusedTrainer,
};

/// A clause of the contract between learning rules and everybody who uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// The rule can be used on at least one projection of a network with dendrites.
    Usable,
    /// The change has the shape `[pre, post]` of the weights.
    Shape,
    /// The change is finite, also for silent and for saturated neurons.
    Finite,
    /// Silent presynaptic neurons leave their synapses alone, unless [`LearningRule::idle`] says
    /// otherwise.
    Idle,
    /// The same signals give the same bits.
    Deterministic,
    /// A batch gives the mean of what its samples give one after another with the weights held
    /// still, and leaves the same memory.
    Batch,
    /// Dale's law holds once the change is applied.
    Dale,
    /// A rule with a [factored form](LearningRule::factored) gives the same weights by it, and leaves
    /// the same memory.
    Factored,
}

/// A rule that breaks its contract.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {clause}")]
pub struct Breach {
    /// The clause.
    pub clause: Clause,
    /// The projection, and the signals there.
    pub place: String,
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usable => {
                "no projection of the test network is accepted by its `check` and `needs`"
            }
            Self::Shape => "the change does not have the shape [pre, post] of the weights",
            Self::Finite => "the change is not finite",
            Self::Idle => {
                "synapses of silent presynaptic neurons change, and `idle` does not say so"
            }
            Self::Deterministic => "the same signals give different changes",
            Self::Batch => "a batch does not give the mean of what its samples give in order",
            Self::Dale => "Dale's law does not hold once the change is applied",
            Self::Factored => "the factored form gives other weights, or leaves another memory",
        })
    }
}

/// Tests a rule on every projection that it accepts, in a small network with excitatory and
/// inhibitory populations, dendrites, and each kind of backward phase.
///
/// # Errors
///
/// The first clause that the rule breaks.
pub fn check(rule: &Arc<dyn LearningRule>, device: &Device) -> Result<(), Breach> {
    let plan = test_network().check().map_err(|errors| Breach {
        clause: Clause::Usable,
        place: errors.to_string(),
    })?;
    let network = Network::new(plan.clone(), 1, device);
    let mut used = false;
    for settling in [
        Settling::Instant,
        Settling::Equilibrated,
        Settling::OutputOnly,
    ] {
        for index in 0..plan.projections.len() {
            let subject = Subject {
                rule,
                network: &network,
                projection: ProjectionId(index),
                settling,
            };
            if let Some(learning) = subject.learning(&plan) {
                used = true;
                subject.check(&learning, device)?;
            }
        }
    }
    if used {
        Ok(())
    } else {
        Err(Breach {
            clause: Clause::Usable,
            place: "the whole test network".to_owned(),
        })
    }
}

/// Every kind of projection: feed-forward, lateral, onto a dendrite from below and from above, from
/// excitatory and from inhibitory cells.
fn test_network() -> NetworkSpec {
    let random = json!({ "kind": "half_kaiming" });
    let spec = json!({
        "tau": 3.0,
        "steps": 4,
        "population": [
            { "name": "Input.E", "size": 6, "cell": "excitatory" },
            { "name": "H.E", "size": 8, "cell": "excitatory" },
            { "name": "H.SomaI", "size": 3, "cell": "inhibitory" },
            { "name": "H.DendI", "size": 4, "cell": "inhibitory" },
            { "name": "Output.E", "size": 5, "cell": "excitatory" },
        ],
        "projection": [
            { "name": "H.E<-Input.E", "weight": random },
            { "name": "H.E<-H.SomaI", "timing": "previous", "weight": random },
            { "name": "H.E<-H.DendI", "compartment": "dendrite", "timing": "previous", "active": "backward", "weight": random },
            { "name": "H.E<-Output.E", "compartment": "dendrite", "active": "backward", "weight": random },
            { "name": "H.SomaI<-H.E", "timing": "previous", "weight": random },
            { "name": "H.DendI<-H.E", "timing": "previous", "active": "both", "weight": random },
            { "name": "H.DendI<-H.DendI", "timing": "previous", "weight": random },
            { "name": "Output.E<-H.E", "weight": random },
        ],
    });
    serde_json::from_value(spec).expect("the test network is written correctly")
}

/// The rule at one place.
struct Subject<'a> {
    rule: &'a Arc<dyn LearningRule>,
    network: &'a Network,
    projection: ProjectionId,
    settling: Settling,
}

impl Subject<'_> {
    /// The rule in place; `None` where it does not accept the place.
    fn learning(&self, plan: &Plan) -> Option<Learning> {
        let spec = crate::LearningSpec {
            nudge: Some(NudgeSpec {
                settling: self.settling,
                ..NudgeSpec::default()
            }),
            ..crate::LearningSpec::default()
        };
        let mut learning = spec.check(plan).ok()?;
        let parameter = Parameter::Weight(self.projection);
        let rule = &**self.rule;
        local_rule_fits("the rule", rule, parameter, plan, learning.nudge()).ok()?;
        learning.add(parameter, 1.0, self.rule.clone());
        Some(learning)
    }

    fn check(&self, learning: &Learning, device: &Device) -> Result<(), Breach> {
        let random = Tensor::random([3, 6], Distribution::Uniform(0.0, 2.0), device);
        let inputs = [
            ("ordinary", random.clone()),
            ("silent", random.zeros_like()),
            ("saturated", random.full_like(1e4)),
        ];
        let target = Tensor::<1, burn::tensor::Int>::from_ints([0, 2, 2], device)
            .one_hot::<2>(5)
            .float();
        for (kind, input) in inputs {
            self.check_input(learning, kind, &input, &target)?;
        }
        Ok(())
    }

    fn check_input(
        &self,
        learning: &Learning,
        kind: &str,
        input: &Tensor<2>,
        target: &Tensor<2>,
    ) -> Result<(), Breach> {
        let plan = self.network.plan();
        let projection = plan.projection(self.projection);
        let breach = |clause| {
            let place = format!(
                "{}, {kind} input, {:?} nudge",
                projection.name, self.settling
            );
            Err(Breach { clause, place })
        };
        let step = |memory: &RuleMemory, rows: std::ops::Range<usize>| {
            let slice =
                |tensor: &Tensor<2>| tensor.clone().narrow(0, rows.start, rows.end - rows.start);
            let outcome = learning.run(self.network, memory, slice(input), slice(target), &mut ());
            memory.keep(outcome.remembered.clone());
            let change = outcome.updates.get(Parameter::Weight(self.projection));
            (
                change.unwrap_or_else(|| Tensor::zeros([0, 0], &input.device())),
                outcome,
            )
        };
        let rows = input.dims()[0];
        let together = learning.memory(self.network);
        let (change, outcome) = step(&together, 0..rows);

        if change.dims() != [projection.site.pre, projection.site.post] {
            return breach(Clause::Shape);
        }
        let values = numbers(change.clone());
        if values.iter().any(|value| !value.is_finite()) {
            return breach(Clause::Finite);
        }
        let pre = [&outcome.trace.forward, &outcome.trace.nudged].map(|state| {
            let current = numbers(state.activity[projection.pre].clone());
            let previous = numbers(state.previous[projection.pre].clone());
            current
                .into_iter()
                .chain(previous)
                .all(|value| value == 0.0)
        });
        let silent = pre.into_iter().all(|silent| silent);
        let changed = values.iter().any(|value| *value != 0.0);
        if silent && changed && self.rule.idle() == Idle::Unchanged {
            return breach(Clause::Idle);
        }
        if numbers(step(&learning.memory(self.network), 0..rows).0) != values {
            return breach(Clause::Deterministic);
        }

        let apart = learning.memory(self.network);
        let alone = (0..rows).map(|row| step(&apart, row..row + 1).0);
        let mean = alone
            .reduce(|sum, change| sum + change)
            .map(|sum| numbers(sum / rows as f64));
        let memories = |memory: &RuleMemory| {
            let values = memory.values().into_iter();
            values
                .flat_map(|value| numbers(value.unsqueeze()))
                .collect::<Vec<f64>>()
        };
        if !mean.is_some_and(|mean| close(&values, &mean))
            || !close(&memories(&together), &memories(&apart))
        {
            return breach(Clause::Batch);
        }

        let sign = projection.site.cell.sign();
        let updated = outcome.updates.apply(self.network.clone());
        let weights = numbers(updated.weight(self.projection));
        if weights.iter().any(|weight| weight * sign < 0.0) {
            return breach(Clause::Dale);
        }

        let memory = learning.memory(self.network);
        if let Ok(mut fused) = FusedTrainer::new(self.network, &memory, learning) {
            let flat = |tensor: &Tensor<2>| -> Vec<f32> { tensor.to_data().iter().collect() };
            fused.step(&flat(input), &flat(target), 1.0);
            memory.keep(fused.remembered());
            let network = fused.network(self.network.clone());
            if !close(&numbers(network.weight(self.projection)), &weights)
                || !close(&memories(&memory), &memories(&together))
            {
                return breach(Clause::Factored);
            }
        }
        Ok(())
    }
}

fn numbers(tensor: Tensor<2>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// Equal to what single precision gives, relative to the largest value; a tenth stands for it where
/// large terms cancel.
fn close(one: &[f64], other: &[f64]) -> bool {
    let scale = one
        .iter()
        .chain(other)
        .fold(0.1, |scale: f64, value| scale.max(value.abs()));
    one.len() == other.len()
        && (one.iter().zip(other)).all(|(one, other)| (one - other).abs() <= 1e-5 * scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Delta, LocalRule, Side, Slot, Synapse,
        fused::{FactoredRule, Factors, Sample, Samples},
    };

    fn breach(rule: impl LearningRule + 'static) -> Option<Clause> {
        let rule: Arc<dyn LearningRule> = Arc::new(rule);
        check(&rule, &crate::test_device())
            .err()
            .map(|breach| breach.clause)
    }

    /// Every rule that is registered is tested here, without a word in this file.
    #[test]
    fn every_registered_rule_keeps_the_contract() {
        for kind in LocalRule::KINDS {
            let rule: LocalRule = serde_json::from_value(json!({ "kind": kind }))
                .unwrap_or_else(|error| panic!("{kind}: each field needs a default: {error}"));
            let again: LocalRule =
                serde_json::from_value(serde_json::to_value(&rule).unwrap()).unwrap();
            assert_eq!(again, rule);
            let rule: Arc<dyn LearningRule> = Arc::new(rule);
            if let Err(breach) = check(&rule, &crate::test_device()) {
                panic!("{kind}: {breach}");
            }
        }
    }

    /// Right as tensors, and twice as much as factors.
    #[derive(Debug)]
    struct Inconsistent;

    impl LearningRule for Inconsistent {
        fn update(&self, synapse: &Synapse<'_>) -> Delta {
            synapse.outer(synapse.pre.forward(), synapse.post.forward())
        }

        fn factored(&self) -> Option<&dyn FactoredRule> {
            Some(self)
        }
    }

    impl FactoredRule for Inconsistent {
        fn factors(&self, samples: Samples<'_>, _: &mut [Vec<f32>], factors: &mut Factors) {
            for Sample { pre, post } in samples.iter() {
                let twice = post.forward.iter().map(|rate| 2.0 * rate);
                factors.add(pre.forward.iter().copied(), twice);
            }
        }
    }

    #[test]
    fn factors_that_give_another_change_are_found() {
        assert_eq!(breach(Inconsistent), Some(Clause::Factored));
    }

    /// Adds the same everywhere.
    #[derive(Debug)]
    struct Constant(f64);

    impl LearningRule for Constant {
        fn update(&self, synapse: &Synapse<'_>) -> Delta {
            synapse.weight().full_like(self.0).into()
        }
    }

    #[test]
    fn a_rule_that_changes_idle_synapses_is_caught() {
        assert_eq!(breach(Constant(1.0)), Some(Clause::Idle));
        assert_eq!(breach(Constant(0.0)), None);
    }

    #[test]
    fn a_rule_that_is_not_finite_is_caught() {
        assert_eq!(breach(Constant(f64::NAN)), Some(Clause::Finite));
    }

    /// Sums over the batch where it ought to average.
    #[derive(Debug)]
    struct Sum;

    impl LearningRule for Sum {
        fn update(&self, synapse: &Synapse<'_>) -> Delta {
            let (pre, post) = (synapse.pre.forward(), synapse.post.forward());
            pre.transpose().matmul(post).into()
        }
    }

    #[test]
    fn a_rule_that_sums_over_the_batch_is_caught() {
        assert_eq!(breach(Sum), Some(Clause::Batch));
    }

    /// Counts batches instead of samples.
    #[derive(Debug)]
    struct Counting;

    impl LearningRule for Counting {
        fn memory(&self) -> Vec<Slot> {
            vec![Slot {
                name: "count",
                side: Side::Postsynaptic,
                start: 0.0,
            }]
        }

        fn update(&self, synapse: &Synapse<'_>) -> Delta {
            synapse.weight().zeros_like().into()
        }

        fn remember(&self, synapse: &Synapse<'_>) -> Vec<Tensor<2>> {
            vec![synapse.memory(0) + 1.0]
        }
    }

    #[test]
    fn a_memory_that_counts_batches_is_caught() {
        assert_eq!(breach(Counting), Some(Clause::Batch));
    }

    /// The transposed shape.
    #[derive(Debug)]
    struct Transposed;

    impl LearningRule for Transposed {
        fn update(&self, synapse: &Synapse<'_>) -> Delta {
            synapse.weight().transpose().zeros_like().into()
        }
    }

    #[test]
    fn a_wrong_shape_is_caught() {
        assert_eq!(breach(Transposed), Some(Clause::Shape));
    }

    /// Nowhere allowed.
    #[derive(Debug)]
    struct Nowhere;

    impl LearningRule for Nowhere {
        fn check(&self, _site: &crate::RuleSite) -> Result<(), String> {
            Err("never".to_owned())
        }

        fn update(&self, synapse: &Synapse<'_>) -> Delta {
            synapse.weight().into()
        }
    }

    #[test]
    fn a_rule_that_fits_nowhere_is_caught() {
        assert_eq!(breach(Nowhere), Some(Clause::Usable));
    }
}
