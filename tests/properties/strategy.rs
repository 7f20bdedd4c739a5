//! Legal networks and ways of learning, drawn at random.
//!
//! What proptest draws and shrinks is a [`Sketch`]: plain choices, none of which depends on another.
//! [`Sketch::build`] turns any of them into a legal specification: a choice among candidates is a
//! number that is scaled to how many there are. So every sketch is legal, and a smaller one too.

use burn_dendrite::{
    nn::{
        Activation, Active, CellType, Compartment, ConstraintSpec, InitializerSpec, NetworkSpec,
        Plan, PopulationName, ProjectionName, Timing,
        constraint::{Autapses, FanInSum, NoAutapses, UpperBound},
        init::{Constant, HalfKaiming, Normal, ScaledKaiming, Uniform},
        spec::{
            BiasSpec, GeometrySpec, Grain, PopulationSpec, ProjectionSpec, Sharing, Size, Tied,
            WeightSpec,
        },
    },
    optim::{
        Clipping, Gate, LearningSpec, NudgeSpec, Plasticity, RuleSpec, Select, Settling, Target,
        phase::PopulationNudge,
    },
    train::{BatchScaling, ExperimentSpec, ScheduleSpec, optimizer::OptimizerSpec},
};
use proptest::{collection::vec, option, prelude::*, sample::Index};

/// What the choices about one part of an experiment stand for.
mod parts;

/// Choices from which a legal experiment is made.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    tau: f64,
    steps: usize,
    /// Populations of each layer; the first layer has one, the input.
    layers: Vec<Vec<PopulationSketch>>,
    projections: Vec<ProjectionSketch>,
    nudge: Option<NudgeSketch>,
    selections: &'static [Select],
    tracked_steps: Index,
    /// For each parameter that could learn, in order and again from the start: how.
    rules: Vec<RuleSketch>,
    optimizer: Choice,
    schedule: Choice,
    scaling: Choice,
}

/// A number that is scaled to the number of candidates.
type Choice = Index;

#[derive(Clone, Debug)]
struct PopulationSketch {
    size: usize,
    cell: Choice,
    activation: Choice,
    tau: Option<f64>,
    bias: Option<(InitSketch, Option<f64>, Option<f64>)>,
}

#[derive(Clone, Debug)]
struct InitSketch {
    kind: Choice,
    scale: f64,
}

#[derive(Clone, Debug)]
struct ProjectionSketch {
    post: Choice,
    pre: Choice,
    compartment: Choice,
    timing: Choice,
    active: Choice,
    geometry: Choice,
    init: InitSketch,
    /// Whether it is tied if there is anything to be tied to; to which, and by which factor.
    tied: Option<(Choice, f64)>,
    constraints: Vec<(Choice, f64)>,
}

#[derive(Clone, Debug)]
struct NudgeSketch {
    settling: Choice,
    gate: Choice,
    negative_above: Option<f64>,
    select: Choice,
    /// Populations that are named, with what is their own; none: all that can be.
    named: Option<Vec<NamedSketch>>,
}

/// A population, its gate, the activity above which it accepts negative requests, its selection.
type NamedSketch = (Choice, Choice, Option<f64>, Choice);

#[derive(Clone, Debug)]
struct RuleSketch {
    kind: Choice,
    learning_rate: f64,
    /// Which of the rule's fields differs from its default.
    field: Choice,
    word: Choice,
    factor: f64,
}

const CELLS: [CellType; 3] = [
    CellType::Excitatory,
    CellType::Inhibitory,
    CellType::Unconstrained,
];
const ACTIVATIONS: [Activation; 5] = [
    Activation::Relu,
    Activation::Softplus,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Linear,
];
/// Every unit, or windows of one unit of every map, which are narrower where maps have several.
const GEOMETRIES: [GeometrySpec; 3] = [
    GeometrySpec::Dense,
    GeometrySpec::Dense,
    GeometrySpec::ReceptiveFields { size: 1 },
];
const COMPARTMENTS: [Compartment; 2] = [Compartment::Soma, Compartment::Dendrite];
const TIMINGS: [Timing; 2] = [Timing::Current, Timing::Previous];
const PHASES: [Active; 3] = [Active::Forward, Active::Backward, Active::Both];
const GATES: [Gate; 2] = [Gate::Open, Gate::Relu];
const SETTLINGS: [Settling; 3] = [
    Settling::Instant,
    Settling::Equilibrated,
    Settling::OutputOnly,
];
/// The last one draws from the device, so only tests that seed that may use it.
const SELECTIONS: [Select; 3] = [
    Select::All,
    Select::Strongest { fraction: 0.4 },
    Select::Random { fraction: 0.7 },
];

