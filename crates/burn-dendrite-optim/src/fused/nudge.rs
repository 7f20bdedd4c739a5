//! The backward phase on the rows of a lane: what [`Nudge::run`] does to tensors.

use burn::tensor::{Device, Distribution, Tensor};
use burn_dendrite_nn::{PerPopulation, Plan, PopulationId};

use super::lane::{Frame, Lane};
use crate::phase::{
    Nudge, Select, Settling,
    nudge::{hears_from_above, moves},
};

/// Random numbers in [0, 1) for each population whose events are random, `[rows, size]`.
pub(super) type Draws = PerPopulation<Vec<f32>>;

/// Draws for a batch what [`Nudge::run`] would draw, in its order.
pub(super) fn draw(nudge: &Nudge, plan: &Plan, rows: usize, device: &Device) -> Draws {
    let mut draws: Draws = plan.populations.iter().map(|_| Vec::new()).collect();
    for layer in nudge.layers(plan) {
        for &id in layer {
            let asks = id == plan.output || hears_from_above(plan, id);
            if asks && nudge.populations[id].is_some_and(|it| it.select.is_random()) {
                let shape = [rows, plan.populations[id].size];
                let draw = Tensor::<2>::random(shape, Distribution::Default, device);
                draws[id] = draw.into_data().iter().collect();
            }
        }
    }
    draws
}

impl Lane {
    /// Runs the backward phase towards `target`, `[rows, output size]`. The rows of this lane begin
    /// with row `first` of the batch.
    pub(super) fn nudge(
        &mut self,
        frame: Frame<'_>,
        nudge: &Nudge,
        target: &[f32],
        draws: &Draws,
        first: usize,
    ) {
        let plan = frame.plan;
        let layers = nudge.layers(plan);
        match nudge.settling {
            Settling::Instant => {
                for layer in layers {
                    self.update_dendrites(frame, layer, target);
                    for &id in layer {
                        self.decide_plateau(frame, nudge, id, draws, first);
                        if moves(plan, id, nudge.settling) {
                            self.keep_previous(id);
                            self.jump(frame.arch, id);
                        }
                    }
                }
            }
            Settling::Equilibrated | Settling::OutputOnly => {
                for step in 0..plan.steps {
                    for &layer in &layers {
                        self.update_dendrites(frame, layer, target);
                        for &id in layer {
                            if step == 0 {
                                self.decide_plateau(frame, nudge, id, draws, first);
                                self.begin_nudged(frame, id);
                            }
                            self.keep_previous(id);
                        }
                        for &id in layer {
                            if moves(plan, id, nudge.settling) {
                                self.settle_nudged(frame, id);
                            }
                        }
                    }
                }
            }
        }
    }

    /// What the dendrites of a layer ask for now, in [-1, 1]; the output's is its error.
    fn update_dendrites(&mut self, frame: Frame<'_>, layer: &[PopulationId], target: &[f32]) {
        let plan = frame.plan;
        for &id in layer {
            let mut request = std::mem::take(&mut self.cells[id].nudged_dendrite);
            if id == plan.output {
                let cells = &self.cells[id];
                request.clear();
                request.resize(self.rows * cells.width, 0.0);
                let outputs = cells.forward_activity.chunks_exact(cells.width);
                let rows = request.chunks_exact_mut(cells.width).zip(outputs);
                for ((request, output), target) in rows.zip(target.chunks_exact(cells.size)) {
                    for ((request, output), target) in request.iter_mut().zip(output).zip(target) {
                        *request = (target - output).clamp(-1.0, 1.0);
                    }
                }
            } else if hears_from_above(plan, id) {
                self.dendritic_state(frame, id, &mut request);
                for request in &mut request {
                    *request = request.clamp(-1.0, 1.0);
                }
            }
            self.cells[id].nudged_dendrite = request;
        }
    }

    fn decide_plateau(
        &mut self,
        frame: Frame<'_>,
        nudge: &Nudge,
        id: PopulationId,
        draws: &Draws,
        first: usize,
    ) {
        let cells = &mut self.cells[id];
        let asks = id == frame.plan.output || hears_from_above(frame.plan, id);
        let (Some(response), true) = (nudge.populations[id], asks) else {
            return;
        };
        let (size, width) = (cells.size, cells.width);
        cells.plateau.clone_from(&cells.nudged_dendrite);
        let forward = cells.forward_activity.chunks_exact(width);
        for (row, (plateau, forward)) in (cells.plateau.chunks_exact_mut(width))
            .zip(forward)
            .enumerate()
        {
            let draws = match response.select {
                Select::Random { .. } => &draws[id][(first + row) * size..][..size],
                _ => &[],
            };
            response.decide(&mut plateau[..size], &forward[..size], draws);
        }
    }
}
