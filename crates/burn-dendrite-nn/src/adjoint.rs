//! What a gradient asks of a network beyond its dynamics.

use crate::{Numbers, PopulationId, ProjectionId, numbers::Rows};

/// Numbers through which an error can be passed back by hand; burn's tensors have autodiff for that.
pub trait Adjoint: Numbers {
    /// Adds what an error at the receiving end of a projection means for the activity at its other end,
    /// `e · Wᵀ`. Where `wanted` is given, only its units that are not 0 need a value.
    ///
    /// # Shapes
    ///
    /// - error: `[batch, post]`
    /// - wanted, sum and result: `[batch, pre]`
    fn add_drive_back(
        &self,
        id: ProjectionId,
        error: &Self::Rows,
        wanted: Option<&Self::Rows>,
        sum: Option<Self::Rows>,
    ) -> Self::Rows;

    /// What an error in the activities of a population means for its somata, where it answers with
    /// `activity`.
    fn through_response(
        &self,
        id: PopulationId,
        error: Self::Rows,
        activity: &Self::Rows,
    ) -> Self::Rows {
        error.through(activity, self.plan().populations[id].activation)
    }

    /// The factors whose product is the gradient of the weights that a projection uses, from what
    /// arrives and the error at its receiving end.
    fn weight_factors(
        &self,
        _id: ProjectionId,
        arriving: Self::Rows,
        error: Self::Rows,
    ) -> (Self::Rows, Self::Rows) {
        (arriving, error)
    }
}
