//! The folder that remembers what a study was asked to do.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use burn_dendrite_train::{
    ExperimentSpec,
    lock::{FolderLock, LockError, is_lock},
    run::{self, RunError, TEMPORARY, write_atomically},
};

use super::{Purpose, Study, StudyError, StudyPlan, folder_name};

/// The folder of a study that this process has to itself, until this is dropped.
#[derive(Debug)]
#[must_use = "another process may take the folder when it is dropped"]
pub struct StudyFolder {
    _lock: FolderLock,
}

const PLAN: &str = "study.toml";
const SPECS: &str = "specs";
const RUNS: &str = "runs";

impl Study {
    /// Makes the folder of the study, or finds that it holds this very study, and takes it: no other
    /// process works on it as long as what is returned lives. A study with fewer seeds or networks,
    /// the same in everything else, is extended to this one.
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
            let there = Self::load(&self.out, self.plan.purpose)?;
            self.compare_with(&there)?;
            let is_same = |plan: &StudyPlan| {
                (plan.seeds, &plan.networks) == (self.plan.seeds, &self.plan.networks)
            };
            if !is_same(&there.plan) {
                let new = |spec: &&ExperimentSpec| !there.plan.networks.contains(&spec.name);
                let plan = StudyPlan {
                    version: there.plan.version.clone(),
                    data: there.plan.data.clone(),
                    ..self.plan.clone()
                };
                self.write(self.specs.iter().filter(new), &plan)?;
            }
        } else {
            self.write(self.specs.iter(), &self.plan)?;
        }
        Ok(folder)
    }

    /// Writes specifications, then the plan that names them, then the numbers of its runs.
    fn write<'a>(
        &self,
        specs: impl Iterator<Item = &'a ExperimentSpec>,
        plan: &StudyPlan,
    ) -> Result<(), StudyError> {
        for spec in specs {
            let text = spec.to_toml().map_err(RunError::from)?;
            write_atomically(&self.spec_file(&spec.name), text.as_bytes())?;
        }
        run::write_toml(&self.out.join(PLAN), plan)?;
        self.keep_tasks()
    }

    /// Whether there is nothing in the folder but what a study leaves that was cut off before it began:
    /// the specifications are written first.
    fn check_vacant(&self) -> Result<(), StudyError> {
        let is_left_over = |entry: fs::DirEntry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name == SPECS || is_lock(&name) || name.starts_with(TEMPORARY)
        };
        let mut entries = match fs::read_dir(&self.out) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(StudyError::Occupied(self.out.clone()));
            }
            entries => entries.map_err(io(&self.out))?,
        };
        if entries.all(|entry| entry.is_ok_and(is_left_over)) {
            Ok(())
        } else {
            Err(StudyError::Occupied(self.out.clone()))
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
        let (here, there) = (self.plan.seeds, other.plan.seeds);
        if here < there {
            let (there, here) = (there.to_string(), here.to_string());
            return Err(different("seeds".to_owned(), there, here));
        }
        other.plan.data.check(&self.plan.data)?;
        for there in &other.specs {
            let same_name = |spec: &&ExperimentSpec| spec.name == there.name;
            let Some(here) = self.specs.iter().find(same_name) else {
                let names = |plan: &StudyPlan| plan.networks.join(", ");
                let (there, here) = (names(&other.plan), names(&self.plan));
                return Err(different("networks".to_owned(), there, here));
            };
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

    /// The study that a folder holds, whatever it is made for.
    ///
    /// # Errors
    ///
    /// If it holds none, or a file of it cannot be understood.
    pub fn open(out: &Path) -> Result<Self, StudyError> {
        Self::read(out, None)
    }

    /// The study that a folder holds.
    ///
    /// # Errors
    ///
    /// If it holds none of this purpose, or a file of it cannot be understood.
    pub fn load(out: &Path, wanted: Purpose) -> Result<Self, StudyError> {
        Self::read(out, Some(wanted))
    }

    fn read(out: &Path, wanted: Option<Purpose>) -> Result<Self, StudyError> {
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
        if let Some(wanted) = wanted.filter(|wanted| *wanted != study.plan.purpose) {
            return Err(StudyError::OtherPurpose {
                folder: out.to_owned(),
                there: study.plan.purpose,
                wanted,
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
}

/// The folder of the study that a run belongs to, if it lies where a study keeps its runs.
pub fn study_of(run: &Path) -> Option<PathBuf> {
    let run = std::path::absolute(run).ok()?;
    let runs = run.parent()?.parent()?;
    let study = runs.parent()?;
    let is_one = runs.file_name()? == RUNS && study.join(PLAN).is_file();
    is_one.then(|| study.to_owned())
}

fn io(file: &Path) -> impl FnOnce(io::Error) -> StudyError {
    let file = file.to_owned();
    move |error| RunError::Io { file, error }.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::settings::tests::study;

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
        other.plan.seeds = 1;
        let message = other.claim().unwrap_err().to_string();
        assert!(
            message.contains("`seeds` is 2 there and 1 here"),
            "{message}"
        );
        let mut other = study.clone();
        other.plan.networks.pop();
        other.specs.pop();
        let message = other.claim().unwrap_err().to_string();
        assert!(
            message.contains("`networks` is mnist-backprop-ann, mnist-dtp there"),
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
            message.contains("holds no sweep but a comparison; accepted: `dendrite compare"),
            "{message}"
        );
    }

    #[test]
    fn a_study_grows_in_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut study = study(&folder.path().join("study"));
        drop(study.claim().unwrap());
        study.plan.seeds = 5;
        study.plan.version = "2".to_owned();
        let mut third = study.specs[0].clone();
        third.name = "third".to_owned();
        study.plan.networks.push(third.name.clone());
        study.specs.push(third);
        drop(study.claim().unwrap());
        let loaded = Study::open(&study.out).unwrap();
        assert_eq!((loaded.plan.seeds, &loaded.specs), (5, &study.specs));
        // Which version began it stays known.
        assert_eq!(loaded.plan.version, "1");
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
        for written in [PLAN, "tasks.csv"] {
            fs::remove_file(study.out.join(written)).unwrap();
        }
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
}
