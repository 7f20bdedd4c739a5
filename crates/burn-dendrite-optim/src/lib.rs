//! Learning without autodiff for networks of excitatory and inhibitory populations.
//!
//! A [`LearningSpec`] says as data how each projection learns; [`LearningSpec::check`] resolves it
//! for a network. [`Learning::run`] then does one training step up to the updates: the network
//! settles under the input (forward phase), its output is nudged towards the target and dendrites
//! pass that on downwards (backward phase), and every rule turns the signals at its own synapses
//! into Δw. Backprop through the last settling steps stands behind the same call.
//!
//! What rules remember between samples (thresholds, traces) is a [`RuleMemory`], a burn module beside
//! the network. All Δw are computed from one snapshot; [`Updates::into_grads`] hands them to any burn
//! optimizer as pseudo-gradients, [`Updates::apply`] adds them as they are.
//!
//! The model is that of Galloni, Peddada, Chennawar and Milstein, *Cellular and subcellular
//! specialization enables biology-constrained deep learning* (2025).

mod anatomy;
mod backprop;
mod check;
mod clipping;
pub mod contract;
mod delta;
mod descent;
mod exponentiated_gradient;
mod host;
mod learning;
mod memory;
mod outcome;
pub mod phase;
mod rms_prop;
pub mod rule;
mod spec;
mod stochastic_gradient;
mod synapse;
mod trace;
mod updates;

pub use anatomy::{
    AnatomyLearning, DendriticInhibition, EiNetworkConfig, Feedback, MapWeights,
    PublishedNetworkConfig, SomaticInhibition,
};
pub use clipping::Clipping;
pub use delta::Delta;
pub use descent::{Descent, DescentMemory};
pub use exponentiated_gradient::{ExponentiatedGradient, ExponentiatedGradientConfig};
pub use host::{HostTrainer, to_tensors};
pub use learning::Learning;
pub use memory::{RuleMemory, Side, Slot};
pub use outcome::{LiftToAutodiff, Outcome};
pub use phase::{Gate, NudgeSpec, Plateau, Select, Settling};
pub use rms_prop::{Divisor, RmsProp};
pub use rule::{
    AnyRule, BatchMeaning, Idle, LearningRule, LocalRule, RuleSite, RuleSpec, RuleStep, Signal,
    StepSize,
};
pub use spec::{LearningSpec, Loss, Plasticity, Target};
pub use stochastic_gradient::{Lookahead, StochasticGradient};
pub use synapse::{Postsynaptic, Presynaptic, Synapse};
pub use trace::{ActivityPhase, State, Trace};
pub use updates::{TakeGradient, Updates};

#[cfg(test)]
pub(crate) fn test_device() -> burn::tensor::Device {
    burn::tensor::Device::flex()
}
