//! `dendrite bench`.

use std::process::ExitCode;

use burn_dendrite_lab::throughput::{ThroughputOptions, throughput};
use burn_dendrite_train::{
    Engine,
    data::{Dataset, DatasetName},
    limits::{MOST_BATCHES, MOST_SAMPLES, check_count, check_counts},
    output::answer,
    run::{LearnerSettings, RunSettings},
    words::counted,
};
use clap::Args;

use super::{
    DataArguments, MachineArguments, Mistake, choice::choice, specification, table::table,
};

#[derive(Args, Debug)]
pub(super) struct BenchArguments {
    /// A preset, or a file with a specification.
    #[arg(default_value = "mnist-dtp")]
    network: String,
    /// Samples of one training step; several sizes, separated by commas, are measured in turn.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 32, 128])]
    batch_size: Vec<usize>,
    /// Data set; the one that the specification names, else mnist-mini, unless given.
    #[arg(long)]
    dataset: Option<Dataset>,
    #[command(flatten)]
    data: DataArguments,
    /// Samples of one window.
    #[arg(long, default_value_t = 2000)]
    window: usize,
    /// Windows, of which the median counts; one more before them warms up.
    #[arg(long, default_value_t = 5)]
    windows: usize,
    /// How training steps are computed; `memory` where that is possible, unless given.
    #[arg(long, value_parser = choice::<Engine>())]
    engine: Option<Engine>,
    #[command(flatten)]
    machine: MachineArguments,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
}

impl BenchArguments {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        let (device, name) = self.machine.open()?;
        let mut spec = specification(&self.network)?;
        let dataset =
            (self.dataset.clone().or(spec.own_dataset())).unwrap_or(DatasetName::MnistMini.into());
        let data = self.data.load(&dataset, &spec.data, self.json)?.splits;
        spec.fit(&data);
        let (plan, _) = spec.check().map_err(|errors| Mistake(errors.to_string()))?;
        burn_dendrite_train::experiment::fits(&plan, &data, &dataset)?;
        check_counts([
            ("--window", Some(self.window), MOST_SAMPLES),
            ("--windows", Some(self.windows), MOST_BATCHES),
        ])
        .map_err(Mistake)?;
        for size in &self.batch_size {
            check_count("--batch-size", *size, MOST_SAMPLES).map_err(Mistake)?;
        }
        let settings = RunSettings {
            preset: spec.name.clone(),
            dataset: dataset.clone(),
            data: Default::default(),
            samples: self.window,
            epochs: 1,
            batch_size: 1,
            seed: 1,
            validate_every: self.window,
            patience: None,
            on_divergence: Default::default(),
            version: String::new(),
            learner: LearnerSettings {
                engine: self.engine,
                ..LearnerSettings::default()
            },
            preprocessing: Default::default(),
            perturb: Vec::new(),
            probe: Vec::new(),
            start: None,
            lengthened: Vec::new(),
        };
        let engine = Engine::choose(spec.optimizer, &settings, &device);
        let engine = engine.map_err(Mistake)?;
        if !self.json {
            answer(format!(
                "{} on {dataset}, {}, {}, engine {engine}, median of {} of {}",
                spec.name,
                name.describe(&device),
                counted(rayon::current_num_threads(), "thread"),
                counted(self.windows, "window"),
                counted(self.window, "sample")
            ))?;
        }
        let mut table = table(&[
            "batch",
            "samples/s",
            "slowest to fastest window",
            "products alone, samples/s",
            "ratio",
        ]);
        for batch_size in self.batch_size {
            let options = ThroughputOptions {
                batch_size,
                window: self.window,
                windows: self.windows,
                engine,
            };
            let measured = throughput(&spec, &data.train, &device, options)
                .map_err(|error| Mistake(error.to_string()))?;
            if self.json {
                let line = serde_json::json!({
                    "network": spec.name,
                    "dataset": dataset.to_string(),
                    "device": name.as_str(),
                    "threads": rayon::current_num_threads(),
                    "engine": engine,
                    "batch_size": batch_size,
                    "throughput": measured,
                });
                answer(line)?;
                continue;
            }
            let extreme = |fold: fn(f64, f64) -> f64, start| {
                measured.windows.iter().copied().fold(start, fold)
            };
            table.add_row([
                batch_size.to_string(),
                format!("{:.0}", measured.median),
                format!(
                    "{:.0} to {:.0}",
                    extreme(f64::min, f64::INFINITY),
                    extreme(f64::max, 0.0)
                ),
                format!("{:.0}", measured.products_alone),
                format!("{:.2}", measured.share_of_products),
            ]);
        }
        if !self.json {
            answer(table)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
