//! The forward phase.

use burn::tensor::Device;
use burn_dendrite::nn::{Dynamics, HostNetwork, Numbers, numbers::HostRows};
use divan::{Bencher, counter::ItemsCount};

use crate::subject::{Case, Subject};

const BATCHES: [usize; 4] = [1, 8, 32, 128];

#[divan::bench(args = BATCHES)]
fn memory_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    let subject = Subject::new("mnist-dtp", &Device::flex());
    let network = HostNetwork::new(&subject.network);
    let (inputs, _) = subject.rows(0, batch);
    let inputs = HostRows::from_values(&inputs, [batch, inputs.len() / batch]);
    bencher
        .counter(ItemsCount::new(batch))
        .bench_local(|| network.settle(inputs.clone(), network.plan().steps, &mut ()));
}

#[divan::bench(args = Case::all(&BATCHES))]
fn tensors_mnist_dtp(bencher: Bencher<'_, '_>, case: &Case) {
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
