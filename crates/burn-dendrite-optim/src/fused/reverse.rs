//! Backprop through the last settling steps of a lane, by hand: what burn's autodiff does for the
//! general path.

use burn_dendrite_nn::{Activation, PerPopulation, Plan, PopulationId, ProjectionId};

use super::{
    factors::Products,
    kernel::{self, Operand, Wanted},
    lane::{Activity, Frame, Input, Lane, ROW_BY_ROW, Source, moved, slope},
};
use crate::backprop::Objective;

/// Activities of all populations before the first tracked step and after each of them.
pub(super) type Tape = Vec<PerPopulation<Activity>>;

/// `∂L/∂drive` of every tracked step, and `∂L/∂d` of the dendrite that the objective is about.
///
/// Every vector is `[rows, width]`, empty where the objective does not depend on it.
#[derive(Clone, Debug, Default)]
pub(super) struct Gradients {
    /// By tracked step.
    drives: Vec<PerPopulation<Vec<f32>>>,
    dendrite: Option<(PopulationId, Vec<f32>)>,
    /// With respect to the activity of the step at hand, and of the one before.
    now: PerPopulation<Vec<f32>>,
    before: PerPopulation<Vec<f32>>,
    soma: PerPopulation<Vec<f32>>,
}

impl Lane {
    /// Fills `gradients` with those of `objective`, a mean over the `samples` of the whole batch.
    pub(super) fn reverse(
        &self,
        frame: Frame<'_>,
        objective: Objective,
        target: &[f32],
        samples: usize,
        gradients: &mut Gradients,
    ) {
        let plan = frame.plan;
        let steps = self.tape.len() - 1;
        gradients.begin(plan, steps);
        match objective {
            Objective::OutputLoss => {
                let cells = &self.cells[plan.output];
                let mut error = vec![0.0; self.rows * cells.width];
                let scale = 2.0 / (samples * cells.size) as f32;
                let outputs = cells.forward_activity.chunks_exact(cells.width);
                let rows = error.chunks_exact_mut(cells.width).zip(outputs);
                for ((error, output), target) in rows.zip(target.chunks_exact(cells.size)) {
                    for ((error, output), target) in error.iter_mut().zip(output).zip(target) {
                        *error = (output - target) * scale;
                    }
                }
                gradients.now[plan.output] = error;
            }
            Objective::DendriticState(id) => {
                let cells = &self.cells[id];
                let scale = 2.0 / (samples * cells.size) as f32;
                let error: Vec<f32> = cells.dendrite.iter().map(|state| state * scale).collect();
                for input in &frame.wiring.dendrite[id] {
                    let source = Source::now(input.timing);
                    self.pass_back(frame, input, source, steps, &error, gradients);
                }
                gradients.dendrite = Some((id, error));
            }
        }
        for step in (1..=steps).rev() {
            for (id, population) in plan.populations.iter().rev() {
                if id == plan.input {
                    continue;
                }
                let cells = &self.cells[id];
                let length = self.rows * cells.width;
                let Gradients { now, soma, .. } = gradients;
                if now[id].is_empty() && soma[id].is_empty() {
                    continue;
                }
                now[id].resize(length, 0.0);
                soma[id].resize(length, 0.0);
                let rate = 1.0 / population.tau as f32;
                let activity = &self.tape[step][id].values;
                let somata = soma[id].iter_mut().zip(&now[id]).zip(activity);
                let mut drive = std::mem::take(&mut gradients.drives[step - 1][id]);
                drive.clear();
                drive.extend(somata.map(|((soma, now), activity)| {
                    let total = *soma + now * slope(population.activation, *activity);
                    *soma = total * (1.0 - rate);
                    total * rate
                }));
                for input in &frame.wiring.soma[id] {
                    let source = moved(input, id);
                    // What enters the first tracked step is a constant.
                    let inside = source == Source::Current || step > 1;
                    if input.acts_forward && inside {
                        self.pass_back(frame, input, source, step, &drive, gradients);
                    }
                }
                gradients.drives[step - 1][id] = drive;
            }
            gradients.step_back();
        }
    }

