//! The forward phase.

use burn::tensor::Device;
use burn_dendrite::optim::fused::FusedNetwork;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::Subject;

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

#[divan::bench(args = BATCHES)]
fn general_flex_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    let device = Device::flex();
    let subject = Subject::new("mnist-dtp", &device);
    let (inputs, _) = subject.tensors(batch, &device);
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| subject.network.forward(inputs.clone()));
}
