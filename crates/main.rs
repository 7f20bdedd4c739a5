//! The `dendrite` binary; everything is in `burn_dendrite::train::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    burn_dendrite::train::cli::main()
}
