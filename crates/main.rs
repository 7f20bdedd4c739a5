//! The `dendrite` binary; everything is in `burn_dendrite::train::cli`.

use std::process::ExitCode;

use burn_dendrite::train::{Registry, cli};

fn main() -> ExitCode {
    cli::main(Registry::standard())
}
