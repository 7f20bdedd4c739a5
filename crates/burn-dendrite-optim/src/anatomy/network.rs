//! Populations and projections of an anatomy.

use burn_dendrite_nn::{
    Activation, Active, CellType, Compartment, NetworkSpec, Timing,
    init::{Constant, HalfKaiming, Uniform},
    spec::{
        Balance, BiasSpec, GeometrySpec, Grain, PopulationSpec, ProjectionSpec, Size, Tied,
        WeightSpec,
    },
};

use super::{
    AnatomyLearning, DendriticInhibition, EiNetworkConfig, Feedback, SomaticInhibition,
    layer::Layer, name, projection_name,
};

impl EiNetworkConfig {
    pub(super) fn network(&self) -> NetworkSpec {
        let layers = self.layers();
        let mut populations = Vec::new();
        let mut projections = Vec::new();
        for (index, layer) in layers.iter().enumerate() {
            populations.extend(self.populations(layer, layers.get(index + 1)));
        }
        for pair in layers.windows(2) {
            projections.extend(self.forward(&pair[0], &pair[1]));
        }
        for pair in layers[1..].windows(2) {
            projections.extend(self.backward(&pair[0], &pair[1]));
        }
        NetworkSpec {
            tau: 1.0,
            steps: 1,
            output: Some(name("Output.E")),
            populations,
            projections,
        }
    }

    /// The populations of a layer, below the layer `above`.
    fn populations(&self, layer: &Layer, above: Option<&Layer>) -> Vec<PopulationSpec> {
        let excitatory = population(&layer.excitatory(), layer.size, CellType::Excitatory);
        if layer.name == "Input" {
            return vec![excitatory];
        }
        let interneurons = |word: &str, size| {
            population(
                &format!("{}.{word}", layer.name),
                size,
                CellType::Inhibitory,
            )
        };
        let excitatory = PopulationSpec {
            activation: if above.is_none() {
                Activation::Softmax
            } else {
                Activation::Relu
            },
            pool: layer.pool,
            bias: Some(BiasSpec {
                init: Constant { value: 0.0 }.into(),
                per: layer.sharing(),
                lower: None,
                upper: None,
            }),
            ..excitatory
        };
        let dendritic = above.and_then(|above| match self.dendritic_inhibition {
            _ if self.learning == AnatomyLearning::Backprop => None,
            DendriticInhibition::Mirror => Some(above.interneurons),
            DendriticInhibition::Learned => Some(1.into()),
            DendriticInhibition::None => None,
        });
        let somatic = interneurons("SomaI", layer.interneurons);
        let dendritic = dendritic.map(|size| interneurons("DendI", size));
        [somatic, excitatory].into_iter().chain(dendritic).collect()
    }

    /// From one excitatory layer to the next, with the inhibition that balances it.
    fn forward(&self, before: &Layer, layer: &Layer) -> [ProjectionSpec; 3] {
        let scale = excitation_scale(&layer.name);
        let [post, pre] = [layer, before].map(|layer| format!("{}.E", layer.name));
        let inhibitory = format!("{}.SomaI", layer.name);
        let (excitation, inhibition) = (format!("{post}<-{pre}"), format!("{inhibitory}<-{pre}"));
        let balance = match self.somatic_inhibition {
            SomaticInhibition::Balanced => WeightSpec::Balance(Balance {
                of: projection_name(&excitation),
                through: projection_name(&inhibition),
            }),
            // The mean of W over that of X, which starts at 1 / √fan-in, shared by the interneurons of a place.
            SomaticInhibition::Learned | SomaticInhibition::Fixed => {
                let value = -scale / 2.0 / layer.interneurons.shape()[0] as f64;
                WeightSpec::Own(Constant { value }.into())
            }
        };
        let evenly = 1.0 / (layer.fan_in as f64).sqrt();
        let heard = match layer.kernel {
            Some(_) => WeightSpec::Own(Constant { value: evenly }.into()),
            None => start(2.0),
        };
        let from_before = |name: &str, weight| ProjectionSpec {
            geometry: layer.geometry(),
            hears: before.grain(),
            ..projection(name, weight)
        };
        [
            from_before(&inhibition, heard),
            from_before(&excitation, start(scale)),
            ProjectionSpec {
                geometry: layer.geometry_of_inhibition(),
                ..projection(&format!("{post}<-{inhibitory}"), balance)
            },
        ]
    }

