//! `dendrite perturb`, and what other commands perturb.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
};

use burn::tensor::Device;
use burn_dendrite_lab::{
    perturb::{
        Condition, Predictions, SeedValues, measure, standard_set, training_of, trainings,
        write_predictions,
    },
    study::{Estimate, Purpose, Study, StudyPlan},
};
use burn_dendrite_nn::perturb::{Action, During, Perturbation};
use burn_dendrite_train::{
    ExperimentSpec, Stop,
    data::SampleSet,
    output::{Output, report},
    words::counted,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    LoadedData, Mistake, failed,
    left_out::LeftOut,
    signals::stop_on_request,
    specification,
    study::{BudgetArguments, JobArguments, PlaceArguments, load_same, preset, stopped, work},
    table::table,
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
        self.jobs.check()?;
        let (mut study, data) = match &self.place.resume {
            Some(out) => {
                let mut study = Study::load(out, Purpose::Perturbation).map_err(failed)?;
                let data = load_same(&self.budget.data, &mut study, self.place.quiet)?;
                (study, data)
            }
            None => self.study()?,
        };
        let name = format!("perturb-{}", study.plan.dataset.label());
        let _folder = self.place.begin(&mut study, &data, &name)?;
        if !self.place.quiet {
            let (spec, conditions) = conditions(&study)?;
            let samples = study.plan.samples_per_run(spec);
            report(format!(
                "{}, {} on {} of {}, {}: {}",
                counted(conditions.len(), "condition"),
                counted(study.specs.len(), "training"),
                counted(samples, "sample"),
                study.plan.dataset,
                counted(study.plan.seeds as usize, "seed"),
                study.out.display()
            ));
        }
        let stop = stop_on_request()?;
        let quiet = self.place.quiet;
        let folder = data.origin.folder.as_deref();
        if let Some(code) = work(&study, &self.jobs, folder, &stop, quiet)? {
            return Ok(code);
        }
        let device = self.jobs.device()?.open();
        let measuring = Measuring {
            device: device.map_err(|error| Mistake(error.to_string()))?,
            stop,
            quiet,
        };
        conclude(&study, &data, &measuring)
    }

    /// The study that is asked for, and its data.
    fn study(&self) -> anyhow::Result<(Study, LoadedData)> {
        let spec = match &self.spec {
            Some(file) => specification(&file.to_string_lossy())?,
            None => preset(self.preset.as_deref().unwrap_or(NETWORK))?,
        };
        let mut alone = [spec];
        let dataset = self.budget.dataset(&alone)?;
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

/// The network of a study, and what it is measured under.
fn conditions(study: &Study) -> anyhow::Result<(&ExperimentSpec, Vec<Condition>)> {
    let Some(spec) = study.specs.first() else {
        return Err(Mistake(format!("`{}` names no network", study.out.display())).into());
    };
    let (plan, _) = spec.check()?;
    Ok((spec, standard_set(spec, &plan)))
}

/// How trained networks are measured.
pub(super) struct Measuring {
    pub(super) device: Device,
    pub(super) stop: Stop,
    pub(super) quiet: bool,
}

/// Measures the trained networks of a study, and reports on that; `data` are those before any
/// encoding.
pub(super) fn conclude(
    study: &Study,
    data: &LoadedData,
    measuring: &Measuring,
) -> anyhow::Result<ExitCode> {
    let (spec, conditions) = conditions(study)?;
    let quiet = measuring.quiet;
    let left_out = LeftOut::of(study, "there is nothing to measure", quiet)?;
    let splits = data.splits.clone().encoded(spec.data.encoding);
    let Some(values) = measuring.measure_all(study, &conditions, &splits.test)? else {
        return Ok(stopped(study, data.origin.folder.as_deref()));
    };
    let name = if spec.description.is_empty() {
        "The network".to_owned()
    } else {
        spec.description.clone()
    };
    let predictions = Predictions::new(name, study.plan.clone(), &conditions, &values)
        .with_diverged(study.diverged()?);
    write_predictions(&predictions, &study.out)?;
    if !quiet {
        let mut output = Output::report();
        writeln!(output, "\n{}", overview(&predictions))?;
        left_out.show(&mut output)?;
        let figure = study.out.join("perturbations.svg");
        writeln!(output, "figure: {}", figure.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Measuring {
    /// The values of each condition and seed, but where the training has no result; none if somebody
    /// stopped it.
    fn measure_all(
        &self,
        study: &Study,
        conditions: &[Condition],
        test: &SampleSet,
    ) -> anyhow::Result<Option<Vec<Vec<Option<SeedValues>>>>> {
        let samples = study.plan.analysis_samples.max(1);
        let bar = if !self.quiet && std::io::stderr().is_terminal() {
            ProgressBar::new(conditions.len() as u64 * study.plan.seeds)
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(ProgressStyle::with_template(
            "measuring {wide_bar} {pos}/{len}, {eta} left",
        )?);
        let mut values = Vec::new();
        for condition in conditions {
            let training = &training_of(conditions, condition).name;
            let mut seeds = Vec::new();
            for seed in 1..=study.plan.seeds {
                if self.stop.is_requested() {
                    return Ok(None);
                }
                seeds.push(match study.result(training, seed)? {
                    None => None,
                    Some((folder, _)) => {
                        Some(measure(&folder, condition, test, samples, &self.device)?)
                    }
                });
                bar.inc(1);
            }
            values.push(seeds);
        }
        bar.finish_and_clear();
        Ok(Some(values))
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
        None => "no result".to_owned(),
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
