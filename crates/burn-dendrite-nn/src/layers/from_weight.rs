//! Layers of matrices from elsewhere.

use burn::{module::Param, nn::Linear, tensor::Tensor};

use super::DaleLinear;
use crate::{
    CellType,
    laws::{Law, Signs},
    on_inner,
};

/// A row of a weight matrix has weights of both signs, so no cell type could have made it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "rows {rows:?} of the weights `[d_input, d_output]` have both signs; accepted: each row at least 0 \
     or at most 0 throughout, or `DaleLinear::nearest` for the nearest lawful weights"
)]
pub struct MixedSigns {
    /// The rows.
    pub rows: Vec<usize>,
}

/// What a weight of zero means in a matrix from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zeros {
    /// There is no synapse, and never will be: a connectome.
    Missing,
    /// There is a silent synapse, which can learn.
    Silent,
}

impl DaleLinear {
    /// The layer of a signed matrix, such as a connectome: each row's sign is that of its weights, and
    /// a row of zeros excites.
    ///
    /// # Shapes
    ///
    /// - weight: `[d_input, d_output]`
    /// - bias: `[d_output]`
    ///
    /// # Errors
    ///
    /// If a row has weights of both signs.
    ///
    /// ```
    /// use burn::tensor::{Device, Tensor};
    /// use burn_dendrite_nn::layers::{DaleLinear, Zeros};
    ///
    /// let device = Device::flex();
    /// let connectome = Tensor::from_floats([[0.5, 0.0], [-1.0, -2.0]], &device);
    /// let layer = DaleLinear::from_weight(connectome.clone(), None, Zeros::Missing)?;
    /// assert_eq!(layer.weight().into_data(), connectome.into_data());
    /// # Ok::<(), burn_dendrite_nn::layers::MixedSigns>(())
    /// ```
    pub fn from_weight(
        weight: Tensor<2>,
        bias: Option<Tensor<1>>,
        zeros: Zeros,
    ) -> Result<Self, MixedSigns> {
        let plain = weight.clone().without_autodiff();
        let has = |sign: f64| -> Vec<bool> {
            let any = (plain.clone() * sign).greater_elem(0.0).any_dim(1);
            any.into_data().iter::<bool>().collect()
        };
        let (positive, negative) = (has(1.0), has(-1.0));
        let rows: Vec<usize> = (0..positive.len())
            .filter(|&row| positive[row] && negative[row])
            .collect();
        if !rows.is_empty() {
            return Err(MixedSigns { rows });
        }
        let signs = negative.into_iter().map(|negative| {
            if negative {
                CellType::Inhibitory
            } else {
                CellType::Excitatory
            }
        });
        let mask = (zeros == Zeros::Missing).then(|| plain.not_equal_elem(0.0));
        Ok(Self::from_parts(&signs.collect(), weight.abs(), mask, bias))
    }

    /// The lawful layer nearest to a matrix of any signs, such as a trained [`Linear`]: each row keeps
    /// the sign of the larger part of its squares, and its weights of the other sign become zero.
    ///
    /// # Shapes
    ///
    /// - weight: `[d_input, d_output]`
    /// - bias: `[d_output]`
    pub fn nearest(weight: Tensor<2>, bias: Option<Tensor<1>>) -> Self {
        let plain = weight.clone().without_autodiff();
        let squares = |sign: f64| {
            (plain.clone() * sign)
                .clamp_min(0.0)
                .powi_scalar(2)
                .sum_dim(1)
        };
        let excites = squares(1.0).greater_equal(squares(-1.0));
        let signs: Signs = (excites.into_data().iter::<bool>())
            .map(|excites| {
                if excites {
                    CellType::Excitatory
                } else {
                    CellType::Inhibitory
                }
            })
            .collect();
        let law = Law::<2>::new().with_signs(&signs, 0, &plain.device());
        let magnitude = on_inner(weight.detach(), |weight| law.project(weight).abs());
        Self::from_parts(&signs, magnitude, None, bias)
    }

    /// [`nearest`](Self::nearest) of a layer of burn.
    pub fn nearest_to(linear: &Linear) -> Self {
        let bias = linear.bias.as_ref().map(Param::val);
        Self::nearest(linear.weight.val(), bias)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn a_signed_matrix_becomes_a_layer_and_a_mixed_one_is_refused() {
        let device = crate::test_device();
        let matrix = || Tensor::<2>::from_floats([[1.0, -2.0], [0.0, 0.0], [0.5, 0.0]], &device);
        let error = DaleLinear::from_weight(matrix(), None, Zeros::Silent).unwrap_err();
        assert_eq!(error.rows, [0]);
        let layer = DaleLinear::nearest(matrix(), None);
        let expected = TensorData::from([[0.0f32, -2.0], [0.0, 0.0], [0.5, 0.0]]);
        layer.weight().into_data().assert_eq(&expected, true);
        let lawful = DaleLinear::from_weight(layer.weight(), None, Zeros::Missing).unwrap();
        assert_eq!(lawful.input_signs().values(), [-1, 1, 1]);
        lawful.weight().into_data().assert_eq(&expected, true);
        assert_eq!(
            lawful
                .magnitude
                .law()
                .mask()
                .unwrap()
                .int()
                .sum()
                .into_scalar::<i64>(),
            2
        );
    }
}
