//! Probes as text.

use std::{fmt, str::FromStr};

use burn_dendrite_nn::{PopulationName, ProjectionName, error::unknown_name};
use serde::{Deserialize, Serialize};

/// One signal that is recorded, written `TARGET: SIGNAL [every SAMPLES] [last RECORDS]`.
///
/// ```
/// use burn_dendrite_train::record::{Probe, Signal};
///
/// let probe: Probe = "H1.E: dendrite every 100 last 50".parse()?;
/// assert_eq!((probe.signal, probe.every), (Signal::Dendrite, 100));
/// assert_eq!(probe.array(), "H1.E.dendrite");
/// assert_eq!(probe.to_string().parse(), Ok(probe));
/// # Ok::<(), burn_dendrite_train::record::ProbeError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Probe {
    /// What is looked at.
    pub target: ProbeTarget,
    /// Which of its signals.
    pub signal: Signal,
    /// Training samples from one record to the next, at least 1.
    pub every: usize,
    /// The newest records that are kept, at least 1; all unless given.
    pub last: Option<usize>,
}

/// What a probe looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeTarget {
    /// The cells of a population.
    Population(PopulationName),
    /// The synapses of a projection.
    Projection(ProjectionName),
}

/// What is recorded of a target; [`record`](crate::record) has the equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Somatic state at the end of the forward phase.
    Soma,
    /// Activity at the end of the forward phase.
    Activity,
    /// Dendritic state at the end of the forward phase.
    Dendrite,
    /// Activity at the end of the backward phase.
    NudgedActivity,
    /// Dendritic state at the end of the backward phase.
    NudgedDendrite,
    /// Plateau potential.
    Plateau,
    /// Bias before the step.
    Bias,
    /// Weights before the step.
    Weight,
}

/// Why something is no probe, or none of a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("probe `{text}`: {message}")]
pub struct ProbeError {
    /// What was written.
    pub text: String,
    /// One sentence: what is wrong and what is accepted.
    pub message: String,
}

impl ProbeError {
    pub(crate) fn new(text: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            text: text.to_string(),
            message: message.into(),
        }
    }
}

const FORM: &str = "accepted: a target, a colon and a signal, e.g. `H1.E: dendrite every 100 last \
                    50` or `H1.E<-Input.E: weight every 1000`";

impl Signal {
    const ALL: [(&str, Self); 8] = [
        ("soma", Self::Soma),
        ("activity", Self::Activity),
        ("dendrite", Self::Dendrite),
        ("nudged_activity", Self::NudgedActivity),
        ("nudged_dendrite", Self::NudgedDendrite),
        ("plateau", Self::Plateau),
        ("bias", Self::Bias),
        ("weight", Self::Weight),
    ];

    /// Its name in a probe and in the file.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, signal)| *signal == self);
        found.expect("every signal has a name").0
    }
}

impl Probe {
    /// Every record of a signal.
    pub fn new(target: ProbeTarget, signal: Signal) -> Self {
        Self {
            target,
            signal,
            every: 1,
            last: None,
        }
    }

    /// The name of its array in the file: target and signal, `H1.E.dendrite`.
    pub fn array(&self) -> String {
        format!("{}.{}", self.target, self.signal)
    }

    /// Whether the values are those that the text form accepts.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.every == 0 {
            return Err("`every` is 0; accepted: 1 sample or more".to_owned());
        }
        if self.last == Some(0) {
            return Err("`last` is 0; accepted: 1 record or more".to_owned());
        }
        match (&self.target, self.signal) {
            (ProbeTarget::Population(name), Signal::Weight) => Err(format!(
                "weights belong to a projection, and `{name}` is a population; accepted: e.g. \
                 `H1.E<-Input.E: weight`"
            )),
            (ProbeTarget::Projection(_), Signal::Weight) | (ProbeTarget::Population(_), _) => {
                Ok(())
            }
            (ProbeTarget::Projection(name), signal) => Err(format!(
                "`{signal}` belongs to a population, and `{name}` is a projection; accepted: \
                 `{name}: weight` or `{}: {signal}`",
                name.post
            )),
        }
    }
}

impl FromStr for ProbeTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("<-") {
            return text.parse().map(Self::Projection);
        }
        text.parse().map(Self::Population).map_err(|_| {
            format!(
                "`{}` is no target; accepted: a population `H1.E` or a projection \
                 `H1.E<-Input.E`",
                text.trim()
            )
        })
    }
}

