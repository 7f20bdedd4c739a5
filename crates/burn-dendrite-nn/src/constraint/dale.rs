//! Dale's law.

use burn::tensor::Tensor;

use crate::{CellType, numbers::Bounds};

/// Dale's law as the bounds of each weight.
///
/// ```text
/// w ≥ 0    presynaptic cell excitatory
/// w ≤ 0    presynaptic cell inhibitory
/// ```
pub fn dale_bounds(cell: CellType) -> Bounds {
    match cell {
        CellType::Excitatory => Bounds {
            lower: 0.0,
            ..Bounds::NONE
        },
        CellType::Inhibitory => Bounds {
            upper: 0.0,
            ..Bounds::NONE
        },
        CellType::Unconstrained => Bounds::NONE,
    }
}

/// The lawful weights nearest to `weight`: a neuron excites all its targets or inhibits them all.
///
/// ```text
/// w = max(w, 0)    presynaptic cell excitatory
/// w = min(w, 0)    presynaptic cell inhibitory
/// ```
///
/// Shapes are kept; an unconstrained cell's weights are returned as they are.
pub fn project_dale<const D: usize>(weight: Tensor<D>, cell: CellType) -> Tensor<D> {
    let Bounds { lower, upper } = dale_bounds(cell);
    match (lower.is_finite(), upper.is_finite()) {
        (true, _) => weight.clamp_min(lower),
        (_, true) => weight.clamp_max(upper),
        (false, false) => weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn weights_of_the_wrong_sign_become_zero() {
        let weight = || Tensor::<2>::from_floats([[-1.0, 2.0], [0.0, -3.0]], &crate::test_device());
        let check = |cell, expected: [[f32; 2]; 2]| {
            let values = project_dale(weight(), cell).into_data();
            values.assert_eq(&TensorData::from(expected), true);
        };
        check(CellType::Excitatory, [[0.0, 2.0], [0.0, 0.0]]);
        check(CellType::Inhibitory, [[-1.0, 0.0], [0.0, -3.0]]);
        check(CellType::Unconstrained, [[-1.0, 2.0], [0.0, -3.0]]);
    }
}
