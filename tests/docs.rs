//! The commands of README and book: those marked `quick` are executed, all others are read by the
//! program's own parser, or name something that is there.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use burn_dendrite::cli;

use crate::common::dendrite;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README and the pages of the book.
fn pages() -> Vec<PathBuf> {
    let book = fs::read_dir(root().join("docs/src")).unwrap();
    let book = book.map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = book
        .filter(|it| it.extension().is_some_and(|ending| ending == "md"))
        .collect();
    pages.sort();
    pages.push(root().join("README.md"));
    pages
}

/// A block of a page: the words behind its fence, and its text.
struct Block {
    words: Vec<String>,
    text: String,
}

impl Block {
    fn is(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word)
    }

    /// The name under which a reader is asked to keep it.
    fn file(&self) -> Option<&str> {
        self.words
            .iter()
            .find_map(|word| word.strip_prefix("file="))
    }

    /// The commands after the prompts.
    fn commands(&self) -> impl Iterator<Item = &str> {
        self.text.lines().filter_map(|line| line.strip_prefix("$ "))
    }
}

fn blocks(page: &Path) -> Vec<Block> {
    let text = fs::read_to_string(page).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(words) => {
                open = true;
                let words = words
                    .split(',')
                    .map(|word| word.trim().to_owned())
                    .collect();
                blocks.push(Block {
                    words,
                    text: String::new(),
                });
            }
            None if open => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "{}: a block has no end", page.display());
    blocks
}

/// The words of a command, as a shell divides them: quotes keep words together.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in command.chars() {
        match (quote, letter) {
            (None, '#') if words.last().is_some_and(String::is_empty) => break,
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), letter) if letter == open => quote = None,
            (None, ' ') => words.push(String::new()),
            (_, letter) => words.last_mut().unwrap().push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What a command runs.
enum Program {
    Dendrite(Vec<String>),
    Example(String),
    /// Something that is not ours.
    Other,
}

fn program(command: &str) -> Program {
    let mut words: Vec<String> = words(command);
    // Settings of the environment stand before the command.
    while words.first().is_some_and(|word| word.contains('=')) {
        words.remove(0);
    }
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let after = |end: &str| {
        words
            .iter()
            .position(|it| it == end)
            .map(|at| words[at + 1..].to_vec())
    };
    match (word(0), word(1)) {
        ("dendrite", _) => Program::Dendrite(words[1..].to_vec()),
        // A command that is not compiled in here.
        ("cargo", "run") if !cfg!(feature = "remote") && word(3).contains("remote") => {
            Program::Other
        }
        ("cargo", "run") => match after("--example") {
            Some(rest) => Program::Example(rest.first().cloned().unwrap_or_default()),
            None => Program::Dendrite(after("--").unwrap_or_default()),
        },
        _ => Program::Other,
    }
}

#[test]
fn every_command_of_the_documentation_is_understood() {
    let mut read = 0;
    for page in pages() {
        for block in blocks(&page).iter().filter(|it| it.is("console")) {
            for command in block.commands() {
                match program(command) {
                    Program::Other => continue,
                    Program::Example(name) => {
                        let file = root().join(format!("examples/{name}.rs"));
                        assert!(file.is_file(), "{}: {command}", page.display());
                    }
                    Program::Dendrite(arguments) => {
                        let arguments = ["dendrite".to_owned()].into_iter().chain(arguments);
                        if let Err(error) = cli::command().try_get_matches_from(arguments) {
                            panic!("{}: `{command}`: {error}", page.display());
                        }
                    }
                }
                read += 1;
            }
        }
    }
    assert!(read > 20, "only {read} commands were found");
}

#[test]
fn every_quick_command_of_the_documentation_runs() {
    let mut run = 0;
    for page in pages() {
        // Commands of a page may use what those before them left.
        let folder = tempfile::tempdir().unwrap();
        for block in blocks(&page) {
            if let Some(file) = block.file() {
                fs::write(folder.path().join(file), &block.text).unwrap();
            }
            if !(block.is("console") && block.is("quick")) {
                continue;
            }
            for command in block.commands() {
                let Program::Dendrite(arguments) = program(command) else {
                    panic!("{}: `{command}` is not ours, so not quick", page.display());
                };
                let output = dendrite()
                    .current_dir(folder.path())
                    .env("BURN_DEVICE", "flex")
                    .args(arguments)
                    .output()
                    .unwrap();
                let message = String::from_utf8_lossy(&output.stderr);
                let success = output.status.success();
                assert!(success, "{}: `{command}`: {message}", page.display());
                run += 1;
            }
        }
    }
    assert!(run > 8, "only {run} commands were run");
}

#[test]
fn every_page_is_in_the_summary_and_every_link_leads_somewhere() {
    let folder = root().join("docs/src");
    let links = |text: &str| -> Vec<String> {
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        targets
            .filter(|it| !it.contains("://"))
            .map(str::to_owned)
            .collect()
    };
    let summary = fs::read_to_string(folder.join("SUMMARY.md")).unwrap();
    let listed: BTreeSet<String> = links(&summary).into_iter().collect();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".md") || name == "SUMMARY.md" {
            continue;
        }
        assert!(listed.contains(&name), "{name} is not in the summary");
        for link in links(&fs::read_to_string(&path).unwrap()) {
            let target = link.split('#').next().unwrap_or_default();
            let known = listed.contains(target) || folder.join(target).is_file();
            assert!(known, "{name}: `{link}` leads nowhere");
        }
    }
}

