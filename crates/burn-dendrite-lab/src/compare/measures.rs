//! The metrics of trained networks, averaged over seeds.

use serde::{Deserialize, Serialize};

use crate::{
    analysis::{Measurement, Quantity},
    study::Estimate,
};

/// A quantity of one network, over seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// What is measured.
    pub quantity: Quantity,
    /// The population or projection; empty for the whole network.
    pub of: String,
    /// Mean and standard error over the seeds where it is defined.
    pub value: Estimate,
}

/// Means over runs, in the order in which the first run has them.
pub fn measures<'a>(runs: impl IntoIterator<Item = &'a [Measurement]>) -> Vec<Measure> {
    let mut groups: Vec<(Quantity, &str, Vec<f64>)> = Vec::new();
    for it in runs.into_iter().flatten() {
        let same = |(quantity, of, _): &&mut (Quantity, &str, Vec<f64>)| {
            (*quantity, *of) == (it.quantity, it.of.as_str())
        };
        match groups.iter_mut().find(same) {
            Some((.., values)) => values.push(it.value),
            None => groups.push((it.quantity, &it.of, vec![it.value])),
        }
    }
    let measure = |(quantity, of, values): (Quantity, &str, Vec<f64>)| {
        Estimate::of(&values).map(|value| Measure {
            quantity,
            of: of.to_owned(),
            value,
        })
    };
    groups.into_iter().filter_map(measure).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_quantity_of_the_same_population_is_averaged() {
        let one = |of: &str, value| Measurement {
            quantity: Quantity::Sparsity,
            of: of.to_owned(),
            value,
        };
        let first = [one("H1.E", 0.2), one("H2.E", 0.5)];
        let second = [one("H2.E", 0.7), one("H1.E", 0.4)];
        let third = [one("H1.E", 0.6)];
        let means = measures([&first[..], &second[..], &third[..]]);
        let [h1, h2] = &means[..] else {
            panic!("{means:?}")
        };
        assert_eq!((h1.of.as_str(), h1.value.count), ("H1.E", 3));
        // Deviations 0.2, 0, 0.2: variance 0.04, SEM 0.2 / sqrt(3).
        assert!((h1.value.mean - 0.4).abs() < 1e-12);
        assert!((h1.value.sem.unwrap() - 0.2 / 3.0_f64.sqrt()).abs() < 1e-12);
        assert!((h2.value.mean - 0.6).abs() < 1e-12);
    }
}
