//! Kinds and data sets of a program's own.

use burn_dendrite_nn::{
    AnyConstraint, ConstraintSpec, Initializer, InitializerSpec, registry::RegistryError,
    spec::WeightSpec,
};
use burn_dendrite_optim::{AnyRule, LocalRule, RuleSpec};
use serde::{Serialize, de::DeserializeOwned};

use crate::data::{DatasetName, Load};

/// What a program adds to the kinds that specifications can name, for everything that reads one: code,
/// files, the command line, studies, and runs that go on.
///
/// ```
/// use burn_dendrite_nn::{Constraint, numbers::Rows};
/// use burn_dendrite_train::Registry;
/// use serde::{Deserialize, Serialize};
///
/// /// Weights below `threshold` vanish.
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Pruning {
///     threshold: f64,
/// }
///
/// impl Constraint for Pruning {
///     fn project<R: Rows>(&self, weight: R) -> R {
///         let strong = weight.clone().abs().above(self.threshold);
///         weight * strong
///     }
/// }
///
/// // From now on specifications may say `{ kind = "pruning", threshold = 0.1 }`. The command line is handed the
/// // registry instead: `cli::main(Registry::standard().constraint::<Pruning>("pruning"))`.
/// Registry::standard().constraint::<Pruning>("pruning").install()?;
/// # Ok::<(), burn_dendrite_train::RegistryError>(())
/// ```
#[derive(Debug, Default)]
#[must_use = "kinds are known once the registry is installed, or handed to the command line"]
pub struct Registry {
    entries: Vec<Entry>,
}

#[derive(Debug)]
enum Entry {
    Kind(&'static str, fn(&'static str) -> Result<(), RegistryError>),
    Dataset(&'static str, Load),
}

impl Registry {
    /// The kinds that come with the library.
    pub fn standard() -> Self {
        Self::default()
    }

    /// Adds a [learning rule](burn_dendrite_optim::LearningRule).
    pub fn rule<K: AnyRule + Serialize + DeserializeOwned + 'static>(
        self,
        kind: &'static str,
    ) -> Self {
        self.kind(kind, |kind| {
            if !LocalRule::kinds().contains(&kind) && RuleSpec::kinds().contains(&kind) {
                Err(RegistryError(kind.to_owned()))
            } else {
                LocalRule::register::<K>(kind)
            }
        })
    }

    /// Adds a [constraint](burn_dendrite_nn::Constraint).
    pub fn constraint<K: AnyConstraint + Serialize + DeserializeOwned + 'static>(
        self,
        kind: &'static str,
    ) -> Self {
        self.kind(kind, ConstraintSpec::register::<K>)
    }

    /// Adds an [initialiser](Initializer).
    pub fn initializer<K: Initializer + Serialize + DeserializeOwned + 'static>(
        self,
        kind: &'static str,
    ) -> Self {
        self.kind(kind, |kind| {
            if !InitializerSpec::kinds().contains(&kind) && WeightSpec::kinds().contains(&kind) {
                Err(RegistryError(kind.to_owned()))
            } else {
                InitializerSpec::register::<K>(kind)
            }
        })
    }

    /// Adds a data set by the name that `--dataset` and the key `dataset` give.
    pub fn dataset(mut self, name: &'static str, load: Load) -> Self {
        self.entries.push(Entry::Dataset(name, load));
        self
    }

    fn kind(
        mut self,
        kind: &'static str,
        register: fn(&'static str) -> Result<(), RegistryError>,
    ) -> Self {
        self.entries.push(Entry::Kind(kind, register));
        self
    }

    /// Makes the kinds known in the whole process, for specifications are read in many places: from
    /// files, from run folders, from memory.
    ///
    /// # Errors
    ///
    /// The first whose name is that of another kind.
    pub fn install(self) -> Result<(), RegistryError> {
        self.entries.into_iter().try_for_each(|entry| match entry {
            Entry::Kind(kind, register) => register(kind),
            Entry::Dataset(name, load) => DatasetName::register(name, load),
        })
    }
}
