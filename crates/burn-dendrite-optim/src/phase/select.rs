//! Which dendritic events become plateaus.

use burn_dendrite_nn::numbers::Rows;
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
    /// Draws from the network's [stream](burn_dendrite_nn::SampleStream) of random numbers.
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

    /// The requests that are granted, all others 0; `draws` gives numbers uniform in [0, 1) of the
    /// shape of the requests, for random events.
    ///
    /// # Shapes
    ///
    /// - request and result: `[batch, size]`
    pub fn apply<R: Rows>(self, request: R, draws: impl FnOnce(&R) -> R) -> R {
        let size = request.dims()[1];
        let limit = |fraction: f64| ((fraction * size as f64).ceil() as usize).clamp(1, size);
        match self {
            Self::All => request,
            Self::Strongest { fraction } if limit(fraction) == size => request,
            Self::Strongest { fraction } => {
                both_signs(request, |strength| strength.strongest(limit(fraction)))
            }
            Self::Random { fraction } => {
                let margin = request.clone().abs() - draws(&request);
                let granted = request * margin.above(0.0);
                both_signs(granted, |strength| strength.first_positive(limit(fraction)))
            }
        }
    }
}

/// Selects among the positive requests, and among the negative ones in mirror image.
fn both_signs<R: Rows>(request: R, select: impl Fn(R) -> R) -> R {
    let positive = select(request.clone().clamp_min(0.0));
    let negative = select((-request).clamp_min(0.0).reversed()).reversed();
    positive - negative
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Tensor, TensorData};
    use burn_dendrite_nn::{PopulationId, RandomSite, SampleStream, numbers::HostRows};

    /// What is selected on both kinds of numbers, where every draw is 0.
    fn selected(select: Select, request: [f32; 6]) -> Vec<f32> {
        let tensor = Tensor::<2>::from_floats([request], &crate::test_device());
        let tensor = select.apply(tensor, Tensor::zeros_like).to_values();
        let rows = HostRows::from_values(&request, [1, 6]);
        let rows = select.apply(rows, |like| HostRows::full(like.dims(), 0.0));
        assert_eq!(rows.to_values(), tensor, "in main memory");
        tensor
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
        let stream = SampleStream::new(1, 0);
        let site = RandomSite::Dendrite(PopulationId(0));
        let select = Select::Random { fraction: 1.0 };
        let granted = select.apply(request, |like| stream.uniform(site, 0, like));
        let share: f32 = granted.mean().into_scalar::<f32>() / -0.3;
        assert!((share - 0.3).abs() < 0.02, "{share}");
    }

    #[test]
    fn rows_are_selected_apart() {
        let request =
            Tensor::<2>::from_floats([[0.1, 0.2, 0.3], [0.9, 0.5, 0.7]], &crate::test_device());
        let kept = Select::Strongest { fraction: 0.2 }
            .apply(request, Tensor::zeros_like)
            .into_data();
        kept.assert_eq(
            &TensorData::from([[0.0f32, 0.0, 0.3], [0.9, 0.0, 0.0]]),
            true,
        );
    }

    #[test]
    fn a_fraction_is_more_than_nothing_and_at_most_all() {
        for (fraction, accepted) in [(-0.5, false), (0.0, false), (1e-9, true), (1.0, true)]
            .into_iter()
            .chain([(1.5, false), (f64::NAN, false), (f64::INFINITY, false)])
        {
            for select in [Select::Strongest { fraction }, Select::Random { fraction }] {
                assert_eq!(select.check().is_ok(), accepted, "{select:?}");
            }
        }
        assert!(Select::All.check().is_ok());
    }
}
