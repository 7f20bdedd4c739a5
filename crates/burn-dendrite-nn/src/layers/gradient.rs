//! Gradients held against finite differences.

use burn::{
    module::Param,
    tensor::{Tensor, TensorData},
};

use crate::{laws::LawfulParam, on_inner};

/// Compares a gradient with central differences of a loss of which `loss_at(index, shift)` is the value
/// where one value of the parameter is shifted.
pub(super) fn check_gradient<const D: usize>(
    gradient: &Tensor<D>,
    loss_at: impl Fn(usize, f32) -> f32,
) {
    const SHIFT: f32 = 1e-2;
    let gradient: Vec<f32> = gradient.to_data().iter().collect();
    for (at, &gradient) in gradient.iter().enumerate() {
        let difference = (loss_at(at, SHIFT) - loss_at(at, -SHIFT)) / (2.0 * SHIFT);
        assert!(
            (difference - gradient).abs() < 5e-3 * (1.0 + gradient.abs()),
            "value {at}: {difference} and {gradient}"
        );
    }
}

/// `tensor` with `shift` added to one value, in its autodiff context.
pub(super) fn shifted<const D: usize>(tensor: Tensor<D>, at: usize, shift: f32) -> Tensor<D> {
    on_inner(tensor, |plain| {
        let mut values: Vec<f32> = plain.to_data().iter().collect();
        values[at] += shift;
        Tensor::from_data(TensorData::new(values, plain.dims()), &plain.device())
    })
}

/// `parameter` with other values, in its autodiff context.
pub(super) fn with_values<const D: usize>(
    parameter: &LawfulParam<D>,
    values: TensorData,
) -> Param<Tensor<D>> {
    let parameter = Param::clone(parameter);
    parameter.map(|old| on_inner(old, |plain| Tensor::from_data(values, &plain.device())))
}
