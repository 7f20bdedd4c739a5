//! Whether feedback has come to mirror the forward weights.

use burn_dendrite_nn::{
    Compartment, Network, Plan, ProjectionId, WeightSource,
    geometry::{Convolution, Geometry},
};
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Measured, Report, Sheet, angle_between, concatenated_angle,
    report::{cell, degrees},
    twin::{is_excitatory, layer},
};

/// The angle between forward weights `W` and the feedback weights `B` of the same two populations, in
/// degrees.
///
/// ```text
/// angle = arccos( W·Bᵀ / (|W| |B|) )      elementwise product, summed over all synapses
/// ```
///
/// `W[lower, upper]` ends at somata of the upper population, `B[upper, lower]` at dendrites of the
/// lower one. Symmetric feedback, which is tied to the forward weights, has 0°. Weights that are
/// drawn independently under Dale's law all have the same sign, so their angle is well below 90°:
/// about 41° where both are uniform between 0 and a bound. What tells of learning is the course.
///
/// Source: forward/feedback angle of Galloni et al. 2025 (`compute_feedback_weight_angle_history`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedbackAlignment {
    /// Angle over all pairs, each normalised to unit length and then concatenated.
    pub concatenated: Option<f64>,
    /// Pair by pair, from the lowest layer up.
    pub pairs: Vec<FeedbackPair>,
    /// The angle over all pairs at each moment of the history, as far as it is known.
    pub course: Vec<AlignmentMoment>,
}

/// A forward projection and the feedback between the same populations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FeedbackPair {
    /// The forward projection, `upper<-lower`.
    pub forward: String,
    /// The feedback projection, `lower<-upper`.
    pub feedback: String,
    /// Whether the feedback is tied to other weights rather than its own.
    pub tied: bool,
    /// The angle; `None` where weights are all zero.
    pub degrees: Option<f64>,
}

/// The alignment at one moment of the history.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignmentMoment {
    /// Training samples seen until then.
    pub samples: usize,
    /// Angle over all pairs.
    pub degrees: Option<f64>,
}

/// The forward and feedback projections between the same excitatory populations.
pub fn feedback_pairs(plan: &Plan) -> Vec<(ProjectionId, ProjectionId)> {
    let mut pairs = Vec::new();
    for (index, feedback) in plan.projections.iter().enumerate() {
        let (lower, upper) = (feedback.post, feedback.pre);
        let goes_down = feedback.compartment == Compartment::Dendrite
            && is_excitatory(plan, upper)
            && is_excitatory(plan, lower)
            && layer(plan, upper) > layer(plan, lower);
        if !goes_down {
            continue;
        }
        let forward = plan
            .incoming(upper, Compartment::Soma)
            .find(|(_, forward)| forward.pre == lower && forward.active.forward());
        pairs.extend(forward.map(|(forward, _)| (forward, ProjectionId(index))));
    }
    pairs.sort_by_key(|(_, feedback)| layer(plan, plan.projection(*feedback).post));
    pairs
}

/// `W` and the feedback weights of the same synapses, in the order of `W`.
fn weights(network: &Network, (forward, feedback): (ProjectionId, ProjectionId)) -> [Vec<f64>; 2] {
    let values = |id| -> Vec<f64> {
        network
            .weight_of_pairs(id)
            .into_data()
            .iter::<f64>()
            .collect()
    };
    let plan = network.plan();
    let learned = plan.projection(feedback);
    let order = match (&learned.source, learned.wiring.geometry) {
        (WeightSource::Own(_), Geometry::Convolution(back)) => in_maps(back, Units::AllAlike),
        (WeightSource::Own(_), Geometry::Local(back)) => in_maps(back.windows, Units::EachItsOwn),
        _ => {
            let [_, columns] = network.weight_of_pairs(forward).dims();
            let rows = values(forward).len() / columns.max(1);
            (0..rows * columns)
                .map(|at| Some(at % columns * rows + at / columns))
                .collect()
        }
    };
    let found = values(feedback);
    let feedback = order
        .into_iter()
        .map(|at| at.map_or(0.0, |at| found[at]))
        .collect();
    [values(forward), feedback]
}

/// Whether the units of a map share their weights.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Units {
    AllAlike,
    EachItsOwn,
}

