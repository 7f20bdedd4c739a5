//! Means of what is measured from step to step.

use std::collections::BTreeMap;

use burn::train::metric::NumericEntry;
use serde::{Deserialize, Serialize};

/// The mean of each metric over a segment, or over the part of it so far, by the metric's name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Means(BTreeMap<String, Mean>);

/// A mean that more values can be added to: what it was when it was written is what it is when it
/// is read, to the bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Means {
    /// Adds what was measured in a step.
    pub(super) fn add(&mut self, name: &str, entry: &NumericEntry) {
        let (value, count) = match *entry {
            NumericEntry::Value(value) => (value, 1),
            NumericEntry::Aggregated {
                aggregated_value,
                count,
            } => (aggregated_value, count),
            // burn's own mean, over those steps alone that this process has made.
            NumericEntry::Final(_) => return,
        };
        // A step that went wrong is no part of a mean, and JSON has no word for it.
        if !value.is_finite() || count == 0 {
            return;
        }
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Mean::default());
        }
        if let Some(mean) = self.0.get_mut(name) {
            mean.sum += value * count as f64;
            mean.count += count;
        }
    }

    /// The means. One is left out where nothing was measured, or the measure is beyond all bounds,
    /// for which JSON has no number.
    pub(super) fn values(&self) -> BTreeMap<String, f64> {
        let values =
            (self.0.iter()).map(|(name, mean)| (name.clone(), mean.sum / mean.count as f64));
        values.filter(|(_, value)| value.is_finite()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(value: f64, count: usize) -> NumericEntry {
        NumericEntry::Aggregated {
            aggregated_value: value,
            count,
        }
    }

    #[test]
    fn batches_weigh_as_much_as_their_samples() {
        let mut means = Means::default();
        means.add("Loss", &batch(1.0, 3));
        means.add("Loss", &batch(0.0, 1));
        means.add("Loss", &batch(f64::NAN, 1));
        means.add("Loss", &NumericEntry::Final(7.0));
        means.add("Accuracy", &batch(0.0, 0));
        assert_eq!(means.values(), BTreeMap::from([("Loss".to_owned(), 0.75)]));
    }

    #[test]
    fn a_mean_goes_on_from_a_file_to_the_same_bits() {
        let steps = [0.1, 1.0 / 3.0, 1e-9, 7.7];
        let mut whole = Means::default();
        (steps.iter()).for_each(|value| whole.add("Loss", &batch(*value, 3)));
        let mut part = Means::default();
        steps[..2]
            .iter()
            .for_each(|value| part.add("Loss", &batch(*value, 3)));
        let text = serde_json::to_string(&part).unwrap();
        let mut rest: Means = serde_json::from_str(&text).unwrap();
        steps[2..]
            .iter()
            .for_each(|value| rest.add("Loss", &batch(*value, 3)));
        assert_eq!(rest, whole);
    }
}
