//! What perturbations do to the dynamics, with every name resolved.

use crate::PerPopulation;

/// Everything that is different in the dynamics of a network on one occasion; see
/// [`Perturbed`](super::Perturbed).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Effects {
    pub(super) populations: PerPopulation<CellEffect>,
    pub(super) projections: Vec<SynapseEffect>,
}

/// What is different in the cells of a population.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct CellEffect {
    /// Factor on each activity.
    pub(super) gain: Option<Vec<f32>>,
    /// Standard deviation of the noise of each soma.
    pub(super) noise: Option<Vec<f32>>,
}

/// What is different in the synapses of a projection.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SynapseEffect {
    /// Factor on the input of each postsynaptic cell.
    pub(super) gain: Option<Vec<f32>>,
    /// Standard deviation of the noise of each of these inputs.
    pub(super) noise: Option<Vec<f32>>,
    /// Steps by which activity arrives later.
    pub(super) delay: usize,
    /// The presynaptic cell that is heard in the place of each.
    pub(super) order: Option<Vec<usize>>,
}

impl Effects {
    pub(super) fn is_nothing(&self) -> bool {
        let cells = self
            .populations
            .iter()
            .all(|(_, it)| *it == CellEffect::default());
        cells && (self.projections.iter()).all(|it| *it == SynapseEffect::default())
    }

    /// How many populations and projections there are.
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.populations.len(), self.projections.len()]
    }

    pub(super) fn cells(&self, id: crate::PopulationId) -> &CellEffect {
        &self.populations[id]
    }

    pub(super) fn synapses(&self, id: crate::ProjectionId) -> &SynapseEffect {
        &self.projections[id.0]
    }
}
