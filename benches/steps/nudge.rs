//! The backward phase on burn's tensors; in memory it is part of a step.

use burn_dendrite::nn::SampleStream;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::{Case, Subject};

const BATCHES: [usize; 3] = [1, 32, 128];

#[divan::bench(args = Case::all(&BATCHES))]
fn tensors_mnist_dtp_instant(bencher: Bencher<'_, '_>, case: &Case) {
    on_tensors(bencher, "mnist-dtp", case);
}

#[divan::bench(args = Case::all(&BATCHES))]
fn tensors_mnist_dtp_equilibrated(bencher: Bencher<'_, '_>, case: &Case) {
    on_tensors(bencher, "mnist-dtp-equilibrated", case);
}

fn on_tensors(bencher: Bencher<'_, '_>, preset: &str, case: &Case) {
    let subject = Subject::new(preset, &case.device);
    let (inputs, targets) = subject.tensors(case.batch, &case.device);
    let plan = subject.network.plan();
    let forward = subject.network.settle(inputs, plan.steps, &mut ());
    let wanted = plan.populations.iter().map(|_| false).collect();
    let random = SampleStream::new(0, 0);
    let nudge = subject
        .learning
        .nudge()
        .expect("dendritic target propagation");
    bencher
        .counter(ItemsCount::new(case.batch))
        .bench_local(|| {
            let trace = nudge.run(
                &subject.network,
                &random,
                forward.clone(),
                &wanted,
                &targets,
                &mut (),
            );
            case.wait();
            trace
        });
}
