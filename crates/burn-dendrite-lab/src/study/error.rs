//! Why a study cannot begin or go on.

use std::path::PathBuf;

use burn_dendrite_train::{
    ExperimentError,
    data::DataError,
    holder::{self, Holder},
    run::RunError,
};

use super::Purpose;

/// Why a study cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// Two networks would share a folder.
    #[error("two networks are called `{0}`; accepted: a different `name` in each specification")]
    SameName(String),
    /// The folder holds something else.
    #[error("`{}` already holds other files; accepted: a new or empty folder, or that of the same study", .0.display())]
    Occupied(PathBuf),
    /// Another process works on the study.
    #[error(
        "another process works on the study in `{}`{}; wait for it, or choose another folder",
        folder.display(),
        holder::in_brackets(holder)
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The process, if it is known.
        holder: Option<Holder>,
    },
    /// The folder holds a study that was asked for by another command.
    #[error(
        "`{}` holds another study: `{field}` is {there} there and {here} here; accepted: the same \
         command, or a new folder",
        folder.display()
    )]
    Different {
        /// The folder.
        folder: PathBuf,
        /// In what they differ first.
        field: String,
        /// Its value in the folder.
        there: String,
        /// Its value in the command.
        here: String,
    },
    /// The folder holds a study of another command.
    #[error(
        "`{}` holds no {wanted} but a {there}; accepted: `dendrite {} --resume`, or another folder",
        folder.display(),
        there.command()
    )]
    OtherPurpose {
        /// The folder.
        folder: PathBuf,
        /// What it holds.
        there: Purpose,
        /// What was looked for.
        wanted: Purpose,
    },
    /// The folder holds no study.
    #[error(
        "`{}` holds no {}: `study.toml` is missing",
        folder.display(),
        wanted.map_or("study".to_owned(), |wanted| wanted.to_string())
    )]
    NotAStudy {
        /// The folder.
        folder: PathBuf,
        /// What was looked for; any study if nothing in particular.
        wanted: Option<Purpose>,
    },
    /// The study has no run of this number.
    #[error("`{}` has no task {number}; accepted: 1 to {tasks}", folder.display())]
    NoTask {
        /// The folder.
        folder: PathBuf,
        /// The number.
        number: usize,
        /// How many there are.
        tasks: usize,
    },
    /// Another process trains or analyses a run.
    #[error(
        "another process works on task {number}, {run}{}",
        holder::in_brackets(holder)
    )]
    Claimed {
        /// The run.
        run: String,
        /// Its number.
        number: usize,
        /// The process, if it is known.
        holder: Option<Holder>,
    },
    /// The budget is beyond the data, or beyond all bounds.
    #[error("{0}")]
    Budget(String),
    /// A network does not fit the data, or has mistakes.
    #[error("`{network}`: {error}")]
    Network {
        /// The network.
        network: String,
        /// What is wrong.
        error: Box<ExperimentError>,
    },
    /// The data are not those that the study began with.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file cannot be read, written or understood.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl StudyError {
    /// True where somebody asked for something impossible, false where something broke.
    pub fn is_mistake(&self) -> bool {
        !matches!(self, Self::Run(RunError::Io { .. }))
    }
}
