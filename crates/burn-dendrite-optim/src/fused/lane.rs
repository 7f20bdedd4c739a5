//! The state of some rows of a batch, and how it settles.

use burn_dendrite_nn::{
    Activation, Compartment, PerPopulation, Plan, PopulationId, ProjectionId, Timing, WeightSource,
};
use pulp::Arch;

use super::{
    kernel::{self, Operand, Wanted, padded},
    reverse::Tape,
    weights::Weights,
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

/// Which activity a projection carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The one of this step.
    Current,
    /// The one of the step before.
    Previous,
}

impl Source {
    /// What a projection carries of a state as it is.
    pub(super) fn now(timing: Timing) -> Self {
        match timing {
            Timing::Current => Self::Current,
            Timing::Previous => Self::Previous,
        }
    }
}

/// A projection, as a drive is computed from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) pre: PopulationId,
    /// As the projection is written.
    pub(super) timing: Timing,
    /// Whose weights these are.
    pub(super) owner: ProjectionId,
    pub(super) transposed: bool,
    pub(super) scale: f32,
    pub(super) acts_forward: bool,
}

/// What each population hears, with names and sources resolved once.
#[derive(Clone, Debug)]
pub(super) struct Wiring {
    pub(super) soma: PerPopulation<Vec<Input>>,
    pub(super) dendrite: PerPopulation<Vec<Input>>,
}

impl Wiring {
    pub(super) fn new(plan: &Plan) -> Self {
        let inputs = |post: PopulationId, compartment| {
            plan.incoming(post, compartment)
                .map(|(id, projection)| {
                    let (owner, transposed, scale) = match projection.source {
                        WeightSource::Own(_) => (id, false, 1.0),
                        WeightSource::Tied {
                            of,
                            transpose,
                            scale,
                        } => (of, transpose, scale as f32),
                    };
                    Input {
                        pre: projection.pre,
                        timing: projection.timing,
                        owner,
                        transposed,
                        scale,
                        acts_forward: projection.active.forward(),
                    }
                })
                .collect()
        };
        let all = |compartment| {
            let populations = plan.populations.iter();
            populations.map(|(id, _)| inputs(id, compartment)).collect()
        };
        Self {
            soma: all(Compartment::Soma),
            dendrite: all(Compartment::Dendrite),
        }
    }
}

/// Activities of one population, row by row, padded.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity {
    pub(super) values: Vec<f32>,
    /// The units of each row that are not silent; kept only where rows are few.
    active: Vec<Vec<u32>>,
}

impl Activity {
    fn resize(&mut self, rows: usize, width: usize) {
        self.values.clear();
        self.values.resize(rows * width, 0.0);
        let listed = if rows <= ROW_BY_ROW { rows } else { 0 };
        self.active.resize_with(listed, Vec::new);
    }

    /// The units of a row that are not silent.
    pub(super) fn active(&self, row: usize) -> &[u32] {
        &self.active[row]
    }

    fn copy_from(&mut self, other: &Self) {
        self.values.clone_from(&other.values);
        self.active.resize_with(other.active.len(), Vec::new);
        for (own, other) in self.active.iter_mut().zip(&other.active) {
            own.clone_from(other);
        }
    }

    /// Lists the units that are not silent.
    fn list(&mut self, size: usize, width: usize) {
        for (active, values) in self.active.iter_mut().zip(self.values.chunks_exact(width)) {
            // Without a branch on the activity, which no processor could foresee.
            active.resize(size, 0);
            let mut count = 0;
            for (unit, value) in values[..size].iter().enumerate() {
                active[count] = unit as u32;
                count += usize::from(*value != 0.0);
            }
            active.truncate(count);
        }
    }
}

/// State of one population; every vector is `[rows, width]`, empty where a population lacks it.
#[derive(Clone, Debug, Default)]
pub(super) struct Cells {
    pub(super) size: usize,
    pub(super) width: usize,
    tau: f32,
    activation: Activation,
    pub(super) soma: Vec<f32>,
    pub(super) activity: Activity,
    pub(super) previous: Activity,
    /// Bias and drive by the input, which do not change while a sample is shown.
    constant: Vec<f32>,
    /// What is drawn of the state where the forward phase ends.
    pub(super) forward_soma: Vec<f32>,
    pub(super) forward_activity: Vec<f32>,
    pub(super) forward_previous: Vec<f32>,
    pub(super) dendrite: Vec<f32>,
    pub(super) nudged_dendrite: Vec<f32>,
    pub(super) plateau: Vec<f32>,
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

/// Whether the activity that a projection onto `post` carries in the forward phase is of this step.
pub(super) fn moved(input: &Input, post: PopulationId) -> Source {
    match input.timing {
        Timing::Current if input.pre < post => Source::Current,
        Timing::Current | Timing::Previous => Source::Previous,
    }
}

/// What is added to a soma on the way to its activity.
#[derive(Clone, Copy, PartialEq)]
enum Nudge {
    None,
    Plateau,
}

impl Cells {
    /// `s ← s + (drive − s)/τ`, `r ← f(s + nudge)`.
    fn integrate(&mut self, arch: Arch, drive: &[f32], nudge: Nudge) {
        let Self {
            tau,
            soma,
            activity,
            plateau,
            ..
        } = self;
        kernel::vectorized(arch, || {
            for (soma, drive) in soma.iter_mut().zip(drive) {
                *soma += (drive - *soma) / *tau;
            }
            activity.values.copy_from_slice(soma);
            if nudge == Nudge::Plateau {
                for (value, plateau) in activity.values.iter_mut().zip(plateau.iter()) {
                    *value += plateau;
                }
            }
        });
        self.activate(arch);
    }

    fn activate(&mut self, arch: Arch) {
        activate(arch, self.activation, &mut self.activity.values);
        self.activity.list(self.size, self.width);
    }
}

/// `f` of every value, in place.
fn activate(arch: Arch, activation: Activation, values: &mut [f32]) {
    let mut each = |function: fn(f32) -> f32| {
        for value in values.iter_mut() {
            *value = function(*value);
        }
    };
    match activation {
        Activation::Relu => kernel::vectorized(arch, || {
            for value in values.iter_mut() {
                *value = value.max(0.0);
            }
        }),
        Activation::Softplus => each(|soma| soma.max(0.0) + (-soma.abs()).exp().ln_1p()),
        Activation::Sigmoid => each(|soma| 1.0 / (1.0 + (-soma).exp())),
        Activation::Tanh => each(f32::tanh),
        Activation::Linear => {}
    }
}

/// `f'` at the soma whose activity is known; what burn's own backward pass takes it to be.
pub(super) fn slope(activation: Activation, activity: f32) -> f32 {
    match activation {
        Activation::Relu => f32::from(u8::from(activity > 0.0)),
        // f = ln(1 + e^s), so f' = 1 − e^(−f).
        Activation::Softplus => -(-activity).exp_m1(),
        Activation::Sigmoid => activity * (1.0 - activity),
        Activation::Tanh => 1.0 - activity * activity,
        Activation::Linear => 1.0,
    }
}
