//! The backward phase on burn's tensors; the fused step has none by itself.

use burn::tensor::{Device, Tensor};
use divan::{Bencher, counter::ItemsCount};

use crate::subject::Subject;

const BATCHES: [usize; 3] = [1, 32, 128];

#[divan::bench(args = BATCHES)]
fn general_flex_mnist_dtp_instant(bencher: Bencher<'_, '_>, batch: usize) {
    general(bencher, "mnist-dtp", batch);
}

#[divan::bench(args = BATCHES)]
fn general_flex_mnist_dtp_equilibrated(bencher: Bencher<'_, '_>, batch: usize) {
    general(bencher, "mnist-dtp-equilibrated", batch);
}

fn general(bencher: Bencher<'_, '_>, preset: &str, batch: usize) {
    let device = Device::flex();
    let subject = Subject::new(preset, &device);
    let (inputs, targets) = subject.tensors(batch, &device);
    let plan = subject.network.plan();
    let forward = subject.network.settle(inputs, plan.steps, &mut ());
    let dendrites = || -> burn_dendrite::nn::PerPopulation<Option<Tensor<2>>> {
        let populations = plan.populations.iter();
        populations
            .map(|(id, _)| subject.network.dendritic_state(id, &forward))
            .collect()
    };
    let nudge = subject
        .learning
        .nudge()
        .expect("dendritic target propagation");
    bencher.counter(ItemsCount::new(batch)).bench_local(|| {
        nudge.run(
            &subject.network,
            forward.clone(),
            dendrites(),
            &targets,
            &mut (),
        )
    });
}
