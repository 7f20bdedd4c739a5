//! The anatomy of the paper at any size.

use burn_dendrite_nn::{
    Active, CellType, Compartment, NetworkSpec, Timing,
    constraint::{FanInSum, NoAutapses},
    spec::{PopulationSpec, ProjectionSpec},
};
use serde::{Deserialize, Serialize};

use super::{
    AnatomyLearning,
    network::{population, projection, start, tied},
};
use crate::{
    ActivityPhase, Gate, LearningSpec, Loss, NudgeSpec, Plasticity, RuleSpec,
    rule::{DendriticLoss, DendriticTarget, Hebbian},
};

/// The network of the paper, with as many hidden layers of any size as are asked for.
///
/// In each layer excitatory cells and somatic interneurons hear the layer before and each other, and settle for 15
/// steps with a time constant of 3. Feedback is a tie to the forward weights; dendritic interneurons hear the cells of
/// their own layer and learn to cancel it. Starts and learning rates are those that the authors found for
/// 784-500-500-10 on MNIST, by dendritic target propagation or by backprop; hidden layers after the second take those of
/// the second. At those sizes this is `mnist-dtp` and `mnist-backprop-ei`, to the digit; at others, no one has tuned it.
///
/// Source: Galloni et al. 2025.
///
/// # Example
///
/// ```
/// use burn_dendrite_optim::PublishedNetworkConfig;
///
/// let (network, learning) = PublishedNetworkConfig::new(784, [500, 500], 10).build();
/// let plan = network.check()?;
/// learning.check(&plan)?;
/// # Ok::<(), burn_dendrite_nn::SpecErrors>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedNetworkConfig {
    /// Input units; their rates are not negative.
    pub inputs: usize,
    /// Excitatory cells of each hidden layer.
    pub hidden: Vec<usize>,
    /// Output units, a class each; as many interneurons inhibit them.
    pub outputs: usize,
    /// Somatic, and as many dendritic, interneurons of each hidden layer; 50 unless given.
    #[serde(default = "fifty")]
    pub interneurons: usize,
    /// How it learns; by dendritic target propagation unless given.
    #[serde(default)]
    pub learning: AnatomyLearning,
}

fn fifty() -> usize {
    50
}

/// Factors on the start of a layer's weights, and its learning rate.
struct Values {
    /// Excitatory cells from the layer before and from their somatic interneurons.
    excitatory: [f64; 2],
    /// Somatic interneurons from the layer before, from the cells and from each other.
    somatic: [f64; 3],
    /// Of the weights from the layer before.
    learning_rate: f64,
}

/// What concerns the dendrites of a hidden layer.
struct DendriteValues {
    /// Factor on the start of inhibition.
    inhibition: f64,
    /// Factor of the tie to the layer above.
    feedback: f64,
    /// Sums of the weights of a dendritic interneuron from the cells and from the others.
    sums: [f64; 2],
}

/// The first hidden layer, the others, the output.
const BY_TARGETS: [Values; 3] = [
    Values {
        excitatory: [2.1944449483442714, 1.127575300929014],
        somatic: [2.9554092309918674, 0.7922286649101926, 1.4659723687430724],
        learning_rate: 0.014965181204220036,
    },
    Values {
        excitatory: [0.19699100861932295, 0.0503457325183063],
        somatic: [0.1286862932555841, 0.7245424339080535, 0.15183277232938047],
        learning_rate: 0.014965181204220036,
    },
    Values {
        excitatory: [5.574051454118832, 0.10783222041590698],
        somatic: [0.43883100144555437, 2.749075677576883, 2.539086723963597],
        learning_rate: 0.025823599084628956,
    },
];

/// The same for backprop.
const BY_BACKPROP: [Values; 3] = [
    Values {
        excitatory: [2.416858991797159, 1.1158572938882887],
        somatic: [3.1371037827062644, 0.4835575833031128, 1.295863932103535],
        learning_rate: 0.3980860680942911,
    },
    Values {
        excitatory: [0.5427969492492737, 0.47127118148939817],
        somatic: [1.4413459916540117, 1.5897266841738924, 2.408542744903562],
        learning_rate: 0.3980860680942911,
    },
    Values {
        excitatory: [3.281687708158219, 1.5076419625966615],
        somatic: [2.94991175072541, 0.598405721617929, 1.532615660819997],
        learning_rate: 0.07078468081982983,
    },
];

/// Between hidden layers, and below the output.
const DENDRITES: [DendriteValues; 2] = [
    DendriteValues {
        inhibition: 0.30874601934713247,
        feedback: 0.4982674648887008,
        sums: [15.873587606822044, 4.9423740122983295],
    },
    DendriteValues {
        inhibition: 1.6268802462850203,
        feedback: 3.5503057290383477,
        sums: [11.731309623062483, 4.382851254777553],
    },
];

