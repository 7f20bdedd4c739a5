//! Which class is taken for which.

use serde::{Deserialize, Serialize};

/// How often samples of each class were taken for each class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Confusion {
    /// A row for each class, a column for each class that samples of it were taken for.
    counts: Vec<Vec<usize>>,
}

/// Of two classes, one has so many times as many samples as the other when accuracy tells little.
const UNEQUAL: f64 = 10.0;

impl Confusion {
    /// No samples of so many classes.
    pub fn new(classes: usize) -> Self {
        Self {
            counts: vec![vec![0; classes]; classes],
        }
    }

    /// Adds a sample of a class that was taken for a class.
    ///
    /// # Panics
    ///
    /// If there are fewer classes.
    pub fn add(&mut self, class: usize, taken_for: usize) {
        self.counts[class][taken_for] += 1;
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.counts.len()
    }

    /// How often samples of a class were taken for each class.
    ///
    /// # Panics
    ///
    /// If there are fewer classes.
    pub fn row(&self, class: usize) -> &[usize] {
        &self.counts[class]
    }

    /// The number of samples of a class.
    ///
    /// # Panics
    ///
    /// If there are fewer classes.
    pub fn samples(&self, class: usize) -> usize {
        self.counts[class].iter().sum()
    }

    /// Share of all samples that were classified rightly; 0 of none.
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.classes())
            .map(|class| self.counts[class][class])
            .sum();
        let all: usize = (0..self.classes()).map(|class| self.samples(class)).sum();
        right as f64 / all.max(1) as f64
    }

    /// Share of a class's samples that were classified rightly, also called recall; nothing where it
    /// has no samples.
    ///
    /// # Panics
    ///
    /// If there are fewer classes.
    pub fn class_accuracy(&self, class: usize) -> Option<f64> {
        let samples = self.samples(class);
        (samples > 0).then(|| self.counts[class][class] as f64 / samples as f64)
    }

    /// The mean of [`class_accuracy`](Self::class_accuracy) over the classes that have samples: each
    /// class counts as much as any other, however many samples it has. 0 of none.
    ///
    /// Source: Brodersen, Ong, Stephan and Buhmann, *The balanced accuracy and its posterior
    /// distribution* (ICPR 2010), for any number of classes.
    pub fn balanced_accuracy(&self) -> f64 {
        let classes = (0..self.classes()).filter_map(|class| self.class_accuracy(class));
        let accuracies: Vec<f64> = classes.collect();
        accuracies.iter().sum::<f64>() / accuracies.len().max(1) as f64
    }

    /// What is known of each class, with its name.
    pub fn class_results(&self, name: impl Fn(usize) -> String) -> Vec<ClassResult> {
        let result = |class| ClassResult {
            class: name(class),
            samples: self.samples(class),
            accuracy: self.class_accuracy(class),
        };
        (0..self.classes()).map(result).collect()
    }

    /// The other class that samples of a class were taken for most often, and how often; nothing where
    /// all were classified rightly.
    ///
    /// # Panics
    ///
    /// If there are fewer classes.
    pub fn most_taken_for(&self, class: usize) -> Option<(usize, usize)> {
        let others = self.counts[class].iter().copied().enumerate();
        let others = others.filter(|(other, count)| *other != class && *count > 0);
        // Of equally many the first.
        others.rev().max_by_key(|(_, count)| *count)
    }
}

/// How well a class is recognised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassResult {
    /// Its name, or its number.
    pub class: String,
    /// Its samples.
    pub samples: usize,
    /// Share of them that were classified rightly; nothing where there are none.
    pub accuracy: Option<f64>,
}

/// A sentence on classes that differ much in their number of samples, of which there are so many.
pub fn warning_of_unequal_classes(
    counts: &[usize],
    name: impl Fn(usize) -> String,
) -> Option<String> {
    let all = || counts.iter().enumerate();
    let (most, largest) = all().max_by_key(|(_, count)| **count)?;
    let (least, smallest) = all().min_by_key(|(_, count)| **count)?;
    let is_unequal = *largest as f64 >= UNEQUAL * (*smallest).max(1) as f64;
    is_unequal.then(|| {
        format!(
            "classes are very unequal: {largest} samples of `{}` and {smallest} of `{}`; the balanced \
             accuracy counts each class alike",
            name(most),
            name(least)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nine samples of the first class, one of them wrong; one of the second, wrong.
    fn unequal() -> Confusion {
        let mut confusion = Confusion::new(3);
        (0..8).for_each(|_| confusion.add(0, 0));
        confusion.add(0, 2);
        confusion.add(1, 0);
        confusion
    }

    #[test]
    fn each_class_counts_alike_in_the_balanced_accuracy() {
        let confusion = unequal();
        assert_eq!(confusion.accuracy(), 0.8);
        assert_eq!(confusion.class_accuracy(0), Some(8.0 / 9.0));
        assert_eq!(
            (confusion.class_accuracy(1), confusion.class_accuracy(2)),
            (Some(0.0), None)
        );
        // (8/9 + 0) / 2: the third class has no samples.
        assert_eq!(confusion.balanced_accuracy(), 4.0 / 9.0);
        let none = Confusion::new(2);
        assert_eq!((none.accuracy(), none.balanced_accuracy()), (0.0, 0.0));
    }

    #[test]
    fn each_class_has_a_name_and_what_it_is_taken_for() {
        let confusion = unequal();
        let results = confusion.class_results(|class| format!("c{class}"));
        let expected = ClassResult {
            class: "c1".to_owned(),
            samples: 1,
            accuracy: Some(0.0),
        };
        assert_eq!(results[1], expected);
        let taken = [0, 1, 2].map(|class| confusion.most_taken_for(class));
        assert_eq!(taken, [Some((2, 1)), Some((0, 1)), None]);
        let json = serde_json::to_string(&confusion).unwrap();
        assert_eq!(json, "[[8,0,1],[1,0,0],[0,0,0]]");
    }

    #[test]
    fn very_unequal_classes_are_warned_about() {
        let warning = |counts: &[usize]| warning_of_unequal_classes(counts, |it| it.to_string());
        assert_eq!(warning(&[10, 99]), None);
        let found = warning(&[10, 100]).unwrap();
        assert!(
            found.contains("100 samples of `1` and 10 of `0`"),
            "{found}"
        );
        assert!(warning(&[0, 10]).is_some());
        assert_eq!((warning(&[]), warning(&[0, 0])), (None, None));
    }
}
