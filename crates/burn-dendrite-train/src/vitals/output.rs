//! What a step leaves for metrics.

use std::sync::Arc;

use burn::{
    tensor::{Int, Tensor},
    train::{
        ClassificationOutput,
        metric::{AccuracyInput, Adaptor, ItemLazy, LossInput},
    },
};
use burn_dendrite_nn::Network;
use burn_dendrite_optim::Trace;
use burn_std::ExecutionError;

use super::{Vitals, VitalsInput};

/// How often the vital signs are taken while training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// Never.
    #[default]
    Never,
    /// In every step that holds the first of so many samples of a segment, at least 1.
    Every(usize),
}

/// What is measured in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// Loss and accuracy only.
    Nothing,
    /// What the states of both phases tell.
    Vitals,
    /// That, and whether all weights are lawful, which takes a look at each of them.
    VitalsAndLaws,
}

impl Watch {
    /// What is measured in a step on `rows` samples of which the first is at `position` in its
    /// segment. The laws are checked at its start.
    pub fn attention(self, position: usize, rows: usize) -> Attention {
        match self {
            Self::Never => Attention::Nothing,
            Self::Every(_) if position == 0 => Attention::VitalsAndLaws,
            Self::Every(samples) if position.next_multiple_of(samples.max(1)) < position + rows => {
                Attention::Vitals
            }
            Self::Every(_) => Attention::Nothing,
        }
    }
}

/// What a step, in training or in validation, leaves for metrics.
pub struct StepOutput {
    /// Loss, output and classes.
    pub classification: ClassificationOutput,
    /// The vital signs, if they were taken.
    pub vitals: Option<Arc<Vitals>>,
}

impl StepOutput {
    /// The output of a step, or of a block of steps, that left `trace`; a row is a sample.
    ///
    /// # Shapes
    ///
    /// - loss: `[1]`, the mean over rows
    /// - output: `[rows, classes]`
    /// - labels: `[rows]`
    pub fn new(
        loss: Tensor<1>,
        output: Tensor<2>,
        labels: Tensor<1, Int>,
        network: &Network,
        trace: &Trace,
        attention: Attention,
    ) -> Self {
        Self {
            classification: ClassificationOutput::new(loss, output, labels),
            vitals: Vitals::of(network, trace, attention).map(Arc::new),
        }
    }
}

impl ItemLazy for StepOutput {
    fn sync(self) -> Result<Self, ExecutionError> {
        if let Some(vitals) = &self.vitals {
            vitals.flush()?;
        }
        Ok(Self {
            classification: self.classification.sync()?,
            ..self
        })
    }
}

impl Adaptor<AccuracyInput> for StepOutput {
    fn adapt(&self) -> AccuracyInput {
        self.classification.adapt()
    }
}

impl Adaptor<LossInput> for StepOutput {
    fn adapt(&self) -> LossInput {
        self.classification.adapt()
    }
}

impl Adaptor<VitalsInput> for StepOutput {
    fn adapt(&self) -> VitalsInput {
        VitalsInput(self.vitals.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_step_in_so_many_samples_is_watched_and_the_laws_once_a_segment() {
        let watch = Watch::Every(4);
        let attention = |rows: usize| -> Vec<Attention> {
            let starts = (0..12).step_by(rows);
            starts
                .map(|position| watch.attention(position, rows))
                .collect()
        };
        use Attention::{Nothing, Vitals, VitalsAndLaws};
        assert_eq!(
            attention(1)[..6],
            [VitalsAndLaws, Nothing, Nothing, Nothing, Vitals, Nothing]
        );
        assert_eq!(attention(3), [VitalsAndLaws, Vitals, Vitals, Nothing]);
        assert_eq!(attention(6), [VitalsAndLaws, Vitals]);
        assert_eq!(Watch::Never.attention(0, 1), Nothing);
    }
}
