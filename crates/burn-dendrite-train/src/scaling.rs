//! How learning rates grow with the batch.

use serde::{Deserialize, Serialize};

/// The factor on all learning rates for a batch of `n` samples.
///
/// The published rates are those of one sample a step. A step on a batch changes the weights by
/// the *mean* over its samples, so a pass makes `n` times fewer changes of the same size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchScaling {
    /// 1: the rates as they are. The published rates are near the limit of stability for the mean
    /// over a batch too, because the samples of a batch share most of their activity.
    #[default]
    None,
    /// `√n`: the changes of one pass keep the size of their random part.
    SquareRoot,
    /// `n`: the changes of one pass keep their sum.
    Linear,
}

impl BatchScaling {
    /// The factor for a batch of `batch_size` samples; 1 for one sample.
    pub fn factor(self, batch_size: usize) -> f64 {
        let size = batch_size as f64;
        match self {
            Self::None => 1.0,
            Self::SquareRoot => size.sqrt(),
            Self::Linear => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_is_the_reference_whatever_the_scaling() {
        for scaling in [
            BatchScaling::None,
            BatchScaling::SquareRoot,
            BatchScaling::Linear,
        ] {
            assert_eq!(scaling.factor(1), 1.0);
        }
        assert_eq!(BatchScaling::SquareRoot.factor(64), 8.0);
        assert_eq!(BatchScaling::Linear.factor(64), 64.0);
    }
}
