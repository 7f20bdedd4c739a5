//! The report on a comparison: a page that needs nothing else, and its figures as SVG files.
//!
//! [`figures`] turns [`Results`] into sections of figures, [`findings`] into sentences, and the page
//! shows both with the tables, the specifications and the command that repeats it all. What was not
//! measured has no figure, and the page says so.

pub mod figures;
pub mod findings;
mod page;

use std::{fs, path::Path};

use crate::{
    compare::Results,
    plot::PlotError,
    run::{RunError, write_atomically},
};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A figure cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// A file cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Writes `report.html`, and the figures in the folder `figures`.
///
/// # Errors
///
/// If a figure cannot be drawn or a file cannot be written.
pub fn write_report(results: &Results, out: &Path) -> Result<(), ReportError> {
    let sections = figures::sections(results)?;
    let folder = out.join("figures");
    fs::create_dir_all(&folder).map_err(|error| RunError::Io {
        file: folder.clone(),
        error,
    })?;
    for figure in sections.iter().flat_map(|section| &section.figures) {
        let file = folder.join(format!("{}.svg", figure.file));
        write_atomically(&file, figure.svg.as_bytes())?;
    }
    let page = page::page(results, &sections, &findings::findings(results));
    Ok(write_atomically(
        &out.join("report.html"),
        page.into_string().as_bytes(),
    )?)
}