/// Learning rates of dendritic inhibition, and of dendritic interneurons from the cells and from each other.
const DENDRITIC_RATES: [f64; 3] = [
    0.09987445881374112,
    0.019254903668545556,
    0.015159232301651981,
];

/// A layer after the input.
struct Layer {
    name: String,
    size: usize,
    interneurons: usize,
    /// The one before it.
    before: String,
    /// The one after it; none after the output.
    above: Option<String>,
    values: &'static Values,
}

impl Layer {
    fn dendrites(&self) -> &'static DendriteValues {
        let is_below_output = self.above.as_deref() == Some("Output");
        &DENDRITES[usize::from(is_below_output)]
    }
}

impl PublishedNetworkConfig {
    /// A network of these sizes, by dendritic target propagation.
    pub fn new(inputs: usize, hidden: impl Into<Vec<usize>>, outputs: usize) -> Self {
        Self {
            inputs,
            hidden: hidden.into(),
            outputs,
            interneurons: fifty(),
            learning: AnatomyLearning::default(),
        }
    }

    /// The same with so many somatic, and as many dendritic, interneurons a hidden layer.
    pub fn with_interneurons(self, interneurons: usize) -> Self {
        Self {
            interneurons,
            ..self
        }
    }

    /// The same with another way of learning.
    pub fn with_learning(self, learning: AnatomyLearning) -> Self {
        Self { learning, ..self }
    }

    /// The network and how it learns, written out.
    pub fn build(&self) -> (NetworkSpec, LearningSpec) {
        let layers = self.layers();
        let input = population("Input.E", self.inputs, CellType::Excitatory);
        let populations = layers.iter().flat_map(|layer| self.populations(layer));
        let network = NetworkSpec {
            tau: 3.0,
            steps: 15,
            output: None,
            populations: [input].into_iter().chain(populations).collect(),
            projections: (layers.iter())
                .flat_map(|layer| self.projections(layer))
                .collect(),
        };
        (network, self.rules(&layers))
    }

    fn has_dendrites(&self) -> bool {
        self.learning == AnatomyLearning::DendriticTargets
    }

    fn layers(&self) -> Vec<Layer> {
        let values = match self.learning {
            AnatomyLearning::DendriticTargets => &BY_TARGETS,
            AnatomyLearning::Backprop => &BY_BACKPROP,
        };
        let count = self.hidden.len();
        let layer = |index: usize| match index {
            0 => "Input".to_owned(),
            index if index <= count => format!("H{index}"),
            _ => "Output".to_owned(),
        };
        let hidden = self.hidden.iter().enumerate().map(|(index, size)| Layer {
            name: layer(index + 1),
            size: *size,
            interneurons: self.interneurons,
            before: layer(index),
            above: Some(layer(index + 2)),
            values: &values[index.min(1)],
        });
        let output = Layer {
            name: layer(count + 1),
            size: self.outputs,
            interneurons: self.outputs,
            before: layer(count),
            above: None,
            values: &values[2],
        };
        hidden.chain([output]).collect()
    }

    fn populations(&self, layer: &Layer) -> Vec<PopulationSpec> {
        let Layer { name, .. } = layer;
        let inhibitory = |word: &str| {
            population(
                &format!("{name}.{word}"),
                layer.interneurons,
                CellType::Inhibitory,
            )
        };
        let mut all = vec![
            population(&format!("{name}.E"), layer.size, CellType::Excitatory),
            inhibitory("SomaI"),
        ];
        if self.has_dendrites() && layer.above.is_some() {
            all.push(inhibitory("DendI"));
        }
        all
    }

