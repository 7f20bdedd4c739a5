//! The readers of everything that comes from outside, on damaged copies of good input: the bodies of
//! the fuzz targets, bounded, on stable Rust.
//!
//! Each reader gets 256 inputs, or as many as `PROPTEST_CASES` says, from a fixed seed, or from that of
//! `PROPTEST_RNG_SEED`. What panics fails; so does what makes this process larger than
//! [`MEMORY_LIMIT`].

// Public where it is a library.
#[allow(unreachable_pub)]
#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::{env, fs, path::Path};

use burn::{module::Module, store::ModuleRecord};
use burn_dendrite::train::{ExperimentSpec, presets};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, RngSeed, TestRunner},
};

/// What this process may grow to, in bytes: many times what any of the good inputs takes, and much
/// less than what the headers of the damaged ones announce.
const MEMORY_LIMIT: usize = 1 << 30;

/// One way to damage bytes.
#[derive(Clone, Debug)]
enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    Insert(Index, Vec<u8>),
    /// Puts a word in the place of the next number or word.
    Replace(Index, &'static str),
}

/// Words that have broken readers before.
const WORDS: [&str; 20] = [
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "18446744073709551615",
    "9223372036854775808",
    "99999999999999999999999999",
    "\"\"",
    "[]",
    "{}",
    "null",
    "true",
    "'",
    "\u{0}",
    "<-",
    "*a",
    "&a",
    "!!python/tuple",
];

fn damages() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        at().prop_map(Damage::Cut),
        (at(), 1usize..40).prop_map(|(at, count)| Damage::Remove(at, count)),
        (at(), 1usize..40).prop_map(|(at, count)| Damage::Repeat(at, count)),
        (at(), vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), select(WORDS.to_vec())).prop_map(|(at, word)| Damage::Replace(at, word)),
    ]
}

impl Damage {
    fn apply(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            _ if bytes.is_empty() => return b"0".to_vec(),
            Self::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Cut(at) => bytes.truncate(place(at)),
            Self::Remove(at, count) => {
                let start = place(at);
                let end = (start + count).min(bytes.len());
                bytes.drain(start..end);
            }
            Self::Repeat(at, count) => {
                let start = place(at);
                let end = (start + count).min(bytes.len());
                let again = bytes[start..end].to_vec();
                bytes.splice(start..start, again);
            }
            Self::Insert(at, new) => {
                let start = place(at);
                bytes.splice(start..start, new.iter().copied());
            }
            Self::Replace(at, word) => {
                let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b".-_".contains(byte);
                let start = place(at);
                let start = start + bytes[start..].iter().take_while(|it| !is_word(it)).count();
                let end = start + bytes[start..].iter().take_while(|it| is_word(it)).count();
                bytes.splice(start..end, word.bytes());
            }
        }
        bytes
    }
}

/// Gives a reader damaged copies of good inputs, and the good ones themselves.
fn smoke(reader: fn(&[u8]), good: Vec<Vec<u8>>) {
    good.iter().for_each(|input| reader(input));
    let mut config = Config {
        failure_persistence: None,
        max_shrink_iters: 1000,
        ..Config::default()
    };
    if env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(117_159);
    }
    let inputs = (select(good), vec(damages(), 1..6));
    let result = TestRunner::new(config).run(&inputs, |(good, damages)| {
        let input = damages
            .iter()
            .fold(good, |bytes, damage| damage.apply(bytes));
        reader(&input);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    if let Some(peak) = peak_memory() {
        assert!(peak < MEMORY_LIMIT, "this process grew to {peak} bytes");
    }
}

/// The largest size that this process has had, in bytes, where the system says so.
fn peak_memory() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes << 10)
}

fn specifications() -> Vec<ExperimentSpec> {
    let names = [
        "mnist-dtp",
        "mnist-dtp-btsp",
        "cifar10-dtp",
        "spirals-backprop-ei",
    ];
    names.map(|name| presets::load(name).unwrap()).to_vec()
}

