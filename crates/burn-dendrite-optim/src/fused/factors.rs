//! Changes of weights as factors, never multiplied out.

use burn_dendrite_nn::{Parameter, PerPopulation, Plan, PopulationId, Timing};

use super::{cells::Cells, lane::Lane};
use crate::{ActivityPhase, rule::LearningRule};

/// A learning rule whose change is a sum of products of thin vectors, with which the fused step can
/// update the weights in place.
///
/// ```text
/// Δw_ij = mean over the samples of  Σ_k x_ki · y_kj  +  w_ij · Σ_l u_li · v_lj
/// ```
///
/// All rules of the reference have this form. It must be the change that
/// [`LearningRule::update`] gives, and the memory it leaves that of [`LearningRule::remember`]; the
/// [contract](crate::rule::contract) tests it.
pub trait FactoredRule: LearningRule {
    /// Adds the factors of one sample after another, the learning rate left out.
    ///
    /// `memory` holds a vector for each of the rule's [`memory`](LearningRule::memory) slots. A
    /// sample finds there what the one before it left.
    fn factors(&self, samples: Samples<'_>, memory: &mut [Vec<f32>], factors: &mut Factors);
}

/// The signals of one sample on both sides of a projection; a bias has one presynaptic unit whose
/// activity is always 1.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The presynaptic side.
    pub pre: PresynapticUnits<'a>,
    /// The postsynaptic side.
    pub post: PostsynapticUnits<'a>,
}

/// Signals of the presynaptic units as they arrive through this projection, `[pre]` each.
#[derive(Clone, Copy, Debug)]
pub struct PresynapticUnits<'a> {
    /// Activity at the end of the forward phase.
    pub forward: &'a [f32],
    /// Activity at the end of the backward phase.
    pub nudged: &'a [f32],
    /// `-1` where the neurons are inhibitory, else `1`.
    pub sign: f32,
}

/// Signals of the postsynaptic units, `[post]` each; empty where the population has no such signal.
#[derive(Clone, Copy, Debug)]
pub struct PostsynapticUnits<'a> {
    /// Activity at the end of the forward phase.
    pub forward: &'a [f32],
    /// Activity at the end of the backward phase.
    pub nudged: &'a [f32],
    /// Dendritic state at the end of the forward phase, not clamped.
    pub dendrite: &'a [f32],
    /// Plateau potential, in [-1, 1].
    pub plateau: &'a [f32],
}

impl<'a> PresynapticUnits<'a> {
    /// Activity at the end of a phase.
    pub fn during(&self, phase: ActivityPhase) -> &'a [f32] {
        match phase {
            ActivityPhase::Forward => self.forward,
            ActivityPhase::Backward => self.nudged,
        }
    }
}

impl<'a> PostsynapticUnits<'a> {
    /// Activity at the end of a phase.
    pub fn during(&self, phase: ActivityPhase) -> &'a [f32] {
        match phase {
            ActivityPhase::Forward => self.forward,
            ActivityPhase::Backward => self.nudged,
        }
    }
}

/// The samples of a batch at one projection, in order.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    lanes: &'a [Lane],
    pre: Option<(PopulationId, Timing, f32)>,
    post: PopulationId,
}

impl<'a> Samples<'a> {
    pub(super) fn new(plan: &Plan, lanes: &'a [Lane], parameter: Parameter) -> Self {
        match parameter {
            Parameter::Weight(id) => {
                let projection = plan.projection(id);
                let sign = projection.site.cell.sign() as f32;
                Self {
                    lanes,
                    pre: Some((projection.pre, projection.timing, sign)),
                    post: projection.post,
                }
            }
            Parameter::Bias(post) => Self {
                lanes,
                pre: None,
                post,
            },
        }
    }

    /// The samples one after another.
    pub fn iter(self) -> impl Iterator<Item = Sample<'a>> {
        let Self { lanes, pre, post } = self;
        let rows = lanes
            .iter()
            .flat_map(|lane| (0..lane.rows).map(move |row| (&lane.cells, row)));
        rows.map(move |(cells, row)| sample(cells, row, pre, post))
    }
}

