//! Claims: who works on what, on a file system that several machines share.
//!
//! A claim is a file that nobody else can create, `STEM.1`, then `STEM.2`, and so on: one for each
//! attempt at the same work, none of which is ever removed. Its first line says who made it. Whoever
//! holds it writes a dot every few seconds, and a last line about how the attempt ended. The next
//! attempt begins once the last one has ended, its process is known to be gone, or no dot has come for
//! a minute. Several who come to that conclusion together create the same file, of whom one succeeds;
//! and who finds an attempt after its own has been taken for dead, and stops.
//!
//! Creating a file that must not exist is atomic on every file system that counts, locks are not:
//! those of some are of one machine alone, or not there at all. Times are those of the file system, so
//! that clocks may differ.

mod attempt;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
};

pub use attempt::{Attempt, Fate};
use attempt::{Life, folder_of, newest, numbered, read};
pub use attempt::{Pace, latest};

use crate::holder::Holder;

/// Why something cannot be claimed.
#[derive(Debug)]
pub enum ClaimError {
    /// Somebody holds it, and lives.
    Held(Option<Holder>),
    /// A file cannot be read or written.
    Io {
        /// The file.
        file: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
}

/// A claim that this process holds until it ends it, or drops it.
#[derive(Debug)]
pub struct Claim {
    file: PathBuf,
    fate: Fate,
    beats: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Claim {
    /// Claims what the files `STEM.…` stand for; waits where it has to find out whether a holder on
    /// another machine still lives. `lost` is called if somebody takes this process for dead, which
    /// then must not work on.
    ///
    /// # Errors
    ///
    /// If somebody else holds it, or a file cannot be written.
    pub fn take(
        stem: &Path,
        pace: Pace,
        lost: impl FnOnce() + Send + 'static,
    ) -> Result<Self, ClaimError> {
        let wrong = |file: &Path, error| ClaimError::Io {
            file: file.to_owned(),
            error,
        };
        let folder = folder_of(stem);
        fs::create_dir_all(folder).map_err(|error| wrong(folder, error))?;
        let mut known = 0;
        loop {
            let newest = newest(stem).map_err(|error| wrong(folder, error))?;
            // A listing may be older than what was found out by creating a file.
            let newest = newest.max(known);
            if newest > 0 {
                wait_for_end(stem, newest, pace)?;
            }
            let file = numbered(stem, newest + 1);
            match File::options().append(true).create_new(true).open(&file) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => known = newest + 1,
                Err(error) => return Err(wrong(&file, error)),
                Ok(open) => {
                    introduce(&open).map_err(|error| wrong(&file, error))?;
                    let beats = beat(open, stem.to_owned(), newest + 1, pace, lost);
                    return Ok(Self {
                        file,
                        fate: Fate::Stopped,
                        beats,
                    });
                }
            }
        }
    }