/// The words in code marks that begin the rows of the table under a heading.
fn first_words(page: &str, heading: &str) -> BTreeSet<String> {
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let section = rest.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    let words = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2).map(str::to_owned));
    words.collect()
}

/// The keys that a type reads from a table: those that serde names when it meets another one.
fn keys<T: serde::de::DeserializeOwned>(table: serde_json::Value) -> BTreeSet<String> {
    let error = serde_json::from_value::<T>(table).err().expect("a mistake");
    let message = error.to_string();
    let (_, accepted) = message
        .split_once("expected")
        .unwrap_or_else(|| panic!("{message}"));
    let words = accepted.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn every_key_of_the_files_is_in_the_reference() {
    use burn_dendrite::{
        nn::spec::{BiasSpec, NetworkSpec, PopulationSpec, ProjectionSpec},
        optim::{
            Clipping, EiNetworkConfig, LearningSpec, NudgeSpec, Plasticity, PublishedNetworkConfig,
            phase::PopulationNudge,
        },
        train::{
            ExperimentSpec, ScheduleSpec,
            data::{DataOrigin, DataSpec, Preprocessing},
            optimizer::OptimizerSpec,
            run::{LearnerSettings, RunSettings, Start},
        },
    };
    let read = |name: &str| fs::read_to_string(root().join("docs/src").join(name)).unwrap();
    let (page, own) = (read("reference.md"), read("your-own-data.md"));
    let unknown = || serde_json::json!({ "no such key": 0 });
    for (heading, expected) in [
        ("Specification", keys::<ExperimentSpec>(unknown())),
        ("The mirrored anatomy", keys::<EiNetworkConfig>(unknown())),
        (
            "The published anatomy",
            keys::<PublishedNetworkConfig>(unknown()),
        ),
        ("`[network]`", keys::<NetworkSpec>(unknown())),
        ("`network.population`", keys::<PopulationSpec>(unknown())),
        ("`network.population.bias`", keys::<BiasSpec>(unknown())),
        ("`network.projection`", keys::<ProjectionSpec>(unknown())),
        ("`[learning]`", keys::<LearningSpec>(unknown())),
        ("`learning.rule`", keys::<Plasticity>(unknown())),
        ("`learning.nudge`", keys::<NudgeSpec>(unknown())),
        (
            "`learning.nudge.population`",
            keys::<PopulationNudge>(unknown()),
        ),
        ("Settings of a run", keys::<RunSettings>(unknown())),
        ("`learner`", keys::<LearnerSettings>(unknown())),
        ("`preprocessing`", keys::<Preprocessing>(unknown())),
        ("`start`", keys::<Start>(unknown())),
        ("`data`", keys::<DataOrigin>(unknown())),
    ] {
        assert_eq!(first_words(&page, heading), expected, "{heading}");
    }
    assert_eq!(
        first_words(&own, "The table `[data]`"),
        keys::<DataSpec>(unknown())
    );

    let kind = || serde_json::json!({ "kind": "no such kind" });
    let kinds = |kinds: &[&str]| -> BTreeSet<String> {
        kinds.iter().map(|kind| (*kind).to_owned()).collect()
    };
    for (heading, expected) in [
        ("Optimizers", keys::<OptimizerSpec>(kind())),
        ("Clipping", keys::<Clipping>(kind())),
        ("Schedules", keys::<ScheduleSpec>(kind())),
        (
            "Initialisers",
            kinds(burn_dendrite::nn::InitializerSpec::KINDS),
        ),
        (
            "Constraints",
            kinds(burn_dendrite::nn::ConstraintSpec::KINDS),
        ),
    ] {
        assert_eq!(first_words(&page, heading), expected, "{heading}");
    }
}

#[test]
fn what_a_run_writes_is_in_the_reference() {
    let place = tempfile::tempdir().unwrap();
    let run = place.path().join("run");
    let arguments = [
        "train",
        "--preset",
        "mnist-backprop-ann",
        "--samples",
        "20",
        "--quiet",
        "--out",
    ];
    let status = dendrite().args(arguments).arg(&run).status().unwrap();
    assert!(status.success());
    let page = fs::read_to_string(root().join("docs/src/reference.md")).unwrap();
    let keys = |text: &str| -> BTreeSet<String> {
        let value: serde_json::Value = serde_json::from_str(text).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    let read = |name: &str| fs::read_to_string(run.join(name)).unwrap();
    // The last weights need no word on how many samples they have seen.
    let mut written = keys(&read("summary.json"));
    written.insert("kept_samples".to_owned());
    assert_eq!(first_words(&page, "Result"), written);
    let metrics = read("metrics.jsonl");
    for line in metrics.lines() {
        assert_eq!(first_words(&page, "Metrics"), keys(line));
    }
    assert!(metrics.contains("\"Loss\"") && metrics.contains("\"Accuracy\""));
}
