//! Putting weights back onto the lawful ones, and counting those that are not.

use burn::{
    module::{Module, ModuleMapper, ModuleVisitor, Param, Reparameterization},
    tensor::{DType, Tensor},
};

use super::{by_construction::EffectiveLaw, law::unlawful, scope};
use crate::on_inner;

/// What burn calls the container of a reparameterisation; derived modules begin with `Struct:`.
const REPARAMETERIZATION: &str = "Reparameterization";

/// Makes every weight under law lawful again; to be called after each optimizer step.
///
/// ```text
/// w ← the lawful weight nearest to w     a weight of the wrong sign becomes 0
/// ```
///
/// The model may be any burn module with parameters under law anywhere inside: layers of this crate,
/// a [`Network`](crate::Network), anything [`Lawful`](super::Lawful). All other parameters pass
/// unchanged. Parameters keep their identity, so optimizer state stays theirs, and whether they want
/// a gradient; autodiff does not see the change. Quantised weights, which no optimizer changes, and
/// those lawful [`ByConstruction`](super::ByConstruction) stay as they are.
///
/// This is projected gradient descent. It suits any optimizer; the optimizer's own state (momentum,
/// Adam's moments) is not told, as usual with weight clipping.
///
/// # Panics
///
/// When it walks through a weight under law that carries LoRA or another reparameterisation: what
/// the layer uses is then the sum of parts, none of which can be made lawful by itself.
///
/// ```
/// use burn::{module::Module, tensor::{Device, Tensor}};
/// use burn_dendrite_nn::{layers::DaleLinearConfig, laws::{ProjectLaws, count_violations}};
///
/// let mut layer = DaleLinearConfig::new(4, 2).init(&Device::flex());
/// // An optimizer's doing:
/// *layer.magnitude = (*layer.magnitude).clone().map(|magnitude| magnitude - 2.0);
/// assert!(count_violations(&layer) > 0);
/// let layer = layer.map(&mut ProjectLaws::default());
/// assert_eq!(count_violations(&layer), 0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ProjectLaws {
    path: Vec<String>,
    /// Whether the parameter met last is under law, so that a reparameterisation would be its own.
    after_law: bool,
}

impl ModuleMapper for ProjectLaws {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        let foreign = container_type == REPARAMETERIZATION && name != EffectiveLaw::NAME;
        assert!(
            !(foreign && self.after_law),
            "`{}` is under law and carries the reparameterisation `{name}`: what the layer uses \
             cannot be made lawful; `materialize` the model first, or leave this weight out",
            self.path.join(".")
        );
        self.after_law = false;
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.after_law = false;
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let laws = scope::laws_of::<D, _>(parameter.id, |it| (it.by_construction, it.law.clone()));
        self.after_law = !laws.is_empty();
        let by_construction = laws.iter().any(|(by_construction, _)| *by_construction);
        let quantised = matches!(parameter.base().dtype(), DType::QFloat(_));
        if laws.is_empty() || by_construction || quantised {
            return parameter;
        }
        parameter.map(|weight| {
            on_inner(weight, |weight| {
                laws.iter()
                    .fold(weight, |weight, (_, law)| law.project(weight))
            })
        })
    }
}

/// The model with every weight under law made lawful: [`ProjectLaws`] as a function.
///
/// # Panics
///
/// If a weight under law carries LoRA or another reparameterisation.
pub fn obey_laws<M: Module>(model: M) -> M {
    model.map(&mut ProjectLaws::default())
}

/// How many weights inside `model` break their law.
///
/// Judged by what the layers use: with LoRA or another reparameterisation the effective weight,
/// with quantised weights the values that they stand for. Always 0 after [`obey_laws`]. A weight
/// that is not a number breaks every law. Reads the count back from the device, which in a training
/// loop is slow.
pub fn count_violations<M: Module>(model: &M) -> usize {
    violations(model).iter().map(|it| it.count).sum()
}

/// `Ok` where every weight of `model` obeys its law; to be asked of a model whose record comes from
/// elsewhere. Records are loaded as they were saved.
///
/// # Errors
///
/// Every parameter with weights that do not.
pub fn check_laws<M: Module>(model: &M) -> Result<(), Unlawful> {
    let violations = violations(model);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Unlawful(violations))
    }
}

/// Weights of one parameter that break its law.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where the parameter is in the model, e.g. `hidden.0.magnitude`.
    pub path: String,
    /// How many of its weights break the law.
    pub count: usize,
    /// How many weights it has.
    pub of: usize,
}

/// All parameters that break their laws; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("weights break their laws: {}", listed(.0))]
pub struct Unlawful(pub Vec<Violation>);

fn listed(violations: &[Violation]) -> String {
    let parts: Vec<String> = (violations.iter())
        .map(|it| format!("{} of {} in `{}`", it.count, it.of, it.path))
        .collect();
    parts.join(", ")
}

fn violations<M: Module>(model: &M) -> Vec<Violation> {
    let mut visitor = CountViolations::default();
    model.visit(&mut visitor);
    visitor.violations
}

#[derive(Default)]
struct CountViolations {
    path: Vec<String>,
    violations: Vec<Violation>,
}

impl ModuleVisitor for CountViolations {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let unlawful = scope::laws_of::<D, _>(parameter.id, |governed| {
            let effective = governed
                .parameter
                .as_ref()
                .map_or_else(|| parameter.val(), Param::val);
            unlawful(effective, &governed.law)
        });
        let Some(unlawful) = unlawful.into_iter().reduce(|one, other| one.bool_or(other)) else {
            return;
        };
        let of = unlawful.shape().num_elements();
        let count = unlawful.int().sum().into_scalar::<i64>() as usize;
        if count > 0 {
            let path = self.path.join(".");
            self.violations.push(Violation { path, count, of });
        }
    }
}
