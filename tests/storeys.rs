//! Imports go down only: no crate of the workspace has modules that import each other in a circle.
//!
//! Modules are the folders and files directly below a crate's root. A name that the root hands on counts as the
//! module that it comes from. Tests inside a file may look anywhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Which modules each module imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// A text without comments, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text);
    let lines = text
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths of a tree of imports such as `crate::{a::B, c::{D, E}}`, which has no blanks.
fn paths(tree: &str) -> Vec<String> {
    let Some((before, inside)) = tree.split_once('{') else {
        let name = tree.split('@').next().unwrap_or(tree);
        return vec![name.to_owned()];
    };
    let inside = inside.strip_suffix('}').unwrap_or(inside);
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, letter) in inside.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts
        .flat_map(|part| paths(&format!("{before}{part}")))
        .collect()
}

/// All paths that a file imports, and those from the root that it writes out.
fn imported(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for statement in text.split(';') {
        let is_start = |line: &&str| {
            let line = line.trim_start();
            let line = line.strip_prefix("pub").map_or(line, |rest| {
                let rest = rest
                    .trim_start_matches(|it: char| it == '(' || it == ')' || it.is_alphabetic());
                rest.trim_start()
            });
            line.starts_with("use ")
        };
        let lines: Vec<&str> = statement.lines().collect();
        if let Some(first) = lines.iter().rposition(is_start) {
            let tree = lines[first..].join(" ");
            let tree = tree
                .split_once("use ")
                .map_or("", |(_, tree)| tree)
                .replace(" as ", "@");
            let tree: String = tree.chars().filter(|it| !it.is_whitespace()).collect();
            found.extend(paths(&tree));
        }
    }
    let written = text.match_indices("crate::").map(|(at, _)| &text[at..]);
    found.extend(written.filter_map(|rest| {
        let end = rest.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == ':'));
        let path = &rest[..end.unwrap_or(rest.len())];
        (!path.ends_with(':')).then(|| path.to_owned())
    }));
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let both = entries.flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    both.filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

/// The modules below the root of a crate and what they import.
fn imports(source: &Path) -> Imports {
    let root = code(&fs::read_to_string(source.join("lib.rs")).unwrap());
    let modules: BTreeSet<String> = (root.lines())
        .filter_map(|line| line.trim().strip_suffix(';')?.rsplit_once("mod "))
        .map(|(_, name)| name.to_owned())
        .collect();
    // What the root hands on, and from where.
    let handed_on: BTreeMap<String, String> = (imported(&root).into_iter())
        .filter_map(|path| {
            let path = path
                .trim_start_matches("crate::")
                .trim_start_matches("self::");
            let (module, name) = (path.split("::").next()?, path.rsplit("::").next()?);
            (module != name).then(|| (name.to_owned(), module.to_owned()))
        })
        .collect();
    let mut imports: Imports = modules
        .iter()
        .map(|it| (it.clone(), BTreeSet::new()))
        .collect();
    for file in files(source) {
        let below = file.strip_prefix(source).unwrap().with_extension("");
        let mut place: Vec<&str> = below.iter().map(|part| part.to_str().unwrap()).collect();
        if place.last() == Some(&"mod") {
            place.pop();
        }
        if place == ["lib"] || place.contains(&"tests") {
            continue;
        }
        for path in imported(&code(&fs::read_to_string(&file).unwrap())) {
            let mut parts: Vec<&str> = path.split("::").collect();
            let ups = parts.iter().take_while(|part| **part == "super").count();
            if ups == place.len() {
                parts.splice(..ups, ["crate"]);
            }
            let [first, name, ..] = parts[..] else {
                continue;
            };
            let module = handed_on.get(name).map_or(name, String::as_str);
            let module = if modules.contains(name) { name } else { module };
            if first == "crate" && module != place[0] && modules.contains(module) {
                imports.get_mut(place[0]).unwrap().insert(module.to_owned());
            }
        }
    }
    imports
}

/// The modules that are in some circle, each with those of the circle that it imports: what stays when modules
/// that import nothing, or that nobody imports, are taken away again and again.
fn circles(mut imports: Imports) -> Imports {
    loop {
        let imported: BTreeSet<String> = imports.values().flatten().cloned().collect();
        let known: BTreeSet<String> = imports.keys().cloned().collect();
        let before = imports.clone();
        imports.retain(|module, imports| imported.contains(module) && !imports.is_empty());
        imports
            .values_mut()
            .for_each(|imports| imports.retain(|module| known.contains(module)));
        if imports == before {
            return imports;
        }
    }
}

fn source(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    root.join(format!("burn-dendrite-{name}")).join("src")
}

#[test]
fn imports_go_down_only() {
    for name in ["nn", "optim", "train", "lab", "cli"] {
        let imports = imports(&source(name));
        // The reading of imports itself works: modules are found, and most of them import others.
        let importing = imports
            .values()
            .filter(|imports| !imports.is_empty())
            .count();
        assert!(importing > 3, "{name}: {imports:?}");
        assert_eq!(circles(imports), Imports::new(), "{name}");
    }
}

#[test]
fn circles_are_found_through_what_the_root_hands_on() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "lib.rs",
        "mod one;\npub mod two;\nmod three;\npub use two::{Deep, Other as Another};\n",
    );
    write("one.rs", "use crate::{\n    three::Three,\n    Deep,\n};\n");
    write(
        "two.rs",
        "// use crate::three;\nfn f(_: crate::one::One) {}\n",
    );
    write(
        "three.rs",
        "use std::fmt;\n#[cfg(test)]\nmod tests {\n    use crate::one;\n}\n",
    );
    let found = circles(imports(folder.path()));
    let expected = [("one", "two"), ("two", "one")];
    let expected = expected.map(|(from, to)| (from.to_owned(), BTreeSet::from([to.to_owned()])));
    assert_eq!(found, Imports::from(expected));
}
