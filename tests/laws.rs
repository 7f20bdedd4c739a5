//! Any burn optimizer applies the updates, and the laws hold afterwards.

use burn::{
    module::Module,
    optim::{AdamConfig, ModuleOptimizer, RmsPropConfig, SgdConfig, momentum::MomentumConfig},
    tensor::Device,
    train::TrainStep,
};
use burn_dendrite::{
    nn::{Network, ProjectionId},
    train::{PlasticNetwork, data::DatasetName},
};

use crate::{common::small_spec, lawful};

fn optimizers() -> Vec<(&'static str, ModuleOptimizer, f64)> {
    let momentum = MomentumConfig::new().with_momentum(0.9);
    vec![
        ("sgd", SgdConfig::new().init(), 1.0),
        (
            "momentum",
            SgdConfig::new().with_momentum(Some(momentum)).init(),
            0.1,
        ),
        ("adam", AdamConfig::new().init(), 0.05),
        ("rmsprop", RmsPropConfig::new().init(), 0.01),
    ]
}

#[test]
fn every_law_holds_after_every_step_of_every_optimizer() {
    let device = Device::flex();
    let digits = DatasetName::MnistMini
        .load(&Default::default())
        .unwrap()
        .train;
    for preset in ["mnist-dtp", "mnist-backprop-ei"] {
        let spec = small_spec(preset, &[]);
        for (name, mut optimizer, rate) in optimizers() {
            let (_, learning) = spec.check().unwrap();
            let network = spec.network.init(3, &device).unwrap();
            let mut model = PlasticNetwork::new(network, learning);
            let start = model.valid().network.weight(ProjectionId(0)).into_data();
            for step in 0..12 {
                let indices: Vec<usize> = (step * 4..step * 4 + 1 + step % 4).collect();
                let grads = model.step(digits.batch(&indices, &device)).grads;
                assert!(!grads.is_empty());
                model = model.optimize(&mut optimizer, rate.into(), grads);
                if let Err(law) = lawful::check(&model.valid().network) {
                    panic!("{preset} {name} step {step}: {law}");
                }
            }
            let end = model.valid().network.weight(ProjectionId(0)).into_data();
            assert_ne!(start, end, "{preset} {name}: nothing was learned");
        }
    }
}

#[test]
fn a_saved_network_is_the_same_network() {
    let device = Device::flex();
    let spec = small_spec("mnist-dtp", &[]);
    let network = spec.network.init(5, &device).unwrap();
    let bytes = network.clone().into_record().into_bytes().unwrap();
    let record = burn::store::ModuleRecord::from_bytes(bytes).unwrap();
    let other = spec.network.init(6, &device).unwrap();
    let weights = |network: &Network| -> Vec<_> {
        (0..network.projections.len())
            .map(|index| network.weight(ProjectionId(index)).into_data())
            .collect()
    };
    assert_ne!(weights(&network), weights(&other));
    assert_eq!(weights(&network), weights(&other.load_record(record)));
}

#[test]
fn a_seed_gives_the_same_network_and_another_seed_another() {
    let spec = small_spec("mnist-dtp", &[]);
    let weight = |seed| {
        spec.network
            .init(seed, &Device::flex())
            .unwrap()
            .weight(ProjectionId(0))
            .into_data()
    };
    assert_eq!(weight(1), weight(1));
    assert_ne!(weight(1), weight(2));
}
