//! Files of a user's own, from their folder to an accuracy, through every command.

use std::{fs, path::Path, process::Output};

use flate2::{Compression, write::GzEncoder};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage, Rgba, RgbaImage};

use crate::common::dendrite;

/// A small network that takes its sizes from the data.
const SPEC: &str = r#"
name = "mine"

[network]
tau = 2.0
steps = 6
population = [
    { name = "Input.E", size = "data", cell = "excitatory" },
    { name = "H1.E", size = 20, cell = "excitatory" },
    { name = "H1.SomaI", size = 4, cell = "inhibitory" },
    { name = "Output.E", size = "data", cell = "excitatory" },
]
projection = [
    { name = "H1.E<-Input.E", weight = { kind = "half_kaiming" } },
    { name = "H1.E<-H1.SomaI", timing = "previous", weight = { kind = "half_kaiming" } },
    { name = "H1.E<-Output.E", compartment = "dendrite", active = "backward", weight = { kind = "tied", of = "Output.E<-H1.E", transpose = true } },
    { name = "H1.SomaI<-H1.E", timing = "previous", weight = { kind = "half_kaiming" } },
    { name = "Output.E<-H1.E", weight = { kind = "half_kaiming" } },
]

[learning]
nudge = { gate = "relu" }
rule = [
    { on = "H1.E<-Input.E", learning_rate = 0.02, rule = { kind = "dendritic_target" } },
    { on = "Output.E<-H1.E", learning_rate = 0.02, rule = { kind = "dendritic_target" } },
]
"#;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("mine.toml", SPEC.as_bytes());
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    fn dendrite(&self, arguments: &[&str]) -> Output {
        let mut command = dendrite();
        command.current_dir(self.0.path()).args(arguments);
        command.output().unwrap()
    }

    /// What is printed by a command that succeeds.
    fn run(&self, arguments: &[&str]) -> String {
        let output = self.dendrite(arguments);
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {message}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is said by a command that is refused.
    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.dendrite(arguments);
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
        message
    }

    fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    /// Trains the small network, and says with how many inputs and outputs.
    fn train(&self, arguments: &[&str]) -> [usize; 2] {
        let command = [
            &["train", "--spec", "mine.toml", "--out", "run", "--quiet"][..],
            arguments,
        ];
        self.run(&command.concat());
        let accuracy = self.json("run/summary.json")["test_accuracy"].as_f64();
        assert!((0.0..=1.0).contains(&accuracy.unwrap()));
        let spec: toml::Table =
            toml::from_str(&fs::read_to_string(self.path("run/spec.toml")).unwrap()).unwrap();
        let size = |at: usize| {
            spec["network"]["population"][at]["size"]
                .as_integer()
                .unwrap()
        };
        [size(0) as usize, size(3) as usize]
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file with that magic number, sizes and values.
fn idx(magic: u32, sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let words = std::iter::once(&magic).chain(sizes);
    let header = words.flat_map(|word| word.to_be_bytes());
    header.chain(values.iter().copied()).collect()
}

/// A table of two classes: which of the two values is larger.
fn points(place: &Place, name: &str) {
    let row = |index: i32| match index % 2 {
        0 => format!("left,{},0.1\n", f64::from(index) / 60.0),
        _ => format!("right,0.1,{}\n", f64::from(index) / 60.0),
    };
    let table: String = (0..60).map(row).collect();
    place.write(name, format!("label,a,b\n{table}").as_bytes());
}

#[test]
fn emnist_goes_from_its_folder_to_an_accuracy() {
    let place = Place::new();
    for (part, count) in [("train", 47 * 3_u32), ("test", 47)] {
        let name = |what: &str| format!("gzip/emnist-balanced-{part}-{what}-ubyte.gz");
        let pixels: Vec<u8> = (0..count * 9).map(|it| (it % 251) as u8).collect();
        let labels: Vec<u8> = (0..count).map(|it| (it % 47) as u8).collect();
        place.write(
            &name("images-idx3"),
            &gzip(&idx(0x803, &[count, 3, 3], &pixels)),
        );
        place.write(&name("labels-idx1"), &gzip(&idx(0x801, &[count], &labels)));
    }
    let sizes = place.train(&["--dataset", "gzip", "--set", "data.transpose=true"]);
    assert_eq!(sizes, [9, 47]);
    let spec = fs::read_to_string(place.path("run/spec.toml")).unwrap();
    assert!(
        spec.contains("transpose = true") && spec.contains("\"46\""),
        "{spec}"
    );
}

#[test]
fn qmnist_goes_from_its_folder_to_an_accuracy() {
    let place = Place::new();
    for (part, count) in [("train", 40_u32), ("test", 10)] {
        let name = |what: &str| format!("qmnist/qmnist-{part}-{what}.gz");
        let pixels: Vec<u8> = (0..count * 4).map(|it| (it % 251) as u8).collect();
        let rows = (0..count).flat_map(|it| [it % 10, 1, 2, 3, 4, 5, 6, 7]);
        let labels: Vec<u8> = rows.flat_map(u32::to_be_bytes).collect();
        place.write(
            &name("images-idx3-ubyte"),
            &gzip(&idx(0x803, &[count, 2, 2], &pixels)),
        );
        place.write(
            &name("labels-idx2-int"),
            &gzip(&idx(0xc02, &[count, 8], &labels)),
        );
    }
    assert_eq!(place.train(&["--dataset", "qmnist"]), [4, 10]);
}

#[test]
fn a_table_of_pixels_goes_from_its_folder_to_an_accuracy() {
    let place = Place::new();
    let header: Vec<String> = (0..4).map(|it| format!("pixel{it}")).collect();
    let rows: String = (0..40)
        .map(|it| format!("{},{it},9,200,0\n", it % 3))
        .collect();
    let table = format!("label,{}\n{rows}", header.join(","));
    place.write("kaggle/train.csv", table.as_bytes());
    place.write(
        "kaggle/test.csv",
        format!("{}\n1,2,3,4\n", header.join(",")).as_bytes(),
    );
    place.write("kaggle/sample_submission.csv", b"ImageId,Label\n1,0\n");
    assert_eq!(place.train(&["--dataset", "kaggle"]), [4, 3]);
}

#[test]
fn photographs_go_from_their_folder_to_an_accuracy() {
    let place = Place::new();
    let save = |name: &str, image: DynamicImage| {
        let path = place.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        image.save(path).unwrap();
    };
    for index in 0..6 {
        let grey = GrayImage::from_pixel(20 + index, 30, Luma([60]));
        let colour = RgbImage::from_pixel(40, 20 + index, Rgb([200, 30, 100]));
        let transparent = RgbaImage::from_pixel(16, 16, Rgba([0, 255, 0, 100]));
        save(&format!("photos/cats/{index}.png"), grey.into());
        save(&format!("photos/dogs/{index}.jpg"), colour.into());
        save(&format!("photos/owls/{index}.png"), transparent.into());
    }
    place.write("photos/Thumbs.db", b"x");
    // The path in a specification is relative to the folder of its file.
    let data = "\n[data]\npath = \"photos\"\nsize = [8, 6]\nbackground = [255, 255, 255]\n";
    place.write("mine.toml", format!("{SPEC}{data}").as_bytes());
    assert_eq!(place.train(&[]), [3 * 8 * 6, 3]);
    let settings = fs::read_to_string(place.path("run/run.toml")).unwrap();
    let path = place.path("photos").canonicalize().unwrap();
    let stored = settings
        .lines()
        .find(|line| line.starts_with("dataset"))
        .unwrap();
    let stored = stored.split('"').nth(1).unwrap();
    assert_eq!(Path::new(stored).canonicalize().unwrap(), path);
}

#[test]
fn every_command_works_on_files_of_ones_own() {
    let place = Place::new();
    points(&place, "points.csv");
    let data = "\n[data]\npath = \"points.csv\"\n";
    place.write("mine.toml", format!("{SPEC}{data}").as_bytes());
    let on_off = SPEC.replace("\"mine\"", "\"contrast\"");
    place.write(
        "contrast.toml",
        format!("{on_off}{data}encoding = \"on_off\"\n").as_bytes(),
    );
    assert_eq!(place.train(&["--epochs", "3"]), [2, 2]);

    // The summary was made by the same network on the same samples.
    let evaluated = place.run(&["evaluate", "run", "--json"]);
    let evaluated: serde_json::Value = serde_json::from_str(&evaluated).unwrap();
    let summary = place.json("run/summary.json");
    assert_eq!(evaluated["accuracy"], summary["test_accuracy"]);
    assert_eq!(
        (&evaluated["samples"], &evaluated["split"]),
        (&10.into(), &"test".into())
    );
    assert!(
        place
            .run(&["train", "--resume", "run"])
            .contains("test accuracy")
    );
    place.run(&[
        "analyze",
        "run",
        "--samples",
        "8",
        "--metric",
        "sparsity",
        "--quiet",
    ]);
    assert!(place.run(&["inspect", "mine.toml"]).contains("Input.E"));
    assert!(place.run(&["inspect", "run"]).contains("Input.E"));

    let budget = ["--samples", "20", "--jobs", "1", "--quiet"];
    let compare = [
        "compare",
        "--spec",
        "mine.toml",
        "--spec",
        "contrast.toml",
        "--out",
        "compared",
    ];
    place.run(
        &[
            &compare[..],
            &["--seeds", "1", "--analysis-samples", "4"],
            &budget,
        ]
        .concat(),
    );
    let contrast = place.path("compared/runs/contrast/seed-1/spec.toml");
    let contrast = fs::read_to_string(contrast).unwrap();
    assert!(
        contrast.contains("size = 4") && contrast.contains("on_off"),
        "{contrast}"
    );

    place.write(
        "space.toml",
        b"\"data.encoding\" = [\"plain\", \"on_off\"]\n",
    );
    let sweep = [
        "sweep",
        "--spec",
        "mine.toml",
        "--space",
        "space.toml",
        "--method",
        "grid",
    ];
    place.run(&[&sweep[..], &["--seeds", "1", "--out", "swept"], &budget].concat());
    let perturb = [
        "perturb",
        "--spec",
        "mine.toml",
        "--seeds",
        "1",
        "--out",
        "perturbed",
    ];
    place.run(&[&perturb[..], &["--analysis-samples", "4"], &budget].concat());
    place.run(&[
        "bench",
        "mine.toml",
        "--window",
        "10",
        "--windows",
        "1",
        "--json",
    ]);
}

#[test]
fn a_run_knows_its_classes_when_it_is_evaluated_on_other_files() {
    let place = Place::new();
    points(&place, "points.csv");
    place.train(&["--dataset", "points.csv"]);
    let rows = "right,0.1,0.5\n".repeat(12);
    place.write("right.csv", format!("label,a,b\n{rows}").as_bytes());
    let evaluate = ["evaluate", "run", "--json", "--dataset", "right.csv"];
    let evaluated: serde_json::Value = serde_json::from_str(&place.run(&evaluate)).unwrap();
    assert_eq!(evaluated["samples"], 2);
    place.write("other.csv", b"label,a,b\nup,1,2\ndown,2,1\n");
    let message = place.refused(&["evaluate", "run", "--dataset", "other.csv"]);
    assert!(
        message.contains("class `up`") && message.contains("left, right"),
        "{message}"
    );
}

/// Contrast is what the training samples of the run make it, whatever else is in other files.
#[test]
fn other_files_are_seen_as_the_run_saw_its_own() {
    let place = Place::new();
    points(&place, "points.csv");
    let on_off = "data.encoding=\"on_off\"";
    place.train(&["--dataset", "points.csv", "--set", on_off, "--epochs", "3"]);
    let evaluate = |more: &[&str]| -> serde_json::Value {
        let command = ["evaluate", "run", "--json", "--split", "all"];
        serde_json::from_str(&place.run(&[&command[..], more].concat())).unwrap()
    };
    let whole = evaluate(&[]);
    assert_eq!(whole["samples"], 60);
    let table = fs::read_to_string(place.path("points.csv")).unwrap();
    let right = table.lines().filter(|line| !line.starts_with("left"));
    place.write("right.csv", right.collect::<Vec<_>>().join("\n").as_bytes());
    let alone = evaluate(&["--dataset", "right.csv"]);
    assert_eq!(alone["samples"], 30);
    assert_eq!(alone["confusion"][1], whole["confusion"][1]);
    assert!(place.path("run/input.toml").is_file());
}

#[test]
fn keys_that_leave_nothing_to_do_and_classes_without_training_are_named() {
    let place = Place::new();
    points(&place, "data/train.csv");
    place.write("data/test.csv", b"label,a,b\nleft,1,0\nup,0,1\n");
    let train = |more: &[&str]| {
        let command = ["train", "--spec", "mine.toml", "--dataset", "data"];
        let output = place.dendrite(&[&command[..], more].concat());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let said = train(&["--set", "data.test=0.5", "--set", "data.fit=\"pad\""]);
    assert!(
        said.contains("`test`, `fit` in `[data]` have no effect"),
        "{said}"
    );
    assert!(said.contains("no training samples of `up`"), "{said}");
    for (table, part) in [
        (
            "label,a\nx,1\n,2\nx,1\ny,1\ny,1\ny,1\n",
            "line 3, column `label`: there is no label",
        ),
        ("label,a\nx,1\nx,2\nx,1\n", "of one class, `x`"),
    ] {
        place.write("faulty.csv", table.as_bytes());
        let message = place.refused(&["train", "--spec", "mine.toml", "--dataset", "faulty.csv"]);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_does_not_fit_is_one_sentence() {
    let place = Place::new();
    points(&place, "points.csv");
    let refused = |arguments: &[&str]| {
        let message = place.refused(&[&["train", "--quiet"], arguments].concat());
        assert_eq!(message.lines().count(), 1, "{message}");
        assert!(!place.path("runs").exists());
        message
    };
    let message = refused(&["--preset", "mnist-dtp", "--dataset", "points.csv"]);
    assert!(
        message.contains("Input.E].size: 784") && message.contains("accepted: 2"),
        "{message}"
    );
    let message = refused(&["--spec", "mine.toml", "--dataset", "nowhere/points"]);
    assert!(
        message.contains("nowhere/points") && message.contains("no such file"),
        "{message}"
    );
    let unknown = ["train", "--spec", "mine.toml", "--dataset", "points"];
    assert!(
        place
            .refused(&unknown)
            .contains("by their path, as in `./photos`")
    );
    let data = ["--spec", "mine.toml", "--dataset", "points.csv", "--set"];
    for (expression, expected) in [
        ("data.sise=[2,2]", "did you mean `size`"),
        ("data.size=[2,2]", "vectors"),
        ("data.validation=1.5", "`validation` is 1.5"),
        (
            "network.population[H1.E].size=data",
            "first population and the output",
        ),
    ] {
        let message = refused(&[&data[..], &[expression]].concat());
        assert!(message.contains(expected), "{message}");
    }
}
