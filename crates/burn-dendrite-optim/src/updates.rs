//! Weight changes: computed from one snapshot, applied by any optimizer.

use std::collections::BTreeMap;

use burn::{
    module::{Param, ParamId},
    optim::{GradientsParams, MultiGradientsParams},
    tensor::Tensor,
};
use burn_dendrite_nn::{Network, Parameter, numbers::Rows, on_inner};

use crate::Delta;

/// The changes of all learning parameters in one step, learning rates included.
#[derive(Clone, Debug)]
pub struct Updates<R = Tensor<2>>(BTreeMap<Parameter, Delta<R>>);

impl<R> Default for Updates<R> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<R: Rows> Updates<R> {
    /// The parameters that change.
    pub fn parameters(&self) -> impl Iterator<Item = Parameter> {
        self.0.keys().copied()
    }

    pub(crate) fn insert(&mut self, parameter: Parameter, delta: Delta<R>) {
        self.0.insert(parameter, delta);
    }

    pub(crate) fn into_deltas(self) -> impl Iterator<Item = (Parameter, Delta<R>)> {
        self.0.into_iter()
    }

    /// All changes times `factor`.
    pub fn scale(self, factor: f64) -> Self {
        let scaled = |(parameter, delta): (Parameter, Delta<R>)| (parameter, delta.scale(factor));
        Self(self.0.into_iter().map(scaled).collect())
    }
}

impl Updates {
    /// The same with nothing left that depends on the weights, which are those of `network`.
    pub(crate) fn resolved(self, network: &Network) -> Self {
        let resolved = |(parameter, delta): (Parameter, Delta)| {
            let weight = || matrix(network, parameter);
            let resolved = if network.is_matrix(parameter) {
                delta.resolved(weight)
            } else {
                delta.summed(weight, |pre, post| network.outer(parameter, pre, post))
            };
            (parameter, resolved)
        };
        Self(self.0.into_iter().map(resolved).collect())
    }

    /// The change of a parameter multiplied out, `[pre, post]`; `None` where it does not learn.
    pub fn get(&self, parameter: Parameter) -> Option<Tensor<2>> {
        self.0.get(&parameter).cloned().map(multiplied_out)
    }

    /// The changes as gradients that any burn optimizer descends: `-Δ`, so that plain SGD with
    /// learning rate 1 adds exactly `Δ`.
    ///
    /// The learning rate of burn is then a factor without unit on all the rates of the
    /// specification: 1 is the specification as it stands.
    pub fn into_grads(self, network: &Network) -> GradientsParams {
        let mut grads = GradientsParams::new();
        for (parameter, delta) in self.0 {
            let descent = multiplied_out(delta.scale(-1.0));
            match parameter {
                Parameter::Weight(_) => grads.register(parameter_id(network, parameter), descent),
                Parameter::Bias(_) => {
                    grads.register(
                        parameter_id(network, parameter),
                        descent.squeeze_dim::<1>(0),
                    );
                }
            }
        }
        grads
    }

    /// Adds the changes to the network and applies the constraints of what changed.
    pub fn apply(self, network: Network) -> Network {
        let changed: Vec<Parameter> = self.parameters().collect();
        let mut network = network;
        for (parameter, delta) in self.0 {
            let delta = multiplied_out(delta);
            match parameter {
                Parameter::Weight(id) => {
                    let slot = &mut network.projections[id.0].weight;
                    *slot = slot
                        .take()
                        .map(|weight| weight.map(|w| on_inner(w, |w| w + delta)));
                }
                Parameter::Bias(id) => {
                    let slot = &mut network.populations[id.0].bias;
                    *slot = slot
                        .take()
                        .map(|bias| bias.map(|b| on_inner(b, |b| b + delta.squeeze_dim::<1>(0))));
                }
            }
        }
        network.constrained_where(|parameter| changed.contains(&parameter))
    }

