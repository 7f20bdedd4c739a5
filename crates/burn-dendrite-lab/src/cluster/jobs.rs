//! What of a study was submitted, and submitting the rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use burn_dendrite_train::{
    run::{RunError, write_atomically},
    shell,
};
use serde::{Deserialize, Serialize};

use super::{Queued, Slurm, SlurmError, slurm::Batch};

/// All that was submitted of a study.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jobs {
    /// Array by array.
    pub arrays: Vec<Submitted>,
    /// The jobs that report.
    pub reports: Vec<String>,
}

/// An array of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Its job.
    pub job: String,
    /// The number of a run less that of its task in the array.
    pub offset: usize,
    /// The numbers of the runs.
    pub runs: Vec<usize>,
}

const FOLDER: &str = "slurm";
const FILE: &str = "jobs.json";

impl Jobs {
    /// What was submitted of the study in a folder.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or understood.
    pub fn load(study: &Path) -> Result<Self, RunError> {
        let file = study.join(FOLDER).join(FILE);
        match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(RunError::Io { file, error }),
            Ok(text) => serde_json::from_str(&text).map_err(|error| RunError::Invalid {
                file,
                message: error.to_string(),
            }),
        }
    }

    fn save(&self, study: &Path) -> Result<(), RunError> {
        let file = study.join(FOLDER).join(FILE);
        let text = serde_json::to_string_pretty(self).map_err(|error| RunError::Invalid {
            file: file.clone(),
            message: error.to_string(),
        })?;
        write_atomically(&file, format!("{text}\n").as_bytes())
    }

    /// The runs that Slurm has not done with, by their numbers.
    ///
    /// # Errors
    ///
    /// If Slurm is not there.
    pub fn queue(&self) -> Result<BTreeMap<usize, Queued>, SlurmError> {
        let jobs: Vec<&str> = self.arrays.iter().map(|it| it.job.as_str()).collect();
        let queued = Slurm::queue(&jobs)?.into_iter();
        let number = |task: Queued| {
            let array = self.arrays.iter().find(|it| it.job == task.job)?;
            Some((array.offset + task.index, task))
        };
        Ok(queued.filter_map(number).collect())
    }

    /// The newest log of a run, if it was submitted.
    pub fn log(&self, study: &Path, run: usize) -> Option<PathBuf> {
        let array = self.arrays.iter().rev().find(|it| it.runs.contains(&run))?;
        let name = format!("{}_{}.log", array.job, run - array.offset);
        Some(study.join(FOLDER).join(name))
    }
}

/// Submits runs of the study in a folder, so many at a time, and a job that reports once they have
/// ended. Arrays follow each other where Slurm does not take all runs in one. Returns what is new.
///
/// `task` and `collect` are the commands for one run, without its number, and for the report.
///
/// # Errors
///
/// If Slurm refuses, or a file cannot be written; what was submitted before is written down.
pub fn submit(
    slurm: &Slurm,
    study: &Path,
    runs: &[usize],
    at_a_time: Option<NonZeroUsize>,
    (task, collect): (&str, &str),
) -> Result<Jobs, SlurmError> {
    let folder = study.join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| RunError::Io {
        file: folder.clone(),
        error,
    })?;
    let mut jobs = Jobs::load(study)?;
    let earlier: BTreeSet<String> = (jobs.queue()?.into_values()).map(|it| it.job).collect();
    let (run, report) = (folder.join("run.sh"), folder.join("report.sh"));
    write_atomically(&run, run_script(task).as_bytes())?;
    write_atomically(&report, report_script(collect).as_bytes())?;

    let mut new = Jobs::default();
    for (offset, runs) in blocks(runs, slurm.largest_array()) {
        let indices: Vec<usize> = runs.iter().map(|run| run - offset).collect();
        let throttle = at_a_time.map_or(String::new(), |jobs| format!("%{jobs}"));
        let job = slurm.submit(&Batch {
            name: name(study, ""),
            script: run.clone(),
            arguments: vec![offset.to_string()],
            log: log(&folder, "%A_%a.log"),
            array: Some(ranges(&indices) + &throttle),
            // One after another, so that no more run at a time than are wanted.
            after: new
                .arrays
                .last()
                .map(|it| it.job.clone())
                .into_iter()
                .collect(),
        })?;
        let array = Submitted { job, offset, runs };
        new.arrays.push(array.clone());
        jobs.arrays.push(array);
        jobs.save(study)?;
    }
    let arrays = new.arrays.iter().map(|it| it.job.clone());
    let job = slurm.submit(&Batch {
        name: name(study, "-report"),
        script: report,
        arguments: Vec::new(),
        log: log(&folder, "report-%j.log"),
        array: None,
        after: arrays.chain(earlier).collect(),
    })?;
    new.reports.push(job.clone());
    jobs.reports.push(job);
    jobs.save(study)?;
    Ok(new)
}

