//! Processes side by side, as many as there are places for.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Read, Seek},
    num::NonZeroUsize,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

#[cfg(unix)]
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::Watch;
use burn_dendrite_train::{Stop, stop::INTERRUPTED};

/// Set in the environment of a process that is to end when its standard input does.
pub const ENDS_WITH_INPUT: &str = "DENDRITE_ENDS_WITH_INPUT";

/// One process, and how far it is.
pub struct Task {
    /// What it does, for those who wait.
    pub label: String,
    /// The arguments of the program.
    pub arguments: Vec<OsString>,
    /// How much there is to do, in a unit that all tasks share.
    pub work: u64,
    /// How much of it is done, as far as can be seen from outside.
    pub done: Box<dyn Fn() -> u64>,
    /// What came of it, once it has ended well.
    pub result: Box<dyn Fn() -> String>,
}

/// Where the tasks run.
#[derive(Clone, Debug)]
pub struct Pool {
    /// The program, usually this one.
    pub program: PathBuf,
    /// How many processes run at a time.
    pub jobs: NonZeroUsize,
    /// The threads of each of them.
    pub threads: NonZeroUsize,
    /// Stops them from elsewhere.
    pub stop: Stop,
}

/// How the tasks ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolEnding {
    /// All of them are done.
    Finished,
    /// Somebody stopped them; each can go on from what it has saved.
    Interrupted,
}

/// Why the tasks did not all end well.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The program cannot be started.
    #[error("`{}` cannot be started: {error}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The operating system's reason.
        error: io::Error,
    },
    /// A process failed; the others were stopped.
    #[error("{label} failed: {message}")]
    Failed {
        /// What it did.
        label: String,
        /// What it said.
        message: String,
        /// Its exit code, if it ended by itself.
        code: Option<i32>,
    },
}

/// Between two looks at the processes.
const LOOK: Duration = Duration::from_millis(50);
/// How long a process that was told to stop may take to save where it is. One that takes longer is
/// killed, which a run folder survives.
const PATIENCE: Duration = Duration::from_secs(10);

impl Pool {
    /// As many jobs as there are cores, and no more than tasks; what cores are left over are
    /// shared between the jobs as threads.
    pub fn places(jobs: Option<NonZeroUsize>, tasks: usize) -> (NonZeroUsize, NonZeroUsize) {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self::places_on(cores, jobs, tasks)
    }

    fn places_on(
        cores: usize,
        jobs: Option<NonZeroUsize>,
        tasks: usize,
    ) -> (NonZeroUsize, NonZeroUsize) {
        let at_least_one = |count: usize| NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
        let jobs = jobs.map_or(cores, NonZeroUsize::get).min(tasks.max(1));
        (at_least_one(jobs), at_least_one(cores / jobs.max(1)))
    }

    /// Runs all tasks.
    ///
    /// # Errors
    ///
    /// If a process cannot be started, or one ends badly: the others are then stopped.
    pub fn run(&self, tasks: Vec<Task>, watch: &mut dyn Watch) -> Result<PoolEnding, PoolError> {
        let mut waiting = tasks.into_iter();
        let mut running: Vec<Running> = Vec::new();
        let mut finished = 0;
        loop {
            if self.stop.is_requested() {
                wait_for(&mut running);
                return Ok(PoolEnding::Interrupted);
            }
            let mut still = Vec::new();
            for mut task in std::mem::take(&mut running) {
                match task.child.try_wait() {
                    Ok(None) => still.push(task),
                    Ok(Some(status)) if status.success() => {
                        finished += task.task.work;
                        watch.finished(&task.task.label, &(task.task.result)(), finished);
                    }
                    Ok(Some(status)) if interrupted(status) => {
                        // It heard Ctrl-C before this process did.
                        self.stop.request();
                    }
                    Ok(Some(status)) => {
                        let message = task.message(status);
                        let label = task.task.label.clone();
                        let code = status.code();
                        return Err(PoolError::Failed {
                            label,
                            message,
                            code,
                        });
                    }
                    Err(error) => return Err(self.cannot_start(error)),
                }
            }
            running = still;
            while running.len() < self.jobs.get() && !self.stop.is_requested() {
                let Some(task) = waiting.next() else { break };
                running.push(self.start(task)?);
            }
            if running.is_empty() && !self.stop.is_requested() {
                return Ok(PoolEnding::Finished);
            }
            let under_way = running.iter().map(|it| (it.task.done)().min(it.task.work));
            let labels: Vec<&str> = running.iter().map(|it| it.task.label.as_str()).collect();
            watch.step(finished + under_way.sum::<u64>(), &labels);
            thread::sleep(LOOK);
        }
    }

