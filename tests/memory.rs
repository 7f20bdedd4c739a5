//! Memory stays flat over many online steps: burn's autodiff registry grows with every operation
//! on an autodiff tensor until some backward pass, and local rules never call one.
//!
//! A program of its own: what other tests take meanwhile would be counted too.

#[allow(dead_code)] // Most of it is for other tests.
mod common;

use burn::{optim::SgdConfig, tensor::Device, train::TrainStep};
use burn_dendrite::train::{PlasticNetwork, data::DatasetName};

use crate::common::small_spec;

/// Resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 4096
}

#[cfg(target_os = "linux")]
fn growth(preset: &str) -> usize {
    let device = Device::flex();
    let spec = small_spec(preset, &[]);
    let (_, learning) = spec.check().unwrap();
    let network = spec.network.init(1, &device).unwrap();
    let mut model = PlasticNetwork::new(network, learning);
    let mut optimizer = SgdConfig::new().init();
    let digits = DatasetName::MnistMini
        .load(&Default::default())
        .unwrap()
        .train;
    let mut before = 0;
    for step in 0..20_000 {
        // What the allocator keeps for itself has settled by then.
        if step == 2_000 {
            before = resident();
        }
        let batch = digits.batch(&[step % digits.len()], &device);
        let grads = model.step(batch).grads;
        model = model.optimize(&mut optimizer, 1.0.into(), grads);
    }
    resident().saturating_sub(before)
}

// The limit is far above the noise of one process and far below the 100 MB and more that leaking one
// entry an operation costs.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_flat_over_twenty_thousand_online_steps() {
    for preset in ["mnist-dtp", "mnist-backprop-ei"] {
        let grown = growth(preset);
        assert!(
            grown < 24 << 20,
            "{preset}: {grown} bytes more after 18,000 steps"
        );
    }
}
