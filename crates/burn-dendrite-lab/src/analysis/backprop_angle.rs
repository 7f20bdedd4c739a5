//! How close a learning rule comes to gradient descent.

use std::collections::BTreeMap;

use burn_dendrite_nn::{Parameter, ProjectionId};
use burn_dendrite_optim::{Learning, RuleMemory, Updates};
use burn_dendrite_train::data::SampleBatch;
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, MeanAndError, Measured, Report, Sheet, angle_between, backprop_twin,
    compared_projections, concatenated_angle,
    context::device,
    report::{cell, degrees},
};

/// The angle between the changes that the learning rule asks for and those of backprop on the same
/// network and the same samples, in degrees.
///
/// ```text
/// angle = arccos( Δ·∇ / (|Δ| |∇|) )
/// ```
///
/// `Δ` is the change by the network's own rules, `∇` that by [`backprop_twin`], both over the
/// projections of [`compared_projections`], each normalised to unit length and then concatenated
/// ([`concatenated_angle`]). 0° is gradient descent, 90° a direction that has nothing to do with it.
/// A network that learns by backprop through as many steps as its twin has 0°.
///
/// Source: Galloni et al. 2025, angle to backprop; constraints are not applied to the changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackpropAngle {
    /// Steps that backprop goes through.
    pub tracked_steps: usize,
    /// Angle between the changes by one sample, over single samples; samples by which one side
    /// does not change anything are left out.
    pub stochastic: Option<MeanAndError>,
    /// Angle between the mean changes over all samples.
    pub averaged: Option<f64>,
    /// The angles of single samples, in their order.
    pub samples: Vec<Option<f64>>,
    /// The same for each projection alone.
    pub projections: Vec<ProjectionAngle>,
}

/// The angles of one projection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectionAngle {
    /// `post<-pre`.
    pub projection: String,
    /// Over single samples.
    pub stochastic: Option<MeanAndError>,
    /// Of the mean changes over all samples.
    pub averaged: Option<f64>,
}

/// The changes of some projections, flattened.
type Changes = BTreeMap<ProjectionId, Vec<f64>>;

fn changes(updates: &Updates, projections: &[ProjectionId]) -> Changes {
    let values = |&id: &ProjectionId| {
        let change = updates.get(Parameter::Weight(id))?;
        Some((id, change.into_data().iter::<f64>().collect()))
    };
    projections.iter().filter_map(values).collect()
}

/// The angle between two sets of changes, projection by projection and concatenated.
fn angles(one: &Changes, other: &Changes) -> (BTreeMap<ProjectionId, Option<f64>>, Option<f64>) {
    let pairs = || (one.iter()).filter_map(|(id, one)| Some((id, one, other.get(id)?)));
    let each = pairs().map(|(id, one, other)| (*id, angle_between(one, other)));
    let all: Vec<_> = pairs().map(|(_, one, other)| (one, other)).collect();
    (each.collect(), concatenated_angle(&all))
}

/// Samples whose changes are added up at a time: some rules hold a matrix of weights for each.
const CHUNK: usize = 50;

impl Measured for BackpropAngle {
    const COST: u64 = 40;

    fn measure(context: &Context<'_>) -> Option<Self> {
        let (network, subject) = (context.network, context.subject);
        let plan = network.plan();
        let own = subject.learning;
        let twin = backprop_twin(own, plan)?;
        let projections = compared_projections(own, plan);
        let own = (own, &subject.own_memory());
        let twin = (&twin, &twin.memory(network));
        let device = device(network);
        let run = |(learning, memory): (&Learning, &RuleMemory), indices: &[usize]| {
            let batch = context.samples.batch(indices, &device);
            let SampleBatch {
                inputs, targets, ..
            } = batch;
            let conditions = &subject.conditions;
            let outcome = learning.run_under(conditions, network, memory, inputs, targets, &mut ());
            changes(&outcome.updates, &projections)
        };

        let single = context.options.single_samples.min(context.samples.len());
        let mut samples = Vec::with_capacity(single);
        let mut each: BTreeMap<ProjectionId, Vec<f64>> = BTreeMap::new();
        for index in 0..single {
            let (of_each, of_all) = angles(&run(own, &[index]), &run(twin, &[index]));
            for (id, angle) in of_each {
                each.entry(id).or_default().extend(angle);
            }
            samples.push(of_all);
            (context.progress)(0.8 * (index + 1) as f64 / single as f64);
        }

        let all: Vec<usize> = (0..context.samples.len()).collect();
        let (mut sum, mut twin_sum) = (Changes::new(), Changes::new());
        for indices in all.chunks(CHUNK) {
            for (sum, learning) in [(&mut sum, own), (&mut twin_sum, twin)] {
                add(sum, run(learning, indices), indices.len() as f64);
            }
        }
        let (averaged_each, averaged) = angles(&sum, &twin_sum);

        let defined: Vec<f64> = samples.iter().flatten().copied().collect();
        Some(Self {
            tracked_steps: super::TRACKED_STEPS.min(plan.steps),
            stochastic: MeanAndError::of(&defined),
            averaged,
            samples,
            projections: projections
                .iter()
                .map(|id| ProjectionAngle {
                    projection: plan.projection(*id).name.to_string(),
                    stochastic: each.get(id).and_then(|angles| MeanAndError::of(angles)),
                    averaged: averaged_each.get(id).copied().flatten(),
                })
                .collect(),
        })
    }
}

