//! Sweeps: which values of a specification learn best.
//!
//! A [`Space`] says as data what may vary, a [`Method`] picks points of it, and each point is a
//! [`Trial`]: the specification with these values, trained like any other run of a
//! [study](crate::study). Trials are ranked by their accuracy on the validation samples; the test
//! samples have no part in it.

mod method;
mod ranking;
mod space;

use std::{collections::BTreeSet, path::Path};

use burn_dendrite_nn::SpecErrors;
use burn_dendrite_train::{
    ExperimentSpec,
    run::{RunError, write_atomically},
    set::{SetError, set},
};
use serde::{Deserialize, Serialize};

pub use method::Method;
pub use ranking::{Ranked, Ranking, best_file};
pub use space::{Dimension, Range, Scale, Space, Values};

/// Why a sweep cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The file of the search space cannot be understood.
    #[error("search space `{file}`: {message}")]
    Space {
        /// The file.
        file: String,
        /// What is wrong with it.
        message: String,
    },
    /// A path of the search space leads nowhere in the specification.
    #[error("search space: nothing is at `{path}`; accepted there: {accepted}")]
    Path {
        /// The path, as far as it leads nowhere.
        path: String,
        /// What could stand there.
        accepted: String,
    },
    /// A value of the search space makes no valid specification.
    #[error("search space: `{values}` makes no valid specification: {errors}")]
    Value {
        /// The values.
        values: String,
        /// What is wrong with them.
        errors: SpecErrors,
    },
    /// The method cannot search such a space.
    #[error("{0}")]
    Method(String),
    /// A file cannot be read or written.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// How a space is searched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// What may vary.
    pub space: Space,
    /// How points are picked.
    pub method: Method,
    /// How many; those of a grid follow from the space.
    pub trials: usize,
    /// Seed of the points.
    pub seed: u64,
}

/// One point of a search space.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// The name of its specification.
    pub name: String,
    /// Its values, in the order of the space's dimensions.
    pub values: Vec<toml::Value>,
}

/// What `sweep.json` holds: the search and its trials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweep {
    /// The name of the specification that varies.
    pub base: String,
    /// How it varies.
    pub search: Search,
    /// The trials; the same point is not tried twice, so there may be fewer than were asked for.
    pub trials: Vec<Trial>,
}

const FILE: &str = "sweep.json";

impl Sweep {
    /// The trials of a search with their specifications; a function of its arguments alone.
    ///
    /// # Errors
    ///
    /// If a path leads nowhere, a value makes no valid specification, or the method cannot search
    /// such a space.
    pub fn new(
        base: &ExperimentSpec,
        search: Search,
    ) -> Result<(Self, Vec<ExperimentSpec>), SweepError> {
        let mut seen = BTreeSet::new();
        let (mut trials, mut specs) = (Vec::new(), Vec::new());
        for values in search.points()? {
            let point = search.space.assignments(&values).collect::<Vec<_>>();
            if !seen.insert(point.clone()) {
                continue;
            }
            let name = format!("{}-trial-{:03}", base.name, trials.len() + 1);
            specs.push(specification(base, &name, &point)?);
            trials.push(Trial { name, values });
        }
        let sweep = Self {
            base: base.name.clone(),
            search,
            trials,
        };
        Ok((sweep, specs))
    }

    /// Writes the sweep into the folder of its study.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, out: &Path) -> Result<(), RunError> {
        let file = out.join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|error| RunError::Invalid {
            file: file.clone(),
            message: error.to_string(),
        })?;
        write_atomically(&file, format!("{text}\n").as_bytes())
    }

    /// The sweep in the folder of a study.
    ///
    /// # Errors
    ///
    /// If there is none, or it cannot be understood.
    pub fn load(out: &Path) -> Result<Self, RunError> {
        let file = out.join(FILE);
        let text = std::fs::read_to_string(&file).map_err(|error| RunError::Io {
            file: file.clone(),
            error,
        })?;
        serde_json::from_str(&text).map_err(|error| RunError::Invalid {
            file,
            message: error.to_string(),
        })
    }
}

