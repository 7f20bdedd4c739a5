//! What a learning rule may know: the signals at one synapse.

use burn::tensor::Tensor;
use burn_dendrite_nn::{CellType, Network, Parameter, PopulationId, Timing};

use crate::{Delta, Trace, rule::ActivityPhase};

/// The synapses of one projection, or those of a bias: a constant activity of 1 onto each neuron.
///
/// Locality is this type: a rule sees both sides of its own synapses and nothing else of the
/// network.
#[derive(Debug)]
pub struct Synapse<'a> {
    /// The presynaptic side.
    pub pre: Presynaptic<'a>,
    /// The postsynaptic side.
    pub post: Postsynaptic<'a>,
    network: &'a Network,
    parameter: Parameter,
    memory: &'a [Tensor<1>],
}

/// The signals of the presynaptic neurons as they arrive through this projection.
#[derive(Debug)]
pub struct Presynaptic<'a> {
    trace: &'a Trace,
    source: Source,
}

#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // One at a time, on the stack.
enum Source {
    Population {
        id: PopulationId,
        timing: Timing,
        cell: CellType,
    },
    /// The constant 1 that a bias stands for, `[batch, 1]`.
    One(Tensor<2>),
}

/// The signals of the postsynaptic neurons.
#[derive(Debug)]
pub struct Postsynaptic<'a> {
    trace: &'a Trace,
    id: PopulationId,
}

impl<'a> Synapse<'a> {
    pub(crate) fn new(
        network: &'a Network,
        parameter: Parameter,
        trace: &'a Trace,
        memory: &'a [Tensor<1>],
    ) -> Self {
        let (source, post) = match parameter {
            Parameter::Weight(id) => {
                let projection = network.plan().projection(id);
                let cell = projection.site.cell;
                let source = Source::Population {
                    id: projection.pre,
                    timing: projection.timing,
                    cell,
                };
                (source, projection.post)
            }
            Parameter::Bias(id) => {
                let activity = &trace.forward.activity[id];
                (
                    Source::One(Tensor::ones([activity.dims()[0], 1], &activity.device())),
                    id,
                )
            }
        };
        Self {
            pre: Presynaptic { trace, source },
            post: Postsynaptic { trace, id: post },
            network,
            parameter,
            memory,
        }
    }

    /// What the rule remembered in its slot of that number, as a row `[1, size]`.
    ///
    /// # Panics
    ///
    /// If the rule declares no such slot.
    pub fn memory(&self, slot: usize) -> Tensor<2> {
        self.memory[slot].clone().unsqueeze()
    }

    /// The weights `[pre, post]`; of a bias, `[1, post]`.
    pub fn weight(&self) -> Tensor<2> {
        match self.parameter {
            Parameter::Weight(id) => self.network.weight(id),
            Parameter::Bias(id) => self
                .network
                .bias(id)
                .expect("a bias that learns exists")
                .unsqueeze(),
        }
    }

    /// The change that a product of presynaptic and postsynaptic signals makes, averaged over the
    /// batch.
    ///
    /// ```text
    /// Δw_ij = (1/batch) Σ_b pre_bi · post_bj
    /// ```
    ///
    /// A rule that uses this never learns the geometry of the projection.
    ///
    /// # Shapes
    ///
    /// - pre: `[batch, pre]`, post: `[batch, post]`
    pub fn outer(&self, pre: Tensor<2>, post: Tensor<2>) -> Delta {
        self.outers([(pre, post)])
    }

    /// The sum of several such products, each averaged over the batch.
    ///
    /// ```text
    /// Δw_ij = Σ_k (1/batch) Σ_b pre_kbi · post_kbj
    /// ```
    ///
    /// # Shapes
    ///
    /// - each pre: `[batch, pre]`, each post: `[batch, post]`
    ///
    /// # Panics
    ///
    /// If there is no product.
    pub fn outers<const N: usize>(&self, products: [(Tensor<2>, Tensor<2>); N]) -> Delta {
        let batch = products[0].0.dims()[0];
        let (mut pre, mut post): (Vec<_>, Vec<_>) = products.into_iter().unzip();
        // One product of longer factors: the sum over samples is a sum over products too.
        let (pre, post) = match N {
            1 => (pre.remove(0), post.remove(0)),
            _ => (Tensor::cat(pre, 0), Tensor::cat(post, 0)),
        };
        let post = if batch == 1 {
            post
        } else {
            post / batch as f64
        };
        Delta::Outer { pre, post }
    }

