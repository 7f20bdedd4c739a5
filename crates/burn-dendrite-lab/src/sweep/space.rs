//! A search space as data.

use std::{collections::BTreeMap, path::Path};

use burn_dendrite_nn::{
    SpecError,
    spec::{deserialize, toml_error},
};
use burn_dendrite_train::run::RunError;
use serde::{Deserialize, Serialize};

use super::SweepError;

/// What may vary: paths into a specification, as `--set` knows them, and the values of each.
///
/// ```text
/// "network.tau" = [2.0, 3.0, 4.0]
/// "learning.rule[H1.E<-Input.E].learning_rate" = { low = 0.001, high = 0.1, scale = "log" }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Space {
    dimensions: BTreeMap<String, Values>,
}

/// One dimension of a space.
pub type Dimension<'a> = (&'a str, &'a Values);

/// The values of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Values {
    /// One of these.
    Listed(Vec<toml::Value>),
    /// Anything between two bounds.
    Range(Range),
}

/// An interval; bounds that are written as integers give integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The least value.
    pub low: toml::Value,
    /// The greatest value.
    pub high: toml::Value,
    /// How values are spread.
    #[serde(default)]
    pub scale: Scale,
    /// Points of a grid, both bounds among them; only a grid needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
}

/// How values are spread over an interval, u from 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// `low + (high − low) u`
    #[default]
    Linear,
    /// `low (high / low)^u`
    Log,
}

/// The most dimensions of a Sobol sequence.
pub(super) const MOST_DIMENSIONS: usize = sobol_burley::NUM_DIMENSIONS as usize;
/// The most points of a grid along a dimension.
const MOST_POINTS: usize = 10_000;

impl Space {
    /// Reads a space from a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or those of [`parse`](Self::parse).
    pub fn load(file: &Path) -> Result<Self, SweepError> {
        if !file.is_file() {
            return Err(SweepError::Space {
                file: file.display().to_string(),
                message: "there is no such file; accepted: a file of TOML".to_owned(),
            });
        }
        let text = std::fs::read_to_string(file).map_err(|error| RunError::Io {
            file: file.to_owned(),
            error,
        })?;
        Self::parse(&text, &file.display().to_string())
    }

    /// Reads a space from TOML; `file` is named where something is wrong.
    ///
    /// # Errors
    ///
    /// If it is no TOML, has no or too many dimensions, or the values of one make no sense.
    pub fn parse(text: &str, file: &str) -> Result<Self, SweepError> {
        let wrong = |message: String| SweepError::Space {
            file: file.to_owned(),
            message,
        };
        let table: toml::Table =
            toml::from_str(text).map_err(|error| wrong(toml_error(&error, text)))?;
        if table.is_empty() || table.len() > MOST_DIMENSIONS {
            let count = table.len();
            return Err(wrong(format!(
                "{count} paths; accepted: 1 to {MOST_DIMENSIONS}"
            )));
        }
        let mut dimensions = BTreeMap::new();
        for (path, value) in table {
            let values = Values::read(value).map_err(|why| wrong(format!("`{path}`: {why}")))?;
            dimensions.insert(path, values);
        }
        Ok(Self { dimensions })
    }

    /// The dimensions, in the order of their paths.
    pub fn dimensions(&self) -> impl ExactSizeIterator<Item = Dimension<'_>> {
        self.dimensions
            .iter()
            .map(|(path, values)| (path.as_str(), values))
    }

    /// `path=value` for each dimension.
    pub fn assignments<'a>(
        &'a self,
        values: &'a [toml::Value],
    ) -> impl Iterator<Item = String> + 'a {
        let pairs = self.dimensions.keys().zip(values);
        pairs.map(|(path, value)| format!("{path}={value}"))
    }
}

impl Values {
    fn read(value: toml::Value) -> Result<Self, String> {
        const ACCEPTED: &str = "accepted: a list of values, or `{ low = …, high = … }` with \
                                `scale = \"log\"` and `points = n` if wanted";
        const QUOTES: &str = "a path stands in quotes, as in `\"network.tau\" = [2, 3]`";
        let values = match value {
            toml::Value::Array(values) => Self::Listed(values),
            toml::Value::Table(ref table)
                if !["low", "high"].iter().any(|key| table.contains_key(*key)) =>
            {
                // Without a bound in sight it is a name with dots that was not quoted.
                return Err(format!("{ACCEPTED}; {QUOTES}"));
            }
            toml::Value::Table(ref table) => {
                let strange = |(_, value): &(&String, &toml::Value)| {
                    value.as_float().is_some_and(|number| !number.is_finite())
                };
                if let Some((key, value)) = table.iter().find(strange) {
                    return Err(format!("`{key}` is {value}; accepted: finite numbers"));
                }
                let value = serde_json::to_value(value).map_err(|error| error.to_string())?;
                let range = deserialize("", value);
                Self::Range(range.map_err(|error: SpecError| format!("{error}; {ACCEPTED}"))?)
            }
            _ => return Err(format!("{ACCEPTED}; {QUOTES}")),
        };
        match &values {
            Self::Listed(list) if list.is_empty() => Err(format!("an empty list; {ACCEPTED}")),
            Self::Listed(_) => Ok(values),
            Self::Range(range) => range.check().map(|()| values),
        }
    }

    /// The value at `u` in [0, 1).
    pub(super) fn at(&self, u: f64) -> toml::Value {
        match self {
            Self::Listed(values) => {
                let index = (u * values.len() as f64) as usize;
                values[index.min(values.len() - 1)].clone()
            }
            Self::Range(range) => range.at(u),
        }
    }

