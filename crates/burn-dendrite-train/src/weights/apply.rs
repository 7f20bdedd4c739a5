//! Networks that start from the weights of another one.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use burn_dendrite_nn::{CellType, Network, ProjectionId, geometry::Geometry};

use super::{BIAS, HEARD, NamedArray, WEIGHT, weights};
use crate::run::{Pattern, Start};

/// Why a network cannot start from weights.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The file cannot be read or understood.
    #[error("`{}`: {message}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        message: String,
    },
    /// A pattern matches nothing of the network.
    #[error(
        "`--from-only {pattern}` matches nothing of the network; accepted: names of {names}, with `*` for any letters"
    )]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// What the network has.
        names: String,
    },
    /// What is to start from it is not in it.
    #[error(
        "`{}` has no `{name}`; accepted: weights for all of the network, or `--from-only` with the \
         names of those that are there",
        from.display()
    )]
    Missing {
        /// The run or file.
        from: PathBuf,
        /// The array.
        name: String,
    },
    /// An array has another shape.
    #[error("`{name}` of `{}` has the shape {found:?}; accepted: {wanted:?}", from.display())]
    Shape {
        /// The run or file.
        from: PathBuf,
        /// The array.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The network's.
        wanted: Vec<usize>,
    },
    /// Weights break the law of their projection.
    #[error(
        "`{name}` of `{}` has {count} values that {law}; accepted: what the specification allows",
        from.display()
    )]
    Unlawful {
        /// The run or file.
        from: PathBuf,
        /// The array.
        name: String,
        /// How many.
        count: usize,
        /// What they do.
        law: &'static str,
    },
}

/// The network with the weights and biases that start from others, which are `arrays`; tied weights
/// follow those that they are tied to.
///
/// # Errors
///
/// If something is missing, has another shape, or breaks Dale's law or has synapses where there are
/// none; nothing is altered without a word.
pub fn begin_with(
    network: Network,
    start: &Start,
    arrays: &[NamedArray],
    device: &Device,
) -> Result<Network, StartError> {
    Given { start, arrays }.apply(network, device)
}

/// A start, and the arrays that it gives.
struct Given<'a> {
    start: &'a Start,
    arrays: &'a [NamedArray],
}

impl Given<'_> {
    fn apply(&self, network: Network, device: &Device) -> Result<Network, StartError> {
        self.check_patterns(&network)?;
        let plan = network.plan().clone();
        let mut network = network;
        for (index, projection) in plan.projections.iter().enumerate() {
            let name = projection.name.to_string();
            if !projection.is_owned() || !self.start.takes(&name) {
                continue;
            }
            let site = &projection.site;
            let array = self.find(&format!("{name}.{WEIGHT}"), &[site.post, site.pre])?;
            self.check_signs(array, site.cell)?;
            if let Some(exists) = network.existing(ProjectionId(index)) {
                let exists = |place: usize| exists[place % site.pre * site.post + place / site.pre];
                self.refuse(array, "are where no synapse exists", |place, weight| {
                    weight != 0.0 && !exists(place)
                })?;
            }
            if let Geometry::ReceptiveFields(fields) = projection.wiring.geometry {
                let heard = self.find(&format!("{name}.{HEARD}"), &[site.post, site.pre])?;
                self.refuse(heard, "are no numbers of presynaptic neurons", |_, unit| {
                    unit.fract() != 0.0 || !(0.0..fields.seen() as f32).contains(&unit)
                })?;
                let heard = weights(heard, device).int();
                network = network.with_heard(ProjectionId(index), heard);
            }
            network = network.with_weight(ProjectionId(index), weights(array, device));
        }
        for (id, population) in plan.populations.iter() {
            let name = population.name.to_string();
            if population.bias.is_some() && self.start.takes(&name) {
                let array = self.find(&format!("{name}.{BIAS}"), &[population.biases()])?;
                network = network.with_bias(id, bias(array, device));
            }
        }
        Ok(network)
    }

    fn check_patterns(&self, network: &Network) -> Result<(), StartError> {
        let plan = network.plan();
        let projections = plan.projections.iter().filter(|it| it.is_owned());
        let biased = plan.populations.iter().filter(|(_, it)| it.bias.is_some());
        let names: Vec<String> = (projections.map(|it| it.name.to_string()))
            .chain(biased.map(|(_, it)| it.name.to_string()))
            .collect();
        let useless = |pattern: &&Pattern| !names.iter().any(|name| pattern.matches(name));
        match self.start.only.iter().find(useless) {
            None => Ok(()),
            Some(pattern) => Err(StartError::NoMatch {
                pattern: pattern.to_string(),
                names: names.join(", "),
            }),
        }
    }

    fn find(&self, name: &str, shape: &[usize]) -> Result<&NamedArray, StartError> {
        let array = self.arrays.iter().find(|array| array.name == name);
        let array = array.ok_or_else(|| StartError::Missing {
            from: self.start.from.clone(),
            name: name.to_owned(),
        })?;
        if array.shape == shape {
            self.refuse(array, "are no finite numbers", |_, weight| {
                !weight.is_finite()
            })
            .map(|()| array)
        } else {
            Err(StartError::Shape {
                from: self.start.from.clone(),
                name: name.to_owned(),
                found: array.shape.clone(),
                wanted: shape.to_vec(),
            })
        }
    }

    fn check_signs(&self, array: &NamedArray, cell: CellType) -> Result<(), StartError> {
        match cell {
            CellType::Unconstrained => Ok(()),
            CellType::Excitatory => {
                self.refuse(array, "are negative, from excitatory cells", |_, weight| {
                    weight < 0.0
                })
            }
            CellType::Inhibitory => {
                self.refuse(array, "are positive, from inhibitory cells", |_, weight| {
                    weight > 0.0
                })
            }
        }
    }

    fn refuse(
        &self,
        array: &NamedArray,
        law: &'static str,
        breaks: impl Fn(usize, f32) -> bool,
    ) -> Result<(), StartError> {
        let values = array.values.iter().enumerate();
        match values
            .filter(|(place, weight)| breaks(*place, **weight))
            .count()
        {
            0 => Ok(()),
            count => Err(StartError::Unlawful {
                from: self.start.from.clone(),
                name: array.name.clone(),
                count,
                law,
            }),
        }
    }
}

fn bias(array: &NamedArray, device: &Device) -> Tensor<1> {
    let data = TensorData::new(array.values.clone(), [array.shape[0]]);
    Tensor::from_data(data, device)
}
