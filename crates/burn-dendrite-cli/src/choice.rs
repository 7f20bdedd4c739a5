//! Arguments that are one of a few words.

use burn_dendrite_train::Choice;
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Reads one of the words of a closed list, all of which the help names.
pub(super) fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let words = T::ALL.iter().map(|it| it.as_str());
    PossibleValuesParser::new(words).try_map(|word| {
        let mut all = T::ALL.iter().copied();
        all.find(|it| it.as_str() == word).ok_or("no such word")
    })
}