    /// The points of a grid.
    pub(super) fn grid(&self) -> Option<Vec<toml::Value>> {
        match self {
            Self::Listed(values) => Some(values.clone()),
            Self::Range(range) => {
                let points = range.points?;
                let step = |index: usize| index as f64 / (points - 1).max(1) as f64;
                Some(
                    (0..points)
                        .map(|index| range.at_closed(step(index)))
                        .collect(),
                )
            }
        }
    }
}

impl Range {
    fn bounds(&self) -> Option<(f64, f64)> {
        Some((number(&self.low)?, number(&self.high)?))
    }

    /// Whether both bounds are integers.
    fn whole(&self) -> bool {
        self.low.is_integer() && self.high.is_integer()
    }

    fn check(&self) -> Result<(), String> {
        let Some((low, high)) = self.bounds() else {
            return Err("`low` and `high`: accepted: finite numbers".to_owned());
        };
        if low >= high {
            return Err(format!(
                "`low` is {low} and `high` is {high}; accepted: low < high"
            ));
        }
        if self.scale == Scale::Log && low <= 0.0 {
            return Err(format!(
                "`low` is {low}; accepted on a log scale: greater than 0"
            ));
        }
        match self.points {
            Some(points) if !(2..=MOST_POINTS).contains(&points) => Err(format!(
                "`points` is {points}; accepted: 2 to {MOST_POINTS}"
            )),
            _ => Ok(()),
        }
    }

    /// The value at `u` in [0, 1): integers are equally likely on a linear scale.
    fn at(&self, u: f64) -> toml::Value {
        match (self.whole(), self.bounds()) {
            (true, Some((low, high))) => {
                let value = self.scaled(low, high + 1.0, u).floor();
                toml::Value::Integer(value.clamp(low, high) as i64)
            }
            _ => self.at_closed(u),
        }
    }

    /// The value at `u` in [0, 1], both bounds among them.
    fn at_closed(&self, u: f64) -> toml::Value {
        let (low, high) = self.bounds().unwrap_or_default();
        let value = self.scaled(low, high, u).clamp(low, high);
        if self.whole() {
            toml::Value::Integer(value.round() as i64)
        } else {
            toml::Value::Float(value)
        }
    }

    fn scaled(&self, low: f64, high: f64, u: f64) -> f64 {
        match self.scale {
            Scale::Linear => low + (high - low) * u,
            Scale::Log => low * (high / low).powf(u),
        }
    }
}

/// A finite number that has the same value as a float.
fn number(value: &toml::Value) -> Option<f64> {
    /// Integers beyond it are not told apart by floats.
    const EXACT: i64 = 1 << 53;
    let number = match value {
        toml::Value::Integer(integer) if (-EXACT..=EXACT).contains(integer) => *integer as f64,
        toml::Value::Float(float) => *float,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Values {
        let space = Space::parse(&format!("\"a.b\" = {text}"), "f").unwrap();
        space.dimensions["a.b"].clone()
    }

    #[test]
    fn values_are_spread_as_their_scale_says() {
        let linear = values("{ low = 1.0, high = 3.0 }");
        assert_eq!(linear.at(0.25), toml::Value::Float(1.5));
        // The middle of 0.001 and 0.1 on a log scale is their geometric mean.
        let log = values("{ low = 0.001, high = 0.1, scale = \"log\" }");
        assert!((log.at(0.5).as_float().unwrap() - 0.01).abs() < 1e-15);
        let listed = values("[\"a\", 2, true]");
        assert_eq!(listed.at(0.0).as_str(), Some("a"));
        assert_eq!(listed.at(0.34).as_integer(), Some(2));
        assert_eq!(listed.at(0.999).as_bool(), Some(true));
    }

    #[test]
    fn integer_bounds_give_integers_of_equal_chance() {
        let whole = values("{ low = 1, high = 4 }");
        let all: Vec<i64> = (0..8)
            .map(|i| whole.at(f64::from(i) / 8.0).as_integer().unwrap())
            .collect();
        assert_eq!(all, [1, 1, 2, 2, 3, 3, 4, 4]);
    }

    #[test]
    fn a_grid_holds_both_bounds() {
        let floats = |text| -> Vec<f64> {
            let grid = values(text).grid().unwrap();
            grid.iter().map(|value| number(value).unwrap()).collect()
        };
        assert_eq!(
            floats("{ low = 1.0, high = 2.0, points = 3 }"),
            [1.0, 1.5, 2.0]
        );
        assert_eq!(
            floats("{ low = 1, high = 100, scale = \"log\", points = 3 }"),
            [1.0, 10.0, 100.0]
        );
        assert_eq!(values("{ low = 1.0, high = 2.0 }").grid(), None);
        assert_eq!(floats("[3, 1]"), [3.0, 1.0]);
    }

    #[test]
    fn spaces_that_make_no_sense_are_refused() {
        let refused = |text: &str, part: &str| {
            let error = Space::parse(text, "space.toml").unwrap_err().to_string();
            assert!(
                error.contains("space.toml") && error.contains(part),
                "{error}"
            );
        };
        refused("", "0 paths; accepted: 1 to");
        refused("a = [", "space.toml");
        refused("a = []", "an empty list");
        refused("a = 3", "accepted: a list of values");
        refused("a = { low = 1, high = 0 }", "low < high");
        refused(
            "a = { low = 0.0, high = 1.0, scale = \"log\" }",
            "greater than 0",
        );
        refused("a = { low = 1.0, high = nan }", "finite");
        refused("a = { low = 1.0, hihg = 2.0 }", "hihg");
        refused("a = { low = 1.0, high = 2.0, points = 1 }", "2 to 10000");
        refused("a = { low = 1.0, high = 2.0, scale = \"lgo\" }", "lgo");
    }
}
