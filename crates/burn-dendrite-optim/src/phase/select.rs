//! Which dendritic events become plateaus.

use burn::tensor::{Distribution, Tensor};
use serde::{Deserialize, Serialize};

/// Which of the dendrites that ask for a change get a plateau. Positive and negative requests are
/// selected apart, `fraction` limits each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Select {
    /// All of them.
    #[default]
    All,
    /// The `ceil(fraction · n)` strongest of each sign; of equal ones, the first among the
    /// positive and the last among the negative.
    Strongest {
        /// Share of the population, in (0, 1].
        fraction: f64,
    },
    /// Each with a probability of its absolute value, and of those the first `ceil(fraction · n)`
    /// positive and the last so many negative.
    ///
    /// Draws from the device's random generator.
    Random {
        /// Share of the population, in (0, 1].
        fraction: f64,
    },
}

impl Select {
    /// What is wrong with the parameters.
    ///
    /// # Errors
    ///
    /// One sentence.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Strongest { fraction } | Self::Random { fraction }
                if !(fraction > 0.0 && fraction <= 1.0) =>
            {
                Err(format!(
                    "`fraction` is {fraction}; accepted: more than 0, at most 1"
                ))
            }
            _ => Ok(()),
        }
    }

    /// True where events are random.
    pub(crate) fn is_random(self) -> bool {
        matches!(self, Self::Random { .. })
    }

    /// [`apply`](Self::apply) for one sample, in place; `draws` are numbers in [0, 1) for the random
    /// events.
    pub(crate) fn apply_in_place(self, request: &mut [f32], draws: &[f32]) {
        let limit = |fraction: f64| (fraction * request.len() as f64).ceil() as usize;
        match self {
            Self::All => {}
            Self::Strongest { fraction } => {
                let limit = limit(fraction);
                if limit < request.len() {
                    keep_strongest(request, 1.0, limit, Direction::FromFirst);
                    keep_strongest(request, -1.0, limit, Direction::FromLast);
                }
            }
            Self::Random { fraction } => {
                let limit = limit(fraction);
                for (request, draw) in request.iter_mut().zip(draws) {
                    if *draw >= request.abs() {
                        *request = 0.0;
                    }
                }
                let positive = request.iter_mut().filter(|request| **request > 0.0);
                positive.skip(limit).for_each(|request| *request = 0.0);
                let negative = request.iter_mut().rev().filter(|request| **request < 0.0);
                negative.skip(limit).for_each(|request| *request = 0.0);
            }
        }
    }

    /// The requests that are granted, all others 0; shapes `[batch, size]`.
    pub fn apply(self, request: Tensor<2>) -> Tensor<2> {
        let size = request.dims()[1];
        let limit = |fraction: f64| ((fraction * size as f64).ceil() as usize).clamp(1, size);
        match self {
            Self::All => request,
            Self::Strongest { fraction } if limit(fraction) == size => request,
            Self::Strongest { fraction } => {
                both_signs(request, |strength| strongest(strength, limit(fraction)))
            }
            Self::Random { fraction } => {
                let draw = request.random_like(Distribution::Default);
                let missed = draw.greater_equal(request.clone().abs());
                let kept = request.mask_fill(missed, 0.0);
                both_signs(kept, |strength| first(strength, limit(fraction)))
            }
        }
    }
}

/// Which of equally strong requests are granted first.
#[derive(Clone, Copy, PartialEq)]
enum Direction {
    FromFirst,
    FromLast,
}

/// Of the requests of one sign, the `limit` strongest; the others of that sign become 0.
fn keep_strongest(request: &mut [f32], sign: f32, limit: usize, ties: Direction) {
    let mut strengths: Vec<f32> = (request.iter().map(|request| request * sign))
        .filter(|strength| *strength > 0.0)
        .collect();
    if strengths.len() <= limit {
        return;
    }
    let (stronger, last, _) =
        strengths.select_nth_unstable_by(limit - 1, |one, other| other.total_cmp(one));
    let last = *last;
    let mut places = limit - stronger.iter().filter(|strength| **strength > last).count();
    let mut decide = |request: &mut f32| {
        let strength = *request * sign;
        if strength == last && places > 0 {
            places -= 1;
        } else if strength > 0.0 && strength <= last {
            *request = 0.0;
        }
    };
    match ties {
        Direction::FromFirst => request.iter_mut().for_each(&mut decide),
        Direction::FromLast => request.iter_mut().rev().for_each(&mut decide),
    }
}

