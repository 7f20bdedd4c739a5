//! How the time of a step in memory grows: with settling steps, width, depth and batch.
//!
//! Networks of hidden layers with E, SomaI and DendI, an input of 784 and an output of 10, as the
//! published ones are; random weights and inputs, so that about half of the units are active.

use burn::tensor::Device;
use burn_dendrite::{
    nn::NetworkSpec,
    optim::{HostTrainer, LearningSpec},
};
use divan::{Bencher, counter::ItemsCount};
use serde_json::{Value, json};

#[derive(Clone, Copy)]
struct Size {
    width: usize,
    depth: usize,
    steps: usize,
    batch: usize,
}

const PUBLISHED: Size = Size {
    width: 500,
    depth: 2,
    steps: 15,
    batch: 1,
};

#[divan::bench(args = [5, 15, 30, 60])]
fn settling_steps(bencher: Bencher<'_, '_>, steps: usize) {
    step(bencher, Size { steps, ..PUBLISHED });
}

#[divan::bench(args = [250, 500, 1000, 2000, 4000])]
fn width(bencher: Bencher<'_, '_>, width: usize) {
    step(bencher, Size { width, ..PUBLISHED });
}

#[divan::bench(args = [1, 2, 4, 8])]
fn depth(bencher: Bencher<'_, '_>, depth: usize) {
    step(bencher, Size { depth, ..PUBLISHED });
}

#[divan::bench(args = [1, 4, 16, 64, 256, 1024])]
fn batch(bencher: Bencher<'_, '_>, batch: usize) {
    step(bencher, Size { batch, ..PUBLISHED });
}

fn step(bencher: Bencher<'_, '_>, size: Size) {
    let (mut trainer, parameters) = trainer(size);
    // Any numbers in [0, 1) will do, as long as they are the same ones each time.
    let numbers = |count: usize| -> Vec<f32> {
        let next = |state: &mut u32| {
            *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some((*state >> 8) as f32 / (1 << 24) as f32)
        };
        std::iter::repeat_n(1u32, 1)
            .flat_map(|mut state| std::iter::from_fn(move || next(&mut state)))
            .take(count)
            .collect()
    };
    let (input, target) = (numbers(784 * size.batch), numbers(10 * size.batch));
    // Samples, and the parameters that each of them passes through.
    bencher
        .counter(ItemsCount::new(size.batch))
        .counter(divan::counter::BytesCount::new(4 * parameters * size.batch))
        .bench_local(|| trainer.step(&input, &target, 1e-3));
}

fn trainer(size: Size) -> (HostTrainer, usize) {
    let random = json!({ "kind": "half_kaiming" });
    let (mut populations, mut projections, mut rules) = (Vec::new(), Vec::new(), Vec::new());
    let mut population = |name: &str, size: usize, cell: &str| {
        populations.push(json!({ "name": name, "size": size, "cell": cell }));
    };
    population("Input.E", 784, "excitatory");
    let mut project = |post: &str, pre: &str, more: Value| {
        let mut projection = json!({ "name": format!("{post}<-{pre}"), "weight": random });
        for (key, value) in more.as_object().into_iter().flatten() {
            projection[key] = value.clone();
        }
        projections.push(projection);
    };
    let mut learn = |on: String, rule: Value| {
        rules.push(json!({ "on": on, "learning_rate": 0.01, "rule": rule }));
    };
    let previous = || json!({ "timing": "previous" });
    for layer in 1..=size.depth {
        let of = |name: &str| format!("H{layer}.{name}");
        let below = match layer {
            1 => "Input.E".to_owned(),
            _ => format!("H{}.E", layer - 1),
        };
        let above = match layer {
            _ if layer == size.depth => "Output.E".to_owned(),
            _ => format!("H{}.E", layer + 1),
        };
        let [e, soma_i, dend_i] = ["E", "SomaI", "DendI"].map(of);
        population(&e, size.width, "excitatory");
        population(&soma_i, size.width / 10, "inhibitory");
        population(&dend_i, size.width / 10, "inhibitory");
        project(&e, &below, json!({}));
        project(&e, &soma_i, previous());
        project(&soma_i, &below, json!({}));
        project(&soma_i, &e, previous());
        project(&soma_i, &soma_i, previous());
        project(&dend_i, &e, previous());
        project(&dend_i, &dend_i, previous());
        let onto_dendrite = json!({
            "compartment": "dendrite", "active": "backward", "timing": "previous",
        });
        project(&e, &dend_i, onto_dendrite);
        let feedback = json!({
            "compartment": "dendrite", "active": "backward",
            "weight": { "kind": "tied", "of": format!("{above}<-{e}"), "transpose": true },
        });
        project(&e, &above, feedback);
        learn(
            format!("{e}<-{below}"),
            json!({ "kind": "dendritic_target" }),
        );
        learn(
            format!("{e}<-{dend_i}"),
            json!({ "kind": "dendritic_loss" }),
        );
        learn(
            format!("{dend_i}<-{e}"),
            json!({ "kind": "hebbian", "phase": "forward" }),
        );
    }
    population("Output.E", 10, "excitatory");
    let top = format!("H{}.E", size.depth);
    project("Output.E", &top, json!({}));
    learn(
        format!("Output.E<-{top}"),
        json!({ "kind": "dendritic_target" }),
    );
    let network = json!({
        "tau": 3.0, "steps": size.steps, "population": populations, "projection": projections,
    });
    let network: NetworkSpec = serde_json::from_value(network).expect("written correctly");
    let learning = json!({ "nudge": { "settling": "instant", "gate": "relu" }, "rule": rules });
    let learning: LearningSpec = serde_json::from_value(learning).expect("written correctly");
    let network = network.init(1, &Device::flex()).expect("a correct network");
    let learning = learning.check(network.plan()).expect("correct rules");
    let memory = learning.memory(&network);
    let parameters = network.plan().parameters();
    let trainer = HostTrainer::new(&network, &memory, &learning);
    (trainer, parameters)
}