impl FromStr for Probe {
    type Err = ProbeError;

    fn from_str(text: &str) -> Result<Self, ProbeError> {
        let wrong = |message: String| ProbeError::new(text, message);
        let (target, rest) = text.split_once(':').ok_or_else(|| wrong(FORM.to_owned()))?;
        let target = target.parse().map_err(wrong)?;
        let mut words = rest.split_whitespace();
        let name = words
            .next()
            .ok_or_else(|| wrong("there is no signal".to_owned()))?;
        let found = Signal::ALL.iter().find(|(known, _)| *known == name);
        let (_, signal) = found.ok_or_else(|| {
            let names = Signal::ALL.map(|(name, _)| name);
            wrong(unknown_name("signal", name, names))
        })?;
        let (mut every, mut last) = (None, None);
        while let Some(word) = words.next() {
            let (slot, what) = match word {
                "every" => (&mut every, "samples, e.g. `every 100`"),
                "last" => (&mut last, "records, e.g. `last 50`"),
                _ => {
                    return Err(wrong(format!(
                        "`{word}` stands where `every 100` or `last 50` may stand"
                    )));
                }
            };
            if slot.is_some() {
                return Err(wrong(format!("`{word}` stands twice; accepted: once")));
            }
            let given = words.next();
            let number: Option<usize> = given.and_then(|given| given.parse().ok());
            *slot = Some(number.ok_or_else(|| {
                let given = given.map_or("nothing".to_owned(), |given| format!("`{given}`"));
                wrong(format!(
                    "`{word}` needs a number of {what}, and there is {given}"
                ))
            })?);
        }
        let probe = Self {
            target,
            signal: *signal,
            every: every.unwrap_or(1),
            last,
        };
        probe.check().map_err(wrong)?;
        Ok(probe)
    }
}

impl fmt::Display for ProbeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Population(name) => name.fmt(f),
            Self::Projection(name) => name.fmt(f),
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.signal)?;
        if self.every != 1 {
            write!(f, " every {}", self.every)?;
        }
        match self.last {
            Some(last) => write!(f, " last {last}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Probe {
    type Error = ProbeError;

    fn try_from(text: String) -> Result<Self, ProbeError> {
        text.parse()
    }
}

impl From<Probe> for String {
    fn from(probe: Probe) -> Self {
        probe.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_written_as_it_is_read() {
        for text in [
            "H1.E: soma",
            "H1.E: activity every 10",
            "H1.E: dendrite every 100 last 50",
            "Output.E: nudged_activity last 3",
            "H2.E: nudged_dendrite",
            "H1.E: plateau every 2",
            "H1.SomaI: bias",
            "H1.E<-Input.E: weight every 1000",
        ] {
            let read: Probe = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        let loose: Probe = "  H1.E  <- Input.E :weight  last 7   every 1 "
            .parse()
            .unwrap();
        assert_eq!(loose.to_string(), "H1.E<-Input.E: weight last 7");
        assert_eq!(loose.array(), "H1.E<-Input.E.weight");
    }

    #[test]
    fn what_is_none_is_refused_with_what_would_be() {
        for (text, part) in [
            ("", "a target, a colon and a signal"),
            ("H1.E dendrite", "a target, a colon and a signal"),
            ("H1: soma", "a population `H1.E` or a projection"),
            ("H1.E.dendrite: soma", "`H1.E.dendrite` is no target"),
            ("H1.E<-Input: weight", "`Input` is no population name"),
            ("H1.E:", "there is no signal"),
            ("H1.E: dendrit", "did you mean `dendrite`?"),
            ("H1.E: soma every", "`every 100`, and there is nothing"),
            ("H1.E: soma every x", "`every 100`, and there is `x`"),
            ("H1.E: soma every -1", "and there is `-1`"),
            ("H1.E: soma every 0", "1 sample or more"),
            ("H1.E: soma last 0", "1 record or more"),
            ("H1.E: soma last 0.5", "`last 50`, and there is `0.5`"),
            ("H1.E: soma every 1 every 2", "`every` stands twice"),
            ("H1.E: soma now", "`now` stands where"),
            ("H1.E: weight", "`H1.E` is a population"),
            ("H1.E<-Input.E: soma", "`H1.E: soma`"),
            ("H1.E<-Input.E: bias", "`H1.E: bias`"),
        ] {
            let error = text.parse::<Probe>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
            assert!(error.starts_with(&format!("probe `{text}`: ")), "{error}");
        }
    }
}
