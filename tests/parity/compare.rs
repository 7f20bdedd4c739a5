//! Comparing arrays with recorded ones, and saying what differs.

use burn::tensor::Tensor;
use burn_dendrite::nn::{Plan, PopulationId};

use crate::fixture::{Matrix, Rows};

/// How many mismatches a message spells out.
const SHOWN: usize = 8;

/// All comparisons of one pass over a fixture.
pub(crate) struct Comparison {
    pass: &'static str,
    tolerance: f64,
    compared: usize,
    mismatches: usize,
    shown: Vec<String>,
    /// The largest relative error within tolerance, and where.
    largest: (f64, String),
}

impl Comparison {
    /// A value `v` of an array may be missed by `tolerance · (|v| + max |array|)`.
    pub(crate) fn new(pass: &'static str, tolerance: f64) -> Self {
        let largest = (0.0, String::new());
        Self {
            pass,
            tolerance,
            compared: 0,
            mismatches: 0,
            shown: Vec::new(),
            largest,
        }
    }

    /// Compares an array `[rows, columns]` with the recorded one.
    pub(crate) fn array(&mut self, place: &str, measured: Tensor<2>, recorded: &[Vec<f32>]) {
        let [rows, columns] = measured.dims();
        if rows != recorded.len() || recorded.iter().any(|row| row.len() != columns) {
            let recorded = [recorded.len(), recorded.first().map_or(0, Vec::len)];
            return self.fault(
                place,
                &format!("shape {:?}, recorded {recorded:?}", [rows, columns]),
            );
        }
        let measured: Vec<f64> = measured.into_data().iter::<f64>().collect();
        let recorded: Vec<f64> = recorded
            .iter()
            .flatten()
            .map(|value| f64::from(*value))
            .collect();
        let scale = recorded
            .iter()
            .fold(0.0, |scale: f64, value| scale.max(value.abs()));
        for (index, (&measured, &recorded)) in measured.iter().zip(&recorded).enumerate() {
            self.compared += 1;
            let difference = (measured - recorded).abs();
            let unit = recorded.abs() + scale;
            let allowed = self.tolerance * unit;
            let position = match rows {
                1 => index.to_string(),
                _ => format!("{}, {}", index / columns, index % columns),
            };
            // Written so that a difference of NaN is a mismatch.
            if difference <= allowed {
                if difference > self.largest.0 * unit {
                    self.largest = (difference / unit, format!("{place} [{position}]"));
                }
                continue;
            }
            let values = format!(
                "{measured:e}, recorded {recorded:e}: differs by {difference:.2e}, allowed \
                 {allowed:.2e}"
            );
            self.fault(&format!("{place} [{position}]"), &values);
        }
    }

    /// Compares a row for each population that has the quantity; others must have none recorded.
    pub(crate) fn rows(
        &mut self,
        place: &str,
        plan: &Plan,
        measured: impl Fn(PopulationId) -> Option<Tensor<2>>,
        recorded: &Rows,
    ) {
        for (id, population) in plan.populations.iter() {
            let place = format!("{place} of {}", population.name);
            match (measured(id), recorded.get(&population.name)) {
                (Some(measured), Some(recorded)) => {
                    self.array(&place, measured, std::slice::from_ref(recorded));
                }
                (None, None) => {}
                (Some(_), None) => self.fault(&place, "exists, but none is recorded"),
                (None, Some(_)) => self.fault(&place, "is recorded, but there is none"),
            }
        }
    }

    /// Notes a mismatch.
    pub(crate) fn fault(&mut self, place: &str, what: &str) {
        self.mismatches += 1;
        if self.shown.len() < SHOWN {
            self.shown.push(format!("{}, {place}: {what}", self.pass));
        }
    }

    /// The largest relative error among the values within tolerance, in a few words.
    pub(crate) fn summary(&self) -> String {
        let largest = match &self.largest {
            (0.0, _) => "all equal".to_owned(),
            (error, place) => format!("{error:.1e} at {place}"),
        };
        format!("{}, {} values: {largest}", self.pass, self.compared)
    }

    /// What differs, first mismatches first; `None` where nothing does.
    pub(crate) fn failure(&self) -> Option<String> {
        if self.mismatches == 0 {
            return None;
        }
        let more = match self.mismatches - self.shown.len() {
            0 => String::new(),
            more => format!("\n  and {more} more"),
        };
        let (mismatches, compared) = (self.mismatches, self.compared);
        Some(format!(
            "{}: {mismatches} mismatches among {compared} values\n  {}{more}",
            self.pass,
            self.shown.join("\n  ")
        ))
    }
}

/// The values of a tensor `[rows, columns]`.
pub(crate) fn values(tensor: Tensor<2>) -> Matrix {
    let columns = tensor.dims()[1];
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    values.chunks(columns).map(<[f32]>::to_vec).collect()
}
