//! Vital signs as metrics of burn's.

use std::sync::Arc;

use burn::{
    tensor::TensorReadError,
    train::metric::{
        Metric, MetricAttributes, MetricMetadata, MetricName, Numeric, NumericAttributes,
        NumericEntry, SerializedEntry,
        state::{FormatOptions, NumericMetricState},
    },
};
use burn_dendrite_nn::Plan;

use super::{Vital, Vitals};

/// What a [`VitalMetric`] is computed from: nothing in a step that was not watched.
#[derive(Clone, Debug)]
pub struct VitalsInput(pub Option<Arc<Vitals>>);

/// One vital sign in burn's dashboard and log; its value for a segment is the mean over the samples
/// of the steps that were watched.
#[derive(Clone)]
pub struct VitalMetric {
    name: MetricName,
    /// Its place in [`Vital::all`].
    index: usize,
    state: NumericMetricState,
    /// Whether it was measured in the last step.
    is_fresh: bool,
    /// What the dashboard shows until the next measurement.
    shown: Option<String>,
}

impl VitalMetric {
    /// A metric for each vital sign of a network.
    pub fn all(plan: &Plan) -> Vec<(Vital, Self)> {
        let vitals = Vital::all(plan).into_iter().enumerate();
        vitals
            .map(|(index, vital)| {
                let metric = Self {
                    name: Arc::new(vital.name(plan)),
                    index,
                    state: NumericMetricState::default(),
                    is_fresh: false,
                    shown: None,
                };
                (vital, metric)
            })
            .collect()
    }

    fn format(&self) -> FormatOptions {
        FormatOptions::new(self.name()).precision(4)
    }
}

impl Metric for VitalMetric {
    type Input = VitalsInput;

    fn name(&self) -> MetricName {
        self.name.clone()
    }

    fn attributes(&self) -> MetricAttributes {
        NumericAttributes {
            unit: None,
            higher_is_better: false,
        }
        .into()
    }

    fn update(
        &mut self,
        input: &VitalsInput,
        _metadata: &MetricMetadata,
    ) -> Result<SerializedEntry, TensorReadError> {
        let measured = match &input.0 {
            Some(vitals) => vitals.get(self.index)?,
            None => None,
        };
        self.is_fresh = measured.is_some();
        if let Some((value, samples)) = measured {
            self.state.update(value, samples);
            let entry = self.state.compute_update(self.format());
            self.shown = Some(entry.formatted.clone());
            return Ok(entry);
        }
        let nothing = SerializedEntry::not_available(None);
        Ok(match &self.shown {
            Some(shown) => SerializedEntry::new(shown.clone(), nothing.serialized),
            None => nothing,
        })
    }

    fn compute(&mut self) -> Result<SerializedEntry, TensorReadError> {
        Ok(self.state.compute_final(self.format()))
    }

    fn clear(&mut self) {
        self.state.reset();
        self.is_fresh = false;
        self.shown = None;
    }
}

impl Numeric for VitalMetric {
    fn value(&self) -> Option<NumericEntry> {
        self.is_fresh.then(|| self.state.current_value())
    }

    fn running_value(&self) -> Option<NumericEntry> {
        self.is_fresh.then(|| self.state.running_value())
    }

    fn final_value(&self) -> NumericEntry {
        self.state.final_value()
    }
}
