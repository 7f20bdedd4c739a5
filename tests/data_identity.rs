//! Which data a run was made with: others are refused, the same ones may be anywhere.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
    sync::Arc,
    thread::sleep,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use burn_dendrite::train::{
    Display, Ending, Experiment, ExperimentError, Stop,
    data::{DataError, DatasetName, SampleSet, Splits},
    run::{self, RunSettings},
};
use tempfile::TempDir;

use crate::common::{dendrite, small, small_spec};

/// Sixty images to learn from, of which ten are held out, and twenty to test on, in the files of
/// MNIST; their pixels follow from `salt`.
fn digits(folder: &Path, salt: usize) {
    fs::create_dir_all(folder).unwrap();
    for (name, count) in [("train", 60), ("t10k", 20)] {
        let length = |count: usize| u32::try_from(count).unwrap().to_be_bytes();
        let mut images = [[0, 0, 8, 3], length(count), length(28), length(28)].concat();
        images.extend((0..count * 784).map(|at| (at * (at / 784 + 3) + salt) as u8));
        let mut labels = [[0, 0, 8, 1], length(count)].concat();
        labels.extend((0..count).map(|at| (at % 10) as u8));
        fs::write(folder.join(format!("{name}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{name}-labels-idx1-ubyte")), labels).unwrap();
    }
}

const PRESET: &str = "mnist-backprop-ann";

/// A folder with two sets of data, `one` and `two`.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        digits(&place.path("one"), 1);
        digits(&place.path("two"), 2);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = dendrite();
        command
            .current_dir(self.0.path())
            .args(arguments)
            // Where the program looks by itself there is nothing, and no network.
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.spawn(arguments).wait_with_output().unwrap()
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{message}");
        message
    }

    /// Asserts exit code 2 and one sentence with all of `parts`.
    fn refused(&self, arguments: &[&str], parts: &[&str]) {
        let output = self.run(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        for part in parts {
            assert!(message.contains(part), "`{part}` is missing in: {message}");
        }
        assert_eq!(message.matches("error: ").count(), 1, "{message}");
    }

    /// The arguments that begin a run on the data in `one`.
    fn begin(&self, out: &str, epochs: &str) -> Vec<String> {
        let begin = [
            "train",
            "--preset",
            PRESET,
            "--dataset",
            "mnist",
            "--data-dir",
            "one",
            "--quiet",
            "--out",
            out,
            "--epochs",
            epochs,
            "--validate-every",
            "10",
        ];
        let small = small(PRESET).into_iter();
        let set = small.flat_map(|expression| ["--set".to_owned(), expression]);
        begin.map(str::to_owned).into_iter().chain(set).collect()
    }

    /// Stops a process by Ctrl-C once the run is under way, and gives what it said.
    fn interrupt(&self, mut child: Child, run: &str) -> String {
        let log = self.path(run).join("metrics.jsonl");
        let before = fs::metadata(&log).map_or(0, |log| log.len());
        let started = Instant::now();
        while fs::metadata(&log).map_or(0, |log| log.len()) <= before {
            assert!(started.elapsed() < Duration::from_secs(120), "no run began");
            assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
            sleep(Duration::from_millis(1));
        }
        let id = child.id().to_string();
        let killed = std::process::Command::new("kill")
            .args(["-INT", &id])
            .status();
        assert!(killed.unwrap().success());
        let output = child.wait_with_output().unwrap();
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(130), "{message}");
        message
    }
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[cfg(unix)]
#[test]
fn a_run_goes_on_with_its_own_data_only_wherever_they_are() {
    let place = Place::new();
    let begin = place.begin("run", "100000");
    let message = place.interrupt(place.spawn(&words(&begin)), "run");
    // The run itself knows where its data are.
    assert!(
        message.contains("`dendrite train --resume run` goes on from there"),
        "{message}"
    );
    let (settings, _) = run::load(&place.path("run")).unwrap();
    let folder = settings.data.folder.unwrap();
    assert!(
        folder.is_absolute() && folder.ends_with("one"),
        "{folder:?}"
    );
    let kept = settings.data.fingerprint.unwrap();
    assert_eq!((kept.train.samples, kept.test.samples), (50, 20));
    assert_eq!(kept.train.shape, [1, 28, 28]);

    let resume = ["train", "--quiet", "--resume", "run"];
    let other = [&resume[..], &["--data-dir", "two"]].concat();
    place.refused(
        &other,
        &[
            "training split was 50 samples",
            &kept.train.hash,
            "/one`",
            "/two`",
            "--data-dir",
        ],
    );
    let message = place.interrupt(place.spawn(&resume), "run");
    assert!(
        message.contains("`dendrite train --resume run` goes"),
        "{message}"
    );

    // The same data in another place.
    fs::rename(place.path("one"), place.path("it's moved")).unwrap();
    place.refused(
        &resume,
        &["/one does not hold", "`--data-dir` says where they are now"],
    );
    let moved = [&resume[..], &["--data-dir", "it's moved"]].concat();
    let message = place.interrupt(place.spawn(&moved), "run");
    // The hint is a whole command, for a shell as well.
    let hint = message.split('`').nth(1).unwrap();
    let (program, rest) = hint.split_once(' ').unwrap();
    assert_eq!(program, "dendrite");
    let said = std::process::Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {rest}")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let said: Vec<&str> = said.lines().collect();
    let moved = place.path("it's moved").canonicalize().unwrap();
    assert_eq!(said[..3], ["train", "--resume", "run"]);
    assert_eq!(said[3], "--data-dir");
    assert_eq!(Path::new(said[4]).canonicalize().unwrap(), moved);
}