/// Experiments of at most three layers after the input, with one to three populations of one to six
/// neurons each.
pub(super) fn sketches() -> impl Strategy<Value = Sketch> {
    let layers = vec(vec(populations(), 1..=3), 1..=3);
    let rules = vec(rules(), 1..=12);
    (
        (1.0..5.0f64, 1usize..=4, populations(), layers),
        vec(projections(), 1..=16),
        option::weighted(0.8, nudges()),
        rules,
        any::<[Index; 4]>(),
    )
        .prop_map(
            |((tau, steps, input, layers), projections, nudge, rules, choices)| {
                let [tracked_steps, optimizer, schedule, scaling] = choices;
                Sketch {
                    tau,
                    steps,
                    layers: std::iter::once(vec![input]).chain(layers).collect(),
                    projections,
                    nudge,
                    selections: &SELECTIONS,
                    tracked_steps,
                    rules,
                    optimizer,
                    schedule,
                    scaling,
                }
            },
        )
}

fn populations() -> impl Strategy<Value = PopulationSketch> {
    let bounds = (option::of(-1.0..0.0f64), option::of(0.0..1.0f64));
    let bias = option::of((inits(), bounds).prop_map(|(init, (low, high))| (init, low, high)));
    (
        1usize..=6,
        any::<Index>(),
        any::<Index>(),
        option::of(1.0..4.0f64),
        bias,
    )
        .prop_map(|(size, cell, activation, tau, bias)| PopulationSketch {
            size,
            cell,
            activation,
            tau,
            bias,
        })
}

fn inits() -> impl Strategy<Value = InitSketch> {
    (any::<Index>(), 0.1..1.0f64).prop_map(|(kind, scale)| InitSketch { kind, scale })
}

fn projections() -> impl Strategy<Value = ProjectionSketch> {
    (
        any::<[Index; 6]>(),
        inits(),
        option::weighted(0.3, (any::<Index>(), 0.25..2.0f64)),
        vec((any::<Index>(), 0.1..2.0f64), 0..=2),
    )
        .prop_map(|(choices, init, tied, constraints)| {
            let [post, pre, compartment, timing, active, geometry] = choices;
            ProjectionSketch {
                post,
                pre,
                compartment,
                timing,
                active,
                geometry,
                init,
                tied,
                constraints,
            }
        })
}

/// So many units as maps.
fn maps_of(size: usize) -> Size {
    match size {
        4 => Size::Maps([1, 2, 2]),
        6 => Size::Maps([1, 2, 3]),
        size => Size::Maps([size, 1, 1]),
    }
}

fn nudges() -> impl Strategy<Value = NudgeSketch> {
    let threshold = || option::of(0.0..0.5f64);
    let named = (any::<Index>(), any::<Index>(), threshold(), any::<Index>());
    (
        any::<[Index; 3]>(),
        threshold(),
        option::weighted(0.3, vec(named, 0..=3)),
    )
        .prop_map(
            |([settling, gate, select], negative_above, named)| NudgeSketch {
                settling,
                gate,
                negative_above,
                select,
                named,
            },
        )
}

fn rules() -> impl Strategy<Value = RuleSketch> {
    (any::<[Index; 3]>(), 0.0..0.2f64, 0.5..2.0f64).prop_map(
        |([kind, field, word], learning_rate, factor)| RuleSketch {
            kind,
            learning_rate,
            field,
            word,
            factor,
        },
    )
}

impl Sketch {
    /// The same without random events, for tests that compare single steps.
    pub(super) fn without_random_events(mut self) -> Self {
        self.selections = &SELECTIONS[..2];
        self
    }