    fn start(&self, task: Task) -> Result<Running, PoolError> {
        let start = || {
            let said = tempfile::tempfile()?;
            let child = Command::new(&self.program)
                .args(&task.arguments)
                .env("RAYON_NUM_THREADS", self.threads.to_string())
                // A pipe whose other end goes with this process, however that ends.
                .env(ENDS_WITH_INPUT, "1")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(said.try_clone()?)
                .spawn()?;
            Ok((child, said))
        };
        let (child, said) = start().map_err(|error| self.cannot_start(error))?;
        Ok(Running { child, said, task })
    }

    fn cannot_start(&self, error: io::Error) -> PoolError {
        PoolError::Start {
            program: self.program.clone(),
            error,
        }
    }
}

fn interrupted(status: ExitStatus) -> bool {
    // Ctrl-C reaches all processes on a terminal; those without anything to save are ended by it.
    #[cfg(unix)]
    let by_signal = std::os::unix::process::ExitStatusExt::signal(&status)
        .is_some_and(|signal| [SIGHUP, SIGINT, SIGTERM].contains(&signal));
    #[cfg(not(unix))]
    let by_signal = false;
    status.code() == Some(i32::from(INTERRUPTED)) || by_signal
}

/// Tells processes to stop and waits a little for them; dropping one kills it.
fn wait_for(running: &mut Vec<Running>) {
    let told = Instant::now();
    // The end of their standard input.
    running
        .iter_mut()
        .for_each(|it| drop(it.child.stdin.take()));
    while !running.is_empty() && told.elapsed() < PATIENCE {
        running.retain_mut(|it| matches!(it.child.try_wait(), Ok(None)));
        thread::sleep(LOOK);
    }
    running.clear();
}

/// A process that ends with this value, however that comes about.
struct Running {
    child: Child,
    said: File,
    task: Task,
}

impl Running {
    /// The last line that the process wrote on its standard error stream.
    fn message(&mut self, status: ExitStatus) -> String {
        let mut said = Vec::new();
        let read = self
            .said
            .rewind()
            .and_then(|()| self.said.read_to_end(&mut said));
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        match (read, last) {
            (Ok(_), Some(line)) => line.trim_start_matches("error: ").to_owned(),
            _ => status.to_string(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A process that has ended already cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::study::Progress;

    fn pool(jobs: usize) -> Pool {
        Pool {
            program: PathBuf::from("sh"),
            jobs: NonZeroUsize::new(jobs).unwrap(),
            threads: NonZeroUsize::MIN,
            stop: Stop::new(),
        }
    }

    fn shell(label: &str, script: &str) -> Task {
        Task {
            label: label.to_owned(),
            arguments: vec!["-c".into(), script.into()],
            work: 1,
            done: Box::new(|| 0),
            result: Box::new(String::new),
        }
    }

    #[test]
    fn every_task_runs_with_its_threads() {
        let folder = tempfile::tempdir().unwrap();
        let script = |name: &str| {
            format!(
                "echo $RAYON_NUM_THREADS > {}",
                folder.path().join(name).display()
            )
        };
        let tasks = ["a", "b", "c"].map(|name| shell(name, &script(name)));
        let ending = pool(2).run(tasks.into(), &mut Progress::quiet());
        assert_eq!(ending.unwrap(), PoolEnding::Finished);
        for name in ["a", "b", "c"] {
            let threads = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert_eq!(threads.trim(), "1");
        }
    }

    #[test]
    fn a_failure_says_what_the_process_said_and_stops_the_others() {
        let tasks = vec![
            shell("slow", "exec sleep 600"),
            shell(
                "bad",
                "echo first >&2; echo 'error: no such thing' >&2; exit 2",
            ),
        ];
        let error = pool(2).run(tasks, &mut Progress::quiet()).unwrap_err();
        assert_eq!(error.to_string(), "bad failed: no such thing");
    }

    #[test]
    fn an_interruption_of_one_stops_all() {
        let tasks = vec![shell("one", "exit 130"), shell("two", "exec sleep 1")];
        let ending = pool(1).run(tasks, &mut Progress::quiet());
        assert_eq!(ending.unwrap(), PoolEnding::Interrupted);
    }

    #[test]
    fn cores_are_shared_between_the_jobs() {
        let places = |cores, jobs, tasks| {
            let (jobs, threads) = Pool::places_on(cores, NonZeroUsize::new(jobs), tasks);
            (jobs.get(), threads.get())
        };
        assert_eq!(places(8, 0, 15), (8, 1));
        assert_eq!(places(8, 2, 15), (2, 4));
        assert_eq!(places(8, 0, 3), (3, 2));
        assert_eq!(places(2, 5, 15), (5, 1));
        assert_eq!(places(2, 0, 0), (1, 2));
    }
}
