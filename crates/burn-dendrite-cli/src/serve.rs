//! `dendrite serve`.

use std::{net::SocketAddr, process::ExitCode};

use burn_dendrite_train::{
    output::report,
    remote::{RemoteError, serve},
};
use clap::Args;

use super::{MachineArguments, Mistake};

#[derive(Args, Debug)]
pub(super) struct ServeArguments {
    /// Where to listen; `0.0.0.0:3000` for other machines, which should be on a network that you
    /// trust: nothing is encrypted, and everybody is let in.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    #[command(flatten)]
    machine: MachineArguments,
}

impl ServeArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (device, name) = self.machine.open()?;
        let served = serve(device, self.listen, |address| {
            report(format!("{name} at ws://{address}; Ctrl-C ends it"));
        });
        match served {
            Err(error @ RemoteError::Listen { .. }) => Err(Mistake(error.to_string()).into()),
            served => Ok(served.map(|()| ExitCode::SUCCESS)?),
        }
    }
}
