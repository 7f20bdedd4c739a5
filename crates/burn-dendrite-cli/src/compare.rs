//! `dendrite compare`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use burn_dendrite_lab::{
    compare::{Results, write_tables},
    report::write_report,
    study::{Purpose, Study, StudyPlan},
};
use burn_dendrite_train::{ExperimentSpec, output::Output, shell, words::counted};
use clap::Args;

use super::{
    LoadedData, Mistake, failed,
    left_out::LeftOut,
    signals::stop_on_request,
    specification,
    study::{BudgetArguments, JobArguments, PlaceArguments, load_same, preset, work},
    table::table,
};

/// The networks that are compared unless others are named: dendritic target propagation through mirrored
/// inhibition and the same network by backprop, the paper's two rules, what is simpler, and what biology
/// cannot do.
const NETWORKS: [&str; 7] = [
    "mnist-mirrored-dtp",
    "mnist-mirrored-backprop",
    "mnist-dtp",
    "mnist-dtp-btsp",
    "mnist-hebbian",
    "mnist-backprop-ei",
    "mnist-backprop-ann",
];

#[derive(Args, Debug)]
pub(super) struct CompareArguments {
    /// Published networks, with commas between them; `dendrite presets` lists them. Seven that
    /// learn differently unless networks are named.
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        conflicts_with = "resume"
    )]
    preset: Vec<String>,
    /// A specification of your own, `.toml` or `.json`, or a `.yaml` file of the reference; may be
    /// repeated.
    #[arg(long, value_name = "FILE", conflicts_with = "resume")]
    spec: Vec<PathBuf>,
    /// Every network is trained with the seeds 1 to this number.
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "resume")]
    seeds: u64,
    /// Test samples on which each trained network is analysed for the report; 0 for no analysis.
    #[arg(
        long,
        value_name = "N",
        default_value_t = 200,
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

impl CompareArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        self.jobs.check()?;
        let (mut study, data) = self.study()?;
        let name = format!("compare-{}", study.plan.dataset.label());
        let _folder = self.place.begin(&mut study, &data, &name)?;
        let networks = counted(study.plan.networks.len(), "network");
        self.place.announce(&networks, &study);
        let stop = stop_on_request()?;
        let (folder, quiet) = (data.origin.folder, self.place.quiet);
        match work(&study, &self.jobs, folder.as_deref(), &stop, quiet)? {
            Some(code) => Ok(code),
            None => conclude(&study, quiet),
        }
    }

    /// The study that is asked for, and its data.
    fn study(&self) -> anyhow::Result<(Study, LoadedData)> {
        if let Some(out) = &self.place.resume {
            let mut study = Study::load(out, Purpose::Comparison).map_err(failed)?;
            let data = load_same(&self.budget.data, &mut study, self.place.quiet)?;
            return Ok((study, data));
        }
        let mut specs = self.specifications()?;
        let dataset = self.budget.dataset(&specs)?;
        let quiet = self.place.quiet;
        let data = self.budget.load(&dataset, &mut specs, quiet)?;
        let purpose = Purpose::Comparison;
        let study = Study {
            plan: StudyPlan {
                analysis_samples: self.analysis_samples,
                ..self.budget.plan(purpose, &specs, self.seeds, &data)
            },
            specs,
            out: PathBuf::new(),
        };
        Ok((study, data))
    }

    fn specifications(&self) -> anyhow::Result<Vec<ExperimentSpec>> {
        let mut specs = Vec::new();
        for name in &self.preset {
            specs.push(preset(name)?);
        }
        for file in &self.spec {
            // A file, even one without an ending: it was not given as a preset.
            if !file.is_file() {
                let message = format!("`--spec {}`: there is no such file", file.display());
                return Err(Mistake(message).into());
            }
            let path = file.to_string_lossy();
            let spec = specification(&path).map_err(|error| match error.to_string() {
                // Of several files, which?
                message if message.contains(&*path) => Mistake(message),
                message => Mistake(format!("{path}: {message}")),
            });
            specs.push(spec?);
        }
        if specs.is_empty() {
            for name in NETWORKS {
                specs.push(preset(name)?);
            }
        }
        Ok(specs)
    }
}

