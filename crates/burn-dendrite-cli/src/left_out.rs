//! The runs of a study that no number speaks of.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use burn_dendrite_lab::study::{DivergedRun, Study, UnfinishedRun};
use burn_dendrite_train::{output::Output, shell, words::counted};

use super::Mistake;

/// The runs of a study that no number speaks of.
pub(super) struct LeftOut {
    diverged: Vec<DivergedRun>,
    unfinished: Vec<UnfinishedRun>,
    folder: PathBuf,
}

impl LeftOut {
    /// Those of a study.
    ///
    /// # Errors
    ///
    /// If no other is left: a sentence that says what follows from it.
    pub(super) fn of(study: &Study, so: &str, quiet: bool) -> anyhow::Result<Self> {
        let left_out = Self {
            diverged: study.diverged()?,
            unfinished: study.unfinished()?,
            folder: study.out.clone(),
        };
        let runs = study.runs().len();
        if left_out.diverged.len() == runs {
            if !quiet {
                left_out.show(&mut Output::report())?;
            }
            anyhow::bail!("every training diverged, so that {so}; smaller learning rates may help")
        }
        if left_out.diverged.len() + left_out.unfinished.len() == runs {
            let message = format!(
                "no run of `{}` has a result yet, so that {so}; `{}` tells how far they are",
                study.out.display(),
                left_out.status()
            );
            return Err(Mistake(message).into());
        }
        Ok(left_out)
    }

    fn status(&self) -> String {
        format!(
            "{} study status {}",
            shell::program(),
            shell::path(&self.folder)
        )
    }

    /// Names them.
    pub(super) fn show(&self, output: &mut impl Write) -> io::Result<()> {
        for run in &self.diverged {
            writeln!(output, "left out: {run}")?;
        }
        match &self.unfinished[..] {
            [] => Ok(()),
            [run] => writeln!(output, "left out: {run}; `{}` tells why", self.status()),
            runs => {
                let runs = counted(runs.len(), "run");
                let status = self.status();
                writeln!(
                    output,
                    "left out: {runs} that are not finished; `{status}` tells why"
                )
            }
        }
    }
}
