//! Dendritic target propagation next to backprop on handwritten digits.
//!
//! ```sh
//! cargo run --example mnist
//! ```

use std::process::ExitCode;

use burn_dendrite::{cli::Example, train::data::DatasetName};

fn main() -> ExitCode {
    Example {
        name: "mnist",
        about: "Compares dendritic target propagation with backprop on MNIST",
        presets: &["mnist-dtp", "mnist-backprop-ei", "mnist-backprop-ann"],
        dataset: DatasetName::Mnist,
        instead: Some(DatasetName::MnistMini),
        samples: 4000,
        full: (20_000, 1),
        preprocessing: Default::default(),
    }
    .main()
}
