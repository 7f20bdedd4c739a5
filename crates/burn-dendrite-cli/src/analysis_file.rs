//! The files of `dendrite analyze`.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use burn_dendrite_lab::analysis::{Analysis, Metric, Sheet, Trained};
use burn_dendrite_train::{
    SavedWeights,
    data::Dataset,
    run::{self, write_atomically},
};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::Mistake;

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(super) enum SplitName {
    Validation,
    Test,
}

/// What `analysis.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AnalysisFile {
    pub(super) preset: String,
    pub(super) dataset: String,
    pub(super) split: SplitName,
    pub(super) seed: u64,
    pub(super) version: String,
    /// Which weights of the run were analysed.
    #[serde(default = "last")]
    pub(super) weights: SavedWeights,
    pub(super) analysis: Analysis,
}

/// What the first version analysed.
fn last() -> SavedWeights {
    SavedWeights::Last
}

impl AnalysisFile {
    /// What was found of a run.
    pub(super) fn new(
        trained: &Trained,
        dataset: &Dataset,
        split: SplitName,
        analysis: Analysis,
    ) -> Self {
        Self {
            preset: trained.settings.preset.clone(),
            dataset: dataset.to_string(),
            split,
            seed: trained.settings.seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            weights: trained.weights,
            analysis,
        }
    }

    /// On what was measured, in words.
    pub(super) fn on(&self) -> String {
        format!(
            "{} {} samples of {}",
            self.analysis.samples, self.split, self.dataset
        )
    }

    /// The analysis of a run that is kept, if it is of these weights and as new as they are.
    pub(super) fn of_run(run: &Path, weights: SavedWeights) -> Option<Self> {
        let file = run.join("analysis").join(ANALYSIS);
        let changed = |file: &Path| fs::metadata(file).and_then(|it| it.modified()).ok();
        let kept = changed(&file)?;
        // A run that went on since has other weights of the same name.
        if changed(&run::model_file(run)).is_some_and(|model| model > kept) {
            return None;
        }
        let text = fs::read_to_string(&file).ok()?;
        let found: Self = serde_json::from_str(&text).ok()?;
        (found.weights == weights).then_some(found)
    }
}

impl fmt::Display for SplitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Validation => "validation",
            Self::Test => "test",
        })
    }
}

const ANALYSIS: &str = "analysis.json";
/// The page of a run, beside its other files or those of an analysis.
pub(super) const PAGE: &str = "report.html";

/// The files of an earlier analysis in the folder, which a new one replaces.
///
/// # Errors
///
/// If the folder holds anything else: nothing of others is overwritten.
pub(super) fn earlier_files(out: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let unreadable = |error: std::io::Error| Mistake(format!("`{}`: {error}", out.display()));
    let entries = match fs::read_dir(out) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let is_analysis = fs::read_to_string(out.join(ANALYSIS))
        .is_ok_and(|text| serde_json::from_str::<AnalysisFile>(&text).is_ok());
    let is_own = |name: &str| {
        let metric = name.strip_suffix(".csv");
        name == ANALYSIS
            || name == PAGE
            || name.starts_with("over_training")
            || metric.is_some_and(|metric| metric.parse::<Metric>().is_ok())
    };
    let mut earlier = Vec::new();
    for entry in entries {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if !is_analysis || !is_own(&name) {
            let message = format!(
                "`{}` holds `{name}`, which is not of an earlier analysis; accepted: for `--out` a \
                 new or empty folder, or one that holds an analysis and nothing else",
                out.display()
            );
            return Err(Mistake(message).into());
        }
        earlier.push(entry.path());
    }
    Ok(earlier)
}

/// Writes the files of an analysis in place of those of the earlier one.
pub(super) fn write(
    out: &Path,
    earlier: &[PathBuf],
    file: &AnalysisFile,
    files: &[File],
) -> anyhow::Result<()> {
    let broken = || format!("`{}` cannot be written", out.display());
    fs::create_dir_all(out).with_context(broken)?;
    let written = |path: &PathBuf| files.iter().any(|(name, _)| out.join(name) == *path);
    for path in earlier.iter().filter(|path| !written(path)) {
        fs::remove_file(path).with_context(broken)?;
    }
    let text = serde_json::to_string(file)?;
    write_atomically(&out.join(ANALYSIS), format!("{text}\n").as_bytes())?;
    for (name, bytes) in files {
        write_atomically(&out.join(name), bytes)?;
    }
    Ok(())
}

/// A file of an analysis: its name, and what is in it.
pub(super) type File = (String, Vec<u8>);

/// A sheet as comma-separated values.
pub(super) fn as_csv(sheet: &Sheet) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&sheet.header)?;
    for row in &sheet.rows {
        writer.write_record(row)?;
    }
    Ok(writer.into_inner()?)
}
