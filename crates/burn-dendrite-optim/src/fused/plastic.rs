//! A parameter that learns: from its factors to its changed weights.

use std::sync::Arc;

use burn_dendrite_nn::Parameter;
use pulp::Arch;
use rayon::prelude::*;

use super::{
    factors::{Factors, Products},
    kernel::{self, Operand},
    weights::Matrix,
};
use crate::rule::LearningRule;

/// Up to so many products, weights are updated row by row; beyond, by a product of matrices.
const FEW_PRODUCTS: usize = 8;

/// A parameter that learns, and how.
#[derive(Clone, Debug)]
pub(super) struct Plastic {
    pub(super) parameter: Parameter,
    pub(super) rate: f32,
    pub(super) cause: Cause,
    pub(super) factors: Factors,
    sums: Vec<f32>,
}

/// What changes a parameter.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// The local rule, and the place of its memory.
    Rule(Arc<dyn LearningRule>, usize),
    /// The gradient of an objective, by its place.
    Gradient(usize),
}

impl Plastic {
    pub(super) fn new(parameter: Parameter, rate: f64, cause: Cause) -> Self {
        Self {
            parameter,
            rate: rate as f32,
            cause,
            factors: Factors::default(),
            sums: Vec::new(),
        }
    }

    /// Adds the change to the weights, and applies what must hold of them.
    pub(super) fn change(&mut self, arch: Arch, matrix: &mut Matrix) {
        let Factors { products, weighted } = &self.factors;
        if products.count + weighted.count <= FEW_PRODUCTS {
            self.change_rows(arch, matrix);
        } else {
            self.change_blocks(matrix);
        }
        matrix.constrain_together(&mut self.sums);
    }

    /// Row by row, without those that do not change.
    fn change_rows(&self, arch: Arch, matrix: &mut Matrix) {
        let Factors { products, weighted } = &self.factors;
        let (pre, width, bounds) = (matrix.pre, matrix.width, matrix.bounds);
        for unit in 0..pre {
            let not_zero = |factors: &'_ [f32], count: usize| -> [(f32, usize); FEW_PRODUCTS] {
                let mut found = [(0.0, 0); FEW_PRODUCTS];
                for (index, found) in found.iter_mut().enumerate().take(count) {
                    *found = (factors[index * pre + unit], index);
                }
                found
            };
            let changes = not_zero(&products.pre, products.count);
            let decays = not_zero(&weighted.pre, weighted.count);
            let changes = changes.iter().filter(|it| it.0 != 0.0).copied();
            let decays = decays.iter().filter(|it| it.0 != 0.0).copied();
            if changes.clone().next().is_none() && decays.clone().next().is_none() {
                continue;
            }
            let row = matrix.row_mut(unit);
            kernel::update_row(
                arch,
                row,
                changes,
                &products.post,
                decays,
                &weighted.post,
                bounds,
            );
            if !matrix.connectivity.is_empty() {
                let exists = &matrix.connectivity[unit * width..][..width];
                let row = &mut matrix.values[unit * width..][..width];
                for (weight, exists) in row.iter_mut().zip(exists) {
                    *weight *= exists;
                }
            }
        }
    }

    /// By products of matrices, a block of rows for each thread.
    fn change_blocks(&self, matrix: &mut Matrix) {
        let Factors { products, weighted } = &self.factors;
        let (pre, width, bounds) = (matrix.pre, matrix.width, matrix.bounds);
        let block = pre.div_ceil(rayon::current_num_threads().max(1)).max(64);
        let connectivity = &matrix.connectivity;
        let change = |(index, rows): (usize, &mut [f32])| {
            let first = index * block;
            let units = rows.len() / width;
            let shape = |count| [units, count, width];
            if weighted.count > 0 {
                let mut decay = vec![0.0; rows.len()];
                let [left, right] = operands(weighted, first, pre, width);
                kernel::add_product(&mut decay, width, shape(weighted.count), left, right, 1.0);
                for (weight, decay) in rows.iter_mut().zip(&decay) {
                    *weight += *weight * decay;
                }
            }
            let [left, right] = operands(products, first, pre, width);
            kernel::add_product(rows, width, shape(products.count), left, right, 1.0);
            for weight in rows.iter_mut() {
                *weight = weight.max(bounds.lower).min(bounds.upper);
            }
            if !connectivity.is_empty() {
                let exists = &connectivity[first * width..][..rows.len()];
                for (weight, exists) in rows.iter_mut().zip(exists) {
                    *weight *= exists;
                }
            }
        };
        let blocks = matrix.values.par_chunks_mut(block * width).enumerate();
        blocks.for_each(change);
    }
}

/// The two sides of a sum of products, for the presynaptic units from `first` on.
fn operands(products: &Products, first: usize, pre: usize, width: usize) -> [Operand<'_>; 2] {
    [
        Operand {
            values: products.pre.get(first..).unwrap_or_default(),
            row_stride: 1,
            column_stride: pre,
        },
        Operand {
            values: &products.post,
            row_stride: width,
            column_stride: 1,
        },
    ]
}