#[test]
fn specifications_as_toml() {
    let good = specifications();
    let good = good.iter().map(|spec| spec.to_toml().unwrap().into_bytes());
    smoke(targets::specification_toml, good.collect());
}

#[test]
fn specifications_as_json() {
    let good = specifications();
    let good = good.iter().map(|spec| serde_json::to_vec(spec).unwrap());
    smoke(targets::specification_json, good.collect());
}

#[test]
fn configurations_of_the_reference() {
    let long = "
layer_config:
  Input: {E: {size: 4}}
  H1: {E: &e {size: 3, activation: relu, include_bias: true, bias_init: fill_, bias_init_args: [0.1]}}
  Output: {E: {<<: *e, size: 2}}
projection_config:
  H1:
    E:
      Input:
        E: {weight_init: half_kaiming, weight_init_args: !!python/tuple [2.0], weight_bounds: !!python/tuple [0, null],
            direction: F, learning_rule: BP_like_2E, learning_rule_kwargs: {max_pop_fraction: 0.5}}
      Output:
        E: {compartment: dend, update_phase: B, direction: R, weight_constraint: clone_weight,
            weight_constraint_kwargs: {source: Output.E.H1.E, transpose: true}, learning_rule: null}
  Output:
    E:
      H1:
        E: {weight_init: scaled_kaiming, weight_bounds: [0, 2], weight_constraint: normalize_weight,
            weight_constraint_kwargs: {scale: 1.5}, learning_rule: BP_like_2E}
training_kwargs: {tau: 3, forward_steps: 15, backward_steps: 3, learning_rate: 0.1}
";
    let short = "
layer_config:
  Input: {E: {size: 4}}
  Output: {E: {size: 2, bias: 'uniform(0, 1)'}}
projection_config:
  Output.E:
    Input.E: {type: exc, weight_init: uniform_, weight_init_args: [0, 1]}
training_kwargs: {learning_rate: 1}
";
    let good = [long, short].map(|text| text.as_bytes().to_vec());
    smoke(targets::reference_yaml, good.to_vec());
}

#[test]
fn override_expressions() {
    let good = [
        "network.tau=4",
        "learning.rule[H1.E<-Input.E].rule={ kind = \"behavioral_timescale\", discount = 0.5 }",
        "network.population[*].size = 3",
        "optimizer={ kind = \"sgd\", momentum = 0.9 }",
    ];
    smoke(
        targets::override_expression,
        good.map(|it| it.as_bytes().to_vec()).to_vec(),
    );
}

#[test]
fn perturbations() {
    let good = [
        "H1.DendI: silence during train",
        "H1.E<-H2.E: scale 0.5",
        "H2.SomaI: noise 0.3 0.5 of cells during test",
        "H1.E.dendrite: delay 3",
        "Output.E<-H2.E: prune 0.5 during test",
        "H1.E: freeze",
    ];
    smoke(
        targets::perturbation,
        good.map(|it| it.as_bytes().to_vec()).to_vec(),
    );
}

#[test]
fn probes() {
    let good = [
        "H1.E: dendrite every 100 last 50",
        "H1.E<-Input.E: weight every 1000",
        "Output.E: nudged_activity last 3",
    ];
    smoke(
        targets::probe,
        good.map(|it| it.as_bytes().to_vec()).to_vec(),
    );
}