/// Selects among the positive requests, and among the negative ones in mirror image.
fn both_signs(request: Tensor<2>, select: impl Fn(Tensor<2>) -> Tensor<2>) -> Tensor<2> {
    let positive = select(request.clone().clamp_min(0.0));
    let negative = select((-request).clamp_min(0.0).flip([1])).flip([1]);
    positive - negative
}

/// The `limit` largest of each row, of equal ones the first; the others 0. No value is negative.
fn strongest(strength: Tensor<2>, limit: usize) -> Tensor<2> {
    let last = strength.clone().topk(limit, 1).narrow(1, limit - 1, 1);
    let above = strength.clone().greater(last.clone());
    let equal = strength.clone().equal(last).float();
    // Equal ones take the places that the stronger ones left, in index order.
    let places = above.clone().float().sum_dim(1).neg() + limit as f64;
    let order = equal.clone().cumsum(1);
    let chosen = order.lower_equal(places).float() * equal + above.float();
    strength * chosen
}

/// The first `limit` of each row that are not 0.
fn first(strength: Tensor<2>, limit: usize) -> Tensor<2> {
    let order = strength.clone().greater_elem(0.0).float().cumsum(1);
    strength.mask_fill(order.greater_elem(limit as f64), 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    fn selected(select: Select, request: [f32; 6]) -> Vec<f32> {
        let tensor = Tensor::<2>::from_floats([request], &crate::test_device());
        let selected: Vec<f32> = select.apply(tensor).into_data().iter().collect();
        let mut in_place = request;
        select.apply_in_place(&mut in_place, &[0.0; 6]);
        assert_eq!(in_place.map(|it| it + 0.0), selected.as_slice(), "in place");
        selected
    }

    #[test]
    fn the_strongest_of_each_sign_are_kept() {
        let select = Select::Strongest { fraction: 0.3 }; // ceil(1.8) = 2 of each sign
        assert_eq!(
            selected(select, [0.1, -0.2, 0.5, 0.3, -0.9, -0.3]),
            [0.0, 0.0, 0.5, 0.3, -0.9, -0.3]
        );
    }

    #[test]
    fn ties_go_to_the_first_positive_and_the_last_negative() {
        let select = Select::Strongest { fraction: 0.3 };
        assert_eq!(
            selected(select, [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]),
            [1.0, 1.0, 0.0, 0.0, -1.0, -1.0]
        );
        // A stronger one first, then the first of the equal ones.
        assert_eq!(
            selected(select, [0.5, 0.5, 1.0, -0.5, -0.5, -1.0]),
            [0.5, 0.0, 1.0, 0.0, -0.5, -1.0]
        );
    }

    #[test]
    fn random_events_are_limited_in_index_order() {
        // Probability 1 for every candidate: only the order decides.
        let select = Select::Random { fraction: 0.3 };
        assert_eq!(
            selected(select, [1.0, 1.0, 1.0, -1.0, -1.0, -1.0]),
            [1.0, 1.0, 0.0, 0.0, -1.0, -1.0]
        );
        assert_eq!(selected(select, [0.0; 6]), [0.0; 6]);
    }

    #[test]
    fn random_events_happen_with_the_probability_of_their_size() {
        let device = crate::test_device();
        let request = Tensor::<2>::full([20_000, 1], -0.3, &device);
        let granted = Select::Random { fraction: 1.0 }.apply(request);
        let share: f32 = granted.mean().into_scalar::<f32>() / -0.3;
        assert!((share - 0.3).abs() < 0.02, "{share}");
    }

    #[test]
    fn rows_are_selected_apart() {
        let request =
            Tensor::<2>::from_floats([[0.1, 0.2, 0.3], [0.9, 0.5, 0.7]], &crate::test_device());
        let kept = Select::Strongest { fraction: 0.2 }
            .apply(request)
            .into_data();
        kept.assert_eq(
            &TensorData::from([[0.0f32, 0.0, 0.3], [0.9, 0.0, 0.0]]),
            true,
        );
    }
}
