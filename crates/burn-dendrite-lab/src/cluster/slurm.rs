//! The commands of Slurm.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{Command, Output},
};

use burn_dendrite_train::run::RunError;

/// Why something cannot be submitted.
#[derive(Debug, thiserror::Error)]
pub enum SlurmError {
    /// A command of Slurm is not there.
    #[error(
        "`{program}` cannot be run: {error}; accepted: `--slurm` on a machine that has the commands \
         of Slurm, or `--prepare`, and `study task` by whatever runs there"
    )]
    Missing {
        /// The command.
        program: &'static str,
        /// The operating system's reason.
        error: io::Error,
    },
    /// `sbatch` refuses what is asked for.
    #[error("`sbatch` refuses{}: {message}", options_in_words(options))]
    Refused {
        /// The options that somebody gave it.
        options: Vec<String>,
        /// What it said.
        message: String,
    },
    /// The options cannot be taken apart into words.
    #[error("`--sbatch {0}`: a quote has no end; accepted: options of `sbatch` as in a shell")]
    Quotes(String),
    /// An option that is set by this program.
    #[error("`--sbatch`: `{0}` is set by `--slurm`; accepted: other options of `sbatch`")]
    Ours(String),
    /// A file cannot be read or written.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl SlurmError {
    /// True where somebody asked for something impossible, false where something broke.
    pub fn is_mistake(&self) -> bool {
        !matches!(self, Self::Run(RunError::Io { .. }))
    }
}

fn options_in_words(options: &[String]) -> String {
    match options {
        [] => String::new(),
        options => format!(" `{}`", options.join(" ")),
    }
}

/// The options that say what is submitted, which is not for users to say.
const OURS: [&str; 12] = [
    "--array",
    "--dependency",
    "--help",
    "--parsable",
    "--test-only",
    "--usage",
    "--version",
    "--wait",
    "--wrap",
    "-V",
    "-W",
    "-h",
];
/// The same in short, which may have their value behind them.
const OURS_SHORT: [&str; 2] = ["-a", "-d"];

/// The largest array of Slurm as it comes, and one more.
const USUAL_ARRAY: usize = 1001;

/// Slurm, with the options for all that is submitted.
#[derive(Clone, Debug)]
pub struct Slurm {
    options: Vec<String>,
}

/// What is submitted.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) name: String,
    pub(super) script: PathBuf,
    pub(super) arguments: Vec<String>,
    /// Slurm's pattern of the file for what it says.
    pub(super) log: String,
    /// Numbers of tasks, and how many run at a time.
    pub(super) array: Option<String>,
    /// Jobs that have to end before.
    pub(super) after: Vec<String>,
}

/// A task that Slurm has not done with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// Its job.
    pub job: String,
    /// Its number in the array.
    pub index: usize,
    /// Slurm's word for its state, e.g. `PENDING`.
    pub state: String,
    /// Why it does not run, e.g. `Resources`.
    pub reason: String,
}

impl Slurm {
    /// With options for `sbatch`, in the words of a shell.
    ///
    /// # Errors
    ///
    /// If they cannot be taken apart, or say what is submitted.
    pub fn new(options: &str) -> Result<Self, SlurmError> {
        let words = shlex::split(options).ok_or_else(|| SlurmError::Quotes(options.to_owned()))?;
        for word in &words {
            let name = word.split('=').next().unwrap_or_default();
            let is_short = OURS_SHORT.iter().any(|short| word.starts_with(short));
            if OURS.contains(&name) || (is_short && !word.starts_with("--")) {
                return Err(SlurmError::Ours(name.to_owned()));
            }
        }
        Ok(Self { options: words })
    }

    /// Whether a job with these options would be accepted; submits nothing.
    ///
    /// # Errors
    ///
    /// If Slurm is not there, or it would not.
    pub fn check(&self) -> Result<(), SlurmError> {
        let options = self.options.iter().map(OsString::from);
        let test = ["--test-only", "--wrap", "true"].map(OsString::from);
        self.sbatch(options.chain(test)).map(drop)
    }

    /// Tasks that an array may have: those with the numbers from 1 to this one.
    pub(super) fn largest_array(&self) -> usize {
        let output = command("scontrol", ["show", "config"].map(OsString::from));
        let text = output.map_or(String::new(), |it| {
            String::from_utf8_lossy(&it.stdout).into_owned()
        });
        let mut lines = text.lines().filter_map(|line| line.split_once('='));
        let size = lines.find(|(name, _)| name.trim() == "MaxArraySize");
        let size = size.and_then(|(_, size)| size.trim().parse().ok());
        size.unwrap_or(USUAL_ARRAY).saturating_sub(1).max(1)
    }

