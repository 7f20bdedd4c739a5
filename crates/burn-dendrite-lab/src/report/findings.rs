//! What the paper found, held against the numbers of a comparison.
//!
//! Networks are recognised by the names of the presets, whatever their data set: `mnist-dtp` and
//! `fashion-mnist-dtp` both are the network of dendritic target propagation. A finding about a network
//! that was not compared, or a quantity that was not measured, is left out.

use crate::{
    analysis::Quantity,
    compare::{Curve, NetworkResults, Results},
    study::Estimate,
};

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
        let verdict = if holds {
            Verdict::Holds
        } else {
            Verdict::DoesNotHold
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
/// Degrees below which an angle is called well below 90°.
const WELL_BELOW: f64 = 70.0;
/// Degrees by which one angle must be smaller than another one to be called smaller.
const SMALLER: f64 = 2.0;

/// The findings that the results can speak about.
pub fn findings(results: &Results) -> Vec<Finding> {
    [
        hebbian(results),
        near_backprop(results),
        learned_inhibition(results),
        fixed_inhibition(results),
        near_the_gradient(results),
        nearer_with_learned_inhibition(results),
        learned_feedback(results),
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

fn near_the_gradient(results: &Results) -> Option<Finding> {
    let (angle, numbers) = angle(network(results, "dtp")?, Quantity::BackpropAngle)?;
    Some(Finding::new(
        "Dendritic target propagation changes weights much as backprop would.",
        angle < WELL_BELOW,
        format!("Angle to backprop: {numbers}, where less than {WELL_BELOW}° is called much."),
    ))
}

fn nearer_with_learned_inhibition(results: &Results) -> Option<Finding> {
    let quantity = Quantity::BackpropAngle;
    let (learned, words) = angle(network(results, "dtp")?, quantity)?;
    let (fixed, others) = angle(network(results, "dtp-fixed-dendi")?, quantity)?;
    Some(Finding::new(
        "It is nearer to backprop with learned than with fixed dendritic inhibition.",
        learned < fixed - SMALLER,
        format!("Angle to backprop: {words}, {others}."),
    ))
}

fn learned_feedback(results: &Results) -> Option<Finding> {
    let quantity = Quantity::FeedbackAngle;
    let (learned, words) = angle(network(results, "dtp-learned-feedback")?, quantity)?;
    let (fixed, others) = angle(network(results, "dtp-fixed-feedback")?, quantity)?;
    Some(Finding::new(
        "Learned feedback aligns with the forward weights, fixed feedback does not.",
        learned < fixed - SMALLER,
        format!("Angle between forward and feedback weights: {words}, {others}."),
    ))
}

/// An angle of a network, and the same in words.
fn angle(network: &NetworkResults, quantity: Quantity) -> Option<(f64, String)> {
    let angle: Estimate = network.measure(quantity, "")?;
    Some((angle.mean, format!("{} {}°", network.name, angle.show(1))))
}

/// Whether the dendritic state, as a mean over layers, falls by more than half from the first
/// validation to the last, and from where to where in each layer.
fn dendritic_state(network: &NetworkResults) -> Option<(bool, String)> {
    let metric =
        |curve: &&Curve| curve.split == "valid" && curve.metric.starts_with("Dendritic State ");
    let (mut before, mut after) = (0.0, 0.0);
    let mut words = Vec::new();
    for curve in network.curves.iter().filter(metric) {
        let (first, last) = (curve.points.first()?, curve.points.last()?);
        before += first.value.mean;
        after += last.value.mean;
        words.push(format!(
            "{} {:.3} after {} samples and {} at the end",
            curve.metric.replace("Dendritic State ", "layer "),
            first.value.mean,
            first.samples,
            last.value.show(3)
        ));
    }
    let layers = words.len() as f64;
    let numbers = format!(
        "{}: {}; {:.3} and {:.3} as a mean over layers, where a loss of half is called a fall.",
        network.name,
        words.join(", "),
        before / layers,
        after / layers
    );
    (!words.is_empty()).then_some((after < FALL * before, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{CurvePoint, Measure, tests::results};

    fn measured(network: &mut NetworkResults, quantity: Quantity, mean: f64) {
        network.measures.push(Measure {
            quantity,
            of: String::new(),
            value: Estimate::of(&[mean - 1.0, mean + 1.0]).unwrap(),
        });
    }

    fn verdict(results: &Results, claim: &str) -> Option<Verdict> {
        let all = findings(results);
        all.into_iter()
            .find(|it| it.claim.contains(claim))
            .map(|it| it.verdict)
    }

    #[test]
    fn only_what_was_compared_is_spoken_about() {
        assert_eq!(findings(&results(&[("mnist-dtp", &[0.9])])), []);
        assert_eq!(
            findings(&results(&[("mine", &[0.9]), ("my-hebbian", &[0.1])])),
            []
        );
    }

    #[test]
    fn accuracies_decide() {
        let near = results(&[("mnist-dtp", &[0.9, 0.92]), ("mnist-backprop-ei", &[0.94])]);
        assert_eq!(verdict(&near, "comes near"), Some(Verdict::Holds));
        let both = [
            ("fashion-mnist-dtp", &[0.7][..]),
            ("fashion-mnist-hebbian", &[0.68]),
        ];
        assert_eq!(
            verdict(&results(&both), "far below"),
            Some(Verdict::DoesNotHold)
        );
        let numbers = &findings(&results(&both))[0].numbers;
        assert_eq!(
            numbers,
            "fashion-mnist-hebbian 68.00 %, fashion-mnist-dtp 70.00 %."
        );
    }

    #[test]
    fn angles_decide() {
        let names = [
            "mnist-dtp",
            "mnist-dtp-fixed-dendi",
            "mnist-dtp-learned-feedback",
            "mnist-dtp-fixed-feedback",
        ];
        let mut results = results(&names.map(|name| (name, &[0.9][..])));
        for (network, degrees) in results.networks.iter_mut().zip([40.0, 41.0, 30.0, 60.0]) {
            measured(network, Quantity::BackpropAngle, degrees);
            measured(network, Quantity::FeedbackAngle, degrees);
        }
        assert_eq!(verdict(&results, "much as backprop"), Some(Verdict::Holds));
        assert_eq!(
            verdict(&results, "nearer to backprop"),
            Some(Verdict::DoesNotHold)
        );
        assert_eq!(verdict(&results, "aligns"), Some(Verdict::Holds));
    }

    #[test]
    fn a_state_that_loses_half_of_itself_falls() {
        let state = |layers: &[[f64; 2]]| {
            let point = |(index, mean): (usize, f64)| CurvePoint {
                samples: 10 * (index + 1),
                value: Estimate::of(&[mean]).unwrap(),
            };
            let mut results = results(&[("mnist-dtp", &[0.9])]);
            let curve = |(layer, means): (usize, &[f64; 2])| Curve {
                split: "valid".to_owned(),
                metric: format!("Dendritic State H{}", layer + 1),
                points: means.iter().copied().enumerate().map(point).collect(),
            };
            let curves = layers.iter().enumerate().map(curve);
            results.networks[0].curves.extend(curves);
            verdict(&results, "towards zero")
        };
        assert_eq!(state(&[[1.0, 0.4]]), Some(Verdict::Holds));
        assert_eq!(state(&[[1.0, 0.6]]), Some(Verdict::DoesNotHold));
        // A layer that is near rest from the start cannot fall, and does not count against the rest.
        let layers = [[1.0, 0.1], [0.01, 0.01]];
        assert_eq!(state(&layers), Some(Verdict::Holds));
    }
}
