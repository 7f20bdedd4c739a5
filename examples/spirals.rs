//! Dendritic target propagation next to backprop on intertwined spirals: no files, half a minute.
//!
//! ```sh
//! cargo run --example spirals
//! ```

use std::process::ExitCode;

use burn_dendrite::{cli::Example, train::data::DatasetName};

fn main() -> ExitCode {
    Example {
        name: "spirals",
        about: "Compares dendritic target propagation with backprop on spirals",
        presets: &["spirals-dtp", "spirals-backprop-ei", "spirals-backprop-ann"],
        dataset: DatasetName::Spirals,
        instead: None,
        samples: 5600,
        full: (5600, 1),
        preprocessing: Default::default(),
    }
    .main()
}