    /// The legal experiment that the choices stand for.
    ///
    /// # Panics
    ///
    /// If it is not legal after all.
    pub(super) fn build(&self) -> ExperimentSpec {
        let network = self.network();
        let plan = network
            .check()
            .unwrap_or_else(|errors| panic!("no legal network: {errors}\n{network:#?}"));
        let spec = ExperimentSpec {
            name: "random".to_owned(),
            description: String::new(),
            source: String::new(),
            dataset: None,
            data: Default::default(),
            learning: self.learning(&plan),
            network,
            optimizer: *self.optimizer.get(&[
                OptimizerSpec::sgd(None),
                OptimizerSpec::sgd(Some(0.9)),
                OptimizerSpec::Sgd {
                    momentum: Some(0.5),
                    dampening: 0.0,
                    nesterov: true,
                    weight_decay: 30.0,
                },
                OptimizerSpec::Adam {
                    beta_1: 0.9,
                    beta_2: 0.999,
                    epsilon: 1e-5,
                    weight_decay: 0.0,
                },
                OptimizerSpec::AdamW {
                    beta_1: 0.8,
                    beta_2: 0.99,
                    epsilon: 1e-6,
                    weight_decay: 300.0,
                },
                OptimizerSpec::RmsProp {
                    alpha: 0.9,
                    momentum: 0.0,
                    epsilon: 1e-3,
                    centered: true,
                    weight_decay: 0.5,
                },
            ]),
            clipping: *self.schedule.get(&[
                None,
                Some(Clipping::Norm { largest: 0.01 }),
                Some(Clipping::Value { largest: 0.001 }),
            ]),
            warm_up: 0,
            schedule: *self.schedule.get(&[
                ScheduleSpec::Constant { factor: 1.0 },
                ScheduleSpec::Constant { factor: 0.5 },
                ScheduleSpec::Linear {
                    start: 1.0,
                    end: 0.1,
                },
                ScheduleSpec::Cosine {
                    start: 0.5,
                    end: 0.01,
                },
            ]),
            batch_scaling: *self.scaling.get(&[
                BatchScaling::None,
                BatchScaling::SquareRoot,
                BatchScaling::Linear,
                BatchScaling::Gradual,
            ]),
            budget: Default::default(),
        };
        spec.check()
            .unwrap_or_else(|errors| panic!("no legal learning: {errors}"));
        spec
    }

    fn network(&self) -> NetworkSpec {
        let populations = self.populations();
        let mut projections: Vec<ProjectionSpec> = Vec::new();
        for sketch in &self.projections {
            let post = sketch.post.get(&populations[1..]);
            let pre = sketch.pre.get(&populations);
            let name = ProjectionName {
                post: post.name.clone(),
                pre: pre.name.clone(),
            };
            if projections.iter().all(|other| other.name != name) {
                projections.push(sketch.owning(name, post, pre));
            }
        }
        // Every population needs somatic input or a bias.
        for population in &populations[1..] {
            let heard = projections
                .iter()
                .any(|it| it.name.post == population.name && it.compartment == Compartment::Soma);
            if heard || population.bias.is_some() {
                continue;
            }
            let name = ProjectionName {
                post: population.name.clone(),
                pre: populations[0].name.clone(),
            };
            match projections.iter_mut().find(|it| it.name == name) {
                Some(projection) => projection.compartment = Compartment::Soma,
                None => {
                    let sketch = &self.projections[0];
                    let mut projection = sketch.owning(name, population, &populations[0]);
                    projection.compartment = Compartment::Soma;
                    projections.push(projection);
                }
            }
        }
        self.tie(&populations, &mut projections);
        NetworkSpec {
            tau: self.tau,
            steps: self.steps,
            output: None,
            populations,
            projections,
        }
    }

    fn populations(&self) -> Vec<PopulationSpec> {
        let last = self.layers.len() - 1;
        let mut all = Vec::new();
        for (depth, layer) in self.layers.iter().enumerate() {
            for (sketch, word) in layer.iter().zip(["E", "SomaI", "DendI"]) {
                let name = match depth {
                    0 => "Input.E".to_owned(),
                    depth if depth == last => format!("Output.{word}"),
                    depth => format!("H{depth}.{word}"),
                };
                let bias =
                    |(init, lower, upper): &(InitSketch, Option<f64>, Option<f64>)| BiasSpec {
                        init: init.build(CellType::Unconstrained),
                        per: Sharing::Unit,
                        lower: *lower,
                        upper: *upper,
                    };
                all.push(PopulationSpec {
                    name: name.parse().unwrap(),
                    size: maps_of(sketch.size),
                    cell: *sketch.cell.get(&CELLS),
                    activation: *sketch.activation.get(&ACTIVATIONS),
                    tau: sketch.tau,
                    pool: None,
                    bias: sketch.bias.as_ref().filter(|_| depth > 0).map(bias),
                });
            }
        }
        all
    }

