//! What all charts share: sizes, title, legend, and the way from shapes to text.

use maud::Escaper;
use plotters::{
    coord::Shift,
    drawing::DrawingArea,
    prelude::{IntoDrawingArea, PathElement, SVGBackend, Text},
    style::{Color, FontStyle, IntoFont, ShapeStyle, TextStyle},
};

use super::{
    PlotError,
    palette::{self, Ink, MUTED, SURFACE, Stroke, TEXT, style_sheet},
};

/// Charts are drawn at twice the size at which they are usually seen, since plotters rounds to
/// whole units; text is large enough to be read on a telephone, at a third of this width.
pub(super) const WIDTH: u32 = 960;
pub(super) const LABEL: u32 = 35;
const TITLE: u32 = 40;
pub(super) const MARGIN: u32 = 28;
/// From the top to below the title, and below the line under the title.
const TITLE_BOTTOM: i32 = 68;
/// Where the chart begins.
pub(super) const TOP: u32 = 112;
const LEGEND_ROW: i32 = 44;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Drawn<'a> = Result<
    (),
    plotters::drawing::DrawingAreaErrorKind<
        <SVGBackend<'a> as plotters::backend::DrawingBackend>::ErrorType,
    >,
>;

/// Text in the chart's font.
pub(super) fn text(size: u32, ink: Ink) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&ink.color())
}

/// A line of this width.
pub(super) fn line(ink: Ink, width: u32) -> ShapeStyle {
    ink.color().stroke_width(width)
}

/// Title, the line under it, and the names below the chart.
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    /// What the values are, with their unit.
    pub(super) subtitle: &'a str,
    /// Height of the chart itself.
    pub(super) height: u32,
    /// Name and number of the series.
    pub(super) legend: Vec<(String, usize)>,
}

impl Frame<'_> {
    /// Draws everything around the chart, and the chart by `draw`.
    pub(super) fn draw(
        &self,
        draw: impl for<'a> FnOnce(&Area<'a>) -> Drawn<'a>,
    ) -> Result<String, PlotError> {
        let rows = self.legend_rows();
        let legend: i32 = rows.len() as i32 * LEGEND_ROW;
        // Some room between the chart and the names.
        let legend = if legend > 0 {
            legend + MARGIN as i32 / 2
        } else {
            0
        };
        let height = TOP as i32 + self.height as i32 + legend + MARGIN as i32 / 2;
        let mut svg = String::new();
        let all = || -> Drawn<'_> {
            let root =
                SVGBackend::with_string(&mut svg, (WIDTH, height as u32)).into_drawing_area();
            root.fill(&SURFACE.color())?;
            let bold = ("sans-serif", TITLE).into_font().style(FontStyle::Bold);
            let place = (MARGIN as i32, TITLE_BOTTOM - TITLE as i32);
            root.draw(&Text::new(
                self.title.to_owned(),
                place,
                bold.color(&TEXT.color()),
            ))?;
            let place = (MARGIN as i32, TOP as i32 - LABEL as i32);
            root.draw(&Text::new(
                self.subtitle.to_owned(),
                place,
                text(LABEL, MUTED),
            ))?;
            let (above, below) = root.split_vertically(height - legend - MARGIN as i32 / 2);
            let (_, chart) = above.split_vertically(TOP as i32);
            draw(&chart)?;
            for (row, entries) in rows.iter().enumerate() {
                for (name, number, x) in entries {
                    key(
                        &below,
                        *number,
                        name,
                        *x,
                        MARGIN as i32 / 2 + row as i32 * LEGEND_ROW + LEGEND_ROW / 2,
                    )?;
                }
            }
            root.present()
        };
        all().map_err(|error| PlotError {
            title: self.title.to_owned(),
            message: error.to_string(),
        })?;
        Ok(named(self.title, svg))
    }

    /// As many names in a line as there is room for.
    fn legend_rows(&self) -> Vec<Vec<(&str, usize, i32)>> {
        let mut rows: Vec<Vec<(&str, usize, i32)>> = Vec::new();
        let mut x = MARGIN as i32;
        for (name, number) in &self.legend {
            // The mean width of a letter of a common sans-serif font is a little more than half of
            // its size, and plotters writes text at size / 1.24.
            let width = KEY_WIDTH + (name.chars().count() as f64 * f64::from(LABEL) * 0.45) as i32;
            if rows.is_empty() || x + width > (WIDTH - MARGIN) as i32 {
                rows.push(Vec::new());
                x = MARGIN as i32;
            }
            if let Some(row) = rows.last_mut() {
                row.push((name, *number, x));
            }
            x += width + KEY_WIDTH / 2;
        }
        rows
    }
}

const KEY_WIDTH: i32 = 60;

fn key<'a>(area: &Area<'a>, number: usize, name: &str, x: i32, y: i32) -> Drawn<'a> {
    let (ink, stroke) = palette::series(number);
    let pieces: &[(i32, i32)] = match stroke {
        Stroke::Solid => &[(0, 44)],
        Stroke::Dashed => &[(0, 18), (26, 44)],
    };
    for (from, to) in pieces {
        let ends = vec![(x + from, y), (x + to, y)];
        area.draw(&PathElement::new(ends, line(ink, 8)))?;
    }
    let place = (x + KEY_WIDTH, y - LABEL as i32 * 2 / 5);
    area.draw(&Text::new(name.to_owned(), place, text(LABEL, TEXT)))
}

/// Gives a picture its name, for those who hear it, and the colours for dark pages, for those who
/// open the file on its own.
pub(super) fn named(title: &str, svg: String) -> String {
    let mut name = String::new();
    // Writing into a text does not fail.
    let _ = std::fmt::Write::write_str(&mut Escaper::new(&mut name), title);
    let head = format!("<svg role=\"img\" aria-label=\"{name}\"",);
    let svg = svg.replacen("<svg", &head, 1);
    let style = format!(">\n<style>{}</style>", style_sheet());
    svg.replacen('>', &style, 1)
}
