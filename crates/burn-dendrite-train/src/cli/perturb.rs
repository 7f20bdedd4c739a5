//! `dendrite perturb`, and what other commands perturb.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use burn_dendrite_nn::perturb::{Action, During, Perturbation};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    LoadedData, Mistake,
    signals::stop_on_request,
    specification,
    study::{
        BudgetArguments, JobArguments, PlaceArguments, diverged, failed, preset, show_diverged,
        stopped, train,
    },
    table::table,
};
use crate::{
    ExperimentSpec, Stop,
    data::SampleSet,
    output::{Output, report},
    perturb::{
        Condition, Predictions, SeedValues, measure, standard_set, training_of, trainings,
        write_predictions,
    },
    run,
    study::{Estimate, PoolEnding, Purpose, Study, StudyPlan},
    words::counted,
};

/// What is perturbed beside what the run itself is.
#[derive(Args, Debug)]
pub(super) struct PerturbArguments {
    /// Perturb the trained network, e.g. `H1.SomaI: silence 0.3 of cells`; may be repeated.
    #[arg(long = "perturb", value_name = "PERTURBATION", value_parser = in_test)]
    perturb: Vec<Perturbation>,
}

impl PerturbArguments {
    /// The perturbations, in test alone.
    pub(super) fn during_test(&self) -> impl Iterator<Item = Perturbation> {
        self.perturb.iter().cloned()
    }
}

/// A perturbation of a network that does not learn any more.
fn in_test(text: &str) -> Result<Perturbation, String> {
    // `prune` is of the test alone, and need not say so here.
    let parsed = text.parse::<Perturbation>();
    let parsed = parsed.or_else(|error| format!("{text} during test").parse().map_err(|_| error));
    let perturbation = parsed.map_err(|error| error.to_string())?;
    match (perturbation.action, perturbation.during) {
        (Action::Freeze, _) | (_, During::Train) => Err(
            "a trained network is perturbed in test alone; accepted: no `freeze`, and no `during \
             train`"
                .to_owned(),
        ),
        _ => Ok(perturbation.during(During::Test)),
    }
}

#[derive(Args, Debug)]
pub(super) struct PerturbStudyArguments {
    /// The published network that is perturbed, mnist-dtp unless given; `dendrite presets` lists
    /// them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["spec", "resume"])]
    preset: Option<String>,
    /// A specification of your own, `.toml` or `.json`, or a `.yaml` file of the reference.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    spec: Option<PathBuf>,
    /// Every training is made with the seeds 1 to this number.
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "resume")]
    seeds: u64,
    /// Test samples on which dendritic states are measured.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 100,
        conflicts_with = "resume"
    )]
    analysis_samples: usize,
    #[command(flatten)]
    budget: BudgetArguments,
    #[command(flatten)]
    jobs: JobArguments,
    #[command(flatten)]
    place: PlaceArguments,
}

/// The network that is perturbed unless another one is named.
const NETWORK: &str = "mnist-dtp";

