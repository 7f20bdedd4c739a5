//! Perturbations as text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Compartment, PopulationName, ProjectionName, error::unknown_name};

/// One change of the dynamics or of learning, written `TARGET: ACTION [of cells] [during …]`.
///
/// ```
/// use burn_dendrite_nn::perturb::{Action, During, Perturbation};
///
/// let perturbation: Perturbation = "H1.SomaI: silence 0.3 of cells during test".parse()?;
/// assert_eq!(perturbation.action, Action::Silence);
/// assert_eq!(perturbation.during, During::Test);
/// assert_eq!(perturbation.to_string().parse(), Ok(perturbation));
/// # Ok::<(), burn_dendrite_nn::perturb::PerturbationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Perturbation {
    /// What is perturbed.
    pub target: PerturbationTarget,
    /// What is done to it.
    pub action: Action,
    /// Share of the cells that are affected, in (0, 1]: the target's own, or those on which the
    /// projections end.
    pub fraction: f64,
    /// When it is done.
    pub during: During,
}

/// What is perturbed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerturbationTarget {
    /// The cells of a population.
    Population(PopulationName),
    /// The synapses of a projection.
    Projection(ProjectionName),
    /// All projections that end at one compartment of a population.
    Compartment(PopulationName, Compartment),
}

/// What is done to a target; [the module](super) has the equations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    /// Nothing comes from it.
    Silence,
    /// What comes from it is multiplied, by a factor in [0, ∞).
    Scale(f64),
    /// Gaussian noise of this standard deviation is added.
    Noise(f64),
    /// What comes from it arrives so many steps later.
    Delay(usize),
    /// Its presynaptic cells change places.
    Shuffle,
    /// This share of its weights, the smallest, are 0.
    Prune(f64),
    /// Its parameters do not learn.
    Freeze,
}

/// When a perturbation acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum During {
    /// In training steps.
    Train,
    /// In validation and test.
    Test,
    /// Always.
    #[default]
    Both,
}

/// What a network is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// A training step.
    Train,
    /// Validation or test.
    Test,
}

/// Why something is no perturbation, or none of a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("perturbation `{text}`: {message}")]
pub struct PerturbationError {
    /// What was written.
    pub text: String,
    /// One sentence: what is wrong and what is accepted.
    pub message: String,
}

impl PerturbationError {
    pub(super) fn new(text: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            text: text.to_string(),
            message: message.into(),
        }
    }
}

/// More steps than any network settles for.
const LONGEST_DELAY: usize = 1000;

const FORM: &str = "accepted: a target, a colon and an action, e.g. `H1.DendI: silence during \
                    train`, `H1.E<-H2.E: scale 0.5` or `H1.SomaI: silence 0.3 of cells`";

impl During {
    /// Whether it acts on an occasion.
    pub fn acts(self, occasion: Occasion) -> bool {
        match self {
            Self::Both => true,
            Self::Train => occasion == Occasion::Train,
            Self::Test => occasion == Occasion::Test,
        }
    }

    const ALL: [(&str, Self); 3] = [
        ("train", Self::Train),
        ("test", Self::Test),
        ("both", Self::Both),
    ];
}

impl Perturbation {
    /// An action on all cells of a target, in training and in test.
    pub fn new(target: PerturbationTarget, action: Action) -> Self {
        Self {
            target,
            action,
            fraction: 1.0,
            during: During::Both,
        }
    }

    /// The same at some time only.
    pub fn during(self, during: During) -> Self {
        Self { during, ..self }
    }

