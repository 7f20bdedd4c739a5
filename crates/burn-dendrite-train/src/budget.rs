//! How much a network is trained unless more or less is asked for.

use serde::{Deserialize, Serialize};

use crate::{
    limits::{MOST_EPOCHS, MOST_SAMPLES, check_counts},
    words::counted,
};

/// The passes and the batches that a network and its learning rates are made for; one pass sample by
/// sample, the published protocol, unless given.
///
/// `--epochs` and `--batch-size` ask for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BudgetSpec {
    /// Passes over the training samples.
    pub epochs: usize,
    /// Samples of one training step.
    pub batch_size: usize,
}

impl Default for BudgetSpec {
    fn default() -> Self {
        Self {
            epochs: 1,
            batch_size: 1,
        }
    }
}

impl BudgetSpec {
    /// This budget, with what is asked for in place of its own.
    pub fn or(self, epochs: Option<usize>, batch_size: Option<usize>) -> Self {
        Self {
            epochs: epochs.unwrap_or(self.epochs),
            batch_size: batch_size.unwrap_or(self.batch_size),
        }
    }

    /// Whether every number is one that can be trained with.
    ///
    /// # Errors
    ///
    /// One sentence with the accepted values.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_counts([
            ("epochs", Some(self.epochs), MOST_EPOCHS),
            ("batch_size", Some(self.batch_size), MOST_SAMPLES),
        ])
    }

    /// E.g. `2 epochs, batch 10`.
    pub fn describe(&self) -> String {
        let epochs = counted(self.epochs, "epoch");
        format!("{epochs}, batch {}", self.batch_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_comes_before_what_a_network_is_made_for() {
        let own = BudgetSpec {
            epochs: 12,
            batch_size: 100,
        };
        assert_eq!(own.or(None, None), own);
        let asked = own.or(Some(2), None);
        assert_eq!((asked.epochs, asked.batch_size), (2, 100));
        assert_eq!(own.or(None, Some(7)).describe(), "12 epochs, batch 7");
    }
}
