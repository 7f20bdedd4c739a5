//! Convolutional networks, and those with windows of their own, on both kinds of numbers.

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite::{
    nn::{Network, NetworkSpec, Parameter},
    optim::{HostTrainer, LearningSpec},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};

use super::cases;

/// A network of two layers of maps and a dense one, drawn at random.
#[derive(Clone, Debug)]
struct Sketch {
    windows: Windows,
    input: [usize; 3],
    maps: [usize; 2],
    /// Size, stride and padding of the kernels.
    kernels: [[usize; 3]; 2],
    pool: Option<(&'static str, usize)>,
    interneurons: usize,
    feedback: Feedback,
    learning: Learning,
    rows: usize,
    inputs: Vec<f32>,
    seed: u64,
}

/// Whether places share their weights.
#[derive(Clone, Copy, Debug)]
enum Windows {
    Convolution,
    Local,
}

#[derive(Clone, Copy, Debug)]
enum Feedback {
    Tied,
    Learned,
}

#[derive(Clone, Copy, Debug)]
enum Learning {
    DendriticTargets,
    Backprop,
}

fn sketches() -> impl Strategy<Value = Sketch> {
    let kernel = || {
        (1usize..=3, 1usize..=2, 0usize..=2)
            .prop_map(|(size, stride, padding)| [size, stride, padding.min(size - 1)])
    };
    let pool = prop_oneof![
        Just(None),
        Just(Some(("max", 2))),
        Just(Some(("max", 3))),
        Just(Some(("average", 2))),
    ];
    let sizes = (1usize..=3, 3usize..=9, 3usize..=9, 1usize..=4, 1usize..=4);
    let ways = (
        prop_oneof![Just(Windows::Convolution), Just(Windows::Local)],
        prop_oneof![Just(Feedback::Tied), Just(Feedback::Learned)],
        prop_oneof![Just(Learning::DendriticTargets), Just(Learning::Backprop)],
    );
    let samples = (1usize..=4, vec(0.05f32..1.0, 4 * 3 * 81), any::<u64>());
    (sizes, kernel(), kernel(), pool, 1usize..=3, ways, samples).prop_map(
        |(sizes, first, second, pool, interneurons, ways, samples)| {
            let (maps, height, width, one, two) = sizes;
            Sketch {
                input: [maps, height, width],
                maps: [one, two],
                kernels: [first, second],
                pool,
                interneurons,
                windows: ways.0,
                feedback: ways.1,
                learning: ways.2,
                rows: samples.0,
                inputs: samples.1,
                seed: samples.2,
            }
        },
    )
}

/// Sides of the maps that a kernel gives.
fn sides(
    [_, height, width]: [usize; 3],
    [size, stride, padding]: [usize; 3],
) -> Option<[usize; 2]> {
    let side = |side: usize| Some((side + 2 * padding).checked_sub(size)? / stride + 1);
    Some([side(height)?, side(width)?])
}

impl Sketch {
    fn geometry(&self, [kernel, stride, padding]: [usize; 3]) -> Value {
        let kind = match self.windows {
            Windows::Convolution => "convolution",
            Windows::Local => "local",
        };
        json!({ "kind": kind, "kernel": kernel, "stride": stride, "padding": padding })
    }

    /// Of a single synapse balance leaves nothing, so that all such units of a pool are equal but for
    /// roundings, which then decide who wins: where the kernel has one, or that of a corner.
    fn has_equals(&self) -> bool {
        let [size, _, padding] = self.kernels[0];
        let at_corners = match self.windows {
            Windows::Convolution => size,
            Windows::Local => size - padding,
        };
        self.input[0] * at_corners == 1
    }

