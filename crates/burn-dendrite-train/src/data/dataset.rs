//! What a network is trained on: a data set that the program knows, or files of the user's own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::files::{self, DataSpec, LearnFrom};
use super::{DataError, DataOptions, DatasetName, Encoding, Splits};

/// What a network is trained on.
///
/// In text, as in a configuration file or on the command line, it is the name of a data set that the
/// program knows, or the path of files. A path that could be taken for a name is written with a folder
/// before it, as in `./mnist`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Dataset {
    /// A data set that the program knows.
    Named(DatasetName),
    /// Files of the user's own; the path is absolute.
    Files(PathBuf),
}

/// A data set in memory.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The samples.
    pub splits: Splits,
    /// The names of the classes in the order of the outputs, of files of the user's own.
    pub classes: Option<Vec<String>>,
    /// What somebody should know who named the files: how they were understood.
    pub notes: Vec<String>,
}

impl Dataset {
    /// A word for names of folders and for messages: the name, or the last part of the path without
    /// its ending.
    pub fn label(&self) -> String {
        match self {
            Self::Named(name) => name.to_string(),
            Self::Files(path) => {
                let stem = path.file_stem().unwrap_or_default();
                let label = stem.to_string_lossy().into_owned();
                if label.is_empty() {
                    "data".to_owned()
                } else {
                    label
                }
            }
        }
    }

    /// Loads the data set into memory: what is read from files is understood as `spec` says; images
    /// are reshaped and values encoded in any case.
    ///
    /// # Errors
    ///
    /// If its files are missing and cannot be downloaded, are not what they should be, or do not allow
    /// what is asked for.
    pub fn load(&self, spec: &DataSpec, options: &DataOptions) -> Result<Loaded, DataError> {
        let mut loaded = match self {
            Self::Named(name) => Loaded {
                splits: files::reshaped(name.load(options)?, spec)?,
                classes: None,
                notes: without_effect(*name, spec).into_iter().collect(),
            },
            Self::Files(path) => files::load(path, spec)?,
        };
        if spec.learn_from == LearnFrom::TrainAndValidation {
            loaded.splits.train = loaded
                .splits
                .train
                .joined(&loaded.splits.validation)?
                .into();
        }
        loaded.splits = loaded.splits.encoded(spec.encoding);
        Ok(loaded)
    }
}

/// Says which keys have no effect on a data set that the program knows.
fn without_effect(name: DatasetName, spec: &DataSpec) -> Option<String> {
    let keys = spec.keys_of_files();
    let named: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    let is_some = !named.is_empty();
    is_some.then(|| {
        format!(
            "note: {} in `[data]` say how files of your own are read, and `{name}` is none: without effect",
            named.join(", ")
        )
    })
}

impl Splits {
    /// The same samples in another encoding, by the statistics of those to train on.
    pub fn encoded(self, encoding: Encoding) -> Self {
        if encoding == Encoding::Plain {
            return self;
        }
        let statistics = self.train.statistics();
        self.map(|set| set.encoded(encoding, &statistics))
    }
}

impl From<DatasetName> for Dataset {
    fn from(name: DatasetName) -> Self {
        Self::Named(name)
    }
}

impl From<&Path> for Dataset {
    fn from(path: &Path) -> Self {
        Self::Files(std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => name.fmt(formatter),
            Self::Files(path) => formatter.pad(&path.to_string_lossy()),
        }
    }
}

impl FromStr for Dataset {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = match text.parse() {
            Ok(name) => return Ok(Self::Named(name)),
            Err(error) => error,
        };
        let path = Path::new(text);
        let is_path = text.contains(['/', std::path::MAIN_SEPARATOR]);
        if !text.is_empty() && (is_path || path.extension().is_some() || path.exists()) {
            Ok(path.into())
        } else {
            Err(DataError::UnknownNameOrPath(Box::new(unknown)))
        }
    }
}

impl TryFrom<String> for Dataset {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Dataset> for String {
    fn from(dataset: Dataset) -> Self {
        dataset.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_to_validate_on_are_learned_from_where_that_is_asked_for() {
        let digits = Dataset::Named(DatasetName::MnistMini);
        let apart = digits.load(&DataSpec::default(), &DataOptions::default());
        let apart = apart.unwrap().splits;
        let spec: DataSpec = toml::from_str("learn_from = \"train_and_validation\"").unwrap();
        let joined = digits.load(&spec, &DataOptions::default()).unwrap().splits;
        let (train, validation) = (&apart.train, &apart.validation);
        assert_eq!(joined.train.len(), train.len() + validation.len());
        let last = joined.train.len() - 1;
        for (index, set, own) in [(0, train, 0), (last, validation, validation.len() - 1)] {
            assert_eq!(joined.train.pixels(index), set.pixels(own));
            assert_eq!(joined.train.label(index), set.label(own));
        }
        assert_eq!(joined.validation, apart.validation);
        assert_eq!(joined.test, apart.test);
    }

    #[test]
    fn keys_that_have_no_effect_are_named() {
        let digits = Dataset::Named(DatasetName::MnistMini);
        let notes = |text: &str| {
            let spec: DataSpec = toml::from_str(text).unwrap();
            digits.load(&spec, &DataOptions::default()).unwrap().notes
        };
        assert_eq!(notes("colour = \"grey\""), [] as [&str; 0]);
        let notes = notes("validation = 0.3\nlabel = 2");
        assert!(
            notes[0].contains("`validation`, `label` in `[data]`"),
            "{notes:?}"
        );
    }

    #[test]
    fn names_are_names_and_paths_are_paths() {
        let parse = |text: &str| text.parse::<Dataset>();
        assert_eq!(parse("mnist").unwrap(), Dataset::Named(DatasetName::Mnist));
        for path in ["./mnist", "data/photos", "train.csv", "/data/photos"] {
            let Dataset::Files(found) = parse(path).unwrap() else {
                panic!("{path}");
            };
            assert!(found.is_absolute() && found.ends_with(path.trim_start_matches(['.', '/'])));
            let again = Dataset::Files(found.clone()).to_string();
            assert_eq!(parse(&again).unwrap(), Dataset::Files(found));
        }
        let message = parse("mnst").unwrap_err().to_string();
        assert!(message.contains("did you mean \"mnist\"?"), "{message}");
        assert!(message.contains("path"), "{message}");
        assert!(parse("").is_err());
    }

    #[test]
    fn a_label_is_short() {
        assert_eq!(Dataset::from(DatasetName::Spirals).label(), "spirals");
        assert_eq!(Dataset::from(Path::new("/data/train.csv")).label(), "train");
        assert_eq!(Dataset::from(Path::new("/")).label(), "data");
    }
}
