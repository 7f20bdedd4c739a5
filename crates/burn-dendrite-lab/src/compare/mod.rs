//! What a comparison of networks finds, over seeds: numbers, tables, and the way to them.

mod curves;
mod measures;
mod results;
mod tables;

pub use curves::{Curve, CurvePoint};
pub use measures::{Measure, measures};
pub use results::{Machine, NetworkResults, Results, RunResults};
pub use tables::{TableError, write_tables};

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::study::{Estimate, Purpose, StudyPlan};
    use burn_dendrite_train::{data::DatasetName, run::Summary};

    /// Results of networks with these test accuracies, a seed each.
    pub(crate) fn results(networks: &[(&str, &[f64])]) -> Results {
        let network = |(name, accuracies): &(&str, &[f64])| {
            let run = |(index, accuracy): (usize, &f64)| RunResults {
                seed: index as u64 + 1,
                summary: Summary {
                    engine: burn_dendrite_train::Engine::Memory,
                    test_accuracy: *accuracy,
                    test_balanced_accuracy: None,
                    test_loss: 0.1,
                    validation_accuracy: *accuracy,
                    train_samples: 100,
                    samples_per_second: 50.0,
                    seed: index as u64 + 1,
                    preset: (*name).to_owned(),
                    dataset: "mnist-mini".to_owned(),
                    batch_size: 1,
                    device: "flex".to_owned(),
                    threads: 1,
                    stopped_early: false,
                    kept: Default::default(),
                    kept_samples: None,
                    version: "0".to_owned(),
                    test_classes: Vec::new(),
                    test_confusion: None,
                },
                records: Vec::new(),
                measurements: Vec::new(),
                analysis: None,
            };
            let estimate = Estimate::of(accuracies).unwrap();
            NetworkResults {
                name: (*name).to_owned(),
                description: String::new(),
                specification: format!("name = \"{name}\""),
                test_accuracy: estimate,
                test_loss: Estimate::of(&[0.1]).unwrap(),
                validation_accuracy: estimate,
                samples_per_second: Estimate::of(&[50.0]),
                seconds: Estimate::of(&[2.0]),
                curves: Vec::new(),
                measures: Vec::new(),
                runs: accuracies.iter().enumerate().map(run).collect(),
            }
        };
        Results {
            plan: StudyPlan {
                purpose: Purpose::Comparison,
                dataset: DatasetName::MnistMini.into(),
                data: Default::default(),
                samples: 100,
                epochs: Some(1),
                batch_size: Some(1),
                validate_every: Some(50),
                seeds: 2,
                analysis_samples: 0,
                networks: networks
                    .iter()
                    .map(|(name, _)| (*name).to_owned())
                    .collect(),
                version: "0".to_owned(),
                perturb: Default::default(),
            },
            command: "dendrite compare --preset <some> & more".to_owned(),
            version: "0".to_owned(),
            machine: Machine::this(),
            networks: networks.iter().map(network).collect(),
            diverged: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    #[test]
    fn tables_hold_every_number() {
        let folder = tempfile::tempdir().unwrap();
        let results = results(&[("one, or two", &[0.25, 0.75]), ("three", &[0.5])]);
        write_tables(&results, folder.path()).unwrap();
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let runs = read("csv/runs.csv");
        let rows: Vec<&str> = runs.lines().collect();
        // A name with a comma is quoted.
        assert_eq!(
            rows[2],
            "\"one, or two\",2,0.75,0.1,0.75,100,50.0,2.0,flex,1,false,0"
        );
        assert_eq!(rows.len(), 4);
        let networks = read("csv/networks.csv");
        // Deviations of 0.25 on both sides: SEM 0.25. A single seed has none.
        assert!(
            networks.contains("\"one, or two\",test_accuracy,0.5,0.25,2"),
            "{networks}"
        );
        assert!(
            networks.contains("three,test_accuracy,0.5,,1"),
            "{networks}"
        );
        let json: Results = serde_json::from_str(&read("results.json")).unwrap();
        assert_eq!(json, results);
    }
}
