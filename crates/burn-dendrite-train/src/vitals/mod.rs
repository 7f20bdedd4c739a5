//! Vital signs of a network while it learns: in burn's dashboard and in `metrics.jsonl`.
//!
//! A [`Vital`] is one number, [`Vital::all`] lists those of a network, and [`Vitals::of`] measures all
//! of them from the [`Trace`](burn_dendrite_optim::Trace) of a step. The values stay on the device;
//! [`VitalMetric`], a metric of burn's, reads them in the thread where burn computes metrics.
//!
//! # Adding a vital sign
//!
//! Add a variant to [`Vital`], its name, and how it is measured: the compiler asks for all three.

mod measure;
mod metric;
mod output;

use burn_dendrite_nn::{CellType, Plan, PopulationId};
use burn_dendrite_optim::Learning;

pub use measure::Vitals;
pub use metric::{VitalMetric, VitalsInput};
pub use output::{Attention, StepOutput, Watch};

/// One number that says how a network is doing.
///
/// Means are over the samples of a step, and then over the steps of a segment that were watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vital {
    /// How far the dendrites of a layer are from rest at the end of the forward phase. It falls
    /// where dendritic inhibition learns to cancel the top-down excitation.
    ///
    /// ```text
    /// mean |d|        over samples and units of the layer that have a dendrite
    /// ```
    ///
    /// Source: dendritic state in Galloni et al. 2025.
    DendriticState {
        /// The layer's place in [`Plan::layers`].
        layer: usize,
    },
    /// Share of units with a plateau potential, of those that the target can nudge: the units whose
    /// incoming weights change.
    ///
    /// ```text
    /// mean [p ≠ 0]    over samples and units of all nudged populations
    /// ```
    UpdatedUnits,
    /// [`UpdatedUnits`](Self::UpdatedUnits) of one population.
    UpdatedUnitsOf(PopulationId),
    /// Whether the forward phase has come to rest: the relative change of a population's mean
    /// activity in its last step, of the population where it is largest.
    ///
    /// ```text
    /// max over populations of |m − m'| / max(m, m'),   m = mean |r|, m' the same one step before
    /// ```
    ///
    /// 0 where a population was silent in both steps, 1 where it was in one of them.
    SettlingResidual,
    /// How few units of a population carry its activity: 0 where all are equally active, 1 where a
    /// single one is.
    ///
    /// ```text
    /// mean of (1 − (Σr/n)² / (Σr²/n)) / (1 − 1/n)    over samples in which it is not silent
    /// ```
    ///
    /// Source: Vinje and Gallant 2000, over units.
    Sparsity(PopulationId),
    /// Weights whose sign breaks the law of their presynaptic cell; always 0.
    DaleViolations,
}

impl Vital {
    /// The vital signs of a network, in the order in which [`Vitals`] holds them.
    ///
    /// A population of one unit has no sparsity, and a network of unconstrained cells no law.
    pub fn all(plan: &Plan) -> Vec<Self> {
        let populations = || plan.populations.iter().filter(|(id, _)| *id != plan.input);
        let dendrites = |layer: &usize| {
            let mut layer = plan.layers[*layer].iter();
            layer.any(|id| plan.has_dendrite(*id))
        };
        let nudged = populations().filter(|(id, _)| *id == plan.output || plan.has_dendrite(*id));
        let mut all: Vec<Self> = (0..plan.layers.len())
            .filter(dendrites)
            .map(|layer| Self::DendriticState { layer })
            .collect();
        all.push(Self::UpdatedUnits);
        all.extend(nudged.map(|(id, _)| Self::UpdatedUnitsOf(id)));
        // Of a single step there is no rest to compare it with.
        if plan.steps > 1 {
            all.push(Self::SettlingResidual);
        }
        let many = populations().filter(|(_, population)| population.size > 1);
        all.extend(many.map(|(id, _)| Self::Sparsity(id)));
        let cells = plan.projections.iter().map(|it| it.site.cell);
        if cells
            .into_iter()
            .any(|cell| cell != CellType::Unconstrained)
        {
            all.push(Self::DaleViolations);
        }
        all
    }

    /// Its name in the dashboard and in the log.
    pub fn name(self, plan: &Plan) -> String {
        let population = |id: PopulationId| &plan.populations[id].name;
        match self {
            Self::DendriticState { layer } => {
                let layer = plan.layers[layer].first().map(|id| population(*id).layer());
                format!("Dendritic State {}", layer.unwrap_or_default())
            }
            Self::UpdatedUnits => "Updated Units".to_owned(),
            Self::UpdatedUnitsOf(id) => format!("Updated Units {}", population(id)),
            Self::SettlingResidual => "Settling Residual".to_owned(),
            Self::Sparsity(id) => format!("Sparsity {}", population(id)),
            Self::DaleViolations => "Dale Violations".to_owned(),
        }
    }

    /// Whether a training step of `learning` has it.
    pub fn is_in_training(self, learning: &Learning) -> bool {
        let nudge = learning.nudge();
        match self {
            Self::UpdatedUnits => nudge.is_some(),
            Self::UpdatedUnitsOf(id) => nudge.is_some_and(|nudge| nudge.populations[id].is_some()),
            _ => true,
        }
    }

    /// Whether validation has it, which knows no backward phase.
    pub fn is_in_validation(self) -> bool {
        !matches!(self, Self::UpdatedUnits | Self::UpdatedUnitsOf(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    fn names(preset: &str) -> Vec<String> {
        let spec = presets::load(preset).unwrap();
        let (plan, _) = spec.check().unwrap();
        let vitals = Vital::all(&plan);
        vitals.into_iter().map(|vital| vital.name(&plan)).collect()
    }

    #[test]
    fn every_vital_sign_has_a_name_of_its_own() {
        let names = names("mnist-dtp");
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        for name in [
            "Dendritic State H1",
            "Dendritic State H2",
            "Updated Units",
            "Updated Units H1.E",
            "Updated Units Output.E",
            "Settling Residual",
            "Sparsity H2.E",
            "Sparsity Output.E",
            "Dale Violations",
        ] {
            assert!(names.iter().any(|it| it == name), "{name} not in {names:?}");
        }
    }

    #[test]
    fn what_takes_one_step_has_nothing_left_to_settle() {
        let names = names("mnist-mirrored-dtp");
        assert!(!names.iter().any(|it| it == "Settling Residual"));
    }

    #[test]
    fn validation_has_no_backward_phase_and_backprop_neither() {
        let spec = presets::load("mnist-backprop-ei").unwrap();
        let (plan, learning) = spec.check().unwrap();
        let absent: Vec<Vital> = (Vital::all(&plan).into_iter())
            .filter(|vital| !vital.is_in_training(&learning))
            .collect();
        assert!(absent.contains(&Vital::UpdatedUnits));
        assert!(absent.iter().all(|vital| !vital.is_in_validation()));
    }

    #[test]
    fn a_network_without_dendrites_and_laws_has_neither_state_nor_violations() {
        let names = names("mnist-backprop-ann");
        for absent in ["Dendritic", "Dale", "Sparsity Input.E"] {
            assert!(names.iter().all(|name| !name.starts_with(absent)));
        }
    }
}
