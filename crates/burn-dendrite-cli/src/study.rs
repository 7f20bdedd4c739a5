//! What the commands that run a study share.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
};

use burn_dendrite_lab::study::{
    EncodedSplits, Pool, PoolEnding, PoolError, Progress, Purpose, Study, StudyFolder, StudyPlan,
    Task, Training, TrainingOptions,
};
use burn_dendrite_train::{
    DeviceName, ExperimentSpec, Stop,
    data::{DataSpec, Dataset, DatasetName, Encoding},
    limits::workers,
    output::{report, say},
    presets,
    shell::resume_command,
    stop::INTERRUPTED,
    words::counted,
};
use clap::Args;

use super::{
    DataArguments, LoadedData, MISTAKE, Mistake, failed, new_folder,
    submit::{ClusterArguments, prepared, refused, submit},
};

/// Data, budget and seeds.
#[derive(Args, Debug)]
pub(super) struct BudgetArguments {
    /// Data set of all networks; the one that they name if they agree, else mnist-mini, unless
    /// given.
    #[arg(long, conflicts_with = "resume")]
    dataset: Option<Dataset>,
    #[command(flatten)]
    pub(super) data: DataArguments,
    /// Training samples of one epoch, drawn in a shuffled order; all unless given.
    #[arg(long, conflicts_with = "resume")]
    samples: Option<usize>,
    /// Passes over the training samples; those of each network's own `budget` unless given.
    #[arg(long, conflicts_with = "resume")]
    epochs: Option<usize>,
    /// Samples of one training step; those of each network's own `budget` unless given.
    #[arg(long, conflicts_with = "resume")]
    batch_size: Option<usize>,
    /// Training samples between two validations; a twentieth of an epoch, in whole batches, unless
    /// given.
    #[arg(long, value_name = "SAMPLES", conflicts_with = "resume")]
    validate_every: Option<usize>,
}

/// Where a study is, and how much it says.
#[derive(Args, Debug)]
pub(super) struct PlaceArguments {
    /// Folder for runs and results; an earlier study by the same command goes on there. A new one
    /// below `runs` unless given.
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub(super) out: Option<PathBuf>,
    /// Go on with the study in this folder.
    #[arg(long, value_name = "DIR")]
    pub(super) resume: Option<PathBuf>,
    /// Print nothing but errors.
    #[arg(long)]
    pub(super) quiet: bool,
}

impl PlaceArguments {
    /// Checks a study on its data and takes its folder, which has this name unless another one is asked for.
    pub(super) fn begin(
        &self,
        study: &mut Study,
        data: &LoadedData,
        name: &str,
    ) -> anyhow::Result<StudyFolder> {
        study.check(&data.splits).map_err(failed)?;
        study.out = self.folder(name)?;
        let folder = study.claim().map_err(failed)?;
        study.plan.dataset = data.dataset.clone();
        Ok(folder)
    }

    /// Says how much is trained, on what and where.
    pub(super) fn announce(&self, what: &str, study: &Study) {
        if !self.quiet {
            let plan = &study.plan;
            report(format!(
                "{what} on {}, {}, {}, {}: {}",
                plan.dataset,
                counted(plan.samples, "sample"),
                plan.describe_budget(&study.specs),
                counted(plan.seeds as usize, "seed"),
                study.out.display()
            ));
        }
    }

    /// The folder that is asked for, or a new one of this name.
    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        match self.resume.as_ref().or(self.out.as_ref()) {
            Some(folder) => Ok(folder.clone()),
            None => new_folder(name),
        }
    }
}

impl BudgetArguments {
    pub(super) fn dataset(&self, specs: &[ExperimentSpec]) -> anyhow::Result<Dataset> {
        if let Some(dataset) = &self.dataset {
            return Ok(dataset.clone());
        }
        let own = specs.first().and_then(ExperimentSpec::own_dataset);
        let other = (specs.iter()).find(|spec| spec.own_dataset() != own);
        if let (Some(other), Some(first)) = (other, specs.first()) {
            let named = |spec: &ExperimentSpec| match spec.own_dataset() {
                Some(dataset) => format!("`{}` is for `{dataset}`", spec.name),
                None => format!("`{}` names no data set", spec.name),
            };
            let message = format!(
                "{} and {}; accepted: `--dataset` with one for all",
                named(first),
                named(other)
            );
            return Err(Mistake(message).into());
        }
        Ok(own.unwrap_or(DatasetName::MnistMini.into()))
    }

