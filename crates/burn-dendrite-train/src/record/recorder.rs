//! What is due in a step, and what was recorded since somebody last took it.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use burn::tensor::{Int, Tensor, TensorData, Transaction};
use burn_dendrite_nn::{Network, Parameter};
use burn_dendrite_optim::{HostTrainer, Trace};

use super::{Probes, Records};
use crate::probe::{Resolved, Source};

/// Keeps the records of some probes in memory until they are taken.
///
/// A [`PlasticNetwork`](crate::PlasticNetwork) that is [recorded](crate::PlasticNetwork::recorded_by)
/// by one fills it in its training steps. Of a probe with `last n` it never holds more than `n`
/// records.
#[derive(Debug)]
pub struct Recorder {
    probes: Probes,
    /// Of each probe, oldest first.
    series: Mutex<Vec<VecDeque<Record>>>,
}

/// What was recorded for one sample.
#[derive(Clone, Debug)]
struct Record {
    sample: usize,
    label: i64,
    values: Vec<f32>,
}

impl Recorder {
    /// A recorder without records.
    pub fn new(probes: Probes) -> Self {
        let series = probes.iter().map(|_| VecDeque::new()).collect();
        Self {
            probes,
            series: Mutex::new(series),
        }
    }

    /// What is recorded.
    pub fn probes(&self) -> &Probes {
        &self.probes
    }

    /// Takes all records, one entry for each probe; none are left.
    pub fn take(&self) -> Vec<Records> {
        self.take_before(usize::MAX)
    }

    /// Takes the records of samples with a number below `sample`.
    pub(super) fn take_before(&self, sample: usize) -> Vec<Records> {
        let mut series = self.series();
        let probes = self.probes.iter().zip(series.iter_mut());
        probes
            .map(|(resolved, series)| {
                let count = series.partition_point(|record| record.sample < sample);
                collect(resolved, series.drain(..count))
            })
            .collect()
    }

    /// The probes that are due in a training step on `rows` samples, of which the first is number
    /// `first` of the run; `None` where none is.
    pub(crate) fn begin(&self, first: usize, rows: usize) -> Option<Moment<'_>> {
        let is_due = |resolved: &&Resolved| {
            let every = resolved.probe.every;
            first.next_multiple_of(every) < first + rows
        };
        self.probes.iter().find(is_due)?;
        Some(Moment {
            recorder: self,
            first,
            rows,
            parameters: Vec::new(),
        })
    }

    fn series(&self) -> MutexGuard<'_, Vec<VecDeque<Record>>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn collect(resolved: &Resolved, series: impl Iterator<Item = Record>) -> Records {
    let mut records = Records {
        name: resolved.probe.array(),
        samples: Vec::new(),
        labels: Vec::new(),
        shape: resolved.shape.clone(),
        values: Vec::new(),
    };
    for record in series {
        records.samples.push(record.sample as i64);
        records.labels.push(record.label);
        records.values.extend(record.values);
    }
    records
}

/// A training step in which something is recorded.
pub(crate) struct Moment<'a> {
    recorder: &'a Recorder,
    first: usize,
    rows: usize,
    /// Of each probe of a parameter that is due, in their order.
    parameters: Vec<Vec<f32>>,
}

impl Moment<'_> {
    /// Records a step by burn's tensors: its trace, and the network before its update.
    pub(crate) fn keep(self, network: &Network, trace: &Trace, labels: &Tensor<1, Int>) {
        // All in one transaction: a device is waited for once.
        let mut transaction = Transaction::default().register(labels.clone());
        for resolved in self.due() {
            transaction = match resolved.source {
                Source::State(state, id) => {
                    let state = trace.state(state, id);
                    transaction.register(state.expect("the probe was resolved").clone())
                }
                Source::Parameter(Parameter::Weight(id)) => {
                    transaction.register(network.weight(id).without_autodiff())
                }
                Source::Parameter(Parameter::Bias(id)) => {
                    let bias = network.bias(id).expect("the probe was resolved");
                    transaction.register(bias.without_autodiff())
                }
            };
        }
        let mut data = transaction.execute().into_iter();
        let labels = data.next().map(integers).unwrap_or_default();
        self.push(&labels, |_| data.next().map(floats).unwrap_or_default());
    }

    /// Looks at the parameters before a step in memory.
    pub(crate) fn before(&mut self, trainer: &HostTrainer) {
        let parameters = self.due().filter_map(|resolved| match resolved.source {
            Source::Parameter(parameter) => Some(trainer.parameter(parameter)),
            Source::State(..) => None,
        });
        self.parameters = parameters.collect();
    }

    /// Records a step in memory that is done.
    pub(crate) fn after(mut self, trainer: &HostTrainer, labels: &[i64]) {
        let mut parameters = std::mem::take(&mut self.parameters).into_iter();
        self.push(labels, |source| match source {
            Source::State(state, id) => {
                let state = trainer.state(state, id);
                state.expect("the probe was resolved")
            }
            Source::Parameter(_) => parameters.next().unwrap_or_default(),
        });
    }

    fn due(&self) -> impl Iterator<Item = &Resolved> {
        let probes = self.recorder.probes.iter();
        probes.filter(|resolved| self.rows_of(resolved).next().is_some())
    }

    /// The rows of the step that a probe records.
    fn rows_of(&self, resolved: &Resolved) -> impl Iterator<Item = usize> + use<> {
        let every = resolved.probe.every;
        let before = self.first.next_multiple_of(every) - self.first;
        (before..self.rows).step_by(every)
    }

    /// Adds the records of the probes that are due, whose values `read` gives in their order: of all
    /// rows for a state, once for a parameter.
    fn push(&self, labels: &[i64], mut read: impl FnMut(Source) -> Vec<f32>) {
        let mut all = self.recorder.series();
        for (resolved, series) in self.recorder.probes.iter().zip(all.iter_mut()) {
            let mut rows = self.rows_of(resolved).peekable();
            if rows.peek().is_none() {
                continue;
            }
            let values = read(resolved.source);
            let size: usize = resolved.shape.iter().product();
            for row in rows {
                if resolved.probe.last == Some(series.len()) {
                    series.pop_front();
                }
                let values = match resolved.source {
                    Source::State(..) => &values[row * size..][..size],
                    Source::Parameter(_) => &values[..],
                };
                series.push_back(Record {
                    sample: self.first + row,
                    label: labels.get(row).copied().unwrap_or_default(),
                    values: values.to_vec(),
                });
            }
        }
    }
}

