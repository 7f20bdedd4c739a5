//! The `dendrite` binary; everything is in `burn_dendrite::cli`.

use std::process::ExitCode;

use burn_dendrite::{cli, train::Registry};

fn main() -> ExitCode {
    cli::main(Registry::standard())
}
