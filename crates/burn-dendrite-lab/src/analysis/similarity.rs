//! How alike patterns, and units, are to a population.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, Measured, Report, Sheet,
    context::class_means,
    report::{cell, digits},
};

/// Representational similarity of each population.
///
/// Source: Kriegeskorte, Mur and Bandettini, *Representational similarity analysis*, Frontiers in
/// Systems Neuroscience 2 (2008); `compute_within_class_representational_similarity` of EIANN
/// (Galloni et al. 2025).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Similarity {
    /// Every population but the input.
    pub populations: Vec<PopulationSimilarity>,
}

/// Representational similarity of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationSimilarity {
    /// The population.
    pub population: String,
    /// Of its answers to two patterns, by the classes of the patterns.
    pub patterns: ClassSimilarity,
    /// Of two of its units over all patterns, by the classes that the units prefer: those of the
    /// highest mean activity. Silent units prefer none and are left out.
    pub units: ClassSimilarity,
}

/// A similarity matrix in blocks: the mean over the pairs of each two classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassSimilarity {
    /// Mean over pairs of the same class, no pair with itself; `None` where there are none.
    pub within: Option<f64>,
    /// Mean over pairs of different classes.
    pub between: Option<f64>,
    /// Classes × classes: mean over the pairs of these two classes.
    pub blocks: Vec<Vec<Option<f64>>>,
}

/// Cosine similarity of the rows of a matrix, rows × rows.
///
/// ```text
/// S_ij = x_i·x_j / (|x_i| |x_j|)
/// ```
///
/// In [0, 1] for activities that are not negative. A zero row is like no other, with 0.
pub fn cosine_similarity(rows: &DMatrix<f64>) -> DMatrix<f64> {
    let mut unit = rows.clone();
    for mut row in unit.row_iter_mut() {
        let length = row.norm();
        if length > 0.0 {
            row /= length;
        }
    }
    &unit * unit.transpose()
}

/// The means of a symmetric similarity matrix within and between classes; a row of class `None` is
/// left out.
///
/// # Panics
///
/// If there are not as many classes as rows.
pub fn by_class(
    similarity: &DMatrix<f64>,
    class_of: &[Option<usize>],
    classes: usize,
) -> ClassSimilarity {
    assert_eq!(similarity.nrows(), class_of.len(), "a class for each row");
    let mut sums = vec![vec![(0.0, 0_usize); classes]; classes];
    for (i, one) in class_of.iter().enumerate() {
        for (j, other) in class_of.iter().enumerate().take(i) {
            if let (Some(one), Some(other)) = (*one, *other) {
                let (sum, count) = &mut sums[one.min(other)][one.max(other)];
                *sum += similarity[(i, j)];
                *count += 1;
            }
        }
    }
    let mean = |(sum, count): (f64, usize)| (count > 0).then(|| sum / count as f64);
    let total = |keep: fn(usize, usize) -> bool| {
        let pairs = (0..classes).flat_map(|i| (i..classes).map(move |j| (i, j)));
        let kept = pairs.filter(|(i, j)| keep(*i, *j)).map(|(i, j)| sums[i][j]);
        mean(kept.fold((0.0, 0), |(sum, count), (s, c)| (sum + s, count + c)))
    };
    ClassSimilarity {
        within: total(|i, j| i == j),
        between: total(|i, j| i != j),
        blocks: (0..classes)
            .map(|i| {
                (0..classes)
                    .map(|j| mean(sums[i.min(j)][i.max(j)]))
                    .collect()
            })
            .collect(),
    }
}

/// The class of the highest mean activity of each unit; `None` for a silent one.
pub fn preferred_classes(
    activity: &DMatrix<f64>,
    labels: &[u16],
    classes: usize,
) -> Vec<Option<usize>> {
    let means = class_means(activity, labels, classes);
    let of_unit = |unit: usize| {
        let classes = means.iter().enumerate();
        let best = classes
            .filter_map(|(class, means)| Some((class, means.as_ref()?[unit])))
            // Of equal ones the first, as `argmax` does.
            .reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.filter(|(_, mean)| *mean > 0.0).map(|(class, _)| class)
    };
    (0..activity.ncols()).map(of_unit).collect()
}

impl Measured for Similarity {
    const COST: u64 = 5;

    fn measure(context: &Context<'_>) -> Option<Self> {
        let (labels, classes) = (&context.recording.labels, context.samples.classes());
        let pattern_classes: Vec<Option<usize>> = labels
            .iter()
            .map(|label| Some(usize::from(*label)))
            .collect();
        let populations = context.populations().map(|(id, name)| {
            let activity = &context.recording.activity[id];
            let patterns = cosine_similarity(activity);
            let units = cosine_similarity(&activity.transpose());
            let preferred = preferred_classes(activity, labels, classes);
            PopulationSimilarity {
                population: name.to_string(),
                patterns: by_class(&patterns, &pattern_classes, classes),
                units: by_class(&units, &preferred, classes),
            }
        });
        Some(Self {
            populations: populations.collect(),
        })
    }
}

impl Report for Similarity {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|it| {
            [
                ("patterns alike within", it.patterns.within),
                ("patterns between", it.patterns.between),
                ("units alike within", it.units.within),
                ("units between", it.units.between),
            ]
            .map(|(quantity, value)| Figure::population(&it.population, quantity, digits(value)))
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["population", "of", "class", "other_class", "similarity"]);
        for population in &self.populations {
            let both = [
                ("patterns", &population.patterns),
                ("units", &population.units),
            ];
            for (of, similarity) in both {
                for (class, row) in similarity.blocks.iter().enumerate() {
                    for (other, value) in row.iter().enumerate() {
                        let name = &population.population;
                        sheet.push([name, &of, &class, &other, &cell(*value)]);
                    }
                }
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn similarities_by_hand() {
        let root = 0.5_f64.sqrt();
        // Classes 0, 0, 1 and a silent pattern of class 1.
        let activity = rows([[1.0, 0.0], [2.0, 2.0], [0.0, 3.0], [0.0, 0.0]]);
        let similarity = cosine_similarity(&activity);
        let expected = rows([
            [1.0, root, 0.0, 0.0],
            [root, 1.0, root, 0.0],
            [0.0, root, 1.0, 0.0],
            [0.0, 0.0, 0.0, 0.0],
        ]);
        assert!((&similarity - expected).abs().max() < 1e-12);
        let classes = [Some(0), Some(0), Some(1), Some(1)];
        let found = by_class(&similarity, &classes, 3);
        // Within: one pair of class 0 with root, one of class 1 with 0; between: root and three 0.
        assert!((found.within.unwrap() - root / 2.0).abs() < 1e-12);
        assert!((found.between.unwrap() - root / 4.0).abs() < 1e-12);
        assert!((found.blocks[0][0].unwrap() - root).abs() < 1e-12);
        assert_eq!(found.blocks[1][0], found.blocks[0][1]);
        assert_eq!(found.blocks[2], [None; 3]);
    }

    #[test]
    fn units_prefer_the_class_of_their_highest_mean() {
        let activity = rows([[1.0, 0.0, 0.0], [1.0, 0.0, 5.0], [1.0, 0.0, 4.0]]);
        let preferred = preferred_classes(&activity, &[0, 1, 1], 2);
        assert_eq!(preferred, [Some(0), None, Some(1)]);
    }
}
