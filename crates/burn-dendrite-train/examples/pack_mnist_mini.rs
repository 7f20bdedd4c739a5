//! Packs the small MNIST that the library embeds: `pack_mnist_mini MNIST_FOLDER OUTPUT_FILE`.
//!
//! The same files always give the same digits: the first of each class, in the order of the files.

use std::path::PathBuf;

use anyhow::{Context, bail};
use burn_dendrite_train::data::{DataOptions, DatasetName, Progress, mnist_mini};

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(output), None) = (arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("usage: pack_mnist_mini MNIST_FOLDER OUTPUT_FILE");
    };
    let options = DataOptions {
        data_dir: Some(folder),
        progress: Progress::Hidden,
    };
    let splits = mnist_mini::subset(&DatasetName::Mnist.load(&options)?);
    let packed = mnist_mini::pack(&splits)?;
    std::fs::write(&output, &packed)
        .with_context(|| format!("could not write {}", output.display()))?;
    println!(
        "{} + {} + {} digits in {} bytes",
        splits.train.len(),
        splits.validation.len(),
        splits.test.len(),
        packed.len()
    );
    Ok(())
}