/// Adds changes that are a mean over `count` samples.
fn add(sum: &mut Changes, changes: Changes, count: f64) {
    for (id, change) in changes {
        match sum.get_mut(&id) {
            Some(sum) => {
                for (sum, change) in sum.iter_mut().zip(change) {
                    *sum += count * change;
                }
            }
            None => {
                let change = change.into_iter().map(|change| count * change).collect();
                sum.insert(id, change);
            }
        }
    }
}

impl Report for BackpropAngle {
    fn figures(&self) -> Vec<Figure> {
        let mean = |angle: Option<MeanAndError>| degrees(angle.map(|angle| angle.mean));
        let (single, averaged) = (
            "angle to backprop, single samples",
            "angle to backprop, mean change",
        );
        let all = [
            Figure::network(single, mean(self.stochastic)),
            Figure::network(averaged, degrees(self.averaged)),
        ];
        let each = self.projections.iter().flat_map(|it| {
            [
                Figure::projection(&it.projection, single, mean(it.stochastic)),
                Figure::projection(&it.projection, averaged, degrees(it.averaged)),
            ]
        });
        all.into_iter().chain(each).collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["sample", "degrees"]);
        for (index, angle) in self.samples.iter().enumerate() {
            sheet.push([&index, &cell(*angle)]);
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::analysis::{Analysis, AnalysisOptions, Metric, Subject, analyze};
    use burn_dendrite_train::{
        data::{DataOptions, DatasetName},
        presets,
    };

    fn angle(preset: &str) -> BackpropAngle {
        let spec = presets::load(preset).unwrap();
        let (_, learning) = spec.check().unwrap();
        let network = spec.network.init(66049, &Device::flex()).unwrap();
        let data = DatasetName::Spirals.load(&DataOptions::default()).unwrap();
        let options = AnalysisOptions {
            metrics: vec![Metric::BackpropAngle],
            samples: 8,
            single_samples: 4,
            ..AnalysisOptions::default()
        };
        let subject = Subject::new(&network, &learning);
        let analysis: Analysis = analyze(&subject, &data.test, &options, &mut |_| ()).unwrap();
        analysis.backprop_angle.unwrap()
    }

    #[test]
    fn backprop_has_no_angle_to_itself() {
        let angle = angle("spirals-backprop-ei");
        assert_eq!((angle.tracked_steps, angle.samples.len()), (3, 4));
        assert!(angle.averaged.unwrap() < 0.1, "{angle:?}");
        assert!(angle.stochastic.unwrap().mean < 0.1, "{angle:?}");
    }

    #[test]
    fn the_angle_is_that_of_the_updates() {
        let spec = presets::load("spirals-dtp").unwrap();
        let (plan, learning) = spec.check().unwrap();
        let device = Device::flex();
        let network = spec.network.init(66049, &device).unwrap();
        let twin = backprop_twin(&learning, &plan).unwrap();
        let data = DatasetName::Spirals.load(&DataOptions::default()).unwrap();
        // Of every arm some points, so that every projection changes.
        let samples: Vec<usize> = (0..data.test.len()).step_by(50).collect();
        let updates = |learning: &Learning| {
            let batch = data.test.batch(&samples, &device);
            let memory = learning.memory(&network);
            let (input, target) = (batch.inputs, batch.targets);
            learning
                .run(&network, &memory, input, target, &mut ())
                .updates
        };
        let (own, other) = (updates(&learning), updates(&twin));
        let projections = compared_projections(&learning, &plan);
        let parameters: Vec<Parameter> = projections
            .iter()
            .map(|id| Parameter::Weight(*id))
            .collect();
        let expected = own.angle_to(&other, &parameters).unwrap();
        let (_, found) = angles(&changes(&own, &projections), &changes(&other, &projections));
        assert!((found.unwrap() - expected).abs() < 1e-9);
    }

    #[test]
    fn changes_add_up_by_the_number_of_their_samples() {
        let id = ProjectionId(0);
        let mut sum = Changes::new();
        add(&mut sum, Changes::from([(id, vec![1.0, -1.0])]), 2.0);
        add(&mut sum, Changes::from([(id, vec![0.5, 3.0])]), 4.0);
        assert_eq!(sum[&id], [4.0, 10.0]);
    }
}
