//! Why a run folder cannot be used.

use std::{fmt, io, path::PathBuf};

use burn_dendrite_nn::SpecErrors;

use super::Holder;
use crate::{holder, shell};

/// Why a run folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The folder for a new run is not empty.
    #[error(
        "`{}` {by}; accepted: a new or empty folder for `--out`{}",
        folder.display(),
        match by {
            Occupant::Run => format!(", or `--resume {}`", shell::path(folder)),
            Occupant::OtherFiles | Occupant::File | Occupant::BelowFile => String::new(),
        }
    )]
    Occupied {
        /// The folder.
        folder: PathBuf,
        /// What is there.
        by: Occupant,
    },
    /// The folder holds no run.
    #[error("`{}` holds no run: `{missing}` is missing", folder.display())]
    NotARun {
        /// The folder.
        folder: PathBuf,
        /// The file that a run would have.
        missing: &'static str,
    },
    /// The run was stopped before there was anything to save.
    #[error("the run in `{}` has no checkpoint yet; accepted: one that has, or has come to its end", .0.display())]
    NoCheckpoint(PathBuf),
    /// Another process trains in the folder.
    #[error(
        "another process is training in `{}`{}; wait for it, or choose another folder",
        folder.display(),
        holder::in_brackets(holder)
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The process, if it is known.
        holder: Option<Holder>,
    },
    /// The folder holds a run that was asked to do something else.
    #[error(
        "`{}` holds another run: `{field}` is {there} there and {here} here; accepted: the same \
         settings, or a new folder",
        folder.display()
    )]
    Different {
        /// The folder.
        folder: PathBuf,
        /// In what they differ first.
        field: String,
        /// Its value in the folder.
        there: String,
        /// Its value here.
        here: String,
    },
    /// A file of the run cannot be understood.
    #[error("`{}`: {message}", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A specification has mistakes.
    #[error("the specification has mistakes: {0}")]
    Spec(SpecErrors),
    /// The specification of a run is none of this program.
    #[error(
        "the specification of the run in `{}` is not one that this program knows: {errors}",
        folder.display()
    )]
    Foreign {
        /// The folder.
        folder: PathBuf,
        /// What is wrong, or unknown.
        errors: SpecErrors,
    },
    /// A file cannot be read or written.
    #[error("`{}`: {error}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
}

/// What is where a new run is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// A folder with a run.
    Run,
    /// A folder with something else.
    OtherFiles,
    /// A file.
    File,
    /// A file where one of its parents would be.
    BelowFile,
}

impl fmt::Display for Occupant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Run => "already holds a run",
            Self::OtherFiles => "already holds other files",
            Self::File => "is a file",
            Self::BelowFile => "lies below a file",
        })
    }
}

// By hand: as its source, the errors would be said twice.
impl From<SpecErrors> for RunError {
    fn from(errors: SpecErrors) -> Self {
        Self::Spec(errors)
    }
}
