//! How a result shows itself: figures for a table, a sheet for a file.

/// What a number belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// The whole network.
    Network,
    /// A population, by its name.
    Population(String),
    /// A projection, by its name.
    Projection(String),
    /// All projections between two types of cells, written `E<-SomaI`.
    CellTypes(String),
}

/// One number of a result, as a cell of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    /// What it belongs to.
    pub of: Of,
    /// What it is, in a few words.
    pub quantity: &'static str,
    /// The number, rounded for reading.
    pub value: String,
}

impl Figure {
    /// A figure of the whole network.
    pub fn network(quantity: &'static str, value: String) -> Self {
        Self::new(Of::Network, quantity, value)
    }

    /// A figure of a population.
    pub fn population(name: &str, quantity: &'static str, value: String) -> Self {
        Self::new(Of::Population(name.to_owned()), quantity, value)
    }

    /// A figure of a projection.
    pub fn projection(name: &str, quantity: &'static str, value: String) -> Self {
        Self::new(Of::Projection(name.to_owned()), quantity, value)
    }

    /// A figure of all projections between two types of cells.
    pub fn cell_types(name: &str, quantity: &'static str, value: String) -> Self {
        Self::new(Of::CellTypes(name.to_owned()), quantity, value)
    }

    fn new(of: Of, quantity: &'static str, value: String) -> Self {
        Self {
            of,
            quantity,
            value,
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

/// A share in percent or, where it is undefined, a dash.
pub(super) fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{:.1} %", 100.0 * value))
}

/// An angle or, where it is undefined, a dash.
pub(super) fn degrees(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}°"))
}