    /// Whether the values are those that the text form accepts.
    pub(super) fn check(&self) -> Result<(), String> {
        let within = |what: &str, value: f64, low: bool| {
            let above = if low { value >= 0.0 } else { value > 0.0 };
            if value.is_finite() && above {
                Ok(())
            } else {
                Err(format!(
                    "{what} is {value}; accepted: a number {} 0",
                    if low { "not below" } else { "above" }
                ))
            }
        };
        let share = |what: &str, value: f64| {
            within(what, value, false)?;
            if value <= 1.0 {
                Ok(())
            } else {
                Err(format!("{what} is {value}; accepted: above 0, up to 1"))
            }
        };
        match self.action {
            Action::Scale(factor) => within("the factor", factor, true)?,
            Action::Noise(deviation) => within("the standard deviation", deviation, true)?,
            Action::Prune(fraction) => share("the share of weights", fraction)?,
            Action::Delay(steps) if !(1..=LONGEST_DELAY).contains(&steps) => {
                return Err(format!(
                    "the delay is {steps}; accepted: 1 to {LONGEST_DELAY} steps"
                ));
            }
            Action::Silence | Action::Delay(_) | Action::Shuffle | Action::Freeze => {}
        }
        share("the fraction of cells", self.fraction)?;
        let divisible = matches!(
            self.action,
            Action::Silence | Action::Scale(_) | Action::Noise(_)
        );
        if self.fraction < 1.0 && !divisible {
            return Err(format!(
                "`{}` concerns all cells; accepted with a fraction: `silence`, `scale`, `noise`",
                self.action.name()
            ));
        }
        match (self.action, self.during) {
            (Action::Freeze, During::Test) => {
                Err("nothing learns in test; accepted: `freeze` or `freeze during train`".into())
            }
            (Action::Prune(_), During::Train | During::Both) => {
                Err("weights are pruned in test; accepted: `prune SHARE during test`".into())
            }
            (Action::Shuffle, _) if matches!(self.target, PerturbationTarget::Population(_)) => {
                Err(
                    "the cells of a projection are shuffled; accepted: `H1.E<-H2.E: shuffle` or \
                     `H1.E.dendrite: shuffle`"
                        .into(),
                )
            }
            _ => Ok(()),
        }
    }
}

impl Action {
    const NAMES: [&str; 7] = [
        "silence", "scale", "noise", "delay", "shuffle", "prune", "freeze",
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence",
            Self::Scale(_) => "scale",
            Self::Noise(_) => "noise",
            Self::Delay(_) => "delay",
            Self::Shuffle => "shuffle",
            Self::Prune(_) => "prune",
            Self::Freeze => "freeze",
        }
    }

    /// The action at the beginning of `words`, of which it takes its own.
    fn take<'a>(words: &mut impl Iterator<Item = &'a str>) -> Result<Self, String> {
        fn value<T: FromStr>(name: &str, kind: &str, word: Option<&str>) -> Result<T, String> {
            let given = word.map_or("nothing".to_owned(), |word| format!("`{word}`"));
            word.and_then(|word| word.parse().ok())
                .ok_or_else(|| format!("`{name}` needs {kind}, and there is {given}"))
        }
        let name = words.next().ok_or("there is no action")?;
        match name {
            "silence" => Ok(Self::Silence),
            "shuffle" => Ok(Self::Shuffle),
            "freeze" => Ok(Self::Freeze),
            "scale" => value(name, "a factor, e.g. `scale 0.5`", words.next()).map(Self::Scale),
            "noise" => {
                value(name, "a standard deviation, e.g. `noise 0.1`", words.next()).map(Self::Noise)
            }
            "delay" => {
                value(name, "a number of steps, e.g. `delay 3`", words.next()).map(Self::Delay)
            }
            "prune" => {
                value(name, "a share of weights, e.g. `prune 0.9`", words.next()).map(Self::Prune)
            }
            other => Err(unknown_name("action", other, Self::NAMES)),
        }
    }
}

impl FromStr for PerturbationTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.contains("<-") {
            return text.parse().map(Self::Projection);
        }
        let compartments = [
            ("soma", Compartment::Soma),
            ("dendrite", Compartment::Dendrite),
        ];
        let parts: Vec<&str> = text.trim().split('.').collect();
        match parts[..] {
            [layer, population, compartment] => {
                let found = compartments.iter().find(|(name, _)| *name == compartment);
                let (_, compartment) = found.ok_or_else(|| {
                    let names = compartments.map(|(name, _)| name);
                    unknown_name("compartment", compartment, names)
                })?;
                let name = format!("{layer}.{population}").parse()?;
                Ok(Self::Compartment(name, *compartment))
            }
            [_, _] => text.parse().map(Self::Population),
            _ => Err(format!(
                "`{text}` is no target; accepted: a population `H1.E`, a projection `H1.E<-H2.E` \
                 or a compartment `H1.E.dendrite`"
            )),
        }
    }
}

impl FromStr for Perturbation {
    type Err = PerturbationError;

