//! The backward phase: how the target reaches somata through dendrites.

mod gate;
pub(crate) mod nudge;
mod select;

pub use gate::Gate;
pub(crate) use nudge::hears_from_above;
pub use nudge::{Nudge, NudgeSpec, Plateau, PopulationNudge, Response, Settling};
pub use select::Select;
