//! The data of a command: where they come from, and whether they are the right ones.

use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use anyhow::Context;
use burn_dendrite_train::{
    data::{DataError, DataOptions, DataOrigin, DataSpec, Dataset, Progress, Source, Splits},
    output::say,
    run::{RunSettings, input_scale},
};
use clap::Args;

use super::Mistake;

/// Where the data come from.
#[derive(Args, Debug)]
pub(super) struct DataArguments {
    /// Folder with the files of the data set; burn's cache, then a download, unless given. Of a run or
    /// a study that is there already: where its data are now.
    #[arg(long)]
    pub(super) data_dir: Option<PathBuf>,
}

/// What a command measures the trained network of a run on.
pub(super) enum MeasuredOn {
    /// The run's own data.
    Own,
    /// Those that somebody names, else the run's own.
    Any(Option<Dataset>),
}

impl DataArguments {
    /// Loads a data set, of which files are understood as `spec` says.
    pub(super) fn load(
        &self,
        dataset: &Dataset,
        spec: &DataSpec,
        quiet: bool,
    ) -> anyhow::Result<LoadedData> {
        let folder = self.folder(dataset)?;
        Ok(load(dataset, spec, folder, quiet).map_err(|error| Mistake(error.to_string()))?)
    }

    /// Loads the data of a run or a study again: from where they were, unless a folder is named.
    /// Whether they are the same is for the caller to see.
    fn load_again(
        &self,
        dataset: &Dataset,
        spec: &DataSpec,
        before: &DataOrigin,
        quiet: bool,
    ) -> anyhow::Result<LoadedData> {
        if before.fingerprint.is_none() && !quiet {
            say(
                "note: an older version did not write down what the data were, so nobody can tell \
                 whether these are the same",
            );
        }
        let (dataset, named) = match (dataset, &self.data_dir) {
            (Dataset::Files(path), Some(folder)) => {
                let folder = absolute(folder)?;
                (moved(path, &folder), Some(folder))
            }
            (dataset, _) => (dataset.clone(), self.folder(dataset)?),
        };
        let were_somewhere = before.folder.is_some() || matches!(dataset, Dataset::Files(_));
        let hint = if named.is_none() && were_somewhere {
            "; the data were there, and `--data-dir` says where they are now"
        } else {
            ""
        };
        let folder = named.or_else(|| before.folder.clone());
        let loaded = load(&dataset, spec, folder, quiet);
        Ok(loaded.map_err(|error| Mistake(format!("{error}{hint}")))?)
    }

    /// A data set where it is now: files of the user's own that are not where they were are in the folder
    /// that is named, if one is.
    pub(super) fn where_it_is(&self, dataset: &Dataset) -> anyhow::Result<Dataset> {
        match (dataset, &self.data_dir) {
            (Dataset::Files(path), Some(folder)) if !path.exists() => {
                Ok(moved(path, &absolute(folder)?))
            }
            _ => Ok(dataset.clone()),
        }
    }

    /// Loads the data of a run or a study again, and refuses others.
    pub(super) fn load_same(
        &self,
        dataset: &Dataset,
        spec: &DataSpec,
        before: &DataOrigin,
        quiet: bool,
    ) -> anyhow::Result<LoadedData> {
        let loaded = self.load_again(dataset, spec, before, quiet)?;
        let same = before.check(&loaded.origin);
        same.map_err(|error| Mistake(error.to_string()))?;
        Ok(loaded)
    }

    /// Loads what the trained network of the run in a folder is measured on, as the network sees it.
    pub(super) fn load_for(
        &self,
        folder: &Path,
        run: &RunSettings,
        spec: &DataSpec,
        on: MeasuredOn,
        quiet: bool,
    ) -> anyhow::Result<(Dataset, Splits)> {
        let (dataset, data) = self.load_of(run, spec, on, quiet)?;
        let mistake = |error: DataError| Mistake(error.to_string());
        let data = run.preprocessing.prepare(data).map_err(mistake)?;
        // The network sees other samples as it saw its own, whatever these are like among themselves.
        let scale = input_scale(folder).map_err(|error| Mistake(error.to_string()))?;
        let data = match scale {
            Some(scale) => data.seen_through(&scale).map_err(mistake)?,
            None => data,
        };
        Ok((dataset, data))
    }

