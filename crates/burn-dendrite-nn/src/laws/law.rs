//! What holds of one parameter.

use std::{fmt, sync::Arc};

use burn::{
    module::{Module, Param, ParamId},
    tensor::{Bool, DType, Device, Int, Shape, Tensor},
};

use super::Signs;
use crate::CellType;

/// A projection of any values onto the allowed ones.
type Projection<const D: usize> = Arc<dyn Fn(Tensor<D>) -> Tensor<D> + Send + Sync>;

/// What holds of a parameter of `D` dimensions.
///
/// The parts are applied in this order, each to what the one before left:
///
/// ```text
/// w ← max(s·w, 0)·s                   signs: s is 1 or −1 along one axis, the presynaptic one
/// w ← 0 where a synapse is missing     mask
/// w ← min(max(w, lower), upper)        bounds
/// w ← total · w / Σ|w|                 sum: over everything that one postsynaptic unit hears
/// w ← f(w)                             a projection of your own
/// ```
///
/// Signs and mask are saved in records, with the module that the law is for.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn_dendrite_nn::{Signs, laws::Law};
///
/// let device = Device::flex();
/// let law = Law::<2>::new()
///     .with_signs(&Signs::excitatory_first(2, 0.5), 0, &device)
///     .with_bounds(-1.0, 1.0);
/// let lawful = law.project(Tensor::from_floats([[3.0, -3.0], [3.0, -3.0]], &device));
/// assert_eq!(lawful.into_data().to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0, -1.0]);
/// ```
#[derive(Module)]
pub struct Law<const D: usize> {
    signs: Option<Param<Tensor<1, Int>>>,
    mask: Option<Param<Tensor<D, Bool>>>,
    sign_axis: usize,
    unconstrained: bool,
    bounds: Option<(f64, f64)>,
    sum: Option<(usize, f64)>,
    #[module(skip)]
    projections: Vec<NamedProjection<D>>,
}

#[derive(Clone)]
struct NamedProjection<const D: usize>(Projection<D>);

impl<const D: usize> fmt::Debug for NamedProjection<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("projection")
    }
}

impl<const D: usize> fmt::Debug for Law<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Law")
            .field("signs", &self.signs.is_some())
            .field("mask", &self.mask.is_some())
            .field("bounds", &self.bounds)
            .field("sum", &self.sum)
            .field("projections", &self.projections.len())
            .finish()
    }
}

impl<const D: usize> Default for Law<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const D: usize> Law<D> {
    /// A law that allows everything.
    pub fn new() -> Self {
        Self {
            signs: None,
            mask: None,
            sign_axis: 0,
            unconstrained: false,
            bounds: None,
            sum: None,
            projections: Vec::new(),
        }
    }

    /// No value is below zero: magnitudes.
    pub fn non_negative() -> Self {
        Self::new().with_bounds(0.0, f64::INFINITY)
    }

    /// Dale's law for the weights from a population of one cell type.
    pub fn of_cell(cell: CellType) -> Self {
        match cell {
            CellType::Excitatory => Self::new().with_bounds(0.0, f64::INFINITY),
            CellType::Inhibitory => Self::new().with_bounds(f64::NEG_INFINITY, 0.0),
            CellType::Unconstrained => Self::new(),
        }
    }

    /// Dale's law: weights have the sign of the presynaptic cell, which `axis` counts. Weights of
    /// unconstrained cells are free.
    ///
    /// # Panics
    ///
    /// If the parameter has no such axis.
    pub fn with_signs(mut self, signs: &Signs, axis: usize, device: &Device) -> Self {
        assert!(axis < D, "axis {axis} of {D} dimensions");
        let signs_of = signs.values();
        self.unconstrained = signs_of.contains(&0);
        self.signs = Some(Param::initialized(ParamId::new(), signs.tensor(device)));
        self.sign_axis = axis;
        self
    }

    /// Synapses exist where the mask is true, and where that of an earlier call is.
    ///
    /// # Panics
    ///
    /// If the shape is not that of an earlier mask.
    pub fn with_mask(mut self, exists: Tensor<D, Bool>) -> Self {
        let exists = match self.mask.take() {
            Some(earlier) => earlier.val().bool_and(exists),
            None => exists,
        };
        self.mask = Some(Param::initialized(ParamId::new(), exists));
        self
    }

    /// Every weight is between `lower` and `upper`, which may be infinite.
    ///
    /// # Panics
    ///
    /// If `lower` is not at most `upper`.
    pub fn with_bounds(mut self, lower: f64, upper: f64) -> Self {
        assert!(
            lower <= upper,
            "bounds {lower} and {upper}; accepted: lower <= upper"
        );
        self.bounds = Some((lower, upper));
        self
    }

