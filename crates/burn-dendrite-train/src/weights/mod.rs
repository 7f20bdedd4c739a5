//! The weights of a network by their names, for other programs and for other networks.
//!
//! | name | shape | what |
//! |---|---|---|
//! | `H1.E<-Input.E.weight` | `[post, pre]` | weights of a projection: a row for each neuron that receives, as PyTorch's `Linear` has them; a tied one's computed from their source |
//! | `H1.E<-Input.E.mask` | `[post, pre]` | 1 where a synapse exists, 0 where not; none where all do |
//! | `H1.E<-Input.E.heard` | `[post, synapses]` | of receptive fields the number of the presynaptic neuron that each weight comes from |
//! | `H1.E.bias` | `[size]` | constant drive of each neuron, if there is one |
//! | `H1.E.sign` | `[size]` | 1 for excitatory neurons, −1 for inhibitory ones, 0 for those without a law |

mod apply;
mod file;

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite_nn::{CellType, Network, ProjectionId};

pub use apply::{StartError, begin_with};
pub use file::{WeightsFormat, read, write};

/// An array of numbers with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// What it is called.
    pub name: String,
    /// Its sizes; rows first.
    pub shape: Vec<usize>,
    /// Its values, row after row.
    pub values: Vec<f32>,
}

const WEIGHT: &str = "weight";
const MASK: &str = "mask";
const HEARD: &str = "heard";
const BIAS: &str = "bias";
const SIGN: &str = "sign";

fn array<const D: usize>(name: String, tensor: Tensor<D>) -> NamedArray {
    let data = tensor.into_data();
    NamedArray {
        name,
        shape: data.shape().to_vec(),
        values: data.iter::<f32>().collect(),
    }
}

/// Every array of a network, populations first, in the order of its plan.
pub fn arrays(network: &Network) -> Vec<NamedArray> {
    let plan = network.plan();
    let mut arrays = Vec::new();
    for (id, population) in plan.populations.iter() {
        let sign = match population.cell {
            CellType::Excitatory => 1.0,
            CellType::Inhibitory => -1.0,
            CellType::Unconstrained => 0.0,
        };
        arrays.push(NamedArray {
            name: format!("{}.{SIGN}", population.name),
            shape: vec![population.size],
            values: vec![sign; population.size],
        });
        let bias = network.bias(id);
        arrays.extend(bias.map(|bias| array(format!("{}.{BIAS}", population.name), bias)));
    }
    for (index, projection) in plan.projections.iter().enumerate() {
        let weight = network.weight(ProjectionId(index)).transpose();
        arrays.push(array(format!("{}.{WEIGHT}", projection.name), weight));
        if let Some(heard) = network
            .heard(ProjectionId(index))
            .filter(|_| projection.is_owned())
        {
            let heard = heard.transpose().float();
            arrays.push(array(format!("{}.{HEARD}", projection.name), heard));
        }
        if let Some(exists) = network.existing(ProjectionId(index)) {
            let (pre, post) = (projection.site.pre, projection.site.post);
            let by_unit = (0..post).flat_map(|unit| (0..pre).map(move |at| at * post + unit));
            arrays.push(NamedArray {
                name: format!("{}.{MASK}", projection.name),
                shape: vec![post, pre],
                values: by_unit.map(|at| f32::from(u8::from(exists[at]))).collect(),
            });
        }
    }
    arrays
}

/// A matrix `[post, pre]` as weights `[pre, post]` on a device.
fn weights(array: &NamedArray, device: &Device) -> Tensor<2> {
    let [post, pre] = [array.shape[0], array.shape[1]];
    // In the layout [pre, post] themselves, not as a view of the other one.
    let column = |pre_unit| (0..post).map(move |post_unit| post_unit * pre + pre_unit);
    let places = (0..pre).flat_map(column);
    let values: Vec<f32> = places.map(|place| array.values[place]).collect();
    Tensor::from_data(TensorData::new(values, [pre, post]), device)
}
