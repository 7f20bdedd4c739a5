//! Whether deep stacks learn from their default starts.

use std::time::Instant;

use burn_dendrite::train::data::DatasetName;

use crate::{
    kind::Kind,
    stack::{Budget, Laws, Stack},
};

const BUDGET: Budget = Budget {
    steps: 300,
    batch: 64,
};
const SEEDS: u64 = 3;
const DEPTHS: [usize; 2] = [5, 10];
const FRACTIONS: [f64; 3] = [0.1, 0.2, 0.5];

/// Accuracy of each kind, depth, width and inhibitory fraction: mean and the least of the seeds.
pub(crate) fn print(dataset: &str, widths: &str) {
    let data: DatasetName = dataset.parse().expect("the name of a data set");
    let data = data.load(&Default::default()).expect("images of 28 by 28");
    let start = Instant::now();
    for width in widths.split(',').map(|it| it.parse().expect("a width")) {
        for kind in Kind::ALL {
            let fractions = if kind.has_inhibition() {
                &FRACTIONS[..]
            } else {
                &[0.0]
            };
            for &fraction in fractions {
                let cells = DEPTHS.map(|depth| {
                    let stack = Stack {
                        kind,
                        depth,
                        width,
                        fraction,
                    };
                    let reached: Vec<f32> = (1..=SEEDS)
                        .map(|seed| {
                            stack
                                .train(&data, Laws::AfterEachStep, BUDGET, seed)
                                .accuracy
                        })
                        .collect();
                    let mean = reached.iter().sum::<f32>() / SEEDS as f32;
                    let least = reached.iter().copied().fold(f32::INFINITY, f32::min);
                    format!("{mean:5.1} (least {least:4.1})")
                });
                println!(
                    "{dataset} width {width} {:15} {fraction:.1}  five {}  ten {}  {:.0} s",
                    format!("{kind:?}"),
                    cells[0],
                    cells[1],
                    start.elapsed().as_secs_f64()
                );
            }
        }
    }
}
