//! `dendrite report`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn::tensor::Device;
use burn_dendrite_lab::{
    analysis::{Analysis, AnalysisOptions, Metric, Trained, Weights, analyze, load_trained},
    report::{Analyzed, RunReport, Tested},
};
use burn_dendrite_nn::perturb::Occasion;
use burn_dendrite_train::{
    ExperimentError, SavedWeights,
    data::{Dataset, SampleSet, Splits},
    evaluate_under,
    experiment::fits,
    output::{answer, say},
};
use clap::Args;

use super::{
    DataArguments, MachineArguments, MeasuredOn, Mistake,
    analysis_file::{AnalysisFile, PAGE, SplitName},
    check_new,
};

#[derive(Args, Debug)]
pub(super) struct ReportArguments {
    /// A run folder; of a run that has not come to its end, the newest checkpoint is shown.
    run: PathBuf,
    #[command(flatten)]
    data: DataArguments,
    /// The page, which must be new; `report.html` in the run folder unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    machine: MachineArguments,
    /// Print nothing but errors.
    #[arg(long)]
    quiet: bool,
}

/// Refuses to write over a page that is none of ours.
pub(super) fn check_own_page(page: &Path) -> Result<(), Mistake> {
    match fs::read_to_string(page) {
        Ok(text) if !text.contains("<footer>burn-dendrite ") => Err(Mistake(format!(
            "`{}` is none that this program wrote; accepted: `--out` with a new file",
            page.display()
        ))),
        _ => Ok(()),
    }
}

impl ReportArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.out.as_deref().map_or(Ok(()), check_new)?;
        let (device, _) = self.machine.open()?;
        let trained = load_trained(&self.run, &device)?;
        if trained.weights != SavedWeights::Last && !self.quiet {
            say(format!("note: {}", trained.weights));
        }
        let kept = AnalysisFile::of_run(&self.run, trained.weights);
        let page = self.out.clone().unwrap_or_else(|| self.run.join(PAGE));
        check_own_page(&page)?;
        match self.load(&trained) {
            Ok((dataset, data)) => {
                let on = format!("{} samples of {dataset}", SplitName::Test);
                let found = tested(&trained, &device, &data.test, &on)?;
                let analysis = match kept {
                    Some(kept) => kept,
                    None => measured(&trained, &data.test, &dataset)?,
                };
                write_page(
                    &self.run,
                    &trained,
                    Some(found),
                    Some(&analysis),
                    Vec::new(),
                    &page,
                )?;
            }
            // Whoever says where the data are wants them.
            Err(error) if self.data.data_dir.is_some() => return Err(error),
            Err(error) => {
                let note = format!(
                    "The data of this run are not at hand, so that what needs them is not shown: {error:#}."
                );
                if !self.quiet {
                    say(format!("note: {note}"));
                }
                write_page(&self.run, &trained, None, kept.as_ref(), vec![note], &page)?;
            }
        }
        if !self.quiet {
            answer(page.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn load(&self, trained: &Trained) -> anyhow::Result<(Dataset, Splits)> {
        let (settings, spec) = (&trained.settings, &trained.spec);
        let (dataset, data) =
            (self.data).load_for(&self.run, settings, &spec.data, MeasuredOn::Own, self.quiet)?;
        fits(trained.model.network.plan(), &data, &dataset)?;
        Ok((dataset, data))
    }
}

/// How well each class of a set is recognised.
pub(super) fn tested(
    trained: &Trained,
    device: &Device,
    set: &SampleSet,
    of: &str,
) -> anyhow::Result<Tested> {
    let seed = trained.settings.order_seed();
    let conditions = |first| {
        let perturbations = &trained.perturbations;
        perturbations.conditions(Occasion::Test, seed, first as u64)
    };
    let found = evaluate_under(conditions, &trained.model.network, set, device, |_| ());
    Ok(Tested::new(format!("{} {of}", found.samples), &found, set)?)
}

/// An analysis of the test samples: everything but the loss landscape, which takes as long as the rest.
fn measured(trained: &Trained, set: &SampleSet, dataset: &Dataset) -> anyhow::Result<AnalysisFile> {
    let all = Metric::ALL.iter().copied();
    let options = AnalysisOptions {
        metrics: all.filter(|it| *it != Metric::LossLandscape).collect(),
        ..AnalysisOptions::default()
    };
    let analysis = analyze(&trained.subject(), set, &options, &mut |_| ());
    let analysis = analysis.map_err(|error| Mistake(error.to_string()))?;
    Ok(AnalysisFile::new(
        trained,
        dataset,
        SplitName::Test,
        analysis,
    ))
}

/// Writes the page of a run: of what its folder tells, what was found on data, and what is missing.
pub(super) fn write_page(
    run: &Path,
    trained: &Trained,
    tested: Option<Tested>,
    analysis: Option<&AnalysisFile>,
    notes: Vec<String>,
    page: &Path,
) -> anyhow::Result<()> {
    let mut report = RunReport::open(run, trained.weights).map_err(ExperimentError::from)?;
    report.tested = tested.or(report.tested);
    // Weights can be looked at without data.
    let weights_alone = || Analyzed {
        on: "the weights alone".to_owned(),
        analysis: Analysis {
            weights: Some(Weights::of(&trained.model.network)),
            ..Analysis::default()
        },
    };
    let analyzed = analysis.map(|it| Analyzed {
        on: it.on(),
        analysis: it.analysis.clone(),
    });
    report.analyzed = Some(analyzed.unwrap_or_else(weights_alone));
    report.notes = notes;
    Ok(report.write(page)?)
}
