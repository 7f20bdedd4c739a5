//! Products of weights with values that each of them picks for itself, for many samples side by side.

use pulp::{Simd, WithSimd};

use super::{kernel::arch, lanes::VECTOR};

/// Sums that are kept in registers.
const SUMS: usize = 8;

/// `sum_u ← sum_u + Σ_k weight_ku · given_(heard_ku)`, where every element of the sums and of what is given is a
/// [`VECTOR`] of samples.
pub(crate) struct GatheredDrives<'a> {
    /// `[units]` vectors.
    pub(crate) sum: &'a mut [f32],
    /// A vector for each unit that may be heard.
    pub(crate) given: &'a [f32],
    /// `[synapses, width]`.
    pub(crate) weights: &'a [f32],
    /// `[synapses, width]`: the number of the unit that each weight picks.
    pub(crate) heard: &'a [u32],
    /// Values of a row of weights.
    pub(crate) width: usize,
}

impl GatheredDrives<'_> {
    /// Adds the products.
    ///
    /// # Panics
    ///
    /// If a unit is heard that is not given.
    pub(crate) fn add(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for GatheredDrives<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let units = self.sum.len() / VECTOR;
        let whole = units - units % SUMS;
        for unit in (0..whole).step_by(SUMS) {
            self.add_units::<S, SUMS>(simd, unit);
        }
        for unit in whole..units {
            self.add_units::<S, 1>(simd, unit);
        }
    }
}

// Closures would not inherit the vector instructions that `with_simd` is compiled for.
impl GatheredDrives<'_> {
    #[inline(always)]
    fn add_units<S: Simd, const UNITS: usize>(&mut self, simd: S, unit: usize) {
        let vectors = VECTOR / S::F32_LANES;
        let (given, _) = S::as_simd_f32s(self.given);
        for lane in 0..vectors {
            let mut sums = [simd.splat_f32s(0.0); UNITS];
            let rows = self.weights.chunks_exact(self.width);
            for (weights, heard) in rows.zip(self.heard.chunks_exact(self.width)) {
                let weights = &weights[unit..][..UNITS];
                let heard = &heard[unit..][..UNITS];
                for at in 0..UNITS {
                    let value = given[heard[at] as usize * vectors + lane];
                    let weight = simd.splat_f32s(weights[at]);
                    sums[at] = simd.mul_add_e_f32s(weight, value, sums[at]);
                }
            }
            let (totals, _) = S::as_mut_simd_f32s(self.sum);
            for (at, sum) in sums.into_iter().enumerate() {
                let total = &mut totals[(unit + at) * vectors + lane];
                *total = simd.add_f32s(*total, sum);
            }
        }
    }
}

/// `sum_ku ← sum_ku + Σ_s given_(heard_ku),s · post_us` over all samples.
pub(crate) struct GatheredChanges<'a> {
    /// `[synapses, width]`.
    pub(crate) sum: &'a mut [f32],
    /// The samples of each unit that may be heard, `length` values a unit.
    pub(crate) given: &'a [f32],
    /// The samples of each unit that hears.
    pub(crate) post: &'a [f32],
    /// `[synapses, width]`: the number of the unit that each weight picks.
    pub(crate) heard: &'a [u32],
    /// Values of a row of weights.
    pub(crate) width: usize,
    /// Samples with what is missing to whole vectors, a multiple of [`VECTOR`].
    pub(crate) length: usize,
}

impl GatheredChanges<'_> {
    /// Adds the products.
    ///
    /// # Panics
    ///
    /// If a unit is heard that is not given.
    pub(crate) fn add(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for GatheredChanges<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let units = self.post.len() / self.length.max(1);
        let synapses = self.heard.len() / self.width.max(1);
        let whole = synapses - synapses % SUMS;
        for unit in 0..units {
            for synapse in (0..whole).step_by(SUMS) {
                self.add_synapses::<S, SUMS>(simd, synapse, unit);
            }
            for synapse in whole..synapses {
                self.add_synapses::<S, 1>(simd, synapse, unit);
            }
        }
    }
}

impl GatheredChanges<'_> {
    #[inline(always)]
    fn add_synapses<S: Simd, const SYNAPSES: usize>(
        &mut self,
        simd: S,
        synapse: usize,
        unit: usize,
    ) {
        let vectors = self.length / S::F32_LANES;
        let (post, _) = S::as_simd_f32s(&self.post[unit * self.length..][..self.length]);
        let (given, _) = S::as_simd_f32s(self.given);
        let mut picked = [post; SYNAPSES];
        for (at, picked) in picked.iter_mut().enumerate() {
            let heard = self.heard[(synapse + at) * self.width + unit] as usize;
            *picked = &given[heard * vectors..][..vectors];
        }
        let mut sums = [simd.splat_f32s(0.0); SYNAPSES];
        for lane in 0..vectors {
            for at in 0..SYNAPSES {
                sums[at] = simd.mul_add_e_f32s(picked[at][lane], post[lane], sums[at]);
            }
        }
        for (at, sum) in sums.into_iter().enumerate() {
            self.sum[(synapse + at) * self.width + unit] += simd.reduce_sum_f32s(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three units that are given, five that hear two of them each, in rows of eight.
    const HEARD: [u32; 16] = [0, 1, 2, 0, 1, 0, 0, 0, 2, 2, 0, 1, 1, 0, 0, 0];

    #[test]
    fn a_drive_is_the_sum_of_what_is_picked() {
        let given: Vec<f32> = (0..3 * VECTOR).map(|at| at as f32).collect();
        let weights: Vec<f32> = (0..16).map(|at| at as f32).collect();
        let mut sum = vec![1.0; 5 * VECTOR];
        GatheredDrives {
            sum: &mut sum,
            given: &given,
            weights: &weights,
            heard: &HEARD,
            width: 8,
        }
        .add();
        for (at, sum) in sum.into_iter().enumerate() {
            let (unit, sample) = (at / VECTOR, at % VECTOR);
            // Sample s of unit g is 16 g + s; the weights of unit u are u and 8 + u.
            let value = |row: usize| HEARD[8 * row + unit] as usize * VECTOR + sample;
            let expected = 1 + unit * value(0) + (8 + unit) * value(1);
            assert_eq!(sum, expected as f32, "{unit}, {sample}");
        }
    }

    #[test]
    fn a_change_is_the_sum_over_samples() {
        let length = 2 * VECTOR;
        let given: Vec<f32> = (0..3 * length).map(|at| (at / length) as f32).collect();
        let post: Vec<f32> = (0..5 * length).map(|at| (at % length) as f32).collect();
        let mut sum = vec![1.0; 16];
        GatheredChanges {
            sum: &mut sum,
            given: &given,
            post: &post,
            heard: &HEARD,
            width: 8,
            length,
        }
        .add();
        // The sum of the samples 0 to 31 is 496, times the number of the unit that is picked.
        for (at, sum) in sum.into_iter().enumerate() {
            let expected = if at % 8 < 5 { 1 + 496 * HEARD[at] } else { 1 };
            assert_eq!(sum, expected as f32, "{at}");
        }
    }
}
