//! How a result shows itself: figures for a table, a sheet for a file.

/// One number of a result, as a line of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it belongs to: a population, a projection, or the whole network.
    pub of: String,
    /// What it is.
    pub quantity: String,
    /// The number, rounded for reading.
    pub value: String,
}

impl Figure {
    /// A figure of something that has a name.
    pub fn new(of: impl ToString, quantity: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            of: of.to_string(),
            quantity: quantity.into(),
            value: value.into(),
        }
    }
}

/// All values of a result, for a file of comma-separated values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// Names of the columns.
    pub header: Vec<String>,
    /// The rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Sheet {
    /// An empty sheet.
    pub fn new<const N: usize>(header: [&str; N]) -> Self {
        Self {
            header: header.map(str::to_owned).to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn push<const N: usize>(&mut self, row: [&dyn ToString; N]) {
        let row = row.map(|value| value.to_string()).to_vec();
        debug_assert_eq!(row.len(), self.header.len(), "values for each column");
        self.rows.push(row);
    }
}

/// A result that can be shown.
pub trait Report {
    /// The few numbers that somebody wants to read.
    fn figures(&self) -> Vec<Figure>;

    /// All values, where there are more than the figures say.
    fn sheet(&self) -> Option<Sheet>;
}

/// A number or, where it is undefined, an empty cell.
pub(super) fn cell(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// A number with a few digits or, where it is undefined, a dash.
pub(super) fn digits(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

/// An angle or, where it is undefined, a dash.
pub(super) fn degrees(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}°"))
}
