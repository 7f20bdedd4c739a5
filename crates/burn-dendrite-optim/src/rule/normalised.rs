//! Steps whose size follows from the signals.

use burn_dendrite_nn::numbers::Rows;

/// What keeps silent inputs from dividing by 0.
const LEAST: f64 = 1e-12;

/// A factor of a change along `direction`, such that the change is one step of normalised least squares:
/// `error / Σ_k ⟨direction_k²⟩`, brackets being a mean over the batch.
pub(super) fn normalised<R: Rows>(error: R, direction: &R) -> R {
    let [_, size] = direction.dims();
    let square = direction.clone().squared().mean() * size as f64;
    error / (square + LEAST)
}
