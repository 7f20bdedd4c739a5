//! `dendrite evaluate`.

use std::{io::IsTerminal, path::PathBuf, process::ExitCode, sync::Arc};

use burn_dendrite_nn::perturb::Occasion;
use burn_dendrite_train::{
    Confusion, ExperimentError, SavedWeights,
    data::{Dataset, SampleSet},
    evaluate_under,
    experiment::{fits, saved_weights},
    load_model,
    output::{answer, say},
    run::RunSettings,
    warning_of_unequal_classes,
};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;

use super::{
    DataArguments, MachineArguments, MeasuredOn, Mistake, perturb::PerturbArguments, table::table,
};

#[derive(Args, Debug)]
pub(super) struct EvaluateArguments {
    /// A run folder; the newest checkpoint is measured if the run has not come to its end, and the
    /// best validation's weights if it kept those.
    run: PathBuf,
    /// Data set; the run's own unless given. Whoever names one may measure on any data: unless it is
    /// given, data that are not those of the run are refused.
    #[arg(long)]
    dataset: Option<Dataset>,
    #[command(flatten)]
    data: DataArguments,
    /// Which split to measure on.
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,
    #[command(flatten)]
    perturb: PerturbArguments,
    #[command(flatten)]
    machine: MachineArguments,
    /// Print one JSON object instead of a sentence.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitName {
    Train,
    Validation,
    Test,
    All,
}

impl EvaluateArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (device, name) = self.machine.open()?;
        let (model, settings, spec) = load_model(&self.run, &device)?;
        let (weights, _) = saved_weights(&self.run, &settings).map_err(ExperimentError::from)?;
        if weights != SavedWeights::Last {
            say(format!("note: {weights}"));
        }
        let mut perturb = settings.perturb.clone();
        perturb.extend(self.perturb.during_test());
        let perturbed = RunSettings {
            perturb,
            ..settings.clone()
        };
        let perturbations = perturbed
            .perturbations(model.network.plan())
            .map_err(|error| Mistake(error.to_string()))?;
        let network = perturbations.pruned(&model.network, Occasion::Test);
        let seed = settings.order_seed();
        let (dataset, data) = (self.data).load_for(
            &self.run,
            &settings,
            &spec.data,
            MeasuredOn::Any(self.dataset),
            false,
        )?;
        fits(network.plan(), &data, &dataset)?;
        let (set, split) = match self.split {
            SplitName::Train => (&data.train, "training"),
            SplitName::Validation => (&data.validation, "validation"),
            SplitName::Test => (&data.test, "test"),
            SplitName::All => {
                let all = data.all(spec.data.learn_from);
                let all = all.map_err(|error| Mistake(error.to_string()))?;
                (&Arc::new(all), "all")
            }
        };
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(set.len() as u64)
        } else {
            ProgressBar::hidden()
        };
        let conditions = |first| perturbations.conditions(Occasion::Test, seed, first as u64);
        let progress = |done| bar.set_position(done as u64);
        let result = evaluate_under(conditions, &network, set, &device, progress);
        bar.finish_and_clear();
        if let Some(warning) =
            warning_of_unequal_classes(&set.class_counts(), |it| set.class_name(it))
        {
            burn_dendrite_train::output::say(format!("warning: {warning}"));
        }
        let balanced = result.confusion.balanced_accuracy();
        if self.json {
            let line = serde_json::json!({
                "accuracy": result.accuracy,
                "balanced_accuracy": balanced,
                "loss": result.loss,
                "samples": result.samples,
                "split": split,
                "dataset": dataset.to_string(),
                "preset": settings.preset,
                "seed": settings.seed,
                "device": name.as_str(),
                "weights": weights.as_str(),
                "classes": result.confusion.class_results(|it| set.class_name(it)),
                "confusion": result.confusion,
            });
            answer(line)?;
        } else {
            let samples = match self.split {
                SplitName::All => format!("all {} samples", result.samples),
                _ => format!("{} {split} samples", result.samples),
            };
            answer(format!(
                "{} on {samples} of {dataset}: accuracy {:.2} %, balanced {:.2} %, mean squared \
                 error {:.4}",
                settings.preset,
                100.0 * result.accuracy,
                100.0 * balanced,
                result.loss
            ))?;
            answer(format!("\n{}", classes(&result.confusion, set)))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// A line for each class: its samples, how many of them are right, and what it is taken for.
fn classes(confusion: &Confusion, set: &SampleSet) -> comfy_table::Table {
    let mut table = table(&["class", "samples", "accuracy", "most taken for"]);
    for class in 0..confusion.classes() {
        let accuracy = confusion.class_accuracy(class);
        let other = confusion.most_taken_for(class);
        table.add_row([
            set.class_name(class),
            confusion.samples(class).to_string(),
            accuracy.map_or("-".to_owned(), |it| format!("{:.2} %", 100.0 * it)),
            other.map_or("-".to_owned(), |(other, count)| {
                format!("{} ({count})", set.class_name(other))
            }),
        ]);
    }
    table
}
