//! `dendrite import`.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context;
use burn_dendrite_train::{
    ExperimentSpec,
    output::{answer, report},
};
use clap::Args;

use super::Mistake;

#[derive(Args, Debug)]
pub(super) struct ImportArguments {
    /// A configuration of the reference, `.yaml` or `.yml`, in its long or its simplified form.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The specification to write, a new `.toml` file; standard output unless given.
    #[arg(long, value_name = "SPEC")]
    out: Option<PathBuf>,
}

impl ImportArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        if let Some(out) = &self.out {
            check_target(out)?;
        }
        let text = self.import()?;
        match &self.out {
            None => answer(text.trim_end_matches('\n'))?,
            Some(out) => {
                write_new(out, &text)?;
                report(format!("specification: {}", out.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn import(&self) -> anyhow::Result<String> {
        let ending = self.file.extension().and_then(|ending| ending.to_str());
        if !matches!(ending, Some("yaml" | "yml")) {
            let message = format!(
                "{}: accepted: a file of the reference that ends in `.yaml` or `.yml`",
                self.file.display()
            );
            return Err(Mistake(message).into());
        }
        let spec = ExperimentSpec::load(&self.file).map_err(|it| Mistake(it.to_string()))?;
        spec.check().map_err(|errors| Mistake(errors.to_string()))?;
        let text = spec.to_toml().map_err(|it| Mistake(it.to_string()))?;
        Ok(format!("{}\n{text}", header(&spec.source)))
    }
}

/// The comment at the top; no name of a file can end it early.
fn header(source: &str) -> String {
    let source: String = source.chars().filter(|c| !c.is_control()).collect();
    format!("# Imported by `dendrite import` from {source}, a configuration of EIANN.\n")
}

fn check_target(out: &Path) -> Result<(), Mistake> {
    let wrong = |what: &str| Err(Mistake(format!("--out: `{}` {what}", out.display())));
    if out.exists() {
        return Err(exists(out));
    }
    if out.extension().is_none_or(|ending| ending != "toml") {
        return wrong("has another ending; accepted: a new file that ends in `.toml`");
    }
    if !folder(out).is_dir() {
        return wrong("is in a folder that does not exist; accepted: a new file in one that does");
    }
    Ok(())
}

fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes a file that is either whole or not there, and never takes the place of another.
fn write_new(out: &Path, text: &str) -> anyhow::Result<()> {
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        // A temporary file is the owner's alone; the finished one gets the usual permissions.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut temporary = builder.tempfile_in(folder(out))?;
        temporary.write_all(text.as_bytes())?;
        temporary.as_file().sync_all()?;
        temporary.persist_noclobber(out).map_err(|it| it.error)?;
        Ok(())
    };
    match write() {
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(out).into()),
        other => other.with_context(|| format!("`{}` cannot be written", out.display())),
    }
}

fn exists(out: &Path) -> Mistake {
    let out = out.display();
    Mistake(format!(
        "--out: `{out}` exists already; accepted: a new file"
    ))
}
