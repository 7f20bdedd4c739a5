//! Networks for people: anatomies that are written out as specifications.

mod check;
mod layer;
mod network;
mod published;
#[cfg(test)]
mod tests;

use burn_dendrite_nn::{
    NetworkSpec, PopulationName, ProjectionName,
    spec::{PoolKind, Size},
};
use serde::{Deserialize, Serialize};

use layer::{Layer, Sizes};
pub use published::PublishedNetworkConfig;

use crate::{
    Gate, LearningSpec, Loss, NudgeSpec, Plasticity, Plateau, RuleSpec, Settling,
    rule::{DendriticHomeostasis, DendriticTarget, InhibitoryPlasticity, KolenPollack, Rates},
};

/// A network of excitatory layers, each with interneurons at its somata and its dendrites, through which
/// dendritic target propagation follows the gradient.
///
/// In each layer `l`, somatic interneurons hear what the excitatory cells hear and subtract what all inputs
/// have in common ([`Balance`](burn_dendrite_nn::spec::Balance)), so that activity neither grows nor dies over depth. Dendritic interneurons
/// do to the feedback path what the somatic interneurons of the layer above do to the forward path: the
/// mirror.
///
/// ```text
/// I_l = relu(X_l r_{l−1})       r_l = relu(W_l r_{l−1} − M_l I_l + b_l)       output: softmax
/// d_l = W_{l+1}ᵀ Δr_{l+1} − X_{l+1}ᵀ M_{l+1}ᵀ Δr_{l+1}                           Δr = change under the nudge
/// start   W ~ U(0, 2μ),  μ = √(6 / fan-in), of the output √(3 / fan-in);   X ~ U(0, 2) / √fan-in;   b = 0
/// ```
///
/// With balance, the rows of `W − M X` have mean 0 in effect and the variance μ²/3 of a uniform
/// distribution around its mean, which is 2/fan-in, He's, for relu and 1/fan-in for the output.
///
/// # Example
///
/// ```
/// use burn_dendrite_optim::EiNetworkConfig;
///
/// let (network, learning) = EiNetworkConfig::new(784, [500, 500], 10).build();
/// let plan = network.check()?;
/// learning.check(&plan)?;
/// # Ok::<(), burn_dendrite_nn::SpecErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EiNetworkConfig {
    /// Input units, or `[maps, height, width]`, or as many as the data have values if it is `"data"`; their rates
    /// are not negative.
    pub inputs: Size,
    /// Excitatory maps of each convolutional layer, which come first; none unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maps: Vec<usize>,
    /// Sides of the kernels that lead to each of these layers, which are odd so that maps stay as large as they
    /// are; of fewer than there are layers the last one holds on. 5 and then 3 unless given.
    #[serde(default = "kernels")]
    pub kernels: Vec<usize>,
    /// Sides of the pools by which each of these layers is heard, 1 for none; of fewer than there are layers
    /// the last one holds on. 2 unless given.
    #[serde(default = "pools")]
    pub pools: Vec<usize>,
    /// What a pool passes on; the largest activity unless given.
    #[serde(default = "largest")]
    pub pooling: PoolKind,
    /// Whether all places of a convolutional layer share their weights, or each has its own; they share them
    /// unless given.
    #[serde(default, skip_serializing_if = "is_shared")]
    pub weights: MapWeights,
    /// Excitatory cells of each dense hidden layer.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Output units, a class each; as many as the data have classes if it is `"data"`.
    pub outputs: Size,
    /// Somatic interneurons of each dense layer; 10 unless given. A convolutional one has one map of them.
    #[serde(default = "ten")]
    pub interneurons: usize,
    /// Where the strength of somatic inhibition comes from; it is derived from the excitation unless given.
    #[serde(default)]
    pub somatic_inhibition: SomaticInhibition,
    /// How it learns; by dendritic target propagation unless given.
    #[serde(default)]
    pub learning: AnatomyLearning,
    /// Where feedback comes from; from the forward weights unless given.
    #[serde(default)]
    pub feedback: Feedback,
    /// What dendritic inhibition does; it mirrors somatic inhibition unless given.
    #[serde(default)]
    pub dendritic_inhibition: DendriticInhibition,
    /// Strength of the nudge; 1 unless given.
    #[serde(default = "one")]
    pub strength: f64,
    /// The largest plateau; 1 unless given. Errors grow on their way down, and what is cut off parts the lowest
    /// of many layers from the gradient.
    #[serde(default = "one")]
    pub bound: f64,
}