    /// What each sample of the batch finds in a memory slot where every sample leaves its row of
    /// `left`: the row of the sample before it, the first one what the batch before left.
    ///
    /// # Shapes
    ///
    /// - left and result: `[batch, size]`
    ///
    /// # Panics
    ///
    /// If the rule declares no such slot.
    pub fn past(&self, slot: usize, left: &Tensor<2>) -> Tensor<2> {
        let first = self.memory(slot);
        match left.dims()[0] {
            1 => first,
            batch => Tensor::cat(vec![first, left.clone().narrow(0, 0, batch - 1)], 0),
        }
    }
}

impl Presynaptic<'_> {
    /// Activity at the end of a phase, `[batch, pre]`.
    pub fn during(&self, phase: ActivityPhase) -> Tensor<2> {
        match phase {
            ActivityPhase::Forward => self.forward(),
            ActivityPhase::Backward => self.nudged(),
        }
    }

    /// Activity at the end of the forward phase, `[batch, pre]`: the current or the previous one,
    /// as the projection says.
    pub fn forward(&self) -> Tensor<2> {
        self.of(&self.trace.forward)
    }

    /// Activity at the end of the backward phase, `[batch, pre]`.
    pub fn nudged(&self) -> Tensor<2> {
        self.of(&self.trace.nudged)
    }

    fn of(&self, state: &burn_dendrite_nn::NetworkState) -> Tensor<2> {
        match &self.source {
            Source::Population {
                id,
                timing: Timing::Current,
                ..
            } => state.activity[*id].clone(),
            Source::Population {
                id,
                timing: Timing::Previous,
                ..
            } => state.previous[*id].clone(),
            Source::One(one) => one.clone(),
        }
    }

    /// `-1` where the neurons are inhibitory, else `1`.
    pub fn sign(&self) -> f64 {
        match self.source {
            Source::Population { cell, .. } => cell.sign(),
            Source::One(_) => 1.0,
        }
    }
}

impl Postsynaptic<'_> {
    /// Activity at the end of a phase, `[batch, post]`.
    pub fn during(&self, phase: ActivityPhase) -> Tensor<2> {
        match phase {
            ActivityPhase::Forward => self.forward(),
            ActivityPhase::Backward => self.nudged(),
        }
    }

    /// Activity at the end of the forward phase, `[batch, post]`.
    pub fn forward(&self) -> Tensor<2> {
        self.trace.forward.activity[self.id].clone()
    }

    /// Activity at the end of the backward phase, `[batch, post]`.
    pub fn nudged(&self) -> Tensor<2> {
        self.trace.nudged.activity[self.id].clone()
    }

    /// Dendritic state at the end of the forward phase, `[batch, post]`, not clamped.
    ///
    /// # Panics
    ///
    /// If the population has no dendrite; a rule that declares
    /// [`Signal::Dendrite`](crate::Signal::Dendrite) is never used there.
    pub fn dendrite(&self) -> Tensor<2> {
        self.trace.dendrite[self.id]
            .clone()
            .expect("the rule declares that it needs a dendrite")
    }

    /// Plateau potential, `[batch, post]`, in [-1, 1].
    ///
    /// # Panics
    ///
    /// If the population is not nudged; a rule that declares
    /// [`Signal::Plateau`](crate::Signal::Plateau) is never used there.
    pub fn plateau(&self) -> Tensor<2> {
        self.trace.plateau[self.id]
            .clone()
            .expect("the rule declares that it needs a plateau")
    }
}
