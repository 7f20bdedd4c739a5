//! `dendrite sweep`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use burn_dendrite_lab::{
    study::{Purpose, Study, folder_name},
    sweep::{Method, Ranking, Search, Space, Sweep, best_file},
};
use burn_dendrite_train::{ExperimentSpec, output::Output, words::counted};
use clap::Args;

use super::{
    LoadedData, Mistake, failed,
    left_out::LeftOut,
    signals::stop_on_request,
    specification,
    study::{BudgetArguments, JobArguments, PlaceArguments, load_same, preset, work},
    table::table,
};

#[derive(Args, Debug)]
pub(super) struct SweepArguments {
    /// The published network that varies; `dendrite presets` lists them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["spec", "resume"])]
    preset: Option<String>,
    /// A specification of your own that varies, `.toml` or `.json`, or a `.yaml` file of the
    /// reference.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    spec: Option<PathBuf>,
    /// The search space: TOML with a line a path, e.g. `"network.tau" = [2.0, 3.0]` or
    /// `"learning.rule[H1.E<-Input.E].learning_rate" = { low = 0.001, high = 0.1, scale = "log" }`.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "resume",
        conflicts_with = "resume"
    )]
    space: Option<PathBuf>,
    /// How points are picked: random, sobol or grid.
    #[arg(long, default_value = "sobol", conflicts_with = "resume")]
    method: Method,
    /// How many points are tried; a grid tries all of its own.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 16,
        conflicts_with = "resume"
    )]
    trials: usize,
    /// Seed of the points.
    #[arg(
        long,
        value_name = "SEED",
        default_value_t = 1,
        conflicts_with = "resume"
    )]
    search_seed: u64,
    /// Every trial is trained with the seeds 1 to this number, and ranked by the mean.
    #[arg(long, value_name = "N", default_value_t = 1, conflicts_with = "resume")]
    seeds: u64,
    #[command(flatten)]
    budget: BudgetArguments,
    #[command(flatten)]
    jobs: JobArguments,
    #[command(flatten)]
    place: PlaceArguments,
}

impl SweepArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.jobs.check()?;
        let (sweep, mut study, data) = match &self.place.resume {
            Some(out) => {
                let mut study = Study::load(out, Purpose::Sweep).map_err(failed)?;
                let sweep = Sweep::load(out).map_err(|error| failed(error.into()))?;
                let data = load_same(&self.budget.data, &mut study, self.place.quiet)?;
                (sweep, study, data)
            }
            None => self.sweep()?,
        };
        let base = folder_name(&sweep.base);
        let name = format!("sweep-{base}-{}", study.plan.dataset.label());
        let _folder = self.place.begin(&mut study, &data, &name)?;
        sweep.save(&study.out)?;
        let trials = counted(sweep.trials.len(), "trial");
        self.place
            .announce(&format!("{trials} of {}", sweep.base), &study);
        let stop = stop_on_request()?;
        let (folder, quiet) = (data.origin.folder, self.place.quiet);
        match work(&study, &self.jobs, folder.as_deref(), &stop, quiet)? {
            Some(code) => Ok(code),
            None => conclude(&study, quiet),
        }
    }

    /// The trials that are asked for, the study of them, and its data.
    fn sweep(&self) -> anyhow::Result<(Sweep, Study, LoadedData)> {
        let base = self.specification()?;
        let mistake = |error: burn_dendrite_lab::sweep::SweepError| Mistake(error.to_string());
        let file = self.space.clone().unwrap_or_default();
        let search = Search {
            space: Space::load(&file).map_err(mistake)?,
            method: self.method,
            trials: self.trials,
            seed: self.search_seed,
        };
        let (sweep, mut specs) = Sweep::new(&base, search).map_err(mistake)?;
        self.budget.check_varies(&specs)?;
        let dataset = self.budget.dataset(&specs)?;
        let data = self.budget.load(&dataset, &mut specs, self.place.quiet)?;
        let study = Study {
            plan: self.budget.plan(Purpose::Sweep, &specs, self.seeds, &data),
            specs,
            out: PathBuf::new(),
        };
        Ok((sweep, study, data))
    }

    fn specification(&self) -> anyhow::Result<ExperimentSpec> {
        match (&self.preset, &self.spec) {
            (Some(name), _) => preset(name),
            (None, Some(file)) => specification(&file.to_string_lossy()),
            (None, None) => {
                let message = "what varies? accepted: `--preset NAME`, `--spec FILE`, or `--resume \
                               DIR`";
                Err(Mistake(message.to_owned()).into())
            }
        }
    }
}

/// Ranks the trials of a sweep that have come to their end.
pub(super) fn conclude(study: &Study, quiet: bool) -> anyhow::Result<ExitCode> {
    let sweep = Sweep::load(&study.out).map_err(|error| failed(error.into()))?;
    let left_out = LeftOut::of(study, "there is no best specification", quiet)?;
    let ranking = Ranking::of(&sweep, study)?;
    ranking.write(study)?;
    if !quiet {
        let mut output = Output::report();
        writeln!(output, "\n{}", overview(&ranking))?;
        left_out.show(&mut output)?;
        let best = best_file(&study.out);
        writeln!(output, "best specification: {}", best.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn overview(ranking: &Ranking) -> comfy_table::Table {
    let header = ["rank", "trial", "validation accuracy"].into_iter();
    let header: Vec<&str> = header
        .chain(ranking.paths.iter().map(String::as_str))
        .collect();
    let mut table = table(&header);
    for (rank, it) in ranking.trials.iter().enumerate() {
        let accuracy = it.validation_accuracy.scaled(100.0).show(2);
        let numbers = [
            (rank + 1).to_string(),
            (it.trial + 1).to_string(),
            format!("{accuracy} %"),
        ];
        let value = |value: &toml::Value| match value {
            toml::Value::Float(float) => format!("{float:.4}"),
            other => other.to_string(),
        };
        table.add_row(numbers.into_iter().chain(it.values.iter().map(value)));
    }
    table
}