    fn from_str(text: &str) -> Result<Self, PerturbationError> {
        let wrong = |message: String| PerturbationError::new(text, message);
        let (target, rest) = text.split_once(':').ok_or_else(|| wrong(FORM.to_owned()))?;
        let target = target.parse().map_err(wrong)?;
        let mut words = rest.split_whitespace();
        let action = Action::take(&mut words).map_err(wrong)?;
        let mut perturbation = Self::new(target, action);
        let mut words = words.peekable();
        if let Some(word) = words.next_if(|word| *word != "during") {
            let fraction = word.parse().ok();
            let of_cells = [words.next(), words.next()] == [Some("of"), Some("cells")];
            perturbation.fraction = fraction.filter(|_| of_cells).ok_or_else(|| {
                wrong(format!(
                    "`{word}` stands where `0.3 of cells` or `during train` may stand"
                ))
            })?;
        }
        if words.next().is_some_and(|word| word != "during") {
            return Err(wrong(FORM.to_owned()));
        } else if let Some(word) = words.next() {
            let found = During::ALL.iter().find(|(name, _)| *name == word);
            let (_, during) = found.ok_or_else(|| {
                let names = During::ALL.map(|(name, _)| name);
                wrong(unknown_name("occasion", word, names))
            })?;
            perturbation.during = *during;
        } else if rest.split_whitespace().next_back() == Some("during") {
            return Err(wrong(
                "`during` needs `train`, `test` or `both` after it".to_owned(),
            ));
        }
        if words.next().is_some() {
            return Err(wrong(FORM.to_owned()));
        }
        perturbation.check().map_err(wrong)?;
        Ok(perturbation)
    }
}

impl fmt::Display for PerturbationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Population(name) => name.fmt(f),
            Self::Projection(name) => name.fmt(f),
            Self::Compartment(name, Compartment::Soma) => write!(f, "{name}.soma"),
            Self::Compartment(name, Compartment::Dendrite) => write!(f, "{name}.dendrite"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Scale(value) | Self::Noise(value) | Self::Prune(value) => write!(f, " {value}"),
            Self::Delay(steps) => write!(f, " {steps}"),
            Self::Silence | Self::Shuffle | Self::Freeze => Ok(()),
        }
    }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.action)?;
        if self.fraction < 1.0 {
            write!(f, " {} of cells", self.fraction)?;
        }
        match self.during {
            During::Train => f.write_str(" during train"),
            During::Test => f.write_str(" during test"),
            During::Both => Ok(()),
        }
    }
}

impl TryFrom<String> for Perturbation {
    type Error = PerturbationError;

    fn try_from(text: String) -> Result<Self, PerturbationError> {
        text.parse()
    }
}

impl From<Perturbation> for String {
    fn from(perturbation: Perturbation) -> Self {
        perturbation.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_written_as_it_is_read() {
        for text in [
            "H1.DendI: silence during train",
            "H1.E<-H2.E: scale 0.5",
            "H1.E.dendrite: silence",
            "H1.E.soma: noise 0.25 0.5 of cells",
            "Input.E: noise 0.1 during test",
            "H1.DendI: freeze",
            "H1.SomaI: silence 0.3 of cells during test",
            "H1.E<-H1.SomaI: delay 3",
            "H1.E<-H2.E: shuffle during train",
            "H2.E<-H1.E: prune 0.9 during test",
        ] {
            let read: Perturbation = text.parse().unwrap();
            assert_eq!(read.to_string(), text);
        }
        let loose: Perturbation = "  H1.E  :scale   2 1 of cells during both".parse().unwrap();
        assert_eq!(loose.to_string(), "H1.E: scale 2");
    }

    #[test]
    fn what_is_none_is_refused_with_what_would_be() {
        for (text, part) in [
            ("", "a target, a colon and an action"),
            ("H1.DendI silence", "a target, a colon and an action"),
            ("H1: silence", "`H1.E.dendrite`"),
            ("H1.E.dendrit: silence", "did you mean `dendrite`?"),
            ("H1.E: silense", "did you mean `silence`?"),
            ("H1.E:", "there is no action"),
            ("H1.E: scale", "needs a factor"),
            ("H1.E: scale -1", "not below 0"),
            ("H1.E: noise NaN", "not below 0"),
            ("H1.E: delay 0.5", "a number of steps"),
            ("H1.E: delay 0", "1 to 1000"),
            ("H1.E: silence 0.3", "`0.3 of cells`"),
            ("H1.E: silence 0 of cells", "above 0"),
            ("H1.E: silence 2 of cells", "up to 1"),
            ("H1.E: silence during", "`train`, `test` or `both`"),
            ("H1.E: silence during tests", "did you mean `test`?"),
            ("H1.E: silence during test now", "a target, a colon"),
            ("H1.E: freeze during test", "nothing learns in test"),
            ("H1.E: freeze 0.5 of cells", "concerns all cells"),
            ("H1.E: prune 0.5", "`prune SHARE during test`"),
            ("H1.E: shuffle", "`H1.E<-H2.E: shuffle`"),
        ] {
            let error = text.parse::<Perturbation>().unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
