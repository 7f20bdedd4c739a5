//! Data sets that a program adds to a list.

use std::{
    hash::{Hash, Hasher},
    sync::{PoisonError, RwLock},
};

use burn_dendrite_nn::registry::RegistryError;

use super::{DataError, DataOptions, Splits};

/// How a data set is loaded into memory.
pub type Load = fn(&DataOptions) -> Result<Splits, DataError>;

/// A data set of a program's own: one whole, by its name.
#[derive(Clone, Copy, Debug)]
pub struct OwnDataset {
    name: &'static str,
    load: Load,
}

impl OwnDataset {
    /// The name in text.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Loads it into memory.
    ///
    /// # Errors
    ///
    /// Those of the program's function.
    pub fn load(&self, options: &DataOptions) -> Result<Splits, DataError> {
        (self.load)(options)
    }
}

impl PartialEq for OwnDataset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OwnDataset {}

impl Hash for OwnDataset {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// The data sets that a program has added to one list.
#[derive(Debug, Default)]
pub struct OwnDatasets(RwLock<Vec<OwnDataset>>);

impl OwnDatasets {
    /// None.
    pub const fn new() -> Self {
        Self(RwLock::new(Vec::new()))
    }

    /// All of them, in the order in which they were added.
    pub fn all(&self) -> Vec<OwnDataset> {
        let datasets = self.0.read().unwrap_or_else(PoisonError::into_inner);
        datasets.clone()
    }

    /// Adds a data set under a name that is none of those `taken`. The same function may be added
    /// under its name again.
    ///
    /// # Errors
    ///
    /// If another data set has this name.
    pub fn add(&self, name: &'static str, load: Load, taken: &[&str]) -> Result<(), RegistryError> {
        let mut datasets = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match datasets.iter().find(|own| own.name == name) {
            Some(own) if std::ptr::fn_addr_eq(own.load, load) => return Ok(()),
            Some(_) => return Err(RegistryError(name.to_owned())),
            None if taken.contains(&name) => return Err(RegistryError(name.to_owned())),
            None => datasets.push(OwnDataset { name, load }),
        }
        Ok(())
    }
}
