//! Pictures of an analysis that the pages of a run and of a comparison have in common.

use crate::{
    analysis::{Dynamics, Quantity, Weights, receptive_fields::PopulationFields},
    plot::{Axis, ImageGrid, LineChart, Point, Series, Tile},
    study::Estimate,
};

/// What [`field_grid`] shows.
pub(super) const FIELDS: &str = "How the activity of single units answers to each pixel (mean gradient \
    over test images). Red raises it, blue lowers it; each field has its own scale. The field of a unit \
    that answers to none of them is blank.";
/// What [`settling`] shows.
pub(super) const SETTLING: &str =
    "Mean activity of each population while the network settles on a test pattern.";
/// What [`weight_densities`] shows.
pub(super) const WEIGHTS: &str = "How the weights between types of cells (post<-pre) are distributed \
    after training, on a logarithmic axis.";

/// What a bar of the angle to backprop shows.
pub(super) const BACKPROP_ANGLE: &str = "Angle between the weight changes of the rule and those of backprop \
    on the same network by the same sample, mean over test samples: 0° is the gradient, as for backprop \
    itself, 90° (line) is unrelated to it.";
/// What a bar of the angle of feedback shows.
pub(super) const FEEDBACK_ANGLE: &str = "Angle between the forward weights and the feedback weights of the \
    same populations: 0° is symmetric feedback, 90° (line) is unrelated.";

/// What is measured of the answers of a population: name of the file, quantity, title, unit, decimals, and
/// how to read it.
pub(super) const REPRESENTATIONS: [(&str, Quantity, &str, &str, usize, &str); 5] = [
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

/// How to read the curve of a metric, by its name without the population or layer that it belongs to.
pub(super) fn metric_caption(metric: &str) -> &'static str {
    match metric {
        "Accuracy" => "Share of the samples classified rightly over training.",
        "Loss" => "Mean squared error of the output over training, on a logarithmic axis.",
        "Dendritic State" => {
            "Mean absolute state of the dendrites at the end of the forward phase. It falls towards \
             zero where dendritic inhibition learns to cancel the top-down excitation."
        }
        "Updated Units" => {
            "Share of the nudged units with a plateau potential in a training step: those whose \
             incoming weights change."
        }
        "Sparsity" => {
            "How few units carry the activity of a pattern (Vinje and Gallant): 0 where all are \
             equally active, 1 where a single one is."
        }
        "Settling Residual" => {
            "Relative change of the mean activity in the last step of the forward phase, of the \
             population where it is largest: how far the network is from rest when it is read out."
        }
        "Dale Violations" => {
            "Share of weights whose sign is not that of their cell: 0 under Dale's law."
        }
        _ => "The mean over each segment of training, and over each validation.",
    }
}

/// The receptive fields of a population as images, each the mean over channels.
pub(super) fn field_grid(
    of: String,
    [channels, height, width]: [usize; 3],
    population: &PopulationFields,
) -> ImageGrid {
    let pixels = height * width;
    let value = |field: &[f32], pixel: usize| {
        let values = field
            .iter()
            .skip(pixel)
            .step_by(pixels.max(1))
            .take(channels);
        values.map(|value| f64::from(*value)).sum::<f64>() / channels as f64
    };
    let tile = |field: &[f32]| Tile {
        width,
        height,
        values: (0..pixels).map(|pixel| value(field, pixel)).collect(),
    };
    ImageGrid {
        title: format!("Receptive fields, {of}"),
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
    }
}

/// Mean activity over the steps of the forward phase, a curve for each population of the first of these
/// runs of a network; means and standard errors over all.
pub(super) fn settling(title: String, courses: &[&Dynamics]) -> LineChart {
    let populations = courses.first().map(|first| first.populations.as_slice());
    let series = populations.unwrap_or_default().iter().enumerate();
    let series = series.map(|(number, population)| {
        let at = |step: usize| -> Vec<f64> {
            let all = courses.iter().flat_map(|course| &course.populations);
            let same = all.filter(|it| it.population == population.population);
            same.filter_map(|it| it.activity.get(step).copied())
                .collect()
        };
        let point = |step: usize| {
            Estimate::of(&at(step)).map(|value| Point {
                x: (step + 1) as f64,
                y: value.mean,
                sem: value.sem,
            })
        };
        Series {
            name: population.population.clone(),
            number,
            points: (0..population.activity.len()).filter_map(point).collect(),
        }
    });
    LineChart {
        title,
        x: Axis::from_zero("step of the forward phase"),
        y: Axis::from_zero("mean activity"),
        series: series.collect(),
    }
}

/// The distributions of weights by the types of the two cells.
pub(super) fn weight_densities(title: String, weights: &Weights) -> LineChart {
    let series = weights.cell_types.iter().enumerate();
    let series = series.map(|(number, it)| Series {
        name: it.name.clone(),
        number,
        points: density(&it.histogram.edges, &it.histogram.counts),
    });
    LineChart {
        title,
        x: Axis::new("weight"),
        y: Axis::log("density"),
        series: series.collect(),
    }
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
