//! The dashboard on a terminal: its keys, and what is left of it.

use std::{
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::train::run;
use portable_pty::{Child, CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use crate::{
    common::{dendrite, small},
    resume::weights,
};

/// What a terminal is told when a program takes its screen, and when it gives it back.
const TAKEN: &str = "\x1b[?1049h";
const GIVEN_BACK: &str = "\x1b[?1049l";
const CTRL_C: &[u8] = b"\x03";
const CTRL_BACKSLASH: &[u8] = b"\x1c";

/// A terminal with a program on it.
struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    /// Everything that was written to it.
    screen: Arc<Mutex<Vec<u8>>>,
    child: Box<dyn Child + Send + Sync>,
    /// Its modes before the program began.
    modes: String,
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

impl Terminal {
    fn open(program: &str, arguments: &[String], folder: &Path) -> Self {
        let size = PtySize {
            rows: 40,
            cols: 120,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).unwrap();
        let modes = modes(&*pair.master);
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.cwd(folder);
        command.env("BURN_DEVICE", "flex");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let screen: Arc<Mutex<Vec<u8>>> = Arc::default();
        let seen = screen.clone();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Where the other side is closed, Linux answers with an error.
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                seen.lock().unwrap().extend(&bytes[..count]);
            }
        });
        Self {
            keys: pair.master.take_writer().unwrap(),
            master: pair.master,
            screen,
            child,
            modes,
        }
    }

    fn train(folder: &Path, arguments: &[String]) -> Self {
        let arguments = [&["train".to_owned()], arguments].concat();
        Self::open(env!("CARGO_BIN_EXE_dendrite"), &arguments, folder)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.screen.lock().unwrap()).into_owned()
    }

    fn wait_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let started = Instant::now();
        while !holds(self) {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "{what} never came: {}",
                self.text()
            );
            if let Some(status) = self.child.try_wait().unwrap() {
                // What it wrote last may not have been read yet.
                let ended = Instant::now();
                while !holds(self) {
                    assert!(
                        ended.elapsed() < Duration::from_secs(2),
                        "ended before {what}: {status:?} {}",
                        self.text()
                    );
                    sleep(Duration::from_millis(5));
                }
                return;
            }
            sleep(Duration::from_millis(5));
        }
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
        self.keys.flush().unwrap();
    }

    /// How the program ended, once the terminal is as it was before.
    fn end(mut self) -> (ExitStatus, String) {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "it does not end: {}",
                self.text()
            );
            sleep(Duration::from_millis(5));
        };
        assert_eq!(modes(&*self.master), self.modes, "the modes are others");
        // What it wrote last may still be on its way.
        sleep(Duration::from_millis(100));
        let text = self.text();
        assert!(!text.contains("panicked"), "{text}");
        let screens = [TAKEN, GIVEN_BACK].map(|sequence| text.rfind(sequence));
        assert!(screens[0] < screens[1], "the screen is not given back");
        let cursor = ["\x1b[?25l", "\x1b[?25h"].map(|sequence| text.rfind(sequence));
        assert!(cursor[0] < cursor[1], "the cursor is hidden");
        (status, text)
    }
}

fn arguments(out: &str) -> Vec<String> {
    let fixed = [
        "--preset",
        "mnist-dtp",
        "--samples",
        "2000",
        "--epochs",
        "8",
        "--validate-every",
        "1000",
        "--checkpoint-every",
        "1000000",
        "--seed",
        "5",
        "--out",
        out,
    ];
    let overrides = small("mnist-dtp").into_iter();
    let overrides = overrides.flat_map(|it| ["--set".to_owned(), it]);
    fixed
        .map(str::to_owned)
        .into_iter()
        .chain(overrides)
        .collect()
}

/// A run that nobody looked at, and nothing happened to.
fn whole(folder: &TempDir) -> PathBuf {
    let mut command = dendrite();
    command
        .current_dir(folder.path())
        .args(["train", "--quiet"]);
    assert!(command.args(arguments("whole")).status().unwrap().success());
    folder.path().join("whole")
}

/// A dashboard on which a training is under way, and the folder of the run.
fn under_way(folder: &TempDir) -> (Terminal, PathBuf) {
    let run = folder.path().join("run");
    let mut terminal = Terminal::train(folder.path(), &arguments("run"));
    terminal.wait_until("the dashboard", |it| it.text().contains(TAKEN));
    let log = run.join("metrics.jsonl");
    terminal.wait_until("a validation", |_| {
        fs::read_to_string(&log).is_ok_and(|log| log.contains("valid"))
    });
    (terminal, run)
}