/// Values as `f32`, in row-major order.
fn floats(data: TensorData) -> Vec<f32> {
    let data = data.convert::<f32>();
    data.try_into_vec().expect("converted to f32")
}

/// Values as `i64`, in row-major order.
pub(crate) fn integers(data: TensorData) -> Vec<i64> {
    let data = data.convert::<i64>();
    data.try_into_vec().expect("converted to i64")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presets;

    fn recorder(probes: &[&str]) -> Recorder {
        let (plan, learning) = presets::load("mnist-dtp").unwrap().check().unwrap();
        let probes: Vec<_> = probes.iter().map(|text| text.parse().unwrap()).collect();
        Recorder::new(Probes::resolve(&probes, &plan, &learning).unwrap())
    }

    /// Steps on so many samples, in which a value is the row and a label the sample.
    fn steps(recorder: &Recorder, rows: &[usize]) {
        let mut first = 0;
        for rows in rows {
            if let Some(moment) = recorder.begin(first, *rows) {
                let labels: Vec<i64> = (first..first + rows).map(|it| it as i64).collect();
                moment.push(&labels, |source| match source {
                    Source::State(..) => (0..*rows).flat_map(|row| vec![row as f32; 10]).collect(),
                    Source::Parameter(_) => vec![first as f32; 500 * 10],
                });
            }
            first += rows;
        }
    }

    #[test]
    fn a_step_is_looked_at_only_where_something_is_due() {
        let recorder = recorder(&["Output.E: soma every 4", "Output.E: activity every 6"]);
        let due = |rows: usize| -> Vec<bool> {
            let starts = (0..12).step_by(rows);
            starts
                .map(|first| recorder.begin(first, rows).is_some())
                .collect()
        };
        let every = |step: usize| step.is_multiple_of(4) || step.is_multiple_of(6);
        assert_eq!(due(1), (0..12).map(every).collect::<Vec<_>>());
        assert_eq!(due(3), [true, true, true, false]);
        assert!(self::recorder(&[]).begin(0, 100).is_none());
    }

    #[test]
    fn each_row_that_is_due_gives_a_record() {
        let recorder = recorder(&["Output.E: soma every 2", "Output.E<-H2.E: weight every 5"]);
        steps(&recorder, &[3, 3, 1, 4]);
        let [soma, weight] = &recorder.take()[..] else {
            panic!("two probes")
        };
        assert_eq!(soma.samples, [0, 2, 4, 6, 8, 10]);
        assert_eq!(soma.labels, soma.samples);
        let rows: Vec<f32> = (0..6).map(|at| soma.record(at)[9]).collect();
        assert_eq!(rows, [0.0, 2.0, 1.0, 0.0, 1.0, 3.0]);
        assert_eq!(
            (&weight.samples[..], &weight.shape[..]),
            (&[0, 5, 10][..], &[500, 10][..])
        );
        let begun: Vec<f32> = (0..3).map(|at| weight.record(at)[0]).collect();
        assert_eq!(begun, [0.0, 3.0, 7.0]);
    }

    #[test]
    fn the_newest_are_kept_and_those_before_a_sample_taken() {
        let recorder = recorder(&["Output.E: soma last 3", "Output.E: activity every 3"]);
        let held = |index: usize| recorder.series()[index].len();
        steps(&recorder, &[8, 1]);
        assert_eq!((held(0), held(1)), (3, 3));
        let samples = |records: Vec<Records>| records.into_iter().map(|it| it.samples);
        let taken: Vec<_> = samples(recorder.take_before(7)).collect();
        assert_eq!(taken, [vec![6], vec![0, 3, 6]]);
        let taken: Vec<_> = samples(recorder.take()).collect();
        assert_eq!(taken, [vec![7, 8], vec![]]);
    }
}
