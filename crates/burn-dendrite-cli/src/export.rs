//! `dendrite export`.

use std::{collections::HashMap, path::PathBuf, process::ExitCode};

use burn::module::Module;
use burn_dendrite_lab::analysis::load_trained;
use burn_dendrite_train::{
    Choice,
    output::report,
    weights::{self, WeightsFormat},
};
use clap::Args;

use super::{MachineArguments, Mistake, check_new, choice::choice};

#[derive(Args, Debug)]
pub(super) struct ExportArguments {
    /// A run folder.
    run: PathBuf,
    /// Training samples after which the network is wanted: those of a checkpoint that is kept, or 0
    /// for the start; the trained network, or that of the newest checkpoint, unless given.
    #[arg(long, value_name = "SAMPLES")]
    checkpoint: Option<usize>,
    /// The format; that of the file's ending unless given.
    #[arg(long, value_parser = choice::<WeightsFormat>())]
    format: Option<WeightsFormat>,
    /// The file, which must be new; `weights.safetensors` in the run folder unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArguments,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

impl ExportArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let named = self.out.as_deref().and_then(WeightsFormat::of);
        let format = (self.format.or(named)).unwrap_or(WeightsFormat::Safetensors);
        let default = || self.run.join(format!("weights.{}", format.as_str()));
        let out = self.out.clone().unwrap_or_else(default);
        if named.is_some_and(|named| named != format) || (self.out.is_some() && named.is_none()) {
            let message = format!(
                "`{}` does not end in `.{}`; accepted: a file that ends as its format is called, \
                 `.safetensors` or `.npz`",
                out.display(),
                format.as_str()
            );
            return Err(Mistake(message).into());
        }
        check_new(&out)?;
        let (device, _) = self.machine.open()?;
        let trained = load_trained(&self.run, &device)?;
        let wanted = match self.checkpoint {
            None => trained.history.last(),
            Some(samples) => trained.history.iter().find(|it| it.samples == samples),
        };
        let Some(moment) = wanted else {
            let kept: Vec<String> = (trained.history.iter())
                .map(|moment| moment.samples.to_string())
                .collect();
            let message = format!(
                "`--checkpoint` is {}; accepted: {}",
                self.checkpoint.unwrap_or_default(),
                kept.join(", ")
            );
            return Err(Mistake(message).into());
        };
        let network = moment.network.clone().no_grad();
        let about = HashMap::from([
            ("name".to_owned(), trained.spec.name.clone()),
            ("samples".to_owned(), moment.samples.to_string()),
            (
                "specification".to_owned(),
                serde_json::to_string(&trained.spec)?,
            ),
            ("run".to_owned(), serde_json::to_string(&trained.settings)?),
        ]);
        let arrays = weights::arrays(&network);
        weights::write(&out, format, &arrays, about)?;
        if !self.quiet {
            report(format!(
                "{} arrays of {} after {} training samples: {}",
                arrays.len(),
                trained.spec.name,
                moment.samples,
                out.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
