//! Measuring vital signs from the trace of a step.

use std::sync::OnceLock;

use burn::tensor::{Tensor, TensorReadError};
use burn_dendrite_nn::{CellType, Network, PopulationId, WeightSource};
use burn_dendrite_optim::Trace;

use super::{Attention, Vital};

/// The vital signs of one step, or of a block of steps: of as many samples as the trace has rows.
///
/// The values are on the device, in one tensor, until somebody asks for the first of them.
#[derive(Debug)]
pub struct Vitals {
    /// The sums of all that was measured, and the weights that had to be measured.
    values: Tensor<1>,
    /// What was measured, in the order of [`Vital::all`].
    entries: Vec<Option<Entry>>,
    read: OnceLock<Vec<f64>>,
}

/// Where a vital sign is in the values.
#[derive(Clone, Copy, Debug)]
struct Entry {
    sum: usize,
    weight: Weight<usize>,
}

/// The number of samples that a mean is over.
#[derive(Clone, Copy, Debug)]
enum Weight<T> {
    Known(usize),
    Measured(T),
}

/// A sum over samples, `[1]`, and how many they are.
struct Measurement {
    sum: Tensor<1>,
    weight: Weight<Tensor<1>>,
}

impl Vitals {
    /// Measures the vital signs of `network` in a step that left `trace`.
    ///
    /// A function of its arguments alone: nothing is read from the device. With
    /// [`Attention::Vitals`] the weights are not looked at, so there are no
    /// [`DaleViolations`](Vital::DaleViolations); with [`Attention::Nothing`] nothing is measured.
    pub fn of(network: &Network, trace: &Trace, attention: Attention) -> Option<Self> {
        if attention == Attention::Nothing {
            return None;
        }
        let mut values = Vec::new();
        let mut keep = |value: Tensor<1>| {
            values.push(value);
            values.len() - 1
        };
        let entries = (Vital::all(network.plan()).into_iter())
            .map(|vital| {
                let measurement = vital.measure(network, trace, attention)?;
                Some(Entry {
                    sum: keep(measurement.sum),
                    weight: match measurement.weight {
                        Weight::Known(samples) => Weight::Known(samples),
                        Weight::Measured(samples) => Weight::Measured(keep(samples)),
                    },
                })
            })
            .collect();
        Some(Self {
            values: Tensor::cat(values, 0),
            entries,
            read: OnceLock::new(),
        })
    }

    /// The mean of the vital sign at `index` in [`Vital::all`], and the samples that it is over;
    /// `None` where it was not measured, or not of any sample.
    ///
    /// # Errors
    ///
    /// If the values cannot be read from the device.
    pub fn get(&self, index: usize) -> Result<Option<(f64, usize)>, TensorReadError> {
        let Some(Entry { sum, weight }) = self.entries.get(index).copied().flatten() else {
            return Ok(None);
        };
        let values = self.values()?;
        let samples = match weight {
            Weight::Known(samples) => samples,
            Weight::Measured(index) => values[index].round() as usize,
        };
        Ok((samples > 0).then(|| (values[sum] / samples as f64, samples)))
    }

    /// The values, read once.
    fn values(&self) -> Result<&[f64], TensorReadError> {
        if let Some(values) = self.read.get() {
            return Ok(values);
        }
        let data = self.values.clone().try_into_data()?;
        Ok(self.read.get_or_init(|| data.iter::<f64>().collect()))
    }

    /// Hands the device what there is still to compute.
    ///
    /// # Errors
    ///
    /// If the device refuses.
    pub(super) fn flush(&self) -> Result<(), burn_std::ExecutionError> {
        self.values.device().flush()
    }
}

