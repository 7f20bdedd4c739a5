//! Figures of the analysis of trained networks.

use super::figures::{Section, file_part};
use crate::{
    analysis::Analysis,
    analysis::Quantity,
    compare::{NetworkResults, Results},
    plot::{Axis, Bar, BarChart, ImageGrid, LineChart, PlotError, Point, Series, Tile},
    study::Estimate,
};

/// Adds the angles to backprop and of the feedback.
pub(super) fn angles(section: &mut Section, results: &Results) -> Result<(), PlotError> {
    section.bars(
        "angle-to-backprop",
        "Angle between the weight changes of the rule and those of backprop on the same network by \
         the same sample, mean over test samples: 0° is the gradient, as for backprop itself, 90° (line) is unrelated \
         to it.",
        &network_bars(results, "Angle to backprop, single samples", "degrees", 1, Some(90.0), Quantity::BackpropAngle),
    )?;
    section.bars(
        "angle-to-backprop-averaged",
        "The same angle between the mean changes over all these samples.",
        &network_bars(
            results,
            "Angle to backprop, averaged",
            "degrees",
            1,
            Some(90.0),
            Quantity::AveragedBackpropAngle,
        ),
    )?;
    section.expect(
        "angle-to-backprop",
        "The angle to backprop is not shown: the networks were not analysed, or nothing in them \
         could be compared with it.",
    );
    section.bars(
        "feedback-angle",
        "Angle between the forward weights and the feedback weights of the same populations: 0° is \
         symmetric feedback, 90° (line) is unrelated. Networks without feedback are left out.",
        &network_bars(
            results,
            "Forward and feedback weights",
            "degrees",
            1,
            Some(90.0),
            Quantity::FeedbackAngle,
        ),
    )?;
    section.expect(
        "feedback-angle",
        "The angle between forward and feedback weights is not shown: the networks were not \
         analysed, or have no feedback.",
    );
    Ok(())
}

/// What the hidden excitatory populations represent.
pub(super) fn representations(results: &Results) -> Result<Section, PlotError> {
    let mut section = Section::new("Representations");
    let charts = [
        (
            "sparsity-test",
            Quantity::Sparsity,
            "Sparsity",
            "0 to 1",
            2,
            "How few units answer to a test pattern: 0 where all answer alike, 1 where a single one \
             does.",
        ),
        (
            "selectivity",
            Quantity::Selectivity,
            "Selectivity",
            "0 to 1",
            2,
            "To how few test patterns a unit answers: 0 for all alike or none, 1 for a single one.",
        ),
        (
            "discriminability",
            Quantity::Discriminability,
            "Discriminability",
            "1 − cosine, 0 to 1",
            2,
            "How differently a population answers to two test patterns.",
        ),
        (
            "participation-ratio",
            Quantity::ParticipationRatio,
            "Dimensionality",
            "participation ratio",
            1,
            "How many dimensions the answers to the test patterns fill.",
        ),
        (
            "field-structure",
            Quantity::FieldStructure,
            "Structure of receptive fields",
            "|Moran's I|, 0 to 1",
            2,
            "How smooth receptive fields are in space: 0 for noise.",
        ),
    ];
    for (file, quantity, title, label, decimals, caption) in charts {
        let chart = population_bars(results, title, label, decimals, quantity);
        section.bars(file, caption, &chart)?;
    }
    fields(&mut section, results)?;
    section.expect(
        "sparsity-test",
        "Sparsity, selectivity and discriminability are not shown: the networks were not analysed.",
    );
    section.expect(
        "receptive-fields",
        "Receptive fields are not shown: the networks were not analysed, or see no images.",
    );
    Ok(section)
}

/// Receptive fields of the first hidden layer, as images.
fn fields(section: &mut Section, results: &Results) -> Result<(), PlotError> {
    for network in &results.networks {
        let Some((seed, fields)) = example(network, |it| it.receptive_fields.as_ref()) else {
            continue;
        };
        let (Some([channels, height, width]), Some(population)) =
            (fields.shape, fields.populations.first())
        else {
            continue;
        };
        let pixels = height * width;
        let tile = |field: &Vec<f32>| Tile {
            width,
            height,
            // The mean over channels.
            values: (0..pixels)
                .map(|pixel| {
                    let values = field
                        .iter()
                        .skip(pixel)
                        .step_by(pixels.max(1))
                        .take(channels);
                    values.map(|value| f64::from(*value)).sum::<f64>() / channels as f64
                })
                .collect(),
        };
        let grid = ImageGrid {
            title: format!("Receptive fields, {}", network.name),
            subtitle: format!(
                "{} units of {}",
                population.units.len(),
                population.population
            ),
            columns: 8,
            tiles: population
                .units
                .iter()
                .map(|unit| tile(&unit.field))
                .collect(),
        };
        if !grid.is_empty() {
            section.add(
                &format!("receptive-fields-{}", file_part(&network.name)),
                &format!(
                    "How the activity of single units answers to each pixel (mean gradient over test \
                     images), seed {seed}. Red raises it, blue lowers it; each field has its own \
                     scale. The field of a unit that answers to none of them is blank.",
                ),
                grid.draw()?,
            );
        }
    }
    Ok(())
}

