//! `dendrite presets`.

use std::process::ExitCode;

use burn_dendrite_train::{
    output::answer,
    presets::{self, PresetError},
};
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets::NOTHING};

#[derive(Args, Debug)]
pub(super) struct PresetsArguments {}

impl PresetsArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        answer(overview()?)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn overview() -> Result<Table, PresetError> {
    // Plain lines: the list is long, and made to be searched.
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    for name in presets::names() {
        let spec = presets::load(name)?;
        table.add_row([spec.name, spec.description]);
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_has_a_line() {
        let shown = overview().unwrap().to_string();
        for name in presets::names() {
            let description = presets::load(name).unwrap().description;
            let line =
                (shown.lines()).find(|line| line.trim_start().starts_with(&format!("{name} ")));
            assert!(
                line.is_some_and(|line| line.contains(&description)),
                "{shown}"
            );
        }
    }
}
