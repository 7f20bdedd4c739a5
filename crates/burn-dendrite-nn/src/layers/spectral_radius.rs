//! The spectral radius of a matrix.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The largest absolute value among the eigenvalues of a matrix `[size, size]`, row by row: how fast a
/// vector grows on which it acts again and again. To about one percent.
pub(super) fn spectral_radius(matrix: &[f64], size: usize, random: &mut ChaCha8Rng) -> f64 {
    const WARM_UP: usize = 100;
    const STEPS: usize = 400;
    let mut vector: Vec<f64> = (0..size).map(|_| random.random_range(-1.0..1.0)).collect();
    let mut growth = 0.0;
    for step in 0..WARM_UP + STEPS {
        let image: Vec<f64> = (0..size)
            .map(|row| {
                let row = &matrix[row * size..(row + 1) * size];
                row.iter()
                    .zip(&vector)
                    .map(|(weight, value)| weight * value)
                    .sum()
            })
            .collect();
        let norm = image.iter().map(|value| value * value).sum::<f64>().sqrt();
        if norm == 0.0 {
            return 0.0;
        }
        if step >= WARM_UP {
            growth += norm.ln();
        }
        vector = image.into_iter().map(|value| value / norm).collect();
    }
    (growth / STEPS as f64).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn known_eigenvalues() {
        let check = |matrix: &[f64], expected: f64| {
            let found = spectral_radius(matrix, 2, &mut ChaCha8Rng::seed_from_u64(1));
            assert!(
                (found / expected - 1.0).abs() < 0.01,
                "{found} for {expected}"
            );
        };
        // 3 and -1; 2 twice; 1 ± 2i.
        check(&[1.0, 2.0, 2.0, 1.0], 3.0);
        check(&[2.0, 0.0, 0.0, 2.0], 2.0);
        check(&[1.0, -2.0, 2.0, 1.0], 5.0f64.sqrt());
        let nilpotent =
            spectral_radius(&[0.0, 1.0, 0.0, 0.0], 2, &mut ChaCha8Rng::seed_from_u64(1));
        assert_eq!(nilpotent, 0.0);
    }
}
