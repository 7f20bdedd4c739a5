//! What is recorded while a network learns.

mod resolve;
mod text;

pub use resolve::Probes;
pub(crate) use resolve::{Resolved, Source};
pub use text::{Probe, ProbeError, ProbeTarget, Signal};
