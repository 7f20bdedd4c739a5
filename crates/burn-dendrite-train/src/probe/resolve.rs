//! Probes resolved for a network and its way of learning.

use burn_dendrite_nn::{Parameter, Plan, PopulationId};
use burn_dendrite_optim::{Learning, State};

use super::{Probe, ProbeError, ProbeTarget, Signal};

/// Probes with every name resolved.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probes(Vec<Resolved>);

/// A probe with its names resolved.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Resolved {
    pub(crate) probe: Probe,
    pub(crate) source: Source,
    /// Shape of one record.
    pub(crate) shape: Vec<usize>,
}

/// Where the values of a probe are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In what a training step leaves in a population.
    State(State, PopulationId),
    /// In the network before the step.
    Parameter(Parameter),
}

impl Probes {
    /// Resolves probes for a network that learns by `learning`.
    ///
    /// # Errors
    ///
    /// One sentence with the nearest name for a target that the network does not have, with the
    /// populations that have a signal where the target has none, and for what is recorded twice.
    pub fn resolve(probes: &[Probe], plan: &Plan, learning: &Learning) -> Result<Self, ProbeError> {
        let mut resolved: Vec<Resolved> = Vec::with_capacity(probes.len());
        for probe in probes {
            let wrong = |message: String| ProbeError::new(probe, message);
            probe.check().map_err(wrong)?;
            let one = Resolved::of(probe, plan, learning).map_err(wrong)?;
            if resolved.iter().any(|other| other.source == one.source) {
                return Err(wrong(format!(
                    "the `{}` of `{}` is recorded twice; accepted: one probe for each signal of a \
                     target",
                    probe.signal, probe.target
                )));
            }
            resolved.push(one);
        }
        Ok(Self(resolved))
    }

    /// Whether nothing is recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Resolved> {
        self.0.iter()
    }
}

impl Resolved {
    fn of(probe: &Probe, plan: &Plan, learning: &Learning) -> Result<Self, String> {
        let (source, shape) = match &probe.target {
            ProbeTarget::Population(name) => {
                let id = plan.population(name)?;
                let source = of_population(probe.signal, id, plan, learning)
                    .ok_or_else(|| absent(probe, plan, learning))?;
                (source, vec![plan.populations[id].size])
            }
            ProbeTarget::Projection(name) => {
                let id = plan.projection_named(name)?;
                let site = &plan.projection(id).site;
                let source = Source::Parameter(Parameter::Weight(id));
                (source, vec![site.pre, site.post])
            }
        };
        Ok(Self {
            probe: probe.clone(),
            source,
            shape,
        })
    }
}

/// Where a signal of a population is; `None` where the population has no such signal.
fn of_population(
    signal: Signal,
    id: PopulationId,
    plan: &Plan,
    learning: &Learning,
) -> Option<Source> {
    let state = match signal {
        Signal::Soma => State::Soma,
        Signal::Activity => State::Activity,
        Signal::Dendrite => State::Dendrite,
        Signal::NudgedActivity => State::NudgedActivity,
        Signal::NudgedDendrite => State::NudgedDendrite,
        Signal::Plateau => State::Plateau,
        Signal::Bias => {
            let bias = plan.populations[id].bias.as_ref();
            return bias.map(|_| Source::Parameter(Parameter::Bias(id)));
        }
        // Refused by the probe's own check.
        Signal::Weight => return None,
    };
    let is_left = state.is_left(plan, learning, id);
    is_left.then_some(Source::State(state, id))
}

