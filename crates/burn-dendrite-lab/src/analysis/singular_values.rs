//! How evenly weights use their dimensions.

use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{Context, Figure, Measured, Report, Sheet, report::digits, statistics::matrix};

/// Singular values of the weights of each projection that owns any.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SingularValues {
    /// In the listed order.
    pub projections: Vec<ProjectionSpectrum>,
}

/// Singular values of one projection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectionSpectrum {
    /// `post<-pre`.
    pub projection: String,
    /// Normalised entropy of the singular values; `None` where it is undefined.
    pub entropy: Option<f64>,
    /// The singular values, largest first.
    pub values: Vec<f64>,
}

/// The singular values of a matrix, largest first: as many as its smaller side.
///
/// ```text
/// σ = √λ        λ eigenvalues of Wᵀ W or W Wᵀ, whichever is smaller
/// ```
///
/// Through the Gram matrix, which costs a fraction of a full decomposition; values below 10⁻⁸ of the
/// largest are rounding errors.
pub fn singular_values(weights: &DMatrix<f64>) -> Vec<f64> {
    let gram = if weights.nrows() < weights.ncols() {
        weights * weights.transpose()
    } else {
        weights.tr_mul(weights)
    };
    if gram.is_empty() {
        return Vec::new();
    }
    let eigenvalues = gram.symmetric_eigenvalues();
    let mut values: Vec<f64> = eigenvalues
        .iter()
        .map(|value| value.max(0.0).sqrt())
        .collect();
    values.sort_by(|one, other| other.total_cmp(one));
    values
}

/// Normalised entropy of singular values.
///
/// ```text
/// H = − Σ p ln p / ln n        p = σ / Σ σ, n values
/// ```
///
/// In [0, 1]: 0 where one dimension carries everything, 1 where all carry alike. `None` for fewer
/// than two values, or where all are zero.
///
/// Source: Roy and Vetterli, *The effective rank* (2007), whose effective rank is `exp(H ln n)`.
pub fn normalised_entropy(singular_values: &[f64]) -> Option<f64> {
    let sum: f64 = singular_values.iter().sum();
    let count = singular_values.len();
    if count < 2 || sum <= 0.0 {
        return None;
    }
    let shares = singular_values.iter().map(|value| value / sum);
    let entropy: f64 = shares
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.ln())
        .sum();
    Some(entropy / (count as f64).ln())
}

impl Measured for SingularValues {
    const COST: u64 = 15;

    fn measure(context: &Context<'_>) -> Option<Self> {
        let projections = context.owned_projections();
        let total = projections.len();
        let spectra = projections.into_iter().enumerate().map(|(done, id)| {
            let values = singular_values(&matrix(context.network.weight_of_pairs(id)));
            (context.progress)((done + 1) as f64 / total as f64);
            ProjectionSpectrum {
                projection: context.network.plan().projection(id).name.to_string(),
                entropy: normalised_entropy(&values),
                values,
            }
        });
        Some(Self {
            projections: spectra.collect(),
        })
    }
}

impl Report for SingularValues {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.projections.iter().map(|it| {
            Figure::projection(&it.projection, "singular-value entropy", digits(it.entropy))
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let mut sheet = Sheet::new(["projection", "number", "singular_value"]);
        for projection in &self.projections {
            for (number, value) in projection.values.iter().enumerate() {
                sheet.push([&projection.projection, &(number + 1), value]);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};

    #[test]
    fn singular_values_by_hand() {
        // WᵀW = [[25, 20], [20, 25]]: eigenvalues 45 and 5.
        for weights in [
            rows([[3.0, 0.0], [4.0, 5.0]]),
            rows([[3.0, 4.0], [0.0, 5.0]]),
        ] {
            let values = singular_values(&weights);
            assert!((values[0] - 45.0_f64.sqrt()).abs() < 1e-12);
            assert!((values[1] - 5.0_f64.sqrt()).abs() < 1e-12);
        }
        let wide = rows([[1.0, 2.0, 2.0]]);
        assert_eq!(singular_values(&wide).len(), 1);
        assert!((singular_values(&wide)[0] - 3.0).abs() < 1e-12);
    }

    #[test]
    fn entropies_of_known_spectra() {
        assert_eq!(normalised_entropy(&[2.0, 0.0, 0.0]), Some(0.0));
        assert!((normalised_entropy(&[3.0; 7]).unwrap() - 1.0).abs() < 1e-12);
        // Shares 1/2, 1/4, 1/4: 1.5 ln 2 / ln 3.
        let expected = 1.5 * 2.0_f64.ln() / 3.0_f64.ln();
        assert!((normalised_entropy(&[4.0, 2.0, 2.0]).unwrap() - expected).abs() < 1e-12);
        assert_eq!(normalised_entropy(&[0.0, 0.0]), None);
        assert_eq!(normalised_entropy(&[1.0]), None);
    }
}
