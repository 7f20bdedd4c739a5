//! The state of some rows of a batch, and how it settles.

use burn_dendrite_nn::{PerPopulation, Plan, PopulationId};
use pulp::Arch;

use super::{
    cells::{Activity, Cells, Nudge, activate},
    kernel::{self, Operand, Wanted, padded},
    reverse::Tape,
    weights::Weights,
    wiring::{Input, Source, Wiring, moved},
};

/// Up to so many rows, products skip silent presynaptic units row by row; beyond, one product of
/// matrices for all rows is faster.
pub(super) const ROW_BY_ROW: usize = 8;

/// Everything that stays the same during a phase.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) arch: Arch,
    pub(super) plan: &'a Plan,
    pub(super) wiring: &'a Wiring,
    pub(super) weights: &'a Weights,
}

/// Some rows of a batch: what one thread works on.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    pub(super) rows: usize,
    pub(super) cells: PerPopulation<Cells>,
    /// Activities before the first tracked step and after each of them; empty where none is.
    pub(super) tape: Tape,
    drive: Vec<f32>,
    input: PopulationId,
}

impl Lane {
    pub(super) fn new(plan: &Plan) -> Self {
        let cells = plan.populations.iter().map(|(_, population)| Cells {
            size: population.size,
            width: padded(population.size),
            tau: population.tau as f32,
            activation: population.activation,
            ..Cells::default()
        });
        Self {
            rows: 0,
            cells: cells.collect(),
            tape: Tape::new(),
            drive: Vec::new(),
            input: plan.input,
        }
    }

    /// Shows `input`, `[rows, input size]`, to a network at rest.
    pub(super) fn show(&mut self, frame: Frame<'_>, input: &[f32]) {
        let Frame {
            arch,
            plan,
            wiring,
            weights,
        } = frame;
        let size = self.cells[self.input].size;
        self.rows = input.len() / size;
        for (id, _) in plan.populations.iter() {
            let cells = &mut self.cells[id];
            let (rows, width) = (self.rows, cells.width);
            cells.soma.resize(rows * width, 0.0);
            cells.activity.resize(rows, width);
            cells.previous.resize(rows, width);
            if id == self.input {
                for (cells, input) in (cells.soma.chunks_exact_mut(width)).zip(input.chunks(size)) {
                    cells[..size].copy_from_slice(input);
                }
                cells.activity.values.copy_from_slice(&cells.soma);
            } else {
                match weights.bias(id) {
                    Some(bias) => cells.soma.copy_from_slice(&bias.repeat(rows)),
                    None => cells.soma.fill(0.0),
                }
                cells.activity.values.copy_from_slice(&cells.soma);
                activate(arch, cells.activation, &mut cells.activity.values);
            }
            cells.activity.list(cells.size, width);
            let Cells {
                activity, previous, ..
            } = cells;
            previous.copy_from(activity);
        }
        for (id, _) in plan.populations.iter() {
            let mut constant = std::mem::take(&mut self.cells[id].constant);
            self.begin_drive(id, weights, &mut constant);
            for input in &wiring.soma[id] {
                if input.pre == self.input && input.acts_forward {
                    self.add_drive(frame, input, id, Source::Current, &mut constant);
                }
            }
            self.cells[id].constant = constant;
        }
    }

    /// So many steps of the forward phase.
    pub(super) fn settle(&mut self, frame: Frame<'_>, steps: usize) {
        let Frame {
            arch, plan, wiring, ..
        } = frame;
        for _ in 0..steps {
            for (id, _) in plan.populations.iter() {
                if id != self.input {
                    let cells = &mut self.cells[id];
                    std::mem::swap(&mut cells.activity, &mut cells.previous);
                }
            }
            for (id, _) in plan.populations.iter() {
                if id != self.input {
                    let hears = |input: &&Input| input.acts_forward && input.pre != self.input;
                    let inputs = wiring.soma[id].iter().filter(hears);
                    // A population that is listed later has not moved yet in this step.
                    let sources = inputs.map(|input| (input, moved(input, id)));
                    let mut drive = std::mem::take(&mut self.drive);
                    drive.clone_from(&self.cells[id].constant);
                    for (input, source) in sources {
                        self.add_drive(frame, input, id, source, &mut drive);
                    }
                    self.cells[id].integrate(arch, &drive, Nudge::None);
                    self.drive = drive;
                }
            }
        }
    }

    /// So many steps of the forward phase, with every activity on tape.
    pub(super) fn settle_tracked(&mut self, frame: Frame<'_>, steps: usize) {
        let none = || self.cells.iter().map(|_| Activity::default()).collect();
        self.tape.resize_with(steps + 1, none);
        for step in 0..=steps {
            if step > 0 {
                self.settle(frame, 1);
            }
            for (id, cells) in self.cells.iter() {
                self.tape[step][id].copy_from(&cells.activity);
            }
        }
    }

