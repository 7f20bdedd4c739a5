//! Every configuration that the authors published, and the command that imports one.
//!
//! The files are not part of this project. Where they lie beside the checkout, as for CI, all of
//! them are read; elsewhere that test has nothing to do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use burn_dendrite::{
    nn::spec::Format,
    train::{ExperimentSpec, import},
};

use crate::common::dendrite;

/// The published configurations: name and text.
fn published() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../shared/reference/configs");
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
        .iter()
        .map(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(file).unwrap())
        })
        .collect()
}

/// The spec as `dendrite import` writes it, read again.
fn written(spec: &ExperimentSpec) -> ExperimentSpec {
    ExperimentSpec::parse(&spec.to_toml().unwrap(), Format::Toml).unwrap()
}

#[test]
fn every_published_configuration_is_imported() {
    for (name, text) in published() {
        let spec = import::from_yaml(&text, &name).unwrap_or_else(|it| panic!("{name}: {it}"));
        let (plan, _) = spec
            .check()
            .unwrap_or_else(|errors| panic!("{name}: {errors}"));
        // A population is read for each size, and a projection for each direction or clone.
        assert_eq!(
            plan.populations.len(),
            text.matches(" size: ").count(),
            "{name}"
        );
        assert_eq!(
            plan.projections.len(),
            text.matches(" weight_init: ").count(),
            "{name}"
        );
        assert_eq!(written(&spec), spec, "{name}");
    }
}

#[test]
fn every_preset_is_its_published_configuration() {
    for preset in burn_dendrite::train::presets::names() {
        let mut spec = burn_dendrite::train::presets::load(preset).unwrap();
        let source = spec.source.clone();
        // Networks that are not the reference's have no configuration there.
        let Some(stem) = source.split_whitespace().last() else {
            continue;
        };
        let found = published()
            .into_iter()
            .find(|(name, _)| name.starts_with(stem));
        let Some((name, text)) = found else {
            continue;
        };
        let imported = import::from_yaml(&text, &name).unwrap();
        spec.learning.nudge = imported.learning.nudge.clone();
        assert_eq!(spec.network, imported.network, "{preset}");
        assert_eq!(spec.learning, imported.learning, "{preset}");
    }
}

/// A small network in the simplified form, with a tuple and a default rule.
const SMALL: &str = "
layer_config:
    Input: {E: {size: 784}}
    H1: {E: {size: 20, activation: relu, bias: 'fill(0.1)'}}
    Output: {E: {size: 10, activation: relu}}
projection_config:
    H1.E:
        Input.E:
            type: Exc
            weight_init: half_kaiming
            weight_init_args: !!python/tuple
            - 0.5
    Output.E:
        H1.E: {type: Exc, weight_init: half_kaiming, learning_rule_kwargs: {learning_rate: 0.05}}
training_kwargs: {tau: 1, forward_steps: 1, learning_rate: 0.1}
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(name: &str, text: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.0.path().join(name), text).unwrap();
        folder
    }

    /// Exit code, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = dendrite();
        let output = command.current_dir(self.0.path()).args(arguments).output();
        let output = output.unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap();
        (code, text(&output.stdout), text(&output.stderr))
    }

    fn succeeds(&self, arguments: &[&str]) -> String {
        let (code, out, error) = self.run(arguments);
        assert_eq!(code, 0, "{error}");
        out
    }

    fn files(&self) -> usize {
        fs::read_dir(self.0.path()).unwrap().count()
    }
}

