//! Training on a device of another process: the same numbers, and what becomes of a connection that is
//! cut.

#![cfg(unix)]

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use burn_dendrite::train::run;

fn dendrite() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dendrite"));
    command
        .env("BURN_DEVICE", "flex")
        .env_remove("RUST_BACKTRACE");
    command
}

/// A server, until it is dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut command = dendrite();
        let serve = ["serve", "--listen", "127.0.0.1:0", "--threads", "1"];
        let mut process = command.args(serve).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        // `flex at ws://127.0.0.1:41234; Ctrl-C ends it`
        let address = line
            .split(['`', ' ', ';'])
            .find(|it| it.starts_with("ws://"));
        let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct Place(tempfile::TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, out: &str, more: &[&str]) -> Command {
        let mut command = dendrite();
        let what = [
            "train",
            "--preset",
            "mnist-dtp",
            "--samples",
            "64",
            "--quiet",
        ];
        let how = [
            "--batch-size",
            "8",
            "--validate-every",
            "16",
            "--threads",
            "1",
        ];
        command.current_dir(self.0.path()).args(what).args(how);
        command.args(["--out", out]).args(more);
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }

    fn run(&self, out: &str, more: &[&str]) -> Output {
        self.command(out, more).output().unwrap()
    }

    /// The run that no server takes part in.
    fn local(&self) {
        let output = self.run("local", &["--engine", "tensors"]);
        assert!(output.status.success(), "{}", message(&output));
    }

    /// Every weight, loss and accuracy, bit for bit. Other means are added up in another order.
    fn assert_same(&self, out: &str) {
        let log = |run: &str| run::records(&self.path(run)).unwrap();
        let (local, there) = (log("local"), log(out));
        assert_eq!(local.len(), there.len());
        for (one, other) in local.iter().zip(&there) {
            assert_eq!((one.segment, &one.split), (other.segment, &other.split));
            for (name, value) in &one.metrics {
                let difference = (value - other.metrics[name]).abs();
                let tolerance = match name.as_str() {
                    "Loss" | "Accuracy" => 0.0,
                    _ => 1e-6 * value.abs(),
                };
                assert!(difference <= tolerance, "{name}: {value}, {difference}");
            }
        }
        let weights = |run: &str| {
            let mut export = dendrite();
            let file = format!("{run}.npz");
            let arguments = ["export", run, "--out", &file];
            let output = export.current_dir(self.0.path()).args(arguments).output();
            assert!(output.unwrap().status.success());
            fs::read(self.path(&file)).unwrap()
        };
        assert!(weights("local") == weights(out), "the weights differ");
    }
}

fn message(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn validations(run: &Path) -> usize {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    text.lines()
        .filter(|line| line.contains("\"valid\""))
        .count()
}

#[test]
fn a_device_of_another_process_gives_the_same_numbers() {
    let place = Place(tempfile::tempdir().unwrap());
    place.local();
    let server = Server::start();
    let output = place.run("remote", &["--remote", &server.address]);
    assert!(output.status.success(), "{}", message(&output));
    place.assert_same("remote");
}

#[test]
fn a_cut_connection_is_a_sentence_and_the_run_goes_on() {
    let place = Place(tempfile::tempdir().unwrap());
    place.local();
    let mut server = Server::start();
    let command = place.command("cut", &["--remote", &server.address]).spawn();
    let process = command.unwrap();
    let started = Instant::now();
    while validations(&place.path("cut")) == 0 {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no validation came"
        );
        sleep(Duration::from_millis(5));
    }
    server.process.kill().unwrap();
    let output = process.wait_with_output().unwrap();
    let said = message(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let sentence = format!(
        "error: the connection to `{0}` was lost, and nobody answers there; `dendrite train --resume cut \
         --remote {0}` goes on from the last checkpoint\n",
        server.address
    );
    assert!(said.ends_with(&sentence), "{said}");
    assert_eq!(said.matches("panicked").count(), 0, "{said}");

    let server = Server::start();
    let mut resume = dendrite();
    resume
        .current_dir(place.0.path())
        .args(["train", "--resume", "cut", "--quiet"]);
    resume.args(["--threads", "1", "--remote", &server.address]);
    let output = resume.output().unwrap();
    assert!(output.status.success(), "{}", message(&output));
    place.assert_same("cut");
}

#[test]
fn where_nobody_answers_nothing_is_written() {
    let place = Place(tempfile::tempdir().unwrap());
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("ws://{}", port.local_addr().unwrap());
    drop(port);
    for (address, part) in [
        (address.as_str(), "offers no device"),
        ("gpu:3000", "accepted: `ws://HOST:PORT`"),
    ] {
        let output = place.run("none", &["--remote", address]);
        let said = message(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(part) && said.lines().count() == 1, "{said}");
    }
    assert!(!place.path("none").exists());
}