    /// Adds to the constant drive of a population what the input gives it in the backward phase
    /// alone.
    pub(super) fn begin_nudged(&mut self, frame: Frame<'_>, id: PopulationId) {
        let mut constant = std::mem::take(&mut self.cells[id].constant);
        for input in &frame.wiring.soma[id] {
            if input.pre == self.input && !input.acts_forward {
                self.add_drive(frame, input, id, Source::Current, &mut constant);
            }
        }
        self.cells[id].constant = constant;
    }

    /// One step of a population's soma in a backward phase, under all its projections.
    pub(super) fn settle_nudged(&mut self, frame: Frame<'_>, id: PopulationId) {
        let mut drive = std::mem::take(&mut self.drive);
        drive.clone_from(&self.cells[id].constant);
        for input in &frame.wiring.soma[id] {
            if input.pre != self.input {
                let source = Source::now(input.timing);
                self.add_drive(frame, input, id, source, &mut drive);
            }
        }
        self.cells[id].integrate(frame.arch, &drive, Nudge::Plateau);
        self.drive = drive;
    }

    fn begin_drive(&self, id: PopulationId, weights: &Weights, drive: &mut Vec<f32>) {
        let length = self.rows * self.cells[id].width;
        drive.clear();
        match weights.bias(id) {
            Some(bias) => drive.extend(bias.iter().cycle().take(length)),
            None => drive.resize(length, 0.0),
        }
    }

    /// Keeps the state where the forward phase ends, for rules and for gates.
    pub(super) fn keep_forward(&mut self, plan: &Plan) {
        for (id, _) in plan.populations.iter() {
            let cells = &mut self.cells[id];
            cells.forward_soma.clone_from(&cells.soma);
            cells.forward_activity.clone_from(&cells.activity.values);
            cells.forward_previous.clone_from(&cells.previous.values);
        }
    }

    /// Keeps the dendritic states where the forward phase ends, not clamped.
    pub(super) fn keep_dendrites(&mut self, frame: Frame<'_>) {
        for (id, _) in frame.plan.populations.iter() {
            if !frame.wiring.dendrite[id].is_empty() {
                let mut state = std::mem::take(&mut self.cells[id].dendrite);
                self.dendritic_state(frame, id, &mut state);
                self.cells[id].dendrite = state;
            }
        }
    }

    /// `previous ← activity`, for one population.
    pub(super) fn keep_previous(&mut self, id: PopulationId) {
        let Cells {
            activity, previous, ..
        } = &mut self.cells[id];
        previous.copy_from(activity);
    }

    /// `r ← f(s + plateau)`, at once.
    pub(super) fn jump(&mut self, arch: Arch, id: PopulationId) {
        let cells = &mut self.cells[id];
        cells.activity.values.copy_from_slice(&cells.soma);
        for (value, plateau) in cells.activity.values.iter_mut().zip(&cells.plateau) {
            *value += plateau;
        }
        cells.activate(arch);
    }

    /// Adds to `state` what reaches the dendrite of a population, not clamped.
    pub(super) fn dendritic_state(&self, frame: Frame<'_>, id: PopulationId, state: &mut Vec<f32>) {
        state.clear();
        state.resize(self.rows * self.cells[id].width, 0.0);
        for input in &frame.wiring.dendrite[id] {
            let source = Source::now(input.timing);
            self.add_drive(frame, input, id, source, state);
        }
    }

    fn add_drive(
        &self,
        frame: Frame<'_>,
        input: &Input,
        post: PopulationId,
        source: Source,
        drive: &mut [f32],
    ) {
        let Frame { arch, weights, .. } = frame;
        let matrix = weights.matrix(input.owner);
        let [pre, post] = [&self.cells[input.pre], &self.cells[post]];
        let activity = match source {
            Source::Current => &pre.activity,
            Source::Previous => &pre.previous,
        };
        if self.rows > ROW_BY_ROW {
            let (row_stride, column_stride) = match input.transposed {
                false => (matrix.width, 1),
                true => (1, matrix.width),
            };
            kernel::add_product(
                drive,
                post.width,
                [self.rows, pre.size, post.size],
                Operand {
                    values: &activity.values,
                    row_stride: pre.width,
                    column_stride: 1,
                },
                Operand {
                    values: &matrix.values,
                    row_stride,
                    column_stride,
                },
                input.scale,
            );
            return;
        }
        let rows = activity.values.chunks_exact(pre.width);
        for (row, (drive, activity_row)) in drive.chunks_exact_mut(post.width).zip(rows).enumerate()
        {
            if input.transposed {
                let wanted = Wanted::First(post.size);
                kernel::add_dots(
                    arch,
                    drive,
                    activity_row,
                    wanted,
                    input.scale,
                    &matrix.values,
                );
            } else {
                let active = activity.active(row);
                kernel::add_rows(
                    arch,
                    drive,
                    activity_row,
                    active,
                    input.scale,
                    &matrix.values,
                );
            }
        }
    }
}