    /// Refuses a sweep over what is one for all its trials.
    ///
    /// # Errors
    ///
    /// One sentence.
    pub(super) fn check_varies(&self, specs: &[ExperimentSpec]) -> Result<(), Mistake> {
        let Some(first) = specs.first() else {
            return Ok(());
        };
        let differ = |of: &dyn Fn(&ExperimentSpec) -> bool| !specs.iter().all(of);
        let dataset = differ(&|spec| spec.dataset == first.dataset);
        let epochs = differ(&|spec| spec.budget.epochs == first.budget.epochs);
        let batch_size = differ(&|spec| spec.budget.batch_size == first.budget.batch_size);
        for (varies, message) in [
            (
                dataset,
                "`dataset` varies, and is one for all trials; accepted: a sweep for each",
            ),
            (
                epochs && self.epochs.is_some(),
                "`budget.epochs` varies, and `--epochs` comes before it; accepted: one of them",
            ),
            (
                batch_size && self.batch_size.is_some(),
                "`budget.batch_size` varies, and `--batch-size` comes before it; accepted: one of them",
            ),
        ] {
            if varies {
                return Err(Mistake(message.to_owned()));
            }
        }
        Ok(())
    }

    /// The data of a study before any encoding, from which networks take the sizes that they leave to
    /// them.
    pub(super) fn load(
        &self,
        dataset: &Dataset,
        specs: &mut [ExperimentSpec],
        quiet: bool,
    ) -> anyhow::Result<LoadedData> {
        let table = plain_table(specs)?;
        let data = self.data.load(dataset, &table, quiet)?;
        fit_all(specs, &data);
        Ok(data)
    }

    /// The plan of a study of these networks on these data.
    pub(super) fn plan(
        &self,
        purpose: Purpose,
        specs: &[ExperimentSpec],
        seeds: u64,
        data: &LoadedData,
    ) -> StudyPlan {
        StudyPlan {
            purpose,
            dataset: data.dataset.clone(),
            data: data.origin.clone(),
            samples: self.samples.unwrap_or(data.splits.train.len()),
            epochs: self.epochs,
            batch_size: self.batch_size,
            validate_every: self.validate_every,
            seeds,
            analysis_samples: 0,
            networks: specs.iter().map(|spec| spec.name.clone()).collect(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            perturb: Default::default(),
        }
    }
}

/// Loads the data of a study that goes on, and refuses others.
pub(super) fn load_same(
    data: &DataArguments,
    study: &mut Study,
    quiet: bool,
) -> anyhow::Result<LoadedData> {
    let (plan, table) = (&study.plan, plain_table(&study.specs)?);
    let data = data.load_same(&plan.dataset, &table, &plan.data, quiet)?;
    fit_all(&mut study.specs, &data);
    Ok(data)
}

/// How the networks of a study read their data, before any encoding: all of them alike.
fn plain_table(specs: &[ExperimentSpec]) -> anyhow::Result<DataSpec> {
    let Some(first) = specs.first() else {
        return Ok(DataSpec::default());
    };
    if let Some(other) = specs
        .iter()
        .find(|spec| !spec.data.reads_the_same(&first.data))
    {
        let message = format!(
            "`{}` and `{}` differ in `[data]`; accepted: one table for all networks, but for `encoding`",
            first.name, other.name
        );
        return Err(Mistake(message).into());
    }
    Ok(DataSpec {
        encoding: Encoding::Plain,
        ..first.data.clone()
    })
}

/// Gives networks the sizes that they leave to the data, each in its encoding.
fn fit_all(specs: &mut [ExperimentSpec], data: &LoadedData) {
    let encoded = EncodedSplits::of(&data.splits, specs);
    for spec in specs {
        spec.fit(encoded.get(spec.data.encoding));
    }
}

/// Where the runs of a study are trained.
#[derive(Args, Debug)]
pub(super) struct JobArguments {
    /// Backend of the runs; the first that is compiled in and has hardware unless given.
    #[arg(long, env = "BURN_DEVICE")]
    device: Option<DeviceName>,
    /// Runs that are trained side by side; as many as there are cores unless given, and with
    /// `--slurm` as many as Slurm likes.
    #[arg(long, value_parser = workers)]
    jobs: Option<NonZeroUsize>,
    #[command(flatten)]
    cluster: ClusterArguments,
}

impl JobArguments {
    /// Finds what is cheap to find before anything is written: a device that is not there, and
    /// options that Slurm refuses. The devices of other machines are their affair.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        if self.cluster.slurm {
            return self.cluster.slurm()?.check().map_err(refused);
        }
        if !self.cluster.prepare {
            self.device()?;
        }
        Ok(())
    }

    pub(super) fn device(&self) -> anyhow::Result<DeviceName> {
        let name = self.device.unwrap_or_else(DeviceName::preferred);
        name.open().map_err(|error| Mistake(error.to_string()))?;
        Ok(name)
    }
}

