//! Dendritic target propagation in maps on CIFAR-10, next to backprop on the same network and to the paper's
//! network with local receptive fields: the same images in the same order.
//!
//! ```sh
//! cargo run --example cifar                      # on the CPU, some minutes
//! cargo run --example cifar --features wgpu      # on the GPU, or whatever adapter wgpu finds
//! cargo run --example cifar -- --full            # the book's budget
//! ```
//!
//! Where CIFAR-10 is neither in `--data-dir` nor in burn's cache nor to be downloaded, it runs on
//! synthetic images, and says so.

use std::process::ExitCode;

use burn_dendrite::{
    cli::Example,
    train::data::{DatasetName, Flip, Preprocessing},
};

fn main() -> ExitCode {
    Example {
        name: "cifar",
        about: "Compares convolutional dendritic target propagation with backprop on CIFAR-10",
        presets: &["cifar10-conv-dtp", "cifar10-conv-backprop", "cifar10-dtp"],
        dataset: DatasetName::Cifar10,
        instead: Some(DatasetName::Synthetic),
        samples: 10_000,
        full: (50_000, 12),
        preprocessing: Preprocessing {
            crop_padding: 3,
            flip: Flip::Horizontal,
            ..Preprocessing::default()
        },
    }
    .main()
}
