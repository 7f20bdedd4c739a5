//! What a study was asked to do, and the folder that remembers it.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use burn_dendrite_nn::perturb::Perturbation;
use serde::{Deserialize, Serialize};

use crate::{
    ExperimentError, ExperimentSpec,
    compared::difference,
    data::{DataError, DataOrigin, Dataset, Encoding, Splits},
    experiment::fits,
    limits::{MOST_EPOCHS, MOST_SAMPLES, MOST_SEEDS, check_counts},
    lock::{self, FolderLock, Holder, LOCK, LockError},
    run::{self, RunError, TEMPORARY, write_atomically},
};

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
    /// Passes over such samples.
    pub epochs: usize,
    /// Samples of one training step.
    pub batch_size: usize,
    /// Training samples between two validations.
    pub validate_every: usize,
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
    /// Training samples of one run.
    pub fn samples_per_run(&self) -> usize {
        self.samples.saturating_mul(self.epochs)
    }

    /// The first field in which two plans differ, with both values; a newer version of the program
    /// may go on with the work of an older one, and the data may have moved.
    fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        difference(self, other, &["version", "data"])
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

/// Why a study cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// Two networks would share a folder.
    #[error("two networks are called `{0}`; accepted: a different `name` in each specification")]
    SameName(String),
    /// The folder holds something else.
    #[error("`{}` already holds other files; accepted: a new or empty folder, or that of the same study", .0.display())]
    Occupied(PathBuf),
    /// Another process works on the study.
    #[error(
        "another process works on the study in `{}`{}; wait for it, or choose another folder",
        folder.display(),
        lock::in_brackets(holder)
    )]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// The process, if it is known.
        holder: Option<Holder>,
    },
    /// The folder holds a study that was asked for by another command.
    #[error(
        "`{}` holds another study: `{field}` is {there} there and {here} here; accepted: the same \
         command, or a new folder",
        folder.display()
    )]
    Different {
        /// The folder.
        folder: PathBuf,
        /// In what they differ first.
        field: String,
        /// Its value in the folder.
        there: String,
        /// Its value in the command.
        here: String,
    },
    /// The folder holds no study.
    #[error("`{}` holds no {wanted}: `study.toml` is missing", folder.display())]
    NotAStudy {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        wanted: Purpose,
    },
    /// The budget is beyond the data, or beyond all bounds.
    #[error("{0}")]
    Budget(String),
    /// A network does not fit the data, or has mistakes.
    #[error("`{network}`: {error}")]
    Network {
        /// The network.
        network: String,
        /// What is wrong.
        error: Box<ExperimentError>,
    },
    /// The data are not those that the study began with.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file cannot be read, written or understood.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl StudyError {
    /// True where somebody asked for something impossible, false where something broke.
    pub fn is_mistake(&self) -> bool {
        !matches!(self, Self::Run(RunError::Io { .. }))
    }
}

/// Data as the networks of a study see them, each in its encoding.
pub(crate) struct EncodedSplits {
    plain: Splits,
    on_off: Option<Splits>,
}

impl EncodedSplits {
    /// Data in the encodings of these networks.
    pub(crate) fn of(plain: &Splits, specs: &[ExperimentSpec]) -> Self {
        let is_on_off = |spec: &ExperimentSpec| spec.data.encoding == Encoding::OnOff;
        Self {
            plain: plain.clone(),
            on_off: (specs.iter().any(is_on_off)).then(|| plain.clone().encoded(Encoding::OnOff)),
        }
    }

    /// Data in one of the encodings.
    pub(crate) fn get(&self, encoding: Encoding) -> &Splits {
        match encoding {
            Encoding::Plain => &self.plain,
            Encoding::OnOff => self.on_off.as_ref().unwrap_or(&self.plain),
        }
    }
}