/// Where each forward weight between maps, in order, has its counterpart in feedback with windows of its own: what
/// comes from a place above through one corner of the window went there through the opposite one. `None` where a
/// synapse lies beyond the border.
fn in_maps(back: Convolution, units: Units) -> Vec<Option<usize>> {
    let side = back.kernel.size;
    let ([above, height, width], [below, ..]) = (back.input, back.output);
    let places = match units {
        Units::AllAlike => 1,
        Units::EachItsOwn => height * width,
    };
    let mut order = Vec::new();
    for map in 0..below {
        for (row, column) in (0..side).flat_map(|row| (0..side).map(move |column| (row, column))) {
            for from in 0..above {
                let synapse = (from * side + side - 1 - row) * side + side - 1 - column;
                for place in 0..places {
                    // The unit below to which this one listens.
                    let heard = match units {
                        Units::AllAlike => Some(0),
                        Units::EachItsOwn => {
                            let shifted = |at: usize, by: usize, size: usize| {
                                let at = (at + by).checked_sub(back.kernel.padding)?;
                                (at < size).then_some(at)
                            };
                            shifted(place / width, row, height)
                                .zip(shifted(place % width, column, width))
                                .map(|(row, column)| row * width + column)
                        }
                    };
                    order.push(heard.map(|heard| (synapse * below + map) * places + heard));
                }
            }
        }
    }
    order
}

/// Angles of all pairs, and the angle over all of them.
fn alignment(
    network: &Network,
    pairs: &[(ProjectionId, ProjectionId)],
) -> (Vec<Option<f64>>, Option<f64>) {
    let weights: Vec<_> = (pairs.iter())
        .map(|pair| weights(network, *pair).into())
        .collect();
    let each = |(forward, feedback): &(Vec<f64>, Vec<f64>)| angle_between(forward, feedback);
    (
        weights.iter().map(each).collect(),
        concatenated_angle(&weights),
    )
}

impl Measured for FeedbackAlignment {
    fn measure(context: &Context<'_>) -> Option<Self> {
        let plan = context.network.plan();
        let pairs = feedback_pairs(plan);
        if pairs.is_empty() {
            return None;
        }
        let (each, concatenated) = alignment(context.network, &pairs);
        let name = |id: ProjectionId| plan.projection(id).name.to_string();
        let described = pairs.iter().zip(each);
        Some(Self {
            concatenated,
            pairs: described
                .map(|(&(forward, feedback), degrees)| FeedbackPair {
                    forward: name(forward),
                    feedback: name(feedback),
                    tied: matches!(plan.projection(feedback).source, WeightSource::Tied { .. }),
                    degrees,
                })
                .collect(),
            course: (context.subject.history.iter())
                .map(|moment| AlignmentMoment {
                    samples: moment.samples,
                    degrees: alignment(&moment.network, &pairs).1,
                })
                .collect(),
        })
    }
}

impl Report for FeedbackAlignment {
    fn figures(&self) -> Vec<Figure> {
        let mut figures = vec![Figure::network(
            "angle of W to feedback",
            degrees(self.concatenated),
        )];
        if let Some(start) = self.course.first().filter(|moment| moment.samples == 0) {
            let value = degrees(start.degrees);
            figures.push(Figure::network(
                "angle of W to feedback at the start",
                value,
            ));
        }
        figures.extend(self.pairs.iter().map(|pair| {
            let value = if pair.tied {
                format!("{} (tied)", degrees(pair.degrees))
            } else {
                degrees(pair.degrees)
            };
            Figure::projection(&pair.forward, "angle of W to feedback", value)
        }));
        figures
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["samples", "pair", "degrees"]);
        for moment in &self.course {
            sheet.push([&moment.samples, &"all", &cell(moment.degrees)]);
        }
        for pair in &self.pairs {
            sheet.push([&"now", &pair.forward, &cell(pair.degrees)]);
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Distribution, Tensor, TensorData};
    use burn_dendrite_nn::{NetworkSpec, Numbers};

    use super::*;

