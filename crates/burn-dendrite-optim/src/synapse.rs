//! What a learning rule may know: the signals at one synapse.

use burn::tensor::Tensor;
use burn_dendrite_nn::{
    NetworkState, Parameter, Plan, PopulationId, ProjectionPlan, Timing, numbers::Rows,
};

use crate::{ActivityPhase, Delta, Trace};

/// The synapses of one projection, or those of a bias: a constant activity of 1 onto each neuron.
///
/// Locality is this type: a rule sees both sides of its own synapses and nothing else of the
/// network. On which kind of numbers, it does not know.
#[derive(Debug)]
pub struct Synapse<'a, R = Tensor<2>> {
    /// The presynaptic side.
    pub pre: Presynaptic<'a, R>,
    /// The postsynaptic side.
    pub post: Postsynaptic<'a, R>,
    felt: Option<Postsynaptic<'a, R>>,
    memory: &'a [R],
}

/// The signals of the presynaptic neurons as they arrive through this projection.
#[derive(Debug)]
pub struct Presynaptic<'a, R = Tensor<2>> {
    trace: &'a Trace<R>,
    /// The projection; `None` for a bias.
    projection: Option<&'a ProjectionPlan>,
    post: PopulationId,
}

/// The signals of the postsynaptic neurons.
#[derive(Debug)]
pub struct Postsynaptic<'a, R = Tensor<2>> {
    trace: &'a Trace<R>,
    id: PopulationId,
}

impl<'a, R: Rows> Synapse<'a, R> {
    pub(crate) fn new(
        plan: &'a Plan,
        parameter: Parameter,
        trace: &'a Trace<R>,
        felt: Option<PopulationId>,
        memory: &'a [R],
    ) -> Self {
        let (projection, post) = match parameter {
            Parameter::Weight(id) => {
                let projection = plan.projection(id);
                (Some(projection), projection.post)
            }
            Parameter::Bias(id) => (None, id),
        };
        Self {
            pre: Presynaptic {
                trace,
                projection,
                post,
            },
            post: Postsynaptic { trace, id: post },
            felt: felt.map(|id| Postsynaptic { trace, id }),
            memory,
        }
    }

    /// The neurons that the rule [feels](crate::LearningRule::feels).
    ///
    /// # Panics
    ///
    /// If the rule says that it feels none.
    pub fn felt(&self) -> &Postsynaptic<'a, R> {
        self.felt.as_ref().expect("the rule says what it feels")
    }

    /// What the rule remembered in its slot of that number, as a row `[1, size]`.
    ///
    /// # Panics
    ///
    /// If the rule declares no such slot.
    pub fn memory(&self, slot: usize) -> R {
        self.memory[slot].clone()
    }

    /// The change that a product of presynaptic and postsynaptic signals makes, averaged over the
    /// batch.
    ///
    /// ```text
    /// Δw_ij = (1/batch) Σ_k pre_ki · post_kj
    /// ```
    ///
    /// # Shapes
    ///
    /// - pre: `[rows, pre]`, post: `[rows, post]`: a row for each sample, or as many as the sum has terms
    pub fn outer(&self, pre: R, post: R) -> Delta<R> {
        Delta::outer(pre, self.averaged(post))
    }

    /// The change that such a product makes in proportion to each weight, averaged over the batch.
    ///
    /// ```text
    /// Δw_ij = w_ij · (1/batch) Σ_k pre_ki · post_kj
    /// ```
    ///
    /// # Shapes
    ///
    /// - pre: `[rows, pre]`, post: `[rows, post]`, as of [`outer`](Self::outer)
    pub fn weighted(&self, pre: R, post: R) -> Delta<R> {
        Delta::weighted(pre, self.averaged(post))
    }

    /// A change in proportion to each weight that does not ask for the presynaptic neuron, averaged
    /// over the batch.
    ///
    /// ```text
    /// Δw_ij = w_ij · (1/batch) Σ_b post_bj
    /// ```
    ///
    /// # Shapes
    ///
    /// - post: `[batch, post]`
    pub fn weighted_alike(&self, post: R) -> Delta<R> {
        let size = self.pre.forward().dims()[1];
        Delta::weighted(post.filled([1, size], 1.0), post.mean_of_column())
    }

    /// What the sample before the batch left in a memory slot, and below it what each sample of the batch
    /// leaves there.
    ///
    /// # Shapes
    ///
    /// - left: `[batch, size]`
    /// - result: `[1 + batch, size]`
    ///
    /// # Panics
    ///
    /// If the rule declares no such slot.
    pub fn with_past(&self, slot: usize, left: R) -> R {
        R::stacked(vec![self.memory(slot), left])
    }

    /// A factor of a sum over samples, so that the sum is their mean.
    fn averaged(&self, factor: R) -> R {
        match self.post.forward().dims()[0] {
            1 => factor,
            batch => factor / batch as f64,
        }
    }
}

