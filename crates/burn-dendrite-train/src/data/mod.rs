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
//! [`Splits`], and add one line to the list of [`data_sets!`](crate::data_sets) below.

use std::path::PathBuf;
use std::sync::Arc;

use crate::data_sets;

mod augment;
mod batch;
mod batches;
mod dataset;
pub mod download;
mod error;
mod files;
pub mod idx;
pub mod idx_collection;
mod image_shape;
mod loader;
mod origin;
mod own;
mod picture;
mod pixels;
mod plan;
mod preprocess;
mod register;
mod sample_set;
mod sequential;
mod shown;
mod sniff;
mod source;
mod statistics;
mod values;
mod window;

pub use augment::{Affine, Augmentation, Flip};
pub use batch::SampleBatch;
pub use batches::{EarlyEnd, Place, StepShare};
pub use dataset::{Dataset, Loaded};
pub use error::DataError;
pub(crate) use files::read_arrays;
pub use files::{Colour, Column, DataSpec, FileFormat, Fit, LearnFrom};
pub use image_shape::ImageShape;
pub use loader::SegmentLoader;
pub use origin::{DataOrigin, Fingerprint, SplitFingerprint};
pub use own::{Load, OwnDataset, OwnDatasets};
pub use plan::SegmentPlan;
pub use preprocess::{Encoding, Normalisation, Preprocessing};
pub use sample_set::SampleSet;
pub use sequential::SequentialLoader;
pub use shown::{InputScale, Line};

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

impl Splits {
    /// A data set of these parts.
    pub fn new(train: SampleSet, validation: SampleSet, test: SampleSet) -> Self {
        let [train, validation, test] = [train, validation, test].map(Arc::new);
        Self {
            train,
            validation,
            test,
        }
    }

    /// The same samples, all of them seen as those of another set are: by what these were like.
    ///
    /// # Errors
    ///
    /// If these have another number of channels, or of numbers.
    pub fn seen_through(self, scale: &InputScale) -> Result<Self, DataError> {
        let seen = |set: Arc<SampleSet>| Arc::unwrap_or_clone(set).seen_through(scale);
        Ok(Self::new(
            seen(self.train)?,
            seen(self.validation)?,
            seen(self.test)?,
        ))
    }

    /// All samples in one set: those to train on, to validate on and to test on.
    ///
    /// # Errors
    ///
    /// If the parts do not fit together.
    pub fn all(&self, learned_from: LearnFrom) -> Result<SampleSet, DataError> {
        let train = match learned_from {
            LearnFrom::Train => self.train.joined(&self.validation)?,
            // Those to validate on are among these.
            LearnFrom::TrainAndValidation => SampleSet::clone(&self.train),
        };
        train.joined(&self.test)
    }

    /// The splits with each set changed in the same way.
    pub(crate) fn map(self, change: impl Fn(SampleSet) -> SampleSet) -> Self {
        let changed = |set: Arc<SampleSet>| Arc::new(change(Arc::unwrap_or_clone(set)));
        Self {
            train: changed(self.train),
            validation: changed(self.validation),
            test: changed(self.test),
        }
    }
}

/// Where the samples of a data set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// In files of its own.
    Files,
    /// In the program, as data or as a formula.
    Built,
    /// Wherever the program that added it takes them from.
    Own,
}

data_sets! {
    /// The name of a data set: the single place that lists them all.
    ///
    /// In text, as in a configuration file or on the command line, the name is in kebab case.
    pub enum DatasetName {
        /// The 70,000 digits of [MNIST](mnist).
        mnist::Mnist = "mnist", Files;
        /// The 70,000 pieces of clothing of [Fashion-MNIST](fashion_mnist).
        fashion_mnist::FashionMnist = "fashion-mnist", Files;
        /// The 60,000 colour images of [CIFAR-10](cifar10).
        cifar10::Cifar10 = "cifar10", Files;
        /// 6,000 [synthetic](synthetic) colour images of ten classes, generated.
        synthetic::Synthetic = "synthetic", Built;
        /// 8,000 points on four [intertwined arms](spirals), generated: no files, no network.
        spirals::Spirals = "spirals", Built;
        /// The 6,500 digits of [MNIST that this library carries](mnist_mini): no files, no network.
        mnist_mini::MnistMini = "mnist-mini", Built;
    }
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
