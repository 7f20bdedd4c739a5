//! Metrics over training, averaged over seeds.

use std::collections::BTreeMap;

use burn_dendrite_train::run::SegmentRecord;
use serde::{Deserialize, Serialize};

use crate::study::Estimate;

/// One metric of one network over its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// `train`: means over a segment of training; `valid`: of a validation.
    pub split: String,
    /// The metric, by the name that `metrics.jsonl` has for it.
    pub metric: String,
    /// Its values, in the order of training.
    pub points: Vec<CurvePoint>,
}

/// The value of a metric after some training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Training samples so far.
    pub samples: usize,
    /// Mean and standard error over the seeds that got so far.
    pub value: Estimate,
}

impl Curve {
    /// The curves of a network from the records of its runs, metric by metric.
    pub fn all<'a>(runs: impl IntoIterator<Item = &'a [SegmentRecord]>) -> Vec<Self> {
        let mut values: BTreeMap<(&str, &str), BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
        for record in runs.into_iter().flatten() {
            for (metric, value) in &record.metrics {
                let curve = values.entry((&record.split, metric)).or_default();
                curve.entry(record.samples).or_default().push(*value);
            }
        }
        let curve = |((split, metric), points): ((&str, &str), BTreeMap<usize, Vec<f64>>)| {
            let point = |(samples, values): (usize, Vec<f64>)| {
                Estimate::of(&values).map(|value| CurvePoint { samples, value })
            };
            Self {
                split: split.to_owned(),
                metric: metric.to_owned(),
                points: points.into_iter().filter_map(point).collect(),
            }
        };
        values.into_iter().map(curve).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(samples: usize, split: &str, accuracy: f64) -> SegmentRecord {
        SegmentRecord {
            segment: 1,
            split: split.to_owned(),
            samples,
            metrics: BTreeMap::from([("Accuracy".to_owned(), accuracy)]),
            silent: Vec::new(),
        }
    }

    #[test]
    fn values_of_the_same_moment_are_averaged_over_seeds() {
        let one = [
            record(10, "train", 1.0),
            record(10, "valid", 20.0),
            record(20, "valid", 50.0),
        ];
        let two = [record(10, "train", 3.0), record(10, "valid", 24.0)];
        let curves = Curve::all([&one[..], &two[..]]);
        let [train, valid] = &curves[..] else {
            panic!("two curves, not {curves:?}")
        };
        assert_eq!(
            (train.split.as_str(), train.metric.as_str()),
            ("train", "Accuracy")
        );
        assert_eq!(train.points[0].value.mean, 2.0);
        // Deviations of 2 on both sides: variance 8, SEM sqrt(8 / 2).
        assert_eq!(valid.points[0].value.mean, 22.0);
        assert_eq!(valid.points[0].value.sem, Some(2.0));
        // Only the first seed got to 20 samples.
        let last = valid.points[1];
        assert_eq!(
            (last.samples, last.value.mean, last.value.count),
            (20, 50.0, 1)
        );
        assert_eq!(last.value.sem, None);
    }
}
