//! The change of one parameter.

use burn::tensor::Tensor;
use burn_dendrite_nn::{
    Change, Parameter, Plan,
    numbers::{Bounds, HostRows, Rows},
};

/// The change of the weights of a projection, `[pre, post]`, or of a bias, `[1, post]`, as a sum of
/// products of thin factors:
///
/// ```text
/// Δw_ij = Σ_k x_ki · y_kj  +  w_ij · Σ_l u_li · v_lj
/// ```
///
/// A rule makes it by [`Synapse::outer`](crate::Synapse::outer) and
/// [`Synapse::weighted`](crate::Synapse::weighted), and so never knows the size, the layout or the
/// geometry of the weights; it is multiplied out only where it is applied.
#[derive(Clone, Debug)]
pub struct Delta<R = Tensor<2>> {
    /// Pairs of presynaptic factors `[rows, pre]` and postsynaptic factors `[rows, post]`.
    pub(crate) products: Vec<(R, R)>,
    /// Such pairs whose product multiplies the weights.
    pub(crate) weighted: Vec<(R, R)>,
    /// A change that is known as a whole, `[pre, post]`.
    pub(crate) whole: Option<R>,
}

/// The size of the change of a parameter: `[pre, post]` of weights, `[1, size]` of biases.
pub(crate) fn shape(plan: &Plan, parameter: Parameter) -> [usize; 2] {
    match parameter {
        Parameter::Weight(id) => {
            let site = &plan.projection(id).site;
            [site.pre, site.post]
        }
        Parameter::Bias(id) => [1, plan.populations[id].biases()],
    }
}

impl<R: Rows> Delta<R> {
    /// No change.
    pub fn none() -> Self {
        Self {
            products: Vec::new(),
            weighted: Vec::new(),
            whole: None,
        }
    }

    pub(crate) fn outer(pre: R, post: R) -> Self {
        Self {
            products: vec![(pre, post)],
            ..Self::none()
        }
    }

    pub(crate) fn weighted(pre: R, post: R) -> Self {
        Self {
            weighted: vec![(pre, post)],
            ..Self::none()
        }
    }

    pub(crate) fn whole(change: R) -> Self {
        Self {
            whole: Some(change),
            ..Self::none()
        }
    }

    /// Both changes.
    pub fn and(mut self, other: Self) -> Self {
        self.products.extend(other.products);
        self.weighted.extend(other.weighted);
        self.whole = match (self.whole, other.whole) {
            (Some(one), Some(other)) => Some(one + other),
            (one, other) => one.or(other),
        };
        self
    }

    /// The change times `factor`.
    pub fn scale(mut self, factor: f64) -> Self {
        let scaled = |pairs: Vec<(R, R)>| -> Vec<(R, R)> {
            pairs
                .into_iter()
                .map(|(pre, post)| (pre, post * factor))
                .collect()
        };
        self.products = scaled(self.products);
        self.weighted = scaled(self.weighted);
        self.whole = self.whole.map(|whole| whole * factor);
        self
    }
}

impl Delta<HostRows> {
    /// The change as a network in main memory makes it, each of its numbers within bounds.
    pub(crate) fn within(&self, bounds: Bounds) -> Change<'_> {
        Change {
            products: &self.products,
            weighted: &self.weighted,
            bounds,
        }
    }
}

impl Delta<Tensor<2>> {
    /// The change multiplied out, `[pre, post]`, for weights that are those now.
    pub(crate) fn multiplied_out(self, weight: impl FnOnce() -> Tensor<2>) -> Tensor<2> {
        let Self {
            products,
            weighted,
            whole,
        } = self;
        let mut sum = [product(products), whole]
            .into_iter()
            .flatten()
            .reduce(|one, other| one + other);
        if let Some(weighted) = product(weighted) {
            let weighted = weighted * weight();
            sum = Some(match sum {
                Some(sum) => sum + weighted,
                None => weighted,
            });
            return sum.expect("set just now");
        }
        sum.unwrap_or_else(|| weight().zeros_like())
    }

    /// The same with nothing left but a change that is known as a whole, for weights that are those now; `outer`
    /// is what a product of factors means for them.
    pub(crate) fn summed(
        self,
        weight: impl FnOnce() -> Tensor<2>,
        outer: impl Fn(Tensor<2>, Tensor<2>) -> Tensor<2>,
    ) -> Self {
        let sum = |pairs: Vec<(Tensor<2>, Tensor<2>)>| {
            let products = pairs.into_iter().map(|(pre, post)| outer(pre, post));
            products.reduce(|sum, product| sum + product)
        };
        let parts = [sum(self.products), self.whole];
        let change = parts.into_iter().flatten().reduce(|one, other| one + other);
        let whole = match (change, sum(self.weighted)) {
            (Some(change), None) => change,
            (Some(change), Some(weighted)) => change + weighted * weight(),
            (None, Some(weighted)) => weighted * weight(),
            (None, None) => weight().zeros_like(),
        };
        Self::whole(whole)
    }