/// Adds activity over the steps of the forward phase, and how far it settles.
pub(super) fn dynamics(section: &mut Section, results: &Results) -> Result<(), PlotError> {
    for network in &results.networks {
        let courses = network
            .runs
            .iter()
            .filter_map(|run| run.analysis.as_ref()?.dynamics.as_ref());
        let courses: Vec<_> = courses.collect();
        let Some(first) = courses.first() else {
            continue;
        };
        let mut series = Vec::new();
        for (number, population) in first.populations.iter().enumerate() {
            let of = |step: usize| -> Vec<f64> {
                let all = courses.iter().flat_map(|course| &course.populations);
                let same = all.filter(|it| it.population == population.population);
                same.filter_map(|it| it.activity.get(step).copied())
                    .collect()
            };
            let point = |step: usize| {
                Estimate::of(&of(step)).map(|value| Point {
                    x: (step + 1) as f64,
                    y: value.mean,
                    sem: value.sem,
                })
            };
            series.push(Series {
                name: population.population.clone(),
                number,
                points: (0..population.activity.len()).filter_map(point).collect(),
            });
        }
        let chart = LineChart {
            title: format!("Dynamics, {}", network.name),
            x: Axis::from_zero("step of the forward phase"),
            y: Axis::from_zero("mean activity"),
            series,
        };
        section.lines(
            &format!("dynamics-{}", file_part(&network.name)),
            "Mean activity of each population while the network settles on a test pattern.",
            &chart,
        )?;
    }
    section.expect(
        "dynamics",
        "Activity over the settling steps is not shown: the networks were not analysed.",
    );
    Ok(())
}

/// Distributions of weights by the types of the two cells.
pub(super) fn weights(results: &Results) -> Result<Section, PlotError> {
    let mut section = Section::new("Weights");
    for network in &results.networks {
        let Some((seed, weights)) = example(network, |it| it.weights.as_ref()) else {
            continue;
        };
        let series = weights
            .cell_types
            .iter()
            .enumerate()
            .map(|(number, it)| Series {
                name: it.name.clone(),
                number,
                points: density(&it.histogram.edges, &it.histogram.counts),
            });
        let chart = LineChart {
            title: format!("Weights, {}", network.name),
            x: Axis::new("weight"),
            y: Axis::log("density"),
            series: series.collect(),
        };
        section.lines(
            &format!("weights-{}", file_part(&network.name)),
            &format!(
                "How the weights between types of cells (post<-pre) are distributed after training, \
                 seed {seed}, on a logarithmic axis.",
            ),
            &chart,
        )?;
    }
    section.expect(
        "weights",
        "Distributions of weights are not shown: the networks were not analysed.",
    );
    Ok(section)
}

/// The outline of a histogram whose area is 1.
fn density(edges: &[f64], counts: &[usize]) -> Vec<Point> {
    let total: usize = counts.iter().sum();
    let mut points = Vec::new();
    for (ends, count) in edges.windows(2).zip(counts) {
        let [from, to] = [ends[0], ends[1]];
        let height = *count as f64 / (total.max(1) as f64 * (to - from));
        points.extend([from, to].map(|x| Point {
            x,
            y: height,
            sem: None,
        }));
    }
    points
}

/// The part of the analysis of the first seed that has it.
fn example<'a, T>(
    network: &'a NetworkResults,
    part: impl Fn(&'a Analysis) -> Option<&'a T>,
) -> Option<(u64, &'a T)> {
    let mut runs = network.runs.iter();
    runs.find_map(|run| Some((run.seed, part(run.analysis.as_ref()?)?)))
}

/// A bar for each network.
fn network_bars(
    results: &Results,
    title: &str,
    label: &str,
    decimals: usize,
    mark: Option<f64>,
    quantity: Quantity,
) -> BarChart {
    let bar = |(number, network): (usize, &NetworkResults)| {
        bar(
            network,
            number,
            network.name.clone(),
            quantity,
            "",
            decimals,
        )
    };
    BarChart {
        title: title.to_owned(),
        label: label.to_owned(),
        high: None,
        mark,
        bars: results
            .networks
            .iter()
            .enumerate()
            .filter_map(bar)
            .collect(),
    }
}

/// A bar for each hidden excitatory population of each network.
fn population_bars(
    results: &Results,
    title: &str,
    label: &str,
    decimals: usize,
    quantity: Quantity,
) -> BarChart {
    let mut bars = Vec::new();
    for (number, network) in results.networks.iter().enumerate() {
        let measures = network.measures.iter().filter(|it| it.quantity == quantity);
        for it in measures.filter(|it| it.of.starts_with('H') && it.of.ends_with(".E")) {
            let name = format!("{}, {}", network.name, it.of);
            bars.extend(bar(network, number, name, quantity, &it.of, decimals));
        }
    }
    BarChart {
        title: title.to_owned(),
        label: label.to_owned(),
        high: None,
        mark: None,
        bars,
    }
}

fn bar(
    network: &NetworkResults,
    number: usize,
    name: String,
    quantity: Quantity,
    of: &str,
    decimals: usize,
) -> Option<Bar> {
    let value = network.measure(quantity, of)?;
    let runs = network.runs.iter().flat_map(|run| &run.measurements);
    let same = runs.filter(|it| it.quantity == quantity && it.of == of);
    Some(Bar {
        name,
        number,
        value: value.mean,
        sem: value.sem,
        values: same.map(|it| it.value).collect(),
        label: value.show(decimals),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_under_a_density_is_one() {
        let points = density(&[-1.0, 0.0, 2.0], &[1, 3]);
        let places: Vec<(f64, f64)> = points.iter().map(|point| (point.x, point.y)).collect();
        // 1 of 4 over a width of 1, and 3 of 4 over a width of 2.
        assert_eq!(
            places,
            [(-1.0, 0.25), (0.0, 0.25), (0.0, 0.375), (2.0, 0.375)]
        );
    }
}