/// The sentence for a population without the signal.
fn absent(probe: &Probe, plan: &Plan, learning: &Learning) -> String {
    let (target, signal) = (&probe.target, probe.signal);
    let nudged = matches!(
        signal,
        Signal::NudgedActivity | Signal::NudgedDendrite | Signal::Plateau
    );
    if nudged && learning.nudge().is_none() {
        return format!(
            "`{signal}` is of the backward phase, and this network learns without one; accepted: \
             `soma`, `activity`, `dendrite`, `bias`, and `weight` of a projection"
        );
    }
    let why = match signal {
        Signal::Dendrite => "has no dendrite",
        Signal::NudgedDendrite => "has no dendrite that the backward phase reaches",
        Signal::Plateau => "is not nudged",
        Signal::Bias => "has no bias",
        Signal::Soma | Signal::Activity | Signal::NudgedActivity | Signal::Weight => {
            "has no such signal"
        }
    };
    let with = plan
        .populations
        .iter()
        .filter(|(id, _)| of_population(signal, *id, plan, learning).is_some());
    let with: Vec<String> = with
        .map(|(_, population)| format!("`{}`", population.name))
        .collect();
    match with.as_slice() {
        [] => format!("`{target}` {why}, nor has any other population of this network"),
        with => format!("`{target}` {why}; accepted: {}", with.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    fn resolve(preset: &str, probes: &[&str]) -> Result<Probes, ProbeError> {
        let (plan, learning) = presets::load(preset).unwrap().check().unwrap();
        let probes: Vec<Probe> = probes.iter().map(|text| text.parse().unwrap()).collect();
        Probes::resolve(&probes, &plan, &learning)
    }

    #[test]
    fn records_have_the_shape_of_what_is_recorded() {
        let probes = [
            "H1.E: dendrite",
            "Output.E: plateau",
            "H1.E<-Input.E: weight",
            "Input.E: activity",
            "H1.DendI: nudged_activity",
        ];
        let resolved = resolve("mnist-dtp", &probes).unwrap();
        let shapes: Vec<&[usize]> = resolved.iter().map(|it| it.shape.as_slice()).collect();
        let expected: [&[usize]; 5] = [&[500], &[10], &[784, 500], &[784], &[50]];
        assert_eq!(shapes, expected);
        assert!(resolve("mnist-dtp", &[]).unwrap().is_empty());
    }

    #[test]
    fn what_a_network_does_not_have_is_refused_with_what_it_has() {
        for (preset, probes, part) in [
            ("mnist-dtp", vec!["H1.F: soma"], "did you mean `H1.E`?"),
            (
                "mnist-dtp",
                vec!["H1.E<-Inptu.E: weight"],
                "did you mean `H1.E<-Input.E`?",
            ),
            (
                "mnist-dtp",
                vec!["H1.DendI: dendrite"],
                "`H1.DendI` has no dendrite; accepted: `H1.E`, `H2.E`",
            ),
            (
                "mnist-dtp",
                vec!["H1.SomaI: plateau"],
                "`H1.SomaI` is not nudged; accepted: `H1.E`, `H2.E`, `Output.E`",
            ),
            (
                "mnist-dtp",
                vec!["H1.E: bias"],
                "`H1.E` has no bias, nor has any other population",
            ),
            (
                "spirals-dtp",
                vec!["Input.E: bias"],
                "`Input.E` has no bias; accepted: `H1.E`",
            ),
            (
                "mnist-backprop-ei",
                vec!["H1.E: plateau"],
                "learns without one; accepted: `soma`",
            ),
            (
                "mnist-dtp",
                vec!["H1.E: soma every 2", "H1.E: soma last 3"],
                "the `soma` of `H1.E` is recorded twice",
            ),
        ] {
            let error = resolve(preset, &probes).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn values_that_no_text_could_give_are_refused_too() {
        let (plan, learning) = presets::load("mnist-dtp").unwrap().check().unwrap();
        let target = ProbeTarget::Population("H1.E".parse().unwrap());
        for (probe, part) in [
            (
                Probe {
                    every: 0,
                    ..Probe::new(target.clone(), Signal::Soma)
                },
                "`every` is 0",
            ),
            (Probe::new(target, Signal::Weight), "is a population"),
        ] {
            let error = Probes::resolve(&[probe], &plan, &learning).unwrap_err();
            assert!(error.message.contains(part), "{error}");
        }
    }
}
