//! Changing parameters behind autodiff's back.

use burn::tensor::Tensor;

/// Applies `change` to the plain tensor below `parameter` and puts its autodiff context back.
///
/// An operation on an autodiff tensor itself would leave an entry in burn's graph that only a
/// backward pass removes, and would make the parameter no leaf any more; `from_inner` alone would
/// forget that it wants a gradient.
pub fn on_inner<const D: usize>(
    parameter: Tensor<D>,
    change: impl FnOnce(Tensor<D>) -> Tensor<D>,
) -> Tensor<D> {
    if !parameter.is_autodiff() {
        return change(parameter);
    }
    let require_grad = parameter.is_require_grad();
    let strategy = parameter.gradient_checkpointing_strategy();
    let mut changed = Tensor::from_inner(change(parameter.inner()));
    if let Some(strategy) = strategy {
        changed = changed.with_gradient_checkpointing_strategy(strategy);
    }
    changed.set_require_grad(require_grad)
}