    /// What the layer above does to the dendrites of the one below.
    fn backward(&self, below: &Layer, above: &Layer) -> Vec<ProjectionSpec> {
        let learns = self.learning == AnatomyLearning::DendriticTargets;
        let (geometry, grain, fan_in) = (above.geometry(), below.grain(), above.fan_in);
        let (above, below) = (&above.name, &below.name);
        let to_dendrite = |pre: String, weight| ProjectionSpec {
            compartment: Compartment::Dendrite,
            active: Active::Backward,
            ..projection(&format!("{below}.E<-{pre}"), weight)
        };
        let to_interneuron = |weight| ProjectionSpec {
            active: Active::Backward,
            ..projection(&format!("{below}.DendI<-{above}.E"), weight)
        };
        let from_above = format!("{above}.E");
        // Feedback can only come to follow forward weights that are of its size.
        let alike = WeightSpec::Own(
            Uniform {
                low: 0.0,
                high: excitation_scale(above) / (fan_in as f64).sqrt(),
            }
            .into(),
        );
        let feedback = match self.feedback {
            Feedback::Symmetric => {
                to_dendrite(from_above, tied(&format!("{above}.E<-{below}.E"), 1.0))
            }
            Feedback::Learned => ProjectionSpec {
                geometry,
                reaches: grain,
                ..to_dendrite(from_above, alike.clone())
            },
        };
        let mut all = vec![feedback];
        let inhibition = format!("{below}.DendI");
        match self.dendritic_inhibition {
            DendriticInhibition::Mirror => {
                let onto = tied(&format!("{above}.E<-{above}.SomaI"), -1.0);
                let from = tied(&format!("{above}.SomaI<-{below}.E"), -1.0);
                all.extend([to_interneuron(onto), to_dendrite(inhibition, from)]);
            }
            DendriticInhibition::Learned => {
                let evenly = WeightSpec::Own(Constant { value: -1.0 }.into());
                all.extend([to_interneuron(alike), to_dendrite(inhibition, evenly)]);
            }
            DendriticInhibition::None => {}
        }
        // Without dendritic targets nothing asks for a backward phase.
        all.retain(|_| learns);
        all
    }
}

/// `2 √6`, of the output `2 √3`: excitation starts between 0 and that over `√fan-in`.
fn excitation_scale(layer: &str) -> f64 {
    let variance = if layer == "Output" { 3.0_f64 } else { 6.0 };
    2.0 * variance.sqrt()
}

/// `U(0, scale / √fan-in)`.
pub(super) fn start(scale: f64) -> WeightSpec {
    WeightSpec::Own(HalfKaiming { scale }.into())
}

pub(super) fn tied(of: &str, scale: f64) -> WeightSpec {
    WeightSpec::Tied(Tied {
        of: projection_name(of),
        transpose: true,
        scale,
    })
}

pub(super) fn population(text: &str, size: impl Into<Size>, cell: CellType) -> PopulationSpec {
    PopulationSpec {
        name: name(text),
        size: size.into(),
        cell,
        activation: Activation::Relu,
        tau: None,
        pool: None,
        bias: None,
    }
}

pub(super) fn projection(text: &str, weight: WeightSpec) -> ProjectionSpec {
    ProjectionSpec {
        name: projection_name(text),
        compartment: Compartment::Soma,
        timing: Timing::Current,
        active: Active::Forward,
        geometry: GeometrySpec::Dense,
        hears: Grain::Units,
        reaches: Grain::Units,
        weight,
        constraints: Vec::new(),
    }
}
