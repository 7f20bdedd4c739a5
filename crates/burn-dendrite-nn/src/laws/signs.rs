//! Which cells excite and which inhibit.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::CellType;

/// The cell type of each unit of a layer, in order.
///
/// Dale's law is about neurons: all outgoing weights of a cell have its sign, in every layer that
/// hears it. Layers of this crate say the signs of their output cells and take those of their
/// inputs, so that a cell that excites in one place excites everywhere.
///
/// ```
/// use burn_dendrite_nn::{CellType, Signs};
///
/// let signs = Signs::excitatory(3).then(Signs::inhibitory(1));
/// assert_eq!(signs, Signs::excitatory_first(4, 0.25));
/// assert_eq!((signs.len(), signs.num_inhibitory()), (4, 1));
/// let any = [CellType::Inhibitory, CellType::Excitatory].into_iter().collect::<Signs>();
/// assert_eq!(any.values(), [-1, 1]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signs(Vec<CellType>);

impl Signs {
    /// Cells that excite.
    pub fn excitatory(size: usize) -> Self {
        Self(vec![CellType::Excitatory; size])
    }

    /// Cells that inhibit.
    pub fn inhibitory(size: usize) -> Self {
        Self(vec![CellType::Inhibitory; size])
    }

    /// `size` cells of which the last `size · fraction`, rounded, inhibit. Below a fraction of 1 at least one excites:
    /// behind cells that all inhibit nothing is active.
    ///
    /// # Panics
    ///
    /// If `fraction` is not between 0 and 1.
    pub fn excitatory_first(size: usize, fraction: f64) -> Self {
        assert!(
            (0.0..=1.0).contains(&fraction),
            "the inhibitory fraction is {fraction}; accepted: 0 to 1"
        );
        let most = if fraction < 1.0 {
            size.saturating_sub(1)
        } else {
            size
        };
        let inhibitory = ((size as f64 * fraction).round() as usize).min(most);
        Self::excitatory(size - inhibitory).then(Self::inhibitory(inhibitory))
    }

    /// These cells, followed by `others`.
    pub fn then(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True where there is no cell.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many cells inhibit.
    pub fn num_inhibitory(&self) -> usize {
        self.0
            .iter()
            .filter(|&&cell| cell == CellType::Inhibitory)
            .count()
    }

    /// The cell types in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = CellType> {
        self.0.iter().copied()
    }

    /// `1` for a cell that excites, `-1` for one that inhibits, `0` for an unconstrained one.
    pub fn values(&self) -> Vec<i32> {
        (self.0.iter())
            .map(|cell| match cell {
                CellType::Excitatory => 1,
                CellType::Inhibitory => -1,
                CellType::Unconstrained => 0,
            })
            .collect()
    }

    /// [`values`](Self::values) as a tensor.
    ///
    /// # Shapes
    ///
    /// - output: `[len]`
    pub fn tensor(&self, device: &Device) -> Tensor<1, Int> {
        Tensor::from_data(TensorData::new(self.values(), [self.len()]), device)
    }

    /// The cells that a tensor made by [`tensor`](Self::tensor) stands for; reads it back.
    pub fn from_tensor(values: Tensor<1, Int>) -> Self {
        (values.into_data().iter::<i64>())
            .map(|value| match value.signum() {
                1 => CellType::Excitatory,
                -1 => CellType::Inhibitory,
                _ => CellType::Unconstrained,
            })
            .collect()
    }
}

impl FromIterator<CellType> for Signs {
    fn from_iter<I: IntoIterator<Item = CellType>>(cells: I) -> Self {
        Self(cells.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_cell_or_none() {
        assert!(Signs::excitatory(0).is_empty());
        assert!(!Signs::inhibitory(1).is_empty());
    }

    #[test]
    fn a_fraction_below_one_leaves_a_cell_that_excites() {
        for (size, fraction, expected) in [
            (4, 0.25, vec![1, 1, 1, -1]),
            (1, 0.5, vec![1]),
            (2, 0.9, vec![1, -1]),
            (1, 1.0, vec![-1]),
            (0, 0.5, vec![]),
        ] {
            let signs = Signs::excitatory_first(size, fraction);
            assert_eq!(signs.values(), expected, "{size}, {fraction}");
        }
    }
}
