//! Every operation calculated by hand, on both kinds of numbers.

use burn::tensor::Tensor;

use super::{HostRows, Rows};
use crate::Activation;

/// A test of each function on tensors and in memory.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod on_tensors {$(
            #[test]
            fn $name() {
                super::$name(&burn::tensor::Tensor::<2>::zeros([1, 1], &crate::test_device()));
            }
        )*}

        mod in_memory {$(
            #[test]
            fn $name() {
                super::$name(&crate::numbers::HostRows::full([1, 1], 0.0));
            }
        )*}
    };
}

on_both! {
    bounds
    activities_and_their_slopes
    a_softmax_and_what_an_error_means_for_it
    steps_and_sums
    thresholds
    the_strongest_and_the_first
    the_strongest_of_squares
    columns_and_rows
    sums_and_means
    operators
    what_has_a_single_row_or_column_stands_beside_each
}

fn rows<R: Rows, const ROWS: usize, const SIZE: usize>(like: &R, values: [[f32; SIZE]; ROWS]) -> R {
    like.with_values(values.as_flattened().to_vec(), [ROWS, SIZE])
}

#[track_caller]
fn assert_rows<R: Rows, const ROWS: usize, const SIZE: usize>(
    rows: R,
    expected: [[f64; SIZE]; ROWS],
) {
    assert_eq!(rows.dims(), [ROWS, SIZE]);
    for (value, expected) in rows.to_values().into_iter().zip(expected.as_flattened()) {
        let difference = (f64::from(value) - expected).abs();
        assert!(
            difference <= 1e-6 * expected.abs().max(1.0),
            "{value} for {expected}"
        );
    }
}

fn bounds<R: Rows>(like: &R) {
    let values = || rows(like, [[-2.0, -1.0, 0.5], [1.5, 2.0, 3.0]]);
    assert_rows(
        values().clamp(-1.5, 1.75),
        [[-1.5, -1.0, 0.5], [1.5, 1.75, 1.75]],
    );
    assert_rows(values().clamp_min(1.0), [[1.0, 1.0, 1.0], [1.5, 2.0, 3.0]]);
    assert_rows(
        values().clamp_max(-1.0),
        [[-2.0, -1.0, -1.0], [-1.0, -1.0, -1.0]],
    );
    assert_rows(values().abs(), [[2.0, 1.0, 0.5], [1.5, 2.0, 3.0]]);
    assert_rows(like.filled([2, 3], -0.5), [[-0.5; 3]; 2]);
}

/// The slope is that at the state, though it is calculated from the activity.
fn activities_and_their_slopes<R: Rows>(like: &R) {
    type Function = fn(f64) -> f64;
    let expected: [(Activation, Function, Function); 5] = [
        (
            Activation::Relu,
            |s| s.max(0.0),
            |s| f64::from(u8::from(s > 0.0)),
        ),
        (
            Activation::Softplus,
            |s| (1.0 + s.exp()).ln(),
            |s| 1.0 / (1.0 + (-s).exp()),
        ),
        (
            Activation::Sigmoid,
            |s| 1.0 / (1.0 + (-s).exp()),
            |s| (-s).exp() / (1.0 + (-s).exp()).powi(2),
        ),
        (Activation::Tanh, f64::tanh, |s| s.cosh().powi(-2)),
        (Activation::Linear, |s| s, |_| 1.0),
    ];
    let states = [[-1.5, 0.0, 2.5]];
    let error = [[2.0, -3.0, 0.5]];
    for (activation, activity, slope) in expected {
        let responded = rows(like, states).respond(activation);
        assert_rows(
            responded.clone(),
            states.map(|row| row.map(|s| activity(f64::from(s)))),
        );
        let slopes = states.map(|row| row.map(|s| slope(f64::from(s))));
        assert_rows(responded.clone().slope(activation), slopes);
        let through: [f64; 3] = std::array::from_fn(|at| f64::from(error[0][at]) * slopes[0][at]);
        assert_rows(rows(like, error).through(&responded, activation), [through]);
    }
}