/// A file of two images of 2 x 3 pixels, or the file of their labels.
fn idx(images: bool) -> Vec<u8> {
    if images {
        let header = [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        header.into_iter().chain(0..12).collect()
    } else {
        vec![0, 0, 8, 1, 0, 0, 0, 2, 7, 1]
    }
}

#[test]
fn idx_files() {
    let compressed = |bytes: &[u8]| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let both = |images: Vec<u8>, labels: Vec<u8>| {
        let length = u16::try_from(images.len()).unwrap().to_be_bytes();
        [length.as_slice(), &images, &labels].concat()
    };
    let plain = both(idx(true), idx(false));
    let packed = both(compressed(&idx(true)), compressed(&idx(false)));
    // A header that claims four billion images, and one whose sizes overflow their product.
    let mut many = idx(true);
    many[4..8].copy_from_slice(&[0xff; 4]);
    let mut huge = many.clone();
    huge[8..16].copy_from_slice(&[0xff; 8]);
    let claims = [many, huge].map(|images| both(images, idx(false)));
    smoke(
        targets::idx_files,
        [vec![plain, packed], claims.to_vec()].concat(),
    );
}

#[test]
fn own_files() {
    let with = |kind: u8, file: &[u8]| [&[kind], file].concat();
    let picture = |format| {
        let image = image::RgbImage::from_fn(9, 7, |x, y| image::Rgb([x as u8, y as u8, 90]));
        let mut bytes = std::io::Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let npy = |kind: &str, shape: &str, values: &[u8]| {
        let text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = u16::try_from(text.len()).unwrap().to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), values].concat()
    };
    let table = "label,a,b\ncat,1,2.5\ndog,3,4\n".repeat(4);
    smoke(
        targets::own_files,
        vec![
            with(0, table.as_bytes()),
            with(1, table.replace(',', "\t").as_bytes()),
            with(3, &npy("<f4", "(2, 1)", &[0; 8])),
            with(3, &npy("|u1", "(3,)", &[0, 1, 2])),
            with(
                4,
                &[0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3],
            ),
            with(
                5,
                &[0, 0, 12, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 9],
            ),
            with(6, &picture(image::ImageFormat::Png)),
            with(6, &picture(image::ImageFormat::Jpeg)),
        ],
    );
}

#[test]
fn cifar_files() {
    let record = |label: u8| [vec![label], vec![5; 3072]].concat();
    smoke(
        targets::cifar_files,
        vec![record(3), [record(0), record(9)].concat()],
    );
}

#[test]
fn checkpoint_files() {
    let record: ModuleRecord = targets::small_network().into_record();
    let good = record.into_bytes().unwrap().to_vec();
    // The metadata are said to be of 100 MB, of which the file has a few hundred bytes.
    let mut claims = good.clone();
    claims[6..10].copy_from_slice(&100_000_000u32.to_le_bytes());
    smoke(targets::checkpoint_file, vec![good, claims]);
}

#[test]
fn files_of_a_run() {
    let settings = "preset = \"small\"\ndataset = \"mnist-mini\"\nsamples = 100\nepochs = 1\n\
                    batch_size = 1\nseed = 1\nvalidate_every = 20\nversion = \"0.1.0\"\n";
    let log = "{\"segment\":1,\"split\":\"train\",\"samples\":20,\"metrics\":{\"Loss\":0.5}}\n";
    smoke(
        targets::run_files,
        [settings, log].map(|it| it.as_bytes().to_vec()).to_vec(),
    );
}

#[test]
fn recorded_files() {
    let good = include_bytes!("record/numpy.npz").to_vec();
    smoke(targets::recorded_file, vec![good]);
}

/// Each target is a file of its own for cargo-fuzz, and has a test here.
#[test]
fn every_target_is_registered() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let manifest: toml::Table =
        toml::from_str(&fs::read_to_string(root.join("Cargo.toml")).unwrap()).unwrap();
    let bodies = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let tests = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file!())).unwrap();
    let bins = manifest["bin"].as_array().unwrap();
    assert_eq!(bins.len(), bodies.matches("(data: &[u8]) {").count());
    for bin in bins {
        let name = bin["name"].as_str().unwrap();
        let target = fs::read_to_string(root.join(bin["path"].as_str().unwrap())).unwrap();
        assert!(
            target.contains(&format!("burn_dendrite_fuzz::{name}(data)")),
            "{name}"
        );
        assert!(tests.contains(&format!("targets::{name},")), "{name}");
    }
}
