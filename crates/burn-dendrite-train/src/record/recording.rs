//! What was recorded, in memory.

use std::path::Path;

use burn::tensor::TensorData;

use super::{archive::Archive, chunks};
use crate::run::RunError;

/// The records of one probe, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Records {
    /// Target and signal, `H1.E.dendrite`.
    pub name: String,
    /// The number of each record's sample in the run, from 0.
    pub samples: Vec<i64>,
    /// The class of each record's sample.
    pub labels: Vec<i64>,
    /// Shape of one record: `[units]`, or `[pre, post]` for weights.
    pub shape: Vec<usize>,
    /// The values, record by record, each in row-major order.
    pub values: Vec<f32>,
}

impl Records {
    /// How many records there are.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// True where there is no record.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The values of one record.
    ///
    /// # Panics
    ///
    /// If there are not so many records.
    pub fn record(&self, index: usize) -> &[f32] {
        let size: usize = self.shape.iter().product();
        &self.values[index * size..][..size]
    }

    /// All values as data for a tensor of shape `[records, units]` or `[records, pre, post]`.
    pub fn to_data(&self) -> TensorData {
        let shape: Vec<usize> = [&[self.len()], self.shape.as_slice()].concat();
        TensorData::new(self.values.clone(), shape)
    }
}

/// Everything that a run has recorded.
///
/// ```no_run
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_train::record::Recording;
///
/// let recording = Recording::load("runs/mnist-dtp-mnist-mini-1".as_ref())?;
/// for name in recording.names() {
///     println!("{name}");
/// }
/// if let Some(records) = recording.get("H1.E.dendrite") {
///     let dendrite = Tensor::<2>::from_data(records.to_data(), &Device::flex());
///     println!("{} records, mean {}", records.len(), dendrite.mean());
/// }
/// # Ok::<(), burn_dendrite_train::run::RunError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recording(Vec<Records>);

impl Recording {
    /// Reads the records of a run that has come to its end, all into memory.
    ///
    /// # Errors
    ///
    /// If the folder has no file of records, or it cannot be understood.
    pub fn load(folder: &Path) -> Result<Self, RunError> {
        let file = chunks::file(folder);
        if !file.exists() {
            let message = "it is not there: the run has no probes, or has not come to its end";
            return Err(RunError::Invalid {
                file,
                message: message.to_owned(),
            });
        }
        let archive = Archive::open(&file)?;
        let names = archive.names().into_iter();
        let records = names.map(|name| archive.records(&name));
        records.collect::<Result<_, _>>().map(Self)
    }

    /// The names of what was recorded, `H1.E.dendrite`, in the order of the probes.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|records| records.name.as_str())
    }

    /// The records of that name.
    pub fn get(&self, name: &str) -> Option<&Records> {
        self.iter().find(|records| records.name == name)
    }

    /// All records, in the order of the probes.
    pub fn iter(&self) -> impl Iterator<Item = &Records> {
        self.0.iter()
    }
}
