//! Angles between vectors of any length, in double precision.

/// The angle between two vectors in degrees, in [0, 180].
///
/// ```text
/// angle = arccos( u·v / (|u| |v|) )
/// ```
///
/// `None` where one of them has no direction, because it is zero.
///
/// # Panics
///
/// If their lengths differ.
pub fn angle_between(one: &[f64], other: &[f64]) -> Option<f64> {
    concatenated_angle(&[(one, other)])
}

/// The angle in degrees between two lists of vectors: each vector is normalised to unit length, then
/// those of a side are concatenated.
///
/// ```text
/// U = (u_1/|u_1|, …, u_n/|u_n|)     V likewise     angle = arccos( U·V / (|U| |V|) )
/// ```
///
/// So each vector counts the same, whatever its length. A zero vector stays zero. `None` where a
/// whole side is zero.
///
/// With no zero vector this is [`Updates::angle_to`](burn_dendrite_optim::Updates::angle_to).
///
/// Source: `compute_dW_angles_vs_BP` and `compute_feedback_weight_angle_history` of EIANN
/// (Galloni et al. 2025).
///
/// # Panics
///
/// If the two vectors of a pair differ in length.
pub fn concatenated_angle<V: AsRef<[f64]>>(pairs: &[(V, V)]) -> Option<f64> {
    let (mut sum, mut ones, mut others) = (0.0, 0.0_f64, 0.0_f64);
    for (one, other) in pairs {
        let (one, other) = (one.as_ref(), other.as_ref());
        assert_eq!(one.len(), other.len(), "lengths of the two vectors");
        let (length, other_length) = (dot(one, one).sqrt(), dot(other, other).sqrt());
        ones += f64::from(u8::from(length > 0.0));
        others += f64::from(u8::from(other_length > 0.0));
        if length > 0.0 && other_length > 0.0 {
            sum += dot(one, other) / (length * other_length);
        }
    }
    let lengths = (ones * others).sqrt();
    (lengths > 0.0).then(|| (sum / lengths).clamp(-1.0, 1.0).acos().to_degrees())
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(angle: Option<f64>, expected: f64) {
        let angle = angle.unwrap();
        assert!((angle - expected).abs() < 1e-9, "{angle}, not {expected}");
    }

    #[test]
    fn angles_of_known_vectors() {
        close(angle_between(&[1.0, 0.0], &[7.0, 0.0]), 0.0);
        close(angle_between(&[1.0, 0.0], &[0.0, 0.5]), 90.0);
        close(angle_between(&[1.0, 0.0], &[1.0, 1.0]), 45.0);
        close(angle_between(&[1.0, 3.0_f64.sqrt()], &[-2.0, 0.0]), 120.0);
        close(angle_between(&[3.0, -4.0], &[-3.0, 4.0]), 180.0);
        assert_eq!(angle_between(&[0.0, 0.0], &[1.0, 0.0]), None);
    }

    #[test]
    fn each_pair_counts_the_same_whatever_its_length() {
        // Cosines 1 and 0: arccos(1/2), although the first pair is a million times as long.
        let pairs = [
            (vec![1e6, 0.0], vec![1e6, 0.0]),
            (vec![1.0, 0.0, 0.0], vec![0.0, 0.0, 1.0]),
        ];
        close(concatenated_angle(&pairs), 60.0);
    }

    #[test]
    fn a_zero_vector_takes_its_place_on_one_side_only() {
        // U = (1, 0, 0), V = (1, 0, 1): arccos(1 / sqrt 2).
        let pairs = [(vec![2.0, 0.0], vec![3.0, 0.0]), (vec![0.0], vec![4.0])];
        close(concatenated_angle(&pairs), 45.0);
        assert_eq!(concatenated_angle::<Vec<f64>>(&[]), None);
    }
}