    /// The absolute weights onto each postsynaptic unit, which `axis` counts, sum to `total`; a unit
    /// without weights keeps none.
    ///
    /// # Panics
    ///
    /// If the parameter has no such axis or `total` is not greater than 0.
    pub fn with_fan_in_sum(mut self, total: f64, axis: usize) -> Self {
        assert!(axis < D, "axis {axis} of {D} dimensions");
        assert!(total > 0.0, "the sum is {total}; accepted: greater than 0");
        self.sum = Some((axis, total));
        self
    }

    /// A projection of your own, after all others. It must leave lawful weights as they are.
    pub fn with_projection(
        mut self,
        project: impl Fn(Tensor<D>) -> Tensor<D> + Send + Sync + 'static,
    ) -> Self {
        self.projections.push(NamedProjection(Arc::new(project)));
        self
    }

    /// The cell types of [`with_signs`](Self::with_signs), if there are any.
    pub fn signs(&self) -> Option<Signs> {
        self.signs
            .as_ref()
            .map(|signs| Signs::from_tensor(signs.val()))
    }

    /// Which synapses exist, if not all do.
    pub fn mask(&self) -> Option<Tensor<D, Bool>> {
        self.mask.as_ref().map(Param::val)
    }

    /// The lawful weights nearest to `weight`, on its device, of its type.
    ///
    /// # Panics
    ///
    /// If the shape is not that of the signs or the mask.
    pub fn project(&self, weight: Tensor<D>) -> Tensor<D> {
        let device = weight.device();
        let mut weight = weight;
        if let Some(signs) = &self.signs {
            let signs = signs.val().to_device(&device).without_autodiff();
            weight = self.signed(weight, signs);
        }
        if let Some(exists) = &self.mask {
            let missing = exists
                .val()
                .to_device(&device)
                .without_autodiff()
                .bool_not();
            weight = weight.mask_fill(missing, 0.0);
        }
        if let Some((lower, upper)) = self.bounds {
            // Infinite bounds are left out: not every type of number has them.
            if lower > f64::NEG_INFINITY {
                weight = weight.clamp_min(lower);
            }
            if upper < f64::INFINITY {
                weight = weight.clamp_max(upper);
            }
        }
        if let Some((axis, total)) = self.sum {
            let sum = (0..D)
                .filter(|&dim| dim != axis)
                .fold(weight.clone().abs(), Tensor::sum_dim);
            // A unit that hears nothing keeps its zeros: 0 / 1.
            let silent = sum.clone().equal_elem(0.0);
            weight = weight / sum.mask_fill(silent, 1.0) * total;
        }
        self.projections
            .iter()
            .fold(weight, |weight, project| (project.0)(weight))
    }

    /// The same law where all synapses exist.
    pub(super) fn without_mask(self) -> Self {
        Self { mask: None, ..self }
    }

    fn signed(&self, weight: Tensor<D>, signs: Tensor<1, Int>) -> Tensor<D> {
        let mut shape = [1; D];
        shape[self.sign_axis] = signs.dims()[0];
        assert_eq!(
            weight.dims()[self.sign_axis],
            shape[self.sign_axis],
            "as many signs as axis {} of the weights is long",
            self.sign_axis
        );
        let signs: Tensor<D> = signs
            .float()
            .cast(weight.dtype())
            .reshape(Shape::from(shape));
        let signed = (weight.clone() * signs.clone()).clamp_min(0.0) * signs.clone();
        if self.unconstrained {
            signed + weight * (1.0 - signs.abs())
        } else {
            signed
        }
    }
}

impl Law<2> {
    /// No unit projects to itself: the diagonal of a square matrix is missing.
    pub fn without_autapses(self, size: usize, device: &Device) -> Self {
        self.with_mask(Tensor::<2, Bool>::diag_mask([size, size], 0, device))
    }
}

/// Where `weight` breaks `law`: true for each such value, and for what is not a number.
///
/// Quantised weights are judged by the values that they stand for.
pub(super) fn unlawful<const D: usize>(weight: Tensor<D>, law: &Law<D>) -> Tensor<D, Bool> {
    let weight = weight.without_autodiff();
    let weight = match weight.dtype() {
        DType::QFloat(_) => weight.dequantize(),
        _ => weight,
    };
    let away = (law.project(weight.clone()) - weight.clone()).abs();
    let tolerance = tolerance(weight.dtype());
    // Written so that what is not a number does not pass.
    away.lower_equal(weight.abs() * tolerance).bool_not()
}

/// How far a lawful weight may move when it is projected once more, relative to itself: a fixed sum
/// is met up to rounding. A wrong sign or a missing synapse moves by all of itself.
fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-12,
        DType::F16 => 4e-3,
        DType::BF16 => 3e-2,
        _ => 1e-5,
    }
}