/// Whether the places of a map share their weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapWeights {
    /// One kernel at every place, and a bias for each map:
    /// [convolution](burn_dendrite_nn::spec::GeometrySpec::Convolution).
    #[default]
    Shared,
    /// Every unit has weights and a bias of its own, as cells of a brain have:
    /// [local](burn_dendrite_nn::spec::GeometrySpec::Local).
    Local,
}

/// How a network of this anatomy learns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnatomyLearning {
    /// By dendritic target propagation.
    #[default]
    DendriticTargets,
    /// By backprop of the cross-entropy through the same network.
    Backprop,
}

/// Where the weights of feedback come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feedback {
    /// They are the forward weights, transposed.
    #[default]
    Symmetric,
    /// They start at random and receive the increments of the forward weights, both with a decay (Kolen and
    /// Pollack 1994): the decay is the optimizer's.
    Learned,
}

/// What dendritic interneurons do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DendriticInhibition {
    /// The somatic inhibition of the layer above, mirrored by ties.
    #[default]
    Mirror,
    /// One interneuron a layer learns how much to inhibit from the mean dendritic state:
    /// [`DendriticHomeostasis`].
    Learned,
    /// There are none.
    None,
}

/// Where the strength of somatic inhibition comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SomaticInhibition {
    /// It is derived from the excitation that it balances, after each of its changes: [`Balance`](burn_dendrite_nn::spec::Balance).
    #[default]
    Balanced,
    /// It starts balanced and learns to stay so: [`InhibitoryPlasticity`].
    Learned,
    /// It starts balanced and stays what it is.
    Fixed,
}

fn kernels() -> Vec<usize> {
    vec![5, 3]
}

fn pools() -> Vec<usize> {
    vec![2]
}

fn largest() -> PoolKind {
    PoolKind::Max
}

fn is_shared(weights: &MapWeights) -> bool {
    *weights == MapWeights::Shared
}

fn ten() -> usize {
    10
}

fn one() -> f64 {
    1.0
}

/// Learning rate of somatic inhibition, a share of what would balance it at once.
const INHIBITION_RATE: f64 = 0.1;

impl EiNetworkConfig {
    /// The anatomy with its defaults.
    pub fn new(
        inputs: impl Into<Size>,
        hidden: impl Into<Vec<usize>>,
        outputs: impl Into<Size>,
    ) -> Self {
        Self {
            inputs: inputs.into(),
            maps: Vec::new(),
            kernels: kernels(),
            pools: pools(),
            pooling: largest(),
            weights: MapWeights::default(),
            hidden: hidden.into(),
            outputs: outputs.into(),
            interneurons: ten(),
            somatic_inhibition: SomaticInhibition::default(),
            learning: AnatomyLearning::default(),
            feedback: Feedback::default(),
            dendritic_inhibition: DendriticInhibition::default(),
            strength: one(),
            bound: one(),
        }
    }

    /// The same with convolutional layers of so many maps before the dense ones.
    pub fn with_maps(self, maps: impl Into<Vec<usize>>) -> Self {
        Self {
            maps: maps.into(),
            ..self
        }
    }

    /// The same with kernels of these sides.
    pub fn with_kernels(self, kernels: impl Into<Vec<usize>>) -> Self {
        Self {
            kernels: kernels.into(),
            ..self
        }
    }

    /// The same with pools of these sides.
    pub fn with_pools(self, pools: impl Into<Vec<usize>>) -> Self {
        Self {
            pools: pools.into(),
            ..self
        }
    }

    /// The same with pools that pass on something else.
    pub fn with_pooling(self, pooling: PoolKind) -> Self {
        Self { pooling, ..self }
    }

    /// The same with convolutional layers whose places share their weights or do not.
    pub fn with_weights(self, weights: MapWeights) -> Self {
        Self { weights, ..self }
    }

    /// The same that learns in another way.
    pub fn with_learning(self, learning: AnatomyLearning) -> Self {
        Self { learning, ..self }
    }

    /// The same with other feedback.
    pub fn with_feedback(self, feedback: Feedback) -> Self {
        Self { feedback, ..self }
    }

