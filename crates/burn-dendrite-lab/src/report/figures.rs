//! Which figures the numbers of a comparison allow.

use super::{
    analysis_figures,
    charts::metric_caption,
    section::{Section, file_part},
};
use crate::{
    compare::{Curve, NetworkResults, Results},
    plot::{Axis, Bar, BarChart, LineChart, PlotError, Point, Series},
    study::Estimate,
};

/// All sections, in the order of the page; one without figures and sentences is left out.
///
/// # Errors
///
/// If plotters cannot draw a chart.
pub fn sections(results: &Results) -> Result<Vec<Section>, PlotError> {
    let sections = [
        accuracy(results)?,
        dendrites(results)?,
        analysis_figures::representations(results)?,
        activity(results)?,
        analysis_figures::weights(results)?,
        cost(results)?,
    ];
    let shown = |section: &Section| !(section.figures.is_empty() && section.missing.is_empty());
    Ok(sections.into_iter().filter(shown).collect())
}

fn accuracy(results: &Results) -> Result<Section, PlotError> {
    let mut section = Section::new("Learning");
    section.bars(
        "test-accuracy",
        "Share of the test images classified rightly after training: bar and line are mean and \
         standard error over seeds, each circle is a seed.",
        &BarChart {
            title: "Test accuracy".to_owned(),
            label: "% of test images".to_owned(),
            high: Some(100.0),
            mark: None,
            bars: bars(results, 1, |network| {
                let values = network
                    .runs
                    .iter()
                    .map(|run| 100.0 * run.summary.test_accuracy);
                Some((network.test_accuracy.scaled(100.0), values.collect()))
            }),
        },
    )?;
    section.lines(
        "validation-accuracy",
        "Accuracy on the validation images over training. Lines are means over seeds, bands are one \
         standard error on both sides.",
        &LineChart {
            // What comes near to 100 is told apart only where the axis does not begin at zero.
            y: Axis::new("% of validation images"),
            ..curves(results, "Validation accuracy", "", "valid", "Accuracy")
        },
    )?;
    section.lines(
        "validation-loss",
        "Mean squared error of the output on the validation images over training, on a logarithmic \
         axis.",
        &LineChart {
            y: Axis::log("mean squared error"),
            ..curves(results, "Validation loss", "", "valid", "Loss")
        },
    )?;
    Ok(section)
}

fn dendrites(results: &Results) -> Result<Section, PlotError> {
    let mut section = Section::new("Dendrites and credit assignment");
    analysis_figures::angles(&mut section, results)?;
    for layer in suffixes(results, "Dendritic State ") {
        section.lines(
            &format!("dendritic-state-{}", layer.to_lowercase()),
            metric_caption("Dendritic State"),
            &curves(
                results,
                &format!("Dendritic state, layer {layer}"),
                "mean |d|",
                split_of(results, &format!("Dendritic State {layer}")),
                &format!("Dendritic State {layer}"),
            ),
        )?;
    }
    section.lines(
        "updated-units",
        metric_caption("Updated Units"),
        &curves(
            results,
            "Updated units",
            "share of units",
            "train",
            "Updated Units",
        ),
    )?;
    section.expect(
        "dendritic-state",
        "The state of the dendrites over training was not measured in these runs.",
    );
    Ok(section)
}

fn activity(results: &Results) -> Result<Section, PlotError> {
    let mut section = Section::new("Activity");
    for population in suffixes(results, "Sparsity ") {
        // Inhibitory populations are shown where there is no excitatory one to show.
        if !population.ends_with(".E") {
            continue;
        }
        let metric = format!("Sparsity {population}");
        section.lines(
            &format!("sparsity-{}", file_part(&population)),
            metric_caption("Sparsity"),
            &curves(
                results,
                &format!("Sparsity, {population}"),
                "0 to 1",
                split_of(results, &metric),
                &metric,
            ),
        )?;
    }
    analysis_figures::dynamics(&mut section, results)?;
    let metric = "Settling Residual";
    section.lines(
        "settling-residual",
        metric_caption("Settling Residual"),
        &curves(
            results,
            "Settling residual",
            "relative change in the last step",
            split_of(results, metric),
            metric,
        ),
    )?;
    section.expect(
        "sparsity",
        "Sparsity over training was not measured in these runs.",
    );
    section.expect(
        "settling-residual",
        "How far the networks settle was not measured in these runs.",
    );
    Ok(section)
}

