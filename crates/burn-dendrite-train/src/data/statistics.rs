//! What the values of a set are like, group by group.

use super::shown::Line;

/// Mean, standard deviation and largest distance from the mean of a group of values: a channel of
/// images, from 0 to 1 where they are bytes, or a number of vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Statistics {
    mean: f64,
    deviation: f64,
    span: f64,
}

impl Statistics {
    /// Those of bytes, `group` of each of `groups` groups in turn.
    pub(super) fn of_bytes(bytes: &[u8], groups: usize, group: usize) -> Vec<Self> {
        // Sums of bytes are exact, whatever their order.
        let mut sums = vec![(0_u64, 0_u64, u8::MAX, 0_u8); groups];
        for (index, bytes) in bytes.chunks(group).enumerate() {
            let (sum, squares, low, high) = &mut sums[index % groups];
            for byte in bytes {
                *sum += u64::from(*byte);
                *squares += u64::from(*byte).pow(2);
                (*low, *high) = ((*low).min(*byte), (*high).max(*byte));
            }
        }
        let count = (bytes.len() / groups).max(1) as f64;
        let statistics = |(sum, squares, low, high): (u64, u64, u8, u8)| {
            let mean = sum as f64 / count;
            let variance = (squares as f64 / count - mean * mean).max(0.0);
            Self {
                mean: mean / 255.0,
                deviation: variance.sqrt() / 255.0,
                span: (f64::from(high) - mean).max(mean - f64::from(low)) / 255.0,
            }
        };
        sums.into_iter().map(statistics).collect()
    }

    /// Those of numbers, `group` of each of `groups` groups in turn.
    pub(super) fn of_reals(numbers: &[f32], groups: usize, group: usize) -> Vec<Self> {
        let count = (numbers.len() / groups).max(1) as f64;
        let each = |mut see: Box<dyn FnMut(usize, f64) + '_>| {
            for (index, numbers) in numbers.chunks(group).enumerate() {
                numbers
                    .iter()
                    .for_each(|it| see(index % groups, f64::from(*it)));
            }
        };
        let mut means = vec![0.0; groups];
        each(Box::new(|group, number| means[group] += number / count));
        let mut spread = vec![(0.0_f64, 0.0_f64); groups];
        each(Box::new(|group, number| {
            let (variance, span) = &mut spread[group];
            let distance = number - means[group];
            *variance += distance * distance / count;
            *span = span.max(distance.abs());
        }));
        let statistics = |(mean, (variance, span)): (f64, (f64, f64))| Self {
            mean,
            deviation: variance.sqrt(),
            span,
        };
        means.into_iter().zip(spread).map(statistics).collect()
    }

    /// Mean 0 and variance 1; a group that does not vary is only moved.
    pub(super) fn standard(&self) -> Line {
        Line {
            centre: self.mean,
            unit: or_one(self.deviation),
            is_rectified: false,
        }
    }

    /// What is above the mean, and what is below it, from 0 to 1; nothing of a group that does not vary.
    pub(super) fn contrast(&self) -> [Line; 2] {
        self.rectified(self.span)
    }

    /// The same in standard deviations.
    pub(super) fn standard_contrast(&self) -> [Line; 2] {
        self.rectified(self.deviation)
    }

    fn rectified(&self, unit: f64) -> [Line; 2] {
        let on = Line {
            centre: self.mean,
            unit: or_one(unit),
            is_rectified: true,
        };
        let off = Line {
            unit: -on.unit,
            ..on
        };
        [on, off]
    }
}

fn or_one(unit: f64) -> f64 {
    if unit > 0.0 { unit } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_numbers_have_the_same_statistics() {
        // Channel 0: 0, 255, 51, 102; channel 1: 51, 51, 51, 51.
        let bytes = [0, 255, 51, 51, 51, 102, 51, 51];
        let numbers = bytes.map(|byte: u8| f32::from(byte) / 255.0);
        let [of_bytes, of_reals] = [
            Statistics::of_bytes(&bytes, 2, 2),
            Statistics::of_reals(&numbers, 2, 2),
        ];
        // Mean 0.4; squares of distances 0.16, 0.36, 0.04, 0, so variance 0.14; farthest 0.6.
        let expected = [(0.4, 0.14_f64.sqrt(), 0.6), (0.2, 0.0, 0.0)];
        for found in [of_bytes, of_reals] {
            for (found, (mean, deviation, span)) in found.iter().zip(expected) {
                assert!((found.mean - mean).abs() < 1e-7, "{found:?}");
                assert!((found.deviation - deviation).abs() < 1e-7, "{found:?}");
                assert!((found.span - span).abs() < 1e-7, "{found:?}");
            }
        }
    }

    #[test]
    fn on_and_off_share_what_is_above_and_below_the_mean() {
        let [statistics] = Statistics::of_reals(&[-1.0, 1.0, 3.0, 1.0], 1, 1)[..] else {
            panic!("one group");
        };
        let seen = |value| statistics.contrast().map(|line| line.at(value));
        assert_eq!(seen(3.0), [1.0, 0.0]);
        assert_eq!(seen(-1.0), [0.0, 1.0]);
        assert_eq!(seen(1.5), [0.25, 0.0]);
        let [constant] = Statistics::of_reals(&[5.0, 5.0], 1, 1)[..] else {
            panic!("one group");
        };
        assert_eq!(constant.contrast().map(|line| line.at(5.0)), [0.0, 0.0]);
    }
}
