//! A network so small that its records can be calculated by hand.

use std::sync::Arc;

use burn::{
    optim::SgdConfig,
    tensor::{Device, Tensor, TensorData},
    train::TrainStep,
};
use burn_dendrite::{
    nn::NetworkSpec,
    optim::{Descent, LearningSpec},
    train::{
        Pace, PlasticNetwork, RunSchedule, ScheduleSpec, StepCount, StepsBy,
        data::SampleBatch,
        record::{Probes, Recorder, Records},
    },
};

use super::difference;

/// Three neurons in a row; the output reaches the dendrite of the hidden one. With τ = 1 a soma
/// is what drives it.
const CHAIN: &str = r#"
    tau = 1.0
    steps = 2
    population = [
        { name = "Input.E", size = 1, cell = "excitatory" },
        { name = "H.E", size = 1, cell = "excitatory" },
        { name = "Output.E", size = 1, cell = "excitatory", bias = { init = { kind = "constant", value = 0.1 } } },
    ]
    projection = [
        { name = "H.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
        { name = "H.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "constant", value = 0.5 } },
        { name = "Output.E<-H.E", weight = { kind = "constant", value = 0.5 } },
    ]
"#;
const LEARNING: &str = r#"
    nudge = {}
    rule = [
        { on = "H.E<-Input.E", learning_rate = 0.5, rule = { kind = "dendritic_target" } },
        { on = "Output.E<-H.E", learning_rate = 0.5, rule = { kind = "dendritic_target" } },
    ]
"#;

/// Each signal after two steps on x = 0.8 towards 1.
///
/// First: s_H = 1·0.8, s_O = 0.1 + 0.5·0.8 = 0.5, d_H = 0.5·0.5; e = 1 − 0.5 = p_O, and so r_O
/// becomes 0.5 + 0.5 = 1, d_H = 0.5·1 = p_H, r_H becomes 0.8 + 0.5. Both weights grow by
/// 0.5·0.8·0.5 = 0.2. Then: s_H = 1.2·0.8 = 0.96, s_O = 0.1 + 0.7·0.96 = 0.772, d_H = 0.386;
/// p_O = 0.228, r_O = 1, p_H = 0.5, r_H = 1.46.
const EXPECTED: [(&str, [f32; 2]); 12] = [
    ("Input.E: activity", [0.8, 0.8]),
    ("H.E: soma", [0.8, 0.96]),
    ("H.E: dendrite", [0.25, 0.386]),
    ("H.E: nudged_dendrite", [0.5, 0.5]),
    ("H.E: plateau", [0.5, 0.5]),
    ("H.E: nudged_activity", [1.3, 1.46]),
    ("Output.E: activity", [0.5, 0.772]),
    ("Output.E: nudged_dendrite", [0.5, 0.228]),
    ("Output.E: nudged_activity", [1.0, 1.0]),
    ("Output.E: bias", [0.1, 0.1]),
    ("H.E<-Input.E: weight", [1.0, 1.2]),
    ("Output.E<-H.E: weight", [0.5, 0.7]),
];

fn subject() -> (PlasticNetwork, Arc<Recorder>) {
    let device = Device::flex();
    let network: NetworkSpec = toml::from_str(CHAIN).unwrap();
    let network = network.init(0, &device).unwrap();
    let learning: LearningSpec = toml::from_str(LEARNING).unwrap();
    let learning = learning.check(network.plan()).unwrap();
    let probes = EXPECTED.map(|(probe, _)| probe.parse().unwrap());
    let probes = Probes::resolve(&probes, network.plan(), &learning).unwrap();
    let recorder = Arc::new(Recorder::new(probes));
    let model = PlasticNetwork::new(network, learning).recorded_by(recorder.clone());
    (model, recorder)
}

fn batch(rows: usize) -> SampleBatch {
    let device = Device::flex();
    let all = |value: f32| -> Tensor<2> {
        Tensor::from_data(TensorData::new(vec![value; rows], [rows, 1]), &device)
    };
    let labels = TensorData::new(vec![0i64; rows], [rows]);
    SampleBatch {
        samples_before: 40,
        ..SampleBatch::new(all(0.8), all(1.0), Tensor::from_data(labels, &device))
    }
}

fn assert_expected(recorder: &Recorder) {
    let all = recorder.take();
    for (records, (probe, values)) in all.iter().zip(EXPECTED) {
        assert_eq!(records.name, probe.replace(": ", "."));
        assert_eq!(
            (&records.samples[..], &records.labels[..]),
            (&[40, 41][..], &[0, 0][..])
        );
        let off = difference(&records.values, &values);
        assert!(off < 1e-6, "{probe}: {:?}", records.values);
    }
    assert_eq!(all.len(), EXPECTED.len());
    assert!(recorder.take().iter().all(Records::is_empty));
}

#[test]
fn two_steps_by_tensors() {
    let (mut model, recorder) = subject();
    let mut optimizer = SgdConfig::new().init();
    for position in 0..2 {
        let batch = SampleBatch {
            position,
            ..batch(1)
        };
        let grads = TrainStep::step(&model, batch).grads;
        model = model.optimize(&mut optimizer, 1.0.into(), grads);
    }
    assert_expected(&recorder);
}

#[test]
fn two_steps_in_memory() {
    let (model, recorder) = subject();
    let constant = ScheduleSpec::default().init(2).unwrap();
    let pace = Pace {
        batch_size: 1,
        schedule: RunSchedule::new(constant, StepCount::default(), StepsBy::Model),
        descent: Descent::Plain,
        clipping: None,
    };
    TrainStep::step(&model.in_memory(pace), batch(2));
    assert_expected(&recorder);
}
