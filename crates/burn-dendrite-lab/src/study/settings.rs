//! What a study was asked to do.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use burn_dendrite_nn::perturb::Perturbation;
use burn_dendrite_train::{
    BudgetSpec, ExperimentError, ExperimentSpec,
    compared::difference,
    data::{DataOrigin, Dataset, Encoding, Splits},
    experiment::fits,
    limits::{MOST_EPOCHS, MOST_SAMPLES, MOST_SEEDS, check_counts},
};
use serde::{Deserialize, Serialize};

use super::StudyError;

/// What a study is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Networks side by side.
    Comparison,
    /// Variants of one network, of which the best is wanted.
    Sweep,
    /// One network under perturbations.
    Perturbation,
}

impl Purpose {
    /// The command that makes such a study.
    pub fn command(self) -> &'static str {
        match self {
            Self::Comparison => "compare",
            Self::Sweep => "sweep",
            Self::Perturbation => "perturb",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comparison => "comparison",
            Self::Sweep => "sweep",
            Self::Perturbation => "perturbation study",
        })
    }
}

/// Data, budget and seeds that all networks of a study share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyPlan {
    /// What it is made for.
    pub purpose: Purpose,
    /// The data set: its name, or the path of files.
    pub dataset: Dataset,
    /// Training samples of one epoch.
    pub samples: usize,
    /// Passes over such samples; those that each network is made for, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// Samples of one training step; those that each network is made for, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// Training samples between two validations; a twentieth of an epoch, in whole batches, unless
    /// given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate_every: Option<usize>,
    /// Each network is trained with the seeds 1 to this one.
    pub seeds: u64,
    /// Samples that a trained network is analysed on; not at all if 0.
    #[serde(default)]
    pub analysis_samples: usize,
    /// The names of the networks, in the order in which they are shown.
    pub networks: Vec<String>,
    /// Version of this program that began the study.
    pub version: String,
    /// Where the data were, and what they were.
    #[serde(default, skip_serializing_if = "is_default")]
    pub data: DataOrigin,
    /// What is perturbed in the runs of a network; nothing in those of others.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub perturb: BTreeMap<String, Vec<Perturbation>>,
}

impl StudyPlan {
    /// The passes and batches with which a network is trained.
    pub fn budget(&self, spec: &ExperimentSpec) -> BudgetSpec {
        spec.budget.or(self.epochs, self.batch_size)
    }

    /// Training samples of one run of a network.
    pub fn samples_per_run(&self, spec: &ExperimentSpec) -> usize {
        self.samples.saturating_mul(self.budget(spec).epochs)
    }

    /// Training samples of a network between two validations.
    pub fn validate_every(&self, spec: &ExperimentSpec) -> usize {
        let batch_size = self.budget(spec).batch_size.max(1);
        let twentieth = || self.samples.div_ceil(20).next_multiple_of(batch_size);
        self.validate_every.unwrap_or_else(twentieth)
    }

    /// Passes and batches in words: those of all networks, or that each has its own.
    pub fn describe_budget(&self, specs: &[ExperimentSpec]) -> String {
        let mut budgets = specs.iter().map(|spec| self.budget(spec));
        let first = budgets.next().unwrap_or_default();
        if budgets.all(|budget| budget == first) {
            first.describe()
        } else {
            "each with the passes and batches that it is made for".to_owned()
        }
    }

    /// The first field in which two plans differ, with both values; a newer version of the program
    /// may go on with the work of an older one, the data may have moved, and there may be more seeds
    /// and networks.
    pub(super) fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        difference(self, other, &["version", "data", "seeds", "networks"])
    }
}

/// Networks, what they are trained on, and the folder for all of it.
#[derive(Clone, Debug)]
pub struct Study {
    /// The folder.
    pub out: PathBuf,
    /// Data, budget and seeds.
    pub plan: StudyPlan,
    /// The networks, in the order of the plan's names.
    pub specs: Vec<ExperimentSpec>,
}

/// Data as the networks of a study see them, each in its encoding.
pub struct EncodedSplits {
    encodings: Vec<(Encoding, Splits)>,
}

impl EncodedSplits {
    /// Data in the encodings of these networks.
    pub fn of(plain: &Splits, specs: &[ExperimentSpec]) -> Self {
        let mut encodings = vec![(Encoding::Plain, plain.clone())];
        for encoding in specs.iter().map(|spec| spec.data.encoding) {
            if encodings.iter().all(|(known, _)| *known != encoding) {
                encodings.push((encoding, plain.clone().encoded(encoding)));
            }
        }
        Self { encodings }
    }