/// The specification with the values of one point.
fn specification(
    base: &ExperimentSpec,
    name: &str,
    point: &[String],
) -> Result<ExperimentSpec, SweepError> {
    let invalid = |errors: SpecErrors| SweepError::Value {
        values: point.join(", "),
        errors,
    };
    let unreadable = |error: serde_json::Error| SweepError::Method(error.to_string());
    let mut value = base.to_value().map_err(unreadable)?;
    for assignment in point {
        set(&mut value, assignment).map_err(|error| match error {
            SetError::NotFound { path, accepted, .. } => SweepError::Path { path, accepted },
            SetError::NoNumber(text) => SweepError::Path {
                path: text,
                accepted: "finite numbers".to_owned(),
            },
            SetError::Form(text) => SweepError::Path {
                path: text,
                accepted: "keys with dots between them, entries of lists in brackets, e.g. \
                           `learning.rule[H1.E<-Input.E].learning_rate`"
                    .to_owned(),
            },
        })?;
    }
    let mut spec = ExperimentSpec::from_value(value).map_err(invalid)?;
    if !spec.is_sized_by_data() {
        spec.check().map_err(invalid)?;
    }
    spec.name = name.to_owned();
    spec.description = format!("{} with {}", base.name, point.join(", "));
    Ok(spec)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::presets;

    fn search(text: &str, method: Method, seed: u64) -> Search {
        Search {
            space: Space::parse(text, "space.toml").unwrap(),
            method,
            trials: 6,
            seed,
        }
    }

    const SPACE: &str = r#"
        "network.tau" = [2.0, 3.0, 4.0]
        "learning.rule[H1.E<-Input.E].learning_rate" = { low = 0.001, high = 0.1, scale = "log" }
    "#;

    #[test]
    fn the_same_seed_makes_the_same_trials() {
        let base = presets::load("mnist-dtp").unwrap();
        for method in [Method::Random, Method::Sobol] {
            let sweep = |seed| Sweep::new(&base, search(SPACE, method, seed)).unwrap();
            let (one, two, other) = (sweep(1), sweep(1), sweep(2));
            assert_eq!(one, two);
            assert_ne!(one.0.trials, other.0.trials);
            assert_eq!(one.1.len(), 6);
        }
    }

    #[test]
    fn values_arrive_in_the_specification() {
        let base = presets::load("mnist-dtp").unwrap();
        let (sweep, specs) = Sweep::new(&base, search(SPACE, Method::Sobol, 1)).unwrap();
        for (trial, spec) in sweep.trials.iter().zip(&specs) {
            // Dimensions are in the order of their paths.
            let [rate, tau] = &trial.values[..] else {
                panic!("{trial:?}")
            };
            assert_eq!(Some(spec.network.tau), tau.as_float());
            let rule = &spec.learning.rules[0];
            assert_eq!(Some(rule.learning_rate), rate.as_float());
            assert_eq!(spec.name, trial.name);
        }
        assert_eq!(sweep.trials[2].name, "mnist-dtp-trial-003");
        let folder = tempfile::tempdir().unwrap();
        sweep.save(folder.path()).unwrap();
        assert_eq!(Sweep::load(folder.path()).unwrap(), sweep);
    }

    #[test]
    fn no_point_is_tried_twice() {
        let base = presets::load("mnist-dtp").unwrap();
        let text = "\"network.tau\" = [2.0, 3.0]";
        let (sweep, _) = Sweep::new(&base, search(text, Method::Random, 1)).unwrap();
        assert_eq!(sweep.trials.len(), 2);
    }

    #[test]
    fn paths_and_values_that_do_not_fit_are_refused() {
        let base = presets::load("mnist-dtp").unwrap();
        let refused = |text: &str, parts: &[&str]| {
            let error = Sweep::new(&base, search(text, Method::Random, 1)).unwrap_err();
            let message = error.to_string();
            for part in parts {
                assert!(message.contains(part), "`{part}` is missing in: {message}");
            }
        };
        refused("\"netwrok.tau\" = [2.0]", &["`netwrok`", "`network`"]);
        refused("\"network.tua\" = [2.0]", &["tua", "did you mean `tau`?"]);
        refused(
            "\"network.tau\" = [-1.0]",
            &["network.tau=-1.0", "greater than 0"],
        );
        refused("\"network.[tau\" = [2.0]", &["keys with dots"]);
    }
}
