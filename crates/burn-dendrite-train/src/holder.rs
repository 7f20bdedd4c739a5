//! Who has a folder to itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The process that has a folder to itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its number.
    pub process: u32,
    /// The name of the machine that it runs on.
    pub host: String,
    /// When it took the folder.
    pub since: String,
}

impl Holder {
    /// Whether it still runs; none where it is on another machine, or nobody can tell.
    pub fn is_running_here(&self) -> Option<bool> {
        let here = hostname::get().unwrap_or_default();
        if self.host != here.to_string_lossy() {
            return None;
        }
        #[cfg(unix)]
        {
            use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
            let process = Pid::from_raw(i32::try_from(self.process).ok()?);
            Some(kill(process, None) != Err(Errno::ESRCH))
        }
        #[cfg(not(unix))]
        None
    }

    pub fn this() -> Self {
        let host = hostname::get().unwrap_or_default();
        let now = OffsetDateTime::now_utc();
        let now = now.replace_nanosecond(0).unwrap_or(now);
        Self {
            process: std::process::id(),
            host: host.to_string_lossy().into_owned(),
            since: now.format(&Rfc3339).unwrap_or_default(),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            process,
            host,
            since,
        } = self;
        write!(f, "process {process} on `{host}`, since {since}")
    }
}

/// Who holds a lock, in brackets after "another process"; nothing where nobody knows.
pub fn in_brackets(holder: &Option<Holder>) -> String {
    let holder = holder.as_ref();
    holder.map_or_else(String::new, |holder| format!(" ({holder})"))
}
