//! Charts as SVG that fit light and dark pages, drawn by plotters.
//!
//! A chart is data: [`LineChart`], [`BarChart`] and [`ImageGrid`] hold what is shown, and `draw`
//! makes the picture. Colours come from one palette of which each entry has a shade for light and
//! one for dark; the picture carries the light ones, and [`style_sheet`] recolours them where the
//! reader prefers dark.

mod bars;
mod confusion;
mod frame;
mod images;
mod lines;
mod palette;

pub use bars::{Bar, BarChart};
pub use confusion::ConfusionChart;
pub use images::{ImageGrid, Tile, embedded};
pub use lines::{Axis, LineChart, Point, Scale, Series};
pub use palette::{style_sheet, swatch};

/// Why a chart cannot be drawn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the figure `{title}` cannot be drawn: {message}")]
pub struct PlotError {
    /// The title of the figure.
    pub title: String,
    /// What the drawing library says.
    pub message: String,
}
