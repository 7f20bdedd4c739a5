//! Predictions as CSV, JSON and a figure.

use std::path::Path;

use burn_dendrite_train::run::write_atomically;
use serde::Serialize;

use super::{Effect, Predictions};
use crate::{
    compare::TableError,
    plot::{Bar, BarChart, PlotError},
    study::Estimate,
};

#[derive(Serialize)]
struct Row<'a> {
    condition: &'a str,
    perturbed_in_run: String,
    perturbed_in_test: String,
    seeds: usize,
    without_result: usize,
    accuracy: Option<f64>,
    accuracy_sem: Option<f64>,
    difference: Option<f64>,
    difference_sem: Option<f64>,
    dendritic_state: Option<f64>,
    dendritic_state_sem: Option<f64>,
    backprop_angle: Option<f64>,
    backprop_angle_sem: Option<f64>,
}

/// Writes `perturbations.json`, `perturbations.csv` and `perturbations.svg`, the bars of accuracy.
///
/// # Errors
///
/// If a file cannot be written or the figure not be drawn.
pub fn write_predictions(predictions: &Predictions, out: &Path) -> Result<(), TableError> {
    let form = |file: &str| {
        let file = out.join(file).display().to_string();
        move |message: String| TableError::Form { file, message }
    };
    let text = serde_json::to_string_pretty(predictions)
        .map_err(|error| form("perturbations.json")(error.to_string()))?;
    write_atomically(
        &out.join("perturbations.json"),
        format!("{text}\n").as_bytes(),
    )?;
    let table = table(predictions).map_err(|error| form("perturbations.csv")(error.to_string()))?;
    write_atomically(&out.join("perturbations.csv"), &table)?;
    let figure =
        figure(predictions).map_err(|error| form("perturbations.svg")(error.to_string()))?;
    write_atomically(&out.join("perturbations.svg"), figure.as_bytes())?;
    Ok(())
}

fn table(predictions: &Predictions) -> Result<Vec<u8>, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for effect in &predictions.effects {
        writer.serialize(row(effect))?;
    }
    writer
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn row(effect: &Effect) -> Row<'_> {
    let words = |list: &[burn_dendrite_nn::perturb::Perturbation]| {
        let words: Vec<String> = list.iter().map(ToString::to_string).collect();
        words.join("; ")
    };
    let mean = |estimate: Option<Estimate>| estimate.map(|it| it.mean);
    let sem = |estimate: Option<Estimate>| estimate.and_then(|it| it.sem);
    Row {
        condition: &effect.condition,
        perturbed_in_run: words(&effect.run),
        perturbed_in_test: words(&effect.test),
        seeds: effect.seeds.len(),
        without_result: effect.seeds.iter().filter(|it| it.is_none()).count(),
        accuracy: mean(effect.accuracy),
        accuracy_sem: sem(effect.accuracy),
        difference: mean(effect.difference),
        difference_sem: sem(effect.difference),
        dendritic_state: mean(effect.dendritic_state),
        dendritic_state_sem: sem(effect.dendritic_state),
        backprop_angle: mean(effect.backprop_angle),
        backprop_angle_sem: sem(effect.backprop_angle),
    }
}

fn figure(predictions: &Predictions) -> Result<String, PlotError> {
    let bar = |effect: &Effect| {
        let percent = effect.accuracy?.scaled(100.0);
        let accuracies = effect.seeds.iter().flatten().map(|it| 100.0 * it.accuracy);
        Some(Bar {
            name: effect.condition.clone(),
            number: usize::from(effect.run.is_empty() && effect.test.is_empty()),
            value: percent.mean,
            sem: percent.sem,
            values: accuracies.collect(),
            label: percent.show(2),
        })
    };
    let chart = BarChart {
        title: "Accuracy under perturbations".to_owned(),
        label: "test accuracy in %; the line is the unperturbed network".to_owned(),
        high: Some(100.0),
        mark: predictions
            .effects
            .first()
            .and_then(|it| it.accuracy)
            .map(|it| 100.0 * it.mean),
        bars: predictions.effects.iter().filter_map(bar).collect(),
    };
    chart.draw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        perturb::{Condition, SeedValues, UNPERTURBED},
        study::{Purpose, StudyPlan},
    };
    use burn_dendrite_train::data::DatasetName;

    #[test]
    fn effects_are_compared_seed_by_seed() {
        let plan = StudyPlan {
            purpose: Purpose::Perturbation,
            dataset: DatasetName::MnistMini.into(),
            data: Default::default(),
            samples: 40,
            epochs: None,
            batch_size: None,
            validate_every: Some(20),
            seeds: 2,
            analysis_samples: 10,
            networks: Vec::new(),
            version: String::new(),
            perturb: Default::default(),
        };
        let condition = |name: &str, test: &[&str]| Condition {
            variant: Default::default(),
            name: name.to_owned(),
            run: Vec::new(),
            test: test.iter().map(|it| it.parse().unwrap()).collect(),
        };
        let seed = |accuracy, dendritic_state| {
            Some(SeedValues {
                accuracy,
                dendritic_state,
                backprop_angle: Some(60.0),
            })
        };
        let conditions = [
            condition(UNPERTURBED, &[]),
            condition("noise", &["Input.E: noise 0.1 during test"]),
            condition("half", &[]),
            condition("none", &[]),
        ];
        let values = [
            vec![seed(0.9, Some(0.1)), seed(0.7, Some(0.3))],
            vec![seed(0.5, None), seed(0.5, None)],
            vec![None, seed(0.5, None)],
            vec![None, None],
        ];
        let predictions = Predictions::new("net".to_owned(), plan, &conditions, &values);
        let noise = predictions.perturbed().next().unwrap();
        // Differences -0.4 and -0.2: SEM = sqrt(0.02 / 2).
        let difference = noise.difference.unwrap();
        assert!((difference.mean + 0.3).abs() < 1e-12);
        assert!((difference.sem.unwrap() - 0.1).abs() < 1e-12);
        assert_eq!(
            (noise.accuracy.unwrap().mean, noise.dendritic_state),
            (0.5, None)
        );
        // What diverged is in no mean, and takes its partner out of the difference.
        let [half, none] = [2, 3].map(|at| &predictions.effects[at]);
        assert!((half.difference.unwrap().mean + 0.2).abs() < 1e-12);
        assert_eq!((half.accuracy.unwrap().count, none.accuracy), (1, None));

        let folder = tempfile::tempdir().unwrap();
        write_predictions(&predictions, folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let table = read("perturbations.csv");
        let line = table.lines().nth(2).unwrap();
        assert!(
            line.starts_with("noise,,Input.E: noise 0.1 during test,2,0,0.5,0.0,"),
            "{line}"
        );
        assert!(table.lines().nth(4).unwrap().starts_with("none,,,2,2,,,"));
        let back: Predictions = serde_json::from_str(&read("perturbations.json")).unwrap();
        assert_eq!(back, predictions);
        assert!(read("perturbations.svg").contains("80.00 ± 10.00"));
    }
}