    /// Ties the projections that want to be to others that fit and own their weights.
    fn tie(&self, populations: &[PopulationSpec], projections: &mut [ProjectionSpec]) {
        let wishes = self.projections.iter().map(|sketch| &sketch.tied);
        let wishes: Vec<_> = wishes.take(projections.len()).collect();
        let find = |name: &PopulationName| populations.iter().find(|it| it.name == *name).unwrap();
        let ends = |name: &ProjectionName| (find(&name.post).size, find(&name.pre).size);
        let mut sources: Vec<ProjectionName> = Vec::new();
        for at in 0..projections.len() {
            let name = projections[at].name.clone();
            let Some(Some((choice, factor))) = wishes.get(at) else {
                continue;
            };
            // What serves as a source must go on owning its weights.
            if sources.contains(&name) {
                continue;
            }
            let cell = find(&name.pre).cell;
            let fitting: Vec<Tied> = (projections.iter())
                .filter(|it| it.name != name && matches!(it.weight, WeightSpec::Own(_)))
                .filter_map(|it| {
                    let (post, pre) = ends(&name);
                    let transpose = match ends(&it.name) {
                        wanted if wanted == (pre, post) => true,
                        wanted if wanted == (post, pre) => false,
                        _ => return None,
                    };
                    let scale = match (cell, find(&it.name.pre).cell) {
                        (CellType::Unconstrained, _) => *factor,
                        (_, CellType::Unconstrained) => return None,
                        (cell, source) => factor * cell.sign() * source.sign(),
                    };
                    Some(Tied {
                        of: it.name.clone(),
                        transpose,
                        scale,
                    })
                })
                .collect();
            if !fitting.is_empty() {
                let tied = choice.get(&fitting).clone();
                sources.push(tied.of.clone());
                projections[at].weight = WeightSpec::Tied(tied);
                projections[at].constraints.clear();
                projections[at].geometry = GeometrySpec::Dense;
            }
        }
    }

    fn learning(&self, plan: &Plan) -> LearningSpec {
        let nudge = self
            .nudge
            .as_ref()
            .map(|nudge| nudge.build(plan, self.selections));
        let weights = (plan.projections.iter())
            .filter(|it| it.is_owned())
            .map(|it| Target::Weight(it.name.clone()));
        let biases = (plan.populations.iter())
            .filter(|(_, it)| it.bias.is_some())
            .map(|(_, it)| Target::Bias(it.name.clone()));
        let mut rules: Vec<Plasticity> = Vec::new();
        for (on, sketch) in weights.chain(biases).zip(self.rules.iter().cycle()) {
            let legal = |rule: &RuleSpec| {
                let alone = LearningSpec {
                    nudge: nudge.clone(),
                    tracked_steps: tracked(rule).then_some(1),
                    rules: vec![sketch.plasticity(on.clone(), rule.clone())],
                    ..LearningSpec::default()
                };
                alone.check(plan).is_ok()
            };
            // Some parameters do not learn.
            let mut accepted: Vec<Option<RuleSpec>> = vec![None];
            let kinds = all_rules(plan).into_iter().map(|rule| sketch.vary(rule));
            accepted.extend(kinds.filter(legal).map(Some));
            if let Some(rule) = sketch.kind.get(&accepted).clone() {
                rules.push(sketch.plasticity(on, rule));
            }
        }
        let tracked_steps = rules
            .iter()
            .any(|it| tracked(&it.rule))
            .then(|| 1 + self.tracked_steps.index(plan.steps));
        LearningSpec {
            nudge,
            tracked_steps,
            rules,
            ..LearningSpec::default()
        }
    }
}

/// Every registered rule with its defaults; those that name a population, with each one.
fn all_rules(plan: &Plan) -> Vec<RuleSpec> {
    RuleSpec::kinds()
        .into_iter()
        .flat_map(|kind| {
            let plain = serde_json::from_value(serde_json::json!({ "kind": kind }));
            let named = plan.populations.iter().map(move |(_, population)| {
                serde_json::json!({ "kind": kind, "source": population.name })
            });
            let named = named.filter_map(|rule| serde_json::from_value(rule).ok());
            plain.ok().into_iter().chain(named).collect::<Vec<_>>()
        })
        .collect()
}

/// True for rules that need tracked steps.
fn tracked(rule: &RuleSpec) -> bool {
    !matches!(rule, RuleSpec::Local(_))
}
