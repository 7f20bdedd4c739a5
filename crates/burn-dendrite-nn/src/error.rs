//! What is wrong with a specification, where, and what would be accepted.

use std::fmt;

/// One mistake in a specification.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct SpecError {
    /// Where the mistake is, e.g. `network.projection[H1.E<-Input.E].weight.scale`.
    pub path: String,
    /// One sentence: what is wrong and which values are accepted.
    pub message: String,
}

impl SpecError {
    /// A mistake at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            message: message.into(),
        }
    }

    /// A name that is not one of the `accepted` ones; names the closest of them.
    pub fn unknown<S: AsRef<str>>(
        path: impl Into<String>,
        what: &str,
        given: &str,
        accepted: impl IntoIterator<Item = S>,
    ) -> Self {
        Self::new(path, unknown_name(what, given, accepted))
    }
}

/// All mistakes found in one specification; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecErrors(Vec<SpecError>);

impl SpecErrors {
    /// The mistakes in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = &SpecError> {
        self.0.iter()
    }

    /// How many mistakes were found.
    #[allow(clippy::len_without_is_empty)] // Never empty.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// `Ok(value)` where no mistake was found.
    ///
    /// # Errors
    ///
    /// All of `errors`, if there are any.
    pub fn or<T>(errors: Vec<SpecError>, value: impl FnOnce() -> T) -> Result<T, Self> {
        if errors.is_empty() {
            Ok(value())
        } else {
            Err(Self(errors))
        }
    }

    /// Puts `prefix.` before the path of every mistake.
    pub fn under(mut self, prefix: &str) -> Self {
        for error in &mut self.0 {
            error.path = format!("{prefix}.{}", error.path);
        }
        self
    }
}

impl From<SpecError> for SpecErrors {
    fn from(error: SpecError) -> Self {
        Self(vec![error])
    }
}

impl IntoIterator for SpecErrors {
    type Item = SpecError;
    type IntoIter = std::vec::IntoIter<SpecError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for SpecErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [only] => write!(f, "{only}"),
            all => {
                write!(f, "{} mistakes:", all.len())?;
                all.iter().try_for_each(|error| write!(f, "\n  {error}"))
            }
        }
    }
}

impl std::error::Error for SpecErrors {}

/// The one of `accepted` that `given` was probably meant to be.
pub fn closest<S: AsRef<str>>(given: &str, accepted: impl IntoIterator<Item = S>) -> Option<S> {
    // Damerau-Levenshtein on lower case: typing slips and swapped letters, not mere likeness.
    let given = given.to_lowercase();
    accepted
        .into_iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&given, &name.as_ref().to_lowercase()),
                name,
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, name)| *distance <= name.as_ref().len().max(given.len()).div_ceil(3))
        .map(|(_, name)| name)
}

/// The sentence for a name that is not one of the `accepted` ones.
pub fn unknown_name<S: AsRef<str>>(
    what: &str,
    given: &str,
    accepted: impl IntoIterator<Item = S>,
) -> String {
    let accepted: Vec<S> = accepted.into_iter().collect();
    let list: Vec<String> = accepted
        .iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    let hint = closest(given, &accepted)
        .map(|name| format!("did you mean `{}`? ", name.as_ref()))
        .unwrap_or_default();
    format!(
        "unknown {what} `{given}`; {hint}accepted: {}",
        list.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_name_is_suggested_and_a_distant_one_is_not() {
        let rules = ["dendritic_target", "dendritic_loss", "hebbian"];
        assert_eq!(closest("dendritic_traget", rules), Some("dendritic_target"));
        assert_eq!(closest("Hebbain", rules), Some("hebbian"));
        assert_eq!(closest("oja", rules), None);
    }

    #[test]
    fn many_mistakes_are_listed_one_a_line() {
        let errors = vec![
            SpecError::new("a.b", "is wrong"),
            SpecError::new("c", "is missing"),
        ];
        let all = SpecErrors::or(errors, || ()).unwrap_err().under("network");
        assert_eq!(
            all.to_string(),
            "2 mistakes:\n  network.a.b: is wrong\n  network.c: is missing"
        );
    }
}
