//! Recording: what a network does while it learns, as arrays that NumPy reads.
//!
//! A [`Probe`] is one line of text, `H1.E: dendrite every 100 last 50`: a target, a signal of it, and
//! which training samples it is recorded for. Samples are counted through the whole run, from 0; of
//! a probe with `every n` those with a number divisible by `n` are recorded, and with `last n` the
//! newest `n` of them are kept. Each such sample gives one record, also where a step is on several.
//!
//! With `s` the soma, `r = f(s)` the activity and `W` the weights of what ends at the dendrite:
//!
//! ```text
//! signal            what                                       one record   of
//! soma              s, end of the forward phase                [units]      a population
//! activity          r, end of the forward phase                [units]
//! dendrite          d = Σ W·r_pre, end of the forward phase    [units]      one with a dendrite
//! nudged_activity   r, end of the backward phase               [units]      any, if there is one
//! nudged_dendrite   d in [-1, 1], end of the backward phase    [units]      one that it reaches
//! plateau           p in [-1, 1], what d asks the soma for     [units]      one that is nudged
//! bias              b, before the step on the sample           [units]      one with a bias
//! weight            W, before the step on the sample           [pre, post]  a projection
//! ```
//!
//! All of it is `f32` and has the unit of the model, in which rates, somata and weights have none.
//!
//! Recording is outside the dynamics: a step computes the same bits with and without it, on either
//! [engine](crate::Engine), and without probes nothing is done at all. Records stay in memory from
//! one checkpoint to the next, where they are written to a file of their own; `every` and `last` say
//! how much that is. At the end of a run these files become one, `probes.npz`, which
//! [`Recording::load`] reads.
//!
//! # Errors
//!
//! What is no probe, or none of a network, is a [`ProbeError`] with one sentence; files that cannot
//! be read or written are a [`RunError`](crate::run::RunError) that names the file.

mod archive;
mod checkpoint;
mod chunks;
mod npy;
mod recorder;
mod recording;

pub use crate::probe::{Probe, ProbeError, ProbeTarget, Probes, Signal};
pub(crate) use archive::write_arrays;
pub(crate) use checkpoint::RecordingCheckpointer;
pub use chunks::file;
pub(crate) use chunks::{Chunks, discard};
pub use recorder::Recorder;
pub(crate) use recorder::integers;
pub use recording::{Recording, Records};