impl Vital {
    fn measure(
        self,
        network: &Network,
        trace: &Trace,
        attention: Attention,
    ) -> Option<Measurement> {
        let plan = network.plan();
        let rows = trace.forward.activity[plan.input].dims()[0];
        let mean = |mean: Tensor<1>| Measurement {
            sum: mean * rows as f64,
            weight: Weight::Known(rows),
        };
        match self {
            Self::DendriticState { layer } => {
                let states = plan.layers[layer].iter().filter_map(|id| {
                    let state = trace.dendrite[*id].as_ref()?;
                    Some((state.clone().abs().sum(), state.dims()[1]))
                });
                weighted(states, rows).map(mean)
            }
            Self::UpdatedUnits => {
                let populations = plan.populations.iter();
                weighted(populations.filter_map(|(id, _)| updated(trace, id)), rows).map(mean)
            }
            Self::UpdatedUnitsOf(id) => weighted(updated(trace, id).into_iter(), rows).map(mean),
            Self::SettlingResidual => {
                let populations = plan.populations.iter().filter(|(id, _)| *id != plan.input);
                let changes = populations.map(|(id, _)| residual(trace, id)).collect();
                Some(mean(Tensor::cat(changes, 0).max()))
            }
            Self::Sparsity(id) => Some(sparsity(&trace.forward.activity[id])),
            Self::DaleViolations if attention == Attention::VitalsAndLaws => {
                let violations = dale_violations(network)?;
                Some(Measurement {
                    sum: violations,
                    weight: Weight::Known(1),
                })
            }
            Self::DaleViolations => None,
        }
    }
}

/// The sum over populations, divided by their samples and units; nothing without a population.
fn weighted(
    populations: impl Iterator<Item = (Tensor<1>, usize)>,
    rows: usize,
) -> Option<Tensor<1>> {
    let (sum, units) =
        populations.reduce(|(sum, units), (other, more)| (sum + other, units + more))?;
    Some(sum / (rows.max(1) * units) as f64)
}

/// The number of plateaus of a population, `[1]`, and of its units.
fn updated(trace: &Trace, id: PopulationId) -> Option<(Tensor<1>, usize)> {
    let plateau = trace.plateau[id].as_ref()?;
    let units = plateau.dims()[1];
    Some((plateau.clone().not_equal_elem(0.0).float().sum(), units))
}

/// The relative change of the mean activity in the last step, `[1]`.
fn residual(trace: &Trace, id: PopulationId) -> Tensor<1> {
    let now = trace.forward.activity[id].clone().abs().mean();
    let before = trace.forward.previous[id].clone().abs().mean();
    let larger = now.clone().max_pair(before.clone());
    (now - before).abs() / larger.clamp_min(f32::MIN_POSITIVE)
}

/// Vinje and Gallant's sparsity of each row of `[rows, units]`, summed over rows that are not silent.
fn sparsity(activity: &Tensor<2>) -> Measurement {
    let units = activity.dims()[1] as f64;
    let mean = activity.clone().mean_dim(1);
    let power = activity.clone().square().mean_dim(1);
    let silent = power.clone().equal_elem(0.0);
    let active = silent.clone().bool_not().float();
    let fraction = mean.square() / power.mask_fill(silent, 1.0);
    // Rounding leaves a little more than 1 where all units are alike.
    let sparsity = (fraction.clamp_max(1.0) - 1.0) * (-1.0 / (1.0 - 1.0 / units));
    Measurement {
        sum: (sparsity * active.clone()).sum(),
        weight: Weight::Measured(active.sum()),
    }
}

