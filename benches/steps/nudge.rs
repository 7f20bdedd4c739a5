//! The backward phase on burn's tensors; the fused step has none by itself.

use burn::tensor::Tensor;
use divan::{Bencher, counter::ItemsCount};

use crate::subject::{Case, Subject};

const BATCHES: [usize; 3] = [1, 32, 128];

#[divan::bench(args = Case::all(&BATCHES))]
fn general_mnist_dtp_instant(bencher: Bencher<'_, '_>, case: &Case) {
    general(bencher, "mnist-dtp", case);
}

#[divan::bench(args = Case::all(&BATCHES))]
fn general_mnist_dtp_equilibrated(bencher: Bencher<'_, '_>, case: &Case) {
    general(bencher, "mnist-dtp-equilibrated", case);
}

fn general(bencher: Bencher<'_, '_>, preset: &str, case: &Case) {
    let subject = Subject::new(preset, &case.device);
    let (inputs, targets) = subject.tensors(case.batch, &case.device);
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
    bencher
        .counter(ItemsCount::new(case.batch))
        .bench_local(|| {
            let trace = nudge.run(
                &subject.network,
                forward.clone(),
                dendrites(),
                &targets,
                &mut (),
            );
            case.wait();
            trace
        });
}
