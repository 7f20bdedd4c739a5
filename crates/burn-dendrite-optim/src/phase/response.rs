//! From a dendritic state to a plateau.

use burn_dendrite_nn::numbers::Rows;

use super::{Gate, Select};

/// How a population turns its dendritic state into a plateau.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Response {
    /// Whether a request reaches silent neurons.
    pub gate: Gate,
    /// Forward activity above which a neuron accepts a negative request; any unless given.
    pub negative_above: Option<f64>,
    /// Which of the requests are granted.
    pub select: Select,
}

impl Response {
    /// The plateau; all rows are `[batch, size]`, and `draws` those of [`Select::apply`].
    pub(super) fn plateau<R: Rows>(
        self,
        request: R,
        forward_activity: &R,
        draws: impl FnOnce(&R) -> R,
    ) -> R {
        let mut request = self.gate.apply(request, forward_activity);
        if let Some(threshold) = self.negative_above {
            let heard = forward_activity.clone().above(threshold);
            request = request.clone().clamp_min(0.0) + request.clamp_max(0.0) * heard;
        }
        self.select.apply(request, draws)
    }
}
