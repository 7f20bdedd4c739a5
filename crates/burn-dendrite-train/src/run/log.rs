//! Metrics as JSON lines, one per segment and split.

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use burn::train::{
    logger::MetricLogger,
    metric::{
        MetricDefinition, MetricId, NumericEntry,
        store::{EpochSummary, MetricsUpdate, Split},
    },
};
use serde::{Deserialize, Serialize};

use super::RunError;
use crate::health::Health;

/// One line of `metrics.jsonl`: the means over one segment of training, or over one validation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentRecord {
    /// Number of the segment, from 1.
    pub segment: usize,
    /// `train` or `valid`.
    pub split: String,
    /// Training samples seen since the start of the run.
    pub samples: usize,
    /// Mean of each metric, by its name; accuracies in percent, as burn gives them.
    pub metrics: BTreeMap<String, f64>,
}

/// What a finished segment tells somebody who waits.
pub type Progress = Arc<dyn Fn(&SegmentRecord) + Send + Sync>;

/// burn's metric logger that writes [`SegmentRecord`]s.
///
/// Values of single steps are averaged and not written: at batch 1 there would be as many lines as
/// samples.
pub struct JsonLinesLogger {
    file: File,
    path: PathBuf,
    names: HashMap<MetricId, String>,
    current: BTreeMap<String, Mean>,
    history: Vec<SegmentRecord>,
    /// Training samples before the end of each segment.
    samples: Box<dyn Fn(usize) -> usize + Send>,
    progress: Progress,
    health: Option<Arc<Health>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    count: usize,
    finished: Option<f64>,
}

impl Mean {
    fn add(&mut self, entry: &NumericEntry) {
        // A step that went wrong is no part of a mean, and JSON has no word for it.
        if !entry.current().is_finite() {
            return;
        }
        match *entry {
            NumericEntry::Value(value) => {
                self.sum += value;
                self.count += 1;
            }
            NumericEntry::Aggregated {
                aggregated_value,
                count,
            } => {
                self.sum += aggregated_value * count as f64;
                self.count += count;
            }
            NumericEntry::Final(value) => self.finished = Some(value),
        }
    }

    /// Nothing where nothing was measured, or where the measure is beyond all bounds, for which
    /// JSON has no number.
    fn value(self) -> Option<f64> {
        self.finished
            .or((self.count > 0).then(|| self.sum / self.count as f64))
            .filter(|value| value.is_finite())
    }
}

impl JsonLinesLogger {
    /// Opens the log at `path` for the segments after `finished`; lines of later segments, and a
    /// last line that was cut off, come from a run that did not reach its next checkpoint and are
    /// removed.
    ///
    /// `samples` gives the training samples before the end of a segment counted from 1.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or written.
    pub fn open(
        path: &Path,
        finished: usize,
        samples: impl Fn(usize) -> usize + Send + 'static,
        progress: Progress,
    ) -> Result<Self, RunError> {
        let wrong = |error: io::Error| RunError::Io {
            file: path.to_owned(),
            error,
        };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other.map_err(wrong)?,
        };
        let history: Vec<SegmentRecord> = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|record: &SegmentRecord| record.segment <= finished)
            .collect();
        let kept: String = history.iter().map(line).collect();
        super::write_atomically(path, kept.as_bytes())?;
        let file = File::options().append(true).open(path).map_err(wrong)?;
        Ok(Self {
            file,
            path: path.to_owned(),
            names: HashMap::new(),
            current: BTreeMap::new(),
            history,
            samples: Box::new(samples),
            progress,
            health: None,
        })
    }

    /// The same, telling the losses of training steps to somebody who looks on.
    pub(crate) fn watched_by(mut self, health: Arc<Health>) -> Self {
        self.health = Some(health);
        self
    }
}

fn line(record: &SegmentRecord) -> String {
    // Names and numbers always have a JSON form.
    serde_json::to_string(record)
        .map(|line| line + "\n")
        .unwrap_or_default()
}

impl MetricLogger for JsonLinesLogger {
    fn log(&mut self, update: MetricsUpdate, _epoch: usize, split: &Split) {
        for numeric in &update.entries_numeric {
            let Some(name) = self.names.get(&numeric.entry.metric_id) else {
                continue;
            };
            if let Some(entry) = &numeric.numeric_entry {
                if let (Some(health), Split::Train, "Loss") = (&self.health, split, name.as_str()) {
                    health.loss(entry.current());
                }
                self.current.entry(name.clone()).or_default().add(entry);
            }
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let split = split.to_string();
        let matching = self
            .history
            .iter()
            .filter(|it| it.segment == epoch && it.split == split);
        Ok(matching
            .filter_map(|record| record.metrics.get(name))
            .map(|value| NumericEntry::Value(*value))
            .collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        let means = std::mem::take(&mut self.current);
        let record = SegmentRecord {
            segment: summary.epoch_number,
            split: summary.split.to_string(),
            samples: (self.samples)(summary.epoch_number),
            metrics: means
                .into_iter()
                .filter_map(|(name, mean)| mean.value().map(|value| (name, value)))
                .collect(),
        };
        // One call a line: a process that dies leaves whole lines, or one that is cut off.
        if let Err(error) = self.file.write_all(line(&record).as_bytes()) {
            let error = format!("`{}`: {error}", self.path.display());
            match &self.health {
                // No checkpoint may follow without its lines: a resumed run would lack them.
                Some(health) => health.fail(error),
                None => eprintln!("warning: {error}"),
            }
        }
        (self.progress)(&record);
        if let (Some(health), Split::Valid) = (&self.health, &summary.split) {
            for warning in health.end_of_segment(summary.epoch_number) {
                eprintln!("warning: {warning}");
            }
        }
        self.history.push(record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(segment: usize, split: &str) -> SegmentRecord {
        let metrics = BTreeMap::from([("Loss".to_owned(), 0.5)]);
        SegmentRecord {
            segment,
            split: split.to_owned(),
            samples: segment * 10,
            metrics,
        }
    }

    #[test]
    fn lines_after_the_checkpoint_and_half_a_line_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut text: String = [record(1, "train"), record(1, "valid"), record(2, "train")]
            .iter()
            .map(line)
            .collect();
        text.push_str("{\"segment\":1,\"spl");
        fs::write(&path, text).unwrap();
        let mut log =
            JsonLinesLogger::open(&path, 1, |segment| segment * 10, Arc::new(|_| ())).unwrap();
        let values = log.read_numeric("Loss", 1, &Split::Valid).unwrap();
        assert_eq!(values.len(), 1);
        assert!(
            log.read_numeric("Loss", 2, &Split::Train)
                .unwrap()
                .is_empty()
        );
        let kept = fs::read_to_string(&path).unwrap();
        assert_eq!(kept.lines().count(), 2);
    }

    #[test]
    fn means_weigh_batches_by_their_size() {
        let mut mean = Mean::default();
        mean.add(&NumericEntry::Aggregated {
            aggregated_value: 1.0,
            count: 3,
        });
        mean.add(&NumericEntry::Aggregated {
            aggregated_value: 0.0,
            count: 1,
        });
        assert_eq!(mean.value(), Some(0.75));
    }
}
