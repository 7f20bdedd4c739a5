//! The forward phase.

use burn::tensor::Device;
use burn_dendrite::optim::fused::FusedNetwork;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::{Case, Subject};

const BATCHES: [usize; 4] = [1, 8, 32, 128];

#[divan::bench(args = BATCHES)]
fn fused_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    let subject = Subject::new("mnist-dtp", &Device::flex());
    let mut network = FusedNetwork::new(&subject.network).expect("presets fuse");
    let (inputs, _) = subject.rows(0, batch);
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| network.forward(&inputs));
}

#[divan::bench(args = Case::all(&BATCHES))]
fn general_mnist_dtp(bencher: Bencher<'_, '_>, case: &Case) {
    let subject = Subject::new("mnist-dtp", &case.device);
    let (inputs, _) = subject.tensors(case.batch, &case.device);
    bencher
        .counter(ItemsCount::new(case.batch))
        .bench_local(|| {
            let output = subject.network.forward(inputs.clone());
            case.wait();
            output
        });
}
