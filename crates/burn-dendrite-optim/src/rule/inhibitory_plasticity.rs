//! Somatic inhibition that learns to balance excitation.

use burn_dendrite_nn::{CellType, numbers::Rows};
use serde::{Deserialize, Serialize};

use super::{BatchMeaning, LearningRule, RuleSite, StepSize, normalised::normalised};
use crate::{Delta, Synapse};

/// Interneurons learn to cancel what the somata on which they end hear on average.
///
/// ```text
/// Δm_kj = ⟨s_j r_k⟩ / Σ_l ⟨r_l²⟩        m = |w|, the strength of the inhibition
/// ```
///
/// `r` is the presynaptic rate and `s` the postsynaptic somatic state, both at the end of the forward phase;
/// brackets are means over the batch. The change is 0 where the soma is not correlated with the interneuron.
/// With normalised steps, a learning rate of 1 would undo the correlation at once where all inputs are alike;
/// 0.1 learns steadily.
///
/// After the inhibitory plasticity of Vogels et al. 2011 (Science 334, 1569), whose target rate is here a
/// somatic state of 0.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InhibitoryPlasticity {}

impl LearningRule for InhibitoryPlasticity {
    fn check(&self, site: &RuleSite) -> Result<(), String> {
        match site.pre {
            Some(CellType::Inhibitory) => Ok(()),
            _ => Err(
                "it makes inhibition balance excitation; accepted: projections from an inhibitory \
                      population"
                    .to_owned(),
            ),
        }
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
        let excess = normalised(synapse.post.soma(), &rate);
        synapse.outer(rate, -excess)
    }
}

#[cfg(test)]
mod tests {
    use burn_dendrite_nn::{Parameter, numbers::HostRows};

    use super::*;
    use crate::{EiNetworkConfig, SomaticInhibition, Trace};

    #[test]
    fn inhibition_grows_where_the_soma_is_excited_and_shrinks_where_it_is_not() {
        let config = EiNetworkConfig::new(1, [3], 2)
            .with_interneurons(2)
            .with_somatic_inhibition(SomaticInhibition::Learned);
        let (spec, learning) = config.build();
        let plan = spec.check().unwrap();
        learning.check(&plan).unwrap();
        let population = |name: &str| plan.population(&name.parse().unwrap()).unwrap();
        // Two samples.
        let rows = |values: &[f32]| HostRows::from_values(values, [2, values.len() / 2]);
        let zeros = || {
            let populations = plan.populations.iter();
            populations
                .map(|(_, it)| rows(&vec![0.0; 2 * it.size]))
                .collect()
        };
        let mut state = burn_dendrite_nn::NetworkState {
            soma: zeros(),
            activity: zeros(),
            previous: zeros(),
            past: Vec::new(),
        };
        state.activity[population("H1.SomaI")] = rows(&[1.0, 0.0, 1.0, 2.0]);
        state.soma[population("H1.E")] = rows(&[0.6, -0.3, 0.0, 0.0, 0.6, 0.0]);
        let trace = Trace::forward_only(state, plan.populations.iter().map(|_| None).collect());

        let name = "H1.E<-H1.SomaI".parse().unwrap();
        let parameter = Parameter::Weight(plan.projection_named(&name).unwrap());
        let synapse = Synapse::new(&plan, parameter, &trace, None, &[]);
        let changes = InhibitoryPlasticity {}.update(&synapse).products;
        let change = |k: usize, j: usize| -> f32 {
            let of_sample =
                |(pre, post): &(HostRows, HostRows), b: usize| pre.row(b)[k] * post.row(b)[j];
            changes
                .iter()
                .map(|it| of_sample(it, 0) + of_sample(it, 1))
                .sum()
        };
        // Σ ⟨r²⟩ = 1 + 2 = 3. ⟨s r⟩: of the first interneuron 0.3, 0.15, 0; of the second 0, 0.6, 0. The
        // weights of inhibitory cells are negative.
        let expected = [[-0.1, -0.05, 0.0], [0.0, -0.2, 0.0]];
        for (k, row) in expected.iter().enumerate() {
            for (j, expected) in row.iter().enumerate() {
                assert!(
                    (change(k, j) - expected).abs() < 1e-6,
                    "{k}, {j}: {}",
                    change(k, j)
                );
            }
        }
    }
}
