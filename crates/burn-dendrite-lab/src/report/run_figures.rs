//! Which figures the files of a run and its analysis allow.

use std::collections::BTreeMap;

use burn_dendrite_train::run::SegmentRecord;

use super::{
    charts::{self, field_grid, metric_caption, settling, weight_densities},
    run::RunReport,
    section::{Section, file_part},
};
use crate::{
    analysis::{Analysis, Measurement, Quantity, measurements},
    plot::{Axis, Bar, BarChart, LineChart, PlotError, Point, Series},
};

/// All sections, in the order of the page.
pub(super) fn sections(report: &RunReport) -> Result<Vec<Section>, PlotError> {
    let analysis = report.analyzed.as_ref().map(|it| &it.analysis);
    let mut sections = vec![learning(report)?];
    if let Some(analysis) = analysis {
        let measured = measurements(analysis);
        sections.push(dendrites(analysis, &measured)?);
        sections.push(representations(analysis, &measured)?);
        sections.push(dynamics_and_weights(analysis)?);
    }
    let shown = |section: &Section| !(section.figures.is_empty() && section.missing.is_empty());
    Ok(sections.into_iter().filter(shown).collect())
}

/// A chart of every metric; those that differ in the population or layer alone share one.
fn learning(report: &RunReport) -> Result<Section, PlotError> {
    let mut section = Section::new("Learning");
    let mut families: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for metric in report.records.iter().flat_map(|it| it.metrics.keys()) {
        let members = families.entry(family(metric, report)).or_default();
        if !members.contains(&metric.as_str()) {
            members.push(metric);
        }
    }
    // The two that everybody looks for first.
    let first = |family: &&str| match *family {
        "Accuracy" => 0,
        "Loss" => 1,
        _ => 2,
    };
    let mut names: Vec<&str> = families.keys().copied().collect();
    names.sort_by_key(first);
    for family in names {
        let members = &families[family];
        let chart = match members.as_slice() {
            [metric] => both_splits(&report.records, metric),
            _ => members_of(&report.records, family, members),
        };
        section.lines(&file_part(family), metric_caption(family), &chart)?;
    }
    if section.figures.is_empty() {
        section
            .missing
            .push("Nothing has been measured over training yet.".to_owned());
    }
    Ok(section)
}

/// The name of a metric without the population or layer that it belongs to.
fn family<'a>(metric: &'a str, report: &RunReport) -> &'a str {
    let Some((family, place)) = metric.rsplit_once(' ') else {
        return metric;
    };
    let is_place = report.places.iter().any(|it| it == place);
    if is_place { family } else { metric }
}

fn both_splits(records: &[SegmentRecord], metric: &str) -> LineChart {
    let splits = [("train", "training"), ("valid", "validation")];
    let series = splits.into_iter().enumerate();
    let series = series.map(|(number, (split, name))| Series {
        name: name.to_owned(),
        number,
        points: points(records, split, metric),
    });
    chart(metric, series.collect())
}

fn members_of(records: &[SegmentRecord], family: &str, members: &[&str]) -> LineChart {
    let is_validated = records
        .iter()
        .any(|it| it.split == "valid" && it.metrics.contains_key(members[0]));
    let (split, name) = if is_validated {
        ("valid", "validation")
    } else {
        ("train", "training")
    };
    let series = members.iter().enumerate().map(|(number, metric)| {
        let place = metric.strip_prefix(family).unwrap_or(metric).trim();
        Series {
            name: if place.is_empty() {
                "all".to_owned()
            } else {
                place.to_owned()
            },
            number,
            points: points(records, split, metric),
        }
    });
    let chart = chart(family, series.collect());
    LineChart {
        title: format!("{}, {name}", chart.title),
        ..chart
    }
}

fn points(records: &[SegmentRecord], split: &str, metric: &str) -> Vec<Point> {
    let records = records.iter().filter(|it| it.split == split);
    let point = |record: &SegmentRecord| {
        Some(Point {
            x: record.samples as f64,
            y: *record.metrics.get(metric)?,
            sem: None,
        })
    };
    records.filter_map(point).collect()
}

fn chart(metric: &str, series: Vec<Series>) -> LineChart {
    let y = match metric {
        "Loss" => Axis::log("mean squared error"),
        // What is near its end is told apart only where the axis does not begin at zero.
        "Accuracy" => Axis::new("% of samples"),
        _ => Axis::from_zero("mean"),
    };
    // `Settling Residual H1` as a sentence has it; places keep their letters.
    let is_place = |word: &str| word.contains(|it: char| it.is_ascii_digit() || it == '.');
    let words = metric.split(' ').map(|word| {
        if is_place(word) {
            word.to_owned()
        } else {
            word.to_lowercase()
        }
    });
    let mut title = words.collect::<Vec<_>>().join(" ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    LineChart {
        title,
        x: Axis::from_zero("training samples"),
        y,
        series,
    }
}