    /// The network and how it learns; `None` where sizes do not fit.
    fn build(&self) -> Option<(NetworkSpec, LearningSpec)> {
        let [first, second] = self.kernels;
        let [high, wide] = sides(self.input, first)?;
        let one = [self.maps[0], high, wide];
        let pool = self
            .pool
            .filter(|(_, size)| high % size == 0 && wide % size == 0);
        if pool.is_some_and(|(kind, _)| kind == "max") && self.has_equals() {
            return None;
        }
        let side = pool.map_or(1, |(_, size)| size);
        let heard = [one[0], high / side, wide / side];
        let [low, narrow] = sides(heard, second)?;
        let two = [self.maps[1], low, narrow];
        let cells = self.interneurons;
        let grain = if pool.is_some() { "pools" } else { "units" };
        let excitatory = |name: &str, size: [usize; 3], pool: Value| {
            json!({ "name": name, "size": size, "cell": "excitatory", "pool": pool,
                    "bias": { "init": { "kind": "constant", "value": 0.1 }, "per": "map" } })
        };
        let inhibitory = |name: &str, size: [usize; 3]| json!({ "name": name, "size": size, "cell": "inhibitory" });
        let pool = pool.map_or(
            Value::Null,
            |(kind, size)| json!({ "kind": kind, "size": size }),
        );
        let populations = json!([
            { "name": "Input.E", "size": self.input, "cell": "excitatory" },
            inhibitory("H1.SomaI", [cells, high, wide]),
            excitatory("H1.E", one, pool),
            inhibitory("H1.DendI", [cells, low, narrow]),
            inhibitory("H2.SomaI", [cells, low, narrow]),
            excitatory("H2.E", two, Value::Null),
            { "name": "Output.E", "size": 3, "cell": "excitatory", "activation": "softmax" },
        ]);
        let start = || json!({ "kind": "half_kaiming", "scale": 3.0 });
        let geometry = |kernel| self.geometry(kernel);
        let pointwise = || geometry([1, 1, 0]);
        let tied = |of: &str, scale: f64| json!({ "kind": "tied", "of": of, "transpose": true, "scale": scale });
        let balance = |layer: &str, before: &str| {
            json!({ "kind": "balance", "of": format!("{layer}.E<-{before}.E"),
                    "through": format!("{layer}.SomaI<-{before}.E") })
        };
        let mut projections = vec![
            json!({ "name": "H1.SomaI<-Input.E", "geometry": geometry(first), "weight": start() }),
            json!({ "name": "H1.E<-Input.E", "geometry": geometry(first), "weight": start() }),
            json!({ "name": "H1.E<-H1.SomaI", "geometry": pointwise(),
                    "weight": balance("H1", "Input") }),
            json!({ "name": "H2.SomaI<-H1.E", "geometry": geometry(second), "hears": grain,
                    "weight": start() }),
            json!({ "name": "H2.E<-H1.E", "geometry": geometry(second), "hears": grain,
                    "weight": start() }),
            json!({ "name": "H2.E<-H2.SomaI", "geometry": pointwise(),
                    "weight": balance("H2", "H1") }),
            json!({ "name": "Output.E<-H2.E", "weight": start() }),
        ];
        let back = json!({ "compartment": "dendrite", "active": "backward" });
        let dendritic = |name: &str, other: Value| {
            let mut all = back.clone();
            all["name"] = name.into();
            for (key, value) in other.as_object().unwrap() {
                all[key] = value.clone();
            }
            all
        };
        let is_learned = matches!(self.feedback, Feedback::Learned);
        if is_learned {
            // Windows without strides lead back by windows as well.
            let [size, stride, padding] = second;
            let geometry = match stride {
                1 => geometry([size, 1, size - 1 - padding]),
                _ => json!({ "kind": "dense" }),
            };
            projections.push(dendritic(
                "H1.E<-H2.E",
                json!({ "geometry": geometry, "reaches": grain, "weight": start() }),
            ));
        } else {
            let feedback = json!({ "weight": tied("H2.E<-H1.E", 0.5) });
            projections.push(dendritic("H1.E<-H2.E", feedback));
        }
        projections.extend([
            json!({ "name": "H1.DendI<-H2.E", "active": "backward",
                    "weight": tied("H2.E<-H2.SomaI", -1.0) }),
            dendritic(
                "H1.E<-H1.DendI",
                json!({ "weight": tied("H2.SomaI<-H1.E", -1.0) }),
            ),
            dendritic(
                "H2.E<-Output.E",
                json!({ "weight": tied("Output.E<-H2.E", 1.0) }),
            ),
        ]);
        let network = json!({ "tau": 1.0, "steps": 2, "output": "Output.E",
                              "population": populations, "projection": projections });
        let (rule, nudge) = match self.learning {
            Learning::DendriticTargets => (
                json!({ "kind": "dendritic_target", "rates": "unbounded" }),
                json!({ "settling": "top_down", "plateau": "difference", "strength": 0.1,
                        "gate": "relu" }),
            ),
            Learning::Backprop => (json!({ "kind": "backprop" }), Value::Null),
        };
        let on = |on: &str, rule: &Value| json!({ "on": on, "learning_rate": 0.1, "rule": rule });
        let mut rules: Vec<Value> = [
            "H1.E<-Input.E",
            "H1.E<-bias",
            "H2.E<-H1.E",
            "H2.E<-bias",
            "Output.E<-H2.E",
        ]
        .map(|it| on(it, &rule))
        .to_vec();
        if is_learned && matches!(self.learning, Learning::DendriticTargets) {
            rules.push(on("H1.E<-H2.E", &json!({ "kind": "kolen_pollack" })));
        }
        let mut learning = json!({ "rule": rules, "nudge": nudge });
        if matches!(self.learning, Learning::Backprop) {
            learning["tracked_steps"] = 2.into();
            learning["loss"] = "cross_entropy".into();
        }
        let network = serde_json::from_value(network).unwrap();
        Some((network, serde_json::from_value(learning).unwrap()))
    }