#[test]
fn a_network_is_measured_on_its_own_data_unless_others_are_named() {
    let place = Place::new();
    place.succeeds(&words(&place.begin("run", "1")));
    let evaluate = ["evaluate", "run", "--json"];
    let on_two = ["--data-dir", "two"];
    assert!(place.succeeds(&evaluate).is_empty());
    place.refused(
        &[&evaluate[..], &on_two].concat(),
        &[
            "split was",
            "/one`",
            "/two`",
            "`--dataset mnist` to measure on these",
        ],
    );
    let analyze = ["analyze", "run", "--metric", "sparsity", "--quiet"];
    place.refused(&[&analyze[..], &on_two].concat(), &["split was", "/two`"]);
    place.succeeds(&analyze);
    // By name, whatever it is.
    let named = [&evaluate[..], &on_two, &["--dataset", "mnist"]].concat();
    let message = place.succeeds(&named);
    assert!(message.contains("note: these are other data"), "{message}");
    let named = [&evaluate[..], &on_two, &["--dataset", "fashion-mnist"]].concat();
    assert!(place.succeeds(&named).is_empty());
    // A run of a version that did not keep it.
    let file = place.path("run/run.toml");
    let text = fs::read_to_string(&file).unwrap();
    let (older, _) = text.split_once("[data").unwrap();
    fs::write(&file, older).unwrap();
    let message = place.succeeds(&["evaluate", "run", "--data-dir", "two"]);
    assert!(message.contains("nobody can tell"), "{message}");
}

const OWN: &str = r#"
name = "own"
[network]
tau = 2.0
steps = 4
population = [
    { name = "Input.E", size = "data", cell = "excitatory" },
    { name = "Output.E", size = "data", cell = "excitatory" },
]
projection = [{ name = "Output.E<-Input.E", weight = { kind = "half_kaiming" } }]
[learning]
nudge = { gate = "relu" }
rule = [
    { on = "Output.E<-Input.E", learning_rate = 0.05, rule = { kind = "dendritic_target" } },
]
"#;

/// Files of somebody's own are named by their path, and may move as others do.
#[test]
fn so_it_is_with_files_of_ones_own() {
    let place = Place::new();
    let points = |width: f32| -> String {
        let row = |at: usize| format!("{},{},{}\n", ["small", "large"][at % 2], width, at);
        "class,width,length\n".to_owned() + &(0..40).map(row).collect::<String>()
    };
    fs::write(place.path("own.toml"), OWN).unwrap();
    fs::write(place.path("points.csv"), points(0.5)).unwrap();
    let data = ["--spec", "own.toml", "--dataset", "points.csv", "--quiet"];
    place.succeeds(&[&["train", "--out", "run"], &data[..]].concat());
    let compare = [
        "compare",
        "--seeds",
        "1",
        "--analysis-samples",
        "0",
        "--out",
        "c",
    ];
    place.succeeds(&[&compare[..], &data].concat());
    // The compared run is to be made again.
    fs::remove_dir_all(place.path("c/runs")).unwrap();

    fs::create_dir_all(place.path("moved")).unwrap();
    fs::rename(place.path("points.csv"), place.path("moved/points.csv")).unwrap();
    let moved = ["--data-dir", "moved"];
    for (command, run) in [
        (&["evaluate", "run"][..], "run/summary.json"),
        (&["train", "--quiet", "--resume", "run"], "run/summary.json"),
        (
            &["compare", "--quiet", "--resume", "c"],
            "c/runs/own/seed-1/summary.json",
        ),
    ] {
        place.refused(
            command,
            &["points.csv", "`--data-dir` says where they are now"],
        );
        place.succeeds(&[command, &moved].concat());
        assert!(place.path(run).is_file());
    }
    fs::write(place.path("moved/points.csv"), points(0.25)).unwrap();
    for command in [&["evaluate", "run"][..], &["compare", "--resume", "c"]] {
        place.refused(&[command, &moved].concat(), &["split was", "/moved`"]);
    }
}

