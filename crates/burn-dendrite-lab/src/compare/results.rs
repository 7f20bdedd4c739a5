//! All numbers of a comparison.

use burn_dendrite_train::run::{self, RunError, SegmentRecord, Summary};
use serde::{Deserialize, Serialize};

use super::{Curve, Measure, measures};
use crate::{
    analysis::{Analysis, Measurement, Quantity, measurements},
    study::{DivergedRun, Estimate, Study, StudyPlan, UnfinishedRun, analysis},
};

/// What `results.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Data, budget and seeds.
    pub plan: StudyPlan,
    /// The command that makes the same comparison anew.
    pub command: String,
    /// Version of the program that wrote the results.
    pub version: String,
    /// Where it ran.
    pub machine: Machine,
    /// The networks, in the order of the plan; without those of which no run has a result.
    pub networks: Vec<NetworkResults>,
    /// The runs that diverged, which are in none of the numbers.
    #[serde(default)]
    pub diverged: Vec<DivergedRun>,
    /// The runs that have not come to their end, which are in none of the numbers either.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unfinished: Vec<UnfinishedRun>,
}

/// The machine that wrote the results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that the process may use.
    pub cores: usize,
    /// Operating system and architecture, e.g. `linux x86_64`.
    pub platform: String,
}

impl Machine {
    /// This one.
    pub fn this() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        }
    }
}

/// One network over all its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkResults {
    /// Its name.
    pub name: String,
    /// One line on what it is.
    pub description: String,
    /// Its specification as TOML.
    pub specification: String,
    /// Share of test samples classified rightly.
    pub test_accuracy: Estimate,
    /// Mean squared error over test samples and output units.
    pub test_loss: Estimate,
    /// Share of validation samples classified rightly at the end.
    pub validation_accuracy: Estimate,
    /// Training samples a second, validation not counted; of the runs that were trained in one go
    /// or since they were last resumed.
    pub samples_per_second: Option<Estimate>,
    /// Seconds of training of one run at that speed.
    pub seconds: Option<Estimate>,
    /// Metrics over training.
    pub curves: Vec<Curve>,
    /// Metrics of the trained network; none if it was not analysed.
    pub measures: Vec<Measure>,
    /// The runs, by seed.
    pub runs: Vec<RunResults>,
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResults {
    /// The seed.
    pub seed: u64,
    /// Its result.
    pub summary: Summary,
    /// Its metrics over training.
    pub records: Vec<SegmentRecord>,
    /// Metrics of the trained network.
    pub measurements: Vec<Measurement>,
    /// Everything that the analysis found; it is in the run's own folder in full.
    #[serde(skip)]
    pub analysis: Option<Analysis>,
}

impl RunResults {
    /// Seconds of training at the measured speed; unknown if the run was resumed after its last
    /// step.
    pub fn seconds(&self) -> Option<f64> {
        let speed = self.summary.samples_per_second;
        (speed > 0.0).then(|| self.summary.train_samples as f64 / speed)
    }
}

impl NetworkResults {
    /// The curve of a metric, if it was measured.
    pub fn curve(&self, split: &str, metric: &str) -> Option<&Curve> {
        let mut curves = self.curves.iter();
        curves.find(|curve| curve.split == split && curve.metric == metric)
    }

    /// A quantity of the trained network, if it was measured.
    pub fn measure(&self, quantity: Quantity, of: &str) -> Option<Estimate> {
        let mut measures = self.measures.iter();
        let found = measures.find(|it| it.quantity == quantity && it.of == of)?;
        Some(found.value)
    }
}

impl Results {
    /// Reads what the runs of a study have left behind; those that diverged, or have not come to
    /// their end, are named.
    ///
    /// # Errors
    ///
    /// If a file of a run cannot be understood.
    pub fn collect(study: &Study, command: String) -> Result<Self, RunError> {
        let mut networks = Vec::new();
        let diverged = study.diverged()?;
        for spec in &study.specs {
            let mut runs = Vec::new();
            for seed in 1..=study.plan.seeds {
                let Some((folder, summary)) = study.result(&spec.name, seed)? else {
                    continue;
                };
                let analysis = analysis(&folder)?;
                runs.push(RunResults {
                    seed,
                    summary,
                    records: run::records(&folder)?,
                    measurements: analysis.as_ref().map(measurements).unwrap_or_default(),
                    analysis,
                });
            }
            let Some(first) = runs.first() else { continue };
            let over = |value: &dyn Fn(&RunResults) -> Option<f64>| {
                let values: Vec<f64> = runs.iter().filter_map(value).collect();
                Estimate::of(&values)
            };
            let whole = |value: fn(&Summary) -> f64| {
                let single = Estimate {
                    mean: value(&first.summary),
                    sem: None,
                    count: 1,
                };
                over(&|run| Some(value(&run.summary))).unwrap_or(single)
            };
            networks.push(NetworkResults {
                name: spec.name.clone(),
                description: spec.description.clone(),
                specification: spec.to_toml()?,
                test_accuracy: whole(|it| it.test_accuracy),
                test_loss: whole(|it| it.test_loss),
                validation_accuracy: whole(|it| it.validation_accuracy),
                samples_per_second: over(&|run| {
                    Some(run.summary.samples_per_second).filter(|speed| *speed > 0.0)
                }),
                seconds: over(&RunResults::seconds),
                curves: Curve::all(runs.iter().map(|run| run.records.as_slice())),
                measures: measures(runs.iter().map(|run| run.measurements.as_slice())),
                runs,
            });
        }
        Ok(Self {
            plan: study.plan.clone(),
            command,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Machine::this(),
            networks,
            diverged,
            unfinished: study.unfinished()?,
        })
    }
}