    fn inputs(&self) -> Vec<f32> {
        let size = self.input.iter().product();
        // Every row another one.
        let rows = self.inputs.chunks(243).take(self.rows);
        rows.flat_map(|row| row[..size].to_vec()).collect()
    }

    fn targets(&self) -> Vec<f32> {
        (0..self.rows * 3)
            .map(|at| f32::from(u8::from(at % 3 == at / 3 % 3)))
            .collect()
    }
}

fn values(network: &Network, parameter: Parameter) -> Vec<f32> {
    let values = match parameter {
        Parameter::Weight(id) => network.weight(id),
        Parameter::Bias(id) => network.bias(id).unwrap().unsqueeze(),
    };
    values.into_data().iter().collect()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn maps_learn_alike_in_memory_and_on_tensors(sketch in sketches()) {
        let Some((spec, learning)) = sketch.build() else { return Ok(()) };
        let device = Device::flex();
        let plan = spec.check();
        prop_assert!(plan.is_ok(), "{:?}", plan.err());
        let learning = learning.check(&plan.unwrap());
        prop_assert!(learning.is_ok(), "{:?}", learning.err());
        // At the rates of an optimizer that looks at sizes, plain steps run away, and roundings with them.
        let learning = learning.unwrap().scaled(0.02);
        let network = spec.init(sketch.seed, &device).unwrap();
        let memory = learning.memory(&network);
        let mut trainer = HostTrainer::new(&network, &memory, &learning);
        let mut tensors = network.clone();
        let (inputs, targets) = (sketch.inputs(), sketch.targets());
        let rows = |values: &[f32]| -> Tensor<2> {
            let shape = [sketch.rows, values.len() / sketch.rows];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), &device)
        };
        for _ in 0..2 {
            trainer.step(&inputs, &targets, 1.0);
            let outcome = learning.run(&tensors, &memory, rows(&inputs), rows(&targets), &mut ());
            tensors = outcome.apply(tensors, &memory);
        }
        let ours = trainer.network(network);
        for parameter in learning.learned() {
            let (ours, theirs) = (values(&ours, parameter), values(&tensors, parameter));
            let scale = theirs.iter().fold(1.0f32, |scale, it| scale.max(it.abs()));
            for (ours, theirs) in ours.iter().zip(&theirs) {
                prop_assert!(
                    (ours - theirs).abs() <= 1e-5 * scale,
                    "{:?}: {} in memory and {} on tensors", parameter, ours, theirs
                );
            }
        }
    }
}
