//! A module with parameters under laws.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
};

use burn::{
    module::{
        Content, Devices, DisplaySettings, Module, ModuleDisplay, ModuleDisplayDefault,
        ModuleMapper, ModuleVisitor, Param, ParamId,
    },
    tensor::{Device, Tensor},
};

use super::{
    Law,
    by_construction::EffectiveLaw,
    law::unlawful,
    scope::{self, Governed},
};

/// Where a parameter is inside a module.
type Select<M, const D: usize> = fn(&M) -> Option<&Param<Tensor<D>>>;

/// A module some of whose parameters, of `D` dimensions, are under a [`Law`].
///
/// It is used as the module that it wraps, which it derefs to: `forward` and fields are there. In
/// records the module's parameters keep their paths; signs and masks of the laws come after them,
/// under `law`. To a module with parameters of several ranks laws are given by wrapping twice.
///
/// ```
/// use burn::{nn::conv::Conv2dConfig, tensor::{Device, Tensor}};
/// use burn_dendrite_nn::{Signs, laws::{Law, Lawful, count_violations, obey_laws}};
///
/// let device = Device::flex();
/// let conv = Conv2dConfig::new([2, 8], [3, 3]).init(&device);
/// // Of burn's `[out, in, height, width]`, axis 1 counts the presynaptic channels.
/// let law = Law::<4>::new().with_signs(&Signs::excitatory_first(2, 0.5), 1, &device);
/// let conv = obey_laws(Lawful::new(conv).with_law(|conv| Some(&conv.weight), law));
/// assert_eq!(conv.forward(Tensor::ones([1, 2, 5, 5], &device)).dims(), [1, 8, 3, 3]);
/// assert_eq!(count_violations(&conv), 0);
/// ```
#[derive(Clone)]
pub struct Lawful<M, const D: usize> {
    /// The same for all copies, and for this place in any of them.
    id: ParamId,
    module: M,
    laws: Vec<LawOf<M, D>>,
}

/// A parameter under a law; the field of a layer of your own.
///
/// ```
/// use burn::{module::{Module, Param}, tensor::{Device, Tensor}};
/// use burn_dendrite_nn::laws::{Law, LawfulParam, count_violations};
///
/// #[derive(Module, Debug)]
/// struct Gains {
///     gains: LawfulParam<1>,
/// }
///
/// let gains = Param::from_tensor(Tensor::<1>::from_floats([-0.5, 2.0], &Device::flex()));
/// let layer = Gains { gains: LawfulParam::parameter(gains, Law::non_negative()) };
/// assert_eq!(layer.gains.val().dims(), [2]);
/// assert_eq!(count_violations(&layer), 1);
/// ```
pub type LawfulParam<const D: usize> = Lawful<Param<Tensor<D>>, D>;

#[derive(Clone)]
#[allow(clippy::large_enum_variant)] // One a parameter.
enum LawOf<M, const D: usize> {
    Fixed {
        select: Select<M, D>,
        law: Law<D>,
    },
    /// A law that depends on other fields of the module.
    FromModule {
        select: Select<M, D>,
        law: Arc<dyn Fn(&M) -> Law<D> + Send + Sync>,
    },
}

impl<const D: usize> LawfulParam<D> {
    /// A parameter under `law`.
    ///
    /// A record is loaded as it was saved; if its values break the law, a warning is logged.
    pub fn parameter(parameter: Param<Tensor<D>>, law: Law<D>) -> Self {
        let (id, values, mapper) = parameter.consume();
        let (loads, warns) = (mapper.clone(), law.clone());
        let parameter = Param::from_mapped_value(id, values, mapper).load_mapper(move |values| {
            let values = loads.on_load(values);
            warn_of(&values, &warns);
            values
        });
        Lawful::new(parameter).with_law(|parameter| Some(parameter), law)
    }

    /// The law of the parameter.
    pub fn law(&self) -> Law<D> {
        (self.laws.first()).map_or_else(Law::new, |law| law.of(&self.module))
    }
}

/// Says that a record is against the law, as far as it is known before all of it is loaded: without
/// the mask, which may come with the record.
fn warn_of<const D: usize>(values: &Tensor<D>, law: &Law<D>) {
    let count = unlawful(values.clone(), &law.clone().without_mask());
    let count = count.int().sum().into_scalar::<i64>();
    if count > 0 {
        log::warn!(
            "{count} of {} values in a record break the law of the parameter that they are loaded \
             into; they are loaded as they are, and `obey_laws` would change them",
            values.shape().num_elements()
        );
    }
}

impl<M: Module, const D: usize> Lawful<M, D> {
    /// The module, of which nothing is under law yet.
    pub fn new(module: M) -> Self {
        Self {
            id: ParamId::new(),
            module,
            laws: Vec::new(),
        }
    }

    /// Puts the parameter that `select` finds, if there is one, under `law`.
    pub fn with_law(mut self, select: Select<M, D>, law: Law<D>) -> Self {
        self.laws.push(LawOf::Fixed { select, law });
        self
    }

    /// Puts the parameter that `select` finds, if there is one, under a law that depends on the
    /// module itself, as on a mask that it has.
    pub fn with_law_from(
        mut self,
        select: Select<M, D>,
        law: impl Fn(&M) -> Law<D> + Send + Sync + 'static,
    ) -> Self {
        let law = Arc::new(law);
        self.laws.push(LawOf::FromModule { select, law });
        self
    }

    /// The module, without its laws.
    pub fn into_inner(self) -> M {
        self.module
    }