    /// The same with other dendritic inhibition.
    pub fn with_dendritic_inhibition(self, dendritic_inhibition: DendriticInhibition) -> Self {
        Self {
            dendritic_inhibition,
            ..self
        }
    }

    /// The same with other somatic inhibition.
    pub fn with_somatic_inhibition(self, somatic_inhibition: SomaticInhibition) -> Self {
        Self {
            somatic_inhibition,
            ..self
        }
    }

    /// The same with so many somatic interneurons a layer.
    pub fn with_interneurons(self, interneurons: usize) -> Self {
        Self {
            interneurons,
            ..self
        }
    }

    /// The same with a nudge of that strength.
    pub fn with_strength(self, strength: f64) -> Self {
        Self { strength, ..self }
    }

    /// The same with plateaus up to that bound.
    pub fn with_bound(self, bound: f64) -> Self {
        Self { bound, ..self }
    }

    /// The network and how it learns, written out; what [`check`](Self::check) finds wrong is found by the checks of
    /// these too, under the names of what they are made of.
    pub fn build(&self) -> (NetworkSpec, LearningSpec) {
        (self.network(), self.learning())
    }

    /// The layers, the input first.
    fn layers(&self) -> Vec<Layer> {
        Sizes {
            inputs: self.inputs,
            maps: &self.maps,
            kernels: &self.kernels,
            pools: &self.pools,
            pooling: self.pooling,
            weights: self.weights,
            hidden: &self.hidden,
            outputs: self.outputs,
            interneurons: self.interneurons,
        }
        .layers()
    }

    /// Names of each layer after the input and of the one before it.
    fn pairs(&self) -> impl Iterator<Item = (String, String)> {
        let names: Vec<String> = self.layers().into_iter().map(|layer| layer.name).collect();
        names.clone().into_iter().zip(names.into_iter().skip(1))
    }

    fn learning(&self) -> LearningSpec {
        let unbounded = || {
            RuleSpec::from(DendriticTarget {
                rates: Rates::Unbounded,
                ..DendriticTarget::default()
            })
        };
        let (is_local, nudge) = match self.learning {
            AnatomyLearning::DendriticTargets => (true, Some(self.nudge())),
            AnatomyLearning::Backprop => (false, None),
        };
        let mut rules = Vec::new();
        let mut learn_at = |on: String, learning_rate, rule| {
            rules.push(Plasticity {
                on: on.parse().expect("a projection name or a bias"),
                learning_rate,
                rule,
            });
        };
        if self.somatic_inhibition == SomaticInhibition::Learned {
            for (_, layer) in self.pairs() {
                let rule = InhibitoryPlasticity {}.into();
                learn_at(format!("{layer}.E<-{layer}.SomaI"), INHIBITION_RATE, rule);
            }
        }
        let mut learn = |on, rule| learn_at(on, 1.0, rule);
        for (before, layer) in self.pairs() {
            for on in [format!("{layer}.E<-{before}.E"), format!("{layer}.E<-bias")] {
                learn(
                    on,
                    if is_local {
                        unbounded()
                    } else {
                        RuleSpec::Backprop
                    },
                );
            }
        }
        for (below, above) in self.pairs().skip(1).filter(|_| is_local) {
            if self.feedback == Feedback::Learned {
                let rule = KolenPollack {};
                learn(format!("{below}.E<-{above}.E"), rule.into());
            }
            if self.dendritic_inhibition == DendriticInhibition::Learned {
                let rule = DendriticHomeostasis {
                    of: name(&format!("{below}.E")),
                    strength: self.strength,
                };
                learn(format!("{below}.DendI<-{above}.E"), rule.into());
            }
        }
        LearningSpec {
            nudge,
            tracked_steps: (!is_local).then_some(1),
            loss: if is_local {
                Loss::Squared
            } else {
                Loss::CrossEntropy
            },
            rules,
        }
    }

    fn nudge(&self) -> NudgeSpec {
        NudgeSpec {
            settling: Settling::TopDown,
            plateau: Plateau::Difference,
            strength: self.strength,
            bound: self.bound,
            gate: Gate::Relu,
            ..NudgeSpec::default()
        }
    }
}

fn name(text: &str) -> PopulationName {
    text.parse().expect("a population name")
}

fn projection_name(text: &str) -> ProjectionName {
    text.parse().expect("a projection name")
}
