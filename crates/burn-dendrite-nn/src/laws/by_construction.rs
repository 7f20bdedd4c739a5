//! Laws as a part of the forward pass.

use std::{any::Any, fmt, sync::Arc};

use burn::{
    module::{Module, Param, Reparameterization, Reparameterizer},
    tensor::Tensor,
};

use super::{Law, scope};

/// Makes laws hold by construction: what a layer uses is the lawful weight nearest to the one that
/// the optimizer sees.
///
/// To be given to burn's [`Module::apply_reparameterization`]: every parameter of the model that is
/// under law gets its law as a reparameterisation. [`Param::val`] is lawful from then on, whatever an
/// optimizer, an average of models or a record does to what is stored, and
/// [`obey_laws`](super::obey_laws) need not be called. Gradients flow through the projection: a
/// weight that it sets to zero has none. [`Module::materialize`] keeps the lawful values.
///
/// ```
/// use burn::{module::Module, tensor::{Device, Tensor}};
/// use burn_dendrite_nn::{layers::DaleLinearConfig, laws::{ByConstruction, count_violations}};
///
/// let layer = DaleLinearConfig::new(4, 2).init(&Device::flex());
/// let mut layer = layer.apply_reparameterization(ByConstruction);
/// assert_eq!(count_violations(&layer), 0);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByConstruction;

impl Reparameterizer for ByConstruction {
    type Reparam = EffectiveLaw;

    fn reparameterize<const D: usize>(
        &mut self,
        _path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<EffectiveLaw>) {
        let laws = scope::laws_of::<D, _>(param.id, |it| it.law.clone());
        let law = (!laws.is_empty()).then(|| EffectiveLaw {
            laws: AnyRank(Arc::new(laws)),
        });
        (param, law)
    }
}

/// The law of a parameter, as burn's reparameterisation; made by [`ByConstruction`].
#[derive(Module, Debug)]
pub struct EffectiveLaw {
    #[module(skip)]
    laws: AnyRank,
}

/// A list of laws of some rank.
#[derive(Clone)]
struct AnyRank(Arc<dyn Any + Send + Sync>);

impl fmt::Debug for AnyRank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("laws")
    }
}

impl Reparameterization for EffectiveLaw {
    const NAME: &'static str = "effective_law";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let laws = self.laws.0.downcast_ref::<Vec<Law<D>>>();
        let laws = laws.expect("a law is attached to the parameter that it is for");
        laws.iter().fold(base, |weight, law| law.project(weight))
    }
}
