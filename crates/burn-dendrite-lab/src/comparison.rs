//! Several networks side by side: the same data, the same order of samples, the same budget.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use burn_dendrite_train::{
    Display, Ending, Experiment, ExperimentError, ExperimentSpec, Stop,
    data::Splits,
    output,
    run::{self, RunSettings, Summary},
};
use comfy_table::{ContentArrangement, Table, presets::UTF8_HORIZONTAL_ONLY};
use ratatui::{
    buffer::Buffer,
    layout::Rect,
    symbols::Marker,
    widgets::{Axis, Chart, Dataset, GraphType, Widget},
};

/// What all networks of a comparison share.
pub struct Comparison {
    /// The folder for the runs, one below it for each network.
    pub out: PathBuf,
    /// Data set, budget and seed; each run puts its own preset in.
    pub settings: RunSettings,
    /// The data.
    pub data: Splits,
    /// Where they run.
    pub device: Device,
    /// The name of the device, for the summaries.
    pub device_name: String,
    /// What is shown meanwhile.
    pub display: Display,
}

/// What a comparison finds about one network.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The name of the specification.
    pub name: String,
    /// The result of the run.
    pub summary: Summary,
    /// Training samples and validation accuracy in [0, 1], validation by validation.
    pub curve: Vec<(usize, f64)>,
}

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq)]
pub enum ComparisonEnding {
    /// All networks are trained.
    Finished(Vec<Compared>),
    /// Somebody stopped it; what is finished is kept, and the same comparison goes on from there.
    Interrupted,
}

impl Comparison {
    /// Whether all networks can be trained, before any file is written.
    ///
    /// # Errors
    ///
    /// Those of [`Experiment::check`].
    pub fn check(&self, specs: &[ExperimentSpec]) -> Result<(), ExperimentError> {
        for spec in specs {
            self.experiment(spec.clone(), &Stop::new()).check()?;
        }
        Ok(())
    }

    /// Trains the networks one after the other. One whose folder is there already is resumed, or
    /// taken as it is if it came to its end.
    ///
    /// # Errors
    ///
    /// Mistakes in a specification before any network is trained, else those of the runs.
    pub fn run(
        &self,
        specs: Vec<ExperimentSpec>,
        stop: &Stop,
    ) -> Result<ComparisonEnding, ExperimentError> {
        self.check(&specs)?;
        let experiments = specs.into_iter().map(|spec| self.experiment(spec, stop));
        let mut compared = Vec::new();
        for experiment in experiments {
            let (name, out) = (experiment.spec.name.clone(), experiment.out.clone());
            if self.display != Display::Quiet {
                output::report(&name);
            }
            let ending = if out.exists() {
                experiment.resume()?
            } else {
                experiment.start()?
            };
            match ending {
                Ending::Interrupted { .. } => return Ok(ComparisonEnding::Interrupted),
                Ending::Finished(summary) => compared.push(Compared {
                    name,
                    summary,
                    curve: curve(&out)?,
                }),
            }
        }
        Ok(ComparisonEnding::Finished(compared))
    }

    fn experiment(&self, spec: ExperimentSpec, stop: &Stop) -> Experiment {
        Experiment {
            out: self.out.join(&spec.name),
            settings: RunSettings {
                preset: spec.name.clone(),
                ..self.settings.clone()
            },
            spec,
            data: self.data.clone(),
            device: self.device.clone(),
            more_devices: Vec::new(),
            device_name: self.device_name.clone(),
            display: self.display,
            stop: stop.clone(),
        }
    }
}

/// The validation accuracies of a run.
fn curve(out: &Path) -> Result<Vec<(usize, f64)>, ExperimentError> {
    let records = run::records(out)?.into_iter();
    let validations = records.filter(|record| record.split == "valid");
    Ok(validations
        .filter_map(|record| Some((record.samples, *record.metrics.get("Accuracy")? / 100.0)))
        .collect())
}

/// The results as a table.
pub fn table(compared: &[Compared]) -> Table {
    let mut table = Table::new();
    table
        .load_style(UTF8_HORIZONTAL_ONLY)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["network", "test accuracy", "samples", "samples/s", "device"]);
    for Compared { name, summary, .. } in compared {
        table.add_row([
            name.clone(),
            format!("{:.2} %", 100.0 * summary.test_accuracy),
            summary.train_samples.to_string(),
            format!("{:.0}", summary.samples_per_second),
            summary.device.clone(),
        ]);
    }
    table
}