    fn projections(&self, layer: &Layer) -> Vec<ProjectionSpec> {
        let Layer {
            name,
            before,
            values,
            ..
        } = layer;
        let previous = |text: &str, scale: f64| ProjectionSpec {
            timing: Timing::Previous,
            ..projection(text, start(scale))
        };
        let to_dendrite = |projection: ProjectionSpec| ProjectionSpec {
            compartment: Compartment::Dendrite,
            active: Active::Backward,
            ..projection
        };
        let mut all = vec![
            projection(
                &format!("{name}.E<-{before}.E"),
                start(values.excitatory[0]),
            ),
            previous(&format!("{name}.E<-{name}.SomaI"), values.excitatory[1]),
        ];
        let above = layer.above.as_ref().filter(|_| self.has_dendrites());
        let dendrites = layer.dendrites();
        if let Some(above) = above {
            let feedback = tied(&format!("{above}.E<-{name}.E"), dendrites.feedback);
            all.extend([
                to_dendrite(previous(
                    &format!("{name}.E<-{name}.DendI"),
                    dendrites.inhibition,
                )),
                to_dendrite(projection(&format!("{name}.E<-{above}.E"), feedback)),
            ]);
        }
        all.extend([
            projection(
                &format!("{name}.SomaI<-{before}.E"),
                start(values.somatic[0]),
            ),
            previous(&format!("{name}.SomaI<-{name}.E"), values.somatic[1]),
            ProjectionSpec {
                constraints: vec![NoAutapses {}.into()],
                ..previous(&format!("{name}.SomaI<-{name}.SomaI"), values.somatic[2])
            },
        ]);
        if above.is_some() {
            let pairs = ["E", "DendI"].into_iter().zip(dendrites.sums);
            all.extend(pairs.map(|(pre, total)| {
                let sum = FanInSum {
                    total,
                    autapses: Default::default(),
                };
                ProjectionSpec {
                    constraints: vec![sum.into()],
                    ..previous(&format!("{name}.DendI<-{name}.{pre}"), 1.0)
                }
            }));
        }
        all
    }

    fn rules(&self, layers: &[Layer]) -> LearningSpec {
        let learn = |on: String, learning_rate, rule| Plasticity {
            on: on.parse().expect("a projection name"),
            learning_rate,
            rule,
        };
        let mut rules = Vec::new();
        for layer in layers {
            let Layer { name, before, .. } = layer;
            let forward = if self.has_dendrites() {
                DendriticTarget::default().into()
            } else {
                RuleSpec::Backprop
            };
            rules.push(learn(
                format!("{name}.E<-{before}.E"),
                layer.values.learning_rate,
                forward,
            ));
            if self.has_dendrites() && layer.above.is_some() {
                let [inhibition, from_cells, among] = DENDRITIC_RATES;
                let hebbian = || {
                    RuleSpec::from(Hebbian {
                        phase: ActivityPhase::Forward,
                        ..Hebbian::default()
                    })
                };
                rules.extend([
                    learn(
                        format!("{name}.E<-{name}.DendI"),
                        inhibition,
                        DendriticLoss {}.into(),
                    ),
                    learn(format!("{name}.DendI<-{name}.E"), from_cells, hebbian()),
                    learn(format!("{name}.DendI<-{name}.DendI"), among, hebbian()),
                ]);
            }
        }
        LearningSpec {
            nudge: self.has_dendrites().then(|| NudgeSpec {
                gate: Gate::Relu,
                ..NudgeSpec::default()
            }),
            tracked_steps: (!self.has_dendrites()).then_some(3),
            loss: Loss::Squared,
            rules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dendrites_and_their_interneurons_are_there_for_targets_alone() {
        let config = PublishedNetworkConfig::new(7, [5, 6], 3).with_interneurons(4);
        let built = |learning| {
            let (network, rules) = config.clone().with_learning(learning).build();
            let plan = network.check().unwrap();
            rules.check(&plan).unwrap();
            let populations = plan.populations.iter();
            let sizes = populations.map(|(_, it)| (it.name.to_string(), it.size));
            let dendrites = plan
                .populations
                .iter()
                .filter(|(id, _)| plan.has_dendrite(*id));
            let dendrites = dendrites.map(|(_, it)| it.name.to_string());
            (sizes.collect::<Vec<_>>(), dendrites.collect::<Vec<_>>())
        };
        let named = |all: &[(&str, usize)]| -> Vec<(String, usize)> {
            all.iter()
                .map(|(name, size)| (name.to_string(), *size))
                .collect()
        };
        let (populations, dendrites) = built(AnatomyLearning::DendriticTargets);
        assert_eq!(
            populations,
            named(&[
                ("Input.E", 7),
                ("H1.E", 5),
                ("H1.SomaI", 4),
                ("H1.DendI", 4),
                ("H2.E", 6),
                ("H2.SomaI", 4),
                ("H2.DendI", 4),
                ("Output.E", 3),
                ("Output.SomaI", 3),
            ])
        );
        assert_eq!(dendrites, ["H1.E", "H2.E"]);
        let (populations, dendrites) = built(AnatomyLearning::Backprop);
        assert_eq!(
            populations,
            named(&[
                ("Input.E", 7),
                ("H1.E", 5),
                ("H1.SomaI", 4),
                ("H2.E", 6),
                ("H2.SomaI", 4),
                ("Output.E", 3),
                ("Output.SomaI", 3),
            ])
        );
        assert!(dendrites.is_empty(), "{dendrites:?}");
    }
}
