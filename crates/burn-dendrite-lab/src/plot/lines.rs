//! Curves with a band of one standard error.

use std::ops::Range;

use plotters::{
    chart::ChartBuilder,
    coord::{
        combinators::BindKeyPoints,
        ranged1d::{AsRangedCoord, Ranged, ValueFormatter},
    },
    prelude::{Circle, DashedLineSeries, IntoLogRange, LineSeries, PathElement, Polygon},
    style::{Color, TRANSPARENT},
};

use super::{
    PlotError,
    frame::{Area, Drawn, Frame, LABEL, line, text},
    palette::{self, GRID, MUTED, Stroke},
};

/// One point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where.
    pub x: f64,
    /// The value, or its mean.
    pub y: f64,
    /// Its standard error; no band unless given.
    pub sem: Option<f64>,
}

impl Point {
    /// A point without a standard error.
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, sem: None }
    }
}

/// A curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub name: String,
    /// Its number in the palette.
    pub number: usize,
    /// Its points; those that are not finite are left out.
    pub points: Vec<Point>,
}

impl Series {
    /// The curve through `points`.
    pub fn new(name: impl Into<String>, number: usize, points: Vec<Point>) -> Self {
        Self {
            name: name.into(),
            number,
            points,
        }
    }
}

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Equal steps are equally long.
    #[default]
    Linear,
    /// Equal ratios are equally long; what is not positive is left out.
    Log,
}

/// What an axis shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Axis {
    /// What is measured, with its unit.
    pub label: String,
    /// A value that is always within the axis, such as zero.
    pub low: Option<f64>,
    /// Another one.
    pub high: Option<f64>,
    /// How values are spread; only a vertical axis is ever logarithmic.
    pub scale: Scale,
}

impl Axis {
    /// An axis that spans the data.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ..Self::default()
        }
    }

    /// An axis that spans the data and zero.
    pub fn from_zero(label: impl Into<String>) -> Self {
        Self {
            low: Some(0.0),
            ..Self::new(label)
        }
    }

    /// An axis in equal ratios.
    pub fn log(label: impl Into<String>) -> Self {
        Self {
            scale: Scale::Log,
            ..Self::new(label)
        }
    }

    /// The ends of the axis, with some room on the side that no value is bound to.
    fn range(&self, values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(f64::NEG_INFINITY, f64::max);
        let low = self.low.map_or(least, |low| low.min(least));
        let high = self.high.map_or(most, |high| high.max(most));
        if self.scale == Scale::Log {
            return (low / 1.3, high * 1.3);
        }
        let room = if high > low {
            0.05 * (high - low)
        } else {
            // A single value: an interval around it.
            0.5 * low.abs().max(1.0)
        };
        let below = if self.low == Some(low) { 0.0 } else { room };
        let above = if self.high == Some(high) { 0.0 } else { room };
        if high > low {
            (low - below, high + above)
        } else {
            (low - below, low + room)
        }
    }
}

/// Curves over a common axis.
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// The title.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The curves.
    pub series: Vec<Series>,
}

impl LineChart {
    /// Whether there is anything to draw.
    pub fn is_empty(&self) -> bool {
        self.curves().iter().all(|(_, points)| points.is_empty())
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
        let curves = self.curves();
        let shown = curves.iter().filter(|(_, points)| !points.is_empty());
        let frame = Frame {
            title: &self.title,
            subtitle: &self.y.label,
            height: 470,
            legend: shown.map(|(it, _)| (it.name.clone(), it.number)).collect(),
        };
        frame.draw(|area| self.draw_on(area))
    }

    fn curves(&self) -> Vec<(&Series, Vec<Point>)> {
        let positive = |point: &Point| self.y.scale == Scale::Linear || point.y > 0.0;
        let curve = |series: &Series| -> Vec<Point> {
            let points = series.points.iter().copied().filter(finite);
            points.filter(positive).collect()
        };
        self.series.iter().map(|it| (it, curve(it))).collect()
    }

