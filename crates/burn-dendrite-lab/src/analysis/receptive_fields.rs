//! Which inputs drive a unit, and how much spatial structure they have.

use burn::tensor::{Tensor, TensorData};
use burn_dendrite_nn::{Dynamics, Numbers, PopulationId};
use burn_dendrite_train::data::ImageShape;
use nalgebra::DMatrix;
use serde::{Deserialize, Serialize};

use super::{
    Context, Figure, MeanAndError, Measured, Report, Sheet,
    report::{cell, digits},
    statistics::mean,
    twin::is_excitatory,
};

/// Receptive fields of some units of each excitatory population, and their spatial structure.
///
/// The units are spread evenly over those that answer to some sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceptiveFields {
    /// Channels, rows and columns of a field; `None` where inputs are no images.
    pub shape: Option<[usize; 3]>,
    /// Every excitatory population but the input, if some unit answers to some sample.
    pub populations: Vec<PopulationFields>,
}

/// Receptive fields of one population.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PopulationFields {
    /// The population.
    pub population: String,
    /// Mean structure over the units where it is defined.
    pub structure: Option<MeanAndError>,
    /// The units.
    pub units: Vec<UnitField>,
}

/// The receptive field of one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitField {
    /// Its place in the population.
    pub unit: usize,
    /// |Moran's I| of the field, the mean over channels; `None` where inputs are no images or the
    /// field is flat.
    pub structure: Option<f64>,
    /// Mean change of activity for each change of an input, channel by channel, row by row.
    pub field: Vec<f32>,
}

/// Receptive fields: how the activity at the end of the forward phase answers to small changes of
/// each input, averaged over the inputs.
///
/// ```text
/// F_ui = ⟨ ∂r_u / ∂x_i ⟩        ⟨·⟩ mean over the inputs
/// ```
///
/// By autodiff through all settling steps. The tape ends in a backward pass, so nothing stays behind
/// in burn's graph.
///
/// # Shapes
///
/// - inputs: `[count, input size]`
/// - result: `[units, input size]`
///
/// # Panics
///
/// If there are no units or no inputs, or a unit is not in the population.
///
/// Source: Galloni et al. 2025 (`compute_maxact_receptive_fields` of EIANN, which averages the same
/// gradient over random images).
pub fn receptive_fields<N: Numbers<Rows = Tensor<2>>>(
    network: &N,
    population: PopulationId,
    units: &[usize],
    inputs: Tensor<2>,
) -> Tensor<2> {
    let inputs = inputs.without_autodiff();
    let [count, width] = inputs.dims();
    let size = network.plan().populations[population].size;
    let rows = units.len() * count;
    assert!(rows > 0, "a field needs a unit and an input");
    // Every unit gets its own copy of all inputs, so that one backward pass serves all of them.
    let mut chosen = vec![0.0_f32; rows * size];
    for (place, &unit) in units.iter().enumerate() {
        assert!(unit < size, "unit {unit} of {size}");
        for row in place * count..(place + 1) * count {
            chosen[row * size + unit] = 1.0;
        }
    }
    let device = inputs.device();
    let chosen = Tensor::<2>::from_data(TensorData::new(chosen, [rows, size]), &device);
    let inputs = Tensor::from_inner(inputs.repeat_dim(0, units.len())).require_grad();
    let state = network.settle(inputs.clone(), network.plan().steps, &mut ());
    let answers = state.activity[population].clone() * Tensor::from_inner(chosen);
    let gradients = answers.sum().backward();
    let gradient = inputs
        .grad(&gradients)
        .unwrap_or_else(|| Tensor::zeros([rows, width], &device));
    gradient
        .reshape([units.len(), count, width])
        .mean_dim(1)
        .squeeze_dim::<2>(1)
}