/// The validation accuracies over training samples, drawn with characters: a marker for each
/// network, named below.
pub fn curves(compared: &[Compared], width: u16, height: u16) -> String {
    const MARKERS: [char; 6] = ['•', '+', 'x', 'o', '#', '~'];
    let points: Vec<Vec<(f64, f64)>> = (compared.iter())
        .map(|it| {
            let points = it.curve.iter();
            points
                .map(|(samples, accuracy)| (*samples as f64, 100.0 * accuracy))
                .collect()
        })
        .collect();
    let most = |of: fn(&(f64, f64)) -> f64| {
        (points.iter().flatten().map(of)).fold(1.0, |most: f64, it| most.max(it))
    };
    let (samples, best) = (most(|it| it.0), most(|it| it.1));
    // Up to the next ten per cent, so that networks that learn little can be told apart too.
    let top = (best / 10.0).ceil() * 10.0;
    let marked = || MARKERS.iter().cycle().zip(compared).zip(&points);
    let datasets = marked().map(|((marker, _), points)| {
        Dataset::default()
            .graph_type(GraphType::Scatter)
            .marker(Marker::Custom(*marker))
            .data(points)
    });
    let chart = Chart::new(datasets.collect())
        .legend_position(None)
        .x_axis(
            Axis::default()
                .bounds([0.0, samples])
                .labels(["0".to_owned(), format!("{samples:.0} samples")]),
        )
        .y_axis(
            Axis::default()
                .bounds([0.0, top])
                .labels(["0 %".to_owned(), format!("{top:.0} %")]),
        );
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    chart.render(area, &mut buffer);
    let mut text = String::new();
    for y in 0..height {
        let row: String = (0..width).map(|x| buffer[(x, y)].symbol()).collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    let names = marked().map(|((marker, it), _)| format!("{marker} {}", it.name));
    text + "validation accuracy   " + &names.collect::<Vec<_>>().join("   ") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_train::{data::DatasetName, presets};

    #[test]
    fn networks_are_compared_on_the_same_data_and_not_trained_twice() {
        let folder = tempfile::tempdir().unwrap();
        let comparison = Comparison {
            out: folder.path().to_owned(),
            settings: RunSettings {
                preset: String::new(),
                dataset: DatasetName::MnistMini.into(),
                data: Default::default(),
                samples: 40,
                epochs: 1,
                batch_size: 10,
                seed: 1,
                validate_every: 20,
                patience: None,
                on_divergence: Default::default(),
                version: String::new(),
                learner: Default::default(),
                preprocessing: Default::default(),
                perturb: Vec::new(),
                probe: Vec::new(),
                start: None,
                lengthened: Vec::new(),
            },
            data: DatasetName::MnistMini.load(&Default::default()).unwrap(),
            device: Device::flex(),
            device_name: "flex".to_owned(),
            display: Display::Quiet,
        };
        let run = || {
            let specs = ["mnist-backprop-ann", "mnist-backprop-ann-0-hidden"];
            let specs = specs.map(|name| presets::load(name).unwrap()).to_vec();
            match comparison.run(specs, &Stop::new()).unwrap() {
                ComparisonEnding::Finished(compared) => compared,
                ComparisonEnding::Interrupted => panic!("nobody stopped it"),
            }
        };
        let compared = run();
        let names: Vec<&str> = compared.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["mnist-backprop-ann", "mnist-backprop-ann-0-hidden"]);
        for it in &compared {
            let samples: Vec<usize> = it.curve.iter().map(|point| point.0).collect();
            assert_eq!(samples, [20, 40]);
            assert_eq!(it.summary.train_samples, 40);
        }
        // The speed is measured, so equal results were not made anew.
        assert_eq!(run(), compared);
        assert!(
            table(&compared)
                .to_string()
                .contains("mnist-backprop-ann-0-hidden")
        );
    }

    #[test]
    fn curves_are_drawn_where_they_belong() {
        let compared = |name: &str, curve: &[(usize, f64)]| Compared {
            name: name.to_owned(),
            curve: curve.to_vec(),
            summary: Summary {
                engine: burn_dendrite_train::Engine::Memory,
                test_accuracy: 0.0,
                test_balanced_accuracy: None,
                test_loss: 0.0,
                validation_accuracy: 0.0,
                train_samples: 0,
                samples_per_second: 0.0,
                seed: 1,
                preset: String::new(),
                dataset: String::new(),
                batch_size: 1,
                device: String::new(),
                threads: 1,
                stopped_early: false,
                kept: Default::default(),
                kept_samples: None,
                version: String::new(),
                test_classes: Vec::new(),
                test_confusion: None,
            },
        };
        let drawn = curves(
            &[
                compared("one", &[(100, 1.0)]),
                compared("two", &[(50, 0.0)]),
            ],
            60,
            12,
        );
        let rows: Vec<&str> = drawn.lines().collect();
        assert!(
            rows[0].contains("100 %") && rows[0].ends_with('•'),
            "{drawn}"
        );
        assert!(rows[9].contains('+') && !rows[9].contains('•'), "{drawn}");
        assert!(
            drawn.contains("100 samples") && drawn.contains("• one   + two"),
            "{drawn}"
        );
    }
}