    /// The same laws for another state of the module, of which `change` makes each.
    fn map_parts(self, module: impl FnOnce(M) -> M, law: impl FnMut(Law<D>) -> Law<D>) -> Self {
        let mut law = law;
        let laws = self.laws.into_iter().map(|it| match it {
            LawOf::Fixed { select, law: fixed } => LawOf::Fixed {
                select,
                law: law(fixed),
            },
            LawOf::FromModule { .. } => it,
        });
        Self {
            id: self.id,
            laws: laws.collect(),
            module: module(self.module),
        }
    }
}

impl<M, const D: usize> LawOf<M, D> {
    fn select<'a>(&self, module: &'a M) -> Option<&'a Param<Tensor<D>>> {
        match self {
            Self::Fixed { select, .. } | Self::FromModule { select, .. } => select(module),
        }
    }

    fn of(&self, module: &M) -> Law<D> {
        match self {
            Self::Fixed { law, .. } => law.clone(),
            Self::FromModule { law, .. } => law(module),
        }
    }
}

impl<M, const D: usize> Lawful<M, D> {
    fn said(&self, parameters: bool) -> Vec<(ParamId, Governed<D>)> {
        (self.laws.iter())
            .filter_map(|law| {
                let parameter = law.select(&self.module)?;
                let governed = Governed {
                    owner: self.id,
                    law: law.of(&self.module),
                    by_construction: parameter.reparameterization::<EffectiveLaw>().is_some(),
                    parameter: parameters.then(|| parameter.clone()),
                };
                Some((parameter.id, governed))
            })
            .collect()
    }

    /// Tells laws that hold by construction what they are now: a record may have brought others.
    fn renew(&self) {
        for law in &self.laws {
            let Some(parameter) = law.select(&self.module) else {
                continue;
            };
            let Some(effective) = parameter.reparameterization::<EffectiveLaw>() else {
                continue;
            };
            let same = (self.laws.iter().rev()).filter(|it| {
                it.select(&self.module)
                    .is_some_and(|it| it.id == parameter.id)
            });
            effective.renew(self.id, same.map(|it| it.of(&self.module)));
        }
    }

    fn fixed(&self) -> impl Iterator<Item = &Law<D>> {
        self.laws.iter().filter_map(|law| match law {
            LawOf::Fixed { law, .. } => Some(law),
            LawOf::FromModule { .. } => None,
        })
    }
}

/// What burn calls the container of a law; no derived module has such a type.
const CONTAINER: &str = "Law";

impl<M: Module, const D: usize> Module for Lawful<M, D> {
    fn collect_devices(&self, devices: Devices) -> Devices {
        let devices = self.module.collect_devices(devices);
        self.fixed()
            .fold(devices, |devices, law| law.collect_devices(devices))
    }

    fn fork(self, device: &Device) -> Self {
        self.map_parts(|module| module.fork(device), |law| law.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_parts(
            |module| module.to_device(device),
            |law| law.to_device(device),
        )
    }

    fn train(self) -> Self {
        self.map_parts(Module::train, Module::train)
    }

    fn valid(&self) -> Self {
        let laws = self.laws.iter().map(|law| match law {
            LawOf::Fixed { select, law } => LawOf::Fixed {
                select: *select,
                law: law.valid(),
            },
            LawOf::FromModule { select, law } => LawOf::FromModule {
                select: *select,
                law: law.clone(),
            },
        });
        Self {
            id: self.id,
            laws: laws.collect(),
            module: self.module.valid(),
        }
    }

    fn materialize(self) -> Self {
        self.map_parts(Module::materialize, Module::materialize)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        scope::within(self.said(true), || self.module.visit(visitor));
        for law in self.fixed() {
            visitor.enter_module("law", CONTAINER);
            law.visit(visitor);
            visitor.exit_module("law", CONTAINER);
        }
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        let said = self.said(false);
        let mut lawful = Self {
            id: self.id,
            module: scope::within(said, || self.module.map(mapper)),
            laws: self.laws,
        };
        for law in &mut lawful.laws {
            if let LawOf::Fixed { law, .. } = law {
                mapper.enter_module("law", CONTAINER);
                *law = std::mem::take(law).map(mapper);
                mapper.exit_module("law", CONTAINER);
            }
        }
        lawful.renew();
        lawful
    }
}

impl<M, const D: usize> Deref for Lawful<M, D> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.module
    }
}

impl<M, const D: usize> DerefMut for Lawful<M, D> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.module
    }
}

impl<M: fmt::Debug, const D: usize> fmt::Debug for Lawful<M, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lawful")
            .field("module", &self.module)
            .field("laws", &self.laws.len())
            .finish()
    }
}

impl<M: fmt::Display, const D: usize> fmt::Display for Lawful<M, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.module.fmt(f)
    }
}

impl<M: ModuleDisplay, const D: usize> ModuleDisplayDefault for Lawful<M, D> {
    fn content(&self, content: Content) -> Option<Content> {
        self.module.content(content)
    }

    fn num_params(&self) -> usize {
        ModuleDisplayDefault::num_params(&self.module)
    }
}

impl<M: ModuleDisplay, const D: usize> ModuleDisplay for Lawful<M, D> {
    fn format(&self, passed_settings: DisplaySettings) -> String {
        self.module.format(passed_settings)
    }

    fn custom_settings(&self) -> Option<DisplaySettings> {
        self.module.custom_settings()
    }

    fn custom_content(&self, content: Content) -> Option<Content> {
        self.module.custom_content(content)
    }
}