/// The folder of a study that this process has to itself, until this is dropped.
#[derive(Debug)]
#[must_use = "another process may take the folder when it is dropped"]
pub struct StudyFolder {
    _lock: FolderLock,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const PLAN: &str = "study.toml";
const SPECS: &str = "specs";
const RUNS: &str = "runs";

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
            ("epochs", Some(plan.epochs), MOST_EPOCHS),
            ("batch-size", Some(plan.batch_size), MOST_SAMPLES),
            ("validate-every", Some(plan.validate_every), MOST_SAMPLES),
            ("seeds", Some(seeds), MOST_SEEDS),
            ("analysis-samples", analysis_samples, MOST_SAMPLES),
        ])
        .map_err(StudyError::Budget)?;
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

    /// Makes the folder of the study, or finds that it holds this very study, and takes it: no other
    /// process works on it as long as what is returned lives.
    ///
    /// # Errors
    ///
    /// If the folder holds anything else, or another process works on it; nothing is overwritten.
    pub fn claim(&self) -> Result<StudyFolder, StudyError> {
        let is_begun = || self.out.join(PLAN).is_file();
        let specs = self.out.join(SPECS);
        if !is_begun() {
            self.check_vacant()?;
            fs::create_dir_all(&specs).map_err(io(&specs))?;
        }
        let folder = self.lock()?;
        // Another process may have begun it since.
        if is_begun() {
            self.compare_with(&Self::load(&self.out, self.plan.purpose)?)?;
            return Ok(folder);
        }
        for spec in &self.specs {
            let text = spec.to_toml().map_err(RunError::from)?;
            write_atomically(&self.spec_file(&spec.name), text.as_bytes())?;
        }
        run::write_toml(&self.out.join(PLAN), &self.plan)?;
        Ok(folder)
    }

    /// Whether there is nothing in the folder but what a study leaves that was cut off before it began:
    /// the specifications are written first.
    fn check_vacant(&self) -> Result<(), StudyError> {
        let is_left_over = |entry: fs::DirEntry| {
            let name = entry.file_name();
            name == SPECS || name == LOCK || name.to_string_lossy().starts_with(TEMPORARY)
        };
        let mut entries = match fs::read_dir(&self.out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(io(&self.out))?,
        };
        match entries.all(|entry| entry.is_ok_and(is_left_over)) {
            true => Ok(()),
            false => Err(StudyError::Occupied(self.out.clone())),
        }
    }

    fn lock(&self) -> Result<StudyFolder, StudyError> {
        match FolderLock::take(&self.out) {
            Ok(lock) => Ok(StudyFolder { _lock: lock }),
            Err(LockError::Held(holder)) => Err(StudyError::Busy {
                folder: self.out.clone(),
                holder,
            }),
            Err(LockError::Io { file, error }) => Err(RunError::Io { file, error }.into()),
        }
    }

    fn compare_with(&self, other: &Self) -> Result<(), StudyError> {
        let different = |field: String, there: String, here: String| StudyError::Different {
            folder: self.out.clone(),
            field,
            there,
            here,
        };
        if let Some((field, here, there)) = self.plan.difference(&other.plan) {
            return Err(different(field, there, here));
        }
        other.plan.data.check(&self.plan.data)?;
        for (here, there) in self.specs.iter().zip(&other.specs) {
            if here != there {
                let file = self.spec_file(&here.name);
                return Err(different(
                    format!("specification of {}", here.name),
                    format!("that of `{}`", file.display()),
                    "another one".to_owned(),
                ));
            }
        }
        Ok(())
    }

    /// The study that a folder holds.
    ///
    /// # Errors
    ///
    /// If it holds none of this purpose, or a file of it cannot be understood.
    pub fn load(out: &Path, wanted: Purpose) -> Result<Self, StudyError> {
        let file = out.join(PLAN);
        let missing = || StudyError::NotAStudy {
            folder: out.to_owned(),
            wanted,
        };
        if !file.is_file() {
            return Err(missing());
        }
        let plan: StudyPlan = run::read_toml(&file)?;
        let mut study = Self {
            out: out.to_owned(),
            specs: Vec::new(),
            plan,
        };
        if study.plan.purpose != wanted {
            return Err(StudyError::Different {
                folder: out.to_owned(),
                field: "purpose".to_owned(),
                there: study.plan.purpose.to_string(),
                here: wanted.to_string(),
            });
        }
        for name in &study.plan.networks {
            let spec = ExperimentSpec::load(&study.spec_file(name)).map_err(RunError::from)?;
            study.specs.push(spec);
        }
        Ok(study)
    }

    /// The file of a network's specification.
    pub fn spec_file(&self, network: &str) -> PathBuf {
        self.out
            .join(SPECS)
            .join(format!("{}.toml", folder_name(network)))
    }

    /// The folder of a run.
    pub fn run_folder(&self, network: &str, seed: u64) -> PathBuf {
        self.out
            .join(RUNS)
            .join(folder_name(network))
            .join(format!("seed-{seed}"))
    }

    /// Every network with every seed, seed by seed: the first results cover all networks.
    pub fn runs(&self) -> Vec<(&ExperimentSpec, u64)> {
        (1..=self.plan.seeds)
            .flat_map(|seed| self.specs.iter().map(move |spec| (spec, seed)))
            .collect()
    }
}