fn dendrites(analysis: &Analysis, measured: &[Measurement]) -> Result<Section, PlotError> {
    let mut section = Section::new("Dendrites and credit assignment");
    let mut angles = bars(measured, Quantity::BackpropAngle, 1, |_| {
        "all, single samples".to_owned()
    });
    let averaged = |_: &str| "all, mean over samples".to_owned();
    angles.extend(bars(measured, Quantity::AveragedBackpropAngle, 1, averaged));
    angles.extend(bars(
        measured,
        Quantity::ProjectionBackpropAngle,
        1,
        str::to_owned,
    ));
    section.bars(
        "angle-to-backprop",
        charts::BACKPROP_ANGLE,
        &angle_chart("Angle to backprop", angles),
    )?;
    section.expect(
        "angle-to-backprop",
        "The angle to backprop is not shown: it was not measured, or nothing in this network could be \
         compared with it.",
    );
    let mut angles = bars(measured, Quantity::FeedbackAngle, 1, |_| "all".to_owned());
    angles.extend(bars(
        measured,
        Quantity::ProjectionFeedbackAngle,
        1,
        str::to_owned,
    ));
    let chart = angle_chart("Forward and feedback weights", angles);
    section.bars("feedback-angle", charts::FEEDBACK_ANGLE, &chart)?;
    let populations = analysis
        .dendritic_state
        .iter()
        .flat_map(|it| &it.populations);
    let series = populations.enumerate().map(|(number, population)| Series {
        name: population.population.clone(),
        number,
        points: (population.course.iter())
            .map(|moment| Point {
                x: moment.samples as f64,
                y: moment.mean,
                sem: None,
            })
            .collect(),
    });
    section.lines(
        "dendritic-state-course",
        "Mean absolute state of the dendrites, on the same samples, at the start, at every checkpoint \
         that was kept, and at the end.",
        &LineChart {
            title: "Dendritic state".to_owned(),
            x: Axis::from_zero("training samples"),
            y: Axis::from_zero("mean |d|"),
            series: series.collect(),
        },
    )?;
    Ok(section)
}

fn angle_chart(title: &str, bars: Vec<Bar>) -> BarChart {
    BarChart {
        title: title.to_owned(),
        label: "degrees".to_owned(),
        high: None,
        mark: Some(90.0),
        bars,
    }
}

fn representations(analysis: &Analysis, measured: &[Measurement]) -> Result<Section, PlotError> {
    let mut section = Section::new("Representations");
    for it in analysis.receptive_fields.iter() {
        let Some(shape) = it.shape else { continue };
        for population in &it.populations {
            let name = &population.population;
            let grid = field_grid(name.clone(), shape, population);
            if !grid.is_empty() {
                let file = format!("receptive-fields-{}", file_part(name));
                section.add(&file, charts::FIELDS, grid.draw()?);
            }
        }
    }
    for (file, quantity, title, label, decimals, caption) in charts::REPRESENTATIONS {
        let chart = BarChart {
            title: title.to_owned(),
            label: label.to_owned(),
            high: None,
            mark: None,
            bars: bars(measured, quantity, decimals, str::to_owned),
        };
        section.bars(file, caption, &chart)?;
    }
    section.expect(
        "receptive-fields",
        "Receptive fields are not shown: they were not measured, or the network sees no images.",
    );
    Ok(section)
}

fn dynamics_and_weights(analysis: &Analysis) -> Result<Section, PlotError> {
    let mut section = Section::new("Dynamics and weights");
    if let Some(dynamics) = &analysis.dynamics {
        let chart = settling("Dynamics".to_owned(), &[dynamics]);
        section.lines("dynamics", charts::SETTLING, &chart)?;
    }
    if let Some(weights) = &analysis.weights {
        let chart = weight_densities("Weights".to_owned(), weights);
        section.lines("weights", charts::WEIGHTS, &chart)?;
    }
    Ok(section)
}

/// A bar for each population or projection of which a quantity is known.
fn bars(
    measured: &[Measurement],
    quantity: Quantity,
    decimals: usize,
    name: impl Fn(&str) -> String,
) -> Vec<Bar> {
    let of = measured.iter().filter(|it| it.quantity == quantity);
    let bar = |it: &Measurement| Bar {
        name: name(&it.of),
        number: 0,
        value: it.value,
        sem: None,
        values: Vec::new(),
        label: format!("{:.decimals$}", it.value),
    };
    of.map(bar).collect()
}