/// Moran's I of a plane of values with its 3 × 3 neighbourhoods: how alike neighbours are.
///
/// ```text
/// I = (N / W) Σ_i Σ_j w_ij (x_i − x̄)(x_j − x̄) / Σ_i (x_i − x̄)²        W = 8 N
/// ```
///
/// `w_ij` is 1 for the eight neighbours of a value and 0 for all others. As in the reference, `W` is
/// 8 N although values at the border have fewer neighbours: beyond the border lies the mean. Positive
/// where neighbours are alike, negative where they alternate, near 0 without structure. `None` where
/// all values are equal.
///
/// Source: Moran, *Notes on continuous stochastic phenomena*, Biometrika 37 (1950);
/// `compute_morans_I` of EIANN (Galloni et al. 2025).
pub fn morans_i(plane: &DMatrix<f64>) -> Option<f64> {
    let (rows, columns) = plane.shape();
    if plane.is_empty() || plane.iter().all(|value| *value == plane[0]) {
        return None;
    }
    let deviation = plane.add_scalar(-plane.mean());
    let mut products = 0.0;
    for row in 0..rows {
        for column in 0..columns {
            let height = row.saturating_sub(1)..(row + 2).min(rows);
            let width = column.saturating_sub(1)..(column + 2).min(columns);
            let around = deviation.view((height.start, width.start), (height.len(), width.len()));
            let own = deviation[(row, column)];
            products += own * (around.sum() - own);
        }
    }
    Some(products / (8.0 * deviation.norm_squared()))
}

/// |Moran's I| of a field, the mean over channels.
fn structure(field: &[f32], shape: ImageShape) -> Option<f64> {
    let size = shape.height * shape.width;
    let each: Vec<f64> = field
        .chunks(size)
        .filter_map(|channel| {
            let values = channel.iter().map(|value| f64::from(*value));
            let plane = DMatrix::from_row_iterator(shape.height, shape.width, values);
            morans_i(&plane).map(f64::abs)
        })
        .collect();
    mean(&each)
}

/// At most `count` of these, spread evenly.
fn spread(units: &[usize], count: usize) -> Vec<usize> {
    let count = count.min(units.len());
    (0..count)
        .map(|place| units[place * units.len() / count])
        .collect()
}

/// Rows that settle on one tape: more need more memory, fewer more time.
const ROWS: usize = 400;

impl Measured for ReceptiveFields {
    const COST: u64 = 30;

    fn measure(context: &Context<'_>) -> Option<Self> {
        let plan = context.network.plan();
        let shape = context.samples.shape();
        let (inputs, _) = context.first(context.options.field_samples);
        let count = inputs.dims()[0];
        if count == 0 {
            return None;
        }
        let wanted: Vec<_> = context
            .populations()
            .filter(|(id, _)| is_excitatory(plan, *id))
            .collect();
        let running = context.subject.conditions.on(context.network);
        let mut populations = Vec::new();
        for (done, (id, name)) in wanted.iter().enumerate() {
            let activity = &context.recording.activity[*id];
            let active: Vec<usize> = (0..activity.ncols())
                .filter(|unit| activity.column(*unit).iter().any(|value| *value != 0.0))
                .collect();
            let units = spread(&active, context.options.field_units);
            let mut fields: Vec<UnitField> = Vec::new();
            for chunk in units.chunks((ROWS / count).max(1)) {
                let values = receptive_fields(&running, *id, chunk, inputs.clone());
                let values: Vec<f32> = values.into_data().iter::<f32>().collect();
                let each = values.chunks(values.len() / chunk.len()).zip(chunk);
                fields.extend(each.map(|(field, &unit)| UnitField {
                    unit,
                    structure: shape.and_then(|shape| structure(field, shape)),
                    field: field.to_vec(),
                }));
                let share = fields.len() as f64 / units.len() as f64;
                (context.progress)((done as f64 + share) / wanted.len() as f64);
            }
            let structures: Vec<f64> = fields.iter().filter_map(|it| it.structure).collect();
            if !fields.is_empty() {
                populations.push(PopulationFields {
                    population: name.to_string(),
                    structure: MeanAndError::of(&structures),
                    units: fields,
                });
            }
        }
        (!populations.is_empty()).then(|| Self {
            shape: shape.map(|shape| [shape.channels, shape.height, shape.width]),
            populations,
        })
    }
}

impl Report for ReceptiveFields {
    fn figures(&self) -> Vec<Figure> {
        let figures = self.populations.iter().flat_map(|it| {
            let mean = digits(it.structure.map(|structure| structure.mean));
            let units = it.units.len().to_string();
            [
                Figure::population(&it.population, "field structure", mean),
                Figure::population(&it.population, "fields", units),
            ]
        });
        figures.collect()
    }

