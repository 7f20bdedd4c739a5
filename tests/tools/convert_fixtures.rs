//! Writes recordings of the reference implementation as fixtures in our own format:
//!
//! ```text
//! cargo run --example convert_fixtures -- FROM_FOLDER TO_FOLDER NAME...
//! ```

#[path = "../parity/fixture.rs"]
mod fixture;
#[path = "../parity/reference.rs"]
mod reference;

use std::{env, fs, path::Path};

use anyhow::{Context, Result, bail, ensure};

use crate::fixture::Fixture;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [from, to, names @ ..] = arguments.as_slice() else {
        bail!("usage: convert_fixtures FROM_FOLDER TO_FOLDER NAME...");
    };
    ensure!(
        !names.is_empty(),
        "which fixtures? give the names of files without `.json`"
    );
    for name in names {
        let size = convert(Path::new(from), Path::new(to), name)
            .with_context(|| format!("cannot convert `{name}`"))?;
        println!("{name}: {} KiB", size.div_ceil(1024));
    }
    Ok(())
}

/// Converts one fixture; returns the size of the file in bytes.
fn convert(from: &Path, to: &Path, name: &str) -> Result<usize> {
    let file = format!("{name}.json");
    let recording = fs::read_to_string(from.join(&file))?;
    let mut fixture = reference::from_json(&recording).map_err(anyhow::Error::msg)?;
    // These recordings drew their start from their seed, and so must we.
    fixture.seed = serde_json::from_str::<serde_json::Value>(&recording)?["seed"].as_u64();
    let text = serde_json::to_string(&fixture)? + "\n";
    let again: Fixture = serde_json::from_str(&text)?;
    ensure!(
        again == fixture,
        "what was written does not read back as the same"
    );
    fs::write(to.join(&file), &text)?;
    Ok(text.len())
}
