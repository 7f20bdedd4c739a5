//! How a network came to be what it is: an analysis of every moment that is kept.

use std::collections::BTreeMap;

use burn_dendrite_train::data::SampleSet;
use serde::{Deserialize, Serialize};

use super::{
    AnalysisError, AnalysisOptions, Measurement, Quantity, Sheet, Subject, Trained, analyze,
    measurements,
};
use crate::plot::{Axis, LineChart, Point, Series};

/// What was measured at one moment of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasuredMoment {
    /// Training samples seen until then.
    pub samples: usize,
    /// What was measured.
    pub measurements: Vec<Measurement>,
}

/// Measures a network at its start, at every checkpoint that is kept, and at its end.
///
/// `progress` is told how much is done, from 0 to 1.
///
/// # Errors
///
/// Those of [`analyze`].
pub fn over_training(
    trained: &Trained,
    set: &SampleSet,
    options: &AnalysisOptions,
    progress: &mut dyn FnMut(f64),
) -> Result<Vec<MeasuredMoment>, AnalysisError> {
    let moments = trained.history.len() as f64;
    let measured = trained.history.iter().enumerate().map(|(index, moment)| {
        let subject = Subject {
            network: &moment.network,
            history: &trained.history[..=index],
            ..trained.subject()
        };
        let analysis = analyze(&subject, set, options, &mut |it| {
            progress((index as f64 + it.done) / moments);
        })?;
        Ok(MeasuredMoment {
            samples: moment.samples,
            measurements: measurements(&analysis),
        })
    });
    measured.collect()
}

/// All values: a row for each moment and measurement.
pub fn table_of(course: &[MeasuredMoment]) -> Sheet {
    let mut sheet = Sheet::new(["samples", "quantity", "of", "value"]);
    for moment in course {
        for it in &moment.measurements {
            sheet.push([&moment.samples, &it.quantity.name(), &it.of, &it.value]);
        }
    }
    sheet
}

/// A chart of each quantity, with a curve for each population or projection.
pub fn charts_of(course: &[MeasuredMoment]) -> Vec<(Quantity, LineChart)> {
    let mut charts: BTreeMap<Quantity, Vec<Series>> = BTreeMap::new();
    for moment in course {
        for it in &moment.measurements {
            let curves = charts.entry(it.quantity).or_default();
            let number = curves.len();
            let point = Point {
                x: moment.samples as f64,
                y: it.value,
                sem: None,
            };
            match curves.iter_mut().find(|curve| curve.name == it.of) {
                Some(curve) => curve.points.push(point),
                None => curves.push(Series {
                    name: it.of.clone(),
                    number,
                    points: vec![point],
                }),
            }
        }
    }
    let chart = |(quantity, series): (Quantity, Vec<Series>)| {
        let mut y = Axis::from_zero(quantity.label());
        y.high = quantity.is_angle().then_some(90.0);
        let chart = LineChart {
            title: "Over training".to_owned(),
            x: Axis::from_zero("training samples"),
            y,
            series,
        };
        (quantity, chart)
    };
    charts.into_iter().map(chart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(samples: usize, values: [f64; 2]) -> MeasuredMoment {
        let measured = ["H1.E", "H2.E"].into_iter().zip(values);
        let measurement = |(of, value): (&str, f64)| Measurement {
            quantity: Quantity::Sparsity,
            of: of.to_owned(),
            value,
        };
        MeasuredMoment {
            samples,
            measurements: measured.map(measurement).collect(),
        }
    }

    #[test]
    fn each_population_has_a_curve_and_each_value_a_row() {
        let course = [moment(0, [0.5, 0.25]), moment(100, [0.75, 0.5])];
        let rows = table_of(&course).rows;
        assert_eq!(rows[1], ["0", "sparsity", "H2.E", "0.25"]);
        assert_eq!(rows.len(), 4);
        let [(Quantity::Sparsity, chart)] = &charts_of(&course)[..] else {
            panic!("one chart of one quantity");
        };
        let curve = |index: usize| {
            let points = chart.series[index].points.iter();
            points.map(|it| (it.x, it.y)).collect::<Vec<_>>()
        };
        assert_eq!(curve(0), [(0.0, 0.5), (100.0, 0.75)]);
        assert_eq!(curve(1), [(0.0, 0.25), (100.0, 0.5)]);
    }
}
