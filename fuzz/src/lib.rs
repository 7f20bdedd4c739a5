//! What is done with bytes from outside, one function for each reader: the bodies of the fuzz
//! targets, and of the bounded test of the same readers on stable Rust.
//!
//! None may panic, whatever the bytes, nor ask for more memory than a header's claim is worth.

use std::{fs, path::Path, sync::LazyLock};

use burn::{
    module::Module,
    store::ModuleRecord,
    tensor::{Bytes, Device},
};
use burn_dendrite::{
    nn::{
        Network, Plan,
        perturb::{Perturbation, Perturbations},
        spec::Format,
    },
    optim::Learning,
    train::{
        ExperimentSpec, PlasticNetwork,
        data::{DataOptions, DataSpec, Dataset, cifar10, idx},
        import, presets,
        record::{Probe, Probes, Recording},
        run,
        set::set,
    },
};

/// A specification as TOML: refused, or checked and written again as it is.
pub fn specification_toml(data: &[u8]) {
    specification(data, Format::Toml);
}

/// A specification as JSON: refused, or checked and written again as it is.
pub fn specification_json(data: &[u8]) {
    specification(data, Format::Json);
}

fn specification(data: &[u8], format: Format) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(spec) = ExperimentSpec::parse(text, format) else {
        return;
    };
    if spec.check().is_ok() {
        let text = spec.to_toml().expect("what is legal can be written");
        assert_eq!(
            ExperimentSpec::parse(&text, Format::Toml).as_ref(),
            Ok(&spec)
        );
    }
}

/// A configuration of the reference: refused, or a specification.
pub fn reference_yaml(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    if let Ok(spec) = import::from_yaml(text, "fuzz.yaml") {
        let _ = spec.check();
    }
}

/// An expression of `--set`: refused, or applied to a specification that is refused or checked.
pub fn override_expression(data: &[u8]) {
    static PRESET: LazyLock<serde_json::Value> = LazyLock::new(|| {
        let spec = presets::load("mnist-dtp").expect("a preset is lawful");
        serde_json::to_value(spec).expect("a specification has a JSON form")
    });
    let Ok(expression) = str::from_utf8(data) else {
        return;
    };
    let mut value = PRESET.clone();
    if set(&mut value, expression).is_ok()
        && let Ok(spec) = ExperimentSpec::from_value(value)
    {
        let _ = spec.check();
    }
}

/// An expression of `--perturb`: refused, or written again as it is and resolved for a network.
pub fn perturbation(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(perturbation) = text.parse::<Perturbation>() else {
        return;
    };
    assert_eq!(perturbation.to_string().parse().as_ref(), Ok(&perturbation));
    let (plan, _) = &*PUBLISHED;
    let _ = Perturbations::resolve(&[perturbation], plan, 1);
}

/// An expression of `--probe`: refused, or written again as it is and resolved for a network.
pub fn probe(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(probe) = text.parse::<Probe>() else {
        return;
    };
    assert_eq!(probe.to_string().parse().as_ref(), Ok(&probe));
    let (plan, learning) = &*PUBLISHED;
    let _ = Probes::resolve(&[probe], plan, learning);
}

/// The network that is perturbed and recorded.
static PUBLISHED: LazyLock<(Plan, Learning)> = LazyLock::new(|| {
    let spec = presets::load("mnist-dtp").expect("a preset is lawful");
    spec.check().expect("a preset is lawful")
});

/// A file of images and a file of labels: the first two bytes say where the one ends.
pub fn idx_files(data: &[u8]) {
    let Some((length, files)) = data.split_first_chunk::<2>() else {
        return;
    };
    let end = usize::from(u16::from_be_bytes(*length)).min(files.len());
    let (images, labels) = files.split_at(end);
    in_folder(&[("images", images), ("labels", labels)], |folder| {
        let _ = idx::read_labelled_images(&folder.join("images"), &folder.join("labels"), 10);
    });
}

