//! What holds of networks while they learn.

use burn::{
    module::Module,
    optim::{ModuleOptimizer, SgdConfig},
    store::ModuleRecord,
    tensor::{Device, Tensor, TensorData},
    train::TrainStep,
};
use burn_dendrite::{
    nn::{
        ConstraintSpec, Network, Parameter, PopulationId, ProjectionId,
        perturb::{Perturbation, Perturbations},
    },
    optim::{BatchMeaning, Learning, RuleSpec, Updates},
    train::{ExperimentSpec, PlasticNetwork, data::SampleBatch},
};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::{
    cases,
    strategy::{Sketch, sketches},
};
use crate::lawful;

/// Samples of a batch, before it is known how many inputs and classes there are.
#[derive(Clone, Debug)]
struct Samples {
    rows: usize,
    inputs: Vec<f32>,
    classes: Vec<Index>,
}

/// Batches of one to four samples.
fn samples() -> impl Strategy<Value = Samples> {
    let inputs = vec(0.0f32..1.5, 24);
    let classes = vec(any::<Index>(), 4);
    (1usize..=4, inputs, classes).prop_map(|(rows, inputs, classes)| Samples {
        rows,
        inputs,
        classes,
    })
}

impl Samples {
    fn batch(&self, network: &Network, device: &Device) -> SampleBatch {
        let plan = network.plan();
        let [features, classes] = [plan.input, plan.output].map(|id| plan.populations[id].size);
        let inputs = self.inputs[..self.rows * features].to_vec();
        let chosen = self.classes[..self.rows]
            .iter()
            .map(|class| class.index(classes));
        let labels: Vec<i64> = chosen.map(|class| class as i64).collect();
        // burn makes no one-hot rows of a single class.
        let mut targets = vec![0.0f32; self.rows * classes];
        for (row, label) in labels.iter().enumerate() {
            targets[row * classes + *label as usize] = 1.0;
        }
        SampleBatch::new(
            Tensor::from_data(TensorData::new(inputs, [self.rows, features]), device),
            Tensor::from_data(TensorData::new(targets, [self.rows, classes]), device),
            Tensor::from_data(TensorData::new(labels, [self.rows]), device),
        )
    }

    /// Each sample as a batch of its own.
    fn apart(&self, features: usize) -> Vec<Self> {
        (0..self.rows)
            .map(|row| Self {
                rows: 1,
                inputs: self.inputs[row * features..][..features].to_vec(),
                classes: vec![self.classes[row]],
            })
            .collect()
    }
}

fn checked(spec: &ExperimentSpec, seed: u64) -> (Network, Learning) {
    let (plan, learning) = spec.check().unwrap();
    (Network::new(plan, seed, &Device::flex()), learning)
}

/// A model, what applies its updates, and its learning rate.
struct Learner {
    model: PlasticNetwork,
    optimizer: ModuleOptimizer,
}

impl Learner {
    fn new(spec: &ExperimentSpec, seed: u64) -> Self {
        let (network, learning) = checked(spec, seed);
        Self {
            model: PlasticNetwork::new(network, learning),
            optimizer: spec.optimizer.init(),
        }
    }

    fn step(&mut self, samples: &Samples) {
        let batch = samples.batch(&self.model.network, &Device::flex());
        let grads = self.model.step(batch).grads;
        let model = self.model.clone();
        self.model = model.optimize(&mut self.optimizer, 1.0.into(), grads);
    }

    /// All weights, biases and memories, bit for bit.
    fn bits(&self) -> Vec<u32> {
        let model = self.model.valid();
        let memory = model.memory.values().into_iter().map(Tensor::into_data);
        let memory = memory.flat_map(|data| data.iter::<f32>().collect::<Vec<_>>());
        let values = parameters(&model.network).into_iter().chain(memory);
        values.map(f32::to_bits).collect()
    }

    /// Saved in full, and read into a learner that was made from another seed.
    fn reloaded(&self, spec: &ExperimentSpec, seed: u64) -> Self {
        let mut other = Self::new(spec, seed);
        let model = self.model.clone().into_record().into_bytes().unwrap();
        let optimizer = self.optimizer.into_bytes().unwrap();
        other.model = (other.model).load_record(ModuleRecord::from_bytes(model).unwrap());
        other.optimizer = other.optimizer.from_bytes(optimizer).unwrap();
        other
    }
}

