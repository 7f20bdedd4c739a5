//! How points of a space are picked.

use std::str::FromStr;

use burn_dendrite_nn::error::unknown_name;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Search, SweepError};

/// How points of a space are picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Independent and uniform.
    Random,
    /// The Sobol sequence, scrambled after Owen: as random, but spread evenly, so that few trials
    /// cover every dimension.
    Sobol,
    /// Every combination.
    Grid,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Random, Self::Sobol, Self::Grid];

    /// The name as it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Sobol => "sobol",
            Self::Grid => "grid",
        }
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|method| method.as_str() == text);
        found.ok_or_else(|| unknown_name("method", text, Self::ALL.map(Self::as_str)))
    }
}

/// The most trials: those of the Sobol sequence.
const MOST_TRIALS: usize = 1 << 16;

impl Search {
    /// The points, each with a value for every dimension.
    ///
    /// # Errors
    ///
    /// If there are none or too many, or a grid has a range without a number of points.
    pub fn points(&self) -> Result<Vec<Vec<toml::Value>>, SweepError> {
        if self.method == Method::Grid {
            return self.grid();
        }
        if !(1..=MOST_TRIALS).contains(&self.trials) {
            return Err(SweepError::Method(format!(
                "`--trials` is {}; accepted: 1 to {MOST_TRIALS}",
                self.trials
            )));
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed);
        // Half of the seed would make equal sequences of different seeds.
        let scramble = random.random::<u32>();
        let mut unit = |trial: usize, dimension: usize| match self.method {
            Method::Sobol => f64::from(sobol_burley::sample(
                trial as u32,
                dimension as u32,
                scramble,
            )),
            Method::Random | Method::Grid => random.random::<f64>(),
        };
        let mut point = |trial: usize| {
            let dimensions = self.space.dimensions().enumerate();
            dimensions
                .map(|(index, (_, values))| values.at(unit(trial, index)))
                .collect()
        };
        Ok((0..self.trials).map(&mut point).collect())
    }

    fn grid(&self) -> Result<Vec<Vec<toml::Value>>, SweepError> {
        let mut points: Vec<Vec<toml::Value>> = vec![Vec::new()];
        for (path, values) in self.space.dimensions() {
            let values = values.grid().ok_or_else(|| {
                SweepError::Method(format!(
                    "`{path}` is a range without `points`; accepted for a grid: a list of values, \
                     or a range with `points = n`"
                ))
            })?;
            if points.len().saturating_mul(values.len()) > MOST_TRIALS {
                return Err(SweepError::Method(format!(
                    "the grid has more than {MOST_TRIALS} points; accepted: fewer, or `--method \
                     sobol` with `--trials`"
                )));
            }
            let extended = |point: &Vec<toml::Value>| {
                let point = point.clone();
                values.clone().into_iter().map(move |value| {
                    let mut point = point.clone();
                    point.push(value);
                    point
                })
            };
            points = points.iter().flat_map(extended).collect();
        }
        Ok(points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Space;

    fn search(text: &str, method: Method, trials: usize) -> Search {
        Search {
            space: Space::parse(text, "f").unwrap(),
            method,
            trials,
            seed: 3,
        }
    }

    #[test]
    fn a_grid_is_every_combination() {
        let search = search(
            "a = [1, 2]\nb = { low = 0.0, high = 1.0, points = 2 }",
            Method::Grid,
            0,
        );
        let points = search.points().unwrap();
        let words: Vec<String> = (points.iter())
            .map(|point| {
                search
                    .space
                    .assignments(point)
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        assert_eq!(words, ["a=1 b=0.0", "a=1 b=1.0", "a=2 b=0.0", "a=2 b=1.0"]);
    }

    #[test]
    fn sobol_points_fall_evenly_into_every_dimension() {
        // Of 2^k points of a (0, 2)-sequence one falls into each of 2^k equal intervals.
        let text = "a = { low = 0.0, high = 1.0 }\nb = { low = 0.0, high = 1.0 }";
        let points = search(text, Method::Sobol, 16).points().unwrap();
        for dimension in 0..2 {
            let mut cells: Vec<usize> = (points.iter())
                .map(|point| (point[dimension].as_float().unwrap() * 16.0) as usize)
                .collect();
            cells.sort_unstable();
            assert_eq!(cells, (0..16).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_cannot_be_searched_is_refused() {
        let refused = |text: &str, method, trials, part: &str| {
            let error = search(text, method, trials)
                .points()
                .unwrap_err()
                .to_string();
            assert!(error.contains(part), "{error}");
        };
        let range = "a = { low = 0.0, high = 1.0 }";
        refused(range, Method::Grid, 1, "`a` is a range without `points`");
        refused(range, Method::Random, 0, "1 to 65536");
        let large = "a = { low = 0.0, high = 1.0, points = 300 }\nb = { low = 0.0, high = 1.0, points = 300 }";
        refused(large, Method::Grid, 1, "more than 65536");
        assert!(
            "sobl"
                .parse::<Method>()
                .unwrap_err()
                .contains("did you mean `sobol`?")
        );
    }
}
