//! Applying the changes of one step on burn's tensors; the fused step does it in place.

use burn::tensor::Device;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::Subject;

#[divan::bench(args = [1, 32, 128])]
fn general_flex_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    let device = Device::flex();
    let subject = Subject::new("mnist-dtp", &device);
    let (inputs, targets) = subject.tensors(batch, &device);
    let network = &subject.network;
    let outcome = subject
        .learning
        .run(network, &subject.memory, inputs, targets, &mut ());
    let mut network = Some(network.clone());
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        let now = network.take().expect("it is put back");
        network = Some(outcome.updates.clone().apply(now));
    });
}
