//! The numbers of a comparison as CSV and JSON.

use std::{fs, io, path::Path};

use burn_dendrite_train::run::{RunError, write_atomically};
use serde::Serialize;

use super::Results;
use crate::analysis::Quantity;
use crate::study::Estimate;

/// Why the tables cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// A file cannot be written.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A number has no form in the file.
    #[error("`{file}`: {message}")]
    Form {
        /// The file.
        file: String,
        /// The reason.
        message: String,
    },
}

/// Writes `results.json` and, in the folder `csv`:
///
/// ```text
/// runs.csv           a line per network and seed
/// networks.csv       network, quantity, mean, standard error, number of seeds
/// curves.csv         network, seed, split, metric, samples, value
/// curves-mean.csv    network, split, metric, samples, mean, standard error, number of seeds
/// analysis.csv       network, seed, quantity, population or projection, value
/// analysis-mean.csv  network, quantity, population or projection, mean, standard error, seeds
/// ```
///
/// # Errors
///
/// If a file cannot be written.
pub fn write_tables(results: &Results, out: &Path) -> Result<(), TableError> {
    let file = out.join("results.json");
    let text = serde_json::to_string_pretty(results).map_err(|error| TableError::Form {
        file: file.display().to_string(),
        message: error.to_string(),
    })?;
    write_atomically(&file, format!("{text}\n").as_bytes())?;
    let folder = out.join("csv");
    fs::create_dir_all(&folder).map_err(|error: io::Error| RunError::Io {
        file: folder.clone(),
        error,
    })?;
    write(&folder.join("runs.csv"), runs(results))?;
    write(&folder.join("networks.csv"), networks(results))?;
    write(&folder.join("curves.csv"), curves(results))?;
    write(&folder.join("curves-mean.csv"), mean_curves(results))?;
    write(&folder.join("analysis.csv"), measurements(results))?;
    write(&folder.join("analysis-mean.csv"), measures(results))
}

#[derive(Serialize)]
struct RunRow<'a> {
    network: &'a str,
    seed: u64,
    test_accuracy: f64,
    test_loss: f64,
    validation_accuracy: f64,
    train_samples: usize,
    samples_per_second: f64,
    seconds: Option<f64>,
    device: &'a str,
    threads: usize,
    stopped_early: bool,
    version: &'a str,
}

fn runs(results: &Results) -> impl Iterator<Item = RunRow<'_>> {
    let all = results.networks.iter();
    all.flat_map(|network| network.runs.iter().map(move |run| (network, run)))
        .map(|(network, run)| RunRow {
            network: &network.name,
            seed: run.seed,
            test_accuracy: run.summary.test_accuracy,
            test_loss: run.summary.test_loss,
            validation_accuracy: run.summary.validation_accuracy,
            train_samples: run.summary.train_samples,
            samples_per_second: run.summary.samples_per_second,
            seconds: run.seconds(),
            device: &run.summary.device,
            threads: run.summary.threads,
            stopped_early: run.summary.stopped_early,
            version: &run.summary.version,
        })
}

#[derive(Serialize)]
struct NetworkRow<'a> {
    network: &'a str,
    quantity: &'static str,
    mean: f64,
    sem: Option<f64>,
    seeds: usize,
}

fn networks(results: &Results) -> impl Iterator<Item = NetworkRow<'_>> {
    results.networks.iter().flat_map(|network| {
        let row = |(quantity, estimate): (&'static str, Option<Estimate>)| {
            let estimate = estimate?;
            Some(NetworkRow {
                network: &network.name,
                quantity,
                mean: estimate.mean,
                sem: estimate.sem,
                seeds: estimate.count,
            })
        };
        [
            ("test_accuracy", Some(network.test_accuracy)),
            ("test_loss", Some(network.test_loss)),
            ("validation_accuracy", Some(network.validation_accuracy)),
            ("samples_per_second", network.samples_per_second),
            ("seconds", network.seconds),
        ]
        .into_iter()
        .filter_map(row)
    })
}

#[derive(Serialize)]
struct PointRow<'a> {
    network: &'a str,
    seed: u64,
    split: &'a str,
    metric: &'a str,
    samples: usize,
    value: f64,
}

fn curves(results: &Results) -> impl Iterator<Item = PointRow<'_>> {
    let all = results.networks.iter();
    let records = all.flat_map(|network| {
        let runs = network.runs.iter();
        runs.flat_map(move |run| run.records.iter().map(move |record| (network, run, record)))
    });
    records.flat_map(|(network, run, record)| {
        record.metrics.iter().map(move |(metric, value)| PointRow {
            network: &network.name,
            seed: run.seed,
            split: &record.split,
            metric,
            samples: record.samples,
            value: *value,
        })
    })
}

#[derive(Serialize)]
struct MeanRow<'a> {
    network: &'a str,
    split: &'a str,
    metric: &'a str,
    samples: usize,
    mean: f64,
    sem: Option<f64>,
    seeds: usize,
}

fn mean_curves(results: &Results) -> impl Iterator<Item = MeanRow<'_>> {
    let all = results.networks.iter();
    let curves = all.flat_map(|network| network.curves.iter().map(move |curve| (network, curve)));
    curves.flat_map(|(network, curve)| {
        curve.points.iter().map(move |point| MeanRow {
            network: &network.name,
            split: &curve.split,
            metric: &curve.metric,
            samples: point.samples,
            mean: point.value.mean,
            sem: point.value.sem,
            seeds: point.value.count,
        })
    })
}

#[derive(Serialize)]
struct MeasurementRow<'a> {
    network: &'a str,
    seed: u64,
    quantity: Quantity,
    of: &'a str,
    value: f64,
}

fn measurements(results: &Results) -> impl Iterator<Item = MeasurementRow<'_>> {
    let all = results.networks.iter();
    let runs = all.flat_map(|network| network.runs.iter().map(move |run| (network, run)));
    runs.flat_map(|(network, run)| {
        run.measurements.iter().map(move |it| MeasurementRow {
            network: &network.name,
            seed: run.seed,
            quantity: it.quantity,
            of: &it.of,
            value: it.value,
        })
    })
}

#[derive(Serialize)]
struct MeasureRow<'a> {
    network: &'a str,
    quantity: Quantity,
    of: &'a str,
    mean: f64,
    sem: Option<f64>,
    seeds: usize,
}

fn measures(results: &Results) -> impl Iterator<Item = MeasureRow<'_>> {
    let all = results.networks.iter();
    all.flat_map(|network| {
        network.measures.iter().map(move |it| MeasureRow {
            network: &network.name,
            quantity: it.quantity,
            of: &it.of,
            mean: it.value.mean,
            sem: it.value.sem,
            seeds: it.value.count,
        })
    })
}

/// Writes rows with a header, in full or not at all.
pub(crate) fn write<R: Serialize>(
    file: &Path,
    rows: impl Iterator<Item = R>,
) -> Result<(), TableError> {
    let form = |message: String| TableError::Form {
        file: file.display().to_string(),
        message,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer
            .serialize(row)
            .map_err(|error| form(error.to_string()))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| form(error.to_string()))?;
    Ok(write_atomically(file, &bytes)?)
}