    fn load_of(
        &self,
        run: &RunSettings,
        spec: &DataSpec,
        on: MeasuredOn,
        quiet: bool,
    ) -> anyhow::Result<(Dataset, Splits)> {
        let dataset = match &on {
            MeasuredOn::Any(Some(dataset)) => dataset.clone(),
            MeasuredOn::Any(None) | MeasuredOn::Own => run.dataset.clone(),
        };
        if dataset != run.dataset {
            let loaded = self.load(&dataset, spec, quiet)?;
            return Ok((dataset, loaded.splits));
        }
        let loaded = self.load_again(&dataset, spec, &run.data, quiet)?;
        if let Err(error) = run.data.check(&loaded.origin) {
            let message = match on {
                MeasuredOn::Any(Some(_)) => None,
                MeasuredOn::Any(None) => Some(format!(
                    "{error}, or `--dataset {dataset}` to measure on these"
                )),
                MeasuredOn::Own => Some(error.to_string()),
            };
            match message {
                Some(message) => return Err(Mistake(message).into()),
                None => say("note: these are other data than those that the run was made with"),
            }
        }
        Ok((dataset, loaded.splits))
    }

    /// The folder that is named, whatever the working directory will be; none where no files are
    /// needed.
    fn folder(&self, dataset: &Dataset) -> anyhow::Result<Option<PathBuf>> {
        let Some(folder) = &self.data_dir else {
            return Ok(None);
        };
        let reason = match dataset {
            Dataset::Files(_) => Some("names its files itself"),
            Dataset::Named(name) if name.source() == Source::Built => Some("needs no files"),
            Dataset::Named(_) => None,
        };
        if let Some(reason) = reason {
            say(format!(
                "note: `{dataset}` {reason}, so `--data-dir` is not used"
            ));
            return Ok(None);
        }
        absolute(folder).map(Some)
    }
}

/// A folder as it is written into the files of a run, whatever the working directory will be.
fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.to_str().is_none() {
        let message = format!(
            "`--data-dir {}` cannot be written into the files of a run; accepted: a path in UTF-8",
            folder.display()
        );
        return Err(Mistake(message).into());
    }
    std::path::absolute(folder).context("--data-dir")
}

/// Files of the user's own that were at `path` and are in `folder` now: a file by its name there, or
/// the folder itself.
fn moved(path: &Path, folder: &Path) -> Dataset {
    let file = path.file_name().map(|name| folder.join(name));
    Dataset::Files(match file.filter(|file| file.is_file()) {
        Some(file) => file,
        None => folder.to_owned(),
    })
}

/// A data set in memory.
pub(super) struct LoadedData {
    pub(super) splits: Splits,
    /// Where it was, and what it is.
    pub(super) origin: DataOrigin,
    /// Its name, or where its files are now.
    pub(super) dataset: Dataset,
    /// The names of the classes in the order of the outputs, of files of the user's own.
    pub(super) classes: Option<Vec<String>>,
}

fn load(
    dataset: &Dataset,
    spec: &DataSpec,
    folder: Option<PathBuf>,
    quiet: bool,
) -> Result<LoadedData, DataError> {
    let progress = if !quiet && io::stderr().is_terminal() {
        Progress::Shown
    } else {
        Progress::Hidden
    };
    let data_dir = folder.clone();
    let loaded = dataset.load(spec, &DataOptions { data_dir, progress })?;
    if !quiet {
        loaded.notes.iter().for_each(say);
    }
    Ok(LoadedData {
        origin: DataOrigin::of(folder, &loaded.splits),
        splits: loaded.splits,
        dataset: dataset.clone(),
        classes: loaded.classes,
    })
}