#[test]
fn a_file_is_imported_to_standard_output_and_to_a_new_file() {
    let folder = Folder::with("Small_Net.yaml", SMALL);
    let printed = folder.succeeds(&["import", "Small_Net.yaml"]);
    assert!(printed.starts_with("# Imported by `dendrite import` from Small_Net.yaml"));
    let spec = ExperimentSpec::parse(&printed, Format::Toml).unwrap();
    assert_eq!(spec, import::from_yaml(SMALL, "Small_Net.yaml").unwrap());
    assert_eq!(
        (spec.name.as_str(), spec.source.as_str()),
        ("small-net", "Small_Net.yaml")
    );

    folder.succeeds(&["import", "Small_Net.yaml", "--out", "small.toml"]);
    let file = folder.0.path().join("small.toml");
    assert_eq!(fs::read_to_string(&file).unwrap(), printed);
    let (code, _, error) = folder.run(&["import", "Small_Net.yaml", "--out", "small.toml"]);
    assert_eq!((code, error.lines().count()), (2, 1), "{error}");
    assert!(error.contains("`small.toml` exists already"), "{error}");
    assert_eq!(
        (fs::read_to_string(&file).unwrap(), folder.files()),
        (printed, 2)
    );
}

#[test]
fn a_file_of_the_reference_is_inspected_and_trained_as_it_is() {
    let folder = Folder::with("Small_Net.yaml", SMALL);
    let shown = folder.succeeds(&["inspect", "Small_Net.yaml"]);
    // 784 * 20 + 20 * 10 weights learn, 20 biases do not.
    assert!(
        shown.contains("15,900 parameters: 15,880 learned, 20 fixed"),
        "{shown}"
    );
    let arguments = [
        "train",
        "--spec",
        "Small_Net.yaml",
        "--samples",
        "20",
        "--out",
        "run",
    ];
    folder.succeeds(&[&arguments[..], &["--device", "flex", "--quiet"]].concat());
    assert!(folder.0.path().join("run/summary.json").exists());
}

#[test]
fn a_refusal_names_each_key_and_writes_nothing() {
    let wrong = SMALL
        .replace("activation: relu}", "activation: softmax}")
        .replace("type: Exc\n", "type: Exc\n            delay: 3\n");
    let folder = Folder::with("wrong.yaml", &wrong);
    let (code, out, error) = folder.run(&["import", "wrong.yaml", "--out", "wrong.toml"]);
    assert_eq!((code, out.as_str(), folder.files()), (2, "", 1), "{error}");
    for part in [
        "2 mistakes",
        "projection_config.H1.E.Input.E.delay: this key cannot be represented",
        "layer_config.Output.E.activation: `softmax` cannot be represented; accepted: `relu`",
    ] {
        assert!(error.contains(part), "`{part}` is missing in: {error}");
    }
    let folder = Folder::with("sizes.yaml", &SMALL.replace("size: 20", "size: 0"));
    let (code, _, error) = folder.run(&["import", "sizes.yaml"]);
    assert!(
        code == 2 && error.contains("network.population[H1.E].size"),
        "{error}"
    );
    for (file, target, part) in [
        ("sizes.toml", "new.toml", "ends in `.yaml`"),
        ("missing.yaml", "new.toml", "missing.yaml"),
        ("sizes.yaml", "new.txt", "ends in `.toml`"),
        (
            "sizes.yaml",
            "nowhere/new.toml",
            "folder that does not exist",
        ),
    ] {
        let (code, _, error) = folder.run(&["import", file, "--out", target]);
        assert!(
            code == 2 && error.contains(part),
            "`{part}` is missing in: {error}"
        );
    }
    assert_eq!(folder.files(), 1);
}

#[test]
fn the_presets_are_listed() {
    let folder = Folder::with("unused", "");
    let shown = folder.succeeds(&["presets"]);
    for name in burn_dendrite::train::presets::names() {
        assert!(shown.contains(name), "{shown}");
    }
}

#[test]
fn one_network_has_one_backward_phase() {
    let mixed = SMALL
        .replace(
            "            type: Exc\n",
            "            type: Exc\n            learning_rule: BP_like_2E\n",
        )
        .replace(
            "H1.E: {type: Exc,",
            "H1.E: {type: Exc, learning_rule: BTSP_19,",
        );
    let message = import::from_yaml(&mixed, "mixed.yaml")
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("Output.E.H1.E") || message.contains("Output.E.Input"),
        "{message}"
    );
    assert!(message.contains("one backward phase"), "{message}");
}
