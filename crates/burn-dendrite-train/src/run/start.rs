//! What a run starts from.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// What a run starts from, instead of the weights that its seed draws.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// A run folder, or a file of weights; absolute.
    pub from: PathBuf,
    /// The projections and populations that start from it; all of them if there are none here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<Pattern>,
}

/// Names of projections and populations, in which `*` stands for any letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern(String);

/// The file of the weights that a run in a folder started from: it keeps them, so that it does not depend
/// on where they were.
pub fn kept_start(folder: &Path) -> PathBuf {
    folder.join("start.safetensors")
}

impl Start {
    /// Whether a projection or population starts from it.
    pub fn takes(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|pattern| pattern.matches(name))
    }
}

impl Pattern {
    /// Whether a name is one of these.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = self.0.split('*');
        let first = parts.next().unwrap_or_default();
        let Some(mut rest) = name.strip_prefix(first) else {
            return false;
        };
        let mut last = None;
        for part in parts {
            if let Some(part) = last.replace(part) {
                match rest.find(part) {
                    Some(at) => rest = &rest[at + part.len()..],
                    None => return false,
                }
            }
        }
        match last {
            Some(end) => rest.ends_with(end),
            None => rest.is_empty(),
        }
    }
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Err("accepted: a name, e.g. `H1.E<-Input.E`, or `H1.*<-*`".to_owned()),
            text => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(&self.0)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

/// Where a run starts, said on the command line: paths are relative to the folder one is in.
impl From<(&Path, &[Pattern])> for Start {
    fn from((from, only): (&Path, &[Pattern])) -> Self {
        Self {
            from: std::path::absolute(from).unwrap_or_else(|_| from.to_owned()),
            only: only.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_letters() {
        let matches = |pattern: &str, name: &str| pattern.parse::<Pattern>().unwrap().matches(name);
        for (pattern, name) in [
            ("H1.E<-Input.E", "H1.E<-Input.E"),
            ("H1.*<-*", "H1.E<-Input.E"),
            ("*", "Output.E"),
            ("*E", "H1.E<-Input.E"),
            ("H*.E<-H*.E", "H2.E<-H1.E"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("H1.E", "H1.E<-Input.E"),
            ("H2.*", "H1.E<-H2.E"),
            ("*I", "H1.E<-Input.E"),
            ("H1.E*H1.E", "H1.E"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
        assert!("  ".parse::<Pattern>().is_err());
    }

    #[test]
    fn a_start_is_for_all_unless_it_says_for_what() {
        let start = |only: &[&str]| {
            let only: Vec<Pattern> = only.iter().map(|it| it.parse().unwrap()).collect();
            Start::from((Path::new("/runs/a"), only.as_slice()))
        };
        assert!(start(&[]).takes("H1.E"));
        assert!(start(&["H2.*", "H1.*"]).takes("H1.E") && !start(&["H2.*"]).takes("H1.E"));
        let text = toml::to_string(&start(&["H1.*"])).unwrap();
        assert_eq!(toml::from_str::<Start>(&text).unwrap(), start(&["H1.*"]));
    }
}
