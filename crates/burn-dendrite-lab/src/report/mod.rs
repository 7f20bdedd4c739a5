//! Reports on comparisons and on single runs: pages that need nothing else.
//!
//! A comparison has its figures as SVG files too.
//!
//! [`figures`] turns [`Results`] into sections of figures, [`findings`] into sentences, and the page
//! shows both with the tables, the specifications and the command that repeats it all. What was not
//! measured has no figure, and the page says so.

mod analysis_figures;
mod charts;
mod document;
pub mod figures;
pub mod findings;
mod mistakes;
mod page;
pub mod run;
mod run_figures;
mod run_page;
mod section;

use std::{fs, path::Path};

use burn_dendrite_train::run::{RunError, write_atomically};

use crate::{compare::Results, plot::PlotError};

pub use run::{Analyzed, RunReport, Tested};
pub use section::{Figure, Section};

/// Why a report cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A figure cannot be drawn.
    #[error(transparent)]
    Plot(#[from] PlotError),
    /// An image cannot be encoded.
    #[error("an image cannot be encoded: {0}")]
    Image(image::ImageError),
    /// A file cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
}

// By hand: as its source, it would be said twice.
impl From<image::ImageError> for ReportError {
    fn from(error: image::ImageError) -> Self {
        Self::Image(error)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::tests::results;

    #[test]
    fn the_page_escapes_what_it_is_given_and_says_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let results = results(&[("one <b>", &[0.25, 0.75]), ("two", &[0.5])]);
        write_report(&results, folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
        assert!(page.contains("one &lt;b&gt;") && !page.contains("one <b>"));
        assert!(page.contains("--preset &lt;some&gt; &amp; more"));
        assert!(
            page.contains("50.00 ± 25.00"),
            "mean and standard error of the first network"
        );
        assert!(page.contains("The state of the dendrites over training was not measured"));
        // Of what was measured there are figures, of what was not there are none.
        let figures = fs::read_dir(folder.path().join("figures")).unwrap();
        let mut names: Vec<String> = figures
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        assert_eq!(
            names,
            ["samples-per-second.svg", "seconds.svg", "test-accuracy.svg"]
        );
    }
}