impl PerturbStudyArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.jobs.device()?;
        let (mut study, data) = match &self.place.resume {
            Some(out) => {
                let mut study = Study::load(out, Purpose::Perturbation).map_err(failed)?;
                let data = self.budget.load_same(&mut study, self.place.quiet)?;
                (study, data)
            }
            None => self.study()?,
        };
        study.check(&data.splits).map_err(failed)?;
        let Some(spec) = study.specs.first() else {
            return Err(Mistake(format!("`{}` names no network", study.out.display())).into());
        };
        let (plan, _) = spec.check()?;
        let data = LoadedData {
            splits: data.splits.encoded(spec.data.encoding),
            ..data
        };
        let conditions = standard_set(spec, &plan);
        let name = match spec.description.is_empty() {
            true => "The network".to_owned(),
            false => spec.description.clone(),
        };
        study.out = (self.place).folder(&format!("perturb-{}", study.plan.dataset.label()))?;
        let _folder = study.claim().map_err(failed)?;
        study.plan.dataset = data.dataset.clone();
        if !self.place.quiet {
            report(format!(
                "{}, {} on {} of {}, {}: {}",
                counted(conditions.len(), "condition"),
                counted(study.specs.len(), "training"),
                counted(study.plan.samples_per_run(spec), "sample"),
                study.plan.dataset,
                counted(study.plan.seeds as usize, "seed"),
                study.out.display()
            ));
        }
        let stop = stop_on_request()?;
        let folder = data.origin.folder;
        let quiet = self.place.quiet;
        let ending = train(&study, &self.jobs, folder.clone(), &stop, quiet)?;
        let mut values = None;
        if ending == PoolEnding::Finished {
            diverged(&study, "there is nothing to measure", quiet)?;
            values = self.measure_all(&study, &conditions, &data.splits.test, &stop)?;
        }
        let Some(values) = values else {
            return Ok(stopped("perturb", &study, folder.as_deref()));
        };
        let predictions = Predictions::new(name, study.plan.clone(), &conditions, &values)
            .with_diverged(study.diverged()?);
        write_predictions(&predictions, &study.out)?;
        if !self.place.quiet {
            let mut output = Output::report();
            writeln!(output, "\n{}", overview(&predictions))?;
            show_diverged(&predictions.diverged, &mut output)?;
            let figure = study.out.join("perturbations.svg");
            writeln!(output, "figure: {}", figure.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The values of each condition and seed, but where the training diverged; none if somebody
    /// stopped it.
    fn measure_all(
        &self,
        study: &Study,
        conditions: &[Condition],
        test: &SampleSet,
        stop: &Stop,
    ) -> anyhow::Result<Option<Vec<Vec<Option<SeedValues>>>>> {
        let device = (self.jobs.device()?.open()).map_err(|error| Mistake(error.to_string()))?;
        let samples = study.plan.analysis_samples.max(1);
        let bar = match !self.place.quiet && std::io::stderr().is_terminal() {
            true => ProgressBar::new(conditions.len() as u64 * study.plan.seeds),
            false => ProgressBar::hidden(),
        };
        bar.set_style(ProgressStyle::with_template(
            "measuring {wide_bar} {pos}/{len}, {eta} left",
        )?);
        let mut values = Vec::new();
        for condition in conditions {
            let training = &training_of(conditions, condition).name;
            let mut seeds = Vec::new();
            for seed in 1..=study.plan.seeds {
                if stop.is_requested() {
                    return Ok(None);
                }
                let folder = study.run_folder(training, seed);
                seeds.push(match run::divergence(&folder)? {
                    Some(_) => None,
                    None => Some(measure(&folder, condition, test, samples, &device)?),
                });
                bar.inc(1);
            }
            values.push(seeds);
        }
        bar.finish_and_clear();
        Ok(Some(values))
    }

    /// The study that is asked for, and its data.
    fn study(&self) -> anyhow::Result<(Study, LoadedData)> {
        let spec = match &self.spec {
            Some(file) => specification(&file.to_string_lossy())?,
            None => preset(self.preset.as_deref().unwrap_or(NETWORK))?,
        };
        let mut alone = [spec];
        let dataset = self.budget.dataset(&alone);
        let data = self.budget.load(&dataset, &mut alone, self.place.quiet)?;
        let [spec] = alone;
        let (plan, _) = (spec.check()).map_err(|errors| Mistake(errors.to_string()))?;
        let conditions = standard_set(&spec, &plan);
        let trainings = trainings(&conditions);
        let named = |condition: &&Condition| ExperimentSpec {
            name: condition.name.clone(),
            ..condition.variant.apply(&spec, &plan)
        };
        let specs: Vec<ExperimentSpec> = trainings.iter().map(named).collect();
        let perturbed = trainings.iter().filter(|it| !it.run.is_empty());
        let purpose = Purpose::Perturbation;
        let study = Study {
            plan: StudyPlan {
                analysis_samples: self.analysis_samples,
                perturb: perturbed
                    .map(|it| (it.name.clone(), it.run.clone()))
                    .collect(),
                ..self.budget.plan(purpose, &specs, self.seeds, &data)
            },
            specs,
            out: PathBuf::new(),
        };
        Ok((study, data))
    }
}

fn overview(predictions: &Predictions) -> comfy_table::Table {
    let mut table = table(&[
        "condition",
        "test accuracy",
        "difference",
        "dendritic state",
        "angle to backprop",
    ]);
    let shown = |estimate: Option<Estimate>, decimals: usize| {
        estimate.map_or("-".to_owned(), |it| it.show(decimals))
    };
    let percentage = |estimate: Option<Estimate>, unit: &str| match estimate {
        Some(estimate) => format!("{} {unit}", estimate.scaled(100.0).show(2)),
        None => "diverged".to_owned(),
    };
    for effect in &predictions.effects {
        table.add_row([
            effect.condition.clone(),
            percentage(effect.accuracy, "%"),
            percentage(effect.difference, "points"),
            shown(effect.dendritic_state, 3),
            shown(effect.backprop_angle, 1),
        ]);
    }
    table
}
