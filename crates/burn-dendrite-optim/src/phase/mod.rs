//! The backward phase: how the target reaches somata through dendrites.

mod gate;
pub(crate) mod nudge;
mod response;
mod select;
mod spec;

pub use gate::Gate;
pub use nudge::Nudge;
pub(crate) use nudge::{hears_from_above, wanted_states};
pub use response::Response;
pub use select::Select;
pub use spec::{NudgeSpec, Plateau, PopulationNudge, Settling};