    /// Submits something, and returns the number of its job.
    pub(super) fn submit(&self, batch: &Batch) -> Result<String, SlurmError> {
        let mut arguments: Vec<OsString> = vec!["--parsable".into()];
        let mut add = |name: &str, value: &str| arguments.push(format!("{name}={value}").into());
        add("--job-name", &batch.name);
        add("--output", &batch.log);
        // A task that begins again goes on in its log.
        add("--open-mode", "append");
        if let Some(array) = &batch.array {
            add("--array", array);
        }
        if !batch.after.is_empty() {
            add(
                "--dependency",
                &format!("afterany:{}", batch.after.join(":")),
            );
        }
        arguments.push("--requeue".into());
        arguments.extend(self.options.iter().map(OsString::from));
        arguments.push(batch.script.clone().into());
        arguments.extend(batch.arguments.iter().map(OsString::from));
        let said = self.sbatch(arguments)?;
        let number = said.trim().split(';').next().unwrap_or_default();
        if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit()) {
            Err(self.refused(format!("it does not say the number of a job: {said}")))
        } else {
            Ok(number.to_owned())
        }
    }

    /// The tasks of arrays that Slurm has not done with.
    ///
    /// # Errors
    ///
    /// If Slurm is not there.
    pub fn queue(jobs: &[&str]) -> Result<Vec<Queued>, SlurmError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = [
            "--noheader".to_owned(),
            "--array".to_owned(),
            format!("--jobs={}", jobs.join(",")),
            "--format=%F|%K|%T|%r".to_owned(),
        ];
        // It fails where it has forgotten all of the jobs, and then says nothing.
        let output = command("squeue", arguments.map(OsString::from))?;
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(text.lines().filter_map(read).collect())
    }

    fn sbatch(&self, arguments: impl IntoIterator<Item = OsString>) -> Result<String, SlurmError> {
        let output = command("sbatch", arguments)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let lines = said.lines().map(|line| {
            let line = line.trim_start_matches("sbatch: ");
            line.trim_start_matches("error: ").trim()
        });
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        Err(self.refused(match lines[..] {
            [] => output.status.to_string(),
            _ => lines.join("; "),
        }))
    }

    fn refused(&self, message: String) -> SlurmError {
        SlurmError::Refused {
            options: self.options.clone(),
            message,
        }
    }
}

fn command(
    program: &'static str,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Output, SlurmError> {
    let output = Command::new(program).args(arguments).output();
    output.map_err(|error| SlurmError::Missing { program, error })
}

/// A line of `squeue`: job, number in the array, state, reason.
fn read(line: &str) -> Option<Queued> {
    let mut fields = line.split('|').map(str::trim);
    let mut next = || fields.next();
    Some(Queued {
        job: next()?.to_owned(),
        index: next()?.parse().ok()?,
        state: next()?.to_owned(),
        reason: next()?.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_words_of_a_shell() {
        let slurm = Slurm::new("-p main --time=1:00:00 --comment 'two words'").unwrap();
        let words = ["-p", "main", "--time=1:00:00", "--comment", "two words"];
        assert_eq!(slurm.options, words);
        assert!(Slurm::new("").unwrap().options.is_empty());
        let refused = |options, part: &str| {
            let error = Slurm::new(options).unwrap_err();
            assert!(error.is_mistake());
            let error = error.to_string();
            assert!(error.contains(part), "{error}");
        };
        refused("--comment 'two", "a quote has no end");
        refused("-p main --array=1-4", "`--array` is set by `--slurm`");
        refused("-a1-4", "`-a1-4` is set");
        refused("-d afterok:3", "`-d` is set");
        // A long option that begins with the same letters is another one.
        assert!(Slurm::new("--account=me --distribution=block").is_ok());
    }

    #[test]
    fn the_queue_is_read_line_by_line() {
        let queued = read("17|3|PENDING|Resources").unwrap();
        assert_eq!((queued.job.as_str(), queued.index), ("17", 3));
        assert_eq!(queued.reason, "Resources");
        // Jobs without an array, and lines of anything else.
        assert_eq!(read("18|N/A|PENDING|Dependency"), None);
        assert_eq!(read(""), None);
    }
}
