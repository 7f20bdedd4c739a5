//! Operations on whole rows of values: what of them stays, and their shares.

use super::kernel;

/// `exp(s_j) / Σ_k exp(s_k)`, without overflow.
pub(super) fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    for value in values {
        *value /= sum;
    }
}

/// Of each square of two by two in two lines what [`keep_largest`] keeps, all of them side by side.
pub(super) fn keep_largest_of_four(lines: &mut [f32], width: usize) {
    let (upper, lower) = lines.split_at_mut(width);
    let (upper, lower) = (upper.as_chunks_mut::<2>().0, lower.as_chunks_mut::<2>().0);
    kernel::vectorized(|| {
        for ([one, two], [three, four]) in upper.iter_mut().zip(lower) {
            let largest = one.max(*two).max(three.max(*four));
            let is_one = *one == largest;
            let is_two = !is_one & (*two == largest);
            let is_three = !(is_one | is_two) & (*three == largest);
            let is_four = !(is_one | is_two | is_three);
            *one = if is_one { largest } else { 0.0 };
            *two = if is_two { largest } else { 0.0 };
            *three = if is_three { largest } else { 0.0 };
            *four = if is_four { largest } else { 0.0 };
        }
    });
}

/// Of the square at `column` the largest value, of equal ones the first; the others become 0.
#[inline(always)]
pub(super) fn keep_largest(lines: &mut [f32], width: usize, column: usize, side: usize) {
    let (mut largest, mut at) = (f32::NEG_INFINITY, column);
    for line in 0..side {
        let first = line * width + column;
        for (place, value) in lines[first..][..side].iter().enumerate() {
            if *value > largest {
                (largest, at) = (*value, first + place);
            }
        }
    }
    for line in 0..side {
        lines[line * width + column..][..side].fill(0.0);
    }
    lines[at] = largest;
}

/// The `limit` largest of the values, of equal ones the first; the others become 0.
pub(super) fn keep_strongest(values: &mut [f32], limit: usize) {
    let mut positive: Vec<f32> = values.iter().copied().filter(|it| *it > 0.0).collect();
    if positive.len() <= limit {
        return;
    }
    let (stronger, last, _) =
        positive.select_nth_unstable_by(limit - 1, |one, other| other.total_cmp(one));
    let last = *last;
    let mut places = limit - stronger.iter().filter(|value| **value > last).count();
    for value in values {
        if *value == last && places > 0 {
            places -= 1;
        } else if *value <= last {
            *value = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::HostRows, *};
    use crate::numbers::Rows;

    /// Of each square the first of the largest stays, whichever loop finds it.
    #[test]
    fn the_strongest_of_squares_by_hand() {
        let values = [
            [1.0, 2.0, 0.0, 0.0, 5.0, 5.0],
            [3.0, 0.5, 0.0, 0.0, 5.0, 5.0],
        ];
        let expected = [
            [0.0, 0.0, 0.0, 0.0, 5.0, 0.0],
            [3.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        ];
        let rows = HostRows::from_values(values.as_flattened(), [1, 12]);
        let kept = rows.strongest_of_squares([1, 2, 6], 2);
        assert_eq!(kept.to_values(), expected.as_flattened());
        let mut lines = values.as_flattened().to_vec();
        (0..6)
            .step_by(2)
            .for_each(|column| keep_largest(&mut lines, 6, column, 2));
        assert_eq!(lines, expected.as_flattened());
    }
}
