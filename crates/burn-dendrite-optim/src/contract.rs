//! What every learning rule must keep to, and a test of it for any rule.

use std::{fmt, sync::Arc};

use burn::tensor::{Device, Distribution, Tensor};
use burn_dendrite_nn::{
    Network, NetworkSpec, Parameter, Plan, ProjectionId,
    perturb::{Conditions, DendriticStates},
};
use serde_json::json;

use crate::{
    AnyRule, BatchMeaning, HostTrainer, Idle, Learning, NudgeSpec, Outcome, RuleMemory, Settling,
    check::local_rule_fits,
};

/// A clause of the contract between learning rules and everybody who uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clause {
    /// The rule can be used on at least one projection of a network with dendrites.
    Usable,
    /// The factors of the change have the sizes of the two populations.
    Shape,
    /// The change is finite, also for silent and for saturated neurons.
    Finite,
    /// Silent presynaptic neurons leave their synapses alone, unless [`idle`](crate::LearningRule::idle) says
    /// otherwise.
    Idle,
    /// The same signals give the same bits.
    Deterministic,
    /// A batch gives the mean of what its samples give one after another with the weights held
    /// still, and leaves the same memory, unless [`LearningRule::batch`](crate::LearningRule::batch) says
    /// otherwise.
    Batch,
    /// The rule gives the same weights on both kinds of numbers, and leaves the same memory.
    Alike,
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
            Self::Shape => "the factors of the change do not have the sizes of the two populations",
            Self::Finite => "the change is not finite",
            Self::Idle => {
                "synapses of silent presynaptic neurons change, and `idle` does not say so"
            }
            Self::Deterministic => "the same signals give different changes",
            Self::Batch => "a batch does not give the mean of what its samples give in order",
            Self::Alike => {
                "it gives other weights in main memory than on tensors, or another memory"
            }
        })
    }
}

/// Tests a rule on every projection that it accepts, in a small network with excitatory and
/// inhibitory populations, dendrites, and each kind of backward phase.
///
/// # Errors
///
/// The first clause that the rule breaks.
pub fn check(rule: &Arc<dyn AnyRule>, device: &Device) -> Result<(), Breach> {
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
        Settling::TopDown,
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
            { "name": "H1.E", "size": 8, "cell": "excitatory" },
            { "name": "H1.SomaI", "size": 3, "cell": "inhibitory" },
            { "name": "H1.DendI", "size": 4, "cell": "inhibitory" },
            { "name": "Output.E", "size": 5, "cell": "excitatory" },
        ],
        "projection": [
            { "name": "H1.E<-Input.E", "weight": random },
            { "name": "H1.E<-H1.SomaI", "timing": "previous", "weight": random },
            { "name": "H1.E<-H1.DendI", "compartment": "dendrite", "timing": "previous", "active": "backward", "weight": random },
            { "name": "H1.E<-Output.E", "compartment": "dendrite", "active": "backward", "weight": random },
            { "name": "H1.SomaI<-H1.E", "timing": "previous", "weight": random },
            { "name": "H1.DendI<-H1.E", "timing": "previous", "active": "both", "weight": random },
            { "name": "H1.DendI<-H1.DendI", "timing": "previous", "weight": random },
            { "name": "Output.E<-H1.E", "weight": random },
        ],
    });
    serde_json::from_value(spec).expect("the test network is written correctly")
}

/// Samples of the test batch.
const ROWS: usize = 10;

