//! The state of one population, and how its somata are integrated.

use burn_dendrite_nn::Activation;
use pulp::Arch;

use super::{kernel, lane::ROW_BY_ROW};
use crate::State;

/// Activities of one population, row by row, padded.
#[derive(Clone, Debug, Default)]
pub(super) struct Activity {
    pub(super) values: Vec<f32>,
    /// The units of each row that are not silent; kept only where rows are few.
    active: Vec<Vec<u32>>,
}

impl Activity {
    pub(super) fn resize(&mut self, rows: usize, width: usize) {
        self.values.clear();
        self.values.resize(rows * width, 0.0);
        let listed = if rows <= ROW_BY_ROW { rows } else { 0 };
        self.active.resize_with(listed, Vec::new);
    }

    /// The units of a row that are not silent.
    pub(super) fn active(&self, row: usize) -> &[u32] {
        &self.active[row]
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        self.values.clone_from(&other.values);
        self.active.resize_with(other.active.len(), Vec::new);
        for (own, other) in self.active.iter_mut().zip(&other.active) {
            own.clone_from(other);
        }
    }

    /// Lists the units that are not silent.
    pub(super) fn list(&mut self, size: usize, width: usize) {
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
    pub(super) tau: f32,
    pub(super) activation: Activation,
    pub(super) soma: Vec<f32>,
    pub(super) activity: Activity,
    pub(super) previous: Activity,
    /// Bias and drive by the input, which do not change while a sample is shown.
    pub(super) constant: Vec<f32>,
    /// What is drawn of the state where the forward phase ends.
    pub(super) forward_soma: Vec<f32>,
    pub(super) forward_activity: Vec<f32>,
    pub(super) forward_previous: Vec<f32>,
    pub(super) dendrite: Vec<f32>,
    pub(super) nudged_dendrite: Vec<f32>,
    pub(super) plateau: Vec<f32>,
}

/// What is added to a soma on the way to its activity.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Nudge {
    None,
    Plateau,
}

impl Cells {
    /// One of the states that the last step left, `[rows, width]`; empty where there is none.
    pub(super) fn state(&self, state: State) -> &[f32] {
        match state {
            State::Soma => &self.forward_soma,
            State::Activity => &self.forward_activity,
            State::Dendrite => &self.dendrite,
            State::NudgedActivity => &self.activity.values,
            State::NudgedDendrite => &self.nudged_dendrite,
            State::Plateau => &self.plateau,
        }
    }

    /// `s ← s + (drive − s)/τ`, `r ← f(s + nudge)`.
    pub(super) fn integrate(&mut self, arch: Arch, drive: &[f32], nudge: Nudge) {
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

    pub(super) fn activate(&mut self, arch: Arch) {
        activate(arch, self.activation, &mut self.activity.values);
        self.activity.list(self.size, self.width);
    }
}

/// `f` of every value, in place.
pub(super) fn activate(arch: Arch, activation: Activation, values: &mut [f32]) {
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
