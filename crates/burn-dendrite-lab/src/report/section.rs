//! Figures that belong together, and what has none.

use crate::plot::{BarChart, LineChart, PlotError};

/// A figure of the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The name of its file, without ending.
    pub file: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// Figures that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The heading.
    pub title: &'static str,
    /// The figures.
    pub figures: Vec<Figure>,
    /// What has no figure, and why: a sentence each.
    pub missing: Vec<String>,
}

impl Section {
    pub(super) fn new(title: &'static str) -> Self {
        Self {
            title,
            figures: Vec::new(),
            missing: Vec::new(),
        }
    }

    /// Adds the figure of a chart, if it has anything to show.
    pub(super) fn lines(
        &mut self,
        file: &str,
        caption: &str,
        chart: &LineChart,
    ) -> Result<(), PlotError> {
        if !chart.is_empty() {
            self.add(file, caption, chart.draw()?);
        }
        Ok(())
    }

    pub(super) fn bars(
        &mut self,
        file: &str,
        caption: &str,
        chart: &BarChart,
    ) -> Result<(), PlotError> {
        if !chart.is_empty() {
            self.add(file, caption, chart.draw()?);
        }
        Ok(())
    }

    pub(super) fn add(&mut self, file: &str, caption: &str, svg: String) {
        self.figures.push(Figure {
            file: file.to_owned(),
            caption: caption.to_owned(),
            svg,
        });
    }

    /// Says what is missing where a figure with this beginning of its name was not drawn.
    pub(super) fn expect(&mut self, file: &str, sentence: &str) {
        if !self
            .figures
            .iter()
            .any(|figure| figure.file.starts_with(file))
        {
            self.missing.push(sentence.to_owned());
        }
    }
}

/// A name as part of a file's.
pub(super) fn file_part(name: &str) -> String {
    crate::study::folder_name(name).to_lowercase()
}