/// The rule at one place.
struct Subject<'a> {
    rule: &'a Arc<dyn AnyRule>,
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
        let felt = local_rule_fits("the rule", rule, parameter, plan, learning.nudge()).ok()?;
        learning.add(parameter, 1.0, self.rule.clone(), felt);
        Some(learning)
    }

    fn check(&self, learning: &Learning, device: &Device) -> Result<(), Breach> {
        // More rows than products are taken row by row for.
        let random = Tensor::random([ROWS, 6], Distribution::Uniform(0.0, 2.0), device);
        let inputs = [
            ("ordinary", random.clone()),
            ("silent", random.zeros_like()),
            ("saturated", random.full_like(1e4)),
        ];
        let classes: Vec<i32> = (0..ROWS as i32).map(|row| row * row % 5).collect();
        let target = Tensor::<1, burn::tensor::Int>::from_ints(&classes[..], device)
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
        let run = |memory: &RuleMemory, rows: std::ops::Range<usize>| -> Outcome {
            let slice =
                |tensor: &Tensor<2>| tensor.clone().narrow(0, rows.start, rows.end - rows.start);
            learning.run(self.network, memory, slice(input), slice(target), &mut ())
        };
        let change = |outcome: &Outcome| {
            let change = outcome.updates.get(Parameter::Weight(self.projection));
            numbers(change.expect("the projection learns"))
        };
        let rows = input.dims()[0];
        let memory = learning.memory(self.network);

        if !self.shapes_fit(learning, &memory, input, target) {
            return breach(Clause::Shape);
        }
        let outcome = run(&memory, 0..rows);
        let values = change(&outcome);
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
        if change(&run(&memory, 0..rows)) != values {
            return breach(Clause::Deterministic);
        }

        let apart = learning.memory(self.network);
        let mut mean = vec![0.0; values.len()];
        for row in 0..rows {
            let outcome = run(&apart, row..row + 1);
            for (mean, value) in mean.iter_mut().zip(change(&outcome)) {
                *mean += value / rows as f64;
            }
            // Only the memory goes on: the weights are held still.
            outcome.apply(self.network.clone(), &apart);
        }
        let memories = |memory: &RuleMemory| {
            let values = memory.values().into_iter();
            values
                .flat_map(|value| numbers(value.unsqueeze()))
                .collect::<Vec<f64>>()
        };
        let updated = outcome.apply(self.network.clone(), &memory);
        let is_mean = close(&values, &mean) && close(&memories(&memory), &memories(&apart));
        if self.rule.batch() == BatchMeaning::Samples && !is_mean {
            return breach(Clause::Batch);
        }

        let in_memory = learning.memory(self.network);
        let mut trainer = HostTrainer::new(self.network, &in_memory, learning);
        let flat = |tensor: &Tensor<2>| -> Vec<f32> { tensor.to_data().iter().collect() };
        trainer.step(&flat(input), &flat(target), 1.0);
        trainer.remember_in(&in_memory);
        let weights = |network: &Network| numbers(network.weight(self.projection));
        let ours = weights(&trainer.network(self.network.clone()));
        if !close(&ours, &weights(&updated)) || !close(&memories(&in_memory), &memories(&memory)) {
            return breach(Clause::Alike);
        }
        Ok(())
    }

    /// Whether all factors have the sizes of the two populations.
    fn shapes_fit(
        &self,
        learning: &Learning,
        memory: &RuleMemory,
        input: &Tensor<2>,
        target: &Tensor<2>,
    ) -> bool {
        let site = &self.network.plan().projection(self.projection).site;
        let (input, target) = (input.clone(), target.clone());
        // What a rule does not say that it needs is not there in training either.
        let conditions = Conditions::default().with_dendrites(DendriticStates::Needed);
        let step = learning.step(
            &conditions,
            self.network,
            &memory.rows(),
            input,
            target,
            &mut (),
        );
        step.updates.into_deltas().all(|(_, delta)| {
            let pairs = delta.products.iter().chain(&delta.weighted);
            pairs.into_iter().all(|(pre, post)| {
                let ([rows, pre], [others, post]) = (pre.dims(), post.dims());
                rows == others && pre == site.pre && post == site.post
            })
        })
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
    use burn_dendrite_nn::numbers::{HostRows, Rows};

    use super::*;
    use crate::{Delta, LearningRule, LocalRule, Side, Slot, Synapse};

    fn breach(rule: impl LearningRule + 'static) -> Option<Clause> {
        let rule: Arc<dyn AnyRule> = Arc::new(rule);
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
            if let Err(breach) = check(&rule.shared(), &crate::test_device()) {
                panic!("{kind}: {breach}");
            }
        }
    }

    /// Rules whose change is made by a function.
    macro_rules! broken {
        ($($name:ident: |$synapse:ident| $change:expr;)*) => {$(
            #[derive(Debug)]
            struct $name;

            impl LearningRule for $name {
                fn update<R: Rows>(&self, $synapse: &Synapse<'_, R>) -> Delta<R> {
                    $change
                }
            }
        )*};
    }

    broken! {
        Nothing: |_synapse| Delta::none();
        // The postsynaptic neuron alone decides.
        Unasked: |synapse| {
            let post = synapse.post.forward();
            synapse.outer(synapse.pre.forward() * 0.0 + 1.0, post * 0.0 + 1.0)
        };
        Infinite: |synapse| {
            let post = synapse.post.forward();
            synapse.outer(synapse.pre.forward(), (post * 0.0 + 1.0) / 0.0)
        };
        // The sum over the batch where it ought to be the mean.
        Sum: |synapse| {
            let post = synapse.post.forward();
            let batch = post.dims()[0] as f64;
            synapse.outer(synapse.pre.forward(), post * batch)
        };
        Transposed: |synapse| synapse.outer(synapse.post.forward(), synapse.pre.forward());
        // It asks on which numbers it runs.
        Inconsistent: |synapse| {
            let in_memory = std::any::type_name::<R>() == std::any::type_name::<HostRows>();
            let factor = if in_memory { 2.0 } else { 1.0 };
            synapse.outer(synapse.pre.forward(), synapse.post.forward() * factor)
        };
    }

    #[test]
    fn each_broken_rule_is_caught_at_its_clause() {
        assert_eq!(breach(Nothing), None);
        assert_eq!(breach(Unasked), Some(Clause::Idle));
        assert_eq!(breach(Infinite), Some(Clause::Finite));
        assert_eq!(breach(Sum), Some(Clause::Batch));
        assert_eq!(breach(Transposed), Some(Clause::Shape));
        assert_eq!(breach(Inconsistent), Some(Clause::Alike));
    }

    /// Never the same twice.
    #[derive(Debug, Default)]
    struct Moody(std::sync::atomic::AtomicU32);

    impl LearningRule for Moody {
        fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
            let count = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            synapse.outer(
                synapse.pre.forward(),
                synapse.post.forward() * f64::from(count),
            )
        }
    }

    #[test]
    fn a_rule_with_a_life_of_its_own_is_caught() {
        assert_eq!(breach(Moody::default()), Some(Clause::Deterministic));
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

        fn update<R: Rows>(&self, _synapse: &Synapse<'_, R>) -> Delta<R> {
            Delta::none()
        }

        fn remember<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Vec<R> {
            vec![synapse.memory(0) + 1.0]
        }
    }

    #[test]
    fn a_memory_that_counts_batches_is_caught() {
        assert_eq!(breach(Counting), Some(Clause::Batch));
    }

    /// Nowhere allowed.
    #[derive(Debug)]
    struct Nowhere;

    impl LearningRule for Nowhere {
        fn check(&self, _site: &crate::RuleSite) -> Result<(), String> {
            Err("never".to_owned())
        }

        fn update<R: Rows>(&self, _synapse: &Synapse<'_, R>) -> Delta<R> {
            Delta::none()
        }
    }

    #[test]
    fn a_rule_that_fits_nowhere_is_caught() {
        assert_eq!(breach(Nowhere), Some(Clause::Usable));
    }
}
