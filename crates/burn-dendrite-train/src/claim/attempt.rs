//! The files of attempts, as anybody can read them.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::holder::Holder;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The work is done.
    Finished,
    /// Somebody stopped it; it has saved where it was.
    Stopped,
    /// It failed, for this reason.
    Failed(String),
}

/// The newest attempt at something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// Who made it; none where that cannot be read.
    pub holder: Option<Holder>,
    /// How it ended; none where it is under way, or its process was killed.
    pub fate: Option<Fate>,
    /// How long ago it showed the last sign of life.
    pub silence: Duration,
    /// Grows as long as it lives.
    pub(super) length: u64,
}

impl Attempt {
    /// Whether somebody works on it, as far as can be seen.
    pub fn is_under_way(&self) -> bool {
        self.life(Pace::default()) != Life::Over
    }

    pub(super) fn life(&self, pace: Pace) -> Life {
        if self.fate.is_some() || self.silence >= pace.silence {
            return Life::Over;
        }
        match self.holder.as_ref().and_then(Holder::is_running_here) {
            Some(false) => Life::Over,
            Some(true) => Life::Alive,
            None => Life::Unknown,
        }
    }
}

/// What can be seen of an attempt at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Alive,
    Over,
    /// Its process may have ended a moment ago.
    Unknown,
}

/// How often a claim shows that it is held, and when it counts as given up.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From one sign of life to the next.
    pub beat: Duration,
    /// A silence of this length means that the holder is gone.
    pub silence: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            beat: Duration::from_secs(10),
            silence: Duration::from_secs(60),
        }
    }
}

/// The newest attempt of `STEM.…`, if there is any.
///
/// # Errors
///
/// If the folder cannot be read.
pub fn latest(stem: &Path) -> io::Result<Option<Attempt>> {
    match newest(stem)? {
        0 => Ok(None),
        number => read(stem, number).map(Some),
    }
}

pub(super) fn folder_of(stem: &Path) -> &Path {
    stem.parent().unwrap_or(Path::new("."))
}

pub(super) fn numbered(stem: &Path, number: u32) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(format!(".{number}"));
    name.into()
}

/// The number of the newest attempt; 0 if there is none.
pub(super) fn newest(stem: &Path) -> io::Result<u32> {
    let stem_name = stem.file_name().unwrap_or_default().to_string_lossy();
    let entries = match fs::read_dir(folder_of(stem)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let number = |entry: fs::DirEntry| -> Option<u32> {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let number = name.strip_prefix(&*stem_name)?.strip_prefix('.')?;
        number.parse().ok()
    };
    Ok(entries.flatten().filter_map(number).max().unwrap_or(0))
}

pub(super) fn read(stem: &Path, number: u32) -> io::Result<Attempt> {
    // Opened first: a file system may remember sizes and times of files that are not open.
    let file = File::open(numbered(stem, number))?;
    let text = io::read_to_string(&file)?;
    let now = now_in(folder_of(stem));
    let last = file.metadata()?.modified()?;
    let lines = || text.lines();
    Ok(Attempt {
        number,
        holder: lines()
            .next()
            .and_then(|line| serde_json::from_str(line).ok()),
        fate: lines()
            .next_back()
            .and_then(|line| serde_json::from_str(line).ok()),
        silence: now.duration_since(last).unwrap_or_default(),
        length: text.len() as u64,
    })
}

/// The time by the clock of the file system, or of this machine where nothing can be written.
fn now_in(folder: &Path) -> SystemTime {
    let now = || -> io::Result<SystemTime> {
        let mut file = tempfile::tempfile_in(folder)?;
        file.write_all(b".")?;
        file.sync_all()?;
        file.metadata()?.modified()
    };
    now().unwrap_or_else(|_| SystemTime::now())
}