impl<R: Rows> Presynaptic<'_, R> {
    /// Activity at the end of a phase, `[batch, pre]`.
    pub fn during(&self, phase: ActivityPhase) -> R {
        match phase {
            ActivityPhase::Forward => self.forward(),
            ActivityPhase::Backward => self.nudged(),
        }
    }

    /// Activity at the end of the forward phase, `[batch, pre]`: the current or the previous one,
    /// as the projection says.
    pub fn forward(&self) -> R {
        self.of(&self.trace.forward)
    }

    /// Activity at the end of the backward phase, `[batch, pre]`.
    pub fn nudged(&self) -> R {
        self.of(&self.trace.nudged)
    }

    fn of(&self, state: &NetworkState<R>) -> R {
        match self.projection {
            Some(projection) => match projection.timing {
                Timing::Current => state.activity[projection.pre].clone(),
                Timing::Previous => state.previous[projection.pre].clone(),
            },
            None => {
                let activity = &state.activity[self.post];
                activity.filled([activity.dims()[0], 1], 1.0)
            }
        }
    }

    /// Plateau potential of the presynaptic neurons, `[batch, pre]`, in [-1, 1].
    ///
    /// # Panics
    ///
    /// If the population is not nudged, or there is none; a rule that declares
    /// [`Signal::PresynapticPlateau`](crate::Signal::PresynapticPlateau) is never used there.
    pub fn plateau(&self) -> R {
        self.projection
            .and_then(|projection| self.trace.plateau[projection.pre].clone())
            .expect("the rule declares that it needs a presynaptic plateau")
    }

    /// `-1` where the neurons are inhibitory, else `1`.
    pub fn sign(&self) -> f64 {
        self.projection.map_or(1.0, |it| it.site.cell.sign())
    }
}

impl<R: Rows> Postsynaptic<'_, R> {
    /// Activity at the end of a phase, `[batch, post]`.
    pub fn during(&self, phase: ActivityPhase) -> R {
        match phase {
            ActivityPhase::Forward => self.forward(),
            ActivityPhase::Backward => self.nudged(),
        }
    }

    /// Activity at the end of the forward phase, `[batch, post]`.
    pub fn forward(&self) -> R {
        self.trace.forward.activity[self.id].clone()
    }

    /// Somatic state at the end of the forward phase, `[batch, post]`.
    pub fn soma(&self) -> R {
        self.trace.forward.soma[self.id].clone()
    }

    /// Activity at the end of the backward phase, `[batch, post]`.
    pub fn nudged(&self) -> R {
        self.trace.nudged.activity[self.id].clone()
    }

    /// Dendritic state at the end of the forward phase, `[batch, post]`, not clamped.
    ///
    /// # Panics
    ///
    /// If the population has no dendrite; a rule that declares
    /// [`Signal::Dendrite`](crate::Signal::Dendrite) is never used there.
    pub fn dendrite(&self) -> R {
        self.trace.dendrite[self.id]
            .clone()
            .expect("the rule declares that it needs a dendrite")
    }

    /// What the dendrite asks for at the end of the backward phase, `[batch, post]`, in [-1, 1].
    ///
    /// # Panics
    ///
    /// If the dendrite hears nothing in the backward phase.
    pub fn nudged_dendrite(&self) -> R {
        self.trace.nudged_dendrite[self.id]
            .clone()
            .expect("the rule declares that it needs a plateau")
    }

    /// Plateau potential, `[batch, post]`, in [-1, 1].
    ///
    /// # Panics
    ///
    /// If the population is not nudged; a rule that declares
    /// [`Signal::Plateau`](crate::Signal::Plateau) is never used there.
    pub fn plateau(&self) -> R {
        self.trace.plateau[self.id]
            .clone()
            .expect("the rule declares that it needs a plateau")
    }
}