fn a_softmax_and_what_an_error_means_for_it<R: Rows>(like: &R) {
    let shares = [0.125, 0.25, 0.625];
    let [one, two, five] = [0.0, 2f32.ln(), 5f32.ln()];
    // Far beyond what exp can hold.
    let states = [[one, two, five], [one - 200.0, two - 200.0, five - 200.0]];
    let activity = rows(like, states).respond(Activation::Softmax);
    for row in 0..2 {
        let values = activity.clone().row_range(row, 1).to_values();
        for (value, expected) in values.iter().zip(shares) {
            assert!((f64::from(*value) - expected).abs() < 1e-5, "{values:?}");
        }
    }
    // r_k (e_k − Σ e r), the sum being 8 / 8 and 8 · 2 / 8.
    let activity = rows(like, [[0.125, 0.25, 0.625]; 2]);
    let error = rows(like, [[8.0, 0.0, 0.0], [0.0, 8.0, 0.0]]);
    assert_rows(
        error.through(&activity, Activation::Softmax),
        [[0.875, -0.25, -0.625], [-0.25, 1.5, -1.25]],
    );
}

fn steps_and_sums<R: Rows>(like: &R) {
    let state = || rows(like, [[1.0, 2.0, -1.0]]);
    let drive = rows(like, [[3.0, -2.0, -1.0]]);
    // s + (drive − s) / 4
    assert_rows(state().leak(drive.clone(), 4.0), [[1.5, 1.0, -1.0]]);
    assert_rows(state().add_scaled(&drive, 0.5), [[2.5, 1.0, -1.5]]);
    assert_rows(state().add_scaled(&drive, 1.0), [[4.0, 0.0, -2.0]]);
    let added = rows(like, [[3.0, 4.0, 0.0], [5.0, 6.0, 2.0]]);
    assert_rows(
        added.running_sum(state(), 0.5),
        [[1.0, 2.0, -1.0], [3.5, 5.0, -0.5], [6.75, 8.5, 1.75]],
    );
}