/// Files of a user's own, of the kind that the first byte says.
pub fn own_files(data: &[u8]) {
    const NAMES: [&str; 7] = [
        "train.csv",
        "train.tsv.gz",
        "train.npz",
        "x.npy",
        "train-images",
        "train-labels",
        "photos/cats/0",
    ];
    let Some((kind, file)) = data.split_first() else {
        return;
    };
    let name = NAMES[usize::from(*kind) % NAMES.len()];
    // What belongs to it, where it takes two files to be one of these.
    let images: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3];
    let labels: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 3, 0, 0, 0];
    let other = match name {
        "train-images" => Some(("train-labels", labels)),
        "train-labels" => Some(("train-images", images)),
        _ => None,
    };
    let ending = if file.starts_with(b"\x89PNG") {
        ".png"
    } else {
        ".jpg"
    };
    let named = if name.starts_with("photos") {
        format!("{name}{ending}")
    } else {
        name.to_owned()
    };
    let files: Vec<(&str, &[u8])> = [(named.as_str(), file)].into_iter().chain(other).collect();
    in_folder(&files, |folder| {
        for size in [None, Some([4, 4])] {
            let spec = DataSpec {
                size,
                background: Some([0; 3]),
                ..DataSpec::default()
            };
            let _ = Dataset::from(folder).load(&spec, &DataOptions::default());
        }
    });
}

/// The binary files of CIFAR-10, all with these bytes.
pub fn cifar_files(data: &[u8]) {
    let names = (1..=5).map(|number| format!("data_batch_{number}.bin"));
    let names: Vec<String> = names.chain(["test_batch.bin".to_owned()]).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), data)).collect();
    in_folder(&files, |folder| {
        let options = DataOptions {
            data_dir: Some(folder.to_owned()),
            ..DataOptions::default()
        };
        let _ = cifar10::load(&options);
    });
}

/// A small network in the file of a specification.
const SMALL: &str = r#"
    name = "small"
    [network]
    tau = 2.0
    steps = 2
    population = [
        { name = "Input.E", size = 3, cell = "excitatory" },
        { name = "Output.E", size = 2, cell = "excitatory" },
    ]
    projection = [{ name = "Output.E<-Input.E", weight = { kind = "half_kaiming" } }]
    [learning]
    nudge = {}
    rule = [{ on = "Output.E<-Input.E", learning_rate = 0.1, rule = { kind = "bienenstock_cooper_munro" } }]
"#;

/// The small network with its rules, whose files [`checkpoint_file`] reads.
pub fn small_network() -> PlasticNetwork {
    let spec = ExperimentSpec::parse(SMALL, Format::Toml).expect("the text is a specification");
    let (plan, learning) = spec.check().expect("the specification is lawful");
    PlasticNetwork::new(Network::new(plan, 1, &Device::flex()), learning).valid()
}

/// A file of weights: refused, or read into the network.
pub fn checkpoint_file(data: &[u8]) {
    in_folder(&[("model.bpk", data)], |folder| {
        let _ = small_network().try_load_file(folder.join("model.bpk"));
    });
    let bytes = Bytes::from_bytes_vec(data.to_vec());
    if let Ok(record) = ModuleRecord::from_bytes(bytes) {
        let _ = small_network().try_load_record(record);
    }
    let checkpoint = |part| format!("checkpoint/{part}-1.bpk");
    let names = ["model", "optimizer", "schedule"].map(checkpoint);
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), data)).collect();
    in_folder(&files, |folder| {
        let _ = run::latest_checkpoint(folder);
    });
}

/// Settings, log and summary of a run, all with these bytes.
pub fn run_files(data: &[u8]) {
    let text = ["run.toml", "metrics.jsonl", "summary.json"].map(|name| (name, data));
    let spec = ("spec.toml", SMALL.as_bytes());
    in_folder(&[text.as_slice(), &[spec]].concat(), |folder| {
        if let Ok((settings, _)) = run::load(folder) {
            let _ = settings.segments().validate(5000);
        }
        let _ = run::records(folder);
        let _ = run::summary(folder);
    });
}

/// A file of records: refused, or read with a value for each place of its shapes.
pub fn recorded_file(data: &[u8]) {
    in_folder(&[("probes.npz", data)], |folder| {
        for records in Recording::load(folder)
            .iter()
            .flat_map(|recording| recording.iter())
        {
            let _ = records.to_data();
        }
    });
}

/// Calls `read` on a folder with these files, which is removed afterwards.
fn in_folder(files: &[(&str, &[u8])], read: impl FnOnce(&Path)) {
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    for (name, content) in files {
        let file = folder.path().join(name);
        let parent = file.parent().expect("a file lies in a folder");
        fs::create_dir_all(parent).expect("a folder can be made");
        fs::write(&file, content).expect("a file can be written");
    }
    read(folder.path());
}