    /// The same with nothing left that depends on the weights, which are those now.
    pub(crate) fn resolved(mut self, weight: impl FnOnce() -> Tensor<2>) -> Self {
        if self.weighted.is_empty() && !(self.products.is_empty() && self.whole.is_none()) {
            return self;
        }
        let products = std::mem::take(&mut self.products);
        Self {
            products,
            weighted: Vec::new(),
            whole: Some(self.multiplied_out(weight)),
        }
    }
}

/// `Σ_k x_kᵀ · y_k`, as one product of longer factors; `None` where there is none.
fn product(pairs: Vec<(Tensor<2>, Tensor<2>)>) -> Option<Tensor<2>> {
    if pairs.is_empty() {
        return None;
    }
    let (pre, post) = pairs.into_iter().unzip();
    let (pre, post) = (Tensor::stacked(pre), Tensor::stacked(post));
    Some(match pre.dims()[0] {
        // A broadcast product for one sample: a matrix product with one inner term is slower.
        1 => pre.transpose() * post,
        _ => pre.transpose().matmul(post),
    })
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[test]
    fn products_are_multiplied_out_as_the_equation_says() {
        let device = crate::test_device();
        let rows = |values: [[f32; 2]; 1]| Tensor::<2>::from_floats(values, &device);
        let delta = Delta::outer(rows([[1.0, 2.0]]), rows([[3.0, 4.0]]))
            .and(Delta::outer(rows([[1.0, 0.0]]), rows([[0.0, 1.0]])))
            .and(Delta::weighted(rows([[1.0, 1.0]]), rows([[0.0, -1.0]])))
            .scale(2.0);
        let weight = || Tensor::<2>::from_floats([[10.0, 20.0], [30.0, 40.0]], &device);
        // 2·(xy: [[3, 4 + 1], [6, 8]]; w∘uv: [[0, −20], [0, −40]]).
        let expected = TensorData::from([[6.0f32, -30.0], [12.0, -64.0]]);
        let change = delta.clone().multiplied_out(weight).into_data();
        change.assert_eq(&expected, true);
        let resolved = delta.resolved(weight);
        let later = resolved.multiplied_out(|| unreachable!("nothing depends on the weights"));
        later.into_data().assert_eq(&expected, true);
    }

    /// Also where a product of factors means something else for the weights, here twice as much.
    #[test]
    fn all_that_is_asked_for_is_summed() {
        let device = crate::test_device();
        let rows = |values: [[f32; 2]; 1]| Tensor::<2>::from_floats(values, &device);
        let weight = || Tensor::<2>::from_floats([[10.0, 20.0], [30.0, 40.0]], &device);
        let twice = |pre: Tensor<2>, post: Tensor<2>| pre.transpose().matmul(post) * 2.0;
        let summed = |delta: Delta<Tensor<2>>| {
            let whole = delta.summed(weight, twice);
            let change = whole.multiplied_out(|| unreachable!("nothing depends on the weights"));
            change.into_data()
        };
        let products = Delta::outer(rows([[1.0, 2.0]]), rows([[3.0, 4.0]]))
            .and(Delta::outer(rows([[1.0, 0.0]]), rows([[0.0, 1.0]])));
        let weighted = Delta::weighted(rows([[1.0, 1.0]]), rows([[0.0, -1.0]]))
            .and(Delta::weighted(rows([[1.0, 0.0]]), rows([[1.0, 0.0]])));
        let whole = Delta::whole(Tensor::from_floats([[1.0, 2.0], [3.0, 4.0]], &device));
        // [[6, 8 + 2], [12, 16]], and w ∘ [[2, −2], [0, −2]].
        let check = |delta, expected: [[f32; 2]; 2]| {
            summed(delta).assert_eq(&TensorData::from(expected), true);
        };
        check(products.clone(), [[6.0, 10.0], [12.0, 16.0]]);
        check(weighted.clone(), [[20.0, -40.0], [0.0, -80.0]]);
        check(whole.clone(), [[1.0, 2.0], [3.0, 4.0]]);
        check(Delta::none(), [[0.0, 0.0], [0.0, 0.0]]);
        check(
            products.and(weighted).and(whole),
            [[27.0, -28.0], [15.0, -60.0]],
        );
    }
}