    /// Data in one of the encodings.
    pub fn get(&self, encoding: Encoding) -> &Splits {
        let found = self.encodings.iter().find(|(known, _)| *known == encoding);
        let (_, splits) = found.unwrap_or(&self.encodings[0]);
        splits
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Study {
    /// Whether everything fits, before any file is written.
    ///
    /// # Errors
    ///
    /// Other data than the plan says, two networks of one name, a budget of nothing or beyond the
    /// data, mistakes in a specification, or sizes that do not fit the data, which are those before
    /// any encoding.
    pub fn check(&self, data: &Splits) -> Result<(), StudyError> {
        (self.plan.data).check(&DataOrigin::of(None, data))?;
        let mut folders: Vec<String> = Vec::new();
        for spec in &self.specs {
            let folder = folder_name(&spec.name);
            if folders.contains(&folder) {
                return Err(StudyError::SameName(spec.name.clone()));
            }
            folders.push(folder);
        }
        let plan = &self.plan;
        if plan.samples > data.train.len() {
            return Err(StudyError::Budget(format!(
                "`samples` is {}; accepted: 1 to {}, the training samples of `{}`",
                plan.samples,
                data.train.len(),
                plan.dataset
            )));
        }
        let seeds = usize::try_from(plan.seeds).unwrap_or(usize::MAX);
        let analysis_samples = Some(plan.analysis_samples).filter(|samples| *samples > 0);
        check_counts([
            ("samples", Some(plan.samples), MOST_SAMPLES),
            ("epochs", plan.epochs, MOST_EPOCHS),
            ("batch-size", plan.batch_size, MOST_SAMPLES),
            ("validate-every", plan.validate_every, MOST_SAMPLES),
            ("seeds", Some(seeds), MOST_SEEDS),
            ("analysis-samples", analysis_samples, MOST_SAMPLES),
        ])
        .map_err(StudyError::Budget)?;
        let is_analyzed = plan.purpose == Purpose::Perturbation || plan.analysis_samples > 0;
        if is_analyzed && plan.analysis_samples < 2 {
            return Err(StudyError::Budget(format!(
                "`analysis-samples` is {}; accepted: 2 or more{}",
                plan.analysis_samples,
                if plan.purpose == Purpose::Perturbation {
                    ""
                } else {
                    ", or 0 for no analysis"
                }
            )));
        }
        let encoded = EncodedSplits::of(data, &self.specs);
        for spec in &self.specs {
            let data = encoded.get(spec.data.encoding);
            let fits = (spec.check().map_err(ExperimentError::from))
                .and_then(|(network, _)| fits(&network, data, &plan.dataset));
            fits.map_err(|error| StudyError::Network {
                network: spec.name.clone(),
                error: Box::new(error),
            })?;
        }
        Ok(())
    }

    /// Every network with every seed, seed by seed: the first results cover all networks.
    pub fn runs(&self) -> Vec<(&ExperimentSpec, u64)> {
        (1..=self.plan.seeds)
            .flat_map(|seed| self.specs.iter().map(move |spec| (spec, seed)))
            .collect()
    }
}

/// A name as part of a path.
pub fn folder_name(name: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    name.chars()
        .map(|c| if kept(c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use burn_dendrite_train::{data::DatasetName, presets};

    pub(in crate::study) fn study(out: &Path) -> Study {
        let specs = ["mnist-backprop-ann", "mnist-dtp"].map(|name| presets::load(name).unwrap());
        Study {
            out: out.to_owned(),
            plan: StudyPlan {
                purpose: Purpose::Comparison,
                dataset: DatasetName::MnistMini.into(),
                data: Default::default(),
                samples: 40,
                epochs: Some(1),
                batch_size: Some(1),
                validate_every: Some(20),
                seeds: 2,
                analysis_samples: 0,
                networks: specs.iter().map(|spec| spec.name.clone()).collect(),
                version: "1".to_owned(),
                perturb: BTreeMap::new(),
            },
            specs: specs.to_vec(),
        }
    }

    #[test]
    fn names_and_budgets_are_checked_before_anything_is_written() {
        let data = DatasetName::MnistMini.load(&Default::default()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let good = study(&folder.path().join("study"));
        good.check(&data).unwrap();
        let refused = |change: fn(&mut Study), part: &str| {
            let mut bad = good.clone();
            change(&mut bad);
            let error = bad.check(&data).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        refused(
            |it| it.specs[1].name = it.specs[0].name.clone(),
            "two networks",
        );
        refused(|it| it.plan.samples = 5001, "1 to 5000");
        refused(|it| it.plan.seeds = 0, "`seeds` is 0");
        refused(
            |it| it.specs[1].network.populations[0].size = 9.into(),
            "`mnist-dtp`: network.population[Input.E].size: 9",
        );
        assert!(!good.out.exists());
    }

    #[test]
    fn runs_go_seed_by_seed() {
        let study = study(Path::new("out"));
        let runs: Vec<(&str, u64)> = (study.runs().into_iter())
            .map(|(spec, seed)| (spec.name.as_str(), seed))
            .collect();
        let [ann, dtp] = ["mnist-backprop-ann", "mnist-dtp"];
        assert_eq!(runs, [(ann, 1), (dtp, 1), (ann, 2), (dtp, 2)]);
        assert_eq!(
            study.run_folder("a/b", 2),
            Path::new("out").join("runs").join("a-b").join("seed-2")
        );
    }
}
