//! Populations that fall silent.

use std::collections::BTreeSet;

use burn_dendrite_nn::{Plan, PopulationId, PopulationName, ProjectionPlan};

/// What was heard of the populations of a network in the validation under way, and what was said of
/// those before.
#[derive(Debug, Default)]
pub(crate) struct Silence {
    output: Option<PopulationName>,
    /// Every population but the input, in order of update, and whether a unit of it was active, or
    /// none can be before the backward phase.
    populations: Vec<(PopulationName, bool)>,
    /// Hidden populations whose silence is no news.
    told: BTreeSet<PopulationName>,
}

impl Silence {
    /// Says no more of the silence of these populations.
    pub(crate) fn has_told(&mut self, names: impl IntoIterator<Item = PopulationName>) {
        self.told.extend(names);
    }

    /// Hears the largest activity of every population but the input.
    pub(crate) fn listen(&mut self, plan: &Plan, largest: &[(PopulationId, f64)]) {
        if self.populations.is_empty() {
            let name = |id: PopulationId| plan.populations[id].name.clone();
            self.output = Some(name(plan.output));
            let heard = |id: PopulationId| (name(id), !hears_forward(plan, id));
            self.populations = largest.iter().map(|(id, _)| heard(*id)).collect();
        }
        for ((_, active), (_, largest)) in self.populations.iter_mut().zip(largest) {
            *active |= *largest != 0.0;
        }
    }

    /// The populations of which no unit was active so far.
    pub(crate) fn silent(&self) -> Vec<PopulationName> {
        let silent = self.populations.iter().filter(|(_, active)| !active);
        silent.map(|(name, _)| name.clone()).collect()
    }

    /// What there is to say after a validation, a sentence each; the next one begins. A silent output
    /// is told each time, a silent hidden population once.
    pub(crate) fn end_of_validation(&mut self, segment: usize) -> Vec<String> {
        let mut warnings = Vec::new();
        for name in self.silent() {
            if self.output.as_ref() == Some(&name) {
                warnings.push(format!(
                    "segment {segment}: no output neuron was active for any validation sample; \
                     under relu such a network learns no more (smaller learning rates, or another \
                     seed, may help)"
                ));
            } else if self.told.insert(name.clone()) {
                warnings.push(format!(
                    "segment {segment}: no neuron of `{name}` was active for any validation sample; \
                     under relu such neurons may never be active again (smaller learning rates, or \
                     another seed, may help)"
                ));
            }
        }
        self.populations.clear();
        warnings
    }
}

/// Whether anything can make a population active in the forward phase.
fn hears_forward(plan: &Plan, id: PopulationId) -> bool {
    let arrives =
        |projection: &ProjectionPlan| projection.post == id && projection.active.forward();
    plan.populations[id].bias.is_some() || plan.projections.iter().any(arrives)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    /// A validation in two batches, after which these populations have been active.
    fn validate(silence: &mut Silence, active: [&[&str]; 2]) -> Vec<String> {
        let (plan, _) = presets::load("mnist-dtp").unwrap().check().unwrap();
        for active in active {
            let largest = (plan.populations.iter())
                .filter(|(id, _)| *id != plan.input)
                .map(|(id, it)| {
                    let active = active.contains(&it.name.to_string().as_str());
                    (id, if active { 0.5 } else { 0.0 })
                });
            silence.listen(&plan, &largest.collect::<Vec<_>>());
        }
        silence.end_of_validation(3)
    }

    const ALL: [&str; 8] = [
        "H1.E",
        "H1.SomaI",
        "H1.DendI",
        "H2.E",
        "H2.SomaI",
        "H2.DendI",
        "Output.SomaI",
        "Output.E",
    ];

    #[test]
    fn a_silent_output_is_told_after_each_validation_and_a_silent_hidden_population_once() {
        let mut silence = Silence::default();
        // What is active for any sample is not silent.
        assert!(validate(&mut silence, [&ALL[..3], &ALL[2..]]).is_empty());
        for _ in 0..2 {
            let warnings = validate(&mut silence, [&ALL[..7], &[]]);
            assert_eq!(warnings.len(), 1);
            assert!(warnings[0].starts_with("segment 3: no output neuron was active"));
        }
        let warnings = validate(&mut silence, [&ALL[2..], &ALL[1..]]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].starts_with("segment 3: no neuron of `H1.E` was active"));
        let warnings = validate(&mut silence, [&ALL[2..], &[]]);
        assert_eq!(warnings.len(), 1);
        assert!(warnings[0].contains("`H1.SomaI`"));
    }

    #[test]
    fn what_nothing_arrives_at_before_the_backward_phase_is_not_told() {
        let (plan, _) = presets::load("mnist-mirrored-dtp")
            .unwrap()
            .check()
            .unwrap();
        let backward = |name: &str| name.ends_with("DendI");
        let largest = (plan.populations.iter())
            .filter(|(id, _)| *id != plan.input)
            .map(|(id, it)| (id, f64::from(!backward(&it.name.to_string()))));
        let mut silence = Silence::default();
        silence.listen(&plan, &largest.collect::<Vec<_>>());
        assert!(silence.end_of_validation(1).is_empty());
    }

    #[test]
    fn silence_that_was_asked_for_is_not_told() {
        let names = ["H1.DendI".parse().unwrap()];
        let mut silence = Silence::default();
        silence.has_told(names);
        assert!(validate(&mut silence, [&ALL[..2], &ALL[3..]]).is_empty());
    }
}