    /// The angle in degrees between two sets of changes: each parameter's change is normalised to
    /// unit length, then all are concatenated.
    ///
    /// ```text
    /// angle = arccos( (1/n) Σ_k  u_k·v_k / (|u_k| |v_k|) )
    /// ```
    ///
    /// Only `parameters` count; one that either side lacks, or does not change, contributes 0 to
    /// the sum. `None` where `parameters` is empty.
    ///
    /// Source: angle to backprop in Galloni et al. 2025.
    pub fn angle_to(&self, other: &Self, parameters: &[Parameter]) -> Option<f64> {
        if parameters.is_empty() {
            return None;
        }
        let cosine = |parameter: &Parameter| {
            let (Some(one), Some(other)) = (self.get(*parameter), other.get(*parameter)) else {
                return 0.0;
            };
            let values =
                |tensor: Tensor<2>| -> Vec<f64> { tensor.into_data().iter::<f64>().collect() };
            let (one, other) = (values(one), values(other));
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let lengths = (dot(&one, &one) * dot(&other, &other)).sqrt();
            if lengths > 0.0 {
                dot(&one, &other) / lengths
            } else {
                0.0
            }
        };
        let mean = parameters.iter().map(cosine).sum::<f64>() / parameters.len() as f64;
        Some(mean.clamp(-1.0, 1.0).acos().to_degrees())
    }
}

/// Gradients out of which one can be taken: of one device, or of several, which are added up.
pub trait TakeGradient {
    /// The gradient of a parameter, if there is one.
    fn take<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>>;
}

impl TakeGradient for &mut GradientsParams {
    fn take<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        self.remove(id)
    }
}

impl TakeGradient for &mut MultiGradientsParams {
    fn take<const D: usize>(&mut self, id: ParamId) -> Option<Tensor<D>> {
        self.remove(id).map(|(gradient, _)| gradient)
    }
}

/// The network with the changes of some parameters, `w − gradient`, which are taken out of `grads`.
pub(crate) fn added(
    mut network: Network,
    parameters: impl Iterator<Item = Parameter>,
    mut grads: impl TakeGradient,
) -> Network {
    fn changed<const D: usize>(
        old: Option<Param<Tensor<D>>>,
        grads: &mut impl TakeGradient,
    ) -> Option<Param<Tensor<D>>> {
        old.map(|old| match grads.take::<D>(old.id) {
            Some(gradient) => old.map(|values| {
                on_inner(values, |values| {
                    let gradient = gradient.to_device(&values.device());
                    values - gradient
                })
            }),
            None => old,
        })
    }
    for parameter in parameters {
        match parameter {
            Parameter::Weight(id) => {
                let slot = &mut network.projections[id.0].weight;
                *slot = changed(slot.take(), &mut grads);
            }
            Parameter::Bias(id) => {
                let slot = &mut network.populations[id.0].bias;
                *slot = changed(slot.take(), &mut grads);
            }
        }
    }
    network
}

/// A change in which nothing depends on the weights any more, multiplied out.
fn multiplied_out(delta: Delta) -> Tensor<2> {
    delta.multiplied_out(|| unreachable!("updates are resolved where they are made"))
}

/// A parameter as a matrix `[pre, post]`; a bias is a row.
fn matrix(network: &Network, parameter: Parameter) -> Tensor<2> {
    match parameter {
        Parameter::Weight(id) => network.weight(id),
        Parameter::Bias(id) => {
            let bias = network.bias(id).expect("a bias that learns exists");
            bias.unsqueeze()
        }
    }
}

/// The id by which burn's optimizers know a parameter.
///
/// # Panics
///
/// If the network does not own the parameter.
pub(crate) fn parameter_id(network: &Network, parameter: Parameter) -> ParamId {
    match parameter {
        Parameter::Weight(id) => network.projections[id.0].weight.as_ref().map(|it| it.id),
        Parameter::Bias(id) => network.populations[id.0].bias.as_ref().map(|it| it.id),
    }
    .expect("only parameters that the network owns learn")
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn_dendrite_nn::ProjectionId;

    fn updates(values: [[f32; 2]; 1]) -> Updates {
        let mut updates = Updates::default();
        let tensor = Tensor::from_floats(values, &crate::test_device());
        updates.insert(Parameter::Weight(ProjectionId(0)), Delta::whole(tensor));
        updates
    }

    #[test]
    fn angles_of_known_vectors() {
        let all = [Parameter::Weight(ProjectionId(0))];
        let angle = |a, b| updates(a).angle_to(&updates(b), &all).unwrap();
        assert!(angle([[1.0, 0.0]], [[5.0, 0.0]]).abs() < 1e-6);
        assert!((angle([[1.0, 0.0]], [[0.0, 2.0]]) - 90.0).abs() < 1e-6);
        assert!((angle([[1.0, 0.0]], [[1.0, 1.0]]) - 45.0).abs() < 1e-6);
        assert!((angle([[1.0, 0.0]], [[-3.0, 0.0]]) - 180.0).abs() < 1e-6);
    }
}
