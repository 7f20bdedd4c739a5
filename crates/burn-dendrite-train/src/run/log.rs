//! Metrics as JSON lines, one per segment and split.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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
use burn_dendrite_nn::PopulationName;
use serde::{Deserialize, Serialize};

use super::{Halt, Position, RunError, means::Means};
use crate::{health::Health, output};

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
    /// Of a validation, the populations of which no unit was active for any sample.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub silent: Vec<PopulationName>,
}

/// The records of a log; a last line that was cut off is left out.
///
/// # Errors
///
/// If the file cannot be read, or any other line is no record.
pub(super) fn read(path: &Path) -> Result<Vec<SegmentRecord>, RunError> {
    let text = fs::read_to_string(path).map_err(|error| RunError::Io {
        file: path.to_owned(),
        error,
    })?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let lines = whole.lines().zip(1..);
    let record = |(line, number): (&str, usize)| {
        serde_json::from_str(line).map_err(|error| RunError::Invalid {
            file: path.to_owned(),
            message: format!("line {number} is no record of a run: {error}"),
        })
    };
    lines.map(record).collect()
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
    /// What was measured so far in the split under way.
    current: Means,
    /// What was measured in the training of the segment under way.
    trained: Means,
    /// The loss of each validation, by its segment: all that is ever asked for again.
    losses: BTreeMap<usize, f64>,
    /// Populations that were silent in some validation before.
    silent: BTreeSet<PopulationName>,
    /// Training samples before the end of each segment.
    samples: Box<dyn Fn(usize) -> usize + Send>,
    progress: Progress,
    health: Option<Arc<Health>>,
    halt: Option<Arc<Halt>>,
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
    /// If the file cannot be read or written, or holds a line that is no record.
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
        let mut history = match read(path) {
            Err(RunError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                Vec::new()
            }
            other => other?,
        };
        history.retain(|record| record.segment <= finished);
        let kept: String = history.iter().map(line).collect();
        super::write_atomically(path, kept.as_bytes())?;
        let file = File::options().append(true).open(path).map_err(wrong)?;
        let silent = history.iter().flat_map(|record| record.silent.clone());
        Ok(Self {
            file,
            path: path.to_owned(),
            names: HashMap::new(),
            current: Means::default(),
            trained: Means::default(),
            losses: history.iter().filter_map(validation_loss).collect(),
            silent: silent.collect(),
            samples: Box::new(samples),
            progress,
            health: None,
            halt: None,
        })
    }

    /// The same for a segment that goes on where it was cut off, after which this had been measured.
    pub(crate) fn going_on_with(mut self, means: Means) -> Self {
        self.current = means;
        self
    }

    /// The same for a training that may be cut off, which leaves no lines for its last segment.
    pub(crate) fn cut_by(mut self, halt: Arc<Halt>) -> Self {
        self.halt = Some(halt);
        self
    }

    /// The same, telling the losses of training steps to somebody who looks on.
    pub(crate) fn watched_by(mut self, health: Arc<Health>) -> Self {
        health.has_told(self.silent.iter().cloned());
        self.health = Some(health);
        self
    }
}

/// The metric that training early stops by.
const LOSS: &str = "Loss";

/// The segment of a validation and its loss, if this is one.
fn validation_loss(record: &SegmentRecord) -> Option<(usize, f64)> {
    let loss = record.metrics.get(LOSS).copied();
    loss.filter(|_| record.split == Split::Valid.to_string())
        .map(|loss| (record.segment, loss))
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
                let is_step = !matches!(entry, NumericEntry::Final(_));
                if let (Some(health), Split::Train, LOSS, true) =
                    (&self.health, split, name.as_str(), is_step)
                {
                    health.loss(entry.current());
                }
                self.current.add(name, entry);
            }
        }
    }

    fn read_numeric(
        &mut self,
        name: &str,
        epoch: usize,
        split: &Split,
    ) -> Result<Vec<NumericEntry>, String> {
        let loss = self.losses.get(&epoch);
        let loss = loss.filter(|_| name == LOSS && *split == Split::Valid);
        Ok(loss
            .map(|loss| NumericEntry::Value(*loss))
            .into_iter()
            .collect())
    }

    fn log_metric_definition(&mut self, definition: MetricDefinition) {
        self.names
            .insert(definition.metric_id, definition.name.to_string());
    }

    fn log_epoch_summary(&mut self, summary: EpochSummary) {
        let means = std::mem::take(&mut self.current);
        if summary.split == Split::Train {
            self.trained = means.clone();
        }
        let epoch = summary.epoch_number;
        let is_cut = |halt: &&Arc<Halt>| halt.position_after(epoch) != Position::after(epoch);
        if let Some(halt) = self.halt.as_ref().filter(is_cut) {
            halt.keep_means(self.trained.clone());
            return;
        }
        let record = SegmentRecord {
            segment: summary.epoch_number,
            split: summary.split.to_string(),
            samples: (self.samples)(summary.epoch_number),
            metrics: means.values(),
            silent: match (&self.health, &summary.split) {
                (Some(health), Split::Valid) => health.silent(),
                _ => Vec::new(),
            },
        };
        // One call a line: a process that dies leaves whole lines, or one that is cut off.
        if let Err(error) = self.file.write_all(line(&record).as_bytes()) {
            let error = format!("`{}`: {error}", self.path.display());
            match &self.health {
                // No checkpoint may follow without its lines: a resumed run would lack them.
                Some(health) => health.fail(error),
                None => output::say(format!("warning: {error}")),
            }
        }
        (self.progress)(&record);
        if let (Some(health), Split::Valid) = (&self.health, &summary.split) {
            for warning in health.end_of_segment(summary.epoch_number) {
                output::say(format!("warning: {warning}"));
            }
        }
        self.losses.extend(validation_loss(&record));
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
            silent: Vec::new(),
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
    fn a_damaged_line_is_named_and_nothing_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let [one, two] = [record(1, "train"), record(1, "valid")].map(|it| line(&it));
        let text = format!("{one}{}\n{two}", &two[..two.len() / 2]);
        fs::write(&path, &text).unwrap();
        let read = read(&path).unwrap_err().to_string();
        assert!(
            read.contains("metrics.jsonl`: line 2 is no record of a run"),
            "{read}"
        );
        let samples = |segment| segment * 10;
        let open = JsonLinesLogger::open(&path, 1, samples, Arc::new(|_| ())).err();
        assert_eq!(open.unwrap().to_string(), read);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
