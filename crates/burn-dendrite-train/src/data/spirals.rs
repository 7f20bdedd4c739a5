//! Spirals: points of the plane on four intertwined arms, for a network to tell apart.

use std::{f32::consts::FRAC_PI_2, sync::Arc};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{DataError, DataOptions, SampleSet, Splits};

/// Arms, which are the classes.
const ARMS: usize = 4;

/// Spread of a point around its arm, relative to its radius.
const NOISE: f32 = 0.16;

/// Points of each arm to train on, to validate on, and to test on: 70, 15 and 15 % of 2,000.
const POINTS: [usize; 3] = [1400, 300, 300];

/// Where the noise comes from; each split has its own stream.
const SEED: u64 = 0;

/// Draws the spirals: 5,600 points to train on, 1,200 to validate on, 1,200 to test on, the same
/// ones every time.
///
/// ```text
/// φ = 2π/4 · (2t + arm)
/// x = t · (sin φ + 0.16 n₁),  y = t · (cos φ + 0.16 n₂)
/// ```
///
/// In each split and arm `t` runs evenly from 0 to 1; `n₁` and `n₂` are standard normal numbers, so a
/// point strays from its arm in proportion to its radius. A sample is `[x, y]`, its class the arm.
///
/// Source: the spirals of Galloni et al. 2025; the points are our own draws.
///
/// # Errors
///
/// None; data sets share this signature.
pub fn load(_options: &DataOptions) -> Result<Splits, DataError> {
    let split = |stream| Ok::<_, DataError>(Arc::new(draw(POINTS[stream], stream as u64)?));
    Ok(Splits {
        train: split(0)?,
        validation: split(1)?,
        test: split(2)?,
    })
}

fn draw(points: usize, stream: u64) -> Result<SampleSet, DataError> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    random.set_stream(stream);
    let mut normal = || -> f32 { StandardNormal.sample(&mut random) };
    let mut values = Vec::with_capacity(2 * ARMS * points);
    let mut labels = Vec::with_capacity(ARMS * points);
    for arm in 0..ARMS {
        for point in 0..points {
            let t = point as f32 / (points - 1) as f32;
            let [x, y] = on_arm(arm, t);
            values.extend([x + t * NOISE * normal(), y + t * NOISE * normal()]);
            labels.push(arm as u16);
        }
    }
    SampleSet::vectors(values, labels, 2, ARMS)
}

/// The middle of an arm, `t` of its length from the centre.
fn on_arm(arm: usize, t: f32) -> [f32; 2] {
    let angle = FRAC_PI_2 * (2.0 * t + arm as f32);
    [t * angle.sin(), t * angle.cos()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spirals() -> Splits {
        load(&DataOptions::default()).unwrap()
    }

    #[test]
    fn an_arm_turns_half_way_round_from_its_quarter() {
        let close = |[x, y]: [f32; 2], expected: [f32; 2]| {
            let [dx, dy] = [x - expected[0], y - expected[1]];
            assert!(dx.abs() < 1e-6 && dy.abs() < 1e-6, "{x}, {y}");
        };
        close(on_arm(0, 0.0), [0.0, 0.0]);
        close(on_arm(0, 0.5), [0.5, 0.0]); // a quarter turn
        close(on_arm(0, 1.0), [0.0, -1.0]); // half a turn
        close(on_arm(1, 1.0), [-1.0, 0.0]);
        close(on_arm(3, 0.5), [0.0, 0.5]);
    }

    #[test]
    fn the_splits_have_the_published_sizes_and_equal_classes() {
        let Splits {
            train,
            validation,
            test,
        } = spirals();
        for (set, points) in [(train, 1400), (validation, 300), (test, 300)] {
            assert_eq!(set.class_counts(), [points; 4]);
            assert_eq!(set.features(), 2);
        }
    }

    #[test]
    fn points_stray_in_proportion_to_their_radius() {
        let set = spirals().train;
        let mut squares = [[0.0; 2]; 2]; // inner and outer half, both coordinates
        for index in 0..set.len() {
            let t = (index % 1400) as f32 / 1399.0;
            if t == 0.0 {
                assert_eq!(set.sample(index), [0.0, 0.0]);
                continue;
            }
            let middle = on_arm(index / 1400, t);
            for (axis, value) in set.sample(index).into_iter().enumerate() {
                let strays = f64::from((value - middle[axis]) / t);
                squares[usize::from(t > 0.5)][axis] += strays * strays / 2800.0;
            }
        }
        for variance in squares.into_iter().flatten() {
            // The standard error of the spread of 2,800 points is 1.3 %.
            assert!((variance.sqrt() / 0.16 - 1.0).abs() < 0.05, "{variance}");
        }
    }

    #[test]
    fn the_points_are_always_the_same_and_differ_between_splits() {
        assert!(spirals().train == spirals().train);
        assert_ne!(spirals().validation.sample(200), spirals().test.sample(200));
    }
}