fn cost(results: &Results) -> Result<Section, PlotError> {
    let mut section = Section::new("Cost");
    section.bars(
        "samples-per-second",
        "Training samples a second of one process, validation not counted. Several processes ran \
         side by side, so these are speeds under load.",
        &BarChart {
            title: "Speed of training".to_owned(),
            label: "samples/s".to_owned(),
            high: None,
            mark: None,
            bars: bars(results, 0, |network| {
                let values = network
                    .runs
                    .iter()
                    .map(|run| run.summary.samples_per_second);
                Some((
                    network.samples_per_second?,
                    values.filter(|it| *it > 0.0).collect(),
                ))
            }),
        },
    )?;
    section.bars(
        "seconds",
        "Seconds of training of one run at that speed.",
        &BarChart {
            title: "Time of training".to_owned(),
            label: "seconds a run".to_owned(),
            high: None,
            mark: None,
            bars: bars(results, 1, |network| {
                let values = network.runs.iter().filter_map(|run| run.seconds());
                Some((network.seconds?, values.collect()))
            }),
        },
    )?;
    Ok(section)
}

/// A bar for each network that has the quantity.
fn bars(
    results: &Results,
    decimals: usize,
    quantity: impl Fn(&NetworkResults) -> Option<(Estimate, Vec<f64>)>,
) -> Vec<Bar> {
    let bar = |(number, network): (usize, &NetworkResults)| {
        let (estimate, values) = quantity(network)?;
        Some(Bar {
            name: network.name.clone(),
            number,
            value: estimate.mean,
            sem: estimate.sem,
            values,
            label: estimate.show(decimals),
        })
    };
    results
        .networks
        .iter()
        .enumerate()
        .filter_map(bar)
        .collect()
}

/// A metric of all networks that have it, over training samples.
fn curves(results: &Results, title: &str, label: &str, split: &str, metric: &str) -> LineChart {
    let series = |(number, network): (usize, &NetworkResults)| {
        let curve = network.curve(split, metric)?;
        Some(Series {
            name: network.name.clone(),
            number,
            points: points(curve),
        })
    };
    LineChart {
        title: title.to_owned(),
        x: Axis::from_zero("training samples"),
        y: Axis::from_zero(label),
        series: results
            .networks
            .iter()
            .enumerate()
            .filter_map(series)
            .collect(),
    }
}

fn points(curve: &Curve) -> Vec<Point> {
    let point = |it: &crate::compare::CurvePoint| Point {
        x: it.samples as f64,
        y: it.value.mean,
        sem: it.value.sem,
    };
    curve.points.iter().map(point).collect()
}

/// Validation, if the metric was measured there, else training.
fn split_of(results: &Results, metric: &str) -> &'static str {
    let measured = |network: &NetworkResults| network.curve("valid", metric).is_some();
    if results.networks.iter().any(measured) {
        "valid"
    } else {
        "train"
    }
}

/// What follows `prefix` in the names of the metrics that begin with it.
fn suffixes(results: &Results, prefix: &str) -> Vec<String> {
    let curves = results.networks.iter().flat_map(|network| &network.curves);
    let mut suffixes: Vec<String> = curves
        .filter_map(|curve| curve.metric.strip_prefix(prefix))
        .map(str::to_owned)
        .collect();
    suffixes.sort();
    suffixes.dedup();
    suffixes
}
