//! Applying the changes of one step on burn's tensors; in memory it is done in place.

use divan::{Bencher, counter::ItemsCount};

use crate::subject::{Case, Subject};

#[divan::bench(args = Case::all(&[1, 32, 128]))]
fn tensors_mnist_dtp(bencher: Bencher<'_, '_>, case: &Case) {
    let subject = Subject::new("mnist-dtp", &case.device);
    let (inputs, targets) = subject.tensors(case.batch, &case.device);
    let network = &subject.network;
    let outcome = subject
        .learning
        .run(network, &subject.memory, inputs, targets, &mut ());
    let mut network = Some(network.clone());
    bencher
        .counter(ItemsCount::new(case.batch))
        .bench_local(|| {
            let now = network.take().expect("it is put back");
            network = Some(outcome.updates.clone().apply(now));
            case.wait();
        });
}