    fn draw_on<'a>(&self, area: &Area<'a>) -> Drawn<'a> {
        let curves = self.curves();
        let points = curves.iter().flat_map(|(_, points)| points.iter());
        let (left, right) = self.x.range(points.clone().map(|point| point.x));
        let ends = points.flat_map(|point| self.band(point));
        let (bottom, top) = self.y.range(ends.collect::<Vec<_>>().into_iter());
        match self.y.scale {
            Scale::Linear => {
                let label = |value: &f64| number(*value, top - bottom);
                self.draw_in(area, left..right, bottom..top, &label)
            }
            Scale::Log => {
                let label = |value: &f64| short(*value);
                let axis = (bottom..top).log_scale();
                let axis = axis.with_key_points(ticks(bottom, top));
                self.draw_in(area, left..right, axis, &label)
            }
        }
    }

    /// Draws into a chart with these axes.
    fn draw_in<'a, Y>(
        &self,
        area: &Area<'a>,
        x: Range<f64>,
        y: Y,
        label: &dyn Fn(&f64) -> String,
    ) -> Drawn<'a>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let width = x.end - x.start;
        let mut chart = ChartBuilder::on(area)
            .margin_right(32)
            .margin_top(14)
            .margin_left(14)
            .x_label_area_size(88)
            .y_label_area_size(108)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(line(GRID, 2))
            .axis_style(line(MUTED, 2))
            .label_style(text(LABEL, MUTED))
            .axis_desc_style(text(LABEL, MUTED))
            .x_desc(self.x.label.clone())
            .x_labels(5)
            .y_labels(6)
            .x_label_formatter(&|value| number(*value, width))
            .y_label_formatter(label)
            .draw()?;
        let curves = self.curves();
        for (series, points) in &curves {
            let (ink, _) = palette::series(series.number);
            if points.iter().all(|point| point.sem.is_none()) || points.len() < 2 {
                continue;
            }
            let above = points.iter().map(|point| (point.x, self.band(point)[1]));
            let below = (points.iter().rev()).map(|point| (point.x, self.band(point)[0]));
            let outline: Vec<(f64, f64)> = above.chain(below).collect();
            chart.draw_series([Polygon::new(outline, ink.color().mix(0.2).filled())])?;
        }
        for (series, points) in &curves {
            let (ink, stroke) = palette::series(series.number);
            let line = line(ink, 5);
            let places: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
            match (points.as_slice(), stroke) {
                // A single value has no line, but a bar of its error.
                ([point], _) => {
                    let ends = self.band(point).map(|end| (point.x, end));
                    chart.draw_series([PathElement::new(ends, line)])?;
                    let dot = Circle::new((point.x, point.y), 8, ink.color().filled());
                    chart.draw_series([dot])?;
                }
                (_, Stroke::Solid) => {
                    chart.draw_series(LineSeries::new(places, line))?;
                }
                (_, Stroke::Dashed) => {
                    chart.draw_series(DashedLineSeries::new(places, 16, 10, line))?;
                }
            }
        }
        Ok(())
    }

    /// Lower and upper end of the band at a point. On a logarithmic axis a band that would reach
    /// zero ends at a tenth of the mean.
    fn band(&self, point: &Point) -> [f64; 2] {
        let sem = point.sem.filter(|sem| sem.is_finite()).unwrap_or(0.0);
        let lower = match self.y.scale {
            Scale::Linear => point.y - sem,
            Scale::Log => (point.y - sem).max(0.1 * point.y),
        };
        [lower, point.y + sem]
    }
}

fn finite(point: &Point) -> bool {
    point.x.is_finite() && point.y.is_finite()
}

/// Where a logarithmic axis is marked: at powers of ten, where it is short also at twice and five times these.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    const LONG: f64 = 300.0;
    let steps: &[f64] = if high / low > LONG {
        &[1.0]
    } else {
        &[1.0, 2.0, 5.0]
    };
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let ticks = powers.flat_map(|power| steps.iter().map(move |step| step * 10f64.powi(power)));
    ticks.filter(|tick| (low..=high).contains(tick)).collect()
}

/// A number of a logarithmic axis.
fn short(value: f64) -> String {
    match value {
        value if value >= 1.0 => number(value, 10.0),
        value if value >= 1e-4 => format!("{}", rounded(value)),
        value => format!("{:e}", rounded(value)),
    }
}

/// A value without what arithmetic adds behind its twelfth digit.
fn rounded(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
}

