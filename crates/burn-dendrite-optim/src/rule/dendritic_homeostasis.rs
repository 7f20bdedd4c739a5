//! Dendritic inhibition that learns from the dendrites it ends on.

use burn_dendrite_nn::{PopulationName, numbers::Rows};
use serde::{Deserialize, Serialize};

use super::{BatchMeaning, LearningRule, Signal, StepSize, normalised::normalised};
use crate::{Delta, Synapse};

/// Interneurons learn from the layer above how much to inhibit, so that the dendrites on which they end
/// stay at rest on average, both without the nudge and in their answer to it.
///
/// ```text
/// Δv_o = ⟨d̄ r_o⟩ / Σ_k ⟨r_k²⟩  +  ⟨Δd̄ Δr_o⟩ / Σ_k ⟨Δr_k²⟩
/// ```
///
/// `r` is the presynaptic rate at the end of the forward phase and `Δr` its change under the nudge; `d̄` is
/// the mean over the cells of the population `of` of their dendritic state without the nudge, and `Δd̄` that
/// of its change; brackets are means over the batch. With normalised steps, a learning rate of 1 removes
/// the mean at once where the inputs are alike. No weight is copied: the interneuron feels what it does.
///
/// Needs a nudge from the top down whose plateaus are differences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DendriticHomeostasis {
    /// The population whose dendrites are felt; `H1.E` unless given.
    #[serde(default = "first_hidden")]
    pub of: PopulationName,
    /// Strength of the nudge, whose share is taken out of the change; 1 unless given.
    #[serde(default = "one")]
    pub strength: f64,
}

fn first_hidden() -> PopulationName {
    "H1.E".parse().expect("a population name")
}

fn one() -> f64 {
    1.0
}

impl LearningRule for DendriticHomeostasis {
    fn needs(&self) -> &'static [Signal] {
        &[Signal::Nudged]
    }

    fn feels(&self) -> Option<&PopulationName> {
        Some(&self.of)
    }

    fn step_size(&self) -> StepSize {
        StepSize::Rule
    }

    /// The steps are normalised over the batch.
    fn batch(&self) -> BatchMeaning {
        BatchMeaning::Whole
    }

    fn update<R: Rows>(&self, synapse: &Synapse<'_, R>) -> Delta<R> {
        let rate = synapse.pre.forward();
        let change = synapse.pre.nudged() - rate.clone();
        let resting = synapse.felt().dendrite().mean_of_row();
        let answer = synapse.felt().nudged_dendrite().mean_of_row() * self.strength;
        // The same for all interneurons.
        let post = synapse.post.forward();
        let each = post.filled([1, post.dims()[1]], 1.0);
        let at_rest = normalised(resting, &rate) * each.clone();
        let nudged = normalised(answer, &change) * each;
        synapse
            .outer(rate, at_rest)
            .and(synapse.outer(change, nudged))
    }
}

#[cfg(test)]
mod tests {
    use burn_dendrite_nn::{Parameter, numbers::HostRows};

    use super::*;
    use crate::{DendriticInhibition, EiNetworkConfig, Trace};

    #[test]
    fn the_mean_state_and_its_change_are_learned_away() {
        let config =
            EiNetworkConfig::new(1, [2], 2).with_dendritic_inhibition(DendriticInhibition::Learned);
        let (spec, learning) = config.build();
        let plan = spec.check().unwrap();
        learning.check(&plan).unwrap();
        let population = |name: &str| plan.population(&name.parse().unwrap()).unwrap();
        let rows = |values: &[f32]| HostRows::from_values(values, [1, values.len()]);
        let (cells, above) = (population("H1.E"), population("Output.E"));
        let zeros = || {
            plan.populations
                .iter()
                .map(|(_, it)| rows(&vec![0.0; it.size]))
                .collect()
        };
        let mut state = burn_dendrite_nn::NetworkState {
            soma: zeros(),
            activity: zeros(),
            previous: zeros(),
            past: Vec::new(),
        };
        state.activity[above] = rows(&[0.6, 0.2]);
        let none = || plan.populations.iter().map(|_| None).collect();
        let mut trace = Trace::forward_only(state, none());
        trace.dendrite[cells] = Some(rows(&[0.5, 0.3]));
        trace.nudged.activity[above] = rows(&[0.5, 0.3]);
        trace.nudged_dendrite[cells] = Some(rows(&[0.2, -0.4]));

        let on = plan
            .projection_named(&"H1.DendI<-Output.E".parse().unwrap())
            .unwrap();
        let synapse = Synapse::new(&plan, Parameter::Weight(on), &trace, Some(cells), &[]);
        let rule = DendriticHomeostasis {
            of: "H1.E".parse().unwrap(),
            strength: 2.0,
        };
        let change = rule
            .update(&synapse)
            .products
            .into_iter()
            .fold([0.0; 2], |sum, (pre, post)| {
                [0, 1].map(|unit| sum[unit] + pre.row(0)[unit] * post.row(0)[0])
            });
        // At rest: 0.4 · (0.6, 0.2) / 0.4. In the answer: −0.1 · 2 · (−0.1, 0.1) / 0.02.
        for (change, expected) in change.iter().zip([0.6 + 1.0, 0.2 - 1.0]) {
            assert!(
                (change - expected).abs() < 1e-5,
                "{change} instead of {expected}"
            );
        }
    }
}