    /// Writes down how the attempt ended.
    pub fn end(mut self, fate: Fate) {
        self.fate = fate;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.beats.take() {
            drop(stop);
            let _ = thread.join();
        }
        // What cannot be written is found out by the silence.
        let end = || -> io::Result<()> {
            let fate = serde_json::to_string(&self.fate)?;
            let mut file = File::options().append(true).open(&self.file)?;
            writeln!(file, "\n{fate}")?;
            file.sync_all()
        };
        let _ = end();
    }
}

/// Returns once an attempt has ended or its holder is gone.
fn wait_for_end(stem: &Path, number: u32, pace: Pace) -> Result<(), ClaimError> {
    let look = || {
        read(stem, number).map_err(|error| ClaimError::Io {
            file: numbered(stem, number),
            error,
        })
    };
    let first = look()?;
    let mut attempt = first.clone();
    loop {
        match attempt.life(pace) {
            Life::Over => return Ok(()),
            Life::Alive => return Err(ClaimError::Held(attempt.holder)),
            Life::Unknown if attempt.length > first.length => {
                return Err(ClaimError::Held(attempt.holder));
            }
            Life::Unknown => thread::sleep(pace.beat / 4),
        }
        attempt = look()?;
    }
}

/// Writes down who makes an attempt.
fn introduce(mut file: &File) -> io::Result<()> {
    let holder = serde_json::to_string(&Holder::this())?;
    writeln!(file, "{holder}")?;
    file.sync_all()
}

/// Shows signs of life until the sender is dropped, or a later attempt is found.
fn beat(
    mut file: File,
    stem: PathBuf,
    number: u32,
    pace: Pace,
    lost: impl FnOnce() + Send + 'static,
) -> Option<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = mpsc::channel();
    let beat = move || {
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pace.beat) {
            if newest(&stem).is_ok_and(|newest| newest > number) {
                return lost();
            }
            // Where it cannot be written others may come to the wrong conclusion, which shows above.
            let _ = file.write_all(b".").and_then(|()| file.sync_data());
        }
    };
    let thread = thread::Builder::new().name("claim".to_owned()).spawn(beat);
    thread.ok().map(|thread| (stop, thread))
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc, Barrier,
            atomic::{AtomicBool, Ordering},
        },
        time::Duration,
    };

    use super::*;

    const QUICK: Pace = Pace {
        beat: Duration::from_millis(20),
        silence: Duration::from_millis(400),
    };

    fn take(stem: &Path) -> Result<Claim, ClaimError> {
        Claim::take(stem, QUICK, || ())
    }

    /// An attempt of a process on a machine that nobody can look at.
    fn elsewhere(stem: &Path, number: u32) {
        let holder = Holder {
            process: 1,
            host: "elsewhere.invalid".to_owned(),
            since: "2026-01-01T00:00:00Z".to_owned(),
        };
        let line = serde_json::to_string(&holder).unwrap();
        fs::write(numbered(stem, number), format!("{line}\n")).unwrap();
    }

    #[test]
    fn of_many_who_come_together_one_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("a/seed-1");
        let barrier = Arc::new(Barrier::new(8));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (stem, barrier) = (stem.clone(), barrier.clone());
                thread::spawn(move || {
                    barrier.wait();
                    take(&stem).ok()
                })
            })
            .collect();
        let claims: Vec<Claim> = threads
            .into_iter()
            .filter_map(|it| it.join().unwrap())
            .collect();
        assert_eq!(claims.len(), 1);
        // The next seed is another matter.
        assert!(take(&folder.path().join("a/seed-11")).is_ok());
    }

    #[test]
    fn what_has_ended_can_be_had_again_and_says_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("seed-1");
        assert_eq!(latest(&stem).unwrap(), None);
        let claim = take(&stem).unwrap();
        thread::sleep(QUICK.beat * 3);
        assert!(matches!(take(&stem), Err(ClaimError::Held(Some(_)))));
        claim.end(Fate::Failed("no room\nat all".to_owned()));
        let attempt = latest(&stem).unwrap().unwrap();
        let failed = Fate::Failed("no room\nat all".to_owned());
        assert_eq!((attempt.number, attempt.fate), (1, Some(failed)));
        assert_eq!(attempt.holder.unwrap().process, std::process::id());
        drop(take(&stem).unwrap());
        let attempt = latest(&stem).unwrap().unwrap();
        assert_eq!((attempt.number, attempt.fate), (2, Some(Fate::Stopped)));
    }

    #[test]
    fn silence_of_another_machine_is_waited_for_and_a_sign_of_life_respected() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("seed-1");
        elsewhere(&stem, 1);
        let beats = beat(
            File::options()
                .append(true)
                .open(numbered(&stem, 1))
                .unwrap(),
            stem.clone(),
            1,
            QUICK,
            || (),
        );
        let held = take(&stem).unwrap_err();
        assert!(matches!(held, ClaimError::Held(Some(holder)) if holder.process == 1));
        let (stop, thread) = beats.unwrap();
        drop(stop);
        thread.join().unwrap();
        drop(take(&stem).unwrap());
        assert_eq!(latest(&stem).unwrap().unwrap().number, 2);
    }

    #[test]
    fn who_was_taken_for_dead_hears_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("seed-1");
        let lost = Arc::new(AtomicBool::new(false));
        let heard = lost.clone();
        let claim = Claim::take(&stem, QUICK, move || heard.store(true, Ordering::Relaxed));
        let claim = claim.unwrap();
        elsewhere(&stem, 2);
        while !lost.load(Ordering::Relaxed) {
            thread::sleep(QUICK.beat);
        }
        drop(claim);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_of_this_machine_that_is_gone_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let stem = folder.path().join("seed-1");
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let holder = Holder {
            process: child.id(),
            ..Holder::this()
        };
        let line = serde_json::to_string(&holder).unwrap();
        fs::write(numbered(&stem, 1), format!("{line}\n....")).unwrap();
        // At its usual pace it would wait for a minute.
        drop(Claim::take(&stem, Pace::default(), || ()).unwrap());
    }
}
