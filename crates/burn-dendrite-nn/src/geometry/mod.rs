//! How the synapses of a projection lie, with every size known.
//!
//! A projection is a linear map from the activities of one population to the drives of another; this is
//! the only place that knows how its weights are laid out. Pooling is part of that map: whoever hears pools
//! hears sums or means over squares, and what comes back along the same path, transposed, goes to every unit
//! of a pool.

mod balance;
mod convolution;
mod local;
mod pool;
mod receptive_fields;
mod tensors;
#[cfg(test)]
mod tests;

pub(crate) use balance::balanced;
pub use convolution::Convolution;
pub use local::Local;
pub use pool::Pool;
pub use receptive_fields::ReceptiveFields;
pub(crate) use tensors::{
    Synapses, drive, drive_back, drives_back, keep_existing, outer, sum_places,
};

/// The way from the presynaptic units to the weights, and on to the postsynaptic ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wiring {
    /// Pools whose sums or means come to the weights.
    pub hears: Option<Pool>,
    /// Where the weights apply.
    pub geometry: Geometry,
    /// Pools to all of whose units goes what comes from the weights.
    pub reaches: Option<Pool>,
}

/// Where the weights of a projection apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Geometry {
    /// Everywhere: `[pre, post]`.
    #[default]
    Dense,
    /// At every place alike: `[maps · kernel · kernel, maps]`.
    Convolution(Convolution),
    /// At every place others: `[maps · kernel · kernel, units]`.
    Local(Local),
    /// Within windows at random places: `[maps · size · size, units]`.
    ReceptiveFields(ReceptiveFields),
}

impl Wiring {
    /// True where a drive is a product with the matrix of weights and nothing else.
    pub fn is_dense(&self) -> bool {
        *self == Self::default()
    }

    /// How many values are drawn for weights `[rows, columns]` when they start: of windows at random places as many
    /// as the reference draws, for every pair of units.
    pub(crate) fn drawn(&self, [rows, columns]: [usize; 2]) -> [usize; 2] {
        match &self.geometry {
            Geometry::ReceptiveFields(fields) => [fields.seen(), columns],
            Geometry::Dense | Geometry::Convolution(_) | Geometry::Local(_) => [rows, columns],
        }
    }

    /// How many synapses with weights `[rows, columns]` exist.
    pub fn synapses(&self, [rows, columns]: [usize; 2]) -> usize {
        match &self.geometry {
            Geometry::Dense | Geometry::Convolution(_) | Geometry::ReceptiveFields(_) => {
                rows * columns
            }
            Geometry::Local(local) => local.synapses(),
        }
    }
}