fn sample(
    cells: &PerPopulation<Cells>,
    row: usize,
    pre: Option<(PopulationId, Timing, f32)>,
    post: PopulationId,
) -> Sample<'_> {
    let of = |cells: &Cells| (cells.size, cells.width);
    let cut = |values: &'_ [f32], (size, width): (usize, usize)| -> std::ops::Range<usize> {
        let start = row * width;
        if values.is_empty() {
            0..0
        } else {
            start..start + size
        }
    };
    let pre = match pre {
        Some((id, timing, sign)) => {
            let pre = &cells[id];
            let (forward, nudged) = match timing {
                Timing::Current => (&pre.forward_activity, &pre.activity.values),
                Timing::Previous => (&pre.forward_previous, &pre.previous.values),
            };
            PresynapticUnits {
                forward: &forward[cut(forward, of(pre))],
                nudged: &nudged[cut(nudged, of(pre))],
                sign,
            }
        }
        None => PresynapticUnits {
            forward: &[1.0],
            nudged: &[1.0],
            sign: 1.0,
        },
    };
    let cells = &cells[post];
    let signal = |values: &'_ Vec<f32>| cut(values, of(cells));
    let post = PostsynapticUnits {
        forward: &cells.forward_activity[signal(&cells.forward_activity)],
        nudged: &cells.activity.values[signal(&cells.activity.values)],
        dendrite: &cells.dendrite[signal(&cells.dendrite)],
        plateau: &cells.plateau[signal(&cells.plateau)],
    };
    Sample { pre, post }
}

/// The factors of one parameter's change, in buffers that are used again in every step.
#[derive(Clone, Debug, Default)]
pub struct Factors {
    pub(super) products: Products,
    /// Products that multiply the weights.
    pub(super) weighted: Products,
}

/// A sum of products of a presynaptic and a postsynaptic vector.
#[derive(Clone, Debug, Default)]
pub(super) struct Products {
    pub(super) count: usize,
    /// `[count, pre]`.
    pub(super) pre: Vec<f32>,
    /// `[count, width]`, padded.
    pub(super) post: Vec<f32>,
    width: usize,
}

impl Products {
    fn clear(&mut self, width: usize) {
        self.count = 0;
        self.pre.clear();
        self.post.clear();
        self.width = width;
    }

    pub(super) fn push(
        &mut self,
        pre: impl IntoIterator<Item = f32>,
        post: impl IntoIterator<Item = f32>,
    ) {
        self.count += 1;
        self.pre.extend(pre);
        self.post.extend(post);
        self.post.resize(self.count * self.width, 0.0);
    }

    pub(super) fn scale(&mut self, factor: f32) {
        for value in &mut self.post {
            *value *= factor;
        }
    }
}

impl Factors {
    pub(super) fn scale(&mut self, factor: f32) {
        self.products.scale(factor);
        self.weighted.scale(factor);
    }

    /// Adds the change to a bias, whose only presynaptic unit is a constant.
    pub(super) fn add_to_bias(&self, bias: &mut [f32]) {
        let Self { products, weighted } = self;
        let add = |bias: &mut f32, unit: usize| {
            let sum = |of: &Products| -> f32 {
                let factors = of.pre.iter().enumerate();
                factors
                    .map(|(index, pre)| pre * of.post[index * of.width + unit])
                    .sum()
            };
            *bias += sum(products) + *bias * sum(weighted);
        };
        bias.iter_mut()
            .enumerate()
            .for_each(|(unit, bias)| add(bias, unit));
    }

    /// Forgets everything, and expects postsynaptic vectors that are padded to `width`.
    pub(super) fn clear(&mut self, width: usize) {
        self.products.clear(width);
        self.weighted.clear(width);
    }

    /// Adds `x_i · y_j` to the change.
    ///
    /// # Panics
    ///
    /// Sooner or later, if the vectors do not have the sizes of the two populations.
    pub fn add(&mut self, pre: impl IntoIterator<Item = f32>, post: impl IntoIterator<Item = f32>) {
        self.products.push(pre, post);
    }

    /// Adds `w_ij · u_i · v_j` to the change.
    ///
    /// # Panics
    ///
    /// Sooner or later, if the vectors do not have the sizes of the two populations.
    pub fn add_weighted(
        &mut self,
        pre: impl IntoIterator<Item = f32>,
        post: impl IntoIterator<Item = f32>,
    ) {
        self.weighted.push(pre, post);
    }

    /// The change multiplied out, `[pre, post]` in row-major order, for weights in the same order.
    ///
    /// # Panics
    ///
    /// If the factors do not have the sizes.
    pub fn multiply_out(&self, weights: &[f32], [pre, post]: [usize; 2]) -> Vec<f32> {
        let sum = |products: &Products, i: usize, j: usize| -> f32 {
            (0..products.count)
                .map(|k| products.pre[k * pre + i] * products.post[k * products.width + j])
                .sum()
        };
        (0..pre * post)
            .map(|at| {
                let (i, j) = (at / post, at % post);
                sum(&self.products, i, j) + weights[at] * sum(&self.weighted, i, j)
            })
            .collect()
    }
}
