//! What a training step cannot be faster than: its products of matrices alone, and a copy of its
//! weights alone.

use burn_dendrite::{lab::throughput::products, nn::Parameter, train::presets};
use divan::{Bencher, counter::ItemsCount};

use crate::subject::Case;

/// The products of a step alone; flex computes them as the crate `gemm` does.
#[divan::bench(args = Case::all(&[8, 32, 128, 512]))]
fn products_mnist_dtp(bencher: Bencher<'_, '_>, case: &Case) {
    let (batch, device) = (case.batch, &case.device);
    let (plan, learning) = presets::load("mnist-dtp")
        .and_then(|spec| spec.check().map_err(Into::into))
        .expect("presets are correct");
    let learned: Vec<Parameter> = learning.learned().collect();
    let operands: Vec<_> = products(&plan, &learned)
        .iter()
        .map(|product| (product.operands(batch, device), product.times))
        .collect();
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        for ([activity, weights], times) in &operands {
            for _ in 0..*times {
                divan::black_box(activity.clone().matmul(weights.clone()));
            }
        }
        case.wait();
    });
}

/// A copy of all weights: what four passes over them would cost four times.
#[divan::bench]
fn copy_of_the_weights_mnist_dtp(bencher: Bencher<'_, '_>) {
    let spec = presets::load("mnist-dtp").expect("a preset");
    let parameters = spec
        .network
        .check()
        .expect("presets are correct")
        .parameters();
    let weights = vec![1.0f32; parameters];
    let mut copy = vec![0.0f32; parameters];
    bencher.bench_local(|| {
        copy.copy_from_slice(divan::black_box(&weights));
        divan::black_box(&mut copy);
    });
}