/// The runs of each array with the number before its first one.
fn blocks(runs: &[usize], size: usize) -> BTreeMap<usize, Vec<usize>> {
    let mut blocks: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for run in runs {
        let offset = run.saturating_sub(1) / size * size;
        blocks.entry(offset).or_default().push(*run);
    }
    blocks
}

/// Numbers in ascending order as Slurm writes them: `1-3,7`.
fn ranges(numbers: &[usize]) -> String {
    let follows = |one: &usize, next: &usize| *next == one + 1;
    let parts = numbers.chunk_by(follows).map(|part| match part {
        [only] => only.to_string(),
        _ => format!("{}-{}", part[0], part[part.len() - 1]),
    });
    parts.collect::<Vec<_>>().join(",")
}

fn name(study: &Path, ending: &str) -> String {
    let name = study.file_name().unwrap_or_default().to_string_lossy();
    format!("{name}{ending}")
}

/// A file of the folder in Slurm's pattern, in which a percent sign begins something else.
fn log(folder: &Path, pattern: &str) -> String {
    let folder = folder.display().to_string().replace('%', "%%");
    format!("{folder}/{pattern}")
}

fn run_script(task: &str) -> String {
    format!(
        "#!/bin/sh\n\
         # One run of a study, as a task of a job array. The argument is what its number is more than\n\
         # that of the task.\n\
         export RAYON_NUM_THREADS=\"${{SLURM_CPUS_PER_TASK:-1}}\"\n\
         # In place of this shell, so that signals reach it.\n\
         exec {task} \"$(($1 + SLURM_ARRAY_TASK_ID))\"\n"
    )
}

fn report_script(collect: &str) -> String {
    format!("#!/bin/sh\n# The report on a study, once its runs have ended.\nexec {collect}\n")
}

/// The commands for one run of the study in a folder, without its number, and for the report, each
/// with these further words.
pub fn commands(program: &Path, study: &Path, words: &[String]) -> (String, String) {
    let command = |what: &str| {
        let mut command = vec![shell::path(program), "study".to_owned(), what.to_owned()];
        command.extend(words.iter().cloned());
        command.push(shell::path(study));
        command.join(" ")
    };
    (command("task"), command("collect"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_ranges() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), "1-3,7,9-10");
        assert_eq!(ranges(&[4]), "4");
        assert_eq!(ranges(&[]), "");
    }

    #[test]
    fn an_array_holds_as_many_runs_as_slurm_takes() {
        let runs: Vec<usize> = (1..=25).filter(|run| *run != 10).collect();
        let blocks = blocks(&runs, 10);
        let parts: Vec<(usize, usize)> =
            blocks.iter().map(|(at, runs)| (*at, runs.len())).collect();
        assert_eq!(parts, [(0, 9), (10, 10), (20, 5)]);
        // No number within an array is larger than Slurm takes, and none is 0.
        for (offset, runs) in blocks {
            assert!(runs.iter().all(|run| (1..=10).contains(&(run - offset))));
        }
    }

    #[test]
    fn folders_with_blanks_and_percent_signs_are_one_word() {
        let words = ["--device".to_owned(), "flex".to_owned()];
        let (task, collect) =
            commands(Path::new("/my bin/dendrite"), Path::new("/a b/50%"), &words);
        assert_eq!(
            task,
            "'/my bin/dendrite' study task --device flex '/a b/50%'"
        );
        assert!(collect.ends_with(" study collect --device flex '/a b/50%'"));
        assert_eq!(
            log(Path::new("/50%/slurm"), "%A_%a.log"),
            "/50%%/slurm/%A_%a.log"
        );
        assert!(run_script(&task).contains("exec '/my bin/dendrite' study task"));
    }
}
