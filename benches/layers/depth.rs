//! Whether deep stacks learn from their default starts.

use burn_dendrite::train::data::{DatasetName, Splits};

use crate::{
    kind::Kind,
    stack::{Budget, Laws, Stack},
};

const BUDGET: Budget = Budget {
    steps: 300,
    batch: 64,
};
const SEEDS: u64 = 3;
const FRACTIONS: [f64; 3] = [0.1, 0.2, 0.5];

/// Test accuracy of stacks of so many layers, for each kind (or the one that is named) and inhibitory
/// fraction, seed by seed.
pub(crate) fn print(dataset: &str, width: &str, depths: &str, only: Option<&str>) {
    let data: DatasetName = dataset.parse().expect("the name of a data set");
    let data = data.load(&Default::default()).expect("images of 28 by 28");
    let depths: Vec<usize> = depths
        .split(',')
        .map(|it| it.parse().expect("a depth"))
        .collect();
    let width = width.parse().expect("a width");
    for kind in Kind::ALL {
        if only.is_some_and(|only| only != format!("{kind:?}")) {
            continue;
        }
        let fractions: &[f64] = if kind.has_inhibition() {
            &FRACTIONS
        } else {
            &[0.0]
        };
        for &fraction in fractions {
            for &depth in &depths {
                let stack = Stack {
                    kind,
                    depth,
                    width,
                    fraction,
                };
                line(dataset, &stack, &data);
            }
        }
    }
}

fn line(dataset: &str, stack: &Stack, data: &Splits) {
    let reached = (1..=SEEDS).map(|seed| stack.train(data, Laws::AfterEachStep, BUDGET, seed));
    let reached: Vec<_> = reached.collect();
    let percent: Vec<String> = (reached.iter())
        .map(|it| format!("{:.1}", it.accuracy))
        .collect();
    let seconds: f64 = reached.iter().map(|it| it.seconds).sum();
    println!(
        "{dataset}  {:15} {} x {}  inhibitory {:.1}   {}   {seconds:.0} s",
        format!("{:?}", stack.kind),
        stack.depth,
        stack.width,
        stack.fraction,
        percent.join("  ")
    );
}