/// How many weights have the sign that their presynaptic cell must not have, `[1]`; nothing where no
/// cell is under the law.
fn dale_violations(network: &Network) -> Option<Tensor<1>> {
    let plan = network.plan();
    let owned = (plan.projections.iter().zip(&network.projections))
        .filter(|(projection, _)| matches!(projection.source, WeightSource::Own(_)));
    let counts = owned.filter_map(|(projection, parameters)| {
        let weight = parameters.weight.as_ref()?.val().without_autodiff();
        let wrong = match projection.site.cell {
            CellType::Excitatory => weight.lower_elem(0.0),
            CellType::Inhibitory => weight.greater_elem(0.0),
            CellType::Unconstrained => return None,
        };
        Some(wrong.float().sum())
    });
    counts.reduce(|sum, count| sum + count)
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use burn_dendrite_nn::{NetworkSpec, NetworkState, PerPopulation, ProjectionId};

    use super::*;

    /// An input, two excitatory units with a dendrite that two inhibitory ones reach, and an output.
    const SMALL: &str = r#"
        tau = 1.0
        steps = 2
        population = [
            { name = "Input.E", size = 1, cell = "excitatory" },
            { name = "H1.E", size = 2, cell = "excitatory" },
            { name = "H1.I", size = 2, cell = "inhibitory" },
            { name = "Output.E", size = 1, cell = "excitatory" },
        ]
        projection = [
            { name = "H1.E<-Input.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H1.I<-H1.E", weight = { kind = "constant", value = 1.0 } },
            { name = "H1.E<-H1.I", compartment = "dendrite", weight = { kind = "constant", value = -1.0 } },
            { name = "Output.E<-H1.E", weight = { kind = "constant", value = 1.0 } },
        ]
    "#;

    fn network() -> Network {
        let spec: NetworkSpec = toml::from_str(SMALL).unwrap();
        spec.init(0, &Device::flex()).unwrap()
    }

    /// A trace of two samples, written down.
    fn trace() -> Trace {
        let tensor = |values: &[f32]| {
            let columns = values.len() / 2;
            let flat = Tensor::<1>::from_floats(values, &Device::flex());
            flat.reshape([2, columns])
        };
        let activity: PerPopulation<Tensor<2>> = [
            tensor(&[1.0, 1.0]),
            // One unit alone, then both alike.
            tensor(&[4.0, 0.0, 1.0, 1.0]),
            // Silent, then 3 and 1.
            tensor(&[0.0, 0.0, 3.0, 1.0]),
            tensor(&[1.0, 1.0]),
        ]
        .into_iter()
        .collect();
        let mut previous = activity.clone();
        previous[PopulationId(1)] = tensor(&[2.0, 2.0, 1.0, 0.0]);
        let forward = NetworkState {
            soma: activity.clone(),
            activity,
            previous,
            past: Vec::new(),
        };
        let mut dendrite: PerPopulation<Option<Tensor<2>>> = (0..4).map(|_| None).collect();
        dendrite[PopulationId(1)] = Some(tensor(&[-0.5, 0.25, 0.0, 0.05]));
        let mut trace = Trace::forward_only(forward, dendrite);
        trace.plateau[PopulationId(1)] = Some(tensor(&[0.1, 0.0, -0.2, 0.3]));
        trace.plateau[PopulationId(3)] = Some(tensor(&[0.0, 0.0]));
        trace
    }

    fn value(network: &Network, attention: Attention, vital: Vital) -> Option<(f64, usize)> {
        let vitals = Vitals::of(network, &trace(), attention).unwrap();
        let all = Vital::all(network.plan());
        let index = all.iter().position(|it| *it == vital).unwrap();
        vitals.get(index).unwrap()
    }

    #[test]
    fn vital_signs_of_a_trace_calculated_by_hand() {
        let network = network();
        let check = |vital, expected: f64, samples| {
            let (value, over) = value(&network, Attention::Vitals, vital).unwrap();
            assert!((value - expected).abs() < 1e-6, "{vital:?}: {value}");
            assert_eq!(over, samples, "{vital:?}");
        };
        // (0.5 + 0.25 + 0 + 0.05) / 4
        check(Vital::DendriticState { layer: 1 }, 0.2, 2);
        // 3 of 4, 0 of 2, 3 of 6.
        check(Vital::UpdatedUnitsOf(PopulationId(1)), 0.75, 2);
        check(Vital::UpdatedUnitsOf(PopulationId(3)), 0.0, 2);
        check(Vital::UpdatedUnits, 0.5, 2);
        // Mean activity 6/4 after 5/4.
        check(Vital::SettlingResidual, 1.0 / 6.0, 2);
        // 1 for one unit alone, 0 for two alike.
        check(Vital::Sparsity(PopulationId(1)), 0.5, 2);
        // The silent sample does not count; (1 - 2² / 5) / (1 - 1/2).
        check(Vital::Sparsity(PopulationId(2)), 0.4, 1);
        assert_eq!(
            value(&network, Attention::Vitals, Vital::DaleViolations),
            None
        );
    }

    #[test]
    fn weights_against_the_law_are_counted() {
        let count = |network: &Network| {
            value(network, Attention::VitalsAndLaws, Vital::DaleViolations).unwrap()
        };
        let network = network();
        assert_eq!(count(&network), (0.0, 1));
        let device = Device::flex();
        let (one, two) = ([[-1.0, 1.0]], [[-1.0, 2.0], [3.0, 0.0]]);
        let network = network
            .with_weight(ProjectionId(0), Tensor::from_floats(one, &device))
            .with_weight(ProjectionId(2), Tensor::from_floats(two, &device));
        assert_eq!(count(&network), (3.0, 1));
    }

    #[test]
    fn nothing_is_measured_unless_asked_for() {
        assert!(Vitals::of(&network(), &trace(), Attention::Nothing).is_none());
    }
}
