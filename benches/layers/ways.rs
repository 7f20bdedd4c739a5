//! Laws after each step and by construction.

use burn_dendrite::{
    nn::laws::{ByConstruction, LawGradient},
    train::data::DatasetName,
};

use crate::{
    kind::Kind,
    stack::{Budget, Laws, Stack},
};

const SEEDS: u64 = 3;

/// Accuracy and time of stacks of three layers on the embedded digits.
pub(crate) fn print() {
    let data = DatasetName::MnistMini
        .load(&Default::default())
        .expect("embedded digits");
    let budget = Budget {
        steps: 1000,
        batch: 50,
    };
    let by_construction = |gradient| Laws::ByConstruction(ByConstruction { gradient });
    let ways = [
        ("after each step", Laws::AfterEachStep),
        (
            "by construction, exact",
            by_construction(LawGradient::Exact),
        ),
        (
            "by construction, straight through",
            by_construction(LawGradient::StraightThrough),
        ),
    ];
    for kind in [
        Kind::LawfulLinear,
        Kind::DaleLinear,
        Kind::EiLayer,
        Kind::EiDense,
    ] {
        for (name, laws) in ways {
            let stack = Stack {
                kind,
                depth: 3,
                width: 100,
                fraction: 0.2,
            };
            let reached: Vec<_> = (1..=SEEDS)
                .map(|seed| stack.train(&data, laws, budget, seed))
                .collect();
            let accuracies: Vec<String> = (reached.iter())
                .map(|it| format!("{:.1}", it.accuracy))
                .collect();
            let seconds: f64 = reached.iter().map(|it| it.seconds).sum();
            let step = 1000.0 * seconds / (SEEDS as f64 * budget.steps as f64);
            println!(
                "{:14} {name:34} {}   {step:.2} ms a step",
                format!("{kind:?}"),
                accuracies.join("  ")
            );
        }
    }
}