    const NETWORK: &str = r#"
        tau = 2.0
        steps = 3
        population = [
            { name = "Input.E", size = 2, cell = "excitatory" },
            { name = "H1.E", size = 2, cell = "excitatory" },
            { name = "H1.DendI", size = 1, cell = "inhibitory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [
            { name = "H1.E<-Input.E", weight = { kind = "half_kaiming" } },
            { name = "H1.E<-Output.E", compartment = "dendrite", active = "backward", weight = FEEDBACK },
            { name = "H1.E<-H1.DendI", compartment = "dendrite", weight = { kind = "half_kaiming" } },
            { name = "Output.E<-H1.E", weight = { kind = "half_kaiming" } },
            { name = "H1.DendI<-H1.E", weight = { kind = "half_kaiming" } },
        ]
    "#;

    fn network(feedback: &str) -> Network {
        let spec: NetworkSpec = toml::from_str(&NETWORK.replace("FEEDBACK", feedback)).unwrap();
        spec.init(1, &Device::flex()).unwrap()
    }

    /// Feedback between maps that holds the forward weights in its own order is the forward way, transposed: it
    /// brings the same to the dendrites as a tie, and has no angle to it.
    #[test]
    fn feedback_between_maps_is_compared_synapse_by_synapse() {
        const MAPS: &str = r#"
            tau = 1.0
            steps = 1
            population = [
                { name = "Input.E", size = [1, 4, 5], cell = "excitatory" },
                { name = "H1.E", size = [2, 4, 5], cell = "excitatory" },
                { name = "Output.E", size = [3, 4, 5], cell = "excitatory" },
            ]
            projection = [
                { name = "H1.E<-Input.E", geometry = GEOMETRY, weight = { kind = "half_kaiming" } },
                { name = "Output.E<-H1.E", geometry = GEOMETRY, weight = { kind = "half_kaiming" } },
                { name = "H1.E<-Output.E", compartment = "dendrite", active = "backward", FEEDBACK },
            ]
        "#;
        let (device, forward, feedback) = (Device::flex(), ProjectionId(1), ProjectionId(2));
        for kind in ["convolution", "local"] {
            let geometry = format!("{{ kind = \"{kind}\", kernel = 3, padding = 1 }}");
            let network = |feedback: &str| {
                let text = MAPS.replace("FEEDBACK", feedback);
                let spec: NetworkSpec =
                    toml::from_str(&text.replace("GEOMETRY", &geometry)).unwrap();
                spec.init(1, &device).unwrap()
            };
            let tied =
                network(r#"weight = { kind = "tied", of = "Output.E<-H1.E", transpose = true }"#);
            let own = network(r#"geometry = GEOMETRY, weight = { kind = "half_kaiming" }"#);
            let (back, units) = match own.plan().projection(feedback).wiring.geometry {
                Geometry::Convolution(back) => (back, Units::AllAlike),
                Geometry::Local(back) => (back.windows, Units::EachItsOwn),
                Geometry::Dense | Geometry::ReceptiveFields(_) => unreachable!(),
            };
            let weights: Vec<f32> = tied.weight(forward).into_data().iter().collect();
            let mut placed = vec![0.0; weights.len()];
            for (weight, at) in weights.iter().zip(in_maps(back, units)) {
                if let Some(at) = at {
                    placed[at] = *weight;
                }
            }
            let shape = own.weight(feedback).dims();
            let placed = Tensor::from_data(TensorData::new(placed, shape), &device);
            let own = own
                .with_weight(forward, tied.weight(forward))
                .with_weight(feedback, placed);
            let above = Tensor::<2>::random([2, 60], Distribution::Default, &device);
            let [ours, theirs] = [&own, &tied].map(|it| it.add_drive(feedback, &above, None));
            let apart = (ours - theirs).abs().max().into_scalar::<f32>();
            assert!(apart < 1e-5, "{kind}: {apart}");
            let (each, _) = alignment(&own, &[(forward, feedback)]);
            assert!(each[0].unwrap() < 0.1, "{kind}: {each:?}");
        }
    }

    #[test]
    fn the_angle_of_known_weights() {
        let network = network(r#"{ kind = "half_kaiming" }"#);
        let pairs = feedback_pairs(network.plan());
        assert_eq!(pairs, [(ProjectionId(3), ProjectionId(1))]);
        // W = (1, 0)ᵀ and B = (1, 1): 45 degrees.
        let tensor = |values: [f32; 2]| Tensor::<1>::from_floats(values, &Device::flex());
        let network = network
            .with_weight(ProjectionId(3), tensor([1.0, 0.0]).reshape([2, 1]))
            .with_weight(ProjectionId(1), tensor([1.0, 1.0]).reshape([1, 2]));
        let (each, all) = alignment(&network, &pairs);
        assert!((each[0].unwrap() - 45.0).abs() < 1e-9);
        assert!((all.unwrap() - 45.0).abs() < 1e-9);
    }

    #[test]
    fn tied_feedback_is_aligned() {
        let tied = r#"{ kind = "tied", of = "Output.E<-H1.E", transpose = true, scale = 0.3 }"#;
        let network = network(tied);
        let (_, all) = alignment(&network, &feedback_pairs(network.plan()));
        assert!(all.unwrap() < 1e-3);
    }
}
