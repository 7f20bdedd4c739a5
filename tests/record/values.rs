//! Which samples are recorded, and with which values.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use burn_dendrite::{
    nn::Network,
    optim::{HostTrainer, State},
    train::{Engine, data::DatasetName, record::Recording, run::RunSettings},
};

use super::{difference, digits, recorded, train};
use crate::{common::small_spec, resume::weights};

/// Runs of 10 samples a pass, two passes, in segments of 4, 4 and 2.
const BUDGET: [&str; 6] = ["--samples", "10", "--epochs", "2", "--validate-every", "4"];

#[test]
fn samples_are_counted_through_the_run_whatever_a_step_is_made_of() {
    let probes = [
        "Input.E: activity every 3",
        "H1.E: soma",
        "Output.E: activity every 7 last 2",
        "Output.E<-H2.E: weight every 100",
    ];
    let digits = digits();
    let steps: [&[&str]; 4] = [
        &["--engine", "memory"],
        &["--engine", "memory", "--batch-size", "3"],
        &["--engine", "tensors", "--batch-size", "3"],
        &["--batch-size", "2", "--accumulate", "2"],
    ];
    for step in steps {
        let arguments = [&BUDGET[..], step].concat();
        let recording = recorded("mnist-backprop-ann", &arguments, &probes);
        let names: Vec<&str> = recording.names().collect();
        let expected = [
            "Input.E.activity",
            "H1.E.soma",
            "Output.E.activity",
            "Output.E<-H2.E.weight",
        ];
        assert_eq!(names, expected);
        let samples = |name: &str| &recording.get(name).unwrap().samples[..];
        assert_eq!(samples("Input.E.activity"), [0, 3, 6, 9, 12, 15, 18]);
        assert_eq!(samples("H1.E.soma"), (0..20).collect::<Vec<i64>>());
        assert_eq!(samples("Output.E.activity"), [7, 14]);
        assert_eq!(samples("Output.E<-H2.E.weight"), [0]);

        // The input is the sample itself, which the order of the run tells.
        let records = recording.get("Input.E.activity").unwrap();
        assert_eq!(records.shape, [784]);
        for (index, sample) in records.samples.iter().enumerate() {
            let settings = settings(10, 2);
            let (pass, position) = (*sample as usize / 10, *sample as usize % 10);
            let digit = settings.segments().order(pass, digits.len())[position];
            assert_eq!(records.record(index), digits.sample(digit));
            assert_eq!(records.labels[index], i64::from(digits.label(digit)));
        }
    }
}

fn settings(samples: usize, epochs: usize) -> RunSettings {
    RunSettings {
        preset: String::new(),
        dataset: DatasetName::MnistMini.into(),
        data: Default::default(),
        samples,
        epochs,
        batch_size: 1,
        seed: 1,
        validate_every: samples,
        patience: None,
        on_divergence: Default::default(),
        version: String::new(),
        learner: Default::default(),
        preprocessing: Default::default(),
        perturb: Vec::new(),
        probe: Vec::new(),
        start: None,
        lengthened: Vec::new(),
    }
}

/// Every signal, of some population.
const ALL: [&str; 7] = [
    "H1.E: soma",
    "H1.E: activity",
    "H1.E: dendrite",
    "H2.E: nudged_activity",
    "H1.E: nudged_dendrite",
    "Output.E: plateau",
    "H1.E<-Input.E: weight every 5",
];