fn thresholds<R: Rows>(like: &R) {
    let values = || rows(like, [[-2.0, 0.0, 0.5], [0.75, 0.0, 3.0]]);
    assert_rows(values().nonzero(), [[1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]);
    assert_rows(values().above(0.5), [[0.0, 0.0, 0.0], [1.0, 0.0, 1.0]]);
}

fn the_strongest_and_the_first<R: Rows>(like: &R) {
    let values = || rows(like, [[3.0, 1.0, 3.0, 2.0, 3.0], [0.0, 5.0, 0.0, 0.0, 4.0]]);
    let second = [0.0, 5.0, 0.0, 0.0, 4.0];
    assert_rows(
        values().strongest(1),
        [[3.0, 0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0, 0.0]],
    );
    assert_rows(values().strongest(2), [[3.0, 0.0, 3.0, 0.0, 0.0], second]);
    assert_rows(values().strongest(3), [[3.0, 0.0, 3.0, 0.0, 3.0], second]);
    assert_rows(values().strongest(4), [[3.0, 0.0, 3.0, 2.0, 3.0], second]);
    assert_rows(values().strongest(5), [[3.0, 1.0, 3.0, 2.0, 3.0], second]);
    assert_rows(
        values().first_positive(1),
        [[3.0, 0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 0.0, 0.0]],
    );
    assert_rows(
        values().first_positive(2),
        [[3.0, 1.0, 0.0, 0.0, 0.0], second],
    );
}

/// Of equal ones the first, in two maps that are wider than high.
fn the_strongest_of_squares<R: Rows>(like: &R) {
    let maps = [
        [1.0, 2.0, 7.0, 7.0],
        [2.0, 0.5, 7.0, 7.0],
        [0.0, 0.0, 1.0, 2.0],
        [0.0, 3.0, 3.0, 4.0],
    ];
    let kept = [
        [0.0, 2.0, 7.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0],
        [0.0, 3.0, 0.0, 4.0],
    ];
    let of_two = like.with_values(maps.as_flattened().to_vec(), [1, 16]);
    assert_eq!(
        of_two.strongest_of_squares([2, 2, 4], 2).to_values(),
        kept.as_flattened()
    );
    let maps = [
        [1.0, 2.0, 3.0, 9.0, 8.0, 7.0],
        [6.0, 5.0, 4.0, 9.0, 9.0, 9.0],
        [6.0, 0.0, 6.0, 0.0, 0.0, 0.0],
    ];
    let kept = [
        [0.0, 0.0, 0.0, 9.0, 0.0, 0.0],
        [6.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
    ];
    let two_rows = [maps, maps].as_flattened().as_flattened().to_vec();
    assert_eq!(
        like.with_values(two_rows, [2, 18])
            .strongest_of_squares([1, 3, 6], 3)
            .to_values(),
        [kept, kept].as_flattened().as_flattened()
    );
}

fn columns_and_rows<R: Rows>(like: &R) {
    let values = || rows(like, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    let all = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]];
    assert_rows(
        values().reversed(),
        [[3.0, 2.0, 1.0], [6.0, 5.0, 4.0], [9.0, 8.0, 7.0]],
    );
    assert_rows(
        values().columns(&[2, 0, 2, 1]),
        [
            [3.0, 1.0, 3.0, 2.0],
            [6.0, 4.0, 6.0, 5.0],
            [9.0, 7.0, 9.0, 8.0],
        ],
    );
    assert_rows(values().row_range(1, 2), [[4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]);
    let parts = vec![values().row_range(0, 1), values().row_range(1, 2)];
    assert_rows(R::stacked(parts), all);
    assert_rows(R::stacked(vec![values()]), all);
    let single = values().row_range(0, 1);
    assert_rows(single.repeated(2), [all[0]; 2]);
}

fn sums_and_means<R: Rows>(like: &R) {
    let values = || rows(like, [[-2.0, 0.0, 0.5], [0.5, 1.0, 3.0]]);
    assert_rows(values().absolute_sums(), [[2.5, 1.0, 3.5]]);
    assert_rows(values().mean_of_row(), [[-0.5], [1.5]]);
    assert_rows(values().mean_of_column(), [[-0.75, 0.5, 1.75]]);
    assert_rows(R::mean(values()), [[0.5]]);
    assert_rows(values().squared(), [[4.0, 0.0, 0.25], [0.25, 1.0, 9.0]]);
}

fn operators<R: Rows>(like: &R) {
    let one = || rows(like, [[-2.0, 6.0, 0.5], [3.0, 1.0, 4.0]]);
    let other = || rows(like, [[4.0, 3.0, 0.25], [2.0, -1.0, 0.5]]);
    // Held by somebody else, a value is not changed in place.
    let held = one();
    assert_rows(held.clone() + other(), [[2.0, 9.0, 0.75], [5.0, 0.0, 4.5]]);
    assert_rows(held.clone() * 2.0, [[-4.0, 12.0, 1.0], [6.0, 2.0, 8.0]]);
    assert_rows(held, [[-2.0, 6.0, 0.5], [3.0, 1.0, 4.0]]);
    assert_rows(one() + other(), [[2.0, 9.0, 0.75], [5.0, 0.0, 4.5]]);
    assert_rows(one() - other(), [[-6.0, 3.0, 0.25], [1.0, 2.0, 3.5]]);
    assert_rows(one() * other(), [[-8.0, 18.0, 0.125], [6.0, -1.0, 2.0]]);
    assert_rows(one() / other(), [[-0.5, 2.0, 2.0], [1.5, -1.0, 8.0]]);
    assert_rows(-one(), [[2.0, -6.0, -0.5], [-3.0, -1.0, -4.0]]);
    assert_rows(one() + 1.5, [[-0.5, 7.5, 2.0], [4.5, 2.5, 5.5]]);
    assert_rows(one() - 1.5, [[-3.5, 4.5, -1.0], [1.5, -0.5, 2.5]]);
    assert_rows(one() * 1.5, [[-3.0, 9.0, 0.75], [4.5, 1.5, 6.0]]);
    assert_rows(one() / 2.0, [[-1.0, 3.0, 0.25], [1.5, 0.5, 2.0]]);
}

fn what_has_a_single_row_or_column_stands_beside_each<R: Rows>(like: &R) {
    let many = || rows(like, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]);
    let row = || rows(like, [[1.0, 10.0, 100.0]]);
    let column = || rows(like, [[2.0], [3.0]]);
    assert_rows(many() - row(), [[0.0, -8.0, -97.0], [3.0, -5.0, -94.0]]);
    assert_rows(row() - many(), [[0.0, 8.0, 97.0], [-3.0, 5.0, 94.0]]);
    assert_rows(many() - column(), [[-1.0, 0.0, 1.0], [1.0, 2.0, 3.0]]);
    assert_rows(column() - many(), [[1.0, 0.0, -1.0], [-1.0, -2.0, -3.0]]);
    assert_rows(row() - column(), [[-1.0, 8.0, 98.0], [-2.0, 7.0, 97.0]]);
}

/// On tensors that are differentiated, what wins is chosen and the gradient is that of the winner.
#[test]
fn the_gradient_of_a_pool_is_that_of_its_strongest() {
    let device = crate::test_device().autodiff();
    let values = Tensor::<2>::from_floats([[1.0, 5.0, 2.0, 2.0]], &device).require_grad();
    let kept = values.clone().strongest_of_squares([1, 2, 2], 2);
    let gradients = (kept * 3.0).sum().backward();
    let gradient = values.grad(&gradients).unwrap();
    assert_eq!(Rows::to_values(&gradient), [0.0, 3.0, 0.0, 0.0]);
}

/// Sums over whole vectors count on it, whatever an operation makes of two zeros.
#[test]
fn beyond_the_last_column_there_is_0() {
    let values = || HostRows::from_values(&[2.0, -2.0, 3.0, 4.0, 5.0, -6.0], [2, 3]);
    let all = [
        HostRows::full([2, 3], 2.0),
        values(),
        values() / values(),
        values().respond(Activation::Sigmoid),
        values().respond(Activation::Softmax),
        values() + 1.0,
        values().slope(Activation::Tanh),
        HostRows::full([1, 3], 3.0) + values(),
    ];
    for rows in all {
        for padded in rows.block().chunks_exact(rows.width()) {
            assert!(padded.len() > 3);
            assert!(padded[..3].iter().all(|value| *value != 0.0), "{padded:?}");
            assert!(padded[3..].iter().all(|value| *value == 0.0), "{padded:?}");
        }
    }
}

/// Which units are not silent is found again after each change.
#[test]
fn the_columns_that_are_not_0() {
    let rows = HostRows::from_values(&[0.0, 2.0, -1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0], [3, 3]);
    let active = |rows: &HostRows| [0, 1, 2].map(|row| rows.active(row).to_vec());
    assert_eq!(active(&rows), [vec![1, 2], vec![], vec![0]]);
    assert_eq!(
        active(&rows.clone().clamp_min(0.0)),
        [vec![1], vec![], vec![0]]
    );
    assert_eq!(
        active(&(rows + 1.0)),
        [vec![0, 1], vec![0, 1, 2], vec![0, 1, 2]]
    );
}

/// So many values that they are divided among the threads.
#[test]
fn many_values_are_changed_like_few() {
    let [batch, size] = [300, 301];
    let values: Vec<f32> = (0..batch * size)
        .map(|at| (at % 97) as f32 - 40.0)
        .collect();
    let rows = HostRows::from_values(&values, [batch, size]);
    let held = rows.clone();
    let expected = |function: fn(f32) -> f32| -> Vec<f32> {
        values.iter().map(|value| function(*value)).collect()
    };
    assert_eq!((held.clone() * 2.0).to_values(), expected(|it| it * 2.0));
    assert_eq!(
        (held.clone() - held.clone() * 3.0).to_values(),
        expected(|it| it * -2.0)
    );
    assert_eq!(rows.abs().to_values(), expected(f32::abs));
    let reversed = held.clone().reversed().to_values();
    for (row, own) in reversed.chunks(size).zip(values.chunks(size)) {
        assert!(row.iter().eq(own.iter().rev()));
    }
    let mut beside = HostRows::full([batch, size], 1.0);
    beside.each_row_beside(&held, |row, other| {
        row.iter_mut()
            .zip(other)
            .for_each(|(one, other)| *one += other);
    });
    assert_eq!(beside.to_values(), expected(|it| it + 1.0));
}
