//! What the paper found, held against the numbers of a comparison.
//!
//! Networks are recognised by the names of the presets, whatever their data set: `mnist-dtp` and
//! `fashion-mnist-dtp` both are the network of dendritic target propagation. A finding about a network
//! that was not compared, or a quantity that was not measured, is left out.

use crate::compare::{NetworkResults, Results};

/// Whether a finding is seen again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Holds,
    /// It is not.
    DoesNotHold,
}

/// A finding of Galloni et al. 2025.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What the paper says.
    pub claim: &'static str,
    /// Whether it is so here.
    pub verdict: Verdict,
    /// The numbers that say so, in sentences.
    pub numbers: String,
}

impl Finding {
    fn new(claim: &'static str, holds: bool, numbers: String) -> Self {
        let verdict = match holds {
            true => Verdict::Holds,
            false => Verdict::DoesNotHold,
        };
        Self {
            claim,
            verdict,
            numbers,
        }
    }
}

/// Percentage points that are called far apart, or near to each other.
const FAR: f64 = 5.0;
/// Share of its first value that a dendritic state must lose to be called falling towards zero.
const FALL: f64 = 0.5;

/// The findings that the results can speak about.
pub fn findings(results: &Results) -> Vec<Finding> {
    [
        hebbian(results),
        near_backprop(results),
        learned_inhibition(results),
        fixed_inhibition(results),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The network of a preset, whatever its data set.
fn network<'a>(results: &'a Results, preset: &str) -> Option<&'a NetworkResults> {
    let is_it = |network: &&NetworkResults| {
        let name = network.name.as_str();
        let rest = name
            .strip_suffix(preset)
            .and_then(|rest| rest.strip_suffix('-'));
        rest.is_some_and(|dataset| {
            ["mnist", "fashion-mnist", "cifar10", "spirals"].contains(&dataset)
        })
    };
    results.networks.iter().find(is_it)
}

fn percent(network: &NetworkResults) -> String {
    format!(
        "{} {} %",
        network.name,
        network.test_accuracy.scaled(100.0).show(2)
    )
}

fn hebbian(results: &Results) -> Option<Finding> {
    let (hebbian, target) = (network(results, "hebbian")?, network(results, "dtp")?);
    let apart = 100.0 * (target.test_accuracy.mean - hebbian.test_accuracy.mean);
    Some(Finding::new(
        "Hebbian learning with a supervised output stays far below dendritic target propagation.",
        apart > FAR,
        format!("{}, {}.", percent(hebbian), percent(target)),
    ))
}

fn near_backprop(results: &Results) -> Option<Finding> {
    let (backprop, target) = (network(results, "backprop-ei")?, network(results, "dtp")?);
    let apart = 100.0 * (backprop.test_accuracy.mean - target.test_accuracy.mean);
    Some(Finding::new(
        "Dendritic target propagation comes near to backprop on the same anatomy.",
        apart < FAR,
        format!(
            "{}, {}: {apart:.2} percentage points apart, where less than {FAR} is called near.",
            percent(target),
            percent(backprop)
        ),
    ))
}

fn learned_inhibition(results: &Results) -> Option<Finding> {
    let (falls, numbers) = dendritic_state(network(results, "dtp")?)?;
    Some(Finding::new(
        "Learned dendritic inhibition brings the dendritic state towards zero.",
        falls,
        numbers,
    ))
}

fn fixed_inhibition(results: &Results) -> Option<Finding> {
    let (falls, numbers) = dendritic_state(network(results, "dtp-fixed-dendi")?)?;
    Some(Finding::new(
        "Fixed dendritic inhibition does not bring the dendritic state towards zero.",
        !falls,
        numbers,
    ))
}

/// Whether the dendritic state of every layer falls by more than half, and from where to where.
fn dendritic_state(network: &NetworkResults) -> Option<(bool, String)> {
    let metric = |curve: &&crate::compare::Curve| {
        curve.split == "valid" && curve.metric.starts_with("Dendritic State ")
    };
    let curves: Vec<_> = network.curves.iter().filter(metric).collect();
    let mut falls = !curves.is_empty();
    let mut words = Vec::new();
    for curve in curves {
        let (first, last) = (curve.points.first()?, curve.points.last()?);
        falls &= last.value.mean < FALL * first.value.mean;
        words.push(format!(
            "{} {:.3} after {} samples and {} at the end",
            curve.metric.replace("Dendritic State ", "layer "),
            first.value.mean,
            first.samples,
            last.value.show(3)
        ));
    }
    let numbers = format!("{}: {}.", network.name, words.join(", "));
    (!words.is_empty()).then_some((falls, numbers))
}
