//! Figures of the analysis of trained networks.

use super::{
    charts::{self, field_grid, settling, weight_densities},
    section::{Section, file_part},
};
use crate::{
    analysis::{Analysis, Quantity},
    compare::{NetworkResults, Results},
    plot::{Bar, BarChart, PlotError},
};

/// Adds the angles to backprop and of the feedback.
pub(super) fn angles(section: &mut Section, results: &Results) -> Result<(), PlotError> {
    section.bars(
        "angle-to-backprop",
        charts::BACKPROP_ANGLE,
        &network_bars(
            results,
            "Angle to backprop, single samples",
            "degrees",
            1,
            Some(90.0),
            Quantity::BackpropAngle,
        ),
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
        &format!(
            "{} Networks without feedback are left out.",
            charts::FEEDBACK_ANGLE
        ),
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
    for (file, quantity, title, label, decimals, caption) in charts::REPRESENTATIONS {
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
        let (Some(shape), Some(population)) = (fields.shape, fields.populations.first()) else {
            continue;
        };
        let grid = field_grid(network.name.clone(), shape, population);
        if !grid.is_empty() {
            section.add(
                &format!("receptive-fields-{}", file_part(&network.name)),
                &format!("{} Seed {seed}.", charts::FIELDS),
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
        if courses.is_empty() {
            continue;
        }
        let chart = settling(format!("Dynamics, {}", network.name), &courses);
        section.lines(
            &format!("dynamics-{}", file_part(&network.name)),
            charts::SETTLING,
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
        let chart = weight_densities(format!("Weights, {}", network.name), weights);
        section.lines(
            &format!("weights-{}", file_part(&network.name)),
            &format!("{} Seed {seed}.", charts::WEIGHTS),
            &chart,
        )?;
    }
    section.expect(
        "weights",
        "Distributions of weights are not shown: the networks were not analysed.",
    );
    Ok(section)
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