/// A number of an axis: with as many decimals as the span needs, and its thousands apart.
pub(super) fn number(value: f64, span: f64) -> String {
    // About six labels: as many decimals as the step between them needs.
    let decimals = if span > 0.0 {
        (-(span / 6.0).log10()).ceil().clamp(0.0, 8.0) as usize
    } else {
        2
    };
    // The ends of an axis are sums of steps; zero is not to be shown as -0.
    let value = if value.abs() < 1e-9 * span {
        0.0
    } else {
        value
    };
    let text = format!("{value:.decimals$}");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("−", digits),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, format!(".{fraction}")),
        None => (digits, String::new()),
    };
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64)]) -> LineChart {
        let points = points.iter().map(|&(x, y)| Point {
            x,
            y,
            sem: Some(0.5),
        });
        LineChart {
            title: "Curves <& more>".to_owned(),
            x: Axis::from_zero("training samples"),
            y: Axis::new("accuracy (%)"),
            series: vec![Series {
                name: "one".to_owned(),
                number: 0,
                points: points.collect(),
            }],
        }
    }

    #[test]
    fn a_curve_has_its_line_its_band_and_its_name() {
        let svg = chart(&[(0.0, 1.0), (10.0, 2.0), (20.0, f64::NAN)])
            .draw()
            .unwrap();
        assert!(
            svg.contains("aria-label=\"Curves &lt;&amp; more&gt;\""),
            "{svg}"
        );
        assert_eq!(svg.matches("<polygon").count(), 1);
        // The line and the key of the legend.
        assert!(svg.matches("stroke=\"#0072B2\"").count() >= 2);
        for words in ["one", "training samples", "accuracy (%)"] {
            assert!(svg.contains(words), "{words}");
        }
        assert!(svg.contains("prefers-color-scheme: dark") && !svg.contains("NaN"));
    }

    #[test]
    fn nothing_is_an_error_and_one_point_a_dot() {
        assert!(chart(&[]).draw().is_err() && chart(&[(f64::NAN, 1.0)]).is_empty());
        let svg = chart(&[(3.0, 4.0)]).draw().unwrap();
        assert_eq!(svg.matches("<circle").count(), 1);
    }

    #[test]
    fn a_logarithmic_axis_leaves_out_what_is_not_positive() {
        let mut chart = chart(&[(0.0, 0.001), (10.0, 100.0), (20.0, 0.0)]);
        chart.y.scale = Scale::Log;
        let svg = chart.draw().unwrap();
        for label in ["0.01", "1", "100"] {
            assert!(svg.contains(&format!("\n{label}\n")), "{label} in {svg}");
        }
        let curve = svg
            .lines()
            .find(|it| it.contains("polyline") && it.contains("width=\"5\""));
        let (_, points) = curve.unwrap().split_once("points=\"").unwrap();
        assert_eq!(points.split(' ').filter(|it| it.contains(',')).count(), 2);
    }

    #[test]
    fn a_short_logarithmic_axis_has_several_marks() {
        let near = |found: Vec<f64>, expected: &[f64]| {
            assert_eq!(found.len(), expected.len(), "{found:?}");
            let mut pairs = found.iter().zip(expected);
            assert!(
                pairs.all(|(one, other)| (one / other - 1.0).abs() < 1e-9),
                "{found:?}"
            );
        };
        near(ticks(0.015, 0.12), &[0.02, 0.05, 0.1]);
        near(ticks(0.5, 2000.0), &[1.0, 10.0, 100.0, 1000.0]);
    }

    #[test]
    fn axes_hold_what_they_are_bound_to() {
        let values = || [2.0, 4.0].into_iter();
        assert_eq!(Axis::from_zero("").range(values()), (0.0, 4.2));
        assert_eq!(Axis::new("").range(values()), (1.9, 4.1));
        let bound = Axis {
            low: Some(0.0),
            high: Some(90.0),
            ..Axis::default()
        };
        assert_eq!(bound.range(values()), (0.0, 90.0));
        let (low, high) = Axis::new("").range([5.0].into_iter());
        assert!(low < 5.0 && 5.0 < high);
    }

    #[test]
    fn numbers_are_short_and_grouped() {
        assert_eq!(number(20_000.0, 20_000.0), "20,000");
        assert_eq!(number(-1_234.0, 5_000.0), "−1,234");
        assert_eq!(number(0.3, 1.0), "0.3");
        assert_eq!(number(0.02, 0.1), "0.02");
        assert_eq!(number(0.2, 0.95), "0.2");
        assert_eq!(number(-1e-18, 1.0), "0.0");
    }
}