fn io(file: &Path) -> impl FnOnce(io::Error) -> StudyError {
    let file = file.to_owned();
    move |error| RunError::Io { file, error }.into()
}

/// A name as part of a path.
pub(crate) fn folder_name(name: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    name.chars()
        .map(|c| if kept(c) { c } else { '-' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::DatasetName, presets};

    fn study(out: &Path) -> Study {
        let specs = ["mnist-backprop-ann", "mnist-dtp"].map(|name| presets::load(name).unwrap());
        Study {
            out: out.to_owned(),
            plan: StudyPlan {
                purpose: Purpose::Comparison,
                dataset: DatasetName::MnistMini.into(),
                data: Default::default(),
                samples: 40,
                epochs: 1,
                batch_size: 1,
                validate_every: 20,
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
    fn the_same_study_goes_on_and_another_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let study = study(&folder.path().join("study"));
        drop(study.claim().unwrap());
        drop(study.claim().unwrap());
        let loaded = Study::load(&study.out, Purpose::Comparison).unwrap();
        assert_eq!(
            (loaded.plan, loaded.specs),
            (study.plan.clone(), study.specs.clone())
        );

        let mut other = study.clone();
        other.plan.seeds = 3;
        let message = other.claim().unwrap_err().to_string();
        assert!(
            message.contains("`seeds` is 2 there and 3 here"),
            "{message}"
        );
        let mut other = study.clone();
        other.specs[1].network.tau = 4.0;
        let message = other.claim().unwrap_err().to_string();
        assert!(message.contains("specification of mnist-dtp"), "{message}");
        let mut newer = study.clone();
        newer.plan.version = "2".to_owned();
        drop(newer.claim().unwrap());
        let message = Study::load(&study.out, Purpose::Sweep)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("`purpose` is comparison there"),
            "{message}"
        );
    }

    #[test]
    fn a_study_is_worked_on_once() {
        let folder = tempfile::tempdir().unwrap();
        let study = study(&folder.path().join("study"));
        let held = study.claim().unwrap();
        let error = study.claim().unwrap_err();
        let process = format!("(process {} on `", std::process::id());
        let message = error.to_string();
        assert!(
            message.starts_with("another process works on the study in `")
                && message.contains(&process),
            "{message}"
        );
        assert!(error.is_mistake());
        // One that has not written yet what it is to do is left alone too.
        fs::remove_file(study.out.join(PLAN)).unwrap();
        assert!(matches!(
            study.claim().unwrap_err(),
            StudyError::Busy { .. }
        ));
        drop(held);
        drop(study.claim().unwrap());
    }

    #[test]
    fn other_files_are_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        let error = study(folder.path()).claim().unwrap_err();
        assert!(matches!(error, StudyError::Occupied(_)) && error.is_mistake());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = Study::load(folder.path(), Purpose::Sweep).unwrap_err();
        assert!(error.to_string().contains("holds no sweep"), "{error}");
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