    fn sheet(&self) -> Option<Sheet> {
        let first = self.populations.first()?.units.first()?;
        let mut sheet = Sheet::new(["population", "unit", "structure"]);
        let inputs = (0..first.field.len()).map(|input| format!("input_{input}"));
        sheet.header.extend(inputs);
        for population in &self.populations {
            for unit in &population.units {
                let mut row = vec![
                    population.population.clone(),
                    unit.unit.to_string(),
                    cell(unit.structure),
                ];
                row.extend(unit.field.iter().map(f32::to_string));
                sheet.rows.push(row);
            }
        }
        Some(sheet)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::statistics::rows, *};
    use burn::tensor::{Device, Tolerance};
    use burn_dendrite_nn::NetworkSpec;

    fn close(plane: &DMatrix<f64>, expected: f64) {
        let found = morans_i(plane).unwrap();
        assert!((found - expected).abs() < 1e-12, "{found}, not {expected}");
    }

    #[test]
    fn morans_i_of_a_gradient() {
        // Deviations -1, 0, 1 in each row: Σ d² = 6; neighbours alike in the two outer columns only,
        // 4 pairs, each counted twice: 8 / (8 · 6).
        close(
            &rows([[4.0, 5.0, 6.0], [4.0, 5.0, 6.0], [4.0, 5.0, 6.0]]),
            1.0 / 6.0,
        );
    }

    #[test]
    fn morans_i_of_a_checkerboard() {
        // 4 × 4 of ±1: 24 pairs side by side with -1, 18 diagonal ones with 1, each counted twice:
        // -12 / (8 · 16).
        let board = DMatrix::from_fn(
            4,
            4,
            |row, column| if (row + column) % 2 == 0 { 1.0 } else { -1.0 },
        );
        close(&board, -0.09375);
    }

    #[test]
    fn morans_i_of_a_single_point() {
        // 3 × 3 with 9 in the middle: mean 1, middle 8, all others -1, Σ d² = 72. Products: middle
        // with eight neighbours -64 twice, side by side or diagonal among the others 12 pairs of 1
        // twice: (-128 + 24) / (8 · 72).
        let mut plane = DMatrix::zeros(3, 3);
        plane[(1, 1)] = 9.0;
        close(&plane, -104.0 / 576.0);
    }

    #[test]
    fn a_flat_plane_has_no_structure() {
        assert_eq!(morans_i(&DMatrix::from_element(3, 3, 2.0)), None);
        assert_eq!(
            structure(
                &[0.0; 4],
                ImageShape {
                    channels: 1,
                    height: 2,
                    width: 2
                }
            ),
            None
        );
    }

    #[test]
    fn the_field_of_a_linear_chain_by_hand() {
        // One step of 2: r = (W x) / tau with tau = 2, above threshold for the first input only.
        let network = r#"
            tau = 2.0
            steps = 1
            population = [
                { name = "Input.E", size = 2, cell = "excitatory" },
                { name = "H.E", size = 2, cell = "unconstrained" },
            ]
            projection = [{ name = "H.E<-Input.E", weight = { kind = "constant", value = 0.0 } }]
        "#;
        let spec: NetworkSpec = toml::from_str(network).unwrap();
        let device = Device::flex();
        let weight = Tensor::from_floats([[4.0, 1.0], [2.0, 3.0]], &device);
        let network = spec.init(0, &device).unwrap();
        let network = network.with_weight(burn_dendrite_nn::ProjectionId(0), weight);
        let inputs = Tensor::from_floats([[1.0, 1.0], [-1.0, 0.0]], &device);
        let fields = receptive_fields(&network, PopulationId(1), &[1, 0], inputs);
        // Gradients of unit 1: (1, 3) / 2, of unit 0: (4, 2) / 2, each for one input of the two.
        let expected = TensorData::from([[0.25_f32, 0.75], [1.0, 0.5]]);
        let fields = fields.into_data();
        fields.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-6));
    }

    #[test]
    fn units_are_spread_evenly() {
        assert_eq!(spread(&[1, 3, 5, 7], 2), [1, 5]);
        assert_eq!(spread(&[1, 3], 5), [1, 3]);
        assert_eq!(spread(&[], 5), [0_usize; 0]);
    }
}
