//! Dendritic target propagation next to backprop on CIFAR-10: the same anatomy with local receptive
//! fields, the same data in the same order, the same budget.
//!
//! ```sh
//! cargo run --example cifar                      # on the CPU
//! cargo run --example cifar --features wgpu      # on the GPU, or whatever adapter wgpu finds
//! cargo run --example cifar -- --full            # the paper's budget
//! ```
//!
//! Where CIFAR-10 is neither in `--data-dir` nor in burn's cache nor to be downloaded, it runs on
//! synthetic images, and says so.

use std::process::ExitCode;

use burn_dendrite::train::{cli::Example, data::DatasetName};

fn main() -> ExitCode {
    Example {
        name: "cifar",
        about: "Compares dendritic target propagation with backprop on CIFAR-10",
        presets: &["cifar10-dtp", "cifar10-backprop-ei", "cifar10-backprop-ann"],
        dataset: DatasetName::Cifar10,
        instead: Some(DatasetName::Synthetic),
        samples: 1000,
        full: (20_000, 10),
    }
    .main()
}
