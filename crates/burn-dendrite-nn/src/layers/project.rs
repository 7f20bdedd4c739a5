//! Putting weights back onto the lawful ones after an optimizer's step.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param},
    tensor::Tensor,
};

use crate::on_inner;

/// The layers whose parameters carry laws, as burn names them to mappers.
const LAYERS_UNDER_LAW: [&str; 2] = ["Struct:DaleLinear", "Struct:EiLayer"];

/// Puts a parameter under a law: a projection of any values onto the lawful ones.
///
/// A mapper meets parameters one by one and cannot ask their layer, so the law travels with the
/// parameter, as burn's load mapper. Loading a record that breaks the law thereby mends it, too.
pub(super) fn under_law<const D: usize>(
    parameter: Param<Tensor<D>>,
    law: impl Fn(Tensor<D>) -> Tensor<D> + Send + Sync + 'static,
) -> Param<Tensor<D>> {
    parameter.load_mapper(move |values| on_inner(values, &law))
}

/// Makes every weight of this crate's layers lawful again; to be called after each optimizer step.
///
/// ```text
/// w ← the lawful weight nearest to w     a weight of the wrong sign becomes 0
/// ```
///
/// The model may be any burn module with [`DaleLinear`](super::DaleLinear),
/// [`EiLayer`](super::EiLayer) or [`TwoCompartment`](super::TwoCompartment) layers anywhere inside;
/// all other parameters pass unchanged. Parameters keep their identity, so optimizer state stays
/// theirs, and whether they want a gradient; autodiff does not see the change.
///
/// This is projected gradient descent. It suits any optimizer; the optimizer's own state (momentum,
/// Adam's moments) is not told, as usual with weight clipping.
///
/// ```
/// use burn::{module::Module, tensor::{Device, Tensor}};
/// use burn_dendrite_nn::layers::{DaleLinearConfig, ProjectLaws, count_violations};
///
/// let mut layer = DaleLinearConfig::new(4, 2).init(&Device::flex());
/// layer.magnitude = layer.magnitude.map(|magnitude| magnitude - 0.2); // An optimizer's doing.
/// assert!(count_violations(&layer) > 0);
/// let layer = layer.map(&mut ProjectLaws::default());
/// assert_eq!(count_violations(&layer), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProjectLaws {
    position: Position,
}

impl ModuleMapper for ProjectLaws {
    fn enter_module(&mut self, _name: &str, container_type: &str) {
        self.position.enter(container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.position.exit(container_type);
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !self.position.is_under_law() {
            return parameter;
        }
        let (id, values, law) = parameter.consume();
        Param::from_mapped_value(id, law.on_load(values), law)
    }
}

/// The model with every weight of this crate's layers made lawful: [`ProjectLaws`] as a function.
pub fn obey_laws<M: Module>(model: M) -> M {
    model.map(&mut ProjectLaws::default())
}

/// How many weights of this crate's layers inside `model` break their law.
///
/// Always 0 after [`obey_laws`]. Reads the count back from the device, which in a training loop is
/// slow.
pub fn count_violations<M: Module>(model: &M) -> usize {
    let mut count = CountViolations::default();
    model.visit(&mut count);
    count.violations
}

#[derive(Default)]
struct CountViolations {
    position: Position,
    violations: usize,
}

impl ModuleVisitor for CountViolations {
    fn enter_module(&mut self, _name: &str, container_type: &str) {
        self.position.enter(container_type);
    }

    fn exit_module(&mut self, _name: &str, container_type: &str) {
        self.position.exit(container_type);
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if !self.position.is_under_law() {
            return;
        }
        let (_, values, law) = parameter.clone().consume();
        let values = values.without_autodiff();
        let unlawful = law.on_load(values.clone()).not_equal(values);
        self.violations += unlawful.int().sum().into_scalar::<i64>() as usize;
    }
}

/// Whether a walk through a model is inside a layer under law.
#[derive(Clone, Debug, Default)]
struct Position {
    layers_under_law: usize,
}

impl Position {
    fn enter(&mut self, container_type: &str) {
        self.layers_under_law += usize::from(LAYERS_UNDER_LAW.contains(&container_type));
    }

    fn exit(&mut self, container_type: &str) {
        self.layers_under_law -= usize::from(LAYERS_UNDER_LAW.contains(&container_type));
    }

    /// Parameters outside may have load mappers of their own, which are none of our business.
    fn is_under_law(&self) -> bool {
        self.layers_under_law > 0
    }
}
