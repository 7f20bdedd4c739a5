//! Whole training steps.

use burn::tensor::Device;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::Subject;

const BATCHES: [usize; 5] = [1, 8, 32, 128, 512];

#[divan::bench(args = BATCHES)]
fn fused_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    fused(bencher, "mnist-dtp", batch);
}

#[divan::bench(args = BATCHES)]
fn fused_mnist_backprop_ei(bencher: Bencher<'_, '_>, batch: usize) {
    fused(bencher, "mnist-backprop-ei", batch);
}

#[divan::bench(args = BATCHES)]
fn general_flex_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    general(bencher, "mnist-dtp", batch);
}

#[divan::bench(args = BATCHES)]
fn general_flex_mnist_backprop_ei(bencher: Bencher<'_, '_>, batch: usize) {
    general(bencher, "mnist-backprop-ei", batch);
}

fn fused(bencher: Bencher<'_, '_>, preset: &str, batch: usize) {
    let subject = Subject::new(preset, &Device::flex());
    let mut trainer = subject.fused();
    let mut at = 0;
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| {
            at += batch;
            subject.rows(at, batch)
        })
        .bench_local_values(|(inputs, targets)| trainer.step(&inputs, &targets, 1.0));
}

fn general(bencher: Bencher<'_, '_>, preset: &str, batch: usize) {
    let device = Device::flex();
    let subject = Subject::new(preset, &device);
    let (inputs, targets) = subject.tensors(batch, &device);
    let mut network = Some(subject.network.clone());
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        let now = network.take().expect("it is put back");
        let (inputs, targets) = (inputs.clone(), targets.clone());
        let outcome = subject
            .learning
            .run(&now, &subject.memory, inputs, targets, &mut ());
        network = Some(outcome.updates.apply(now));
    });
}