/// All weights and biases that the network owns.
fn parameters(network: &Network) -> Vec<f32> {
    let plan = network.plan();
    let owned = (0..plan.projections.len()).filter(|at| plan.projections[*at].is_owned());
    let weights = owned.map(|at| network.weight(ProjectionId(at)).into_data());
    let biases = (0..plan.populations.len())
        .filter_map(|at| network.bias(PopulationId(at)))
        .map(Tensor::into_data);
    weights
        .chain(biases)
        .flat_map(|data| data.iter::<f32>().collect::<Vec<_>>())
        .collect()
}

/// Networks without inhibition can run away, and nothing is promised of those but that it is
/// noticed.
fn finite(network: &Network) -> bool {
    parameters(network).iter().all(|it| it.is_finite())
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn every_law_holds_after_every_step_and_after_load(
        sketch in sketches(),
        seed in any::<u64>(),
        batches in vec(samples(), 1..=4),
    ) {
        let spec = sketch.build();
        let mut learner = Learner::new(&spec, seed);
        prop_assert_eq!(lawful::check(&learner.model.valid().network), Ok(()));
        for samples in &batches {
            learner.step(samples);
            let network = learner.model.valid().network;
            prop_assume!(finite(&network));
            prop_assert_eq!(lawful::check(&network), Ok(()));
        }
        let loaded = learner.reloaded(&spec, seed.wrapping_add(1));
        prop_assert_eq!(lawful::check(&loaded.model.valid().network), Ok(()));
        prop_assert!(loaded.bits() == learner.bits());
    }

    #[test]
    fn constraints_keep_the_shape_and_change_lawful_weights_no_more(
        sketch in sketches(),
        values in vec(-3.0f32..3.0, 36),
    ) {
        let (mut network, _) = checked(&sketch.build(), 1);
        let plan = network.plan().clone();
        let owned = || (0..plan.projections.len()).filter(|at| plan.projections[*at].is_owned());
        for at in owned() {
            let site = &plan.projections[at].site;
            let values: Vec<f32> = values.iter().cycle().skip(at).copied()
                .take(site.pre * site.post)
                .collect();
            let values = TensorData::new(values, [site.pre, site.post]);
            let weight = Tensor::from_data(values, &Device::flex());
            network = network.with_weight(ProjectionId(at), weight);
        }
        let once = network.constrained();
        prop_assert_eq!(lawful::check(&once), Ok(()));
        let twice = once.clone().constrained();
        for at in owned() {
            let site = &plan.projections[at].site;
            let [one, two] = [&once, &twice].map(|it| it.weight(ProjectionId(at)));
            prop_assert_eq!(one.dims(), [site.pre, site.post]);
            let [one, two] = [one, two].map(|it| it.into_data().iter().collect::<Vec<f32>>());
            let kinds = plan.projections[at].constraints.iter().map(ConstraintSpec::kind);
            let kinds: Vec<&str> = kinds.collect();
            let sums = kinds.contains(&"fan_in_sum");
            // A sum and a bound contradict each other: each undoes a part of the other.
            if sums && kinds.contains(&"upper_bound") {
                continue;
            }
            let tolerance = if sums { 1e-5 } else { 0.0 };
            for (one, two) in one.iter().zip(&two) {
                prop_assert!((one - two).abs() <= tolerance * one.abs(), "{} and {}", one, two);
            }
        }
    }

    #[test]
    fn a_batch_of_one_is_the_online_rule(
        sketch in sketches().prop_map(Sketch::without_random_events),
        samples in samples(),
    ) {
        let spec = sketch.build();
        let (mut network, learning) = checked(&spec, 7);
        let memory = learning.memory(&network);
        let mut learner = Learner::new(&spec, 7);
        learner.optimizer = SgdConfig::new().init();
        let features = network.plan().populations[network.plan().input].size;
        for sample in samples.apart(features) {
            let SampleBatch { inputs, targets, .. } = sample.batch(&network, &Device::flex());
            let outcome = learning.run(&network, &memory, inputs, targets, &mut ());
            network = outcome.apply(network, &memory);
            learner.step(&sample);
            let online: Vec<u32> = parameters(&network).into_iter().map(f32::to_bits).collect();
            prop_assert!(learner.bits().starts_with(&online));
        }
    }

    #[test]
    fn a_batch_is_the_mean_of_its_samples_in_order(
        sketch in sketches().prop_map(Sketch::without_random_events),
        samples in samples(),
    ) {
        let spec = sketch.build();
        // To some rules a batch is one whole, and they say so.
        let is_of_samples = |rule: &RuleSpec| match rule {
            RuleSpec::Local(rule) => rule.batch() == BatchMeaning::Samples,
            _ => true,
        };
        prop_assume!(spec.learning.rules.iter().all(|it| is_of_samples(&it.rule)));
        let (network, learning) = checked(&spec, 11);
        let run = |memory: &_, samples: &Samples| -> Updates {
            let SampleBatch { inputs, targets, .. } = samples.batch(&network, &Device::flex());
            let outcome = learning.run(&network, memory, inputs, targets, &mut ());
            outcome.into_updates(memory)
        };
        let together = run(&learning.memory(&network), &samples);
        let apart = learning.memory(&network);
        let features = network.plan().populations[network.plan().input].size;
        let apart: Vec<Updates> =
            samples.apart(features).iter().map(|sample| run(&apart, sample)).collect();
        for parameter in learning.learned() {
            let values = |updates: &Updates| -> Vec<f64> {
                updates.get(parameter).unwrap().into_data().iter::<f64>().collect()
            };
            let together = values(&together);
            let mut mean = vec![0.0; together.len()];
            for updates in &apart {
                let parts = mean.iter_mut().zip(values(updates));
                parts.for_each(|(mean, part)| *mean += part / apart.len() as f64);
            }
            let scale = mean.iter().fold(0.1, |scale: f64, it| scale.max(it.abs()));
            for (together, mean) in together.iter().zip(&mean) {
                prop_assert!(
                    (together - mean).abs() <= 1e-5 * scale,
                    "{:?}: {} and {}", parameter, together, mean
                );
            }
        }
    }

    #[test]
    fn a_seed_gives_the_same_bits(
        sketch in sketches().prop_map(Sketch::without_random_events),
        seed in any::<u64>(),
        batches in vec(samples(), 1..=3),
    ) {
        let spec = sketch.build();
        let run = || {
            let mut learner = Learner::new(&spec, seed);
            batches.iter().for_each(|samples| learner.step(samples));
            learner.bits()
        };
        prop_assert!(run() == run());
    }

    #[test]
    fn a_saved_and_reloaded_model_goes_on_to_the_same_bits(
        sketch in sketches().prop_map(Sketch::without_random_events),
        before in vec(samples(), 1..=3),
        after in vec(samples(), 1..=3),
    ) {
        let spec = sketch.build();
        let mut whole = Learner::new(&spec, 3);
        before.iter().for_each(|samples| whole.step(samples));
        let mut reloaded = whole.reloaded(&spec, 4);
        for samples in &after {
            whole.step(samples);
            reloaded.step(samples);
        }
        prop_assert!(whole.bits() == reloaded.bits());
    }

    #[test]
    fn a_perturbation_that_is_off_or_does_nothing_changes_no_bit(
        sketch in sketches().prop_map(Sketch::without_random_events),
        batches in vec(samples(), 1..=3),
    ) {
        let spec = sketch.build();
        let run = |action: Option<&str>| {
            let mut learner = Learner::new(&spec, 6);
            let plan = learner.model.network.plan();
            // Every population is perturbed.
            let perturb = |action| {
                let populations = plan.populations.iter();
                let texts = populations.map(|(_, it)| format!("{}: {action}", it.name));
                let list: Vec<Perturbation> = texts.map(|it| it.parse().unwrap()).collect();
                Perturbations::resolve(&list, plan, 1).unwrap()
            };
            if let Some(perturbations) = action.map(perturb) {
                learner.model = learner.model.clone().perturbed_by(perturbations);
            }
            batches.iter().for_each(|samples| learner.step(samples));
            learner.bits()
        };
        let plain = run(None);
        prop_assert!(run(Some("silence during test")) == plain);
        prop_assert!(run(Some("scale 1")) == plain);
    }

    #[test]
    fn only_what_has_a_rule_changes(sketch in sketches(), samples in samples()) {
        let spec = sketch.build();
        let learning = spec.check().unwrap().1;
        let learned: Vec<Parameter> = learning.learned().collect();
        let mut learner = Learner::new(&spec, 5);
        let before = learner.model.valid().network;
        learner.step(&samples);
        let after = learner.model.valid().network;
        for (at, projection) in before.plan().projections.iter().enumerate() {
            let id = ProjectionId(at);
            if projection.is_owned() && !learned.contains(&Parameter::Weight(id)) {
                prop_assert_eq!(before.weight(id).into_data(), after.weight(id).into_data());
            }
        }
        for (id, _) in before.plan().populations.iter() {
            if !learned.contains(&Parameter::Bias(id)) {
                let [one, two] = [&before, &after].map(|it| it.bias(id).map(Tensor::into_data));
                prop_assert_eq!(one, two);
            }
        }
    }
}