#[test]
fn so_it_is_with_studies() {
    let place = Place::new();
    let spec = small_spec(PRESET, &[]).to_toml().unwrap();
    fs::write(place.path("small.toml"), spec).unwrap();
    fs::write(place.path("space.toml"), "\"network.tau\" = [2.0, 3.0]").unwrap();
    let compare = ["compare", "--analysis-samples", "10"];
    let sweep = ["sweep", "--space", "space.toml", "--trials", "2"];
    for (command, what) in [(&compare[..], "compare"), (&sweep[..], "sweep")] {
        let asked = [
            "--spec",
            "small.toml",
            "--dataset",
            "mnist",
            "--seeds",
            "1",
            "--quiet",
            "--out",
            what,
        ];
        let begin = [command, &asked].concat();
        let on = |folder: &'static str| [&begin[..], &["--data-dir", folder]].concat();
        place.succeeds(&on("one"));
        let text = fs::read_to_string(place.path(what).join("study.toml")).unwrap();
        let folder = place.path("one").canonicalize().unwrap();
        assert!(text.contains("/one\""), "{} in {text}", folder.display());
        assert!(text.contains("hash = \""), "{text}");
        place.refused(&on("two"), &["split was", "/one`", "/two`"]);
        let resume = [what, "--quiet", "--resume", what];
        let other = [&resume[..], &["--data-dir", "two"]].concat();
        place.refused(&other, &["split was", "/one`", "/two`"]);
        place.succeeds(&resume);
        fs::rename(place.path("one"), place.path("moved")).unwrap();
        place.succeeds(&on("moved"));
        place.refused(&resume, &["/one does not hold", "--data-dir"]);
        fs::rename(place.path("moved"), place.path("one")).unwrap();
    }
}

/// Points of two classes on a line, as a program of somebody's own has them.
fn own_data(shift: f32) -> Splits {
    let points = |count: usize| {
        let values: Vec<f32> = (0..2 * count).map(|at| at as f32 / 10.0 + shift).collect();
        let labels = (0..count).map(|at| (at % 4) as u16).collect();
        Arc::new(SampleSet::vectors(values, labels, 2, 4).unwrap())
    };
    Splits {
        train: points(40),
        validation: points(8),
        test: points(8),
    }
}

fn experiment(out: &Path, data: Splits, stop: Stop) -> Experiment {
    Experiment {
        out: out.to_owned(),
        settings: RunSettings {
            preset: "own".to_owned(),
            dataset: DatasetName::Spirals.into(),
            data: Default::default(),
            samples: 40,
            epochs: 3,
            batch_size: 1,
            seed: 1,
            validate_every: 20,
            patience: None,
            on_divergence: Default::default(),
            version: String::new(),
            learner: Default::default(),
            preprocessing: Default::default(),
            perturb: Vec::new(),
            probe: Vec::new(),
            start: None,
            lengthened: Vec::new(),
        },
        spec: small_spec("spirals-backprop-ann", &[]),
        data,
        device: Device::flex(),
        more_devices: Vec::new(),
        device_name: "flex".to_owned(),
        display: Display::Quiet,
        stop,
    }
}

#[test]
fn data_of_a_program_of_ones_own_are_kept_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let stopped = Stop::new();
    stopped.request();
    let started = experiment(&out, own_data(0.0), stopped).start().unwrap();
    assert!(matches!(started, Ending::Interrupted { .. }), "{started:?}");
    let other = experiment(&out, own_data(0.5), Stop::new());
    let error = other.resume().unwrap_err();
    assert!(
        matches!(error, ExperimentError::Data(DataError::OtherData { .. })),
        "{error}"
    );
    assert!(error.is_mistake());
    let same = experiment(&out, own_data(0.0), Stop::new());
    assert!(matches!(same.resume().unwrap(), Ending::Finished(_)));
    // The program cannot know such data by their name.
    let output = dendrite().args(["evaluate"]).arg(&out).output().unwrap();
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("split was 40 samples of 2 in 4 classes"),
        "{message}"
    );
}

#[test]
fn another_run_in_its_folder_is_not_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    experiment(&out, own_data(0.0), Stop::new())
        .start()
        .unwrap();
    let mut longer = experiment(&out, own_data(0.0), Stop::new());
    longer.settings.epochs = 4;
    let error = longer.resume().unwrap_err();
    let words = error.to_string();
    assert!(words.contains("`epochs` is 3 there and 4 here"), "{words}");
    assert!(error.is_mistake());
}
