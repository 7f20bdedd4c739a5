//! Laws as a part of the forward pass.

use std::{
    any::Any,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use burn::{
    module::{Module, Param, ParamId, Reparameterization, Reparameterizer},
    tensor::Tensor,
};

use super::{Law, scope};

/// Makes laws hold by construction: what a layer uses is the lawful weight nearest to the one that
/// the optimizer sees.
///
/// ```text
/// w = P(v)              v what is stored and steps change; P the projection of the law; w what is used
/// ∂L/∂v = ∂L/∂w · P'(v)     exact
/// ∂L/∂v = ∂L/∂w             straight through
/// ```
///
/// To be given to burn's [`Module::apply_reparameterization`]: every parameter of the model that is
/// under law gets its law as a reparameterisation. [`Param::val`] is lawful from then on, whatever an
/// optimizer, an average of models or a record does to what is stored, and
/// [`obey_laws`](super::obey_laws) need not be called; it leaves such weights as they are.
/// [`count_violations`](super::count_violations) judges what is used. [`Module::materialize`] keeps the
/// lawful values.
///
/// Records hold `v` where `w` was, with the paths of the model without `ByConstruction`, so that
/// each loads the other's. Signs and masks of laws that come with a record are those of the projection
/// from then on.
///
/// ```
/// use burn::{module::Module, tensor::{Device, Tensor}};
/// use burn_dendrite_nn::{layers::DaleLinearConfig, laws::{ByConstruction, count_violations}};
///
/// let layer = DaleLinearConfig::new(4, 2).init(&Device::flex());
/// let mut layer = layer.apply_reparameterization(ByConstruction::default());
/// assert_eq!(count_violations(&layer), 0);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByConstruction {
    /// How gradients pass through the projection.
    pub gradient: LawGradient,
}

/// How gradients pass through a law that holds [`ByConstruction`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LawGradient {
    /// As they are: of the weights that a law sets to a fixed value, zero. A synapse that has fallen
    /// silent stays silent, unless momentum or decay bring it back.
    #[default]
    Exact,
    /// As if there were no projection: a silent synapse feels what it would do, and comes back when it
    /// has been asked to for as long as it was pushed away (the straight-through estimator of Bengio,
    /// Léonard and Courville, 2013).
    StraightThrough,
}

impl Reparameterizer for ByConstruction {
    type Reparam = EffectiveLaw;

    fn reparameterize<const D: usize>(
        &mut self,
        _path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<EffectiveLaw>) {
        let laws = scope::laws_of::<D, _>(param.id, |it| (it.owner, it.law.clone()));
        let law = (!laws.is_empty()).then(|| EffectiveLaw {
            gradient: self.gradient,
            laws: Laws(Mutex::new(Box::new(laws))),
        });
        (param, law)
    }
}

/// The law of a parameter, as burn's reparameterisation; made by [`ByConstruction`].
#[derive(Module, Debug)]
pub struct EffectiveLaw {
    #[module(skip)]
    gradient: LawGradient,
    #[module(skip)]
    laws: Laws,
}

/// The laws of one parameter, the innermost first, each with who says that it holds.
type Said<const D: usize> = Vec<(ParamId, Law<D>)>;

/// What burn keeps of [`Said`], which must be of no rank. Locked, because a walk that loads a record
/// sees it behind a shared reference.
struct Laws(Mutex<Box<dyn AnyRank>>);

trait AnyRank: Any + Send {
    fn boxed(&self) -> Box<dyn AnyRank>;
}

impl<const D: usize> AnyRank for Said<D> {
    fn boxed(&self) -> Box<dyn AnyRank> {
        Box::new(self.clone())
    }
}

impl Laws {
    fn locked(&self) -> MutexGuard<'_, Box<dyn AnyRank>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Laws {
    fn clone(&self) -> Self {
        Self(Mutex::new((**self.locked()).boxed()))
    }
}

impl fmt::Debug for Laws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("laws")
    }
}

const SAME_RANK: &str = "a law is attached to the parameter that it is for";

impl EffectiveLaw {
    /// Takes the laws that `owner` says now for those that it said before.
    pub(super) fn renew<const D: usize>(
        &self,
        owner: ParamId,
        laws: impl IntoIterator<Item = Law<D>>,
    ) {
        let mut locked = self.laws.locked();
        let said: &mut dyn Any = &mut **locked;
        let said = said.downcast_mut::<Said<D>>().expect(SAME_RANK);
        let of_owner = said.iter_mut().filter(|(by, _)| *by == owner);
        of_owner.zip(laws).for_each(|((_, old), new)| *old = new);
    }

    fn project<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        let laws = {
            let locked = self.laws.locked();
            let said: &dyn Any = &**locked;
            said.downcast_ref::<Said<D>>().expect(SAME_RANK).clone()
        };
        laws.iter()
            .fold(base, |weight, (_, law)| law.project(weight))
    }
}

impl Reparameterization for EffectiveLaw {
    const NAME: &'static str = "effective_law";

    fn apply<const D: usize>(&self, base: Tensor<D>) -> Tensor<D> {
        if self.gradient == LawGradient::Exact || !base.is_autodiff() {
            return self.project(base);
        }
        let plain = base.clone().without_autodiff();
        // The first two cancel exactly, so that the sum is lawful to the bit.
        base - plain.clone() + self.project(plain)
    }
}
