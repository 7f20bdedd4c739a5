//! Whole training steps.

use burn::tensor::Device;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::{Case, Subject};

const BATCHES: [usize; 5] = [1, 8, 32, 128, 512];

#[divan::bench(args = BATCHES)]
fn memory_mnist_dtp(bencher: Bencher<'_, '_>, batch: usize) {
    in_memory(bencher, "mnist-dtp", batch);
}

#[divan::bench(args = BATCHES)]
fn memory_mnist_backprop_ei(bencher: Bencher<'_, '_>, batch: usize) {
    in_memory(bencher, "mnist-backprop-ei", batch);
}

#[divan::bench(args = Case::all(&BATCHES))]
fn tensors_mnist_dtp(bencher: Bencher<'_, '_>, case: &Case) {
    on_tensors(bencher, "mnist-dtp", case);
}

#[divan::bench(args = Case::all(&BATCHES))]
fn tensors_mnist_backprop_ei(bencher: Bencher<'_, '_>, case: &Case) {
    on_tensors(bencher, "mnist-backprop-ei", case);
}

fn in_memory(bencher: Bencher<'_, '_>, preset: &str, batch: usize) {
    let subject = Subject::new(preset, &Device::flex());
    let mut trainer = subject.trainer();
    let mut at = 0;
    bencher
        .counter(ItemsCount::new(batch))
        .with_inputs(|| {
            at += batch;
            subject.rows(at, batch)
        })
        .bench_local_values(|(inputs, targets)| trainer.step(&inputs, &targets, 1.0));
}

fn on_tensors(bencher: Bencher<'_, '_>, preset: &str, case: &Case) {
    let subject = Subject::new(preset, &case.device);
    let (inputs, targets) = subject.tensors(case.batch, &case.device);
    let mut network = Some(subject.network.clone());
    bencher
        .counter(ItemsCount::new(case.batch))
        .bench_local(|| {
            let now = network.take().expect("it is put back");
            let (inputs, targets) = (inputs.clone(), targets.clone());
            let outcome = subject
                .learning
                .run(&now, &subject.memory, inputs, targets, &mut ());
            network = Some(outcome.updates.apply(now));
            case.wait();
        });
}
