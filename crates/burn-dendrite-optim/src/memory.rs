//! What rules remember from one sample to the next.

use burn::{
    module::{Module, RunningState},
    tensor::Tensor,
};

/// One quantity that a rule remembers for each neuron on one side of its synapses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// What it is, e.g. `threshold`.
    pub name: &'static str,
    /// The neurons that it belongs to.
    pub side: Side,
    /// Its value before the first sample.
    pub start: f64,
}

/// A side of a synapse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The sending neurons.
    Presynaptic,
    /// The receiving neurons.
    Postsynaptic,
}

/// The memory of all rules of a network: a burn module of running states, one vector `[size]` for
/// each [`Slot`] of each rule.
///
/// Made by [`Learning::memory`](crate::Learning::memory), read by
/// [`Learning::run`](crate::Learning::run), and written where the step [ends](crate::Outcome::apply).
/// Saved and loaded like any module.
///
/// A batch stands for its samples one after another, in the order of its rows and with the weights
/// held still: the first sample finds what the batch before left, each other one what the sample
/// before it left, and the last one's is kept.
#[derive(Module, Debug)]
pub struct RuleMemory {
    slots: Vec<RunningState<Tensor<1>>>,
}

impl RuleMemory {
    pub(crate) fn new(start: Vec<Tensor<1>>) -> Self {
        let slots = start.into_iter().map(RunningState::new).collect();
        Self { slots }
    }

    /// The values, `[size]` each, as plain tensors, in the order of
    /// [`Learning::memory_names`](crate::Learning::memory_names).
    pub fn values(&self) -> Vec<Tensor<1>> {
        self.slots
            .iter()
            .map(|slot| slot.value_sync().without_autodiff())
            .collect()
    }

    /// The values as rows, `[1, size]` each.
    pub(crate) fn rows(&self) -> Vec<Tensor<2>> {
        self.values().into_iter().map(Tensor::unsqueeze).collect()
    }

    /// Puts new values, `[1, size]` each, in the place of the old ones.
    ///
    /// # Panics
    ///
    /// If they come from another way of learning than this memory.
    pub(crate) fn keep(&self, rows: Vec<Tensor<2>>) {
        assert_eq!(rows.len(), self.slots.len(), "values for each slot");
        for (slot, row) in self.slots.iter().zip(rows) {
            slot.update(row.squeeze_dim::<1>(0));
            // A running state holds an update back until the next one; what is saved must be new.
            slot.value_sync();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_saved() {
        let tensor = |value: f32| Tensor::<1>::from_floats([value], &crate::test_device());
        let memory = RuleMemory::new(vec![tensor(1.0)]);
        let read = |memory: &RuleMemory| memory.values().remove(0).into_scalar::<f32>();
        memory.keep(vec![tensor(2.0).unsqueeze()]);
        memory.keep(vec![tensor(3.0).unsqueeze()]);
        assert_eq!(read(&memory), 3.0);

        let other = RuleMemory::new(vec![tensor(0.0)]);
        let other = other.load_record(memory.into_record());
        assert_eq!(read(&other), 3.0);
    }
}