/// Reports on the runs of a comparison that have come to their end.
pub(super) fn conclude(study: &Study, quiet: bool) -> anyhow::Result<ExitCode> {
    let left_out = LeftOut::of(study, "there is nothing to compare", quiet)?;
    let results = Results::collect(study, command(study))?;
    write_tables(&results, &study.out)?;
    write_report(&results, &study.out)?;
    if !quiet {
        let report = study.out.join("report.html");
        let mut output = Output::report();
        writeln!(output, "\n{}", overview(&results))?;
        left_out.show(&mut output)?;
        writeln!(output, "report: {}", report.display())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The command that makes the comparison anew, in full.
fn command(study: &Study) -> String {
    let plan = &study.plan;
    let is_preset = |spec: &&ExperimentSpec| {
        burn_dendrite_train::presets::load(&spec.name).is_ok_and(|preset| preset == **spec)
    };
    let presets: Vec<&str> = (study.specs.iter().filter(is_preset))
        .map(|spec| spec.name.as_str())
        .collect();
    let mut words = vec![shell::program(), "compare".to_owned()];
    if !presets.is_empty() {
        words.extend(["--preset".to_owned(), presets.join(",")]);
    }
    for spec in study.specs.iter().filter(|spec| !is_preset(spec)) {
        let file = study.spec_file(&spec.name);
        words.extend(["--spec".to_owned(), shell::path(&file)]);
    }
    let given = |count: Option<usize>| count.map(|count| count.to_string());
    for (flag, value) in [
        ("--dataset", Some(plan.dataset.to_string())),
        ("--samples", Some(plan.samples.to_string())),
        ("--epochs", given(plan.epochs)),
        ("--batch-size", given(plan.batch_size)),
        ("--validate-every", given(plan.validate_every)),
        ("--seeds", Some(plan.seeds.to_string())),
        (
            "--analysis-samples",
            Some(plan.analysis_samples.to_string()),
        ),
    ] {
        let words_of = |value| [flag.to_owned(), value];
        words.extend(value.into_iter().flat_map(words_of));
    }
    if let Some(folder) = &plan.data.folder {
        let folder = shell::path(folder);
        words.extend(["--data-dir".to_owned(), folder]);
    }
    words.join(" ")
}

fn overview(results: &Results) -> comfy_table::Table {
    let mut table = table(&["network", "test accuracy", "samples/s", "seconds a run"]);
    for network in &results.networks {
        let mean = |estimate: Option<burn_dendrite_lab::study::Estimate>, decimals: usize| {
            match estimate {
                Some(estimate) => format!("{:.decimals$}", estimate.mean),
                None => "not measured".to_owned(),
            }
        };
        table.add_row([
            network.name.clone(),
            format!("{} %", network.test_accuracy.scaled(100.0).show(2)),
            mean(network.samples_per_second, 0),
            mean(network.seconds, 1),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use burn_dendrite_train::{data::DatasetName, presets};

    #[test]
    fn the_command_names_presets_and_files_of_other_networks() {
        let mut own = presets::load("mnist-dtp").unwrap();
        own.name = "mine".to_owned();
        let specs = vec![presets::load("mnist-hebbian").unwrap(), own];
        let mut study = Study {
            out: Path::new("my runs").to_owned(),
            plan: StudyPlan {
                purpose: Purpose::Comparison,
                dataset: DatasetName::Mnist.into(),
                data: Default::default(),
                samples: 100,
                epochs: Some(2),
                batch_size: Some(4),
                validate_every: Some(20),
                seeds: 5,
                analysis_samples: 0,
                networks: Vec::new(),
                version: String::new(),
                perturb: Default::default(),
            },
            specs,
        };
        let words = command(&study);
        let words = words.strip_prefix(&shell::program());
        assert_eq!(
            words.unwrap(),
            " compare --preset mnist-hebbian --spec 'my runs/specs/mine.toml' --dataset \
             mnist --samples 100 --epochs 2 --batch-size 4 --validate-every 20 --seeds 5 --analysis-samples 0"
        );
        study.plan.data.folder = Some("/my digits".into());
        assert!(command(&study).ends_with(" --analysis-samples 0 --data-dir '/my digits'"));
    }

    #[test]
    fn the_default_networks_exist() {
        for name in NETWORKS {
            assert_eq!(preset(name).unwrap().name, name);
        }
    }
}