/// What the signals of [`ALL`] are if the steps are taken one by one, without burn's learner.
fn step_by_step(engine: Engine, samples: usize) -> Vec<Vec<f32>> {
    let device = Device::flex();
    let spec = small_spec("mnist-dtp", &[]);
    let (plan, learning) = spec.check().unwrap();
    let settings = settings(samples, 1);
    let mut network: Network = spec.network.init(settings.network_seed(), &device).unwrap();
    let memory = learning.memory(&network);
    let mut trainer = HostTrainer::new(&network, &memory, &learning);
    let digits = digits();
    let mut all = vec![Vec::new(); ALL.len()];
    let id = |name: &str| plan.population(&name.parse().unwrap()).unwrap();
    let input = plan.projection_named(&"H1.E<-Input.E".parse().unwrap());
    let input = input.unwrap();
    let order = settings.segments().order(0, digits.len());
    for (step, sample) in order.into_iter().enumerate() {
        let batch = digits.batch(&[sample], &device);
        if step % 5 == 0 {
            all[6].extend(network.weight(input).into_data().iter::<f32>());
        }
        let trace = match engine {
            Engine::Tensors => {
                let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
                let trace = outcome.trace.clone();
                network = outcome.apply(network, &memory);
                trace
            }
            Engine::Memory => {
                let [input, target] = [batch.inputs, batch.targets]
                    .map(|it| it.into_data().iter().collect::<Vec<f32>>());
                trainer.step(&input, &target, 1.0);
                network = trainer.network(network);
                trainer.trace().unwrap()
            }
        };
        let states = [
            trace.forward.soma[id("H1.E")].clone(),
            trace.forward.activity[id("H1.E")].clone(),
            trace.dendrite[id("H1.E")].clone().unwrap(),
            trace.nudged.activity[id("H2.E")].clone(),
            trace.nudged_dendrite[id("H1.E")].clone().unwrap(),
            trace.plateau[id("Output.E")].clone().unwrap(),
        ];
        for (values, state) in all.iter_mut().zip(states) {
            values.extend(state.into_data().iter::<f32>());
        }
    }
    all
}

#[test]
fn what_the_steps_leave_is_recorded_to_the_bit() {
    for engine in [Engine::Tensors, Engine::Memory] {
        let name = engine.to_string();
        let budget = [
            "--samples",
            "61",
            "--validate-every",
            "20",
            "--engine",
            &name,
        ];
        let recording = recorded("mnist-dtp", &budget, &ALL);
        let expected = step_by_step(engine, 61);
        for (records, expected) in recording.iter().zip(&expected) {
            assert!(records.values == *expected, "{engine}, {}", records.name);
        }
        assert_eq!(recording.names().count(), ALL.len());
        let weight = recording.get("H1.E<-Input.E.weight").unwrap();
        assert_eq!(weight.to_data().shape().as_slice(), [13, 784, 24]);
        assert!(weight.record(0) != weight.record(1));
    }
}

/// Training begins with a wild time, in which any two orders of a sum part: these are its first
/// steps.
#[test]
fn either_engine_records_the_same() {
    for (samples, batch) in [("5", "1"), ("12", "3"), ("32", "32")] {
        let budget = ["--samples", samples, "--batch-size", batch];
        let [general, fused] = ["tensors", "memory"].map(|engine| {
            let arguments = [&budget[..], &["--engine", engine]].concat();
            recorded("mnist-dtp", &arguments, &ALL)
        });
        for (general, fused) in general.iter().zip(fused.iter()) {
            assert_eq!(general.samples, fused.samples);
            assert_eq!(general.labels, fused.labels);
            let scale = (general.values.iter()).fold(1.0f32, |most, it| most.max(it.abs()));
            let off = difference(&general.values, &fused.values) / scale;
            println!("batch {batch}, {}: differs by {off:.1e}", general.name);
            assert!(off < 1e-5, "batch {batch}, {}: {off}", general.name);
        }
    }
}

#[test]
fn all_samples_of_a_step_find_the_weights_that_it_begins_with() {
    for steps in [
        ["--batch-size", "4"].as_slice(),
        &["--batch-size", "2", "--accumulate", "2"],
    ] {
        let arguments = [&["--samples", "8", "--validate-every", "8"][..], steps].concat();
        let recording = recorded("mnist-dtp", &arguments, &["H1.E<-Input.E: weight"]);
        let weight = recording.get("H1.E<-Input.E.weight").unwrap();
        assert_eq!(weight.samples, (0..8).collect::<Vec<i64>>());
        for sample in 0..8 {
            assert!(weight.record(sample) == weight.record(sample / 4 * 4));
        }
        assert!(weight.record(0) != weight.record(4));
    }
}

