//! What is wrong with the values of an anatomy, by the keys that give them.

use burn_dendrite_nn::{SpecError, SpecErrors, spec::Size};

use super::{
    AnatomyLearning, DendriticInhibition, EiNetworkConfig, Feedback, MapWeights,
    PublishedNetworkConfig, kernels, largest, pools,
};

impl EiNetworkConfig {
    /// Checks the values, before they are written out.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its key and what would be accepted.
    pub fn check(&self) -> Result<(), SpecErrors> {
        let mut errors = Mistakes::default();
        errors.size("inputs", self.inputs);
        for (key, counts) in [("maps", &self.maps), ("hidden", &self.hidden)] {
            errors.counts(key, counts);
        }
        errors.size("outputs", self.outputs);
        errors.count("interneurons", self.interneurons);
        errors.counts("kernels", &self.kernels);
        errors.counts("pools", &self.pools);
        for (key, value) in [("strength", self.strength), ("bound", self.bound)] {
            if !(value.is_finite() && value > 0.0) {
                errors.add(key, format!("it is {value}; accepted: more than 0"));
            }
        }
        if self.maps.is_empty() {
            for (key, is_usual) in [
                ("kernels", self.kernels == kernels()),
                ("pools", self.pools == pools()),
                ("pooling", self.pooling == largest()),
                ("weights", self.weights == MapWeights::default()),
            ] {
                if !is_usual {
                    errors.add(
                        key,
                        "it is about `maps`, and there are none; accepted: `maps` beside it",
                    );
                }
            }
        } else {
            self.check_maps(&mut errors);
        }
        if self.learning == AnatomyLearning::Backprop {
            for (key, is_usual) in [
                ("feedback", self.feedback == Feedback::default()),
                (
                    "dendritic_inhibition",
                    self.dendritic_inhibition == DendriticInhibition::default(),
                ),
                ("bound", self.bound == 1.0),
            ] {
                if !is_usual {
                    let message = "backprop has no use for it; accepted: `learning = \"dendritic_targets\"`, or \
                                   without it";
                    errors.add(key, message);
                }
            }
        }
        SpecErrors::or(errors.0, || ())
    }

    fn check_maps(&self, errors: &mut Mistakes) {
        for (key, sides) in [("kernels", &self.kernels), ("pools", &self.pools)] {
            if sides.is_empty() {
                let message = "it is empty; accepted: a side for each layer of maps, or for all";
                errors.add(key, message);
            }
        }
        if let Some(even) = (self.kernels.iter()).find(|side| side.is_multiple_of(2) && **side > 0)
        {
            let message =
                format!("{even} is even; accepted: odd sides, so that maps stay as large");
            errors.add("kernels", message);
        }
        let Size::Maps([_, height, width]) = self.inputs else {
            let message = format!(
                "it is {}, and `maps` are asked for; accepted: `[maps, height, width]`",
                self.inputs
            );
            errors.add("inputs", message);
            return;
        };
        let mut sides = [height, width];
        for (index, maps) in self.maps.iter().enumerate() {
            let Some(pool) = self.pools.get(index).or(self.pools.last()).copied() else {
                return;
            };
            if pool == 0 || sides.contains(&0) {
                return;
            }
            if sides.iter().any(|side| !side.is_multiple_of(pool)) {
                let [height, width] = sides;
                let message = format!(
                    "{pool} does not divide {height} x {width}, the sides of layer {} of {maps} maps; \
                     accepted: what divides both, as 1 does, in as long a list as `maps`",
                    index + 1
                );
                errors.add("pools", message);
                return;
            }
            sides = sides.map(|side| side / pool);
        }
    }
}

impl PublishedNetworkConfig {
    /// Checks the values, before they are written out.
    ///
    /// # Errors
    ///
    /// All mistakes at once, each with its key and what would be accepted.
    pub fn check(&self) -> Result<(), SpecErrors> {
        let mut errors = Mistakes::default();
        errors.counts("hidden", &self.hidden);
        for (key, count) in [
            ("inputs", self.inputs),
            ("outputs", self.outputs),
            ("interneurons", self.interneurons),
        ] {
            errors.count(key, count);
        }
        SpecErrors::or(errors.0, || ())
    }
}

#[derive(Default)]
struct Mistakes(Vec<SpecError>);

impl Mistakes {
    fn add(&mut self, key: &str, message: impl Into<String>) {
        self.0.push(SpecError::new(key, message));
    }

    fn count(&mut self, key: &str, count: usize) {
        if count == 0 {
            self.add(key, "it is 0; accepted: 1 or more");
        }
    }

    fn counts(&mut self, key: &str, counts: &[usize]) {
        if counts.contains(&0) {
            self.add(key, format!("it is {counts:?}; accepted: 1 or more each"));
        }
    }

    fn size(&mut self, key: &str, size: Size) {
        if size.neurons() == 0 {
            self.add(key, format!("it is {size}; accepted: 1 or more"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mistake_is_named_by_its_key() {
        let dense = EiNetworkConfig::new(784, [20, 10], 10);
        let maps = EiNetworkConfig::new([1, 28, 28], [], 10).with_maps([4, 4]);
        dense.check().unwrap();
        maps.check().unwrap();
        maps.clone()
            .with_maps([2; 4])
            .with_pools([2, 2, 1])
            .check()
            .unwrap();
        for (config, expected) in [
            (EiNetworkConfig::new(0, [5], 10), &["inputs: it is 0"][..]),
            (
                EiNetworkConfig::new(784, [5, 0], 0),
                &["hidden: it is [5, 0]", "outputs: it is 0"],
            ),
            (
                dense.clone().with_interneurons(0),
                &["interneurons: it is 0"],
            ),
            (
                dense.clone().with_strength(-1.0),
                &["strength: it is -1; accepted: more than 0"],
            ),
            (dense.clone().with_bound(f64::NAN), &["bound: it is NaN"]),
            (dense.with_maps([4]), &["inputs: it is 784, and `maps`"]),
            (
                EiNetworkConfig::new(784, [5], 10).with_pools([7]),
                &["pools: it is about `maps`"],
            ),
            (
                EiNetworkConfig::new(784, [5], 10)
                    .with_learning(AnatomyLearning::Backprop)
                    .with_bound(2.0),
                &["bound: backprop has no use for it"],
            ),
            (maps.clone().with_kernels([]), &["kernels: it is empty"]),
            (maps.clone().with_kernels([5, 4]), &["kernels: 4 is even"]),
            (maps.clone().with_pools([0]), &["pools: it is [0]"]),
            (maps.clone().with_pools([]), &["pools: it is empty"]),
            (
                maps.with_maps([4; 4]),
                &["pools: 2 does not divide 7 x 7, the sides of layer 3"],
            ),
        ] {
            let message = config.check().unwrap_err().to_string();
            for part in expected {
                assert!(message.contains(part), "`{part}` is missing in: {message}");
            }
        }
        let published = PublishedNetworkConfig::new(784, [500, 0], 10);
        let message = published.check().unwrap_err().to_string();
        assert!(message.contains("hidden: it is [500, 0]"), "{message}");
    }
}