    /// Adds what `error` at the receiving end of a projection means for its presynaptic activity.
    fn pass_back(
        &self,
        frame: Frame<'_>,
        input: &Input,
        source: Source,
        step: usize,
        error: &[f32],
        gradients: &mut Gradients,
    ) {
        if input.pre == frame.plan.input {
            return;
        }
        let pre = &self.cells[input.pre];
        let matrix = frame.weights.matrix(input.owner);
        let (sum, activity) = match source {
            Source::Current => (&mut gradients.now[input.pre], &self.tape[step][input.pre]),
            Source::Previous => (
                &mut gradients.before[input.pre],
                &self.tape[step - 1][input.pre],
            ),
        };
        sum.resize(self.rows * pre.width, 0.0);
        let post_width = error.len() / self.rows;
        if self.rows > ROW_BY_ROW {
            let post_size = if input.transposed {
                matrix.pre
            } else {
                matrix.post
            };
            let (row_stride, column_stride) = match input.transposed {
                false => (1, matrix.width),
                true => (matrix.width, 1),
            };
            let errors = Operand {
                values: error,
                row_stride: post_width,
                column_stride: 1,
            };
            let weights = Operand {
                values: &matrix.values,
                row_stride,
                column_stride,
            };
            let shape = [self.rows, post_size, pre.size];
            kernel::add_product(sum, pre.width, shape, errors, weights, input.scale);
            return;
        }
        let rows = sum
            .chunks_exact_mut(pre.width)
            .zip(error.chunks_exact(post_width));
        for (row, (sum, error)) in rows.enumerate() {
            if input.transposed {
                let all: Vec<u32> = (0..matrix.pre as u32).collect();
                let scale = input.scale;
                kernel::add_rows(frame.arch, sum, error, &all, scale, &matrix.values);
            } else {
                // A silent relu passes nothing on, so its gradient need not be known.
                let wanted = match frame.plan.populations[input.pre].activation {
                    Activation::Relu => Wanted::Only(activity.active(row)),
                    _ => Wanted::First(pre.size),
                };
                kernel::add_dots(frame.arch, sum, error, wanted, input.scale, &matrix.values);
            }
        }
    }

    /// Adds the factors of `∂L/∂w` for the weights that a projection owns, wherever they are used.
    pub(super) fn weight_gradient(
        &self,
        frame: Frame<'_>,
        gradients: &Gradients,
        owner: ProjectionId,
        factors: &mut Products,
    ) {
        for (id, inputs) in frame.wiring.soma.iter() {
            let inputs = inputs
                .iter()
                .filter(|it| it.owner == owner && it.acts_forward);
            for input in inputs {
                if input.pre == frame.plan.input {
                    // It does not change from step to step, so one product does for all.
                    let drives = gradients.drives.iter().map(|drives| &drives[id]);
                    let sum = drives.fold(Vec::new(), |mut sum: Vec<f32>, drive| {
                        sum.resize(sum.len().max(drive.len()), 0.0);
                        sum.iter_mut().zip(drive).for_each(|(sum, it)| *sum += it);
                        sum
                    });
                    let activity = &self.cells[input.pre].forward_activity;
                    self.push(input, id, activity, &sum, factors);
                    continue;
                }
                for (step, drives) in gradients.drives.iter().enumerate() {
                    let activity = match moved(input, id) {
                        Source::Current => &self.tape[step + 1][input.pre],
                        Source::Previous => &self.tape[step][input.pre],
                    };
                    self.push(input, id, &activity.values, &drives[id], factors);
                }
            }
        }
        if let Some((id, error)) = &gradients.dendrite {
            for input in frame.wiring.dendrite[*id]
                .iter()
                .filter(|it| it.owner == owner)
            {
                let pre = &self.cells[input.pre];
                let activity = match Source::now(input.timing) {
                    Source::Current => &pre.forward_activity,
                    Source::Previous => &pre.forward_previous,
                };
                self.push(input, *id, activity, error, factors);
            }
        }
    }

    /// Adds the factors of `∂L/∂b` for the bias of a population.
    pub(super) fn bias_gradient(
        &self,
        gradients: &Gradients,
        id: PopulationId,
        factors: &mut Products,
    ) {
        let Self { cells, .. } = self;
        for drives in &gradients.drives {
            for drive in drives[id].chunks_exact(cells[id].width) {
                factors.push([1.0], drive[..cells[id].size].iter().copied());
            }
        }
    }

    fn push(
        &self,
        input: &Input,
        post: PopulationId,
        activity: &[f32],
        error: &[f32],
        factors: &mut Products,
    ) {
        let [pre, post] = [&self.cells[input.pre], &self.cells[post]];
        let activities = activity.chunks_exact(pre.width);
        for (activity, error) in activities.zip(error.chunks_exact(post.width)) {
            let activity = activity[..pre.size].iter().copied();
            let error = error[..post.size].iter().map(|error| error * input.scale);
            match input.transposed {
                false => factors.push(activity, error),
                true => factors.push(error, activity),
            }
        }
    }
}

impl Gradients {
    fn begin(&mut self, plan: &Plan, steps: usize) {
        let empty = || plan.populations.iter().map(|_| Vec::new()).collect();
        self.drives.resize_with(steps, empty);
        for drives in &mut self.drives {
            drives.iter_mut().for_each(Vec::clear);
        }
        self.dendrite = None;
        for values in [&mut self.now, &mut self.before, &mut self.soma] {
            if values.is_empty() {
                *values = empty();
            }
            values.iter_mut().for_each(Vec::clear);
        }
    }

    fn step_back(&mut self) {
        std::mem::swap(&mut self.now, &mut self.before);
        self.before.iter_mut().for_each(Vec::clear);
    }
}