#[test]
fn a_file_that_numpy_wrote_is_read() {
    // By `numpy.savez` of NumPy 2.4.
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("probes.npz"),
        include_bytes!("numpy.npz"),
    )
    .unwrap();
    let recording = Recording::load(folder.path()).unwrap();
    let names: Vec<&str> = recording.names().collect();
    assert_eq!(names, ["H1.E.soma", "H1.E<-Input.E.weight"]);
    let soma = recording.get("H1.E.soma").unwrap();
    assert_eq!(
        (&soma.samples[..], &soma.labels[..]),
        (&[0, 100][..], &[7, 2][..])
    );
    assert_eq!(soma.record(0), [0.5, -1.5, 3.0]);
    assert_eq!(soma.record(1), [1e-30, f32::INFINITY, 0.0]);
    let weight = recording.get("H1.E<-Input.E.weight").unwrap();
    assert_eq!(weight.shape, [2, 3]);
    assert_eq!(weight.values, [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]);
}

#[test]
fn what_is_recorded_changes_no_bit_of_the_training() {
    for engine in ["tensors", "memory"] {
        let folder = tempfile::tempdir().unwrap();
        let [with, without] = ["with", "without"].map(|name| folder.path().join(name));
        let arguments = ["--samples", "60", "--engine", engine];
        assert!(train(&with, "mnist-dtp", &arguments, &ALL).status.success());
        assert!(
            train(&without, "mnist-dtp", &arguments, &[])
                .status
                .success()
        );
        assert!(weights(&with) == weights(&without), "{engine}");
        let log = |run: &Path| fs::read_to_string(run.join("metrics.jsonl")).unwrap();
        assert_eq!(log(&with), log(&without));
        assert!(with.join("probes.npz").exists() && !without.join("probes.npz").exists());
        assert!(Recording::load(&without).is_err());
    }
}

#[test]
fn tied_weights_and_biases_are_those_that_act() {
    for engine in ["tensors", "memory"] {
        let budget = ["--samples", "3", "--dataset", "spirals", "--engine", engine];
        let probes = [
            "H1.E<-H2.E: weight",
            "H2.E<-H1.E: weight",
            "H1.E: bias",
            "H1.E: dendrite",
        ];
        let recording = recorded("spirals-dtp", &budget, &probes);
        let [back, forth, bias] = ["H1.E<-H2.E.weight", "H2.E<-H1.E.weight", "H1.E.bias"]
            .map(|name| recording.get(name).unwrap());
        let [post, pre] = [forth.shape[1], forth.shape[0]];
        assert_eq!(back.shape, [post, pre]);
        // As the specification of the preset has it.
        let scale = 0.187_926_72;
        for record in 0..3 {
            let (back, forth) = (back.record(record), forth.record(record));
            for (at, value) in back.iter().enumerate() {
                let source = forth[at % pre * post + at / pre];
                assert!((value - scale * source).abs() < 1e-7);
            }
        }
        assert_eq!(bias.shape, [24]);
        assert!(bias.record(0) != bias.record(2), "the biases do not learn");
    }
}

#[test]
fn a_step_has_the_states_that_it_is_said_to_have() {
    let device = Device::flex();
    for preset in [
        "mnist-dtp",
        "mnist-backprop-ei",
        "mnist-hebbian",
        "mnist-dtp-equilibrated",
    ] {
        let spec = small_spec(preset, &[]);
        let (plan, learning) = spec.check().unwrap();
        let network = spec.network.init(1, &device).unwrap();
        let batch = digits().batch(&[0], &device);
        let memory = learning.memory(&network);
        let outcome = learning.run(&network, &memory, batch.inputs, batch.targets, &mut ());
        for (id, population) in plan.populations.iter() {
            for state in [
                State::Soma,
                State::Activity,
                State::Dendrite,
                State::NudgedDendrite,
                State::Plateau,
            ] {
                let is_left = state.is_left(&plan, &learning, id);
                let found = outcome.trace.state(state, id).is_some();
                assert_eq!(is_left, found, "{preset}, {}, {state:?}", population.name);
            }
            let nudged = State::NudgedActivity.is_left(&plan, &learning, id);
            assert_eq!(nudged, learning.nudge().is_some());
        }
    }
}
