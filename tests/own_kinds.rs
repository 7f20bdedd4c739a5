//! A program with kinds and data of its own: every command knows them, and the stock program says what
//! it lacks.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use crate::common::dendrite;

/// The example as `cargo test` builds it, in a folder of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self) -> Command {
        let stock = Path::new(env!("CARGO_BIN_EXE_dendrite"));
        let program = stock.with_file_name("examples").join("my_dendrite");
        let program = program.with_extension(std::env::consts::EXE_EXTENSION);
        assert!(
            program.exists(),
            "`cargo test` builds the examples, `cargo test --test integration` needs \
             `cargo build --example my_dendrite` before it"
        );
        let mut command = Command::new(program);
        command
            .current_dir(self.0.path())
            .env("BURN_DEVICE", "flex")
            .env_remove("RUST_BACKTRACE");
        command
    }

    fn run(&self, arguments: &[&str]) -> String {
        said(&self.program().args(arguments).output().unwrap(), 0)
    }
}

fn said(output: &Output, code: i32) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let all = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{all}");
    all
}

fn specification() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/my_dendrite.toml");
    file.display().to_string()
}

fn accuracy(run: &Path) -> f64 {
    let text = fs::read_to_string(run.join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    summary["test_accuracy"].as_f64().unwrap()
}

#[test]
fn own_kinds_and_data_go_through_train_kill_resume_evaluate_and_analyze() {
    let place = Place::new();
    let file = specification();
    let budget = ["train", "--spec", &file, "--quiet"];
    place.run(&[&budget[..], &["--out", "whole"]].concat());
    // Points on two sides of a line, which a network that has learned nothing tells apart by chance.
    assert!(accuracy(&place.path("whole")) > 0.9);

    let mut cut = place.program();
    cut.args(budget).args(["--out", "cut"]);
    let mut child = cut.spawn().unwrap();
    let checkpoints = place.path("cut/checkpoint");
    while !fs::read_dir(&checkpoints).is_ok_and(|mut files| files.next().is_some()) {
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    if !place.path("cut/summary.json").exists() {
        place.run(&["train", "--resume", "cut", "--quiet"]);
    }
    assert_eq!(accuracy(&place.path("cut")), accuracy(&place.path("whole")));

    place.run(&["evaluate", "cut"]);
    place.run(&["analyze", "cut", "--metric", "sparsity"]);
    let shown = place.run(&["inspect", &file]);
    for kind in ["calcium_spike", "pruning", "faint"] {
        assert!(shown.contains(kind), "{kind}: {shown}");
    }

    // The stock program lacks them, and says which.
    let stock = dendrite()
        .arg("evaluate")
        .arg(place.path("cut"))
        .output()
        .unwrap();
    let message = said(&stock, 2);
    for part in ["cut", "`faint`", "accepted", "half_kaiming"] {
        assert!(message.contains(part), "{part}: {message}");
    }
    assert_eq!(message.matches("`pruning`").count(), 1, "{message}");
}

#[test]
fn own_kinds_and_data_go_through_sweep_and_compare() {
    let place = Place::new();
    let file = specification();
    let budget = ["--samples", "200", "--quiet", "--jobs", "1"];
    let space = r#""learning.rule[H1.E<-Input.E].rule.threshold" = [0.0, 0.1]"#;
    fs::write(place.path("space.toml"), space).unwrap();
    let sweep = [
        "sweep",
        "--spec",
        &file,
        "--space",
        "space.toml",
        "--method",
        "grid",
        "--out",
        "sweep",
    ];
    place.run(&[&sweep[..], &budget].concat());
    let best = fs::read_to_string(place.path("sweep/best.toml")).unwrap();
    assert!(best.contains("calcium_spike"), "{best}");
    let compare = [
        "compare", "--spec", &file, "--seeds", "1", "--out", "compare",
    ];
    place.run(&[&compare[..], &budget, &["--analysis-samples", "0"]].concat());
    assert!(place.path("compare/report.html").exists());
}

#[test]
fn names_of_other_kinds_are_refused() {
    use burn_dendrite::nn::{InitializerSpec, constraint::NoAutapses, init::Constant};
    use burn_dendrite::train::{Registry, RegistryError};

    let taken = |registry: Registry| registry.install().unwrap_err();
    let error = |name: &str| RegistryError(name.to_owned());
    let standard = Registry::standard;
    assert_eq!(
        taken(standard().constraint::<NoAutapses>("upper_bound")),
        error("upper_bound")
    );
    assert_eq!(
        taken(standard().initializer::<Constant>("tied")),
        error("tied")
    );
    assert_eq!(
        taken(standard().dataset("mnist", |_| unreachable!())),
        error("mnist")
    );
    // The same kind twice is one kind.
    for _ in 0..2 {
        standard()
            .initializer::<Constant>("level")
            .install()
            .unwrap();
    }
    assert_eq!(
        taken(standard().initializer::<NoStart>("level")),
        error("level")
    );

    let text = r#"{"kind":"level","value":0.5}"#;
    let level: InitializerSpec = serde_json::from_str(text).unwrap();
    assert_eq!(serde_json::to_string(&level).unwrap(), text);
    let wrong = r#"{"kind":"level","valu":0.5}"#;
    let wrong = serde_json::from_str::<InitializerSpec>(wrong).unwrap_err();
    assert!(wrong.to_string().contains("`valu`"), "{wrong}");
}

/// Weights that do not start.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct NoStart {}

impl burn_dendrite::nn::Initializer for NoStart {
    fn check(&self, _cell: burn_dendrite::nn::CellType) -> Result<(), String> {
        Ok(())
    }

    fn distribution(
        &self,
        _site: &burn_dendrite::nn::init::InitSite,
    ) -> burn_dendrite::nn::init::Distribution {
        burn_dendrite::nn::init::Distribution::Constant(0.0)
    }
}
