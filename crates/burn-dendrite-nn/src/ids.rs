//! Names by which people speak of populations and projections, and the indices that code uses.

use std::{
    fmt,
    ops::{Index, IndexMut},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

/// The name of a population: its layer and its cell type there, written `H1.DendI`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PopulationName {
    layer: String,
    population: String,
}

impl PopulationName {
    /// The layer's part of the name, `H1` in `H1.DendI`.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// The population's part of the name, `DendI` in `H1.DendI`.
    pub fn population(&self) -> &str {
        &self.population
    }
}

impl FromStr for PopulationName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let word = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
        };
        match name.trim().split_once('.') {
            Some((layer, population)) if word(layer) && word(population) => Ok(Self {
                layer: layer.to_owned(),
                population: population.to_owned(),
            }),
            _ => Err(format!(
                "`{name}` is no population name; accepted: layer and population, e.g. `H1.E`"
            )),
        }
    }
}

/// The name of a projection: `post<-pre`, written `H1.E<-Input.E`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectionName {
    /// The population that receives.
    pub post: PopulationName,
    /// The population that sends.
    pub pre: PopulationName,
}

impl FromStr for ProjectionName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let (post, pre) = name.split_once("<-").ok_or_else(|| {
            format!("`{name}` is no projection name; accepted: `post<-pre`, e.g. `H1.E<-Input.E`")
        })?;
        Ok(Self {
            post: post.parse()?,
            pre: pre.parse()?,
        })
    }
}

impl fmt::Display for PopulationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.population)
    }
}

impl fmt::Display for ProjectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}<-{}", self.post, self.pre)
    }
}

macro_rules! text_form {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(name: String) -> Result<Self, String> {
                name.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.to_string()
            }
        }
    )*};
}

text_form!(PopulationName, ProjectionName);

/// The place of a population in the order of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PopulationId(pub usize);

/// The place of a projection in the order of the specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectionId(pub usize);

/// One `T` for each population, indexed by [`PopulationId`].
#[derive(Clone, Debug, PartialEq)]
pub struct PerPopulation<T>(Vec<T>);

impl<T> Default for PerPopulation<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> PerPopulation<T> {
    /// The values with the population that each belongs to.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (PopulationId, &T)> {
        self.0
            .iter()
            .enumerate()
            .map(|(index, value)| (PopulationId(index), value))
    }

    /// The values in order, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut()
    }

    /// How many populations there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where there is no population at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> FromIterator<T> for PerPopulation<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T> Index<PopulationId> for PerPopulation<T> {
    type Output = T;

    fn index(&self, id: PopulationId) -> &T {
        &self.0[id.0]
    }
}

impl<T> IndexMut<PopulationId> for PerPopulation<T> {
    fn index_mut(&mut self, id: PopulationId) -> &mut T {
        &mut self.0[id.0]
    }
}

/// One parameter of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Parameter {
    /// The weights of a projection.
    Weight(ProjectionId),
    /// The bias of a population.
    Bias(PopulationId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_written_alike() {
        let name: ProjectionName = "H1.E <- Input.E".parse().unwrap();
        assert_eq!(name.to_string(), "H1.E<-Input.E");
        assert_eq!(name.post.layer(), "H1");
        assert_eq!(name.pre.population(), "E");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["H1", "H1.", ".E", "H1.E.x y", ""] {
            assert!(text.parse::<PopulationName>().is_err(), "{text}");
        }
        assert!("H1.E->H2.E".parse::<ProjectionName>().is_err());
    }
}
