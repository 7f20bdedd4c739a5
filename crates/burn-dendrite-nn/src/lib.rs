//! Networks of excitatory and inhibitory populations for burn.
//!
//! A [`NetworkSpec`] is a network as data: populations of neurons, each of one cell type, and
//! projections between them that end at a soma or a dendrite. [`NetworkSpec::check`] reports every
//! mistake at once and gives a [`Plan`]; [`NetworkSpec::init`] makes the [`Network`], a burn module
//! that runs by [`Network::settle`]. Dale's law follows from the presynaptic cell type, so an
//! illegal network cannot be written down.
//!
//! How such a network learns is the subject of `burn-dendrite-optim`. For E/I layers inside an
//! ordinary burn model there are [`layers`], and [`laws`] for any parameter of any module.
//!
//! The model is that of Galloni, Peddada, Chennawar and Milstein, *Cellular and subcellular
//! specialization enables biology-constrained deep learning* (2025).

pub mod constraint;
pub mod error;
pub mod geometry;
pub mod init;
pub mod laws;
pub mod layers;
pub mod numbers;
pub mod perturb;
pub mod spec;

mod activation;
mod adjoint;
mod cell;
mod check;
mod host;
mod ids;
mod inner;
mod network;
mod observe;
mod parse;
mod plan;
mod random;
mod range;
pub mod registry;
mod settle;
mod state;

pub use activation::Activation;
pub use adjoint::Adjoint;
pub use cell::CellType;
pub use constraint::{AnyConstraint, Constraint, ConstraintSpec};
pub use error::{SpecError, SpecErrors};
pub use host::{Change, HostNetwork, Products};
pub use ids::{
    Parameter, PerPopulation, PopulationId, PopulationName, ProjectionId, ProjectionName,
};
pub use init::{Initializer, InitializerSpec};
pub use inner::on_inner;
pub use laws::Signs;
pub use network::{Network, Population, Projection};
pub use observe::{Event, Observer, Phase};
pub use plan::{Plan, PopulationPlan, ProjectionPlan, WeightSource};
pub use random::{RandomSite, SampleStream};
pub use settle::{Drive, Dynamics, Numbers, Soma};
pub use spec::{Active, Compartment, NetworkSpec, Timing};
pub use state::NetworkState;

#[cfg(test)]
pub(crate) fn test_device() -> burn::tensor::Device {
    burn::tensor::Device::flex()
}