/// Asserts that a stopped run is saved, said to be so, and goes on to the bits of a whole one.
fn goes_on(folder: &TempDir, run: &Path, ended: (ExitStatus, String)) {
    let (status, text) = ended;
    assert_eq!(status.exit_code(), 130, "{text}");
    assert!(!run.join("summary.json").exists(), "it is not finished");
    let (_, position) = run::latest_checkpoint(run).unwrap();
    let (settings, _) = run::load(run).unwrap();
    let samples = position.samples_in(&settings.segments());
    let hint = format!("stopped; {samples} samples are saved, `dendrite train --resume run`");
    assert!(samples >= 1000 && text.contains(&hint), "{text}");
    let mut resume = dendrite();
    resume.args(["train", "--quiet", "--resume"]).arg(run);
    assert!(resume.status().unwrap().success());
    let whole = whole(folder);
    assert!(weights(&whole) == weights(run), "the weights differ");
    let log = |run: &Path| fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let lines = [&whole, run].map(log);
    for (one, other) in lines[0].lines().zip(lines[1].lines()) {
        assert_eq!(one, other, "stopped at {position}");
    }
    assert_eq!(lines[0].lines().count(), lines[1].lines().count());
}

#[test]
fn ctrl_c_stops_a_run_that_can_go_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let (mut terminal, run) = under_way(&folder);
    terminal.press(CTRL_C);
    goes_on(&folder, &run, terminal.end());
}

#[test]
fn so_does_the_answer_to_the_question_after_q() {
    let folder = tempfile::tempdir().unwrap();
    let (mut terminal, run) = under_way(&folder);
    terminal.press(b"q");
    terminal.wait_until("the question", |it| it.text().contains("[s]"));
    terminal.press(b"s");
    goes_on(&folder, &run, terminal.end());
}

#[test]
fn a_resumed_run_can_be_stopped_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut terminal, run) = under_way(&folder);
    terminal.press(CTRL_C);
    assert_eq!(terminal.end().0.exit_code(), 130);
    let before = run::latest_checkpoint(&run).unwrap().1;
    let resume = ["--resume".to_owned(), "run".to_owned()];
    let mut terminal = Terminal::train(folder.path(), &resume);
    terminal.wait_until("the dashboard", |it| it.text().contains(TAKEN));
    terminal.press(CTRL_C);
    let ended = terminal.end();
    assert!(run::latest_checkpoint(&run).unwrap().1 >= before);
    goes_on(&folder, &run, ended);
}

#[test]
fn ctrl_backslash_ends_the_program_and_leaves_the_terminal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (mut terminal, run) = under_way(&folder);
    terminal.press(CTRL_BACKSLASH);
    let (status, _) = terminal.end();
    let signal = status.signal().map(str::to_owned);
    assert!(
        signal.is_some_and(|it| it.starts_with("Quit")),
        "{status:?}"
    );
    assert!(run::latest_checkpoint(&run).is_none() && !run.join("summary.json").exists());
}

#[test]
fn other_keys_stop_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut terminal, run) = under_way(&folder);
    // Ctrl-Z and Ctrl-S; the next metric, Escape, and a question that is taken back.
    terminal.press(b"\x1a\x13\x1b[Cx\x1bq");
    terminal.wait_until("the question", |it| it.text().contains("[c]"));
    terminal.press(b"c");
    let (status, text) = terminal.end();
    assert!(status.success(), "{text}");
    assert!(text.contains("test accuracy"), "{text}");
    assert!(
        run::summary(&run)
            .unwrap()
            .is_some_and(|it| !it.stopped_early)
    );
}

#[test]
fn a_run_in_the_background_prints_lines() {
    let folder = tempfile::tempdir().unwrap();
    let script = "set -m; \"$0\" train \"$@\" & wait $!; echo it ended with $?";
    let program = env!("CARGO_BIN_EXE_dendrite").to_owned();
    let shell = ["-c".to_owned(), script.to_owned(), program];
    let arguments = [&shell[..], &arguments("run")].concat();
    let mut terminal = Terminal::open("sh", &arguments, folder.path());
    // A program that wanted the terminal would be stopped, and never end.
    terminal.wait_until("the end", |it| it.text().contains("it ended with 0"));
    let text = terminal.text();
    assert!(
        !text.contains(TAKEN) && text.contains("of 16000 samples"),
        "{text}"
    );
}
