//! Data sets in memory, and the loaders that feed them to a trainer.
//!
//! A data set is named by a [`DatasetName`] and loaded into [`Splits`]: three [`SampleSet`]s, of which
//! batches are made on demand. Training goes through a [`SegmentLoader`], whose order is a
//! pure function of a seed, so that a run that was cut off goes on as if it had not been; validation
//! and test go through a [`SequentialLoader`].
//!
//! # Adding a data set
//!
//! Write one file beside this one with a function `load` that takes [`DataOptions`] and returns
//! [`Splits`], and add one line to the call of `register!` below.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

mod augment;
mod batch;
pub mod cifar10;
pub mod download;
mod error;
pub mod fashion_mnist;
pub mod idx;
pub mod idx_collection;
mod loader;
pub mod mnist;
pub mod mnist_mini;
mod pixels;
mod plan;
mod preprocess;
mod sample_set;
mod sequential;
pub mod spirals;
pub mod synthetic;

pub use augment::{Augmentation, Flip};
pub use batch::SampleBatch;
pub use error::DataError;
pub use loader::{SegmentLoader, SegmentStart, StepShare};
pub use plan::SegmentPlan;
pub use preprocess::{Normalisation, Preprocessing};
pub use sample_set::{ImageShape, SampleSet};
pub use sequential::SequentialLoader;

/// Whether something slow shows how far it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Progress {
    /// A bar on the standard error stream, if that is a terminal.
    Shown,
    /// Nothing.
    #[default]
    Hidden,
}

/// Where a data set comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataOptions {
    /// The folder that holds the files of the data set. If there is one, nothing is downloaded;
    /// without one, files are kept in the cache folder of the account. An embedded data set needs no
    /// files and ignores it.
    pub data_dir: Option<PathBuf>,
    /// Whether downloads show how far they are.
    pub progress: Progress,
}

/// A data set, divided into what is learned from and what is not.
#[derive(Clone, Debug)]
pub struct Splits {
    /// What a model learns from.
    pub train: Arc<SampleSet>,
    /// What choices about models are made by.
    pub validation: Arc<SampleSet>,
    /// What the chosen model is reported on.
    pub test: Arc<SampleSet>,
}

/// Where the samples of a data set are.
#[derive(PartialEq)]
enum Source {
    /// In files of its own.
    Files,
    /// In this library, as data or as a formula.
    Built,
}

/// Makes the registry: an enum of the data sets, their names, and how each is loaded.
macro_rules! register {
    ($($(#[$documentation:meta])* $variant:ident = $name:literal, $source:ident, $load:path;)+) => {
        /// The name of a data set: the single place that lists them all.
        ///
        /// In text, as in a configuration file or on the command line, the name is in kebab case.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        #[non_exhaustive]
        pub enum DatasetName {
            $($(#[$documentation])* $variant,)+
        }

        impl DatasetName {
            /// Every data set.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name in text.
            pub fn as_str(&self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Whether the data set is read from files; others are embedded or generated.
            pub fn has_files(&self) -> bool {
                match self {
                    $(Self::$variant => Source::$source == Source::Files,)+
                }
            }

            /// Loads the data set into memory.
            ///
            /// # Errors
            ///
            /// If its files are missing and cannot be downloaded, or are not what they should be.
            pub fn load(&self, options: &DataOptions) -> Result<Splits, DataError> {
                match self {
                    $(Self::$variant => $load(options),)+
                }
            }
        }
    };
}

register! {
    /// The 70,000 digits of [MNIST](mnist).
    Mnist = "mnist", Files, mnist::load;
    /// The 70,000 pieces of clothing of [Fashion-MNIST](fashion_mnist).
    FashionMnist = "fashion-mnist", Files, fashion_mnist::load;
    /// The 60,000 colour images of [CIFAR-10](cifar10).
    Cifar10 = "cifar10", Files, cifar10::load;
    /// 6,000 [synthetic](synthetic) colour images of ten classes, generated.
    Synthetic = "synthetic", Built, synthetic::load;
    /// 8,000 points on four [intertwined arms](spirals), generated: no files, no network.
    Spirals = "spirals", Built, spirals::load;
    /// The 6,500 digits of [MNIST that this library carries](mnist_mini): no files, no network.
    MnistMini = "mnist-mini", Built, mnist_mini::load;
}

impl fmt::Display for DatasetName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

impl FromStr for DatasetName {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        let found = Self::ALL.iter().find(|accepted| accepted.as_str() == name);
        found.copied().ok_or_else(|| DataError::UnknownDataset {
            name: name.to_owned(),
            accepted: Self::ALL
                .iter()
                .map(Self::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            closest: closest(name),
        })
    }
}

impl TryFrom<String> for DatasetName {
    type Error = DataError;

    fn try_from(name: String) -> Result<Self, DataError> {
        name.parse()
    }
}

impl From<DatasetName> for String {
    fn from(name: DatasetName) -> Self {
        name.as_str().to_owned()
    }
}

/// The accepted name that looks most like `name`, if it looks like it at all.
fn closest(name: &str) -> Option<&'static str> {
    /// Below this similarity (1 is equal) a suggestion confuses more than it helps.
    const ALIKE: f64 = 0.7;
    let name = name.to_lowercase();
    DatasetName::ALL
        .iter()
        .map(|accepted| {
            (
                strsim::jaro_winkler(&name, accepted.as_str()),
                accepted.as_str(),
            )
        })
        .filter(|(similarity, _)| *similarity > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, accepted)| accepted)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_name_survives_text_and_is_unique() {
        let names: HashSet<_> = DatasetName::ALL.iter().map(DatasetName::as_str).collect();
        assert_eq!(names.len(), DatasetName::ALL.len());
        for name in DatasetName::ALL {
            assert_eq!(name.to_string().parse::<DatasetName>().unwrap(), *name);
            let text = serde_json::to_string(name).unwrap();
            assert_eq!(text, format!("{:?}", name.as_str()));
            assert_eq!(serde_json::from_str::<DatasetName>(&text).unwrap(), *name);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_accepted_ones() {
        let message = "mnst".parse::<DatasetName>().unwrap_err().to_string();
        assert!(message.contains("did you mean \"mnist\"?"), "{message}");
        assert!(
            message.contains("mnist, fashion-mnist, cifar10, synthetic, spirals, mnist-mini"),
            "{message}"
        );
        let message = "MNIST-mini".parse::<DatasetName>().unwrap_err().to_string();
        assert!(
            message.contains("did you mean \"mnist-mini\"?"),
            "{message}"
        );
        let message = "xyz".parse::<DatasetName>().unwrap_err().to_string();
        assert!(!message.contains("did you mean"), "{message}");
    }

    #[test]
    fn the_embedded_set_loads_by_name() {
        let splits = DatasetName::MnistMini
            .load(&DataOptions::default())
            .unwrap();
        assert_eq!(splits.train.features(), splits.test.features());
    }
}
