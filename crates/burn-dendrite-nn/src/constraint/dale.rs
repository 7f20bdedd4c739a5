//! Dale's law.

use burn::tensor::Tensor;

use crate::spec::CellType;

/// The lawful weights nearest to `weight`: a neuron excites all its targets or inhibits them all.
///
/// ```text
/// w = max(w, 0)    presynaptic cell excitatory
/// w = min(w, 0)    presynaptic cell inhibitory
/// ```
///
/// Shapes are kept; an unconstrained cell's weights are returned as they are.
pub fn project_dale<const D: usize>(weight: Tensor<D>, cell: CellType) -> Tensor<D> {
    match cell {
        CellType::Excitatory => weight.clamp_min(0.0),
        CellType::Inhibitory => weight.clamp_max(0.0),
        CellType::Unconstrained => weight,
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
