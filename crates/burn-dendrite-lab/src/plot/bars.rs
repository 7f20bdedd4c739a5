//! Bars with the standard error and the single values.

use plotters::{
    chart::ChartBuilder,
    prelude::{Circle, PathElement, Rectangle, Text},
    style::{
        Color, TRANSPARENT,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    PlotError,
    frame::{Area, Drawn, Frame, LABEL, line, text},
    lines::number,
    palette::{self, GRID, MUTED, TEXT},
};

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// Its number in the palette.
    pub number: usize,
    /// Its length.
    pub value: f64,
    /// The standard error.
    pub sem: Option<f64>,
    /// The values that the length is the mean of, a dot each.
    pub values: Vec<f64>,
    /// What stands at its end, e.g. `92.5 ± 0.2`.
    pub label: String,
}

/// Bars from zero, each below its name.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// The title.
    pub title: String,
    /// What is measured, with its unit.
    pub label: String,
    /// A value that is always within the axis, such as 100 of a percentage.
    pub high: Option<f64>,
    /// A value that is marked, such as 90 of an angle.
    pub mark: Option<f64>,
    /// The bars, from the top.
    pub bars: Vec<Bar>,
}

const ROW: u32 = 96;
const AXIS: u32 = 64;

impl BarChart {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        !self.bars.iter().any(|bar| bar.value.is_finite())
    }

    /// The picture as SVG.
    ///
    /// # Errors
    ///
    /// If there is nothing to draw, or plotters cannot.
    pub fn draw(&self) -> Result<String, PlotError> {
        if self.is_empty() {
            return Err(PlotError {
                title: self.title.clone(),
                message: "it has no values".to_owned(),
            });
        }
        let bars: Vec<&Bar> = (self.bars.iter())
            .filter(|bar| bar.value.is_finite())
            .collect();
        let frame = Frame {
            title: &self.title,
            subtitle: &self.label,
            height: bars.len() as u32 * ROW + AXIS + 14,
            legend: Vec::new(),
        };
        frame.draw(|area| self.draw_on(&bars, area))
    }

    fn draw_on<'a>(&self, bars: &[&Bar], area: &Area<'a>) -> Drawn<'a> {
        let longest = |bar: &&Bar| {
            let end = bar.value + bar.sem.unwrap_or(0.0);
            bar.values.iter().copied().fold(end, f64::max)
        };
        let longest = bars.iter().map(longest).fold(f64::MIN_POSITIVE, f64::max);
        let shortest = (bars.iter().map(|bar| bar.value)).fold(0.0, f64::min);
        let right = [self.high, self.mark].into_iter().flatten();
        let right = right.fold(longest * 1.02, f64::max);
        let left = shortest * 1.02;
        let rows = bars.len() as f64;
        let mut chart = ChartBuilder::on(area)
            .margin_left(28)
            .margin_right(36)
            .margin_top(14)
            .x_label_area_size(AXIS)
            .build_cartesian_2d(left..right, 0.0..rows)?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(line(GRID, 2))
            .axis_style(line(MUTED, 2))
            .label_style(text(LABEL, MUTED))
            .x_labels(6)
            .x_label_formatter(&|value| number(*value, right - left))
            .draw()?;
        for (row, bar) in bars.iter().enumerate() {
            let (ink, _) = palette::series(bar.number);
            let y = rows - row as f64;
            let (top, middle, bottom) = (y - 0.54, y - 0.72, y - 0.9);
            let body = Rectangle::new([(0.0, top), (bar.value, bottom)], ink.color().filled());
            chart.draw_series([body])?;
            let dots = bar.values.iter().filter(|value| value.is_finite());
            chart.draw_series(dots.map(|value| Circle::new((*value, middle), 7, line(TEXT, 2))))?;
            if let Some(sem) = bar.sem.filter(|sem| sem.is_finite()) {
                let (from, to) = (bar.value - sem, bar.value + sem);
                let whisker = PathElement::new(vec![(from, middle), (to, middle)], line(TEXT, 4));
                chart.draw_series([whisker])?;
            }
            if let Some(mark) = self.mark {
                // Beside the bars alone, so that it crosses no text.
                let ends = vec![(mark, bottom - 0.06), (mark, top + 0.06)];
                chart.draw_series([PathElement::new(ends, line(MUTED, 3))])?;
            }
            let anchor = |h_pos| Pos::new(h_pos, VPos::Bottom);
            let words = y - 0.44;
            let name = text(LABEL, TEXT).pos(anchor(HPos::Left));
            chart.draw_series([Text::new(bar.name.clone(), (left, words), name)])?;
            let value = text(LABEL, TEXT).pos(anchor(HPos::Right));
            chart.draw_series([Text::new(bar.label.clone(), (right, words), value)])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bar_has_name_value_error_and_dots() {
        let bar = |name: &str, number, value| Bar {
            name: name.to_owned(),
            number,
            value,
            sem: Some(1.0),
            values: vec![value - 1.0, value + 1.0],
            label: format!("{value:.0} ± 1"),
        };
        let chart = BarChart {
            title: "Angle".to_owned(),
            label: "degrees".to_owned(),
            high: None,
            mark: Some(90.0),
            bars: vec![
                bar("one", 0, 40.0),
                bar("two", 1, 60.0),
                bar("none", 2, f64::NAN),
            ],
        };
        let svg = chart.draw().unwrap();
        for words in ["one", "two", "40 ± 1", "60 ± 1", "degrees"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(!svg.contains("none</text>") && !svg.contains("NaN"));
        assert_eq!(svg.matches("<circle").count(), 4);
        // Bars are as long as their values say: 40 and 60 of one scale.
        let width = |fill: &str| -> f64 {
            let line = svg
                .lines()
                .find(|it| it.contains("<rect") && it.contains(fill))
                .unwrap();
            let (_, after) = line.split_once("width=\"").unwrap();
            after.split('"').next().unwrap().parse().unwrap()
        };
        let (one, two) = (width("#0072B2"), width("#D55E00"));
        assert!((two / one - 1.5).abs() < 0.01, "{one} {two}");
        let empty = BarChart {
            bars: Vec::new(),
            ..chart
        };
        assert!(empty.is_empty() && empty.draw().is_err());
    }
}