/// The specification of a preset.
pub(super) fn preset(name: &str) -> anyhow::Result<ExperimentSpec> {
    Ok(presets::load(name).map_err(|error| Mistake(format!("--preset: {error}")))?)
}

/// Does what is still to be done for the runs of a study, or has it done by others. Returns the exit
/// code where there is nothing to report on yet.
pub(super) fn work(
    study: &Study,
    jobs: &JobArguments,
    data_dir: Option<&Path>,
    stop: &Stop,
    quiet: bool,
) -> anyhow::Result<Option<ExitCode>> {
    let cluster = &jobs.cluster;
    if cluster.prepare {
        return prepared(study, quiet).map(Some);
    }
    if cluster.slurm {
        let places = (jobs.device, jobs.jobs);
        return submit(study, cluster, places, data_dir, quiet).map(Some);
    }
    let options = TrainingOptions {
        device: jobs.device()?,
        data_dir: data_dir.map(Path::to_owned),
    };
    let training = Training::of(study, &options).map_err(failed)?;
    if training.finished > 0 && !quiet {
        let total = training.finished + training.tasks.len();
        report(format!(
            "{} of {total} runs are finished already",
            training.finished
        ));
    }
    match run(training.tasks, "training", jobs, stop, quiet)? {
        PoolEnding::Finished => Ok(None),
        PoolEnding::Interrupted => Ok(Some(stopped(study, data_dir))),
    }
}

/// Runs tasks of this program side by side, with one display for all of them.
fn run(
    tasks: Vec<Task>,
    what: &'static str,
    jobs: &JobArguments,
    stop: &Stop,
    quiet: bool,
) -> anyhow::Result<PoolEnding> {
    let (jobs, threads) = Pool::places(jobs.jobs, tasks.len());
    let pool = Pool {
        program: std::env::current_exe()?,
        jobs,
        threads,
        stop: stop.clone(),
    };
    let mut progress = if quiet {
        Progress::quiet()
    } else {
        Progress::new(what, tasks.len(), tasks.iter().map(|task| task.work).sum())
    };
    pool.run(tasks, &mut progress).map_err(|error| match error {
        PoolError::Failed { code, .. } if code == Some(i32::from(MISTAKE)) => {
            Mistake(error.to_string()).into()
        }
        _ => error.into(),
    })
}

/// How to go on with what was stopped; its data are in `folder`, if one was named.
pub(super) fn stopped(study: &Study, folder: Option<&Path>) -> ExitCode {
    let kept = Study::load(&study.out, study.plan.purpose).ok();
    let kept = kept.and_then(|study| study.plan.data.folder);
    let elsewhere = folder.filter(|folder| kept.as_deref() != Some(folder));
    let command = resume_command(study.plan.purpose.command(), &study.out, elsewhere);
    say(format!("stopped; `{command}` goes on from there"));
    ExitCode::from(INTERRUPTED)
}
